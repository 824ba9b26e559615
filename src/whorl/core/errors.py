"""Errors that say what is wrong, where, and what to do about it.

Every error a user can cause is a `WhorlError`. Its text is one sentence of three parts, ``where: what. remedy``, and its
`exit_code` is what the command line ends with (2 usage, 3 input, 4 missing extra).
"""

from __future__ import annotations


class WhorlError(Exception):
    """An error with its place and its remedy.

    Parameters
    ----------
    what : str
        What is wrong, as a clause without a full stop: ``"r is not increasing (0.53 after 0.54)"``.
    where : str
        File, line, parameter: ``"Pt.gr, line 31"``. Empty when there is no place to name.
    remedy : str
        What the user can do, as a sentence: ``"Sort the file or pass sort=True."``.

    Examples
    --------
    >>> str(PatternError("r is not increasing", where="Pt.gr, line 31", remedy="Sort the file."))
    'Pt.gr, line 31: r is not increasing. Sort the file.'
    """

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = what.rstrip(".")
        self.where = where
        self.remedy = remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}." if self.where else f"{self.what}."
        return f"{text} {self.remedy}".rstrip()

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """Travel between processes with the place and the remedy kept."""
        return _rebuild, (type(self), self.what, self.where, self.remedy)

    def as_dict(self) -> dict[str, str]:
        """Give the ``error`` object of the JSON surface: where, what, remedy."""
        return {"where": self.where, "what": self.what, "remedy": self.remedy}


def _rebuild(kind: type[WhorlError], what: str, where: str, remedy: str) -> WhorlError:
    return kind(what, where=where, remedy=remedy)


class UsageError(WhorlError):
    """The call is wrong, whatever the data: an unknown option value, a range upside down."""

    exit_code = 2


class PatternError(WhorlError):
    """A measurement cannot be read or used."""


class StructureError(WhorlError):
    """A structure (CIF, XYZ, a list of atoms) cannot be read or used."""


class CatalogueError(WhorlError):
    """A catalogue is missing, broken or empty for this question."""


class FitError(WhorlError):
    """A refinement cannot be set up or ends without a usable result."""


class WorkspaceError(WhorlError):
    """The workspace cannot be opened, written or found."""


class MissingExtraError(WhorlError):
    """An optional part of whorl is not installed; the remedy names the ``pip install``."""

    exit_code = 4
