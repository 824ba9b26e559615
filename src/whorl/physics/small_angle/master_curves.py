r"""One dimensionless curve for every size: intensities read off tables of ln G over x = q L, L a length of the particle.

Particles of one shape differ in size alone: I(q) = A G(qL), where A holds contrast and volume. The table is uniform in

.. math::
    u(x) = \ln x + x / c,

so that it is logarithmic below x = c, where curves follow power laws, and linear above, where they oscillate with a period that
does not depend on x. Between its points the logarithm is a cubic (Lagrange, four points); below its first point it is Guinier's
ln G = a - b x^2 through the first two, above its last a power law.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


class MasterGrid(NamedTuple):
    """Points of a table: from ``low`` to ``high`` in x, uniform in u, and the crossover c from logarithmic to linear.

    Examples
    --------
    >>> grid = MasterGrid(0.01, 50.0, 5.0, 200)
    >>> grid.points()[[0, -1]].round(6).tolist()
    [0.01, 50.0]
    """

    low: float
    high: float
    crossover: float
    size: int

    @property
    def first(self) -> float:
        """Value of u at the first point."""
        return float(np.log(self.low) + self.low / self.crossover)

    @property
    def step(self) -> float:
        """Distance of the points in u."""
        last = float(np.log(self.high) + self.high / self.crossover)
        return (last - self.first) / (self.size - 1)

    def points(self) -> Array:
        """Values of x, shape (size,), by Newton's method."""
        u = self.first + self.step * np.arange(self.size)
        x = np.where(u < 0, np.exp(np.minimum(u, 0.0)), np.maximum(u * self.crossover, 0.1) / 2 + 0.1)
        for _ in range(60):
            x = np.maximum(x - (np.log(x) + x / self.crossover - u) / (1 / x + 1 / self.crossover), x / 4)
        x[0], x[-1] = self.low, self.high
        return np.asarray(x)


@njit(cache=True, nogil=True, error_model="numpy")
def read_master_curves(
    logs: Array,
    low: float,
    first: float,
    step: float,
    crossover: float,
    q: Array,
    length: Array,
    factor: Array,
    tail: float = 4.0,
) -> Array:
    """Intensities at q of particles of given lengths.

    Parameters
    ----------
    logs : array, shape (m, size)
        ln G at the points of a `MasterGrid`, for each particle.
    low, first, step, crossover : float
        Of the grid.
    q : array, shape (n,)
        1/angstrom.
    length, factor : array, shape (m,)
        L, angstrom, and A, the unit of the result.
    tail : float
        G falls with this power of x beyond the table: 4 is Porod's law (Kolloid-Z. 124, 83 (1951), doi:10.1007/BF01512792).

    Returns
    -------
    array, shape (m, n)
        A G(qL).
    """
    m, count = logs.shape
    out = np.empty((m, q.size))
    second = low * np.exp(step)
    for _ in range(6):  # x of the second point, by Newton's method
        second -= (np.log(second) + second / crossover - first - step) / (1 / second + 1 / crossover)
    last = np.log(crossover)  # ln x of the last point, by Newton's method
    for _ in range(60):
        off = last + np.exp(last) / crossover - first - (count - 1) * step
        last -= off / (1 + np.exp(last) / crossover)
    for i in range(m):
        row = logs[i]
        slope = (row[1] - row[0]) / (second * second - low * low)
        for j in range(q.size):
            x = q[j] * length[i]
            if x < low:
                out[i, j] = factor[i] * np.exp(row[0] + slope * (x * x - low * low))
                continue
            place = (np.log(x) + x / crossover - first) / step
            if place > count - 1:
                out[i, j] = factor[i] * np.exp(row[count - 1] - tail * (np.log(x) - last))
                continue
            k = min(max(int(place), 1), count - 3)
            t = place - k
            value = (
                -t * (t - 1) * (t - 2) / 6 * row[k - 1]
                + (t + 1) * (t - 1) * (t - 2) / 2 * row[k]
                - (t + 1) * t * (t - 2) / 2 * row[k + 1]
                + (t + 1) * t * (t - 1) / 6 * row[k + 2]
            )
            out[i, j] = factor[i] * np.exp(value)
    return out
