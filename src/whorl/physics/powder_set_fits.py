"""Gauss-Newton steps on many powder patterns of one set of phases, pattern by pattern (model: `whorl.physics.powder_sets`).

Scales (non-negative) and the curves of the background are linear and are solved for at each point (variable projection, Golub
& Pereyra, SIAM J. Numer. Anal. 10, 413 (1973), doi:10.1137/0710036); the other parameters have normal priors, and go by
Gauss-Newton steps of the joint normal equations. The change of a line's width with its position is left out of the derivatives.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from whorl.physics.powder_sets import OWN, SHARED, _phase

_BACK = 0.25  # of a step that made things worse
_SETTLED = 2.0  # decrease of chi squared that a step promises, below which it is the last


@njit(cache=True, nogil=True)
def _solve(h, g):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Solution of positive normal equations, scaled to a unit diagonal."""
    size = np.sqrt(np.maximum(np.diag(h), 1e-300))
    scaled = h / size.reshape(-1, 1) / size
    for i in range(size.size):
        scaled[i, i] += 1e-11
    return np.linalg.solve(scaled, g / size) / size


@njit(cache=True, nogil=True)
def _linear(h, g, m):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Least squares with the first ``m`` factors not negative: those that would be are taken out, the worst first."""
    count = g.size
    out = np.zeros(count)
    kept = np.ones(count, dtype=np.bool_)
    for j in range(m):
        kept[j] = h[j, j] > 0.0
    for _ in range(m + 1):
        index = np.flatnonzero(kept)
        found = _solve(np.ascontiguousarray(h[index][:, index]), g[index])
        worst, lowest = -1, 0.0
        for n in range(index.size):
            if index[n] < m:
                relative = found[n] * np.sqrt(h[index[n], index[n]])
                if relative < lowest:
                    worst, lowest = index[n], relative
        if worst < 0:
            for n in range(index.size):
                out[index[n]] = found[n]
            return out
        kept[worst] = False
    return out


@njit(cache=True, nogil=True)
def refine_set(x, y, weights, start, mean, spread, lower, upper, curves, lines, steps):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Gauss-Newton steps for many patterns of one set of phases.

    Parameters
    ----------
    x : array, shape (n,)
        2 theta, degrees, increasing.
    y, weights : array, shape (b, n)
        Intensities, 1/sigma^2 (0: not used).
    start : array, shape (b, p)
    mean, spread, lower, upper : array, shape (p,)
        Normal priors and bounds; a parameter of spread 0 is held at its start.
    curves : array, shape (c, n)
        Background.
    lines : Lines
    steps : int
        At most. A step that makes things worse is taken back by three quarters; one that promises less than two units of chi
        squared is the last.

    Returns
    -------
    values, sigma : array, shape (b, p)
        Parameters, and their standard uncertainties (0 for those held).
    factors : array, shape (b, m + c)
        Scales, amounts of the background's curves.
    covariance : array, shape (b, m, m)
        Of the scales.
    chi2 : array, shape (b,)
        Reduced chi squared; uncertainties hold it where it is above 1.
    misfit : array, shape (b,)
        Root of the weighted squared difference over that of the patterns without the background.
    """
    m, n = lines.first.size - 1, x.size
    count, p = y.shape[0], mean.size
    free = np.flatnonzero(spread > 0)
    nf, c = free.size, curves.shape[0]
    total = nf + m + c
    most = SHARED + 6 + OWN
    values, sigma = start.copy(), np.zeros((count, p))
    factors, covariance = np.zeros((count, m + c)), np.zeros((count, m, m))
    chi2, misfit = np.zeros(count), np.zeros(count)
    slopes = np.zeros((m, most, n))
    basis = np.zeros((m, n))
    table = np.zeros((total, n))
    prior = 1 / spread[free] ** 2
    used = spread > 0
    for b in range(count):
        root = np.sqrt(weights[b])
        target = root * y[b]
        for k in range(c):
            table[nf + m + k] = root * curves[k]
        v = start[b].copy()
        best, best_cost = v.copy(), np.inf
        hessian, found = np.zeros((total, total)), np.zeros(m + c)
        for step in range(steps + 1):
            for j in range(m):
                _phase(x, v, lines, j, used, basis[j], slopes[j])
                table[nf + j] = root * basis[j]
            linear = np.ascontiguousarray(table[nf:])
            inner = linear @ linear.T
            found_now = _linear(inner, linear @ target, m)
            residual = target - found_now @ linear
            off = (v[free] - mean[free]) * prior
            squares = residual @ residual
            cost = squares + np.sum(off * (v[free] - mean[free]))
            if not cost < best_cost:
                v = best + _BACK * (v - best)
                continue
            best, best_cost, found = v.copy(), cost, found_now
            chi2[b] = squares / max(np.sum(root > 0) - total, 1)
            net = found_now[:m] @ linear[:m]
            misfit[b] = np.sqrt(squares / max(net @ net, 1e-300))
            for f in range(nf):
                p_now = free[f]
                table[f] = 0.0
                for j in range(m):
                    if found_now[j] <= 0.0:
                        continue
                    if p_now < SHARED:
                        table[f] += found_now[j] * slopes[j, p_now]
                    elif lines.row[j] <= p_now < lines.row[j + 1]:
                        table[f] += found_now[j] * slopes[j, SHARED + p_now - lines.row[j]]
                table[f] *= root
            hessian[:nf] = table[:nf] @ table.T
            hessian[nf:, :nf] = hessian[:nf, nf:].T
            hessian[nf:, nf:] = inner
            if step == steps:
                break
            h = hessian.copy()
            gradient = np.zeros(total)
            gradient[:nf] = table[:nf] @ residual - off
            for f in range(nf):
                h[f, f] += prior[f]
            for k in range(nf, total):
                if h[k, k] <= 0:
                    h[k, k] = 1.0
            change = _solve(h, gradient)
            v = best.copy()
            bent = False
            for f in range(nf):
                wanted = v[free[f]] + change[f]
                v[free[f]] = min(max(wanted, lower[free[f]]), upper[free[f]])
                bent = bent or v[free[f]] != wanted
            if not bent and gradient[:nf] @ change[:nf] < _SETTLED and np.all(found[:m] + change[nf : nf + m] >= 0):
                best, found = v, found + change[nf:]  # the last step is too short to need another look
                break
        values[b], factors[b] = best, found
        h = hessian / max(chi2[b], 1.0)
        for f in range(nf):
            h[f, f] += prior[f]
        for k in range(nf, total):
            if h[k, k] <= 0:
                h[k, k] = 1.0
        size = np.sqrt(np.diag(h))
        scaled = h / size.reshape(-1, 1) / size
        for i in range(total):
            scaled[i, i] += 1e-11
        inverse = np.linalg.inv(scaled) / size.reshape(-1, 1) / size
        for f in range(nf):
            sigma[b, free[f]] = np.sqrt(max(inverse[f, f], 0.0))
        covariance[b] = inverse[nf : nf + m, nf : nf + m]
    return values, sigma, factors, covariance, chi2, misfit
