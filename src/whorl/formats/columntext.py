"""The reader behind every column-text format: header, labels and numbers to a Measurement.

A format is one `ColumnText`: its key, its suffixes, the words its files carry, and a function that adds what only that format
says. Everything else (encodings, separators, units, uncertainties, repairs) is the same for all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.measurement import KINDS, Measurement
from whorl.formats import files, header, labels
from whorl.formats.axis import Points, increasing, trimmed
from whorl.formats.kinds import kind_of
from whorl.formats.table import read_table
from whorl.formats.text import lines_of

Array = NDArray[np.float64]
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
    """

    key: str
    suffixes: tuple[str, ...]
    clues: tuple[tuple[bytes, float], ...] = ()
    interpret: Interpret | None = None

    def sniff(self, head: bytes, path: Path) -> float:
        """Score by the clues in the head; the suffix breaks ties."""
        text = head.replace(b"\x00", b"").lower()
        score = max((s for word, s in self.clues if word in text), default=0.0)
        return score + (0.01 if path.suffix.lower() in self.suffixes and score else 0.0)

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the file (see `whorl.formats.read`)."""
        data = files.content(path, max_bytes=max_bytes)
        table = read_table(lines_of(data, path), path)
        notes = list(table.notes)
        head = header.parse(table.header)
        settings = header.settings_of(head, notes)
        if self.interpret is not None:
            self.interpret(head, settings)
        named = labels.find(table.header, table.values.shape[1])
        points = _points(table.values, table.lines, named, notes)
        points = trimmed(points, path, notes)
        stated = kind_of(kind, named, head, path, points, notes)
        points = increasing(points, path, notes, sort=sort, symbol=KINDS[stated][0].symbol)
        points = _in_inside_units(points, stated, named, notes)
        sigma, mask = _uncertainty(points, notes)
        if "header" in settings:  # keep it last: it is long
            settings["header"] = settings.pop("header")
        return Measurement(
            stated,
            points.x,
            points.y,
            sigma=sigma,
            mask=mask,
            settings=settings,
            path=path,
            sha256=hashlib.sha256(data).hexdigest(),
            format=self.key,
            notes=tuple(notes),
        )


def _points(values: Array, lines: NDArray[np.int64], named: labels.Labels | None, notes: list[str]) -> Points:
    """Choose the columns of axis, signal and uncertainty."""
    width = values.shape[1]
    names = named.names if named is not None and len(named.names) >= width else []
    x, y, sigma = 0, 1, None
    if names:
        x = next((i for i in range(2) if i < width and (names[i] in ("r", "q", "x", "distance") or i == 1)), 0)
        y = next((i for i in range(x + 1, width) if names[i] in labels.SIGNALS), x + 1)
        if y >= width:
            x, y = 0, 1
        found = named.sigma_column(y) if named is not None else None
        sigma = found if found is not None and found < width else None
    elif width >= 3 and _is_index(values):
        notes.append("the first column is an index and was left out")
        x, y = 1, 2
        sigma = 3 if width == 4 else None
    elif width == 3:
        sigma = 2
        notes.append("the third column was taken as the standard uncertainty")
    elif width == 4 and not np.any(values[:, 2]):
        sigma = 3
    if sigma is None and width > 2 and not names:
        notes.append(f"columns {x + 1} and {y + 1} of {width} were read")
    return Points(values[:, x], values[:, y], None if sigma is None else values[:, sigma], lines)


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
