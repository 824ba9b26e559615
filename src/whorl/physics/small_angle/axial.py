r"""Bodies made of coaxial, centred cylinders, averaged over orientations.

With the scattering vector at the angle theta to the axis, u = q sin(theta) across it and v = q cos(theta) along it,

.. math::
    F(u, v) = \sum_{ij} \kappa_{ij}\, \pi R_i^2 \frac{2 J_1(u R_i)}{u R_i}\; L_j \frac{\sin(v L_j / 2)}{v L_j / 2}.

Two radii and two lengths make the cylinder, the hollow cylinder, the cylinder with a shell all around, and the bicelle.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array
from whorl.physics.small_angle.functions import LOOP, disc_shape, slab_shape
from whorl.physics.small_angle.orientation import Index, rules


@njit(**LOOP)
def _average(
    q: Array,
    radius: NDArray[np.float64],
    length: NDArray[np.float64],
    kappa: NDArray[np.float64],
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
            rim = max(radius[0, m], radius[1, m])
            half = 0.5 * max(length[0, m], length[1, m])
            rule = np.searchsorted(reach, q[i] * np.sqrt(rim * rim + half * half))
            area0 = np.pi * radius[0, m] ** 2
            area1 = np.pi * radius[1, m] ** 2
            k00 = kappa[0, 0] * area0 * length[0, m]
            k01 = kappa[0, 1] * area0 * length[1, m]
            k10 = kappa[1, 0] * area1 * length[0, m]
            k11 = kappa[1, 1] * area1 * length[1, m]
            u0 = q[i] * radius[0, m]
            u1 = q[i] * radius[1, m]
            v0 = 0.5 * q[i] * length[0, m]
            v1 = 0.5 * q[i] * length[1, m]
            first = 0.0
            second = 0.0
            if k01 == 0.0 and k10 == 0.0 and k11 == 0.0:
                for p in range(start[rule], start[rule + 1]):
                    one = k00 * disc_shape(u0 * sine[p]) * slab_shape(v0 * cosine[p])
                    first += share[p] * one
                    second += share[p] * one * one
            else:
                for p in range(start[rule], start[rule + 1]):
                    slab0 = slab_shape(v0 * cosine[p])
                    slab1 = slab_shape(v1 * cosine[p])
                    one = disc_shape(u0 * sine[p]) * (k00 * slab0 + k01 * slab1)
                    one += disc_shape(u1 * sine[p]) * (k10 * slab0 + k11 * slab1)
                    first += share[p] * one
                    second += share[p] * one * one
            total1 += weight[m] * first
            total2 += weight[m] * second
        f[i] = total1
        f2[i] = total2


def cylinders(
    q: Array, radii: NDArray[np.float64], lengths: NDArray[np.float64], kappa: NDArray[np.float64], weights: Array
) -> tuple[Array, Array]:
    """Average amplitude and its square of coaxial cylinders over orientations and sizes.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    radii, lengths : array, shape (2, m)
        Angstrom.
    kappa : array, shape (2, 2)
        Of each radius (first index) with each length, 1e-6/angstrom^2.
    weights : array, shape (m,)

    Returns
    -------
    f, f2 : array, shape (n,)
    """
    f, f2 = np.empty(q.size), np.empty(q.size)
    reach = float(q.max()) * float(np.hypot(radii.max(axis=0), lengths.max(axis=0) / 2).max())
    _average(q, radii, lengths, kappa, weights, *rules(reach), f, f2)
    return f, f2
