r"""Concentric spheres: F(q) = sum_j (rho_j - rho_{j+1}) V(R_j) f(q R_j), f(x) = 3 (sin x - x cos x) / x^3.

The sum is over boundaries from the inside outwards, rho_{j+1} being outside boundary j.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array
from whorl.physics.small_angle.functions import LOOP, sphere_shape

FOUR_THIRDS_PI = 4.0 / 3.0 * np.pi


@njit(**LOOP)
def _one_boundary(q: Array, radius: Array, strength: Array, weight: Array, out: NDArray[np.float64]) -> None:
    for i in range(q.size):
        first = 0.0
        second = 0.0
        for m in range(weight.size):
            amplitude = strength[m] * sphere_shape(q[i] * radius[m])
            first += weight[m] * amplitude
            second += weight[m] * amplitude * amplitude
        out[0, i] = first
        out[1, i] = second


@njit(**LOOP)
def _boundaries(q: Array, radius: Array, strength: Array, weight: Array, out: NDArray[np.float64]) -> None:
    amplitude = np.empty(weight.size)
    for i in range(q.size):
        for m in range(weight.size):
            amplitude[m] = strength[0, m] * sphere_shape(q[i] * radius[0, m])
        for j in range(1, radius.shape[0]):
            for m in range(weight.size):
                amplitude[m] += strength[j, m] * sphere_shape(q[i] * radius[j, m])
        first = 0.0
        second = 0.0
        for m in range(weight.size):
            first += weight[m] * amplitude[m]
            second += weight[m] * amplitude[m] * amplitude[m]
        out[0, i] = first
        out[1, i] = second


def shells(q: Array, radii: NDArray[np.float64], steps: Array, weights: Array) -> NDArray[np.float64]:
    """Average amplitude and its square of concentric spheres.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    radii : array, shape (j, m)
        Of the j boundaries, inside first, of each of m sizes, angstrom.
    steps : array, shape (j,)
        Scattering length density inside of each boundary less that outside, 1e-6/angstrom^2.
    weights : array, shape (m,)

    Returns
    -------
    array, shape (2, n)
        f and f2.

    Examples
    --------
    >>> f, f2 = shells(np.array([1e-6]), np.array([[10.0]]), np.array([2.0]), np.ones(1))
    >>> (f / (2.0 * 4 / 3 * np.pi * 1e3)).round(9), (f2 / f**2).round(9)
    (array([1.]), array([1.]))
    """
    strength = FOUR_THIRDS_PI * steps[:, None] * radii**3
    out = np.empty((2, q.size))
    if len(radii) == 1:
        _one_boundary(q, radii[0], strength[0], weights, out)
    else:
        _boundaries(q, radii, strength, weights, out)
    return out
