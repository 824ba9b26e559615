r"""The pair-distance distribution p(r) by regularised indirect transformation, with the regularisation and D_max by evidence.

.. math::
    I(q) = 4 \pi \int_0^{D_{max}} p(r) \frac{\sin qr}{qr}\, dr + b

(Glatter, J. Appl. Cryst. 10, 415 (1977), doi:10.1107/S0021889877013879). p is given at equal steps of r, is 0 at both ends and
smooth: a normal prior of precision alpha for its second derivative. Data and prior are normal, so the probability of the data
for given alpha and D_max is known in closed form, and everything is averaged over both (Hansen, J. Appl. Cryst. 33, 1415
(2000), doi:10.1107/S0021889800012930). Smoothness is not all that is known of a p(r), and a chain has no D_max: between
different D_max the log evidence counts one half. b is a constant of unknown height, and where the curve turns up at low q, a
power law beside it.

I(0) = 4 pi int p dr, R_g^2 = int r^2 p dr / (2 int p dr).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain
from whorl.physics.small_angle.smearing import Smearing

Array = NDArray[np.float64]

_POINTS = 60
_SIZES = 24
#: part of the log evidence that counts between different D_max
_TEMPER = 0.5
_ALPHAS = np.geomspace(1e-8, 1e6, 57)


@dataclass(frozen=True)
class PairDistances:
    """A pair-distance distribution.

    Attributes
    ----------
    r : array, shape (m,)
        Angstrom.
    density, sigma : array, shape (m,)
        p(r), in the unit of the intensity per angstrom, and its standard uncertainty.
    i0, rg, d_max, background : Uncertain
    calculated : array, shape (n,)
    chi2 : float
        Reduced chi-squared of the most probable one.
    effective : float
        Parameters that the curve determines.
    negative : float
        Share of the area of the absolute p that is negative.
    peak : float
        Most frequent distance, angstrom.
    bounded : bool
        Whether D_max lies within the sizes searched.
    """

    r: Array
    density: Array
    sigma: Array
    i0: Uncertain
    rg: Uncertain
    d_max: Uncertain
    background: Uncertain
    calculated: Array
    chi2: float
    effective: float
    negative: float
    peak: float
    bounded: bool


def pair_distances(
    q: Array,
    intensity: Array,
    sigma: Array,
    *,
    sizes: tuple[float, float],
    upturn: float | None = None,
    smearing: Smearing | None = None,
) -> PairDistances:
    """Transform a curve to the distribution of distances within the particles.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    sizes : (low, high)
        D_max is looked for between, angstrom.
    upturn : float, optional
        Power of a law q^-upturn beside the particles.
    smearing : Smearing, optional
        Of the curve.

    Raises
    ------
    Absent
        If the curve has no such distribution.

    Examples
    --------
    >>> q = np.linspace(0.005, 0.3, 150)
    >>> x = q * 40
    >>> sphere = 9 * (np.sin(x) - x * np.cos(x)) ** 2 / x**6
    >>> found = pair_distances(q, sphere, 0.01 * sphere + 1e-4, sizes=(40, 200))
    >>> bool(abs(found.rg.value / (0.6**0.5 * 40) - 1) < 0.01)
    True
    """
    smeared = smearing or Smearing.none(q)
    tails = [np.ones(q.size)] + ([] if upturn is None else [(q / q[0]) ** -upturn])
    # a size that the Shannon number of the data cannot tell is not asked for
    grid = np.geomspace(*sizes, _SIZES)
    found = [_transform(smeared, intensity, sigma, float(d), tails) for d in grid]
    best = max(f.log_evidence for f in found)
    if not np.isfinite(best):
        raise Absent("the curve cannot be written as a sum over distances")
    top = int(np.argmax([f.log_evidence for f in found]))
    # the scale of sigma is not better known than the misfit shows
    noise = max(found[top].misfit / max(q.size - found[top].effective, 1), 1.0)
    weights = _TEMPER * np.array([f.log_evidence - best for f in found]) / noise
    weights = np.exp(weights)
    weights /= weights.sum()
    kept = [
        (w, f, float(d))
        for w, f, d in zip(weights, found, grid, strict=True)
        if w > 1e-3 and np.isfinite(_moments(f, float(d), f.r.size, 1.0)[2])
    ]
    if not kept:
        raise Absent("the distances found have no positive sum: no particles of finite size")
    return _averaged(kept, grid, found[top], q, noise)


@dataclass(frozen=True)
class _Transform:
    r: Array
    mean: Array  # p at the inner points and the tails
    covariance: Array
    log_evidence: float
    misfit: float
    effective: float
    calculated: Array


def _transform(smeared: Smearing, intensity: Array, sigma: Array, size: float, tails: list[Array]) -> _Transform:
    """The distribution for one D_max, averaged over alpha."""
    r = np.linspace(0, size, _POINTS + 2)[1:-1]
    step = size / (_POINTS + 1)
    # p in units of the intensity over the size, so that the prior has no scale of its own
    scale = float(np.max(np.abs(intensity))) / (4 * np.pi * size)
    design = smeared.apply(np.sinc(np.outer(smeared.q, r) / np.pi)) * (4 * np.pi * step * scale) / sigma[:, None]
    data = intensity / sigma
    flat = np.stack(tails, axis=1) / sigma[:, None]
    turn, triangle = np.linalg.qr(flat)
    a = design - turn @ (turn.T @ design)
    y = data - turn @ (turn.T @ data)
    rough = (2 * np.eye(_POINTS) - np.eye(_POINTS, k=1) - np.eye(_POINTS, k=-1)) * (_POINTS + 1) ** 1.5
    # in the frame where the prior is the unit matrix the data have the singular values s
    inverse = np.linalg.inv(rough)
    u, s, vt = np.linalg.svd(a @ inverse, full_matrices=False)
    along = u.T @ y
    rest = max(float(y @ y - along @ along), 0.0)
    s2 = s**2
    alphas = _ALPHAS[:, None]
    misfits = rest + np.sum((alphas / (s2 + alphas) * along) ** 2, axis=1)
    penalties = np.sum(alphas * s2 / (s2 + alphas) ** 2 * along**2, axis=1)
    good = np.sum(s2 / (s2 + alphas), axis=1)
    evidence = -0.5 * (misfits + penalties + np.sum(np.log1p(s2 / alphas), axis=1))
    top = int(np.argmax(evidence))
    share = np.exp(evidence - evidence[top])
    share /= share.sum()
    back = inverse @ vt.T
    means = (s / (s2 + alphas) * along) @ back.T
    mean = share @ means
    variance = np.maximum(share @ (1 / (s2 + alphas)), 0)
    prior = share @ (1 / _ALPHAS)
    covariance = (back * variance) @ back.T + (means - mean).T @ (share[:, None] * (means - mean))
    if s.size < _POINTS:
        covariance += prior * (inverse @ inverse.T - back @ back.T)
    # the tails, given p
    solve = np.linalg.inv(triangle) @ turn.T
    tail_mean = solve @ (data - design @ mean)
    lean = -solve @ design
    tail_cov = np.linalg.inv(triangle.T @ triangle) + lean @ covariance @ lean.T
    full_mean = np.concatenate([mean * scale, tail_mean])
    cross = covariance @ lean.T * scale
    full = np.block([[covariance * scale**2, cross], [cross.T, tail_cov]])
    calculated = sigma * (design @ mean + flat @ tail_mean)
    misfit = float(np.sum(((intensity - calculated) / sigma) ** 2))
    return _Transform(
        r, full_mean, full, float(evidence[top] + np.log(np.sum(np.exp(evidence - evidence[top])))), misfit,
        float(share @ good) + len(tails), calculated,
    )  # fmt: skip


def _averaged(
    kept: list[tuple[float, _Transform, float]], grid: Array, top: _Transform, q: Array, noise: float
) -> PairDistances:
    """The answer over all D_max, each with its probability."""
    total = sum(w for w, _, _ in kept)
    largest = max(d for _, _, d in kept)
    r = np.linspace(0, largest, 101)
    weight = np.array([w / total for w, _, _ in kept])
    curves, variances, moments = [], [], []
    for _, f, d in kept:
        inner = f.r.size
        knots = np.concatenate([[0.0], f.r, [d]])
        p = np.concatenate([[0.0], f.mean[:inner], [0.0]])
        deviation = np.concatenate([[0.0], np.sqrt(np.maximum(np.diag(f.covariance)[:inner], 0)), [0.0]])
        curves.append(np.interp(r, knots, p, right=0.0))
        variances.append(noise * np.interp(r, knots, deviation, right=0.0) ** 2)
        moments.append(_moments(f, d, inner, noise))
    density = weight @ np.array(curves)
    var = weight @ np.array(variances) + weight @ (np.array(curves) - density) ** 2
    m = np.array(moments)
    means = weight @ m[:, ::2]
    doubts = np.sqrt(weight @ m[:, 1::2] + weight @ (m[:, ::2] - means) ** 2)
    sizes = np.array([d for _, _, d in kept])
    d_mean = float(weight @ sizes)
    step = float(grid[1] / grid[0] - 1) * d_mean
    d_sigma = float(np.sqrt(weight @ (sizes - d_mean) ** 2 + step**2 / 12))
    area = float(np.sum(np.abs(density)))
    return PairDistances(
        r, density, np.sqrt(var), Uncertain(float(means[0]), float(doubts[0])), Uncertain(float(means[1]), float(doubts[1])),
        Uncertain(d_mean, d_sigma), Uncertain(float(means[2]), float(doubts[2])), top.calculated,
        top.misfit / max(q.size - top.effective, 1), top.effective, float(-np.sum(density[density < 0])) / area,
        float(r[int(np.argmax(density))]), bool(grid[0] < sizes[int(np.argmax(weight))] < grid[-1]),
    )  # fmt: skip


def _moments(f: _Transform, size: float, inner: int, noise: float) -> tuple[float, float, float, float, float, float]:
    """I(0), Rg and background with their variances."""
    step = size / (inner + 1)
    p = f.mean[:inner]
    covariance = f.covariance[:inner, :inner]
    sum0, sum2 = float(p.sum()), float(f.r**2 @ p)
    i0 = 4 * np.pi * step * sum0
    if sum0 <= 0 or sum2 <= 0:
        return i0, 0.0, float("nan"), 0.0, 0.0, 0.0
    rg = float(np.sqrt(sum2 / (2 * sum0)))
    by = (f.r**2 / (2 * sum0) - rg**2 / sum0) / (2 * rg)
    ones = np.full(inner, 4 * np.pi * step)
    background = float(f.mean[inner])
    return (
        i0, noise * float(ones @ covariance @ ones), rg, noise * float(by @ covariance @ by),
        background, noise * float(f.covariance[inner, inner]),
    )  # fmt: skip
