r"""Smooth backgrounds below peaks: clipping without a model (SNIP) and Chebyshev polynomials.

The statistics-sensitive non-linear iterative peak-clipping algorithm (Ryan et al., Nucl. Instrum. Methods B 34, 396 (1988),
doi:10.1016/0168-583X(88)90063-8) compresses the signal by

.. math:: v = \ln\{\ln[\sqrt{y + 1} + 1] + 1\}

and replaces every point by the mean of its neighbours at a distance of p points where that mean is lower. With the distance
going *down* from the window to one point (Morhac et al., Nucl. Instrum. Methods A 401, 113 (1997),
doi:10.1016/S0168-9002(97)01023-1) the steps that wide peaks leave behind are smoothed by the later, shorter passes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from whorl.core.errors import UsageError

Array = NDArray[np.float64]


@njit(cache=True)
def _clip(v: Array, window: NDArray[np.int64]) -> None:
    """Clip ``v`` in place; ``window`` (n,) is the largest distance in points at each point."""
    n = v.size
    low = np.empty(n)
    for p in range(window.max(), 0, -1):
        for i in range(n):
            low[i] = v[i]
            if p <= window[i] and i >= p and i + p < n:
                mean = 0.5 * (v[i - p] + v[i + p])
                low[i] = min(mean, v[i])
        v[:] = low


def snip(signal: Array, window: ArrayLike, *, smoothing: int = 0, compress: bool = True) -> Array:
    """Background of a signal by peak clipping.

    Parameters
    ----------
    signal : array, shape (n,)
        Any unit; negative values are allowed (the signal is lifted above zero before it is compressed).
    window : int or array of int, shape (n,)
        Largest clipping distance in points, a number or one for every point: about the full width of the widest peak at
        its foot (three to four times its FWHM). Wider structures count as background,
        though the passes together erode their tops by the curvature per point squared times the window cubed over six.
    smoothing : int
        Half width in points of a running mean taken first. Clipping follows the lower edge of the noise; the mean of
        2 m + 1 points lowers that bias by about the square root of 2 m + 1.
    compress : bool
        Use the double logarithm of the square root, which keeps strong peaks from dragging the background up. Without it
        clipping is linear: it commutes with a scale.

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    UsageError
        The window is not positive or not of the shape of the signal.

    Examples
    --------
    >>> x = np.linspace(0.0, 10.0, 501)
    >>> smooth = 100.0 - 5.0 * x
    >>> y = smooth + 400.0 * np.exp(-0.5 * ((x - 5.0) / 0.1) ** 2)
    >>> bool(np.abs(snip(y, 30) - smooth).max() < 1.0)
    True
    """
    y = np.array(signal, dtype=np.float64)
    width = np.asarray(window)
    if width.ndim > 0 and width.shape != y.shape:
        what = f"the clipping window has shape {width.shape}, the signal {y.shape}"
        raise UsageError(what, remedy="Give one window per point.")
    if not np.all(width >= 1):
        raise UsageError("the clipping window is shorter than one point", remedy="Give a window of at least 1.")
    if y.size < 3:
        return y
    if smoothing > 0:
        y = running_mean(y, smoothing)
    steps = np.ascontiguousarray(np.broadcast_to(np.minimum(width, (y.size - 1) // 2), y.shape), dtype=np.int64)
    if not compress:
        _clip(y, steps)
        return y
    lift = min(float(y.min()), 0.0)
    v = np.log(np.log(np.sqrt(y - lift + 1.0) + 1.0) + 1.0)
    _clip(v, steps)
    return np.asarray((np.exp(np.exp(v) - 1.0) - 1.0) ** 2 - 1.0 + lift, dtype=np.float64)


def running_mean(signal: Array, half: int) -> Array:
    """Mean over 2 ``half`` + 1 points, over fewer towards the ends so that it stays centred.

    Examples
    --------
    >>> running_mean(np.array([0.0, 3.0, 0.0, 0.0]), 1)
    array([0., 1., 1., 0.])
    """
    n = signal.size
    total = np.concatenate([[0.0], np.cumsum(signal)])
    index = np.arange(n)
    reach = np.minimum(half, np.minimum(index, n - 1 - index))
    return np.asarray((total[index + reach + 1] - total[index - reach]) / (2 * reach + 1), dtype=np.float64)


def chebyshev(x: Array, degree: int) -> Array:
    """Chebyshev polynomials of the first kind on the axis scaled to [-1, 1].

    Parameters
    ----------
    x : array, shape (n,)
        The axis; its least value goes to -1, its greatest to 1.
    degree : int
        Highest degree, 0 for a constant.

    Returns
    -------
    array, shape (n, degree + 1)
        T_0 to T_degree as columns (Abramowitz & Stegun, 1964, 22.7.4: T_{k+1} = 2 t T_k - T_{k-1}).

    Examples
    --------
    >>> chebyshev(np.array([10.0, 20.0, 30.0]), 2)
    array([[ 1., -1.,  1.],
           [ 1.,  0., -1.],
           [ 1.,  1.,  1.]])
    """
    if degree < 0:
        raise UsageError(f"a polynomial of degree {degree}", remedy="Give a degree of 0 or more.")
    x = np.asarray(x, dtype=np.float64)
    out = np.ones((x.size, degree + 1))
    low, high = (float(x.min()), float(x.max())) if x.size else (0.0, 1.0)
    t = (2.0 * x - low - high) / (high - low) if high > low else np.zeros_like(x)
    if degree > 0:
        out[:, 1] = t
    for k in range(2, degree + 1):
        out[:, k] = 2.0 * t * out[:, k - 1] - out[:, k - 2]
    return out
