r"""Distributions of sizes: a mean, a relative width and a shape become points and number weights, as sasmodels makes them.

With the centre c and the width s = ``width`` c, on equally spaced points x from c - ``sigmas`` s to c + ``sigmas`` s,

=========== ===========================================================================
gaussian    exp(-(x - c)^2 / (2 s^2))
lognormal   exp(-(ln x - ln c)^2 / (2 w^2)) / x with w = ``width``: c is the median
schulz      x^(z - 1) exp(-z x / c) with z = 1 / ``width``^2 (Schulz, Z. Phys. Chem. B 43, 25 (1939))
boltzmann   exp(-|x - c| / s)
rectangle   1 for |x - c| <= sqrt(3) s
=========== ===========================================================================

The weights count particles, not their volume.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.physics.small_angle.averages import Array, Size, Sizes, as_sizes

SHAPES = ("gaussian", "lognormal", "schulz", "boltzmann", "rectangle")

_SMALLEST = 1e-8  # angstrom; no size is zero or less


def distribute(mean: float, width: float, shape: str = "lognormal", *, points: int = 35, sigmas: float = 3.0) -> Sizes:
    """Give the points and weights of a distribution of sizes.

    Parameters
    ----------
    mean : float
        Centre, angstrom: the mean, of "lognormal" the median.
    width : float
        Standard deviation over the centre; of "lognormal" that of ln x; 0 gives one size.
    shape : str
        One of `SHAPES`.
    points : int
        Number of points; those that would not be positive are left out.
    sigmas : float
        Half of the range, in standard deviations; a rectangle ends at sqrt(3).

    Raises
    ------
    UsageError
        If the shape is not known, or the mean or width cannot be.

    Examples
    --------
    >>> sizes = distribute(100.0, 0.1, "gaussian")
    >>> sizes.values.size, round(sizes.mean(), 6), round((sizes.mean(2) - sizes.mean() ** 2) ** 0.5, 2)
    (35, 100.0, 9.9)
    """
    if not (np.isfinite(mean) and mean > 0 and np.isfinite(width) and width >= 0 and points >= 1 and sigmas > 0):
        raise UsageError(
            f"no distribution has mean {mean}, relative width {width}, {points} points, {sigmas} standard deviations",
            remedy="Give a positive mean, a width of zero or more, and at least one point.",
        )
    if width == 0 or points == 1:
        return as_sizes(mean)
    span = min(sigmas, np.sqrt(3)) if shape == "rectangle" else sigmas
    x = mean * (1 + width * np.linspace(-span, span, points))
    x = x[x >= _SMALLEST]
    log = _log_weight(x / mean, width, shape)
    weight = np.exp(log - log.max())
    return Sizes(x, weight / weight.sum())


def _log_weight(x: Array, width: float, shape: str) -> Array:
    """Logarithm of the weight, up to a constant, at x in units of the centre, shape (k,)."""
    if shape == "gaussian":
        return np.asarray(-0.5 * ((x - 1) / width) ** 2)
    if shape == "lognormal":
        return np.asarray(-0.5 * (np.log(x) / width) ** 2 - np.log(x))
    if shape == "schulz":
        z = width**-2.0
        return np.asarray((z - 1) * np.log(x) - z * x)
    if shape == "boltzmann":
        return np.asarray(-np.abs(x - 1) / width)
    if shape == "rectangle":
        return np.zeros_like(x)
    raise UsageError(f"no distribution of sizes is called {shape!r}", remedy=f"There are {', '.join(SHAPES)}.")


def combine(*sizes: Size) -> tuple[NDArray[np.float64], Array]:
    """Give every combination of independent sizes, shape (number of sizes, m), and its weight, shape (m,).

    Examples
    --------
    >>> values, weights = combine(Sizes(np.array([1.0, 2.0]), np.array([0.4, 0.6])), 10.0)
    >>> values.tolist(), weights.tolist()
    ([[1.0, 2.0], [10.0, 10.0]], [0.4, 0.6])
    """
    given = [as_sizes(size) for size in sizes]
    if all(one.values.size == 1 for one in given):
        return np.array([[one.values[0]] for one in given], dtype=np.float64), np.ones(1)
    counts = [one.values.size for one in given]
    values = np.empty((len(given), int(np.prod(counts))))
    weights = np.ones(1)
    for k, one in enumerate(given):
        after = int(np.prod(counts[k + 1 :]))
        values[k].reshape(-1, counts[k], after)[:] = one.values[:, None]
        weights = np.multiply.outer(weights, one.weights).ravel()
    return values, weights
