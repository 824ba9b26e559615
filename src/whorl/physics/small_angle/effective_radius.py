r"""Ellipsoids of many sizes as spheres of many sizes: the distribution of the radius along the scattering vector.

An ellipsoid scatters like a sphere of the radius r it has along q, whatever its orientation and axes (see `ellipsoidal`), so

.. math::
    \langle F^2 \rangle(q) = \int H_2(r) f(q r)^2 dr, \qquad \langle F \rangle(q) = \int H_1(r) f(q r) dr,

with r gathered once over sizes and orientations, weighted with w (rho V)^2 and w rho V, and used for every q. The radii are put
on nodes of equal steps by the transpose of interpolation through six points; the steps follow the octave of q.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array
from whorl.physics.small_angle.functions import LOOP, sphere_shape
from whorl.physics.small_angle.separable import BEFORE, POINTS, STEP, TO_POWERS


@njit(**LOOP)
def _gather(
    across: Array,
    along: Array,
    first: Array,
    second: Array,
    square: Array,
    share: Array,
    low: float,
    inverse: float,
    cells: int,
) -> NDArray[np.float64]:
    """Power sums of the position in its cell of every radius, shape (cells, 2, 6)."""
    sums = np.zeros((cells, 2, POINTS))
    position = np.empty(square.size)
    for m in range(across.size):
        for p in range(square.size):
            position[p] = (np.sqrt(across[m] + (along[m] - across[m]) * square[p]) - low) * inverse
        for p in range(square.size):
            cell = min(max(int(position[p]), 0), cells - 1)
            t = position[p] - cell
            a = share[p] * first[m]
            b = share[p] * second[m]
            for power in range(POINTS):
                sums[cell, 0, power] += a
                sums[cell, 1, power] += b
                a *= t
                b *= t
    return sums


@njit(**LOOP)
def _coarsen(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power sums on steps twice as long, of weights on the nodes of `_nodes`, whose first ``BEFORE`` lie before the range."""
    cells = (nodes.shape[1] + 1) // 2 + 1
    sums = np.zeros((cells, 2, POINTS))
    for i in range(nodes.shape[1]):
        position = 0.5 * i
        cell = int(position)
        for k in range(2):
            value = nodes[k, i]
            for power in range(POINTS):
                sums[cell, k, power] += value
                value *= position - cell
    return sums


@njit(**LOOP)
def _nodes(sums: NDArray[np.float64], to_powers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of nodes, shape (2, cells + 5), the first of them ``BEFORE`` steps before the first cell."""
    out = np.zeros((2, sums.shape[0] + POINTS - 1))
    for cell in range(sums.shape[0]):
        for k in range(2):
            for j in range(POINTS):
                total = 0.0
                for power in range(POINTS):
                    total += to_powers[power, j] * sums[cell, k, power]
                out[k, cell + j] += total
    return out


@njit(**LOOP)
def _spheres(q: Array, low: float, step: float, nodes: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    for i in range(q.size):
        first = 0.0
        second = 0.0
        for j in range(nodes.shape[1]):
            shape = sphere_shape(q[i] * abs(low + step * j))
            first += nodes[0, j] * shape
            second += nodes[1, j] * shape * shape
        out[0, i] = first
        out[1, i] = second


def spheres_of(
    q: Array, across: Array, along: Array, amplitude: Array, weights: Array, square: Array, share: Array
) -> NDArray[np.float64]:
    """Average amplitude and its square of ellipsoids of many sizes.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    across, along : array, shape (m,)
        Squares of the half widths across the axis (in one azimuth) and along it, angstrom^2.
    amplitude, weights : array, shape (m,)
        rho V of each, and its weight.
    square, share : array, shape (p,)
        Squares of the cosines of the polar angle, good for the largest q, and their weights.

    Returns
    -------
    array, shape (2, n)
        f and f2.

    Examples
    --------
    >>> one = np.ones(1)
    >>> f, f2 = spheres_of(np.array([0.1]), 900.0 * one, 900.0 * one, one, one, one, one)  # a sphere of radius 30
    >>> (f * 3**3 / 3).round(6), np.sin(3.0).round(6) - (3 * np.cos(3.0)).round(6)
    (array([3.111097]), np.float64(3.111097))
    """
    top = float(q.max())
    low = float(np.sqrt(min(across.min(), along.min())))
    high = float(np.sqrt(max(across.max(), along.max())))
    step = STEP / top
    cells = int((high - low) / step) + 1
    sums = _gather(across, along, weights * amplitude, weights * amplitude**2, square, share, low, 1.0 / step, cells)
    octave = np.minimum(np.log2(top / np.maximum(q, 1e-9 * top)), 12).astype(np.int64)
    out = np.empty((2, q.size))
    for band in range(int(octave.max()) + 1):
        nodes = _nodes(sums, TO_POWERS)
        low -= BEFORE * step
        if np.any(here := octave == band):
            some = np.empty((2, int(here.sum())))
            _spheres(q[here], low, step, nodes, some)
            out[:, here] = some
        sums = _coarsen(nodes)
        step *= 2
    return out
