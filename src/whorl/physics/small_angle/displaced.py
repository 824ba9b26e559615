"""Curves moved along ln q beside data: the misfit of each at its best displacement, amount and background."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit(cache=True, nogil=True)
def nearest(curves: Array, w: Array, wy: Array, first: int, low: int, high: int) -> tuple[Array, NDArray[np.int64]]:
    """Least misfit of each curve over its displacements.

    The data lie on nodes of the grid of the curves: a curve moved by s is read at nodes first + i + s. Its amount is not
    negative; the background may be of either sign.

    Parameters
    ----------
    curves : array, shape (k, grid)
    w, wy : array, shape (n,)
        Weights of the nodes, and weights times data, such that the weighted sum of squares of the data is 1.
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
    >>> w = np.full(20, 1 / (y @ y))
    >>> misfit, shift = nearest(curves, w, w * y, 15, -6, 6)
    >>> bool(abs(misfit[0]) < 1e-9), int(shift[0])
    (True, -3)
    """
    count = w.size
    total_w, total_y = w.sum(), wy.sum()
    best = np.full(curves.shape[0], np.inf)
    where = np.zeros(curves.shape[0], dtype=np.int64)
    for k in range(curves.shape[0]):
        curve = curves[k]
        for shift in range(low, high + 1):
            start = first + shift
            if start < 0 or start + count > curve.size:
                continue
            t = tt = ty = 0.0
            for i in range(count):
                c = curve[start + i]
                t += w[i] * c
                tt += w[i] * c * c
                ty += wy[i] * c
            # the background is taken off first
            covariance = ty - t * total_y / total_w
            variance = tt - t * t / total_w
            left = 1.0 - total_y * total_y / total_w
            if covariance > 0 and variance > 0:
                left -= covariance * covariance / variance
            if left < best[k]:
                best[k] = left
                where[k] = shift
    return best, where
