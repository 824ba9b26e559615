r"""Trial lattices screened against all lines, refined, and scored by their evidence.

A form is dropped as soon as more of the observed lines than allowed have no calculated line near them. What passes is refined
by least squares on the lines that it indexes and scored by the log evidence of the observed positions

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
from whorl.physics.small_systems import solve_positive

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SHARPEST = 0.004  # least standard deviation of a position, degree
_EARLY = 8  # first lines that a form is to be near before it is refined


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
    solve_positive(normal, right)
    for n in range(6):
        g[n] = 0.0
        for j in range(p):
            g[n] += right[j] / scale[j] * free[j, n]
    return count, float(right[p] / scale[p]) if zero > 0.0 else 0.0


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
def _near(g: Array, low: int, lines: Array, system: int, missed: int, hkl: Index) -> bool:
    """Whether all but ``missed`` of the first lines have a line of the form near them, as far as its own error allows."""
    axes = squared_axes(g)
    gone = 0
    spread = 0.4 * lines[2, low] / lines[0, low]  # what an error of the lines that the form rests on grows to
    for i in range(min(_EARLY, lines.shape[1])):
        q = lines[0, i]
        if abs(nearest(g, axes, q, system, hkl) - q) > 1.5 * lines[2, i] + spread * q:
            gone += 1
            if gone > missed:
                return False
    return True


@njit(cache=True)
def _consider(
    g: Array, free: Array, lines: Array, system: int, missed: int, bounds: Array, reach: float,
    allowance: float, zero: float, best: Array,
) -> None:  # fmt: skip
    """Refine and score a form that is near the first lines, see `screen`."""
    q, slope, tolerance, doubt = lines[0], lines[1], lines[2], lines[3]
    n = q.size
    hkl = np.zeros(3, dtype=np.int64)
    early = min(_EARLY, n)
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
    possible = 2.0943951 * volume * q[n - 1] ** 1.5 / bounds[2]
    value = evidence(off, doubt, possible, reach, allowance, free.shape[0])
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
def screen(
    forms: Array, lowest: Index, free: Array, lines: Array, system: int, missed: int, bounds: Array, reach: float,
    allowance: float, zero: float, best: Array,
) -> None:  # fmt: skip
    """Screen, refine and score forms; what passes goes to ``best`` in the place of the worst.

    Parameters
    ----------
    forms : array, shape (k, 6)
        Trial forms.
    lowest : array of int, shape (k,)
        The first of the lines that each form rests on.
    free : array, shape (p, 6)
        See `whorl.physics.indexing_lines.template`.
    lines : array, shape (4, n)
        Of the observed lines Q, dQ/d(two-theta), largest deviation of Q, doubt.
    system : int
    missed : int
        Lines that may have no calculated line near them.
    bounds : array, shape (3,)
        Least and greatest volume of the cell, multiplicity of a line.
    reach, allowance : float
        Range of the angles and largest deviation of one, degree.
    zero : float
        Standard deviation of a zero shift, degree.
    best : array, shape (m, 9)
        Evidence, form, zero shift, volume of the best so far.
    """
    hkl = np.zeros(3, dtype=np.int64)
    for k in range(forms.shape[0]):
        if _proper(forms[k], bounds[0], bounds[1]) and _near(forms[k], lowest[k], lines, system, missed, hkl):
            _consider(forms[k], free, lines, system, missed, bounds, reach, allowance, zero, best)
