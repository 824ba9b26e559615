r"""The decay at high q: exponent, Porod constant, background.

.. math::
    I(q) = K q^{-p} + b

p = 4 and K = 2 pi drho^2 S/V for sharp interfaces (Porod, Kolloid-Z. 124, 83 (1951), doi:10.1007/BF01512792); between 3 and 4
rough ones (of fractal dimension 6 - p; Bale & Schmidt, Phys. Rev. Lett. 53, 596 (1984), doi:10.1103/PhysRevLett.53.596);
below 3 mass fractals and chains (2 in a theta solvent, 5/3 in a good one), 2 layers, 1 rods; above 4 diffuse interfaces.

For every q from which the law might hold, K and b follow linearly for each exponent, and the exponent from the profile of
chi-squared. The range is the longest one whose misfit is noise; the exponents of the shorter ranges that are as good tell how
much the choice matters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain

Array = NDArray[np.float64]

_POWERS = np.arange(0.6, 6.61, 0.1)
_STARTS = 24
_LEAST = 8
#: a range of q below this factor says nothing of a power
_SPAN = 1.6
_CLEAR = 3.0


@dataclass(frozen=True)
class Porod:
    """The power law at high q.

    Attributes
    ----------
    exponent : Uncertain
    constant : Uncertain
        K, in the unit of the intensity times angstrom^-p, at the exponent found.
    background : Uncertain
    fourth : Uncertain
        K with the exponent held at 4, over the same range; with ``fourth_background``.
    fourth_background : Uncertain
    fourth_chi2, chi2 : float
        Reduced chi-squared with the exponent at 4, and at its best.
    first, last : int
    """

    exponent: Uncertain
    constant: Uncertain
    background: Uncertain
    fourth: Uncertain
    fourth_background: Uncertain
    fourth_chi2: float
    chi2: float
    first: int
    last: int

    def law(self, q: Array) -> Array:
        """Intensity of the power law and the background."""
        return np.asarray(self.constant.value * q**-self.exponent.value + self.background.value)


def porod(q: Array, intensity: Array, sigma: Array, *, above: float = 0.0) -> Porod:
    """Fit the power law at high q over the range it holds in.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    above : float
        Least q, such as the end of the Guinier region.

    Raises
    ------
    Absent
        If no power law stands out.

    Examples
    --------
    >>> q = np.geomspace(0.02, 0.5, 100)
    >>> curve = 1e-4 * q**-4 + 0.01
    >>> found = porod(q, curve, 0.01 * curve)
    >>> round(found.exponent.value, 2), bool(found.exponent.sigma < 0.1)
    (4.0, True)
    """
    begin = int(np.searchsorted(q, max(above, q[0])))
    if q.size - begin < _LEAST or q[-1] < _SPAN * q[begin]:
        raise Absent("too few points beyond the Guinier region for a power law")
    unit = float(q[-1])
    x = (q / unit)[:, None] ** -_POWERS[None, :]  # (n, p)
    w = 1 / sigma**2
    # sums from each point to the end, for all powers at once
    ends = _from_the_end
    s1, sy, syy = ends(w), ends(w * intensity), ends(w * intensity**2)
    sx, sxx, sxy = ends(w[:, None] * x), ends(w[:, None] * x * x), ends((w * intensity)[:, None] * x)
    last_start = min(q.size - _LEAST, int(np.searchsorted(q, q[-1] / _SPAN)))
    starts = np.unique(np.round(np.geomspace(begin + 1, max(last_start, begin) + 1, _STARTS)).astype(int)) - 1
    starts = starts[starts >= begin]
    a, b, c = sxx[starts], sx[starts], s1[starts, None]
    det = a * c - b * b
    k = (sxy[starts] * c - sy[starts, None] * b) / det
    level = (sy[starts, None] * a - sxy[starts] * b) / det
    chi2 = np.maximum(syy[starts, None] - k * sxy[starts] - level * sy[starts, None], 0.0)
    chi2 = np.where(k > 0, chi2, np.inf)
    found = [
        _profile(int(start), q.size, chi2[j], k[j], level[j], a[j], float(c[j, 0]), det[j])
        for j, start in enumerate(starts)
        if np.isfinite(chi2[j]).any()
    ]
    clear = [f for f in found if f.k > _CLEAR * f.k_sigma and f.p_sigma < 1.0 and f.p > _POWERS[0] + 0.05]
    if not clear:
        raise Absent("no power law stands out of the background at high q")
    good = [f for f in clear if f.chi2 < 1 + 3.1 * np.sqrt(2 / f.free) or f.chi2 < 1.2 * min(g.chi2 for g in clear)]
    best = good[0]
    peers = [f for f in good if f.p_sigma < 3 * best.p_sigma]
    choice = float(np.std([f.p for f in peers])) if len(peers) > 1 else 0.0
    if best.p > _POWERS[-1] - 0.15 or np.hypot(best.p_sigma, choice) > 1.0:
        raise Absent("the decay at high q is too short or too noisy for an exponent")
    noise = max(best.chi2, 1.0) ** 0.5
    four = int(np.argmin(np.abs(_POWERS - 4)))
    j = int(np.flatnonzero(starts == best.first)[0])
    return Porod(
        Uncertain(best.p, noise * best.p_sigma).widened(choice),
        Uncertain(best.k, noise * best.k_sigma).times(unit**best.p),
        Uncertain(best.level, noise * best.level_sigma),
        Uncertain(float(k[j, four]), noise * float(np.sqrt(c[j, 0] / det[j, four]))).times(unit**4),
        Uncertain(float(level[j, four]), noise * float(np.sqrt(a[j, four] / det[j, four]))),
        float(chi2[j, four]) / (q.size - best.first - 2),
        best.chi2, best.first, q.size - 1,
    )  # fmt: skip


def tail(q: Array, intensity: Array, sigma: Array, *, span: float = 2.0) -> tuple[Uncertain, Uncertain]:
    """Constant of q^-4 and background over the last stretch of a curve, whatever its exponent: for continuing an integral.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    span : float
        Last over first q of the stretch.

    Returns
    -------
    constant, background : Uncertain
        With what such a law leaves over (oscillations, another exponent) in the uncertainties; the constant is not negative.
    """
    part = q >= q[-1] / span
    if part.sum() < 4:
        part[-4:] = True
    x, y, s = (q[part] / q[-1]) ** -4.0, intensity[part], sigma[part]
    a = np.stack([x, np.ones(x.size)], axis=1) / s[:, None]
    covariance = np.linalg.inv(a.T @ a)
    p = covariance @ (a.T @ (y / s))
    misfit = float(np.sum((y / s - a @ p) ** 2)) / (x.size - 2)
    if p[0] < 0:  # rising: all of it is background
        w = 1 / s**2
        p = np.array([0.0, float(w @ y / w.sum())])
    doubt = np.sqrt(np.diag(covariance) * max(misfit, 1.0))
    return Uncertain(float(p[0]), float(doubt[0])).times(float(q[-1]) ** 4), Uncertain(float(p[1]), float(doubt[1]))


def _from_the_end(values: Array) -> Array:
    return np.asarray(np.cumsum(values[::-1], axis=0)[::-1])


@dataclass(frozen=True)
class _Law:
    first: int
    free: int
    p: float
    p_sigma: float
    k: float
    k_sigma: float
    level: float
    level_sigma: float
    chi2: float


def _profile(first: int, n: int, chi2: Array, k: Array, level: Array, a: Array, c: float, det: Array) -> _Law:
    """Best exponent by a parabola through the least of the profile, and what goes with it."""
    i = int(np.clip(np.argmin(chi2), 1, chi2.size - 2))
    step = float(_POWERS[1] - _POWERS[0])
    left, middle, right = (float(v) for v in chi2[i - 1 : i + 2])
    bend = left - 2 * middle + right
    if not np.isfinite(bend) or bend <= 0:
        p, bend, lowest = float(_POWERS[i]), 1e-12, middle
    else:
        shift = float(np.clip(0.5 * (left - right) / bend, -1, 1))
        p, lowest = float(_POWERS[i]) + step * shift, middle - 0.25 * (left - right) * shift
    at = np.array([p])
    amount = float(np.exp(np.interp(at, _POWERS[i - 1 : i + 2], np.log(np.maximum(k[i - 1 : i + 2], 1e-300)))[0]))
    base = float(np.interp(at, _POWERS[i - 1 : i + 2], level[i - 1 : i + 2])[0])
    p_sigma = float(np.sqrt(2 * step**2 / bend))
    by_p = float(k[i + 1] - k[i - 1]) / (2 * step)
    level_by_p = float(level[i + 1] - level[i - 1]) / (2 * step)
    free = n - first - 3
    return _Law(
        first, free, p, p_sigma, amount, float(np.hypot(np.sqrt(c / det[i]), by_p * p_sigma)), base,
        float(np.hypot(np.sqrt(a[i] / det[i]), level_by_p * p_sigma)), max(lowest, 0.0) / free,
    )  # fmt: skip
