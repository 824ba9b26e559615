r"""How uncertain the points of a powder pattern are: from the file, from counting, or from the scatter of the points.

Counts have the variance of their number. That is not assumed of numbers that only look like counts: the scatter of the points
about their neighbours must agree. Where it does not (rates, normalised or smoothed data), the variance is taken to be a + b y
with a and b from that scatter, and the weights are relative only. Second differences of neighbouring points,
d = y_i-1 - 2 y_i + y_i+1, have the variance 6 sigma^2 where the pattern is smooth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[np.float64]

_WINDOWS = 60
_MAD = 1.4826
#: scatter over the square root of the counts, between which numbers are believed to be counts
_COUNTS = (0.6, 1.5)
#: least uncertainty of processed data, of the height of the strong peaks
_CLEANED = 1e-3
_LEAST = 0.02  # of the median variance: no point is that certain


@dataclass(frozen=True)
class Uncertainty:
    """Standard uncertainties of the points, shape (n,), whether they are absolute, and where they come from in words."""

    sigma: Array
    absolute: bool
    words: str


def scatter(y: Array) -> tuple[Array, Array]:
    """Level and standard deviation of the noise in stretches of the pattern.

    Parameters
    ----------
    y : array, shape (n,)

    Returns
    -------
    level, sigma : array, shape (w,)
        Median of the points and robust standard deviation of the noise (median absolute second difference) in each stretch.
    """
    difference = np.abs(y[:-2] - 2 * y[1:-1] + y[2:])
    count = int(np.clip(difference.size // 25, 1, _WINDOWS))
    pieces = np.array_split(np.arange(difference.size), count)
    level = np.array([np.median(y[1:-1][p]) for p in pieces])
    return level, np.array([_MAD * np.median(difference[p]) / np.sqrt(6) for p in pieces])


def uncertainty(y: Array, sigma: Array | None, *, counts: bool = False) -> Uncertainty:
    """Uncertainties of the points of a pattern.

    Parameters
    ----------
    y : array, shape (n,)
    sigma : array, shape (n,), optional
        Those of the file.
    counts : bool
        The file says that these are counts.

    Examples
    --------
    >>> y = np.random.default_rng(1).poisson(400.0, 500).astype(float)
    >>> uncertainty(y, None).absolute, uncertainty(y / 400, None).absolute
    (True, False)
    """
    if sigma is not None and np.all(np.isfinite(sigma)) and np.all(sigma >= 0) and np.any(sigma > 0):
        floor = 0.1 * float(np.median(sigma[sigma > 0]))
        return Uncertainty(np.maximum(sigma, floor), absolute=True, words="uncertainties: from the file")
    level, noise = scatter(y)
    whole = bool(np.all(y == np.round(y))) and float(y.max(initial=0.0)) >= 20 and float(y.min(initial=0.0)) >= 0
    ratio = float(np.median(noise / np.sqrt(np.maximum(level, 1.0))))
    if whole and (counts or _COUNTS[0] < ratio < _COUNTS[1]):
        return Uncertainty(np.sqrt(np.maximum(y, 1.0)), absolute=True, words="uncertainties: square root of the counts")
    table = np.column_stack([np.ones_like(level), np.maximum(level - level.min(), 0.0)])
    weight = 1 / np.maximum(noise**2, 1e-3 * float(np.median(noise**2)) + 1e-300)
    (a, b), _ = nnls(table * weight[:, None], noise**2 * weight)
    variance = a + b * np.maximum(y - level.min(), 0.0)
    if not np.median(variance) > 1e-12 * float(np.max(np.abs(y))) ** 2:  # no noise to speak of: simulated, or smoothed
        variance = np.full(y.shape, 1.0)
    # a background that was cut off takes its noise with it: no point is then known better than the pattern as a whole
    floor = (_CLEANED * float(np.percentile(y, 99.9) - np.median(y))) ** 2
    variance = np.maximum(variance, max(_LEAST * float(np.median(variance)), floor))
    return Uncertainty(
        np.sqrt(variance),
        absolute=False,
        words="uncertainties: none in the file and these are no plain counts; relative weights from the scatter of the points",
    )
