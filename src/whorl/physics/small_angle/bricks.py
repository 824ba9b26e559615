r"""Rectangular bricks, averaged over orientations and sizes.

.. math::
    F(\mathbf{q}) = abc\, S(q_x a / 2)\, S(q_y b / 2)\, S(q_z c / 2), \qquad S(x) = \sin(x) / x

(Mittelbach & Porod, Acta Phys. Austriaca 14, 185 (1961)). The mean of the first two factors over the azimuth is a function of
the part of q across the axis c alone: it is tabulated, and the mean over the polar angle made as that of a cylinder.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array, Size, as_sizes
from whorl.physics.small_angle.functions import LOOP, slab_shape
from whorl.physics.small_angle.orientation import azimuths, rules
from whorl.physics.small_angle.separable import last_argument, products, tabulate
from whorl.physics.small_angle.thinning import over_sizes


@njit(**LOOP)
def _slab(x: Array, length: Array, weight: Array, out: NDArray[np.float64]) -> None:
    for i in range(x.size):
        first = 0.0
        second = 0.0
        for m in range(weight.size):
            one = length[m] * slab_shape(0.5 * x[i] * length[m])
            first += weight[m] * one
            second += weight[m] * one * one
        out[0, i] = first
        out[1, i] = second


def _slabs(side: Size, x: Array) -> NDArray[np.float64]:
    """Mean of the slab of one side, and of its square, over the sizes of that side, shape (2, n)."""
    return over_sizes(x, _kernel, (side,), (0.5,), octaves=2)


def _kernel(x: Array, values: NDArray[np.float64], weights: Array) -> NDArray[np.float64]:
    out = np.empty((2, x.size))
    _slab(x, values[0], weights, out)
    return out


def bricks(q: Array, sides: tuple[Size, Size, Size]) -> NDArray[np.float64]:
    """Average of the amplitude of bricks at contrast 1, and of its square, over orientations and sizes.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    sides : tuple of three float or Sizes
        Angstrom; the longest is best given last.

    Returns
    -------
    array, shape (2, n)
        f and f2.
    """
    top = float(q.max())
    halves = [float(as_sizes(side).values.max()) / 2 for side in sides]
    across = float(np.hypot(halves[0], halves[1]))
    beyond = last_argument(top, across)
    ends = (beyond, beyond, top)
    a, b, c = (tabulate(partial(_slabs, side), end, half) for side, half, end in zip(sides, halves, ends, strict=True))
    turn = azimuths(beyond * across)
    face = tabulate(lambda x: products(x, across, a, b, turn), top, across)
    extent = float(np.hypot(across, halves[2]))
    return products(q, extent, face, c, rules(top * extent))
