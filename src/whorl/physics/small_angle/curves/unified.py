r"""The unified fit: structural levels, each a Guinier region and the power law that follows it.

.. math::
    I(q) = b + \sum_i G_i e^{-q^2 R_i^2 / 3}
    + B_i\, e^{-q^2 R_{i-1}^2 / 3} \Big[ \frac{\operatorname{erf}^3(q R_i / \sqrt 6)}{q} \Big]^{P_i}

with the levels numbered from the smallest, R_0 = 0 (Beaucage, J. Appl. Cryst. 28, 717 (1995), doi:10.1107/S0021889895005292).
G, B and b are linear and not negative: they are solved for at every step (variable projection), so that only R and P of each
level are searched, from the knees of the curve and from even starts. The number of levels, one to three, is that of the best
criterion of Schwarz (Ann. Stat. 6, 461 (1978), doi:10.1214/aos/1176344136), with two per cent of the intensity as the accuracy
of the law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls
from scipy.special import erf

from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain

Array = NDArray[np.float64]

#: what the law itself is accurate to, of the intensity
_ACCURACY = 0.02
_POWERS = (0.8, 4.3)
_POINTS = 160
_MOST = 3
#: sizes of the even grid of starts, by the number of levels
_GRID = {1: 30, 2: 15, 3: 9}
#: starts that are refined, and by how much of ln R they differ
_TRIED, _APART = 3, 0.5
_KICKS = 3


@dataclass(frozen=True)
class Level:
    """A structural level.

    Attributes
    ----------
    rg, g, exponent, b : Uncertain
        R (angstrom), G, P, B. A level whose Guinier region lies below the curve has g = 0 and an infinite uncertainty of rg.
    """

    rg: Uncertain
    g: Uncertain
    exponent: Uncertain
    b: Uncertain


@dataclass(frozen=True)
class Unified:
    """A unified fit.

    Attributes
    ----------
    levels : tuple of Level
        From the smallest.
    background : Uncertain
    calculated : array, shape (n,)
    chi2 : float
        Reduced chi-squared, with the accuracy of the law in the uncertainties.
    evidence : tuple of float
        -1/2 of Schwarz's criterion for one, two and three levels (those tried), less the best.
    misfit : float
        Root mean square relative deviation.
    """

    levels: tuple[Level, ...]
    background: Uncertain
    calculated: Array
    chi2: float
    evidence: tuple[float, ...]
    misfit: float


def unified(q: Array, intensity: Array, sigma: Array, *, levels: int | None = None, knees: Sequence[float] = ()) -> Unified:
    """Fit structural levels to a curve.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    levels : int, optional
        Their number; by evidence when not given.
    knees : sequence of float
        Sizes (Rg, angstrom) to start from.

    Raises
    ------
    Absent
        If the curve is too short.

    Examples
    --------
    >>> q = np.geomspace(0.002, 0.3, 120)
    >>> curve = intensity_of(q, np.array([50.0, 800.0]), np.array([4.0, 2.5])) @ np.array([10.0, 1e-4, 1e3, 1e-3, 0.01])
    >>> found = unified(q, curve, 0.01 * curve)
    >>> [round(level.rg.value) for level in found.levels]
    [50, 800]
    """
    if q.size < 20 or q[-1] < 4 * q[0]:
        raise Absent("the curve is too short for structural levels")
    x, y, s = _binned(q, intensity, sigma)
    s = np.hypot(s, _ACCURACY * np.abs(y))
    tried: list[tuple[float, _Fit]] = []
    for count in range(1, _MOST + 1) if levels is None else (levels,):
        if x.size < 4 * count + 6:
            break
        starts = _starts(x, y, s, knees, count)
        if tried:
            starts += _further(x, y, s, tried[-1][1])
        found = _kicked(x, y, s, min((_fit(x, y, s, start) for start in starts), key=lambda f: f.misfit))
        tried.append((-0.5 * (found.misfit + (4 * count + 1) * float(np.log(x.size))), found))
    if not tried:
        raise Absent("too few points for structural levels")
    best = max(range(len(tried)), key=lambda j: tried[j][0])
    return _described(tried[best][1], q, x, y, s, tuple(t[0] - tried[best][0] for t in tried))


def intensity_of(q: Array, sizes: Array, powers: Array) -> Array:
    """Columns of the law: G and B of each level from the smallest, then the background; shape (n, 2 k + 1)."""
    out = []
    before = 0.0
    for size, power in zip(sizes, powers, strict=True):
        out.append(np.exp(-((q * size) ** 2) / 3))
        out.append(np.exp(-((q * before) ** 2) / 3) * (erf(q * size / np.sqrt(6)) ** 3 / q) ** power)
        before = float(size)
    return np.stack([*out, np.ones(q.size)], axis=1)


@dataclass(frozen=True)
class _Fit:
    sizes: Array
    powers: Array
    linear: Array
    misfit: float


def _binned(q: Array, intensity: Array, sigma: Array) -> tuple[Array, Array, Array]:
    """Weighted means over even steps of ln q, where the curve has more points than needed."""
    if q.size <= _POINTS:
        return q, intensity, sigma
    cell = np.minimum((np.log(q / q[0]) / np.log(q[-1] / q[0]) * _POINTS).astype(int), _POINTS - 1)
    w = 1 / sigma**2
    total = np.bincount(cell, w, _POINTS)
    kept = total > 0
    total = total[kept]
    means = [np.bincount(cell, w * v, _POINTS)[kept] / total for v in (q, intensity)]
    return means[0], means[1], 1 / np.sqrt(total)


def _starts(x: Array, y: Array, s: Array, knees: Sequence[float], count: int) -> list[tuple[Array, Array]]:
    """Start values: the sets of sizes, of the knees and of an even grid, that explain the curve best at an exponent of 3.5."""
    low, high = 1.5 / x[-1], 1.5 / x[0]
    grid = [*np.geomspace(low, high, _GRID.get(count, 8)), *(k for k in knees if low < k < 1.5 * high), 3 * high]
    grid = [float(v) for v in sorted(grid)]
    sets = [c for c in combinations(grid, count) if all(b > 1.3 * a for a, b in pairwise(c))]
    columns = {size: np.exp(-((x * size) ** 2) / 3) / s for size in grid}
    laws = {size: (erf(x * size / np.sqrt(6)) ** 3 / x) ** 3.5 / s for size in grid}
    flat, data = 1 / s, y / s
    merits = []
    for sizes in sets:
        parts, before = [flat], 0.0
        for size in sizes:
            parts += [columns[size], np.exp(-((x * before) ** 2) / 3) * laws[size]]
            before = size
        a = np.stack(parts, axis=1)
        scale = np.sqrt(np.sum(a * a, axis=0)) + 1e-300
        merits.append(nnls(a / scale, data, maxiter=200)[1])
    chosen: list[Array] = []
    for k in np.argsort(merits):
        sizes_k = np.array(sets[int(k)])
        if all(np.max(np.abs(np.log(sizes_k / other))) > _APART for other in chosen):
            chosen.append(sizes_k)
        if len(chosen) == _TRIED:
            break
    return [(sizes_k, np.full(count, 3.5)) for sizes_k in chosen]


def _further(x: Array, y: Array, s: Array, fit: _Fit) -> list[tuple[Array, Array]]:
    """Start values: the levels of a fit of one less and, where it helps most, another."""
    found = []
    for size in np.geomspace(1.5 / x[-1], 3 / x[0], _GRID[2]):
        order = np.argsort([*fit.sizes, size])
        sizes, powers = np.append(fit.sizes, size)[order], np.append(fit.powers, 3.5)[order]
        a = intensity_of(x, sizes, powers) / s[:, None]
        scale = np.sqrt(np.sum(a * a, axis=0)) + 1e-300
        found.append((nnls(a / scale, y / s, maxiter=200)[1], sizes, powers))
    found.sort(key=lambda f: f[0])
    return [(sizes, powers) for _, sizes, powers in found[:2]]


def _fit(x: Array, y: Array, s: Array, start: tuple[Array, Array]) -> _Fit:
    count = start[0].size

    def solved(p: Array) -> tuple[Array, Array, Array]:
        a = intensity_of(x, np.exp(p[:count]), p[count:]) / s[:, None]
        size = np.sqrt(np.sum(a * a, axis=0)) + 1e-300
        linear, _ = nnls(a / size, y / s, maxiter=200)
        return a @ (linear / size) - y / s, linear / size, a

    low = np.concatenate([np.full(count, np.log(0.3 / x[-1])), np.full(count, _POWERS[0])])
    high = np.concatenate([np.full(count, np.log(10 / x[0])), np.full(count, _POWERS[1])])
    p0 = np.clip(np.concatenate([np.log(start[0]), start[1]]), low + 1e-6, high - 1e-6)
    found = least_squares(lambda p: solved(p)[0], p0, bounds=(low, high), max_nfev=40, xtol=1e-5, ftol=1e-5, x_scale=0.3)
    order = np.argsort(found.x[:count])
    p = np.concatenate([found.x[:count][order], found.x[count:][order]])
    residual, linear, _ = solved(p)
    return _Fit(np.exp(p[:count]), p[count:], linear, float(residual @ residual))


def _kicked(x: Array, y: Array, s: Array, best: _Fit) -> _Fit:
    """Refine again from where one size is half or twice of what was found: the misfit has minima beside the least."""
    for _ in range(_KICKS):
        trials = []
        for k in range(best.sizes.size):
            for factor in (0.5, 2.0):
                sizes, powers = best.sizes.copy(), best.powers.copy()
                sizes[k] *= factor
                powers[k] = 3.5
                order = np.argsort(sizes)
                trials.append(_fit(x, y, s, (sizes[order], powers[order])))
        found = min(trials, key=lambda f: f.misfit)
        if found.misfit > best.misfit - 1:
            break
        best = found
    return best


def _described(found: _Fit, q: Array, x: Array, y: Array, s: Array, evidence: tuple[float, ...]) -> Unified:
    """Values with their uncertainties, from the derivatives to all parameters."""
    count = found.sizes.size
    free = max(x.size - 4 * count - 1, 1)
    chi2 = found.misfit / free

    def made(p: Array) -> Array:
        return np.asarray(intensity_of(x, np.exp(p[:count]), p[count:]) @ found.linear / s)

    p = np.concatenate([np.log(found.sizes), found.powers])
    step = 1e-4
    columns = [(made(p + step * e) - made(p - step * e)) / (2 * step) for e in np.eye(p.size)]
    jacobian = np.column_stack([*columns, intensity_of(x, found.sizes, found.powers) / s[:, None]])
    size = np.sqrt(np.sum(jacobian**2, axis=0))
    used = size > 0
    used[2 * count :] &= found.linear > 0  # what is held at zero is known to be so
    scaled = jacobian[:, used] / size[used]
    covariance = np.linalg.pinv(scaled.T @ scaled, rcond=1e-12) * max(chi2, 1.0)
    doubt = np.full(jacobian.shape[1], np.inf)
    doubt[used] = np.sqrt(np.maximum(np.diag(covariance), 0)) / size[used]
    doubt[2 * count :][found.linear <= 0] = 0.0
    levels = tuple(
        Level(
            Uncertain(float(found.sizes[k]), float(found.sizes[k] * doubt[k])),
            Uncertain(float(found.linear[2 * k]), float(doubt[2 * count + 2 * k])),
            Uncertain(float(found.powers[k]), float(doubt[count + k])),
            Uncertain(float(found.linear[2 * k + 1]), float(doubt[2 * count + 2 * k + 1])),
        )
        for k in range(count)
        if found.linear[2 * k] > 0 or found.linear[2 * k + 1] > 0
    )
    calculated = intensity_of(q, found.sizes, found.powers) @ found.linear
    off = (y - intensity_of(x, found.sizes, found.powers) @ found.linear) / np.maximum(np.abs(y), s)
    return Unified(
        levels,
        Uncertain(float(found.linear[-1]), float(doubt[-1])),
        calculated,
        chi2,
        evidence,
        float(np.sqrt(np.mean(off**2))),
    )
