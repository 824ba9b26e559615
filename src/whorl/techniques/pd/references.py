"""A library of measured patterns of pure phases with their reference intensity ratios, from tables or a folder.

The reference intensity ratio (RIR) of a phase is the intensity of its strongest line over that of corundum in a mixture of
equal weights (P. M. de Wolff & J. W. Visser, Powder Diffr. 3, 202 (1988)), here the height of its measured pattern, background
and all: patterns are brought to the same height, and weights go with factor over RIR.

Layouts::

    library.csv     two_theta, then one column for each reference
    rir.csv         columns: reference (phase_id, name, id), group (phase_name, mineral, phase), rir, and rir_sigma if known

    folder/         pattern files of any format, and one CSV with the columns file, group, rir (name, rir_sigma)

A reference of no RIR, or of a group called background, is a curve of the background: it has no weight.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.provenance import sha256_bytes, sha256_file
from whorl.formats import read
from whorl.techniques.pd.noise import uncertainty

Array = NDArray[np.float64]

_ANGLE = ("two_theta", "2theta", "tth", "2-theta", "twotheta", "angle")
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("reference", "phase_id", "name", "id"),
    "file": ("file", "filename", "path"),
    "group": ("group", "phase_name", "mineral", "phase"),
    "rir": ("rir", "i/ic", "iic"),
    "rir_sigma": ("rir_sigma", "sigma"),
}
_BACKGROUND = "background"
_FEWEST = 100  # points of a reference


@dataclass(frozen=True)
class Reference:
    """A measured pattern of one phase.

    Attributes
    ----------
    name, group : str
        What was measured; the phase it stands for (several references may stand for one).
    rir : float
        Reference intensity ratio; not a number for a curve of the background.
    rir_sigma : float, optional
        Its standard uncertainty, where it is known.
    x, y : array, shape (n,)
        2 theta, degrees; intensity, the highest point 1.
    variance : array, shape (n,)
        Of the noise.
    wavelength : float, optional
        Angstrom, where the file states it.
    """

    name: str
    group: str
    rir: float
    rir_sigma: float | None
    x: Array
    y: Array
    variance: Array
    wavelength: float | None = None

    @property
    def is_background(self) -> bool:
        """True for a curve that stands for no phase."""
        return not np.isfinite(self.rir) or self.group.strip().lower() == _BACKGROUND


@dataclass(frozen=True)
class Library:
    """References, and where they are from."""

    references: tuple[Reference, ...]
    source: str
    digest: str

    def without(self, words: Collection[str]) -> Library:
        """Leave out references and groups by name, whatever the case of the letters.

        Raises
        ------
        UsageError
            If a name is neither.
        """
        unwanted = {_key(w) for w in words}
        self._known(unwanted)
        kept = tuple(r for r in self.references if not {_key(r.name), _key(r.group)} & unwanted)
        return Library(kept, self.source, self.digest)

    def only(self, words: Collection[str]) -> Library:
        """Keep references and groups by name, and the backgrounds.

        Raises
        ------
        UsageError
            If a name is neither.
        """
        wanted = {_key(w) for w in words}
        self._known(wanted)
        kept = tuple(r for r in self.references if r.is_background or {_key(r.name), _key(r.group)} & wanted)
        return Library(kept, self.source, self.digest)

    def _known(self, words: Collection[str]) -> None:
        known = {_key(n) for r in self.references for n in (r.name, r.group)}
        if missing := sorted(set(words) - known):
            groups = ", ".join(list(dict.fromkeys(r.group for r in self.references))[:12])
            raise UsageError(f"no reference or group {missing[0]!r}", where=self.source, remedy=f"Groups are {groups}, ...")


def open_library(path: str | Path, ratios: str | Path | None = None) -> Library:
    r"""Open a library of measured references.

    Parameters
    ----------
    path : path
        A table of patterns, or a folder of pattern files with a CSV beside them.
    ratios : path, optional
        Table of the reference intensity ratios; by default the one CSV that lies beside the patterns and has such a column.

    Raises
    ------
    UsageError
        If there is no such file, a column is missing, or a reference has no ratio and is no background.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> rows = [f"{10 + 0.1 * i:.1f},{5 + 100 * (i == 70)},{9 + 50 * (i == 30)}" for i in range(200)]
    >>> _ = (folder / "patterns.csv").write_text("\n".join(["two_theta,A,B", *rows]))
    >>> _ = (folder / "rir.csv").write_text("reference,group,rir\nA,Corundum,1\nB,Clay,0.3\n")
    >>> [(r.name, r.group, r.rir, float(r.y.max())) for r in open_library(folder / "patterns.csv").references]
    [('A', 'Corundum', 1.0, 1.0), ('B', 'Clay', 0.3, 1.0)]
    """
    place = Path(path)
    if not place.exists():
        raise UsageError("there is no such library", where=str(path), remedy="Name a CSV table of patterns or a folder.")
    table = Path(ratios) if ratios is not None else _table_beside(place)
    stamp = tuple(_stamp(p) for p in (place, table, *(sorted(place.iterdir()) if place.is_dir() else ())))
    return _open(str(place), str(table), stamp)


@lru_cache(maxsize=2)
def _open(path: str, ratios: str, stamp: tuple[tuple[int, int], ...]) -> Library:
    del stamp
    place, table = Path(path), Path(ratios)
    rows = _rows(table)
    found = _from_folder(place, rows, table) if place.is_dir() else _from_table(place, rows, table)
    if not any(not r.is_background for r in found):
        raise UsageError("the library holds no reference with a ratio", where=str(table), remedy="Fill the column rir.")
    used = [sha256_file(table)] + ([] if place.is_dir() else [sha256_file(place)])
    used += [sha256_bytes(np.concatenate([r.x, r.y]).tobytes()) for r in found] if place.is_dir() else []
    return Library(tuple(found), path, sha256_bytes("".join(used).encode()))


def _from_table(place: Path, rows: list[dict[str, str]], table: Path) -> list[Reference]:
    try:
        with place.open(encoding="utf-8-sig", newline="") as stream:
            head = [cell.strip() for cell in next(csv.reader(stream), [])]
            data = np.genfromtxt(stream, delimiter=",", dtype=np.float64, ndmin=2)
    except (OSError, ValueError, UnicodeDecodeError) as error:
        raise UsageError(f"this is no table of patterns ({error})", where=str(place), remedy=_HOW) from error
    if not head or head[0].lower() not in _ANGLE or data.shape[1] != len(head) or data.shape[0] < _FEWEST:
        raise UsageError("this is no table of patterns", where=str(place), remedy=_HOW)
    if len(set(head)) < len(head):
        raise UsageError("two columns have one name", where=str(place), remedy="Name each reference once.")
    ratio = {_key(row["name"]): row for row in rows if row.get("name")}
    found = []
    for name, column in zip(head[1:], data.T[1:], strict=True):
        row = ratio.get(_key(name))
        if row is None:
            raise UsageError(f"no line for the reference {name}", where=str(table), remedy="Give its group and rir there.")
        found.append(_reference(name, row, data[:, 0], column, where=str(place)))
    return found


def _from_folder(place: Path, rows: list[dict[str, str]], table: Path) -> list[Reference]:
    found = []
    for row in rows:
        if not row.get("file"):
            raise UsageError("a line names no file", where=str(table), remedy="Fill the column file.")
        measurement = read(place / row["file"], kind="powder")
        if measurement.frames != 1:
            raise UsageError("this is a series", where=row["file"], remedy="A reference is one pattern.")
        wavelength = measurement.settings.get("wavelength")
        stated = float(wavelength) if isinstance(wavelength, int | float) else None
        name = row.get("name") or Path(row["file"]).stem
        used = measurement.used
        found.append(_reference(name, row, measurement.x[used], measurement.signal[used], where=row["file"], wavelength=stated))
    if len({r.name for r in found}) < len(found):
        raise UsageError("two references have one name", where=str(table), remedy="Give each its own in the column name.")
    return found


def _reference(
    name: str, row: Mapping[str, str], x: Array, y: Array, *, where: str, wavelength: float | None = None
) -> Reference:
    good = np.isfinite(x) & np.isfinite(y)
    x, y = x[good], y[good]
    height = float(np.max(np.abs(y), initial=0.0))
    if x.size < _FEWEST or not np.all(np.diff(x) > 0) or height <= 0:
        raise UsageError(f"{name} is no pattern", where=where, remedy="Angles must rise, and some intensity be there.")
    rir, sigma = _number(row, "rir", name), _number(row, "rir_sigma", name)
    if np.isfinite(rir) and rir <= 0:
        raise UsageError(f"rir {rir:g} of {name}", where=where, remedy="It is positive; leave it empty for a background.")
    # equal neighbours: a drawn curve, which has no noise
    variance = uncertainty(y, None).sigma ** 2 if np.ptp(y) > 0 else np.zeros_like(y)
    known = sigma if np.isfinite(sigma) else None
    group = row.get("group") or name
    return Reference(name, group, rir, known, x, y / height, variance / height**2, wavelength)


def _number(row: Mapping[str, str], column: str, name: str) -> float:
    text = (row.get(column) or "").strip()
    try:
        return float(text) if text else float("nan")
    except ValueError:
        raise UsageError(f"{column} of {name} is {text!r}", remedy="Write a number, or nothing.") from None


def _rows(table: Path) -> list[dict[str, str]]:
    """Lines of a table of ratios, under our names of the columns."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            lines = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the table of ratios cannot be read ({error})", where=str(table), remedy=_HOW) from error
    names = {(n or "").strip().lower(): n for n in (lines[0] if lines else {}) if n is not None}
    ours = {own: next((names[n] for n in known if n in names), None) for own, known in _COLUMNS.items()}
    if ours["rir"] is None or (ours["name"] is None and ours["file"] is None):
        raise UsageError("this is no table of ratios", where=str(table), remedy=_HOW)
    return [{own: (line.get(column) or "").strip() for own, column in ours.items() if column} for line in lines]


def _table_beside(place: Path) -> Path:
    """The CSV beside the patterns that has a column of ratios."""
    folder = place if place.is_dir() else place.parent
    found = []
    for path in sorted(folder.glob("*.csv")):
        try:
            with path.open(encoding="utf-8-sig") as stream:
                head = stream.readline(10_000).lower().strip().split(",")
        except (OSError, UnicodeDecodeError):
            continue
        if path != place and {c.strip().strip('"') for c in head} & set(_COLUMNS["rir"]):
            found.append(path)
    if len(found) != 1:
        raise UsageError(
            "there is no table of reference intensity ratios" if not found else "there are several tables of ratios",
            where=str(folder),
            remedy="Name it with --rir TABLE.",
        )
    return found[0]


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"the file cannot be read ({error.strerror})", where=str(path), remedy="Check the path.") from error
    return status.st_mtime_ns, status.st_size


def _key(text: str) -> str:
    return text.strip().lower()


_HOW = "A table of patterns has two_theta and one column per reference; a table of ratios reference, group and rir."
