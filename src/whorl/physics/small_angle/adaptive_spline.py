r"""Smoothing by a spline whose stiffness follows the data: a Gaussian process with the evidence to choose how it may bend.

The curve f(u) is a thrice integrated white noise of intensity d(u), a quintic smoothing spline (Wahba, J. R. Stat. Soc. B 40,
364 (1978), doi:10.1111/j.2517-6161.1978.tb01050.x) whose stiffness changes along u. Its state (f, f', f'') is followed point by
point by a Kalman filter, so that n points cost O(n) (Wecker & Ansley, J. Am. Stat. Assoc. 78, 81 (1983),
doi:10.1080/01621459.1983.10477935). Between knots ln d is linear. The knots' values maximise the marginal likelihood times a
prior that lets ln d change by `CHANGE` from knot to knot; the gradient is exact, from the disturbance smoother (Koopman &
Shephard, Biometrika 79, 823 (1992), doi:10.1093/biomet/79.4.823). So a peak is followed where the points show one and a
featureless stretch is averaged over, without a bandwidth that anybody has to choose.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: standard deviation of the change of ln d from knot to knot
CHANGE = 3.0
#: of the first state: f, f' and f'' times powers of the length of the axis
_START = (10.0, 100.0, 1000.0)
#: standard deviation of ln(noise factor) where the noise is not known
_FACTOR = 0.5
_POINTS_PER_KNOT = 15
#: of ln d, over which the estimate is averaged
_SHIFTS = (-3.0, -1.5, 0.0, 1.5, 3.0, 4.5, 6.0)
_MOST_KNOTS = 40


class Smoothed(NamedTuple):
    """A smoothed curve.

    Attributes
    ----------
    mean, sigma : array, shape (n,)
        Of the curve without noise, at the points.
    leverage : array, shape (n,)
        Part of each estimate that comes from the point itself; their sum is the number of effective parameters.
    factor : float
        By which the noise differs from what was given; 1 where it was to be believed.
    innovations : array, shape (n,)
        Errors of predicting each point from those before it, in their standard deviations: white where the noise is.
    evidence : float
        Log marginal likelihood with the prior of the knots.
    roughness : array, shape (n,)
        ln d.
    """

    mean: Array
    sigma: Array
    leverage: Array
    factor: float
    innovations: Array
    evidence: float
    roughness: Array


def smooth(
    u: Array, y: Array, sigma: Array, *, lowest: float = 1e-8, highest: Array | None = None, known: bool = True
) -> Smoothed:
    """Smooth values of independent normal noise.

    Parameters
    ----------
    u : array, shape (n,)
        Strictly increasing, n >= 4.
    y, sigma : array, shape (n,)
        Values of order 1 and their standard uncertainties, positive.
    lowest : float
        Lower limit of d: curves are known to bend as much as that. Its square root is a change of f'' in a unit of u.
    highest : array, shape (n,), optional
        Upper limit of ln d: what resolution leaves of any feature.
    known : bool
        Whether sigma is believed; otherwise one factor on all of it is estimated too.

    Examples
    --------
    >>> u = np.linspace(0, 1, 200)
    >>> truth = np.sin(8 * u)
    >>> found = smooth(u, truth + np.random.default_rng(1).normal(0, 0.1, 200), np.full(200, 0.1))
    >>> bool(np.std(found.mean - truth) < 0.03)
    True
    """
    from scipy.optimize import minimize

    span = float(u[-1] - u[0])
    t = (u - u[0]) / span
    knots = knots_of(t)
    spline = _hats(t, knots)
    noise = float(np.median(sigma))
    # a curve that changes by its own noise over the distance of two knots
    begin = np.log((noise**2 + 1e-6) / np.maximum(np.median(np.diff(knots)), 1e-6) ** 5)
    top = np.full(knots.size, 60.0)
    if highest is not None:
        at_knots = np.interp(knots, t, highest) + 5 * np.log(span)  # d has the unit of f^2 / u^5
        top = np.minimum(top, at_knots)
    low = np.log(lowest) + 5 * np.log(span)
    free = knots.size + (0 if known else 1)
    variance = sigma**2

    def objective(p: Array) -> tuple[float, Array]:
        factor = 1.0 if known else float(np.exp(2 * p[-1]))
        value, slope_d, slope_h, *_ = _follow(t, y, variance * factor, np.exp(spline @ p[: knots.size]), *_START)
        gradient = np.zeros(free)
        gradient[: knots.size] = spline.T @ slope_d
        step = np.diff(p[: knots.size])
        value -= 0.5 * float(step @ step) / CHANGE**2
        gradient[: knots.size - 1] += step / CHANGE**2
        gradient[1 : knots.size] -= step / CHANGE**2
        if not known:
            value -= 0.5 * float(p[-1]) ** 2 / _FACTOR**2
            gradient[-1] = 2 * slope_h - p[-1] / _FACTOR**2
        return -value, -gradient

    limits = [(min(low, t_ - 1), t_) for t_ in top] + ([] if known else [(-3.0, 3.0)])
    best = None
    for lift in (0.0, 12.0):
        start = np.minimum(np.full(knots.size, begin + lift), top - 0.5)
        given = np.concatenate([np.maximum(start, low), [] if known else [0.0]])
        found = minimize(objective, given, jac=True, method="L-BFGS-B", bounds=limits, options={"maxiter": 150, "ftol": 1e-7})
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None
    factor = 1.0 if known else float(np.exp(best.x[-1]))
    roughness = spline @ best.x[: knots.size]
    variance = variance * factor**2
    innovations = _follow(t, y, variance, np.exp(roughness), *_START)[5]
    mean, spread = _mixed(t, y, variance, roughness, low, spline @ top)
    return Smoothed(
        mean,
        np.sqrt(np.maximum(spread, 0.0)),
        spread / variance,
        factor,
        innovations,
        -float(best.fun),
        roughness - 5 * np.log(span),
    )


def _mixed(t: Array, y: Array, variance: Array, roughness: Array, low: float, top: Array) -> tuple[Array, Array]:
    """Mean and variance over stiffer and softer splines than the likeliest, each by its likelihood: how stiff is not known."""
    means, spreads, weights = [], [], []
    for shift in _SHIFTS:
        d = np.exp(np.clip(roughness + shift, min(low, float(np.min(top))), top))
        likelihood, _, _, mean, spread, _ = _follow(t, y, variance, d, *_START)
        means.append(mean)
        spreads.append(spread)
        weights.append(likelihood)
    share = np.exp(np.array(weights) - max(weights))
    share /= share.sum()
    mean = share @ np.array(means)
    return mean, share @ (np.array(spreads) + (np.array(means) - mean) ** 2)


def knots_of(t: Array) -> Array:
    """Places where the stiffness is free, each with as many points about it, the ends among them."""
    count = int(np.clip(round(t.size / _POINTS_PER_KNOT), 3, _MOST_KNOTS))
    return np.unique(np.interp(np.linspace(0, t.size - 1, count), np.arange(t.size), t))


def _hats(t: Array, knots: Array) -> Array:
    """Matrix of linear interpolation from the knots, shape (n, knots)."""
    place = np.clip(np.searchsorted(knots, t, side="right") - 1, 0, knots.size - 2)
    share = (t - knots[place]) / (knots[place + 1] - knots[place])
    out = np.zeros((t.size, knots.size))
    out[np.arange(t.size), place] = 1 - share
    out[np.arange(t.size), place + 1] = share
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _follow(
    t: Array, y: Array, variance: Array, d: Array, start0: float, start1: float, start2: float
) -> tuple[float, Array, float, Array, Array, Array]:
    """Log likelihood, its slopes by ln d (n,) and by ln of all variances, smoothed mean and variance, innovations."""
    n = t.size
    a = np.empty((n, 3))
    p = np.empty((n, 3, 3))
    v = np.empty(n)
    f = np.empty(n)
    state = np.zeros(3)
    cov = np.zeros((3, 3))
    state[0] = y[0]
    cov[0, 0], cov[1, 1], cov[2, 2] = start0**2, start1**2, start2**2
    likelihood = 0.0
    move = np.eye(3)
    grow = np.zeros((n, 3, 3))
    steps = np.zeros(n)
    for i in range(n):
        if i > 0:
            h = t[i] - t[i - 1]
            steps[i] = h
            move[0, 1], move[0, 2], move[1, 2] = h, h * h / 2, h
            level = np.sqrt(d[i] * d[i - 1])
            g = grow[i]
            g[0, 0] = level * h**5 / 20
            g[0, 1] = g[1, 0] = level * h**4 / 8
            g[0, 2] = g[2, 0] = level * h**3 / 6
            g[1, 1] = level * h**3 / 3
            g[1, 2] = g[2, 1] = level * h**2 / 2
            g[2, 2] = level * h
            state = move @ state
            cov = move @ cov @ move.T + g
        a[i] = state
        p[i] = cov
        v[i] = y[i] - state[0]
        f[i] = cov[0, 0] + variance[i]
        likelihood -= 0.5 * (np.log(2 * np.pi * f[i]) + v[i] ** 2 / f[i])
        gain = cov[:, 0] / f[i]
        state = state + gain * v[i]
        cov = cov - np.outer(gain, gain) * f[i]
        cov = (cov + cov.T) / 2
    slope_d = np.zeros(n)
    slope_h = 0.0
    mean = np.empty(n)
    spread = np.empty(n)
    r = np.zeros(3)
    info = np.zeros((3, 3))
    for j in range(n):
        i = n - 1 - j
        # r and info are those of the step after i; take the point in
        column = p[i][:, 0].copy()
        gain = column / f[i]
        e = v[i] / f[i] - gain @ r
        w = 1 / f[i] + gain @ info @ gain
        slope_h += 0.5 * variance[i] * (e * e - w)
        m = info @ gain
        keep = info.copy()
        for k in range(3):
            keep[0, k] -= m[k]
            keep[k, 0] -= m[k]
        keep[0, 0] += w
        info = keep
        r = r.copy()
        r[0] += e
        mean[i] = a[i, 0] + column @ r
        spread[i] = p[i, 0, 0] - column @ info @ column
        if i > 0:
            g = grow[i]
            score = 0.5 * (r @ g @ r - np.trace(g @ info))
            slope_d[i] += score / 2
            slope_d[i - 1] += score / 2
            h = steps[i]
            move[0, 1], move[0, 2], move[1, 2] = h, h * h / 2, h
            r = move.T @ r
            info = move.T @ info @ move
            info = (info + info.T) / 2
    return likelihood, slope_d, slope_h, mean, spread, v / np.sqrt(f)
