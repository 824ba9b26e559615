r"""Peaks of crystallites that differ in size: spheres with a lognormal distribution of diameters.

A sphere of diameter D has the column overlap 1 - 3L/(2D) + L^3/(2D^3) at the length L along the diffraction vector (Stokes &
Wilson, Proc. Camb. Phil. Soc. 38, 313 (1942), doi:10.1017/S0305004100021940). Weighed with the volumes of spheres whose ln D is
normal with standard deviation sigma and centre mu, that gives the Fourier transform of the peak in closed form (Popa & Balzar,
J. Appl. Cryst. 35, 338 (2002), doi:10.1107/S0021889802004156)

.. math::
    A(L) = \Phi_3(L) - \frac{3L}{2}\frac{M_2}{M_3}\Phi_2(L) + \frac{L^3}{2 M_3}\Phi_0(L), \quad
    \Phi_n = \tfrac12 \operatorname{erfc}\frac{\ln L - \mu - n\sigma^2}{\sqrt2\,\sigma}, \quad
    M_n = e^{n\mu + n^2\sigma^2/2}.

Spheres of one size give nearly Gaussian peaks; the more they differ, the longer the tails, up to a Lorentzian at a relative
standard deviation of about 0.7. `lognormal_widths` gives the Gaussian and Lorentzian widths of the pseudo-Voigt that is
nearest, in units of 1/D_V with the volume-weighted column length D_V = 2 int A dL, in terms of 2 sin(theta)/lambda.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import least_squares
from scipy.special import erfc

Array = NDArray[np.float64]

#: largest relative standard deviation of the diameters: there the peaks are nearly Lorentzian
WIDEST = 0.7
_NODES = 15
_NARROWEST = 0.03  # below this the spheres are of one size
_LENGTH, _STEP = 25.0, 0.01  # of the transform, in D_V
_REACH, _POINTS = 5.0, 101  # of the peak, in 1/D_V


def column_overlap(length: Array, spread: float) -> Array:
    """Fourier transform A(L) of the peak of lognormal spheres; lengths in units of D_V.

    Parameters
    ----------
    length : array, shape (n,)
        At least 0.
    spread : float
        Standard deviation of the diameters over their mean.

    Examples
    --------
    >>> column_overlap(np.array([0.0, 20.0]), 0.3).round(6).tolist()
    [1.0, 0.0]
    """
    length = np.asarray(length, dtype=np.float64)
    if spread < _NARROWEST:
        diameter = 4.0 / 3.0  # of equal spheres with D_V = 1
        x = np.minimum(length / diameter, 1.0)
        return np.asarray(1 - 1.5 * x + 0.5 * x**3)
    sigma2 = np.log1p(spread**2)
    mu = np.log(4.0 / 3.0) - 3.5 * sigma2  # D_V = 3/4 M_4 / M_3
    safe = np.maximum(length, 1e-12)

    def tail(n: int) -> Array:
        return np.asarray(0.5 * erfc((np.log(safe) - mu - n * sigma2) / np.sqrt(2 * sigma2)))

    def moment(n: int) -> float:
        return float(np.exp(n * mu + 0.5 * n**2 * sigma2))

    return np.asarray(tail(3) - 1.5 * safe * moment(2) / moment(3) * tail(2) + 0.5 * safe**3 / moment(3) * tail(0))


def peak_of(x: Array, spread: float) -> Array:
    """Peak of unit area, in terms of 2 sin(theta)/lambda times D_V, shape of ``x``."""
    length = np.arange(0.0, _LENGTH, _STEP)
    overlap = column_overlap(length, spread)
    keep = int(np.flatnonzero(overlap > 1e-9)[-1]) + 2
    length, overlap = length[:keep], overlap[:keep]
    phase = np.cos(2 * np.pi * np.multiply.outer(np.asarray(x), length))
    return np.asarray(2 * np.trapezoid(phase * overlap, length, axis=-1))


def pseudo_voigt(x: Array, gauss: float, lorentz: float) -> Array:
    """Pseudo-Voigt of unit area of Thompson, Cox & Hastings (J. Appl. Cryst. 20, 79 (1987), doi:10.1107/S0021889887087090).

    Parameters
    ----------
    x : array
    gauss, lorentz : float
        Full widths at half maximum of the parts.

    Examples
    --------
    >>> x = np.arange(-40, 40, 0.01)
    >>> round(float(np.trapezoid(pseudo_voigt(x, 1.0, 0.0), x)), 6)
    1.0
    """
    g, w = gauss, lorentz
    width = (g**5 + 2.69269 * g**4 * w + 2.42843 * g**3 * w**2 + 4.47163 * g**2 * w**3 + 0.07842 * g * w**4 + w**5) ** 0.2
    ratio = w / width
    eta = 1.36603 * ratio - 0.47719 * ratio**2 + 0.11116 * ratio**3
    lorentzian = 2 / (np.pi * width) / (1 + 4 * (x / width) ** 2)
    gaussian = np.sqrt(4 * np.log(2) / np.pi) / width * np.exp(-4 * np.log(2) * (x / width) ** 2)
    return np.asarray(eta * lorentzian + (1 - eta) * gaussian)


@lru_cache(maxsize=1)
def _curves() -> tuple[PchipInterpolator, PchipInterpolator]:
    """Widths of the nearest pseudo-Voigt over the spread."""
    x = np.linspace(0, _REACH, _POINTS)
    nodes, found = np.linspace(0.0, WIDEST, _NODES), []
    guess = np.array([0.9, 0.2])
    for spread in nodes:
        peak = peak_of(x, float(spread))
        fit = least_squares(lambda p, peak=peak: pseudo_voigt(x, p[0], p[1]) - peak, guess, bounds=([0.0, 0.0], [3.0, 3.0]))
        guess = np.clip(fit.x, 1e-3, 2.9)
        found.append(fit.x)
    table = np.array(found)
    return PchipInterpolator(nodes, table[:, 0]), PchipInterpolator(nodes, table[:, 1])


def lognormal_widths(spread: float) -> tuple[float, float, float, float]:
    """Gaussian and Lorentzian full widths at half maximum times D_V, and their derivatives by the spread.

    Parameters
    ----------
    spread : float
        Standard deviation of the diameters over their mean, 0 to `WIDEST`.

    Examples
    --------
    >>> gauss, lorentz, _, _ = lognormal_widths(0.0)
    >>> gauss > 2 * lorentz
    True
    """
    at = min(max(spread, 0.0), WIDEST)
    gauss, lorentz = _curves()
    return float(gauss(at)), float(lorentz(at)), float(gauss(at, 1)), float(lorentz(at, 1))


def mean_diameter(column: float, spread: float) -> float:
    """Mean diameter of lognormal spheres from their volume-weighted column length D_V, in its unit.

    D_V = (3/4) M_4/M_3 = (3/4) mean (1 + c)^3 with c the square of the spread.

    Examples
    --------
    >>> mean_diameter(75.0, 0.0)
    100.0
    """
    return float(4 / 3 * column / (1 + spread**2) ** 3)
