r"""Trial lattices from small indices given to a few lines, screened against all lines.

For every system as many lines as the form has parameters are given all small indices in turn, the form follows from linear
equations (the method of Werner, Eriksson & Westdahl, J. Appl. Cryst. 18, 367 (1985), doi:10.1107/S0021889885010512), and it is
dropped as soon as more of the observed lines than allowed have no calculated line near them. The indices are exhaustive up to
a change of basis: in a monoclinic lattice any two lines of the zone h0l that span it, or a sublattice of it of index 2 to 4,
serve as axes; in a triclinic one three lines are the axes and the sums of two of them give the angles.

What passes is refined by least squares on the lines that it indexes and scored by the log evidence of the observed positions

.. math::
    \ln E = \sum_i \ln\left[\epsilon_i + (1 - \epsilon_i) \frac{R}{N} \frac{e^{-\delta_i^2 / 2 s^2}}{\sqrt{2\pi}\, s}\right]
            - p \ln\frac{R}{s},

relative to lines strewn at random: R the range, N the number of lines that the lattice can have in it (the volume of the half
sphere over the multiplicity), delta the distance to the nearest, s its standard deviation (degree of two-theta), epsilon
the probability that the line is spurious, p the number of free parameters. A larger lattice has more lines to meet and a lower
evidence.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.indexing_lines import determinant, nearest, squared_axes

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SHARPEST = 0.004  # least standard deviation of a position, degree


@njit(cache=True)
def evidence(off: Array, doubt: Array, count: float, reach: float, tolerance: float, parameters: int) -> float:
    """Log evidence (see above) of deviations ``off`` (n,) from the nearest of ``count`` lines over ``reach``, all in degree."""
    total, weight = 0.0, 1e-9
    for i in range(off.size):
        if abs(off[i]) <= tolerance:
            total += off[i] * off[i]
            weight += 1.0
    s = min(max(np.sqrt(total / weight), SHARPEST), 0.6 * tolerance)
    value = 0.0
    for i in range(off.size):
        hit = np.exp(-0.5 * (off[i] / s) ** 2) / (2.5066282746310002 * s) if abs(off[i]) <= tolerance else 0.0
        value += np.log(doubt[i] + (1.0 - doubt[i]) * reach / max(count, 1.0) * hit)
    return float(value - parameters * np.log(reach / s))


@njit(cache=True)
def refine(
    g: Array, free: Array, q: Array, slope: Array, tolerance: Array, wide: float, system: int, used: int, zero: float,
    shift: float,
) -> tuple[int, float]:  # fmt: skip
    """One round of least squares in place, on lines nearer than ``wide`` tolerances; gives their number and the zero shift.

    ``slope`` is dQ/d(two-theta) of every line, per degree; ``zero`` the standard deviation of a zero
    shift (0 for none), of which ``shift`` is known from the round before.
    """
    p = free.shape[0]
    m = p + (1 if zero > 0.0 else 0)
    normal, right = np.zeros((m, m)), np.zeros(m)
    row = np.zeros(m)
    hkl = np.zeros(3, dtype=np.int64)
    axes = squared_axes(g)
    count = 0
    for i in range(used):
        true = q[i] - shift * slope[i]
        if abs(nearest(g, axes, true, system, hkl) - true) > wide * tolerance[i]:
            continue
        count += 1
        h, k, l = float(hkl[0]), float(hkl[1]), float(hkl[2])
        for j in range(p):
            f = free[j]
            row[j] = f[0] * h * h + f[1] * k * k + f[2] * l * l + f[3] * k * l + f[4] * h * l + f[5] * h * k
        if zero > 0.0:
            row[p] = slope[i]
        weight = 1.0 / tolerance[i] ** 2
        for a in range(m):
            right[a] += weight * row[a] * q[i]
            for b in range(m):
                normal[a, b] += weight * row[a] * row[b]
    if count < p + 1:
        return 0, 0.0
    for j in range(p):  # a parameter that these lines do not show stays what it was
        now = 0
        while free[j, now] == 0.0:
            now += 1
        hold = 1.0 / (0.003 * (g[0] + g[1] + g[2])) ** 2
        normal[j, j] += hold
        right[j] += hold * g[now]
    if zero > 0.0:
        normal[p, p] += 1.0 / zero**2
    scale = np.empty(m)
    for a in range(m):
        scale[a] = np.sqrt(max(normal[a, a], 1e-300))
    for a in range(m):
        right[a] /= scale[a]
        for b in range(m):
            normal[a, b] /= scale[a] * scale[b]
        normal[a, a] += 1e-9
    x = np.linalg.solve(normal, right) / scale
    g[:] = 0.0
    for j in range(p):
        g += x[j] * free[j]
    return count, float(x[p]) if zero > 0.0 else 0.0


@njit(cache=True)
def _proper(g: Array, least: float, most: float) -> bool:
    """Whether a form is positive definite and its volume within bounds."""
    if g[0] <= 0.0 or g[1] <= 0.0 or g[2] <= 0.0:
        return False
    if g[3] ** 2 >= 3.9 * g[1] * g[2] or g[4] ** 2 >= 3.9 * g[0] * g[2] or g[5] ** 2 >= 3.9 * g[0] * g[1]:
        return False
    det = determinant(g)
    return bool(det * most * most > 1.0 and det * least * least < 1.0)


@njit(cache=True)
def _consider(
    g: Array, free: Array, q: Array, slope: Array, tolerance: Array, doubt: Array,
    system: int, missed: int, bounds: Array, reach: float,
    allowance: float, zero: float, best: Array, low: int,
) -> None:  # fmt: skip
    """Screen one form that rests on line ``low`` and higher ones.

    What passes goes to ``best`` (m, 9): evidence, form, zero shift, volume.
    """
    if not _proper(g, bounds[0], bounds[1]):
        return
    n = q.size
    hkl = np.zeros(3, dtype=np.int64)
    axes = squared_axes(g)
    early = min(8, n)
    gone = 0
    spread = 0.4 * tolerance[low] / q[low]  # what an error of the lines that the form rests on grows to
    for i in range(early):
        if abs(nearest(g, axes, q[i], system, hkl) - q[i]) > 1.5 * tolerance[i] + spread * q[i]:
            gone += 1
            if gone > missed:
                return
    trial = g.copy()
    shift = 0.0
    for turn, used in enumerate((early, early, min(14, n), min(20, n), n, n)):
        wide = 2.5 if turn == 0 else 1.5
        count, shift = refine(trial, free, q, slope, tolerance, wide, system, used, zero if used >= min(14, n) else 0.0, shift)
        if count < used - missed - max(0, used - 20) // 6 or not _proper(trial, 0.8 * bounds[0], 1.2 * bounds[1]):
            return
    axes = squared_axes(trial)
    off = np.empty(n)
    for i in range(n):
        off[i] = (q[i] - shift * slope[i] - nearest(trial, axes, q[i] - shift * slope[i], system, hkl)) / slope[i]
    volume = 1.0 / np.sqrt(determinant(trial))
    lines = 2.0943951 * volume * q[n - 1] ** 1.5 / bounds[2]
    value = evidence(off, doubt, lines, reach, allowance, free.shape[0])
    place = 0
    for j in range(best.shape[0]):
        if abs(best[j, 0] - value) < 2e-3 and abs(best[j, 8] - volume) < 2e-4 * volume:
            return
        if best[j, 0] < best[place, 0]:
            place = j
    if value > best[place, 0]:
        best[place, 0] = value
        best[place, 1:7] = trial
        best[place, 7] = shift
        best[place, 8] = volume


@njit(cache=True)
def search_axial(
    q: Array, slope: Array, tolerance: Array, doubt: Array,
    free: Array, system: int, codes: Array, lines: int, missed: int, bounds: Array,
    reach: float, allowance: float, zero: float, best: Array,
) -> None:  # fmt: skip
    """Cubic, tetragonal and hexagonal lattices; ``codes`` (c, 2) are the factors of the one or two parameters in Q."""
    top = min(lines, q.size)
    if system == 0:
        for i in range(top):
            for c in range(codes.shape[0]):
                g = q[i] / codes[c, 0] * free[0]
                _consider(g, free, q, slope, tolerance, doubt, system, missed, bounds, reach, allowance, zero, best, i)
        return
    for i in range(top):
        for j in range(i + 1, top):
            for c in range(codes.shape[0]):
                for d in range(codes.shape[0]):
                    det = codes[c, 0] * codes[d, 1] - codes[c, 1] * codes[d, 0]
                    if det == 0.0:
                        continue
                    a = (q[i] * codes[d, 1] - q[j] * codes[c, 1]) / det
                    b = (q[j] * codes[c, 0] - q[i] * codes[d, 0]) / det
                    if a > 0.0 and b > 0.0:
                        g = a * free[0] + b * free[1]
                        _consider(g, free, q, slope, tolerance, doubt, system, missed, bounds, reach, allowance, zero, best, i)


@njit(cache=True)
def search_orthorhombic(
    q: Array, slope: Array, tolerance: Array, doubt: Array,
    free: Array, codes: Array, pairs: int, lines: int, missed: int, bounds: Array,
    reach: float, allowance: float, zero: float, best: Array, start: int,
) -> None:  # fmt: skip
    """Orthorhombic lattices (A > B > C) with line ``start`` the first of three; ``codes`` (c, 3) are h^2, k^2, l^2."""
    c = codes.shape[0]
    g = np.zeros(6)
    i = start
    for j in range(i + 1, min(pairs, q.size)):
        for k in range(j + 1, min(lines, q.size)):
            for u in range(c):
                for v in range(c):
                    x0 = codes[u, 1] * codes[v, 2] - codes[u, 2] * codes[v, 1]
                    x1 = codes[u, 2] * codes[v, 0] - codes[u, 0] * codes[v, 2]
                    x2 = codes[u, 0] * codes[v, 1] - codes[u, 1] * codes[v, 0]
                    if x0 == 0.0 and x1 == 0.0 and x2 == 0.0:
                        continue
                    for w in range(c):
                        det = x0 * codes[w, 0] + x1 * codes[w, 1] + x2 * codes[w, 2]
                        if det == 0.0:
                            continue
                        y = codes[w]
                        a = (q[i] * (codes[v, 1] * y[2] - codes[v, 2] * y[1]) + q[j] * (y[1] * codes[u, 2] - y[2] * codes[u, 1])
                             + q[k] * x0) / det  # fmt: skip
                        b = (q[i] * (codes[v, 2] * y[0] - codes[v, 0] * y[2]) + q[j] * (y[2] * codes[u, 0] - y[0] * codes[u, 2])
                             + q[k] * x1) / det  # fmt: skip
                        if b <= 0.0 or a < b:
                            continue
                        e = (q[i] * (codes[v, 0] * y[1] - codes[v, 1] * y[0]) + q[j] * (y[0] * codes[u, 1] - y[1] * codes[u, 0])
                             + q[k] * x2) / det  # fmt: skip
                        if e <= 0.0 or b < e:
                            continue
                        g[0], g[1], g[2] = a, b, e
                        _consider(g, free, q, slope, tolerance, doubt, 3, missed, bounds, reach, allowance, zero, best, i)


@njit(cache=True)
def search_monoclinic(
    q: Array, slope: Array, tolerance: Array, doubt: Array,
    free: Array, bases: Array, codes: Array, pairs: int, lines: int, missed: int,
    bounds: Array, reach: float, allowance: float, zero: float, best: Array, start: int,
) -> None:  # fmt: skip
    """Monoclinic lattices in which line ``start`` is (h00).

    ``bases`` (b, 3) are the indices n of (n00) and m, l of (m0l) for the two lines of the zone; ``codes`` (c, 4) h^2, l^2,
    hl, k^2 of the two lines from which B and E follow.
    """
    g = np.zeros(6)
    i = start
    for j in range(min(pairs, q.size)):
        if j == i:
            continue
        for base in range(bases.shape[0]):
            n, m, l = bases[base, 0], bases[base, 1], bases[base, 2]
            if j < i and n == l and m == 0.0:
                continue  # the two axes have changed names
            a = q[i] / (n * n)
            for s in range(min(lines, q.size) - 1):
                low = min(i, j, s)
                for t in range(s + 1, min(lines, q.size)):
                    if s in {i, j} or t in {i, j}:
                        continue
                    for u in range(codes.shape[0]):
                        for v in range(codes.shape[0]):
                            # q_j = m^2 A + l^2 C + m l E; the two others give B and E
                            c0, ce = (q[j] - m * m * a) / (l * l), -m / l
                            e1 = codes[u, 2] + codes[u, 1] * ce
                            e2 = codes[v, 2] + codes[v, 1] * ce
                            det = codes[u, 3] * e2 - codes[v, 3] * e1
                            if abs(det) < 1e-9:
                                continue
                            r1 = q[s] - codes[u, 0] * a - codes[u, 1] * c0
                            r2 = q[t] - codes[v, 0] * a - codes[v, 1] * c0
                            b = (r1 * e2 - r2 * e1) / det
                            if b <= 0.0:
                                continue
                            e = (codes[u, 3] * r2 - codes[v, 3] * r1) / det
                            c = c0 + ce * e
                            if c <= 0.0 or e < 0.0 or e > 1.9 * np.sqrt(a * c):
                                continue  # the mirror image of another one, or flat
                            g[0], g[1], g[2], g[4] = a, b, c, e
                            _consider(g, free, q, slope, tolerance, doubt, 4, missed, bounds, reach, allowance, zero, best, low)


@njit(cache=True)
def search_triclinic(
    q: Array, slope: Array, tolerance: Array, doubt: Array,
    free: Array, pairs: int, lines: int, missed: int, bounds: Array, reach: float,
    allowance: float, zero: float, best: Array, start: int,
) -> None:  # fmt: skip
    """Triclinic lattices in which line ``start`` is (100) and two later ones (010) and (001)."""
    g = np.zeros(6)
    top = min(lines, q.size)
    i = start
    values = np.empty((3, top + 1))
    for j in range(i + 1, min(pairs, q.size)):
        for k in range(j + 1, min(pairs, q.size)):
            g[0], g[1], g[2] = q[i], q[j], q[k]
            sizes = np.zeros(3, dtype=np.int64)
            for axis in range(3):
                one, two = (q[j], q[k]) if axis == 0 else ((q[i], q[k]) if axis == 1 else (q[i], q[j]))
                for s in range(top):
                    value = abs(q[s] - one - two)
                    if value <= 1.9 * np.sqrt(one * two):
                        values[axis, sizes[axis]] = value
                        sizes[axis] += 1
            for u in range(sizes[0]):
                for v in range(sizes[1]):
                    for w in range(sizes[2]):
                        for sign in (1.0, -1.0):
                            g[3], g[4], g[5] = values[0, u], values[1, v], sign * values[2, w]
                            _consider(g, free, q, slope, tolerance, doubt, 5, missed, bounds, reach, allowance, zero, best, i)
