"""Distinct distances of a finite cluster."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@njit(cache=True)
def _bin_pairs(
    positions: Array, row: Index, tolerance: float, d_min: float, d_max: float, channels: int, table: Index
) -> tuple[Array, Array]:
    bins = int(d_max / tolerance) + 1
    count = np.zeros((channels, bins))
    total = np.zeros((channels, bins))
    n = positions.shape[0]
    low = d_min * d_min
    high = d_max * d_max
    for i in range(n):
        for j in range(i + 1, n):
            x = positions[i, 0] - positions[j, 0]
            y = positions[i, 1] - positions[j, 1]
            z = positions[i, 2] - positions[j, 2]
            d2 = x * x + y * y + z * z
            if low < d2 < high:
                d = np.sqrt(d2)
                k = int(d / tolerance + 0.5)
                if k < bins:
                    c = table[row[i], row[j]]
                    count[c, k] += 1.0
                    total[c, k] += d
    return count, total


def distance_list(
    positions: Array,
    label: Index,
    table: Index,
    *,
    tolerance: float = 5e-4,
    d_min: float = 0.4,
    d_max: float | None = None,
) -> tuple[Array, Array, Index]:
    """Distances of a cluster, joined in bins.

    Parameters
    ----------
    positions : array, shape (n, 3)
    label : int array, shape (n,)
        Group (element) of each atom.
    table : int array, shape (m, m)
        Channel of each pair of groups.
    tolerance : float
        Width of a bin, in the unit of the positions; a bin's distance is the mean of its members.
    d_min, d_max : float, optional
        Shorter and longer distances are left out; closer atoms than ``d_min`` are two readings of one disordered atom.

    Returns
    -------
    distance : array, shape (k,)
    weight : array, shape (k,)
        Ordered pairs per atom.
    channel : int array, shape (k,)

    Examples
    --------
    >>> corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    >>> d, w, _ = distance_list(corners, np.zeros(4, int), np.zeros((1, 1), int))
    >>> np.round(d, 4).tolist(), w.tolist()
    ([1.0, 1.4142], [1.5, 1.5])
    """
    reach = d_max or 2 * float(np.max(np.linalg.norm(positions - positions.mean(axis=0), axis=1))) + 2 * tolerance
    channels = int(table.max()) + 1
    count, total = _bin_pairs(np.ascontiguousarray(positions), label, tolerance, d_min, reach, channels, table)
    channel, index = np.nonzero(count)
    found = count[channel, index]
    return total[channel, index] / found, found * (2.0 / positions.shape[0]), channel
