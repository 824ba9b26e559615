r"""Guinier's law with the range found by itself: radius of gyration and forward intensity.

Up to q Rg of about 1.3 the intensity of any particle of finite size is, with x = q R_g,

.. math::
    \ln I(q) = \ln I(0) - x^2 / 3 + \kappa x^4 + O(x^6)

(Guinier, Ann. Phys. 11, 161 (1939), doi:10.1051/anphys/193911120161). The curvature kappa is what the shape adds: -1/126 for a
solid sphere, -1/90 for a thin shell, +1/36 for a Gaussian chain; neglected, it makes Rg of a sphere 2 % too large and that of a
chain 7 % too small over this range. It is therefore a parameter, known beforehand as 0.007 +- 0.012: where the data cannot
tell it, its doubt is part of the uncertainty of Rg.

Cylinders and layers that are longer than 1/q follow ln(q^d I) = ln A - q^2 R^2 / (3 - d) with d = 1 and 2, where R is the
radius of gyration of the cross-section or of the thickness (Porod, in Glatter & Kratky, Small Angle X-ray Scattering, 1982).

The range ends where q Rg reaches 1.3. It begins at the first point from which on nothing is left to gain: a fit that leaves
points out at low q has to agree with the fit that keeps them (Hausman, Econometrica 46, 1251 (1978), doi:10.2307/1913827: of
an efficient estimate and one from a part of the data, the difference has the difference of their variances). An upturn
(aggregates), a downturn (repulsion) and points behind a beam stop are passed over that way; where Rg never settles, there is no
Guinier region.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain

Array = NDArray[np.float64]

LIMIT = 1.3
#: what is known of kappa before the data
CURVATURE = (0.007, 0.012)
_LEAST = 5
#: a fit has to reach down to here, in q Rg
_REACH = 0.9
_MISFIT = 10.0  # reduced chi-squared of a law beside an upturn that is none
_SPAN = 1.3  # last over first q
_OPEN = 0.3  # relative uncertainty with which Rg is not known
#: a fit that begins beyond says nothing against an earlier one: higher terms are in it
_LATEST = 0.8
_STEP = 3.0  # standard deviations of a difference that matter
_STARTS = 36
_ENOUGH = 12  # fits, after which one that begins beyond the limit ends the search


@dataclass(frozen=True)
class Guinier:
    """What Guinier's law says of a curve.

    Attributes
    ----------
    rg : Uncertain
        Radius of gyration (of the cross-section or the thickness in 1 or 2 dimensions), angstrom.
    i0 : Uncertain
        I(0), or the limit of q^d I.
    first, last : int
        First and last point of the range.
    x : (low, high)
        q Rg at its ends.
    chi2 : float
        Reduced chi-squared.
    skipped : int
        Points at low q that were passed over.
    low_side : float
        By how much the points passed over lie above (positive) or below the law, in their mean relative deviation; 0 with none.
    dimension : int
    kappa : float
        Curvature.
    line : float
        Rg of a straight line over the same range, as other programs give it; angstrom.
    upturn : float
        Share of the intensity at the first point that is an upturn fitted beside the law.
    """

    rg: Uncertain
    i0: Uncertain
    first: int
    last: int
    x: tuple[float, float]
    chi2: float
    skipped: int
    low_side: float
    dimension: int = 0
    kappa: float = 0.0
    line: float = 0.0
    upturn: float = 0.0

    def law(self, q: Array) -> Array:
        """Intensity of the law (without an upturn), shape of ``q``."""
        x2 = (q * self.rg.value) ** 2
        return np.asarray(
            self.i0.value * np.exp(-x2 / (3 - self.dimension) + self.kappa * np.minimum(x2, 4.0) ** 2) / q**self.dimension
        )


def guinier(q: Array, intensity: Array, sigma: Array, *, dimension: int = 0, limit: float = LIMIT) -> Guinier:
    """Fit Guinier's law over the range that it holds in.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
        q increasing and positive, 1/angstrom.
    dimension : int
        0 for particles, 1 for long cylinders, 2 for layers.
    limit : float
        Largest q Rg.

    Raises
    ------
    Absent
        If there is no such range; the text says why.

    Examples
    --------
    >>> q = np.linspace(0.004, 0.2, 200)
    >>> x = q * 50
    >>> sphere = 9 * (np.sin(x) - x * np.cos(x)) ** 2 / x**6
    >>> found = guinier(q, sphere, 0.005 * sphere)
    >>> bool(abs(found.rg.value / (50 * 0.6**0.5) - 1) < 0.01)
    True
    """
    begin, count = _stands_out(intensity > 2 * sigma)
    if count < _LEAST:
        raise Absent("the intensity does not stand out of its noise at low q")
    part = slice(begin, begin + count)
    q, intensity, sigma = q[part], np.maximum(intensity[part], 0.5 * sigma[part]), sigma[part]
    y = np.log(intensity) + dimension * np.log(q)
    slope = 1 / (3 - dimension)
    sums = _Sums(q**2, y, (intensity / sigma) ** 2)
    starts = np.unique(np.round(np.linspace(0, max(count // 2 - 1, 0), _STARTS)).astype(int))
    found: list[_Fit] = []
    for start in starts:
        fit = _from(sums, int(start), slope, limit)
        if fit is not None:
            found.append(fit)
            if q[fit.first] * fit.rg > limit and len(found) > _ENOUGH:
                break
    if not found:
        raise Absent("no range of five points in which the intensity falls as Guinier's law has it up to q Rg = 1.3")
    best, told = _chosen(found, sums, q, intensity, dimension)
    if dimension == 0 and (_upturn(best, told, q, intensity, sigma) or _bent(sums, best, told, q, intensity, sigma)):
        told = beside_upturn(q, intensity, sigma, told, limit)
    if told.rg.sigma > _OPEN * told.rg.value:
        raise Absent(f"noise and the choice of the range leave Rg open ({told.rg.value:.3g} +- {told.rg.sigma:.2g} angstrom)")
    return replace(told, first=told.first + begin, last=told.last + begin, skipped=told.skipped + begin)


def _stands_out(clear: NDArray[np.bool_]) -> tuple[int, int]:
    """First point and number of points of the first stretch that stands out of the noise."""
    n = clear.size
    firm = np.convolve(clear, np.ones(_LEAST), mode="valid") >= _LEAST - 1  # of five points, four
    if n < _LEAST or not firm.any():
        return 0, 0
    begin = int(np.argmax(firm & clear[: firm.size])) if np.any(firm & clear[: firm.size]) else int(np.argmax(firm))
    ends = np.flatnonzero(~firm[begin:])
    return begin, (int(ends[0]) + _LEAST - 1 if ends.size else n - begin)


def _upturn(fit: _Fit, told: Guinier, q: Array, intensity: Array, sigma: Array) -> bool:
    """Tell whether the points passed over lie above the law by more than noise."""
    if not told.skipped or told.low_side <= 0:
        return False
    before = slice(0, fit.first)
    law = told.law(q[before])
    return bool(np.sum((intensity[before] - law) / sigma[before]) > _STEP * np.sqrt(fit.first))


def _bent(sums: _Sums, fit: _Fit, told: Guinier, q: Array, intensity: Array, sigma: Array) -> bool:
    """Tell whether a power law beside Guinier's explains the curve from its first point by three standard deviations better."""
    if not fit.first and fit.kappa < CURVATURE[0] + CURVATURE[1] and _good(fit):
        return False
    end = fit.after
    plain = _curved(sums, 0, end, told.rg.value**2, 1 / 3)
    beside = _with_power(q[:end], intensity[:end], sigma[:end], 3.0, told.rg.value)
    if plain is None or beside is None:
        return False
    # both with what the curvature costs beside what is known of it
    costs = plain.chi2 * plain.free + ((plain.kappa - CURVATURE[0]) / CURVATURE[1]) ** 2, beside[4]
    return costs[0] - costs[1] > _STEP**2 * max(costs[1] / max(end - 4, 1), 1.0)


