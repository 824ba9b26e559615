"""A series of frames at positions as maps: one picture of pixels for each quantity, with those that are missing left open."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.verdict import Verdict

Array = NDArray[np.float64]

#: part of a step by which positions of one row or column may differ
_JITTER = 0.35


@dataclass(frozen=True)
class Map:
    """One quantity over positions.

    Attributes
    ----------
    name, unit : str
    x, y : array, shape (nx,), (ny,)
        Positions of the columns and rows, increasing.
    values, sigmas : array, shape (ny, nx)
        NaN where there is none.
    """

    name: str
    unit: str
    x: Array
    y: Array
    values: Array
    sigmas: Array


def has_positions(coordinates: Mapping[str, Array]) -> bool:
    """Tell whether the frames of a series lie at positions x and y.

    Examples
    --------
    >>> has_positions({"time": np.arange(3.0)})
    False
    """
    return "x" in coordinates and "y" in coordinates


def maps_of(verdicts: Sequence[Verdict], coordinates: Mapping[str, Array]) -> list[Map]:
    """Put the quantities of all frames on the grid of their positions.

    Parameters
    ----------
    verdicts : sequence of Verdict
        One a frame, in order.
    coordinates : mapping of arrays, shape (frames,)
        With ``x`` and ``y``.

    Raises
    ------
    PatternError
        If there are no positions, or not one for each frame.

    Examples
    --------
    >>> from whorl.core.verdict import Estimate
    >>> frames = [
    ...     Verdict(whorl="0", task="quantify", file=str(k), parameters={"guinier:rg": Estimate(value=10.0 + k, sigma=0.1)})
    ...     for k in range(4)
    ... ]
    >>> maps_of(frames, {"x": np.array([0.0, 1.0, 0.0, 1.0]), "y": np.array([0.0, 0.0, 2.0, 2.0])})[0].values
    array([[10., 11.],
           [12., 13.]])
    """
    if not has_positions(coordinates) or np.size(coordinates["x"]) != len(verdicts):
        raise PatternError("the frames have no positions x and y", where="map", remedy="Give a file with both, one a frame.")
    columns, x = _levels(np.asarray(coordinates["x"], dtype=np.float64))
    rows, y = _levels(np.asarray(coordinates["y"], dtype=np.float64))
    found = []
    for name in dict.fromkeys(name for v in verdicts for name in v.parameters):
        values, sigmas = np.full((y.size, x.size), np.nan), np.full((y.size, x.size), np.nan)
        unit = "1"
        for verdict, row, column in zip(verdicts, rows, columns, strict=True):
            estimate = verdict.parameters.get(name)
            if estimate is not None and row >= 0 and column >= 0:
                values[row, column] = estimate.value
                sigmas[row, column] = np.nan if estimate.sigma is None else estimate.sigma
                unit = estimate.unit
        found.append(Map(name, unit, x, y, values, sigmas))
    return found


def _levels(positions: Array) -> tuple[NDArray[np.intp], Array]:
    """Number of the level that each position belongs to (-1 without one), and the levels: positions that differ by jitter."""
    good = np.isfinite(positions)
    known = np.unique(positions[good])
    if known.size < 2:
        return np.where(good, 0, -1).astype(np.intp), known
    gaps = np.diff(known)
    step = float(np.max(gaps)) if gaps.size < 2 else float(np.median(gaps[gaps > 0.2 * gaps.max()]))
    group = np.concatenate([[0], np.cumsum(gaps > _JITTER * step)])
    levels = np.array([float(np.mean(known[group == k])) for k in range(int(group[-1]) + 1)])
    index = np.full(positions.size, -1, dtype=np.intp)
    index[good] = group[np.searchsorted(known, positions[good])]
    return index, levels


def map_table(verdicts: Sequence[Verdict], coordinates: Mapping[str, Array]) -> str:
    """Write one row per pixel and quantity as CSV: x, y, frame, quantity, value, sigma, unit; pixels without one have why.

    Examples
    --------
    >>> print(map_table([], {"x": np.zeros(0), "y": np.zeros(0)}).strip())
    x,y,frame,quantity,value,sigma,unit,remark
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["x", "y", "frame", "quantity", "value", "sigma", "unit", "remark"])
    for number, verdict in enumerate(verdicts):
        at = [f"{float(coordinates[c][number]):.8g}" for c in ("x", "y")]
        if verdict.error is not None or not verdict.parameters:
            why = verdict.error.what if verdict.error is not None else "nothing could be had"
            writer.writerow([*at, number, "", "", "", "", why])
        for name, e in verdict.parameters.items():
            writer.writerow([*at, number, name, f"{e.value:.8g}", "" if e.sigma is None else f"{e.sigma:.4g}", e.unit, ""])
    return stream.getvalue()
