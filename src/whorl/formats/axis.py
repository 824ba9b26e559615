"""Put the points of a measurement in order: ends without numbers trimmed, duplicates dropped, disorder named or sorted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Axis, signal and uncertainty, shape (n,) each, and the line of the file that each stands on."""

    x: Array
    y: Array
    sigma: Array | None
    lines: NDArray[np.int64]

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Points:
        """Give the chosen points."""
        return Points(self.x[keep], self.y[keep], None if self.sigma is None else self.sigma[keep], self.lines[keep])


def trimmed(points: Points, where: str, notes: list[str], *, place: str = "line") -> Points:
    """Drop rows with NaN or infinity at both ends; refuse them inside.

    Raises
    ------
    PatternError
        If such a value stands inside the data, or nothing else is there.
    """
    good = np.isfinite(points.x) & np.isfinite(points.y)
    if good.all():
        return points
    inside = np.flatnonzero(good)
    if inside.size < 2:
        raise PatternError("the columns hold no numbers but NaN or infinity", where=where, remedy="Export it again.")
    kept = points.take(slice(int(inside[0]), int(inside[-1]) + 1))
    bad = ~(np.isfinite(kept.x) & np.isfinite(kept.y))
    if bad.any():
        raise PatternError(
            "NaN or infinity inside the data",
            where=f"{where}, {place} {kept.lines[int(np.argmax(bad))]}",
            remedy="Remove the line, or export the file again.",
        )
    notes.append(f"{points.x.size - kept.x.size} rows without numbers at the ends were left out")
    return kept


def increasing(points: Points, where: str, notes: list[str], *, sort: bool, symbol: str = "x", place: str = "line") -> Points:
    """Make the axis strictly increasing, or say at which line it is not.

    Equal rows that repeat are dropped. With ``sort`` the points are sorted and those of one position averaged.

    Raises
    ------
    PatternError
        If the axis does not increase and ``sort`` is not given.
    """
    step = np.diff(points.x)
    if np.all(step > 0):
        return points
    same = np.flatnonzero(step == 0)
    equal = same[points.y[same] == points.y[same + 1]]
    if equal.size:
        keep = np.ones(points.x.size, dtype=np.bool_)
        keep[equal + 1] = False
        points = points.take(keep)
        notes.append(f"{equal.size} repeated rows were dropped")
        step = np.diff(points.x)
        if np.all(step > 0):
            return points
    if sort:
        notes.append("the points were sorted")
        return _averaged(points.take(np.argsort(points.x, kind="stable")), notes)
    k = int(np.argmax(step <= 0))
    before, after, line = points.x[k], points.x[k + 1], points.lines[k + 1]
    if before == after:
        raise PatternError(
            f"{symbol} = {after:g} occurs twice with different values",
            where=f"{where}, {place} {line}",
            remedy="Remove one of the lines, or pass sort=True to average them.",
        )
    raise PatternError(
        f"{symbol} is not increasing ({after:g} after {before:g})",
        where=f"{where}, {place} {line}",
        remedy="Sort the file or pass sort=True.",
    )


def _averaged(points: Points, notes: list[str]) -> Points:
    """Average the points of equal position (mean; sigma by propagation)."""
    x, first, counts = np.unique(points.x, return_index=True, return_counts=True)
    if x.size == points.x.size:
        return points
    notes.append(f"{points.x.size - x.size} points were averaged with others of the same position")
    y = np.add.reduceat(points.y, first) / counts
    sigma = None if points.sigma is None else np.sqrt(np.add.reduceat(points.sigma**2, first)) / counts
    return Points(x, y, sigma, points.lines[first])