class _Sums:
    """Weighted sums of powers of u = q^2 over stretches, from running sums."""

    def __init__(self, u: Array, y: Array, w: Array) -> None:
        self.u, self.y, self.w = u, y, w
        self.unit = float(u[-1])
        v = u / self.unit
        powers = np.stack([w * v**k for k in range(5)] + [w * y * v**k for k in range(3)] + [w * y * y])
        self.run = np.concatenate([np.zeros((9, 1)), np.cumsum(powers, axis=1)], axis=1)

    def over(self, first: int, after: NDArray[np.intp] | int) -> Array:
        """Sums over first..after-1, shape (9,) or (9, k)."""
        return np.asarray(self.run[:, after] - (self.run[:, first] if np.isscalar(after) else self.run[:, [first]]))


@dataclass(frozen=True)
class _Fit:
    first: int
    after: int
    rg: float
    var: float
    log_i0: float
    var_i0: float
    kappa: float
    chi2: float
    free: int


def _from(sums: _Sums, first: int, slope: float, limit: float) -> _Fit | None:
    """The fit that begins at a point, over the largest range that its own Rg allows."""
    n = sums.u.size
    after = np.arange(first + _LEAST, n + 1)
    if after.size == 0:
        return None
    s = sums.over(first, after)
    det = s[0] * s[2] - s[1] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        line = (s[0] * s[6] - s[1] * s[5]) / det / sums.unit  # of y over u
    rg2 = np.where(np.isfinite(line), -line / slope, -1.0)
    within = (rg2 > 0) & (sums.u[after - 1] * rg2 <= limit**2)
    if not within.any():
        return None
    end = int(after[np.flatnonzero(within)[-1]])
    start = float(rg2[end - first - _LEAST])
    return _curved(sums, first, end, start, slope)


