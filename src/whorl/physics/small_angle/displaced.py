"""Curves moved along ln q beside data: the misfit of each at its best displacement, amount, and background."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


def nearest(
    curves: Array, w: Array, y: Array, beside: Array, first: int, low: int, high: int
) -> tuple[Array, NDArray[np.int64]]:
    """Least misfit of each curve over its displacements.

    The data lie on nodes of the grid of the curves: a curve moved by s is read at nodes first + i + s. Its amount is not
    negative; what stands beside it may be of either sign.

    Parameters
    ----------
    curves : array, shape (k, grid)
    w, y : array, shape (n,)
        Weights of the nodes, and data.
    beside : array, shape (n, m)
        Curves that stand beside in any amount: a background.
    first : int
        Node of the grid at which the data begin.
    low, high : int
        Displacements, nodes, both counted.

    Returns
    -------
    misfit : array, shape (k,)
        Sum of squares left, as a part of that of the data; infinite where the grid ends before the data.
    shift : array of int, shape (k,)

    Examples
    --------
    >>> x = np.arange(40.0)
    >>> curves = np.exp(-((x - 20) / 4) ** 2)[None]
    >>> y = 3 * curves[0, 12:32] + 1
    >>> misfit, shift = nearest(curves, np.ones(20), y, np.ones((20, 1)), 15, -6, 6)
    >>> bool(abs(misfit[0]) < 1e-9), int(shift[0])
    (True, -3)
    """
    root = np.sqrt(w / float(w @ y**2))
    taken, _ = np.linalg.qr(root[:, None] * beside)
    data = root * y
    data = data - taken @ (taken.T @ data)
    found: tuple[Array, NDArray[np.int64]] = _nearest(
        np.ascontiguousarray(curves),
        root,
        np.ascontiguousarray(taken.T * root),
        data * root,
        float(data @ data),
        first,
        low,
        high,
    )
    return found


@njit(cache=True, nogil=True)
def _nearest(
    curves: Array, root: Array, taken: Array, data: Array, power: float, first: int, low: int, high: int
) -> tuple[Array, NDArray[np.int64]]:
    count = root.size
    best = np.full(curves.shape[0], np.inf)
    where = np.zeros(curves.shape[0], dtype=np.int64)
    inside = np.empty(taken.shape[0])
    for k in range(curves.shape[0]):
        curve = curves[k]
        for shift in range(low, high + 1):
            start = first + shift
            if start < 0 or start + count > curve.size:
                continue
            square = common = 0.0
            inside[:] = 0.0
            for i in range(count):
                c = curve[start + i]
                square += (root[i] * c) ** 2
                common += data[i] * c
                for m in range(taken.shape[0]):
                    inside[m] += taken[m, i] * c
            for m in range(taken.shape[0]):
                square -= inside[m] ** 2
            left = power
            if common > 0 and square > 0:
                left -= common * common / square
            if left < best[k]:
                best[k] = left
                where[k] = shift
    return best, where
