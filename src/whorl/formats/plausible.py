"""What unlabelled numbers can be: a scan over the scattering angle, a list of peaks, a column of uncertainties."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def runs_like_an_angle(x: Array, y: Array) -> bool:
    """Say whether an unlabelled pair of columns can only be a powder pattern over 2theta in degrees.

    Regular small steps inside 0 to 180 that reach beyond what r or Q plausibly reach (40), and no negative intensities (small
    ones when the axis begins above 3); or whole counts from above 2 on to beyond 20. A G(r) crosses zero and begins near it.

    Examples
    --------
    >>> x = np.arange(10, 80, 0.02)
    >>> runs_like_an_angle(x, 100 + x), runs_like_an_angle(x / 10, 100 + x), runs_like_an_angle(x, np.sin(x))
    (True, False, False)
    """
    if x.size < 50 or not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        return False
    if x[0] < 0 or x[-1] > 180 or x[-1] <= x[0] or np.median(np.diff(x)) > 0.5 or not regular(x):
        return False
    if not np.any(y > 0) or y.min() < (-0.1 * y.max() if x[0] >= 3 else 0.0):
        return False
    counts = bool(np.all(y == np.round(y))) and y.max() >= 10
    return bool(x[-1] > 40 or (counts and x[0] > 2 and x[-1] > 20))


def regular(x: Array, tolerance: float = 0.05) -> bool:
    """Say whether at least nine steps in ten are like the ones before them (a scan, or several joined).

    Examples
    --------
    >>> regular(np.array([1.0, 1.1, 1.2, 1.3])), regular(np.array([1.0, 1.7, 1.8, 4.1]))
    (True, False)
    """
    step = np.diff(x)
    if step.size < 2:
        return True
    change = np.abs(np.diff(step)) <= tolerance * np.maximum(np.abs(step[1:]), np.abs(step[:-1]))
    if np.mean(change) > 0.9:
        return True
    straight = np.linspace(x[0], x[-1], x.size)  # steps that the rounding of few digits makes unequal
    return bool(x.size > 30 and np.all(step >= 0) and np.abs(x - straight).max() <= 1.01 * np.median(step))


def is_peak_list(x: Array) -> bool:
    """Say whether positions are those of separate peaks and not the points of a scan.

    Examples
    --------
    >>> is_peak_list(np.array([28.4, 47.3, 56.1, 69.1, 76.4])), is_peak_list(np.arange(10, 80, 0.02))
    (True, False)
    """
    if x.size > 1000 or x.size < 2:
        return False
    x = np.unique(x)
    return x.size < 4 or not regular(x, 0.2)


def is_uncertainty(y: Array, column: Array) -> bool:
    """Say whether a third column behaves like the standard uncertainty of the second: smaller than it, and growing with it.

    A background, a fit or a difference does not: it is as large as the signal between the peaks, or does not follow it.

    Examples
    --------
    >>> y = np.array([100.0, 104, 400, 2500, 380, 110, 95, 102])
    >>> is_uncertainty(y, np.sqrt(y)), is_uncertainty(y, np.linspace(90, 95, 8))
    (True, False)
    """
    good = np.isfinite(y) & np.isfinite(column) & (y > 0) & (column > 0)
    if good.sum() < 0.5 * np.sum(y > 0) or good.sum() < 5:
        return False
    y, column = y[good], column[good]
    ratio = column / y
    if np.median(ratio) > 0.5 and y.max() > 20:
        return False
    order = np.argsort(np.argsort(y)), np.argsort(np.argsort(column))
    rank = np.corrcoef(order[0], order[1])[0, 1]
    return bool(rank > 0.5)
