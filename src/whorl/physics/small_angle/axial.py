r"""Bodies made of coaxial, centred cylinders, averaged over orientations and sizes.

With the scattering vector at the angle theta to the axis, u = q sin(theta) across it and v = q cos(theta) along it,

.. math::
    F(u, v) = \sum_{ij} \kappa_{ij}\, \pi R_i^2 \frac{2 J_1(u R_i)}{u R_i}\; L_j \frac{\sin(v L_j / 2)}{v L_j / 2}.

Two radii and two lengths make the cylinder, the hollow cylinder, the cylinder with a shell all around, and the bicelle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array, Size, as_sizes
from whorl.physics.small_angle.functions import LOOP, disc_shape, slab_shape
from whorl.physics.small_angle.orientation import Index, rules
from whorl.physics.small_angle.separable import products, tabulate
from whorl.physics.small_angle.sizes import combine
from whorl.physics.small_angle.thinning import over_sizes

Matrix = NDArray[np.float64]


@njit(**LOOP)
def _orientations(
    q: Array,
    radius: Matrix,
    length: Matrix,
    kappa: Matrix,
    weight: Array,
    reach: Array,
    start: Index,
    cosine: Array,
    sine: Array,
    share: Array,
    out: Matrix,
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
        out[0, i] = total1
        out[1, i] = total2


@njit(**LOOP)
def _across(u: Array, radius: Matrix, kappa: Matrix, weight: Array, out: Matrix) -> None:
    """Means over sizes of g_j = sum_i kappa_ij disc_i: <g_0>, <g_1>, <g_0^2>, <g_0 g_1>, <g_1^2>; or <g_0>, <g_0^2>."""
    area0 = np.pi * radius[0] ** 2
    area1 = np.pi * radius[1] ** 2
    single = not np.any(kappa[1])
    pair = np.any(kappa[:, 1])
    for i in range(u.size):
        a = 0.0
        b = 0.0
        aa = 0.0
        ab = 0.0
        bb = 0.0
        if single and not pair:
            for m in range(weight.size):
                one = kappa[0, 0] * area0[m] * disc_shape(u[i] * radius[0, m])
                a += weight[m] * one
                aa += weight[m] * one * one
        else:
            for m in range(weight.size):
                inner = area0[m] * disc_shape(u[i] * radius[0, m])
                outer = area1[m] * disc_shape(u[i] * radius[1, m])
                one = kappa[0, 0] * inner + kappa[1, 0] * outer
                two = kappa[0, 1] * inner + kappa[1, 1] * outer
                a += weight[m] * one
                b += weight[m] * two
                aa += weight[m] * one * one
                ab += weight[m] * one * two
                bb += weight[m] * two * two
        if pair:
            out[0, i], out[1, i], out[2, i], out[3, i], out[4, i] = a, b, aa, ab, bb
        else:
            out[0, i], out[1, i] = a, aa


@njit(**LOOP)
def _along(v: Array, length: Matrix, weight: Array, out: Matrix) -> None:
    """Means over sizes of the slabs s_j, in the order of `_across`."""
    pair = out.shape[0] == 5
    for i in range(v.size):
        a = 0.0
        b = 0.0
        aa = 0.0
        ab = 0.0
        bb = 0.0
        if pair:
            for m in range(weight.size):
                one = length[0, m] * slab_shape(0.5 * v[i] * length[0, m])
                two = length[1, m] * slab_shape(0.5 * v[i] * length[1, m])
                a += weight[m] * one
                b += weight[m] * two
                aa += weight[m] * one * one
                ab += weight[m] * one * two
                bb += weight[m] * two * two
            out[0, i], out[1, i], out[2, i], out[3, i], out[4, i] = a, b, aa, ab, bb
        else:
            for m in range(weight.size):
                one = length[0, m] * slab_shape(0.5 * v[i] * length[0, m])
                a += weight[m] * one
                aa += weight[m] * one * one
            out[0, i], out[1, i] = a, aa


class Dimension(NamedTuple):
    """Lengths in one direction, across the axis or along it.

    Attributes
    ----------
    sizes : tuple of float or Sizes
        What may be distributed.
    rates : tuple of float
        See `thinning.over_sizes`.
    boundaries : callable
        Gives for combinations of the sizes, shape (number of sizes, m), the two radii, or the two lengths, shape (2, m).
    """

    sizes: tuple[Size, ...]
    rates: tuple[float, ...]
    boundaries: Callable[[Matrix], Matrix]

    @property
    def spread(self) -> bool:
        """Whether any of the sizes is a distribution."""
        return any(as_sizes(one).values.size > 1 for one in self.sizes)

    @property
    def largest(self) -> float:
        """Largest of the boundaries, angstrom."""
        return float(self.boundaries(np.array([[as_sizes(one).values.max()] for one in self.sizes])).max())


def cylinders(q: Array, across: Dimension, along: Dimension, kappa: Matrix) -> Matrix:
    """Average amplitude and its square of coaxial cylinders over orientations and sizes.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    across, along : Dimension
        Radii and lengths.
    kappa : array, shape (2, 2)
        Of each radius (first index) with each length, 1e-6/angstrom^2.

    Returns
    -------
    array, shape (2, n)
        f and f2.
    """
    top, rim, half = float(q.max()), across.largest, along.largest / 2
    extent = float(np.hypot(rim, half))
    given = rules(top * extent)
    if not (across.spread or along.spread):
        radii, lengths = across.boundaries(combine(*across.sizes)[0]), along.boundaries(combine(*along.sizes)[0])
        out = np.empty((2, q.size))
        _orientations(q, radii, lengths, kappa, np.ones(1), *given, out)
        return out
    functions = 5 if kappa[:, 1].any() else 2

    def discs(u: Array, values: Matrix, weights: Array) -> Matrix:
        out = np.empty((functions, u.size))
        _across(u, across.boundaries(values), kappa, weights, out)
        return out

    def slabs(v: Array, values: Matrix, weights: Array) -> Matrix:
        out = np.empty((functions, v.size))
        _along(v, along.boundaries(values), weights, out)
        return out

    disc_table = tabulate(lambda u: over_sizes(u, discs, across.sizes, across.rates, octaves=2), top, rim)
    slab_table = tabulate(lambda v: over_sizes(v, slabs, along.sizes, along.rates, octaves=2), top, half)
    return products(q, extent, disc_table, slab_table, given)