def _curved(sums: _Sums, first: int, end: int, rg2: float, slope: float) -> _Fit | None:
    s = sums.over(first, end)
    normal = np.array([[s[0], s[1], s[2]], [s[1], s[2], s[3]], [s[2], s[3], s[4]]])
    right = s[5:8].copy()
    mean, spread = CURVATURE
    for _ in range(2):
        tight = rg2 * sums.unit  # Rg^2 in units of the last u
        prior_mean, prior_sigma = mean * tight**2, spread * tight**2
        a, b = normal.copy(), right.copy()
        a[2, 2] += 1 / prior_sigma**2
        b[2] += prior_mean / prior_sigma**2
        try:
            cov = np.linalg.inv(a)
        except np.linalg.LinAlgError:
            return None
        p = cov @ b
        if p[1] >= 0:
            return None
        rg2 = -p[1] / slope / sums.unit
    rss = float(s[8] - 2 * p @ right + p @ normal @ p)
    free = end - first - 2
    rg = float(np.sqrt(rg2))
    by = -1 / (2 * rg * slope * sums.unit)  # d Rg / d p1
    if not (cov[0, 0] > 0 and cov[1, 1] > 0):
        return None
    return _Fit(
        first, end, rg, float(by**2 * cov[1, 1]), float(p[0]), float(cov[0, 0]),
        float(p[2] / (rg2 * sums.unit) ** 2), max(rss, 0.0) / free, free,
    )  # fmt: skip


def _good(fit: _Fit, step: float = _STEP) -> bool:
    """Tell whether noise can make the misfit, by so many standard deviations."""
    return fit.chi2 < 1 + step * float(np.sqrt(2 / fit.free)) + 2 / fit.free


