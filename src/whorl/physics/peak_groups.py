r"""Least-squares fits of overlapping powder peaks: pseudo-Voigt lines on a straight background.

Every peak is a pseudo-Voigt of unit area, a mixture with the share :math:`\eta` of the Lorentzian (Wertheim et al., Rev. Sci.
Instrum. 45, 1369 (1974), doi:10.1063/1.1686503; H the full width at half maximum, t = (x - x_0) / H)

.. math::
    P(t) = \frac{1}{H} \left[ \eta\, \frac{2/\pi}{1 + 4 t^2} + (1 - \eta)\, 2 \sqrt{\ln 2 / \pi}\; e^{-4 t^2 \ln 2} \right],

with a second spectral line, if there is one, at the angle where Bragg's law puts it and with a fixed share of the intensity.
A group shares :math:`\eta` and two background coefficients; each peak has its position, area and width. Widths and the mixing
are held near their expected values by weak Gaussian priors, without which two peaks closer than a width have no solution.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_systems import solve_positive

Array = NDArray[np.float64]

_HALF_DEGREE = np.pi / 360.0  # half of two-theta, in radians
_G0 = 2.0 * np.sqrt(np.log(2.0) / np.pi)
_G1 = 4.0 * np.log(2.0)


@njit(cache=True)
def second_line(two_theta: float, ratio: float) -> float:
    """Angle (degree) of the same spacing in a line whose wavelength is ``ratio`` times as long; nan where there is none.

    Examples
    --------
    >>> round(second_line(60.0, 1.544426 / 1.540598), 4)
    60.1645
    """
    s = ratio * np.sin(two_theta * _HALF_DEGREE)
    return np.arcsin(s) / _HALF_DEGREE if s < 1.0 else np.nan


@njit(cache=True)
def peak_value(x: float, centre: float, width: float, eta: float, ratio: float, share: float) -> float:
    """Height per area of a peak at ``x``, both spectral lines (``share`` is that of the second to the first)."""
    t = (x - centre) / width
    total = (eta * (2.0 / np.pi) / (1.0 + 4.0 * t * t) + (1.0 - eta) * _G0 * np.exp(-_G1 * t * t)) / width
    if share > 0.0:
        t = (x - second_line(centre, ratio)) / width
        if t == t:  # noqa: PLR0124 - not nan
            total += share * (eta * (2.0 / np.pi) / (1.0 + 4.0 * t * t) + (1.0 - eta) * _G0 * np.exp(-_G1 * t * t)) / width
    return float(total)


@njit(cache=True)
def add_peaks(
    x: Array, out: Array, centres: Array, areas: Array, widths: Array, etas: Array, ratio: float, share: float
) -> None:
    """Add peaks to ``out`` (n,), each as far as its Lorentzian tail reaches 1/2000 of its height."""
    for j in range(centres.size):
        reach = (4.0 + 18.0 * etas[j]) * widths[j]
        low = np.searchsorted(x, centres[j] - reach)
        far = second_line(centres[j], ratio) if share > 0.0 else centres[j]
        high = np.searchsorted(x, (far if far == far else centres[j]) + reach)  # noqa: PLR0124 - not nan
        for i in range(low, high):
            out[i] += areas[j] * peak_value(x[i], centres[j], widths[j], etas[j], ratio, share)


@njit(cache=True)
def _model(x: Array, p: Array, k: int, ratio: float, share: float, value: Array, jacobian: Array) -> None:
    """Model (n,) and its Jacobian (n, 3k + 3); p = k positions, k areas, k log widths, eta, two background terms."""
    n = x.size
    eta = p[3 * k]
    middle, half = 0.5 * (x[0] + x[-1]), max(0.5 * (x[-1] - x[0]), 1e-9)
    for i in range(n):
        u = (x[i] - middle) / half
        value[i] = p[3 * k + 1] + p[3 * k + 2] * u
        jacobian[i, 3 * k] = 0.0
        jacobian[i, 3 * k + 1] = 1.0
        jacobian[i, 3 * k + 2] = u
    lines = 2 if share > 0.0 else 1
    for j in range(k):
        w = np.exp(p[2 * k + j])
        for i in range(n):
            jacobian[i, j] = 0.0
            jacobian[i, k + j] = 0.0
            jacobian[i, 2 * k + j] = 0.0
        for line in range(lines):
            centre, moves, weight = p[j], 1.0, 1.0
            if line == 1:
                centre = second_line(p[j], ratio)
                if not centre == centre:  # noqa: PLR0124, SIM201 - nan
                    continue
                moves = ratio * np.cos(p[j] * _HALF_DEGREE) / np.cos(centre * _HALF_DEGREE)
                weight = share
            for i in range(n):
                t = (x[i] - centre) / w
                lorentz = weight * (2.0 / np.pi) / (1.0 + 4.0 * t * t) / w
                gauss = weight * _G0 * np.exp(-_G1 * t * t) / w
                shape = eta * lorentz + (1.0 - eta) * gauss
                by_t = -(eta * lorentz * 8.0 * t / (1.0 + 4.0 * t * t) + (1.0 - eta) * gauss * 2.0 * _G1 * t)
                value[i] += p[k + j] * shape
                jacobian[i, j] -= p[k + j] * by_t / w * moves
                jacobian[i, k + j] += shape
                jacobian[i, 2 * k + j] -= p[k + j] * (shape + by_t * t)
                jacobian[i, 3 * k] += p[k + j] * (lorentz - gauss)


@njit(cache=True)
def _normal(x: Array, y: Array, weight: Array, p: Array, prior: Array, tight: Array, k: int, ratio: float, share: float,
            value: Array, jacobian: Array, a: Array, g: Array) -> float:  # fmt: skip
    """Normal matrix and gradient at ``p``; gives chi-squared including the priors."""
    _model(x, p, k, ratio, share, value, jacobian)
    m = p.size
    a[:] = 0.0
    g[:] = 0.0
    cost = 0.0
    for i in range(x.size):
        r = y[i] - value[i]
        cost += weight[i] * r * r
        for c in range(m):
            jc = jacobian[i, c] * weight[i]
            if jc != 0.0:
                g[c] += jc * r
                for d in range(c + 1):
                    a[c, d] += jc * jacobian[i, d]
    for c in range(m):
        for d in range(c):
            a[d, c] = a[c, d]
        off = prior[c] - p[c]
        cost += tight[c] * off * off
        g[c] += tight[c] * off
        a[c, c] += tight[c]
    return cost


@njit(cache=True)
def fit_group(
    x: Array, y: Array, sigma: Array, centres: Array, areas: Array, widths: Array, eta: float, offset: float,
    narrowest: float, widest: float, ratio: float, share: float,
) -> tuple[Array, Array, float]:  # fmt: skip
    """Fit the peaks of one group by Levenberg-Marquardt.

    Parameters
    ----------
    x, y, sigma : arrays, shape (n,)
        Angle (degree), signal above the background, standard uncertainty.
    centres, areas, widths : arrays, shape (k,)
        Start values: positions, areas, FWHM (the widths are also the centres of their priors).
    eta : float
        Expected Lorentzian share.
    offset : float
        Expected size of what is left of the background.
    narrowest, widest : float
        Limits of the FWHM, degree.
    ratio, share : float
        Wavelength of the second spectral line over the first, and its share of the intensity (0 for one line).

    Returns
    -------
    parameters : array, shape (3k + 3,)
        Positions, areas, FWHM, eta, two background terms (mean and half the rise over the group).
    covariance : array, shape (3k + 3, 3k + 3)
        Not scaled by chi-squared; the widths enter as their logarithm.
    chi2 : float
        Reduced chi-squared of the group.
    """
    k = centres.size
    m = 3 * k + 3
    n = x.size
    p = np.zeros(m)
    p[:k] = centres
    p[k : 2 * k] = areas
    p[2 * k : 3 * k] = np.log(widths)
    p[3 * k] = eta
    prior = p.copy()
    tight = np.zeros(m)
    tight[:k] = 1.0 / (0.5 * widths) ** 2
    tight[2 * k : 3 * k] = 1.0 / 0.4**2
    tight[3 * k] = 1.0 / 0.25**2
    tight[3 * k + 1] = 1.0 / offset**2
    tight[3 * k + 2] = 1.0 / offset**2
    weight = 1.0 / (sigma * sigma)
    value, jacobian = np.empty(n), np.empty((n, m))
    a, g = np.empty((m, m)), np.empty(m)
    b, h = np.empty((m, m)), np.empty(m)
    cost = _normal(x, y, weight, p, prior, tight, k, ratio, share, value, jacobian, a, g)
    damping = 1e-3
    for _ in range(25):
        damped = a.copy()
        for c in range(m):
            damped[c, c] += damping * a[c, c] + 1e-300
        step = g.copy()
        solve_positive(damped, step)
        trial = p + step
        for j in range(k):
            trial[j] = min(max(trial[j], centres[j] - widths[j]), centres[j] + widths[j])
            trial[k + j] = max(trial[k + j], 1e-3 * areas[j])
            trial[2 * k + j] = min(max(trial[2 * k + j], np.log(narrowest)), np.log(widest))
        trial[3 * k] = min(max(trial[3 * k], 0.0), 1.0)
        lower = _normal(x, y, weight, trial, prior, tight, k, ratio, share, value, jacobian, b, h)
        if lower < cost:
            gain = cost - lower
            p, cost = trial, lower
            a, b = b, a
            g, h = h, g
            damping = max(damping * 0.2, 1e-9)
            if gain < 1e-4 * cost + 1e-6:
                break
        else:
            damping *= 8.0
            if damping > 1e8:
                break
    _model(x, p, k, ratio, share, value, jacobian)
    chi2 = 0.0
    for i in range(n):
        chi2 += weight[i] * (y[i] - value[i]) ** 2
    for c in range(m):
        a[c, c] += 1e-12 * a[c, c] + 1e-300
    covariance = np.ascontiguousarray(np.linalg.inv(a))
    p[2 * k : 3 * k] = np.exp(p[2 * k : 3 * k])
    return p, covariance, chi2 / max(n - m, 1)
