r"""Many powder patterns of one set of phases: their sum of peaks with derivatives, pattern by pattern.

What is the same in all patterns is computed once: the lines of each phase at its reference cell with their areas
A_0 (multiplicity, structure factor, Lorentz, polarisation and absorption factors). In a pattern the cell differs a little, and
with it 1/d^2, positions and areas,

.. math::
    A = A_0 \left(\frac{d_0}{d}\right)^{2\kappa} V^{-2} \exp(-4\pi^2\,\Delta U/d^2),

where kappa is the logarithmic slope of the area at constant cell volume (form factors, angular factors) and Delta U a change of
all displacement parameters of the phase. Widths and shapes are those of `whorl.physics.powder_profiles`.

Parameters of a pattern, in this order: zero (degrees), displacement (mm), logarithm of the Gaussian width squared w
(degrees^2), slit (power of sin theta); then of each phase its free cell parameters (angstrom, degrees), the logarithm of 1/size
(1/angstrom), strain, and Delta U (angstrom^2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.powder_profiles import _GAUSS, _GAUSS_REACH, _highest, _reach, _width

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: number of the parameters that all phases share
SHARED = 4
#: parameters of a phase behind its cell: ln(1/size), strain, Delta U
OWN = 3
_SCHERRER = 0.9
_LEAST = 1e-6  # degrees^2, Gaussian width squared


class Lines(NamedTuple):
    """Lines of a set of m phases at their reference cells, k lines in all.

    Attributes
    ----------
    first : array of int, shape (m + 1,)
        First line of each phase.
    q : array, shape (k, 6)
        h^2, k^2, l^2, 2kl, 2hl, 2hk.
    inverse : array, shape (k,)
        1/d^2 at the reference cell, 1/angstrom^2.
    area : array, shape (k,)
        Area at unit scale and reference cell, times the cell's volume squared.
    power : array, shape (k,)
        Logarithmic slope of ``area`` with 1/d^2.
    wavelength : array, shape (k,)
        angstrom
    start, shift, weight : arrays
        Parts of each line by axial divergence, as in `whorl.physics.powder_profiles.pattern`.
    cell : array, shape (m, 6)
        angstrom, degrees
    matrix : array, shape (m, 6, 6)
        Change of the cell with its free parameters, columns beyond the free ones zero.
    row : array of int, shape (m + 1,)
        First parameter of each phase.
    instrument : array, shape (5,)
        u, v (degrees^2), x, y (degrees) of the instrument, and the radius of the goniometer, mm.
    """

    first: Index
    q: Array
    inverse: Array
    area: Array
    power: Array
    wavelength: Array
    start: Index
    shift: Array
    weight: Array
    cell: Array
    matrix: Array
    row: Index
    instrument: Array


@njit(cache=True, nogil=True)
def _cosine(angle):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    value = np.cos(np.radians(angle))
    return 0.0 if abs(value) < 1e-15 else value


@njit(cache=True, nogil=True)
def _reciprocal(cell, matrix, free):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Reciprocal metric (6,) in the order of ``q``, its derivatives (free, 6), volume, derivatives of ln volume (free,)."""
    a, b, c = cell[0], cell[1], cell[2]
    ca, cb, cg = _cosine(cell[3]), _cosine(cell[4]), _cosine(cell[5])
    g = np.array([[a * a, a * b * cg, a * c * cb], [a * b * cg, b * b, b * c * ca], [a * c * cb, b * c * ca, c * c]])
    rad = np.pi / 180
    sa, sb, sg = np.sin(cell[3] * rad) * rad, np.sin(cell[4] * rad) * rad, np.sin(cell[5] * rad) * rad
    inverse = np.linalg.inv(g)
    by = np.zeros((6, 3, 3))
    by[0, 0, 0], by[0, 0, 1], by[0, 0, 2] = 2 * a, b * cg, c * cb
    by[1, 1, 1], by[1, 0, 1], by[1, 1, 2] = 2 * b, a * cg, c * ca
    by[2, 2, 2], by[2, 0, 2], by[2, 1, 2] = 2 * c, a * cb, b * ca
    by[3, 1, 2] = -b * c * sa
    by[4, 0, 2] = -a * c * sb
    by[5, 0, 1] = -a * b * sg
    slopes = np.zeros((free, 6))
    volume = np.sqrt(np.linalg.det(g))
    log_volume = np.zeros(free)
    for f in range(free):
        d = np.zeros((3, 3))
        for i in range(6):
            if matrix[i, f] != 0.0:
                for r in range(3):
                    for s in range(r, 3):
                        d[r, s] += matrix[i, f] * by[i, r, s]
        d[1, 0], d[2, 0], d[2, 1] = d[0, 1], d[0, 2], d[1, 2]
        t = inverse @ d
        log_volume[f] = 0.5 * (t[0, 0] + t[1, 1] + t[2, 2])
        t = t @ inverse
        slopes[f] = -np.array([t[0, 0], t[1, 1], t[2, 2], t[1, 2], t[0, 2], t[0, 1]])
    packed = np.array([inverse[0, 0], inverse[1, 1], inverse[2, 2], inverse[1, 2], inverse[0, 2], inverse[0, 1]])
    return packed, slopes, volume, log_volume


