"""The reader behind every column-text format: header, labels and numbers to a Measurement.

A format is one `ColumnText`: its key, its suffixes, the words its files carry, and a function that adds what only that format
says. Everything else (encodings, separators, units, uncertainties, repairs) is the same for all of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import KINDS, Measurement
from whorl.formats import files, header, labels
from whorl.formats.axis import Points, increasing, trimmed
from whorl.formats.kinds import is_small_angle, kind_of
from whorl.formats.powder import POWDER_KINDS, Source
from whorl.formats.powdertext import Columns, PowderText
from whorl.formats.sastext import SasText
from whorl.formats.steering import checked
from whorl.formats.table import read_table
from whorl.formats.text import lines_of

Array = NDArray[np.float64]
#: what Windows programs print for a number that is none
_WINDOWS_NAN = re.compile(r"[+-]?(?:1\.#(?:IND|QNAN|SNAN|INF)0*|nan\((?:ind|snan|0x[0-9a-f]*)\))", re.IGNORECASE)
Interpret = Callable[[header.Header, dict[str, Any]], None]


@dataclass(frozen=True)
class ColumnText:
    """A format of text columns.

    Parameters
    ----------
    key : str
    suffixes : tuple of str
    clues : tuple of (bytes, float)
        Words of the header, lower case, and how sure each makes the reader.
    interpret : callable, optional
        Adds settings that only this format states.
    lossless : bool
        Whether the file is whorl's own, so that its numbers are taken as they are.
    """

    key: str
    suffixes: tuple[str, ...]
    clues: tuple[tuple[bytes, float], ...] = ()
    interpret: Interpret | None = None
    lossless: bool = False

    def sniff(self, head: bytes, path: Path) -> float:
        """Score by the clues in the head; the suffix breaks ties."""
        text = head.replace(b"\x00", b"").lower()
        score = max((s for word, s in self.clues if word in text), default=0.0)
        return score + (0.01 if path.suffix.lower() in self.suffixes and score else 0.0)

    @property
    def steered_by(self) -> tuple[str, ...]:
        """Settings of the reading that the reader follows, for small-angle data."""
        return ("q_unit", "sector", "bins")

    def read(
        self,
        path: str,
        *,
        kind: str | None = None,
        sort: bool = False,
        max_bytes: int = files.MAX_BYTES,
        settings: Mapping[str, Any] | None = None,
    ) -> Measurement:
        """Read the file (see `whorl.formats.read`)."""
        data = files.content(path, max_bytes=max_bytes)
        lines = lines_of(data, path)
        if b"1.#" in data or b"nan(" in data:
            lines = [_WINDOWS_NAN.sub("nan", line) for line in lines]
        table = read_table(without_block_comments(lines), path)
        notes = list(table.notes)
        head = header.parse(table.header)
        stated_settings = header.settings_of(head, notes)
        if self.interpret is not None:
            self.interpret(head, stated_settings)
        named = labels.find(table.header, table.values.shape[1])
        if not self.lossless and is_small_angle(kind, named, head, path, table, steered=bool(settings)):
            if named is not None and named.axis == "angle":
                raise PatternError(
                    "the axis is the scattering angle, not q",
                    where=path,
                    remedy="Export it over q in 1/angstrom or 1/nm.",
                )
            asked = checked(settings, self.steered_by, path)
            return SasText(path, table, head, stated_settings, asked).measurement(
                Source.of(path, data, self.key), notes, sort=sort
            )
        checked(settings, (), path)
        settings = stated_settings
        columns = _columns(table.values, named)
        points = _points(table.values, table.lines, columns)
        points = trimmed(points, path, notes)
        if self.lossless and head.pairs.get("outputtype") == "sas":
            kind = kind or "sas"  # its label, I(Q), is that of two kinds
        stated = kind_of(kind, named, head, path, points, notes)
        if stated in POWDER_KINDS:
            text = PowderText(path, table, named, columns, settings, notes, asked=kind is not None)
            return text.measurement(stated, points, Source.of(path, data, self.key), sort=sort)
        notes += _said(columns)
        points = increasing(points, path, notes, sort=sort, symbol=KINDS[stated][0].symbol)
        points = _in_inside_units(points, stated, named, notes)
        sigma, mask = _uncertainty(points, notes)
        resolution = _resolution(table.values, named) if stated == "sas" else None
        if "header" in settings:  # keep it last: it is long
            settings["header"] = settings.pop("header")
        return Measurement(
            stated,
            points.x,
            points.y,
            sigma=sigma,
            mask=mask,
            resolution=resolution,
            settings=settings,
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            format=self.key,
            notes=tuple(notes),
        )


def without_block_comments(lines: list[str]) -> list[str]:
    """Turn the lines of a block comment, as TOPAS writes them, into comment lines; their number stays.

    Examples
    --------
    >>> without_block_comments(["/* 1 2", "3 4 */", "5 6"])
    ['# 1 2', '# 3 4', '5 6']
    """
    if not any("/*" in line for line in lines[:200]):
        return lines
    out: list[str] = []
    inside = False
    for line in lines:
        text = line
        if not inside and line.lstrip().startswith("/*"):
            inside, text = True, line.lstrip()[2:]
        if not inside:
            out.append(line)
            continue
        before, mark, _ = text.partition("*/")
        text = before.strip()
        out.append(text if text.startswith("#") else f"# {text}".rstrip())
        inside = not mark
    return out


def _columns(values: Array, named: labels.Labels | None) -> Columns:
    """Choose the columns of axis, signal and uncertainty."""
    width = values.shape[1]
    names = named.names if named is not None and len(named.names) >= width else []
    if named is not None and names:
        x = named.at
        if not named.kind and named.axis not in ("angle", "tof", "d"):
            x = next((i for i in range(2) if i < width and (names[i] in ("r", "q", "x", "distance") or i == 1)), 0)
        y = named.signal_column()
        y = x + 1 if y is None else y
        if y >= width:
            x, y = 0, 1
        found = named.sigma_column(y)
        return Columns(x, y, found if found is not None and found < width else None, width=width, labelled=True)
    if width >= 3 and _is_index(values):
        return Columns(1, 2, 3 if width == 4 else None, width=width, index=True)
    if width == 3:
        return Columns(0, 1, 2, width=width, guessed=True)
    return Columns(0, 1, 3 if width == 4 and not np.any(values[:, 2]) else None, width=width)


def _resolution(values: Array, named: labels.Labels | None) -> Array | None:
    """Give whorl's own column of resolutions."""
    return values[:, named.names.index("dq")] if named is not None and "dq" in named.names else None