def _chosen(found: list[_Fit], sums: _Sums, q: Array, intensity: Array, dimension: int) -> tuple[_Fit, Guinier]:
    """The first fit that agrees with all that begin later."""
    usable = [f for f in found if q[f.first] * f.rg <= _REACH and q[f.after - 1] >= _SPAN * q[f.first]]
    shaped = [f for f in usable if abs(f.kappa - CURVATURE[0]) < _STEP * CURVATURE[1]]
    if not usable:
        least = min(found, key=lambda f: q[f.first] * f.rg)
        raise Absent(
            f"the curve begins at q Rg = {q[least.first] * least.rg:.2g}: smaller q is needed to see the Guinier region"
        )
    if not shaped:
        raise Absent("the curve is bent at low q as that of no particle: interaction, aggregates or several sizes far apart")
    usable = shaped
    rg = np.array([f.rg for f in usable])
    var = np.array([f.var * max(f.chi2, 1.0) for f in usable])
    # of many comparisons a few are beyond three standard deviations by chance: where none passes, five will do
    for step, (k, fit) in product((_STEP, 5.0), enumerate(usable)):
        later = np.array([j for j in range(k + 1, len(usable)) if q[usable[j].first] * fit.rg <= _LATEST], dtype=int)
        room = step * np.sqrt(np.maximum(var[later] - var[k], 0.0)) + 0.02 * rg[k]
        if np.all(np.abs(rg[later] - rg[k]) <= room) and (_good(fit, step) or _flat(fit, sums)):
            break
    else:
        if rg.max() < 1.1 * rg.min():
            raise Absent("Guinier's law does not fit the curve at low q: repulsion, aggregates or too small uncertainties")
        raise Absent(
            f"Rg does not settle, whatever points at low q are left out ({rg[0]:.3g} to {rg[-1]:.3g} angstrom): "
            "aggregates, interaction or sizes too large for this q range"
        )
    if fit.rg**2 < 2 * 2 * fit.rg * np.sqrt(fit.var):
        raise Absent("the intensity at low q does not fall by more than its noise")
    alike = [f.rg for f in usable[k:] if f.var < 4 * fit.var and q[f.first] * fit.rg <= _LATEST]
    choice = float(np.std(alike)) if len(alike) > 1 else 0.0
    noise = np.sqrt(max(fit.chi2, 1.0))
    doubt = float(np.hypot(noise * np.sqrt(fit.var), choice))
    before = slice(0, fit.first)
    x2 = sums.u[before] * fit.rg**2
    law = np.exp(fit.log_i0 - x2 / (3 - dimension) + fit.kappa * x2**2)
    side = float(np.mean(intensity[before] * q[before] ** dimension / law - 1)) if fit.first else 0.0
    i0 = float(np.exp(fit.log_i0))
    s = sums.over(fit.first, fit.after)
    line = -(s[0] * s[6] - s[1] * s[5]) / (s[0] * s[2] - s[1] ** 2) / sums.unit * (3 - dimension)
    return fit, Guinier(
        Uncertain(fit.rg, doubt),
        Uncertain(i0, float(i0 * noise * np.sqrt(fit.var_i0))),
        fit.first,
        fit.after - 1,
        (float(q[fit.first] * fit.rg), float(q[fit.after - 1] * fit.rg)),
        fit.chi2,
        fit.first,
        side,
        dimension,
        fit.kappa,
        float(np.sqrt(max(line, 0.0))),
    )


def _flat(fit: _Fit, sums: _Sums) -> bool:
    """Tell whether what a very precise curve leaves over is below one per cent: more than any such law promises."""
    part = slice(fit.first, fit.after)
    mean = float(np.mean(1 / sums.w[part]))
    return bool(fit.chi2 * mean < 0.01**2)


