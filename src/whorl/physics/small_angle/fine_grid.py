"""Quick smearing of a curve that is known on a fine grid, uniform in ln q: for simulations by the hundred thousand.

`whorl.physics.small_angle.smearing` is exact, computes its model where it needs it, and is what fits use. Here the model is
there already, as logarithms between whose points it is linear; beyond the ends of the grid the last slope goes on.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_REACH, _NODES = 3.0, 4.0  # standard deviations of the resolution; nodes in one of them
_SLIT_NODES = 24


@njit(cache=True, nogil=True, error_model="numpy")
def _at(x: float, start: float, step: float, logs: Array) -> float:
    """Intensity at ln q = x: linear between the points in logarithms."""
    place = (x - start) / step
    k = min(max(int(np.floor(place)), 0), logs.size - 2)
    return float(np.exp(logs[k] + (place - k) * (logs[k + 1] - logs[k])))


@njit(cache=True, nogil=True, error_model="numpy")
def pinhole_mean(axis: Array, width: Array, start: float, step: float, logs: Array) -> Array:
    """Intensity through a pinhole: the mean over a normal distribution of q, cut at three standard deviations.

    Parameters
    ----------
    axis, width : array, shape (n,)
        Where it is measured, and standard deviation of q there, 1/angstrom; plain values where that is less than half a step.
    start, step : float
        First ln q of the grid, and its step.
    logs : array, shape (m,)
        Logarithms of the intensity on the grid.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> logs = -2.0 * np.linspace(-6, 0, 601)  # a power law
    >>> smeared = pinhole_mean(np.array([0.05]), np.array([0.005]), -6.0, 0.01, logs)
    >>> round(float(smeared[0] * 0.05**2), 2)  # 1 + 3 (dq / q)^2 + ...
    1.03
    """
    out = np.empty(axis.size)
    fine = np.exp(logs)
    q = np.exp(start + step * np.arange(logs.size))
    for i in range(axis.size):
        centre, sigma = axis[i], width[i]
        if sigma < 0.5 * step * centre:
            out[i] = _at(np.log(centre), start, step, logs)
            continue
        low = max(centre - _REACH * sigma, 0.05 * centre)
        first = int(np.ceil((np.log(low) - start) / step))
        last = int(np.floor((np.log(centre + _REACH * sigma) - start) / step))
        total, weight = 0.0, 0.0
        for k in range(first, last + 1, max(int(sigma / (_NODES * step * centre)), 1)):
            inside = 0 <= k < logs.size
            at = q[k] if inside else np.exp(start + k * step)
            w = np.exp(-0.5 * ((at - centre) / sigma) ** 2) * at
            total += w * (fine[k] if inside else _at(start + k * step, start, step, logs))
            weight += w
        out[i] = total / weight
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def slit_mean(axis: Array, length: float, start: float, step: float, logs: Array) -> Array:
    """Intensity through a long slit: the mean over q' = sqrt(q^2 + u^2), u from 0 to its half length, nodes denser near 0.

    Parameters
    ----------
    axis : array, shape (n,)
        1/angstrom.
    length : float
        Half length of the slit, 1/angstrom.
    start, step, logs
        As for `pinhole_mean`.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> logs = -2.0 * np.linspace(-6, 3, 901)
    >>> smeared = slit_mean(np.array([0.01]), 1.0, -6.0, 0.01, logs)
    >>> round(float(smeared[0] * 0.01), 2)  # arctan(L / q) / L
    1.56
    """
    out = np.empty(axis.size)
    for i in range(axis.size):
        top = np.arcsinh(length / axis[i])
        total, weight = 0.0, 0.0
        for k in range(_SLIT_NODES):
            t = (k + 0.5) / _SLIT_NODES * top
            jacobian = np.cosh(t)  # u = q sinh t
            total += jacobian * _at(np.log(axis[i] * jacobian), start, step, logs)
            weight += jacobian
        out[i] = total / weight
    return out