def _points(values: Array, lines: NDArray[np.int64], columns: Columns) -> Points:
    sigma = None if columns.sigma is None else values[:, columns.sigma]
    return Points(values[:, columns.x], values[:, columns.y], sigma, lines)


def _said(columns: Columns) -> list[str]:
    """Say what was decided about the columns."""
    said = ["the first column is an index and was left out"] if columns.index else []
    if columns.guessed:
        said.append("the third column was taken as the standard uncertainty")
    if columns.sigma is None and columns.width > 2 and not columns.labelled:
        said.append(f"columns {columns.x + 1} and {columns.y + 1} of {columns.width} were read")
    return said


def _is_index(values: Array) -> bool:
    first, second = values[:, 0], values[:, 1]
    counts = np.arange(first.size) + first[0]
    return bool(first[0] in (0, 1) and np.array_equal(first, counts) and np.all(np.diff(second) > 0) and first.size > 2)


def _in_inside_units(points: Points, kind: str, named: labels.Labels | None, notes: list[str]) -> Points:
    """Turn nanometres and picometres stated in the labels into angstrom."""
    unit = ""
    if named is not None:
        at = next((i for i, n in enumerate(named.names) if n in ("r", "q", "distance")), 0)
        unit = named.units[at].lower()
    length = 10.0 if "nm" in unit else 0.01 if "pm" in unit else 1.0
    if length == 1.0:
        return points
    axis, _, of_signal = KINDS[kind]
    x_factor = length if axis.symbol == "r" else 1 / length
    y_factor = {"1/angstrom^2": length**-2, "1/angstrom": 1 / length}.get(of_signal, 1.0)
    notes.append(f"{axis.symbol} in {unit} was turned into {axis.unit}" + ("" if y_factor == 1 else ", the signal with it"))
    sigma = None if points.sigma is None else points.sigma * y_factor
    return Points(points.x * x_factor, points.y * y_factor, sigma, points.lines)


def _uncertainty(points: Points, notes: list[str]) -> tuple[Array | None, NDArray[np.bool_] | None]:
    """Accept a column of standard uncertainties when it is positive; never invent one."""
    sigma = points.sigma
    if sigma is None:
        return None, None
    good = np.isfinite(sigma) & (sigma > 0)
    if not np.any(sigma):
        notes.append("the column of uncertainties is zero throughout and was left out")
        return None, None
    if good.mean() < 0.9 or np.any(sigma[np.isfinite(sigma)] < 0):
        notes.append("the column of uncertainties holds values that are not positive and was left out")
        return None, None
    if good.all():
        return sigma, None
    notes.append(f"{int((~good).sum())} points without a positive uncertainty are masked")
    return np.where(good, sigma, np.inf), good