def beside_upturn(q: Array, intensity: Array, sigma: Array, told: Guinier, limit: float = LIMIT) -> Guinier:
    """Fit Guinier's law and, beside it, the power law of larger objects that the points at low q show.

    The power of the upturn is 2, 3 or 4; the answer is the mean over these, each with its likelihood. Their spread, and the
    difference to the fit that left the upturn out, are in the uncertainties.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    told : Guinier
        The fit without an upturn, to start from.
    limit : float

    Raises
    ------
    Absent
        If the upturn leaves nothing of the particles.
    """
    answers, misfits = [], []
    for power in (2.0, 3.0, 4.0):
        rg, end = told.rg.value, told.last + 1
        found = None
        for _ in range(8):
            found = _with_power(q[:end], intensity[:end], sigma[:end], power, rg)
            if found is None:
                break
            rg = found[0]
            new = max(int(np.searchsorted(q * rg, limit, side="right")), _LEAST + 2)
            if new == end:
                break
            end = new
        if found is not None and end <= q.size:
            answers.append((*found, end))
            misfits.append(found[4] / max(end - 4, 1))
    if not answers:
        raise Absent("an upturn at low q (aggregates, large structures) hides the Guinier region")
    best = float(np.min(misfits))
    weights = np.exp(-0.5 * (np.array(misfits) - best) * max(answers[int(np.argmin(misfits))][6] - 4, 1) / max(best, 1.0))
    weights /= weights.sum()
    a = np.array([answer[:4] for answer in answers])  # rg, var rg, i0, var i0
    rg, i0 = float(weights @ a[:, 0]), float(weights @ a[:, 2])
    k = int(np.argmax(weights))
    noise = max(best, 1.0)
    # two ways to account for the upturn, to leave its points out or to fit it, differ by the doubt there is about it
    var_rg = noise * float(weights @ a[:, 1]) + float(weights @ (a[:, 0] - rg) ** 2) + (rg - told.rg.value) ** 2
    var_i0 = noise * float(weights @ a[:, 3]) + float(weights @ (a[:, 2] - i0) ** 2) + (i0 - told.i0.value) ** 2
    if best > _MISFIT:
        raise Absent("an upturn at low q (aggregates, large structures) hides the Guinier region")
    end = int(answers[k][6])
    return replace(
        told, rg=Uncertain(rg, var_rg**0.5), i0=Uncertain(i0, var_i0**0.5), first=0, last=end - 1, skipped=0, chi2=best,
        x=(float(q[0] * rg), float(q[end - 1] * rg)), kappa=float(answers[k][5]), upturn=float(answers[k][7]),
    )  # fmt: skip


def _with_power(
    q: Array, intensity: Array, sigma: Array, power: float, rg: float
) -> tuple[float, float, float, float, float, float, int, float] | None:
    """Rg, its variance, I(0), its variance, chi-squared, kappa, points and share of the upturn at the first point."""
    if q.size < _LEAST + 2:
        return None
    mean, spread = CURVATURE
    tail = (q / q[0]) ** -power
    middle = intensity[q.size // 2 :]
    p = np.array([np.log(max(float(np.median(middle)), 1e-300)) + (q[int(q.size * 0.75)] * rg) ** 2 / 3, np.log(rg), mean, 0.0])
    p[3] = max(intensity[0] - np.exp(p[0]), 0.0)
    highest = float(np.log(np.max(intensity))) + 15
    damping, previous = 1e-3, np.inf
    best: tuple[Array, Array] | None = None
    for _ in range(40):
        x2 = (q * np.exp(p[1])) ** 2
        law = np.exp(np.clip(p[0] - x2 / 3 + p[2] * x2**2, highest - 200, highest))
        residual = np.append((intensity - law - p[3] * tail) / sigma, (mean - p[2]) / spread)
        jacobian = np.stack([law, law * (-2 * x2 / 3 + 4 * p[2] * x2**2), law * x2**2, tail], axis=1) / sigma[:, None]
        jacobian = np.vstack([jacobian, [0, 0, 1 / spread, 0]])
        cost = float(residual @ residual)
        normal = jacobian.T @ jacobian
        if cost < previous:
            done = previous - cost < 1e-6 * max(cost, 1.0)
            best, previous, damping = (p, normal), cost, damping / 5
            gradient = jacobian.T @ residual
            if done:
                break
        else:
            damping *= 8
            if damping > 1e8:
                break
        assert best is not None
        p = best[0] + np.linalg.solve(best[1] + damping * np.diag(np.diag(best[1])) + 1e-300 * np.eye(4), gradient)
        p[3] = max(p[3], 0.0)
        p[1] = float(np.clip(p[1], np.log(rg) - 1.5, np.log(rg) + 1.5))
    assert best is not None
    p, normal = best
    try:
        cov = np.linalg.inv(normal)
    except np.linalg.LinAlgError:
        return None
    size, i0 = float(np.exp(p[1])), float(np.exp(p[0]))
    if not (cov[1, 1] > 0 and cov[0, 0] > 0):
        return None
    share = float(p[3] / (p[3] + i0 * np.exp(-((q[0] * size) ** 2) / 3)))
    return size, size**2 * cov[1, 1], i0, i0**2 * cov[0, 0], previous, float(p[2]), q.size, share
