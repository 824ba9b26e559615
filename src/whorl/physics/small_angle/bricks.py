r"""Rectangular bricks, averaged over orientations.

.. math::
    F(\mathbf{q}) = \Delta\rho\, abc\, S(q_x a / 2)\, S(q_y b / 2)\, S(q_z c / 2), \qquad S(x) = \sin(x) / x

(Mittelbach & Porod, Acta Phys. Austriaca 14, 185 (1961)).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array
from whorl.physics.small_angle.functions import LOOP, slab_shape
from whorl.physics.small_angle.orientation import Index, rules


@njit(**LOOP)
def _average(
    q: Array,
    sides: NDArray[np.float64],
    weight: Array,
    reach: Array,
    start: Index,
    cosine: Array,
    sine: Array,
    share: Array,
    f: Array,
    f2: Array,
) -> None:
    for i in range(q.size):
        total1 = 0.0
        total2 = 0.0
        for m in range(weight.size):
            x, y, z = 0.5 * q[i] * sides[0, m], 0.5 * q[i] * sides[1, m], 0.5 * q[i] * sides[2, m]
            across = np.sqrt(x * x + y * y)
            rule = np.searchsorted(reach, np.sqrt(across * across + z * z))
            azimuths = 6 + int(0.5 * across + 2.0 * across ** (1.0 / 3.0))
            volume = sides[0, m] * sides[1, m] * sides[2, m]
            for a in range(azimuths):
                phi = 0.5 * np.pi * (a + 0.5) / azimuths
                xa = x * np.cos(phi)
                ya = y * np.sin(phi)
                first = 0.0
                second = 0.0
                for p in range(start[rule], start[rule + 1]):
                    one = slab_shape(xa * sine[p]) * slab_shape(ya * sine[p]) * slab_shape(z * cosine[p])
                    first += share[p] * one
                    second += share[p] * one * one
                total1 += weight[m] / azimuths * volume * first
                total2 += weight[m] / azimuths * volume * volume * second
        f[i] = total1
        f2[i] = total2


def bricks(q: Array, sides: NDArray[np.float64], weights: Array) -> tuple[Array, Array]:
    """Average of V S S S and of its square over orientations, of bricks with ``sides``, shape (3, m), angstrom."""
    f, f2 = np.empty(q.size), np.empty(q.size)
    reach = float(q.max()) * float(np.sqrt((sides**2).sum(axis=0).max())) / 2
    _average(q, sides, weights, *rules(reach), f, f2)
    return f, f2
