r"""Full-pattern summation: a pattern as a sum of measured patterns of pure phases, with amounts that are not negative.

.. math::
    y(2\theta) = \sum_j c_j R_j(2\theta - z - d \cos\theta - s_j) + \sum_k b_k B_k(2\theta)

with R_j the references, c_j >= 0, free curves B_k of the background, a zero error z, the displacement d of a flat sample and a
small shift s_j of each reference, which was mounted on its own (S. J. Chipera & D. L. Bish, J. Appl. Cryst. 35, 744 (2002),
doi:10.1107/S0021889802017405; D. D. Eberl, U.S. Geological Survey Open-File Report 03-78 (2003)).

A library holds many references that resemble each other, of which non-negative least squares takes too many. Which stay is a
question of evidence: one reference more must lower chi-squared by more than

.. math:: \ln n + 2 \ln p

where n is the number of independent points and p that of the references it was chosen from (extended Bayes information
criterion, J. Chen & Z. Chen, Biometrika 95, 759 (2008), doi:10.1093/biomet/asn034).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, qr, solve_triangular
from scipy.optimize import nnls

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_RIDGE = 1e-9  # of the diagonal: references that are the same share
_ROUNDS = 60
_FOOT = 0.01  # of a reference's height, below which its own points do not reach


class Normal:
    """Normal equations of weighted patterns, the free curves projected out.

    Parameters
    ----------
    patterns : array, shape (n, p)
    curves : array, shape (n, q)
        With free factors.
    y, weights : array, shape (n,)
        The pattern to explain; 1/sigma^2.

    Examples
    --------
    >>> x = np.linspace(0, 1, 50)
    >>> normal = Normal(np.column_stack([x, x**2, x**3]), np.ones((50, 1)), 3 + 2 * x**2, np.ones(50))
    >>> normal.amounts(range(3))[0].round(4).tolist()
    [0.0, 2.0, 0.0]
    """

    def __init__(self, patterns: Array, curves: Array, y: Array, weights: Array) -> None:
        root = np.sqrt(weights)
        basis = qr(curves * root[:, None], mode="economic")[0]
        a, v = patterns * root[:, None], y * root
        a -= basis @ (basis.T @ a)
        v -= basis @ (basis.T @ v)
        self.gram: Array = a.T @ a
        self.moment: Array = a.T @ v
        self.power = float(v @ v)

    def amounts(self, among: Sequence[int] | Index) -> tuple[Array, float]:
        """Factors >= 0 of some of the patterns, shape (k,), and chi-squared with them."""
        chosen = np.asarray(among, dtype=np.int64)
        if chosen.size == 0:
            return np.zeros(0), self.power
        gram, moment = self.gram[np.ix_(chosen, chosen)], self.moment[chosen]
        size = np.sqrt(np.maximum(np.diag(gram), 1e-300))
        lower = cholesky(gram / np.outer(size, size) + _RIDGE * np.eye(chosen.size), lower=True)
        factors = nnls(lower.T, solve_triangular(lower, moment / size, lower=True))[0] / size
        return factors, float(self.power - 2 * factors @ moment + factors @ gram @ factors)

    def covariance(self, among: Sequence[int] | Index) -> Array:
        """Covariance of the factors of some of the patterns, shape (k, k)."""
        chosen = np.asarray(among, dtype=np.int64)
        gram = self.gram[np.ix_(chosen, chosen)]
        size = np.sqrt(np.maximum(np.diag(gram), 1e-300))
        inverse: Array = np.linalg.inv(gram / np.outer(size, size) + _RIDGE * np.eye(chosen.size))
        return np.asarray(inverse / np.outer(size, size))


@dataclass(frozen=True)
class Selection:
    """References that the data ask for.

    Attributes
    ----------
    chosen : array of int, shape (k,)
    factors : array, shape (k,)
    chi2 : float
    """

    chosen: Index
    factors: Array
    chi2: float


def select(
    normal: Normal, groups: Sequence[str], *, points: float, inflation: float = 1.0, always: Collection[str] = ()
) -> Selection:
    """Choose the references by evidence.

    From the set that least squares takes, those that chi-squared misses least go, one by one; then one is added, left out or
    exchanged for another of its group while that is evidence.

    Parameters
    ----------
    normal : Normal
        Of all p references.
    groups : sequence of str, shape (p,)
        The phase that a reference stands for: a second one of a phase that is there is chosen from fewer.
    points : float
        Independent points of the pattern.
    inflation : float
        Factor by which neighbouring residuals that are wrong together raise chi-squared.
    always : collection of str
        Groups of which one reference stays whatever the evidence: a standard that was weighed in.
    """
    p = len(groups)
    factors, _ = normal.amounts(range(p))
    chosen = [int(j) for j in np.flatnonzero(factors > 0)]
    missing = sorted(set(always) - {groups[j] for j in chosen})
    chosen += [max((j for j in range(p) if groups[j] == g), key=lambda j: normal.moment[j]) for g in missing]
    sizes = {g: sum(h == g for h in groups) for g in groups}

    def price(sets: Sequence[int]) -> float:
        """Twice the negative log prior of a set, with the part of the information criterion."""
        seen: set[str] = set()
        total = 0.0
        for j in sets:
            options = sizes[groups[j]] if groups[j] in seen else p
            total += np.log(points) + 2 * np.log(max(options, 2))
            seen.add(groups[j])
        return total

    def cost(sets: Sequence[int]) -> tuple[float, Array, float]:
        factors, chi2 = normal.amounts(sets)
        return chi2 / inflation + price(sets), factors, chi2

    def without(sets: Sequence[int], factors: Array) -> list[int]:
        """Those of a set that have an amount, and those that stay anyway."""
        there = {groups[j] for j, f in zip(sets, factors, strict=True) if f > 0}
        return [j for j, f in zip(sets, factors, strict=True) if f > 0 or groups[j] in set(always) - there]

    def shorter(sets: Sequence[int]) -> list[list[int]]:
        left = [[k for k in sets if k != j] for j in sets]
        return [t for t in left if set(always) <= {groups[k] for k in t}]

    best, factors, chi2 = cost(chosen)
    for _ in range(_ROUNDS):
        chosen = without(chosen, factors)
        trials = shorter(chosen)
        found = [cost(t) for t in trials]
        least = min(range(len(found)), key=lambda i: found[i][0], default=None)
        best, factors, chi2 = cost(chosen)
        if least is None or found[least][0] >= best:
            break
        chosen, (best, factors, chi2) = trials[least], found[least]
    for _ in range(_ROUNDS):
        slope = normal.moment - normal.gram[:, chosen] @ factors
        gain = np.where(slope > 0, slope**2 / np.maximum(np.diag(normal.gram), 1e-300), 0.0)
        gain[chosen] = 0.0
        trials = [[*chosen, int(j)] for j in np.argsort(-gain)[:3] if gain[j] > 0]
        trials += shorter(chosen)
        for n, j in enumerate(chosen):
            others = (i for i in range(p) if groups[i] == groups[j] and i not in chosen)
            trials += [[*chosen[:n], i, *chosen[n + 1 :]] for i in others]
        found = [cost(t) for t in trials]
        least = min(range(len(found)), key=lambda i: found[i][0], default=None)
        if least is None or found[least][0] >= best - 1e-6:
            break
        chosen, (best, factors, chi2) = trials[least], found[least]
        chosen = without(chosen, factors)
        best, factors, chi2 = cost(chosen)
    return Selection(np.array(chosen, dtype=np.int64), factors, chi2)


def coarse_shift(normal: Normal, moments: Array, powers: Array, shifts: Array) -> float:
    """The shift at which all references together explain most.

    Parameters
    ----------
    normal : Normal
        Its Gram matrix is taken for every shift.
    moments : array, shape (s, p)
        Products of the references with the pattern at each shift.
    powers : array, shape (s,)
        Power of the pattern at each shift.
    shifts : array, shape (s,)
    """
    size = np.sqrt(np.maximum(np.diag(normal.gram), 1e-300))
    scaled = normal.gram / np.outer(size, size)
    lower = cholesky(scaled + _RIDGE * np.eye(size.size), lower=True)
    left = []
    for moment, power in zip(moments, powers, strict=True):
        target = solve_triangular(lower, moment / size, lower=True)
        left.append(power - target @ target + nnls(lower.T, target)[1] ** 2)
    return float(shifts[int(np.argmin(left))])


def inflation(residual: Array, reach: int) -> float:
    """Factor by which residuals that are wrong together count too much: 1 plus twice their correlations up to ``reach`` points.

    Parameters
    ----------
    residual : array, shape (n,)
        In standard deviations.

    References
    ----------
    J.-F. Berar & P. Lelann, J. Appl. Cryst. 24, 1 (1991), doi:10.1107/S0021889890008391.

    Examples
    --------
    >>> inflation(np.random.default_rng(1).normal(size=5000), 5) < 1.2
    True
    """
    power = float(residual @ residual)
    reach = min(reach, residual.size // 4)
    total = sum(max(float(residual[k:] @ residual[:-k]), 0.0) for k in range(1, reach + 1))
    return float((1 + 2 * total / max(power, 1e-300)) * max(power / residual.size, 1.0))


def own_misfit(residual: Array, variance: Array, parts: Array) -> Array:
    """Part of its intensity by which each reference is wrong where it makes up the pattern, root mean square, shape (k,).

    Parameters
    ----------
    residual, variance : array, shape (n,)
        Of the sum; variance of the noise alone.
    parts : array, shape (n, k)
        Intensity of each reference above its background.

    Examples
    --------
    >>> parts = np.eye(4).repeat(50, axis=0) * 100
    >>> own_misfit(np.repeat([30.0, 0.0, 0.0, 0.0], 50), np.zeros(200), parts).round(2).tolist()
    [0.3, 0.0, 0.0, 0.0]
    """
    whole = np.maximum(parts.sum(axis=1), 1e-300)
    share = (parts / whole[:, None]) ** 2
    share[parts < _FOOT * parts.max(axis=0, initial=0.0)] = 0.0
    wrong = share.T @ (residual**2 - variance)
    return np.asarray(np.sqrt(np.maximum(wrong, 0.0) / np.maximum(share.T @ whole**2, 1e-300)))
