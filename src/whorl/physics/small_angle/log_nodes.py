r"""A curve read at nodes in equal steps of ln q: values, their uncertainties, and what lies between.

At each node a weighted straight line through the points within one and a half steps gives intensity and uncertainty, where
points are as dense as nodes; between sparser points the values are interpolated. Values are softened logarithms,

.. math::
    y = \ln s + \operatorname{arsinh}\frac{I}{2s},

with s the uncertainty: ln I far above it, linear in I about nought. Weights are continuous functions of the points' places.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: step of the nodes in ln q, and their number: four decades
STEP, NODES = 0.05, 184
_LEAST = 1e-4  # no intensity is known better than to this part
_SUPPORT = 1.5  # steps
_BLEND = 0.02
_SCALE, _MOST = 3.0, 6.0  # of the values, and the largest
_SURE = 0.1  # uncertainty of ln I below which nodes count alike in the mean
_END = 0.07  # part of the curve's length in ln q whose mean is taken for the background
_STOP = 2.0  # steps from the nearest point at which a node is not measured


@njit(cache=True, nogil=True, error_model="numpy")
def _softened(intensity: float, sigma: float) -> float:
    """Natural logarithm far above the uncertainty, linear about nought."""
    return float(np.log(sigma) + np.arcsinh(0.5 * intensity / sigma))


@njit(cache=True, nogil=True, error_model="numpy")
def read_nodes(x: Array, intensity: Array, sigma: Array, width: Array) -> Array:
    """Read a curve at the nodes.

    Parameters
    ----------
    x : array, shape (n,)
        ln(q / q_first), increasing from nought.
    intensity, sigma : array, shape (n,)
        Any unit; sigma positive.
    width : array, shape (n,)
        Relative standard deviation of q.

    Returns
    -------
    array, shape (7, NODES)
        Value less the curve's mean, over 3, within -6 and 6; decadic logarithm of a hundred times its uncertainty; 1 where
        there are points nearby; the value of what is above the mean of the upper end; ``width``; 1 within the curve; nought.
    """
    n = x.size
    out = np.zeros((7, NODES))
    floor = _background(x, intensity, sigma)
    for k in range(NODES):
        centre = k * STEP
        right = int(np.searchsorted(x, centre))
        left = max(right - 1, 0)
        right = min(right, n - 1)
        near = min(abs(x[left] - centre), abs(x[right] - centre)) / STEP
        inside = min(max(1.0 - (centre - x[-1]) / STEP, 0.0), 1.0)
        out[2, k] = min(max(_STOP - near, 0.0), inside)
        t = 0.0 if right == left else min(max((centre - x[left]) / (x[right] - x[left]), 0.0), 1.0)
        value = (1 - t) * _softened(intensity[left], sigma[left]) + t * _softened(intensity[right], sigma[right])
        above = (1 - t) * _softened(intensity[left] - floor, sigma[left]) + t * _softened(
            intensity[right] - floor, sigma[right]
        )
        error = (1 - t) * _doubt(intensity[left], sigma[left]) + t * _doubt(intensity[right], sigma[right])
        out[4, k] = inside * ((1 - t) * width[left] + t * width[right])
        out[5, k] = inside
        first = int(np.searchsorted(x, centre - _SUPPORT * STEP))
        s0, s1, s2, t0, t1, plain = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        i = first
        scale = sigma[left]
        while i < n and x[i] < centre + _SUPPORT * STEP:
            d = (x[i] - centre) / STEP
            h = 1 - abs(d) / _SUPPORT
            w = h * (scale / sigma[i]) ** 2
            plain += h
            s0 += w
            s1 += w * d
            s2 += w * d * d
            t0 += w * intensity[i]
            t1 += w * d * intensity[i]
            i += 1
        if s0 > 0:
            spread = (s0 * s2 - s1 * s1) / (s0 * s0)
            if spread > 1e-6:
                mean = (s2 * t0 - s1 * t1) / (s0 * s0 * spread)
                variance = 0.0
                for j in range(first, i):
                    d = (x[j] - centre) / STEP
                    w = (1 - abs(d) / _SUPPORT) * (scale / sigma[j]) ** 2
                    variance += (w * (s2 - s1 * d) / (s0 * s0 * spread) * sigma[j]) ** 2
                s = max(np.sqrt(variance), _LEAST * abs(mean))
                dense = spread * plain
                part = dense * dense / (dense * dense + _BLEND)
                value += part * (_softened(mean, s) - value)
                above += part * (_softened(mean - floor, s) - above)
                error += part * (_doubt(mean, s) - error)
        out[0, k], out[1, k], out[3, k] = value, error, above
    total, weight = 0.0, 0.0
    for k in range(NODES):
        w = out[5, k] / (np.exp(2 * out[1, k]) + _SURE * _SURE)
        total += w * out[0, k]
        weight += w
    for k in range(NODES):
        out[0, k] = out[5, k] * min(max((out[0, k] - total / weight) / _SCALE, -_MOST), _MOST)
        out[3, k] = out[5, k] * min(max((out[3, k] - total / weight) / _SCALE, -_MOST), _MOST)
        out[1, k] = out[5, k] * (out[1, k] + 2.0 * np.log(10.0)) / np.log(10.0)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _doubt(intensity: float, sigma: float) -> float:
    """Natural logarithm of the uncertainty of the softened value."""
    return float(-0.5 * np.log(4 + (intensity / sigma) ** 2))


@njit(cache=True, nogil=True, error_model="numpy")
def _background(x: Array, intensity: Array, sigma: Array) -> float:
    """Weighted mean of the intensity over the last part of the curve."""
    total, weight = 0.0, 0.0
    scale = sigma[-1]
    start = x[-1] * (1 - _END)
    for i in range(x.size):
        h = (x[i] - start) / (x[-1] - start)
        if h > 0:
            w = min(4 * h, 1.0) * (scale / sigma[i]) ** 2
            total += w * intensity[i]
            weight += w
    return float(total / weight)