@njit(cache=True, nogil=True, fastmath=True)
def _add(out, curve, factor, begin, end):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    if factor != 0.0:
        for i in range(begin, end):
            out[i] += factor * curve[i]


@njit(cache=True, nogil=True, fastmath=True)
def _phase(x, values, lines, j, used, basis, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Pattern of phase ``j`` at unit scale into ``basis`` (n,), and its derivatives into ``out`` (SHARED + own, n).

    Derivatives are those by parameters that are ``used`` (p,); none are taken where that is empty.
    """
    slopes = used.size > 0
    row = lines.row[j]
    free = lines.row[j + 1] - row - OWN
    cell = lines.cell[j].copy()
    first, last = lines.first[j], lines.first[j + 1]
    for f in range(free):
        start = 0.0
        for i in range(6):  # a free parameter is a cell parameter itself
            if lines.matrix[j, i, f] == 1.0:
                start = lines.cell[j, i]
                break
        for i in range(6):
            cell[i] += lines.matrix[j, i, f] * (values[row + f] - start)
    metric, by_cell, volume, log_volume = _reciprocal(cell, lines.matrix[j], free)
    u, v, lx, ly, radius = lines.instrument
    w = np.exp(values[2])
    invsize, strain, du = np.exp(values[row + free]), values[row + free + 1], values[row + free + 2]
    count = last - first
    centre, area, g, l = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    d_centre, d_log = np.zeros((count, SHARED + free)), np.zeros((count, SHARED + free + OWN))
    d_g, d_l = np.zeros(count), np.zeros((count, 2))
    for n in range(count):
        k = first + n
        inverse = 0.0
        for i in range(6):
            inverse += lines.q[k, i] * metric[i]
        sine = 0.5 * lines.wavelength[k] * np.sqrt(inverse)
        if not sine < 0.9998:
            g[n] = l[n] = 1.0
            continue
        theta = np.arcsin(sine)
        tan, cos = np.tan(theta), np.cos(theta)
        shift = -np.degrees(2 / radius * cos)
        centre[n] = np.degrees(2 * theta) + values[0] + shift * values[1]
        area[n] = lines.area[k] / volume**2 * (inverse / lines.inverse[k]) ** lines.power[k]
        area[n] *= np.exp(-4 * np.pi**2 * du * inverse)
        log_sine = np.log(sine)
        if values[3] != 0.0:
            area[n] *= np.exp(values[3] * log_sine)
        g2 = u * tan * tan + v * tan + w
        g[n] = np.sqrt(max(g2, _LEAST))
        by_size = np.degrees(_SCHERRER * lines.wavelength[k] / cos)
        l[n] = lx / cos + ly * tan + by_size * invsize + np.degrees(4 * tan) * strain
        if slopes:
            d_centre[n, 0], d_centre[n, 1] = 1.0, shift
            d_log[n, 3] = log_sine
            d_g[n] = 0.5 * w / g[n] if g2 > _LEAST else 0.0
            d_l[n, 0], d_l[n, 1] = by_size * invsize, np.degrees(4 * tan)
            for f in range(free):
                change = 0.0
                for i in range(6):
                    change += lines.q[k, i] * by_cell[f, i]
                d_centre[n, SHARED + f] = np.degrees(tan / inverse) * change
                d_log[n, SHARED + f] = (lines.power[k] / inverse - 4 * np.pi**2 * du) * change - 2 * log_volume[f]
            d_log[n, SHARED + free + 2] = -4 * np.pi**2 * inverse
    basis[:] = 0.0
    if slopes:
        out[: SHARED + free + OWN] = 0.0
    highest = _highest(area, g, l)
    rows = SHARED + free
    local = np.empty((4, x.size))
    for n in range(count):
        if area[n] <= 0.0:
            continue
        k = first + n
        h, eta, h_g, h_l, eta_g, eta_l = _width(g[n], l[n])
        reach = _reach(h, eta, area[n], highest)
        low, high = lines.shift[lines.start[k]], lines.shift[lines.start[k]]
        for part in range(lines.start[k], lines.start[k + 1]):
            low, high = min(low, lines.shift[part]), max(high, lines.shift[part])
        begin, end = np.searchsorted(x, centre[n] + low - reach), np.searchsorted(x, centre[n] + high + reach)
        if begin >= end:
            continue
        local[:, begin:end] = 0.0
        lorentz0, gauss0 = eta * 2 / (np.pi * h) * area[n], (1 - eta) * np.sqrt(_GAUSS / np.pi) / h * area[n]
        by_g, by_l = (h_g / h, h_l / h) if slopes else (0.0, 0.0)
        ratio_g, ratio_l = eta_g * area[n], eta_l * area[n]
        pure_lorentz, pure_gauss = 2 / (np.pi * h), np.sqrt(_GAUSS / np.pi) / h
        for part in range(lines.start[k], lines.start[k + 1]):
            place = centre[n] + lines.shift[part]
            share = lines.weight[part]
            for i in range(np.searchsorted(x, place - reach), end):
                t = (x[i] - place) / h
                if t * h > reach:
                    break
                cauchy = 1 / (1 + 4 * t * t)
                bell = np.exp(-_GAUSS * t * t) if abs(t) < _GAUSS_REACH else 0.0
                value = lorentz0 * cauchy + gauss0 * bell
                local[0, i] += share * value
                if slopes:
                    by_t = -t * (lorentz0 * 8 * cauchy * cauchy + gauss0 * 2 * _GAUSS * bell)
                    spread = -(value + t * by_t)
                    mixed = pure_lorentz * cauchy - pure_gauss * bell
                    local[1, i] -= share * by_t / h
                    local[2, i] += share * (spread * by_g + mixed * ratio_g)
                    local[3, i] += share * (spread * by_l + mixed * ratio_l)
        basis[begin:end] += local[0, begin:end]
        if not slopes:
            continue
        for f in range(rows + OWN):
            if not used[f if f < SHARED else row + f - SHARED]:
                continue
            if f == 2:
                _add(out[f], local[2], d_g[n], begin, end)
            elif f < rows:
                _add(out[f], local[1], d_centre[n, f], begin, end)
                _add(out[f], local[0], d_log[n, f], begin, end)
            elif f < rows + 2:
                _add(out[f], local[3], d_l[n, f - rows], begin, end)
            else:
                _add(out[f], local[0], d_log[n, f], begin, end)


@njit(cache=True, nogil=True)
def simulate_set(x, values, lines):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Patterns of each phase at unit scale.

    Parameters
    ----------
    x : array, shape (n,)
        2 theta, degrees, increasing.
    values : array, shape (b, p)
        Parameters of each pattern.
    lines : Lines

    Returns
    -------
    array, shape (b, m, n)
        Area per degree.
    """
    m = lines.first.size - 1
    out = np.zeros((values.shape[0], m, x.size))
    none, unused = np.zeros((0, 0)), np.zeros(0, dtype=np.bool_)
    for b in range(values.shape[0]):
        for j in range(m):
            _phase(x, values[b], lines, j, unused, out[b, j], none)
    return out
