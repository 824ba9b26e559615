r"""Amplitudes that are a function across an axis times a function along it: averages over sizes first, orientation after.

If F = sum_j g_j(u) s_j(v), with u = q sin(theta) across and v = q cos(theta) along the axis, and the sizes across are
independent of those along, then

.. math::
    \langle F^2 \rangle = \int_0^1 \sum_{jk} \langle g_j g_k \rangle(u)\, \langle s_j s_k \rangle(v)\, d\cos\theta :

each mean over sizes is a function of one variable, which is tabulated once for all q and all orientations. The tables have
equal steps, so short that polynomials through six points are good to 1e-6 of the slowly varying part. The functions are even.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array
from whorl.physics.small_angle.functions import LOOP
from whorl.physics.small_angle.orientation import Index, Rules

STEP = 0.12  # of the table, times the largest distance from the centre: the squares have a period of pi
POINTS = 6
BEFORE = 2  # points of a polynomial before its interval
#: coefficients of the polynomial from its values at -2 ... 3
TO_POWERS = np.linalg.inv(np.vander(np.arange(-BEFORE, POINTS - BEFORE, dtype=np.float64), increasing=True))


def _cells(top: float, extent: float) -> int:
    return max(int(np.ceil(top * extent / STEP)), 8)


def last_argument(top: float, extent: float) -> float:
    """Largest argument for which `tabulate` asks the functions, a little more than ``top``."""
    return top * (1 + (POINTS - BEFORE + 0.5) / _cells(top, extent))


def tabulate(function: Callable[[Array], NDArray[np.float64]], top: float, extent: float) -> tuple[float, NDArray[np.float64]]:
    """Tabulate even functions from 0 to ``top``.

    Parameters
    ----------
    function : callable
        Gives the values of k functions, shape (k, n), for arguments > 0, shape (n,).
    top : float
        Largest argument, 1/angstrom.
    extent : float
        Largest distance from the centre, angstrom: the functions go through a period while their argument grows by pi / extent.

    Returns
    -------
    inverse step : float
    table : array, shape (cells, k, 6)
        Coefficients of the polynomials, in units of the step from the start of each cell.

    Examples
    --------
    >>> inverse, table = tabulate(lambda x: np.cos(200 * x)[None, :], 0.5, 100.0)
    >>> cell, rest = divmod(0.3217 * inverse, 1)
    >>> bool(abs(table[int(cell), 0] @ rest ** np.arange(6) - np.cos(200 * 0.3217)) < 1e-6)
    True
    """
    cells = _cells(top, extent)
    step = top / cells
    arguments = (np.arange(cells + 1 + POINTS - BEFORE, dtype=np.float64) + 1e-9) * step
    half = function(arguments)
    return 1.0 / step, _polynomials(np.ascontiguousarray(half), cells + 1, TO_POWERS)


@njit(**LOOP)
def _polynomials(half: NDArray[np.float64], cells: int, to_powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coefficients of the polynomial of each cell, shape (cells, k, 6), from the values of even functions from 0 on, (k, n)."""
    out = np.zeros((cells, half.shape[0], POINTS))
    for k in range(half.shape[0]):
        for cell in range(cells):
            for j in range(POINTS):
                value = half[k, abs(cell + j - BEFORE)]
                for power in range(POINTS):
                    out[cell, k, power] += to_powers[power, j] * value
    return out


@njit(inline="always")
def _value(table: NDArray[np.float64], cell: int, k: int, t: float) -> float:
    total = table[cell, k, 4] + t * table[cell, k, 5]
    total = table[cell, k, 2] + t * (table[cell, k, 3] + t * total)
    return float(table[cell, k, 0] + t * (table[cell, k, 1] + t * total))


@njit(**LOOP)
def _one(
    q: Array,
    extent: float,
    across_inverse: float,
    across: NDArray[np.float64],
    along_inverse: float,
    along: NDArray[np.float64],
    reach: Array,
    start: Index,
    cosine: Array,
    sine: Array,
    share: Array,
    out: NDArray[np.float64],
) -> None:
    for i in range(q.size):
        rule = np.searchsorted(reach, q[i] * extent)
        to_u = q[i] * across_inverse
        to_v = q[i] * along_inverse
        first = 0.0
        second = 0.0
        for p in range(start[rule], start[rule + 1]):
            u = to_u * sine[p]
            v = to_v * cosine[p]
            a = np.int32(u)
            b = np.int32(v)
            u -= a
            v -= b
            first += share[p] * _value(across, a, 0, u) * _value(along, b, 0, v)
            second += share[p] * _value(across, a, 1, u) * _value(along, b, 1, v)
        out[0, i] = first
        out[1, i] = second


@njit(**LOOP)
def _two(
    q: Array,
    extent: float,
    across_inverse: float,
    across: NDArray[np.float64],
    along_inverse: float,
    along: NDArray[np.float64],
    reach: Array,
    start: Index,
    cosine: Array,
    sine: Array,
    share: Array,
    out: NDArray[np.float64],
) -> None:
    for i in range(q.size):
        rule = np.searchsorted(reach, q[i] * extent)
        to_u = q[i] * across_inverse
        to_v = q[i] * along_inverse
        first = 0.0
        second = 0.0
        for p in range(start[rule], start[rule + 1]):
            u = to_u * sine[p]
            v = to_v * cosine[p]
            a = np.int32(u)
            b = np.int32(v)
            u -= a
            v -= b
            one = _value(across, a, 0, u) * _value(along, b, 0, v) + _value(across, a, 1, u) * _value(along, b, 1, v)
            two = _value(across, a, 2, u) * _value(along, b, 2, v) + _value(across, a, 4, u) * _value(along, b, 4, v)
            two += 2.0 * _value(across, a, 3, u) * _value(along, b, 3, v)
            first += share[p] * one
            second += share[p] * two
        out[0, i] = first
        out[1, i] = second


def products(
    q: Array,
    extent: float,
    across: tuple[float, NDArray[np.float64]],
    along: tuple[float, NDArray[np.float64]],
    given: Rules,
) -> NDArray[np.float64]:
    """Average sums of products of tabulated functions over the angle.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    extent : float
        Largest distance from the centre, angstrom, that the rule is chosen by.
    across, along : inverse step and table
        From `tabulate`, with two functions each, <g> and <g^2>, or with five: <g_0>, <g_1>, <g_0^2>, <g_0 g_1>, <g_1^2>.
    given : Rules

    Returns
    -------
    array, shape (2, n)
        <F> and <F^2>.
    """
    out = np.empty((2, q.size))
    kernel = _one if across[1].shape[1] == 2 else _two
    kernel(q, extent, *across, *along, *given, out)
    return out
