r"""Concentric ellipsoids of revolution, and ellipsoids with three axes, averaged over orientations.

An ellipsoid scatters like a sphere of the radius it has along q (Guinier, Ann. Phys. 11, 161 (1939)):

.. math::
    F(\mathbf{q}) = \Delta\rho\, V f(q r), \quad
    r^2 = R_e^2 \sin^2\theta + R_p^2 \cos^2\theta, \quad f(x) = 3 (\sin x - x \cos x) / x^3,

and with three axes r^2 = (R_a^2 cos^2(phi) + R_b^2 sin^2(phi)) sin^2(theta) + R_c^2 cos^2(theta).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array
from whorl.physics.small_angle.functions import LOOP, sphere_shape
from whorl.physics.small_angle.orientation import Index, rules

FOUR_THIRDS_PI = 4.0 / 3.0 * np.pi


@njit(**LOOP)
def _revolution(
    q: Array,
    equatorial: NDArray[np.float64],
    polar: NDArray[np.float64],
    strength: NDArray[np.float64],
    weight: Array,
    reach: Array,
    start: Index,
    cosine: Array,
    share: Array,
    out: NDArray[np.float64],
) -> None:
    last = equatorial.shape[0] - 1
    for i in range(q.size):
        total1 = 0.0
        total2 = 0.0
        for m in range(weight.size):
            rule = np.searchsorted(
                reach, q[i] * max(np.abs(polar[0, m] - equatorial[0, m]), np.abs(polar[last, m] - equatorial[last, m]))
            )
            e0 = (q[i] * equatorial[0, m]) ** 2
            p0 = (q[i] * polar[0, m]) ** 2 - e0
            e1 = (q[i] * equatorial[last, m]) ** 2
            p1 = (q[i] * polar[last, m]) ** 2 - e1
            first = 0.0
            second = 0.0
            if last == 0:
                for p in range(start[rule], start[rule + 1]):
                    one = strength[0, m] * sphere_shape(np.sqrt(e0 + p0 * cosine[p] * cosine[p]))
                    first += share[p] * one
                    second += share[p] * one * one
            else:
                for p in range(start[rule], start[rule + 1]):
                    z = cosine[p] * cosine[p]
                    one = strength[0, m] * sphere_shape(np.sqrt(e0 + p0 * z))
                    one += strength[1, m] * sphere_shape(np.sqrt(e1 + p1 * z))
                    first += share[p] * one
                    second += share[p] * one * one
            total1 += weight[m] * first
            total2 += weight[m] * second
        out[0, i] = total1
        out[1, i] = total2


def ellipsoids(
    q: Array, equatorial: NDArray[np.float64], polar: NDArray[np.float64], steps: Array, weights: Array
) -> NDArray[np.float64]:
    """Average amplitude and its square of one ellipsoid of revolution, or of two with one centre and one axis.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    equatorial, polar : array, shape (j, m)
        Radii of the j (1 or 2) boundaries, inside first, angstrom.
    steps : array, shape (j,)
        Scattering length density inside of each boundary less that outside, 1e-6/angstrom^2.
    weights : array, shape (m,)

    Returns
    -------
    array, shape (2, n)
        f and f2.
    """
    out = np.empty((2, q.size))
    strength = FOUR_THIRDS_PI * steps[:, None] * equatorial**2 * polar
    given = rules(float(q.max()) * float(np.abs(polar - equatorial).max()))
    _revolution(q, equatorial, polar, strength, weights, given.reach, given.start, given.cosine, given.weight, out)
    return out


@njit(**LOOP)
def _triaxial(
    q: Array,
    axes: NDArray[np.float64],
    strength: Array,
    weight: Array,
    reach: Array,
    start: Index,
    cosine: Array,
    share: Array,
    out: NDArray[np.float64],
) -> None:
    for i in range(q.size):
        total1 = 0.0
        total2 = 0.0
        for m in range(weight.size):
            low = min(axes[0, m], axes[1, m])
            high = max(axes[0, m], axes[1, m])
            rule = np.searchsorted(reach, q[i] * (max(high, axes[2, m]) - min(low, axes[2, m])))
            q2 = q[i] * q[i]
            polar = q2 * axes[2, m] ** 2
            azimuths = 6 + int(0.5 * q[i] * (high - low) + 2.0 * (q[i] * (high - low)) ** (1.0 / 3.0))
            for a in range(azimuths):
                side = np.sin(0.5 * np.pi * (a + 0.5) / azimuths) ** 2
                across = q2 * (axes[0, m] ** 2 + (axes[1, m] ** 2 - axes[0, m] ** 2) * side)
                first = 0.0
                second = 0.0
                for p in range(start[rule], start[rule + 1]):
                    z = cosine[p] * cosine[p]
                    one = sphere_shape(np.sqrt(across + (polar - across) * z))
                    first += share[p] * one
                    second += share[p] * one * one
                total1 += weight[m] / azimuths * strength[m] * first
                total2 += weight[m] / azimuths * strength[m] ** 2 * second
        out[0, i] = total1
        out[1, i] = total2


def triaxial_ellipsoids(q: Array, axes: NDArray[np.float64], step: float, weights: Array) -> NDArray[np.float64]:
    """Average amplitude and its square of ellipsoids with the semi-axes ``axes``, shape (3, m), angstrom.

    The longest is best given last: the rule for the polar angle follows it.
    """
    out = np.empty((2, q.size))
    strength = FOUR_THIRDS_PI * step * axes.prod(axis=0)
    given = rules(float(q.max()) * float((axes.max(axis=0) - axes.min(axis=0)).max()))
    _triaxial(q, axes, strength, weights, given.reach, given.start, given.cosine, given.weight, out)
    return out
