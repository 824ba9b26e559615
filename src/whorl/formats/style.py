"""How numbers are written in a block of text: separator, decimal comma, Fortran exponents, and the way back to plain numbers.

A decimal comma is told from a separating comma by what else stands in the block:

=====================  ==========================================================
``1,5;2,3``            semicolons separate, so commas are decimal
``1,5 2,3``            white space separates and there is no point: decimal
``1.5,2.3``            there are points: commas separate
``1, 2``               commas followed by white space separate
``1,5,2,3``            commas do both; accepted when only that makes the axis increase
``1.5;2,3``            both marks as decimals: refused
=====================  ==========================================================
"""

from __future__ import annotations

import re

from whorl.core.errors import PatternError

_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+|[+-]\d{2,3})?|nan|inf(?:inity)?)", re.ASCII | re.IGNORECASE)
_BLANKS = str.maketrans({",": " ", ";": " ", '"': " ", "'": " ", "\xa0": " ", "\u2212": "-"})
_NO_E = re.compile(r"(?<=[\d.])([+-]\d{2,3})(?=\s|$)", re.ASCII)


def is_numeric_row(line: str) -> bool:
    r"""Say whether a line holds numbers only, in whatever style.

    Examples
    --------
    >>> is_numeric_row(" 1,5;\t-2.3D+01"), is_numeric_row("r G(r)"), is_numeric_row("")
    (True, False, False)
    """
    if len(line) > 10_000:
        return False
    tokens = line.translate(_BLANKS).split()
    return bool(tokens) and all(_NUMBER.fullmatch(token) for token in tokens)


def normalise(block: str, where: str) -> tuple[str, list[str]]:
    r"""Rewrite rows of numbers with white space between them, points as decimals and ``e`` in exponents.

    Parameters
    ----------
    block : str
        Rows of numbers, ``\n`` between them.
    where : str
        For the error.

    Returns
    -------
    block, notes : str, list of str

    Raises
    ------
    PatternError
        If points and commas are both used as decimals.

    Examples
    --------
    >>> normalise("1,5;2,3", "a.gr")
    ('1.5 2.3', ['decimal comma'])
    >>> normalise("1.5,2.3D-01", "a.gr")
    ('1.5 2.3e-01', [])
    """
    notes: list[str] = []
    if not block.isascii():
        block = block.replace("\xa0", " ").replace("\u2212", "-")
    if '"' in block or "'" in block:
        block = block.replace('"', " ").replace("'", " ")
    if "," in block:
        block = _commas(block, where, notes)
    if ";" in block:
        block = block.replace(";", " ")
    if "D" in block or "d" in block:
        block = block.replace("D", "e").replace("d", "e")
    return block, notes


def paired(block: str) -> str | None:
    """Read commas that both separate and mark decimals ("0,01,1,5"), ``None`` when the rows do not allow it."""
    rows = [line.strip().split(",") for line in _tight(block).split("\n") if line.strip()]
    if not all(len(row) % 2 == 0 and len(row) >= 4 for row in rows):
        return None
    return "\n".join(" ".join(f"{a}.{b}" for a, b in zip(row[::2], row[1::2], strict=True)) for row in rows)


def add_missing_e(block: str) -> str:
    """Put the ``e`` back that Fortran leaves out of three-digit exponents ("1.5-101").

    Examples
    --------
    >>> add_missing_e("1.5-101 2.0")
    '1.5e-101 2.0'
    """
    return _NO_E.sub(r"e\1", block)


def _commas(block: str, where: str, notes: list[str]) -> str:
    if ";" in block:
        if "." in block:
            _refuse(where)
        notes.append("decimal comma")
        return block.replace(",", ".")
    tight = _tight(block)
    spaced = any("," in line and len(line.split()) > 1 for line in tight.split("\n"))
    if spaced and "." in block:
        _refuse(where)
    if spaced:
        notes.append("decimal comma")
        return tight.replace(",", ".")
    return tight.replace(",", " ")


def _tight(block: str) -> str:
    """Take the white space away that stands around commas."""
    if " " not in block and "\t" not in block:
        return block
    return re.sub(r"[^\S\n]+", " ", block).replace(" ,", ",").replace(", ", ",")


def _refuse(where: str) -> None:
    raise PatternError(
        "decimal points and decimal commas are mixed",
        where=where,
        remedy="Write all numbers with a point, and separate them by white space or semicolons.",
    )
