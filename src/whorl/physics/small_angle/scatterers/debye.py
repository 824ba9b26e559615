r"""Scattering of a set of point scatterers, averaged over orientations.

With scattering amplitudes b_i at positions r_i (Debye, Ann. Phys. 351, 809 (1915), doi:10.1002/andp.19153510606)

.. math::
    I(q) = \sum_{i,j} b_i b_j \frac{\sin q d_{ij}}{q d_{ij}}

is summed directly (`debye_direct`), or over a histogram of the distances (`debye_histogram`), whose time hardly depends on the
number of q. A pair adds b_i b_j / d to the two nodes beside its distance, in proportion; that is linear interpolation of
sin(q d), which lowers a sine by the mean factor sinc^2(q w / 2) for nodes w apart, and that is divided out. What is left is
of the order of (q w)^2/24 and has either sign: with the default w = 0.15/q_max it adds up to less than 1e-3 of I.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES = 0.15  # step of the histogram times the largest q


@njit(cache=True)
def _direct(positions: Array, amplitudes: Array, q: Array) -> Array:
    out = np.full(q.size, np.sum(amplitudes**2))
    for i in range(positions.shape[0]):
        for j in range(i):
            dx = positions[i, 0] - positions[j, 0]
            dy = positions[i, 1] - positions[j, 1]
            dz = positions[i, 2] - positions[j, 2]
            d = np.sqrt(dx * dx + dy * dy + dz * dz)
            w = 2.0 * amplitudes[i] * amplitudes[j]
            for k in range(q.size):
                t = q[k] * d
                out[k] += w * (np.sin(t) / t if t > 1e-9 else 1.0)
    return out


@njit(cache=True, fastmath=True)
def _histogram(positions: Array, amplitudes: Array, step: float, size: int) -> Array:
    """Nodes 0, step ...: sum of 2 b_i b_j / d over the pairs, shape (size,)."""
    out = np.zeros(size)
    n = positions.shape[0]
    inverse = 1.0 / step
    x = np.ascontiguousarray(positions[:, 0]) * inverse
    y = np.ascontiguousarray(positions[:, 1]) * inverse
    z = np.ascontiguousarray(positions[:, 2]) * inverse
    distance = np.empty(n)
    for i in range(1, n):
        for j in range(i):  # a loop of its own, so that the square roots vectorise
            dx = x[i] - x[j]
            dy = y[i] - y[j]
            dz = z[i] - z[j]
            distance[j] = np.sqrt(dx * dx + dy * dy + dz * dz)
        double = 2.0 * amplitudes[i] * inverse
        for j in range(i):
            t = max(distance[j], 1e-9)
            k = int(t)
            u = t - k
            w = double * amplitudes[j] / t
            out[k] += w * (1.0 - u)
            out[k + 1] += w * u
    return out


@njit(cache=True, fastmath=True)
def _transform(histogram: Array, step: float, q: Array) -> Array:
    """Sum over the nodes of h sin(q r), by the recurrence of the sine, shape (n,)."""
    out = np.zeros(q.size)
    for k in range(q.size):
        t = q[k] * step
        twice = 2.0 * np.cos(t)
        before, now, total = 0.0, np.sin(t), 0.0
        for node in range(1, histogram.size):
            total += histogram[node] * now
            before, now = now, twice * now - before
        out[k] = total
    return out


def debye_direct(positions: Array, amplitudes: Array, q: Array) -> Array:
    """Sum the Debye equation pair by pair: exact, n^2 m / 2 sines.

    Parameters
    ----------
    positions : array, shape (n, 3)
        In angstrom.
    amplitudes : array, shape (n,)
    q : array, shape (m,)
        In 1/angstrom.

    Returns
    -------
    array, shape (m,)

    Examples
    --------
    >>> debye_direct(np.array([[0.0, 0, 0], [0, 0, 10.0]]), np.ones(2), np.array([np.pi / 10])).round(12)
    array([2.])
    """
    return np.asarray(_direct(*_checked(positions, amplitudes), np.ascontiguousarray(q, dtype=np.float64)))


def debye_histogram(positions: Array, amplitudes: Array, q: Array, *, step: float | None = None) -> Array:
    """Sum the Debye equation over a histogram of the distances (see `debye_direct`).

    Parameters
    ----------
    positions, amplitudes, q
        As for `debye_direct`.
    step : float, optional
        Of the histogram, angstrom; 0.15 / q_max by default.
    """
    positions, amplitudes = _checked(positions, amplitudes)
    q = np.ascontiguousarray(q, dtype=np.float64)
    step = _NODES / float(q.max()) if step is None else float(step)
    span = float(np.linalg.norm(np.ptp(positions, axis=0)))
    histogram = _histogram(positions, amplitudes, step, int(span / step) + 3)
    smooth = np.sinc(q * step / (2 * np.pi)) ** 2
    return np.asarray(np.sum(amplitudes**2) + _transform(histogram, step, q) / (q * smooth))


def debye_self(amplitudes: Array) -> float:
    """What the scatterers give by themselves: the sum of the squared amplitudes, to which I falls at large q."""
    return float(np.sum(np.asarray(amplitudes) ** 2))


def _checked(positions: Array, amplitudes: Array) -> tuple[Array, Array]:
    positions = np.ascontiguousarray(positions, dtype=np.float64)
    amplitudes = np.ascontiguousarray(amplitudes, dtype=np.float64)
    if positions.ndim != 2 or positions.shape[1] != 3 or amplitudes.shape != positions.shape[:1]:
        raise ValueError(f"positions of shape {positions.shape} and amplitudes of shape {amplitudes.shape}")
    return positions, amplitudes
