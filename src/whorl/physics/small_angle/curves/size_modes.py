r"""Humps of a size distribution: how many, how much, how large, how wide.

The moments of a hump between two minima of a distribution miss what runs under its neighbour. Where log-normal distributions of
volume, as many as there are humps, fit the curve as well as the free distribution, they are refined against the curve itself:

.. math::
    \phi(\ln R) = \sum_k \frac{V_k}{s_k \sqrt{2\pi}} \exp\Big(-\frac{(\ln R - m_k)^2}{2 s_k^2}\Big)

with the mean exp(m + s^2/2) and the relative standard deviation sqrt(exp(s^2) - 1) (Limpert, Stahel & Abbt, BioScience 51, 341
(2001), doi:10.1641/0006-3568(2001)051[0341:LNDATS]2.0.CO;2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.curves.uncertain import Uncertain

Array = NDArray[np.float64]

_FIRM = 2.0  # standard deviations by which the volume of a hump is more than nothing
_STEPS = 30
_MOST = 5  # humps among which some are joined


@dataclass(frozen=True)
class Mode:
    """One hump of a distribution: its volume, mean and spread.

    Attributes
    ----------
    low, high : float
        Sizes between which it lies.
    volume : Uncertain
        Integral of phi.
    mean, width : Uncertain
        Volume-weighted mean size and standard deviation, angstrom.
    top : float
        Most frequent size (by volume), angstrom.
    shape : str
        "lognormal" where such a hump was fitted to the curve, "" where these are moments of the distribution.
    """

    low: float
    high: float
    volume: Uncertain
    mean: Uncertain
    width: Uncertain
    top: float
    shape: str = ""


def find_modes(size: Array, density: Array, covariance: Array, *, depth: float = 0.9, least: float = 0.01) -> tuple[Mode, ...]:
    """Humps of a distribution, told apart where the density between them falls below a part of the lower one.

    Parameters
    ----------
    size, density : array, shape (m,)
    covariance : array, shape (m, m)
    depth : float
        Of the lower of two maxima; the minimum between them has to be below.
    least : float
        Share of the volume below which a hump is none.
    """
    step = float(np.log(size[1] / size[0]))
    padded = np.concatenate([[0.0], density, [0.0]])
    tops = [i for i in range(size.size) if padded[i + 1] > 0 and padded[i] <= padded[i + 1] > padded[i + 2]]
    cuts: list[int] = []
    kept: list[int] = []
    for top in tops:
        if not kept:
            kept.append(top)
            continue
        between = kept[-1] + int(np.argmin(density[kept[-1] : top + 1]))
        if density[between] < depth * min(density[kept[-1]], density[top]):
            cuts.append(between)
            kept.append(top)
        elif density[top] > density[kept[-1]]:
            kept[-1] = top
    edges = [0, *cuts, size.size]
    out = []
    total = float(density.sum())
    for first, after in pairwise(edges):
        part = np.zeros(size.size)
        part[first:after] = 1.0
        amount = float(part @ density)
        if amount <= least * total:
            continue
        mean = float(part @ (density * size)) / amount
        spread = max(float(part @ (density * (size - mean) ** 2)) / amount, 0.0) ** 0.5
        by_mean = part * (size - mean) / amount
        by_width = part * ((size - mean) ** 2 - spread**2) / (2 * max(spread, 1e-9) * amount)
        doubts = [_doubt(g, covariance) for g in (step * part, by_mean, by_width)]
        doubts[1], doubts[2] = (max(d, step * mean / 12**0.5) for d in doubts[1:])  # the grid shows no more
        if amount * step < _FIRM * doubts[0]:
            continue
        inside = np.flatnonzero((part > 0) & (density > 1e-3 * density[first:after].max()))
        ends = float(size[inside[0]]), float(size[inside[-1]])
        highest = float(size[first + int(np.argmax((density / size)[first:after]))])
        out.append(
            Mode(*ends, Uncertain(step * amount, doubts[0]), Uncertain(mean, doubts[1]), Uncertain(spread, doubts[2]), highest)
        )
    return tuple(out)


def refine_modes(
    modes: Sequence[Mode], size: Array, design: Array, data: Array, chi2: float, *, allowance: float = 3.0
) -> tuple[Mode, ...] | None:
    """Fit log-normal humps to a curve; nothing where they do not fit as well as the free distribution.

    Humps are joined where fewer explain the curve as well (the criterion of Schwarz, Ann. Stat. 6, 461 (1978),
    doi:10.1214/aos/1176344136).

    Parameters
    ----------
    modes : sequence of Mode
        Start values.
    size : array, shape (m,)
        In equal steps of the logarithm.
    design : array, shape (n, m + k)
        Intensity over sigma of unit density about each size, and k further columns of free height.
    data : array, shape (n,)
        Intensity over sigma.
    chi2 : float
        Reduced chi-squared of the free distribution.
    allowance : float
        Standard deviations of the reduced chi-squared by which it may be larger.
    """
    best: tuple[Mode, ...] | None = None
    least = np.inf
    tried = [tuple(modes)]
    while tried:
        fits = [(start, _refined(start, size, design, data)) for start in tried]
        tried = []
        for start, fit in fits:
            if fit is None:
                continue
            found, cost, free = fit
            good = cost / free < max(chi2, 1.0) * (1 + allowance * np.sqrt(2 / free))
            merit = cost / max(chi2, 1.0) + 3 * len(start) * np.log(data.size)
            if good and merit < least:
                best, least = found, merit
        start, _ = min(fits, key=lambda f: f[1][1] if f[1] is not None else np.inf)
        if 1 < len(start) <= _MOST:
            tried = [(*start[:k], _joined(start[k], start[k + 1]), *start[k + 2 :]) for k in range(len(start) - 1)]
    return best


def _joined(a: Mode, b: Mode) -> Mode:
    volume = a.volume.value + b.volume.value
    share = a.volume.value / volume
    mean = share * a.mean.value + (1 - share) * b.mean.value
    spread2 = share * a.width.value**2 + (1 - share) * b.width.value**2
    width = float(np.sqrt(spread2 + share * (1 - share) * (a.mean.value - b.mean.value) ** 2))
    return Mode(a.low, b.high, Uncertain(volume, 0.0), Uncertain(mean, 0.0), Uncertain(width, 0.0), mean)


def _refined(modes: Sequence[Mode], size: Array, design: Array, data: Array) -> tuple[tuple[Mode, ...], float, int] | None:
    """Refined humps, chi-squared and degrees of freedom."""
    x = np.log(size)
    step = float(x[1] - x[0])
    count, rest = len(modes), design.shape[1] - size.size
    free = data.size - 3 * count - rest
    if not modes or free < 1:
        return None
    start = np.array([_lognormal(m.volume.value, m.mean.value, max(m.width.value, step * m.mean.value)) for m in modes])
    p = np.concatenate([start.ravel(), np.zeros(rest)])
    fixed = design[:, size.size :]

    def model(p: Array) -> tuple[Array, Array]:
        columns = []
        total = fixed @ p[3 * count :]
        for volume, middle, log_s in p[: 3 * count].reshape(count, 3):
            s = np.exp(log_s)
            z = (x - middle) / s
            unit = np.exp(-0.5 * z**2) / (s * np.sqrt(2 * np.pi))
            made = design[:, : size.size] @ np.stack([unit, volume * unit * z / s, volume * unit * (z**2 - 1)], axis=1)
            total = total + volume * made[:, 0]
            columns.append(made)
        return total, np.hstack([*columns, fixed])

    p[3 * count :] = np.linalg.lstsq(fixed, data - model(p)[0], rcond=None)[0]
    damping, cost, accepted = 1e-3, np.inf, p
    normal, gradient = np.eye(p.size), np.zeros(p.size)
    for _ in range(_STEPS):
        value, jacobian = model(p)
        residual = data - value
        new = float(residual @ residual)
        if new < cost:
            done = cost - new < 1e-5 * new
            accepted, cost, damping = p, new, damping / 5
            normal = jacobian.T @ jacobian
            gradient = jacobian.T @ residual
            if done:
                break
        else:
            damping *= 8
        scale = np.diag(normal) + 1e-12 * float(np.trace(normal)) / p.size
        p = accepted + np.linalg.solve(normal + damping * np.diag(scale), gradient)
        humps = p[: 3 * count].reshape(count, 3)  # a view: no hump leaves the sizes or becomes narrower than the grid shows
        humps[:, 1] = np.clip(humps[:, 1], x[0] - 1, x[-1] + 1)
        humps[:, 2] = np.clip(humps[:, 2], np.log(0.2 * step), np.log(3.0))
    try:
        covariance = np.linalg.inv(normal) * max(cost / free, 1.0)
    except np.linalg.LinAlgError:
        return None
    out = [
        _described(accepted[3 * k : 3 * k + 3], covariance[3 * k : 3 * k + 3, 3 * k : 3 * k + 3], mode, step)
        for k, mode in enumerate(modes)
    ]
    # humps that moved into each other, off, or to nothing are not those of the distribution
    well = all(
        new is not None and 0.6 < new.mean.value / old.mean.value < 1.6 and new.width.value > 0.7 * step * new.mean.value
        for new, old in zip(out, modes, strict=True)
    )
    return (tuple(mode for mode in out if mode is not None), cost, free) if well else None


def _lognormal(volume: float, mean: float, width: float) -> tuple[float, float, float]:
    """Volume, m and ln s of a log-normal of a mean and a standard deviation."""
    s2 = float(np.log1p((width / mean) ** 2))
    return volume, float(np.log(mean) - s2 / 2), float(0.5 * np.log(s2))


def _described(p: Array, covariance: Array, old: Mode, step: float) -> Mode | None:
    """A hump in words; hats of the width of a step, by which it is drawn, add step^2 / 6 to the variance of ln R."""
    volume, middle, log_s = (float(v) for v in p)
    own = float(np.exp(2 * log_s))
    s2 = own + step**2 / 6
    if volume <= 0 or s2 > 4 or np.any(np.diag(covariance) < 0):
        return None
    mean = float(np.exp(middle + s2 / 2))
    relative = float(np.sqrt(np.expm1(s2)))
    by_mean = mean * np.array([0.0, 1.0, own])
    by_width = relative * by_mean + mean * np.array([0.0, 0.0, own * np.exp(s2) / relative])
    doubts = [_doubt(g, covariance) for g in (np.array([1.0, 0.0, 0.0]), by_mean, by_width)]
    if doubts[0] > volume / _FIRM or doubts[1] > 0.5 * mean:
        return None
    width = Uncertain(mean * relative, doubts[2])
    top = float(np.exp(middle - s2))
    return Mode(old.low, old.high, Uncertain(volume, doubts[0]), Uncertain(mean, doubts[1]), width, top, "lognormal")


def _doubt(gradient: Array, covariance: Array) -> float:
    """Standard uncertainty of a function of parameters with this gradient."""
    return float(np.sqrt(max(float(gradient @ covariance @ gradient), 0.0)))
