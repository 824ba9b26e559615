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
from whorl.physics.small_angle.effective_radius import spheres_of
from whorl.physics.small_angle.functions import LOOP, sphere_shape
from whorl.physics.small_angle.orientation import Index, azimuths, rules

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
    reach = float(q.max()) * float(np.abs(polar - equatorial).max())
    given = rules(reach)
    if len(polar) == 1 and weights.size > 1:
        points = given.points(reach)
        square, share = given.cosine[points] ** 2, given.weight[points]
        return spheres_of(q, equatorial[0] ** 2, polar[0] ** 2, strength[0], weights, square, share)
    _revolution(q, equatorial, polar, strength, weights, given.reach, given.start, given.cosine, given.weight, out)
    return out


def triaxial_ellipsoids(q: Array, axes: NDArray[np.float64], step: float, weights: Array) -> NDArray[np.float64]:
    """Average amplitude and its square of ellipsoids with the semi-axes ``axes``, shape (3, m), angstrom."""
    top = float(q.max())
    low, middle, high = np.sort(axes, axis=0)
    reach = top * float((high - low).max())
    given, turn = rules(reach), azimuths(top * float((middle - low).max()))
    points, turns = given.points(reach), turn.points(top * float((middle - low).max()))
    across = np.outer(low**2, turn.cosine[turns] ** 2) + np.outer(middle**2, turn.sine[turns] ** 2)
    count = across.shape[1]
    amplitude = FOUR_THIRDS_PI * step * low * middle * high
    return spheres_of(
        q,
        across.ravel(),
        np.repeat(high**2, count),
        np.repeat(amplitude, count),
        np.outer(weights, turn.weight[turns]).ravel(),
        given.cosine[points] ** 2,
        given.weight[points],
    )
