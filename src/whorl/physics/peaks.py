r"""G(r) as a sum of peaks, one per distinct interatomic distance, with derivatives.

An isotropic harmonic displacement turns the delta function of a distance d into

.. math::
    g(r) = \frac{w}{d}\, \frac{1}{\sqrt{2 \pi \sigma^2}}\, \exp\left[-\frac{(r - d)^2}{2 \sigma^2}\right],

the exact real-space form of the Debye equation with a Debye-Waller factor (the common alternative, w/r instead of w/d,
moves a peak by sigma^2/d). Correlated motion and resolution change the width with distance (Jeong et al., Phys. Rev. B 67,
104301 (2003), doi:10.1103/PhysRevB.67.104301; Farrow et al., J. Phys.: Condens. Matter 19, 335219 (2007),
doi:10.1088/0953-8984/19/33/335219):

.. math::
    \sigma^2 = (U_i + U_j) \left(1 - \frac{\delta_1}{d} - \frac{\delta_2}{d^2} + Q_{broad}^2 d^2\right).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_REACH = 5.0  # half width of a peak in sigma; what is cut off is 6e-7 of its area
_LEAST = 0.05  # correlated motion never narrows sigma^2 below this part of U_i + U_j


@dataclass(frozen=True)
class Widths:
    """sigma^2 of each distance (k,) in angstrom^2 and its derivatives, each of shape (k,)."""

    variance: Array
    by_u: Array
    by_distance: Array
    by_delta1: Array
    by_delta2: Array
    by_qbroad: Array


def widths(distance: Array, u_sum: Array, *, delta1: float = 0.0, delta2: float = 0.0, qbroad: float = 0.0) -> Widths:
    """Peak widths at the given distances.

    Parameters
    ----------
    distance : array, shape (k,)
        angstrom.
    u_sum : array, shape (k,)
        U_i + U_j, angstrom^2.
    delta1, delta2, qbroad : float
        angstrom, angstrom^2, 1/angstrom.

    Examples
    --------
    >>> w = widths(np.array([2.0]), np.array([0.01]), delta2=2.0)
    >>> float(w.variance[0])
    0.005
    """
    factor = 1.0 - delta1 / distance - delta2 / distance**2 + (qbroad * distance) ** 2
    free = factor > _LEAST
    factor = np.where(free, factor, _LEAST)
    slope = np.where(free, u_sum, 0.0)
    return Widths(
        variance=u_sum * factor,
        by_u=factor,
        by_distance=slope * (delta1 / distance**2 + 2 * delta2 / distance**3 + 2 * qbroad**2 * distance),
        by_delta1=-slope / distance,
        by_delta2=-slope / distance**2,
        by_qbroad=slope * 2 * qbroad * distance**2,
    )


@njit(cache=True, fastmath=True, nogil=True)
def peak_sum(
    distance: Array,
    weight: Array,
    variance: Array,
    channel: Index,
    d_distance: Array,
    d_variance: Array,
    dr: float,
    n: int,
    channels: int,
) -> Array:
    """Sum of peaks and its derivatives on r = dr ... (n-1) dr.

    Parameters
    ----------
    distance, weight, variance : array, shape (k,)
        d (angstrom), w (1), sigma^2 (angstrom^2; taken as at least dr^2, below which the grid cannot hold a peak).
    channel : int array, shape (k,)
        Row of the result that takes the peak (pair of elements).
    d_distance, d_variance : array, shape (k, p)
        Derivatives of distance and variance with respect to p parameters.
    dr : float
    n : int
    channels : int

    Returns
    -------
    array, shape (channels, 1 + p, n - 1)
        Row 0: the sum; rows 1 ... p: its derivatives.
    """
    p = d_distance.shape[1]
    out = np.zeros((channels, 1 + p, n - 1))
    least = dr * dr
    reach = n
    g = np.empty(reach)
    gd = np.empty(reach)
    gs = np.empty(reach)
    for k in range(distance.size):
        d = distance[k]
        s = max(variance[k], least)
        half = _REACH * np.sqrt(s)
        first = max(1, int(np.ceil((d - half) / dr)))
        last = min(n - 1, int((d + half) / dr))
        m = last - first + 1
        if m <= 0:
            continue
        height = weight[k] / d / np.sqrt(2.0 * np.pi * s)
        inv = 1.0 / s
        rows = out[channel[k]]
        # exp(-x^2/2s) on a uniform grid by recurrence from the middle outwards: two multiplications a point, errors below 1e-13
        middle = min(max(int(np.round(d / dr)) - first, 0), m - 1)
        x = (first + middle) * dr - d
        centre = height * np.exp(-0.5 * x * x * inv)
        second = np.exp(-dr * dr * inv)
        g[middle] = centre
        ratio = np.exp(-(x * dr + 0.5 * dr * dr) * inv)
        value = centre
        for i in range(middle + 1, m):
            value *= ratio
            ratio *= second
            g[i] = value
        ratio = np.exp((x * dr - 0.5 * dr * dr) * inv)
        value = centre
        for i in range(middle - 1, -1, -1):
            value *= ratio
            ratio *= second
            g[i] = value
        for i in range(m):
            rows[0, first - 1 + i] += g[i]
        if p == 0:
            continue
        for i in range(m):
            x = (first + i) * dr - d
            gd[i] = g[i] * (x * inv - 1.0 / d)
            gs[i] = g[i] * (0.5 * inv) * (x * x * inv - 1.0)
        for q in range(p):
            a = d_distance[k, q]
            b = d_variance[k, q] if variance[k] > least else 0.0
            if a == 0.0 and b == 0.0:
                continue
            row = rows[1 + q]
            for i in range(m):
                row[first - 1 + i] += a * gd[i] + b * gs[i]
    return out
