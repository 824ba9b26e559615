r"""Charged spheres: screened Coulomb repulsion in the mean spherical approximation (MSA), rescaled where that fails.

Spheres of diameter sigma, volume fraction eta and charge z in an electrolyte repel by gamma exp(-k x) / x in units of kT, with
x = r / sigma, k = kappa sigma and gamma exp(-k) = z^2 e^2 / (pi eps sigma (2 + k)^2 kT). Inside the core

.. math::
    x c(x) = A x + B x^2 + \tfrac{1}{2} \eta A x^4 + C \sinh kx + F (\cosh kx - 1)

and c(x) = -gamma exp(-k x) / x outside. A, B, C, F follow from two quadratic equations in C and F whose coefficients Hayter &
Penfold (Mol. Phys. 42, 109 (1981), doi:10.1080/00268978100100091) give; the physical pair of roots is the one that goes over
into hard spheres when the charge is taken away, and it is followed from there. Dilute and strongly charged, the MSA gives a
negative g(r) at contact; the spheres are then swollen to the diameter at which g is zero there, with the same potential outside
(Hansen & Hayter, Mol. Phys. 46, 651 (1982), doi:10.1080/00268978200101471).

The equations are solved here in D = (C + F) exp(k) and F, in which nothing overflows when screening is strong.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.model import ModelParameter
from whorl.physics.small_angle.structure_factors.base import StructureFactor
from whorl.physics.small_angle.structure_factors.hardsphere import moments

Array = NDArray[np.float64]

_CHARGE = 1.602176634e-19  # C
_BOLTZMANN = 1.380649e-23  # J/K
_VACUUM = 8.8541878128e-12  # F/m
_AVOGADRO = 6.02214076e23  # 1/mol

#: the volume fraction up to which spheres are swollen: beyond, the liquid would have crystallised
_SWOLLEN = 0.7
#: below this coupling its first order is enough
_WEAK = 1e-4


@njit(cache=True)
def _coefficients(eta: float, k: float, gamma: float) -> Array:
    """Constants and factors of D and F in T, A, V, P and B, shape (5, 3): T A = 12 eta V^2, 12 eta P^2 - 2 B = k^2 F."""
    d, m = 1 - eta, np.exp(-k)
    ch, sh = (1 + m * m) / 2, (1 - m * m) / 2  # cosh and sinh times exp(-k)
    k2, k4 = k * k, k**4
    two, three = 2 * eta + 1, eta + 2
    al1, al2, al3 = -two * d / k, (14 * eta**2 - 4 * eta - 1) / k2, 36 * eta**2 / k4
    be1 = -(eta**2 + 7 * eta + 1) * d / k
    be2, be3 = 9 * eta * (eta**2 + 4 * eta - 2) / k2, 12 * eta * (2 * eta**2 + 8 * eta - 1) / k4
    nu2, nu3 = (2 * eta**3 + 3 * eta**2 + 42 * eta - 20) / k2, (2 * eta**3 + 30 * eta - 5) / k4
    nu4 = -(eta**3 + 3 * eta**2 + 45 * eta + 5) * d / k + 24 * eta * k * nu3
    nu5 = 6 * eta * (nu2 + 4 * nu3)
    ph1, ph2 = 6 * eta / k, d - 12 * eta / k2
    ta1, ta2 = (eta + 5) / (5 * k), three / k2
    ta4, ta5 = 3 * eta * k2 * (ta1**2 - ta2**2), 0.3 * eta * (eta + 8) - 2 * two**2 / k2
    core, decay = sh - k * ch, (1 + k) * m - 1
    out = np.empty((5, 3))
    a = out[1]
    a[0] = 24 * eta * gamma * (al1 + al2 + (1 + k) * al3) - two**2
    a[1] = 24 * eta * (al3 * core + al2 * sh - al1 * ch)
    a[2] = 24 * eta * (two**2 / k2 - d * d / 2 + al3 * decay + (al1 + al2) * m)
    b = out[4]
    b[0] = 1.5 * eta * three**2 - 12 * eta * gamma * (be1 + be2 + (1 + k) * be3)
    b[1] = 12 * eta * (be1 * ch - be3 * core - be2 * sh)
    b[2] = 12 * eta * (d * d * three / 2 - 3 * eta * three**2 / k2 - be3 * decay - (be1 + be2) * m)
    v = out[2]
    v[0] = two * (eta**2 - 2 * eta + 10) / 4 - gamma * (nu4 + nu5)
    v[1] = nu4 * ch - nu5 * sh
    v[2] = (eta**3 - 6 * eta**2 + 5) * d - 6 * eta * (2 * eta**3 - 3 * eta**2 + 18 * eta + 10) / k2
    v[2] += 24 * eta * nu3 - (nu4 + nu5) * m
    p = out[3]
    p[0] = gamma * (ph1 - ph2) ** 2 - three / 2
    p[1] = (ph1**2 + ph2**2) * sh + 2 * ph1 * ph2 * ch
    p[2] = (ph1 - ph2) ** 2 * m + ph1**2 - ph2**2
    a /= d**4
    b /= d**4
    v /= 5 * d**4
    p /= d * d
    t = out[0]
    t[:] = ta4 * a + ta5 * b
    t[0] -= 12 * eta * gamma * (ta1 + ta2)
    t[1] += 12 * eta * (ta1 * ch - ta2 * sh)
    t[2] += 12 * eta * (ta2 - (ta1 + ta2) * m) - 0.4 * eta * (eta + 10) - 1
    return out


@njit(cache=True)
def _newton(w: Array, eta: float, k: float, d: float, f: float) -> tuple[float, float, bool]:
    """Roots D and F near a start, and whether they were found."""
    for _ in range(8):
        t, a = w[0, 0] + w[0, 1] * d + w[0, 2] * f, w[1, 0] + w[1, 1] * d + w[1, 2] * f
        v, p = w[2, 0] + w[2, 1] * d + w[2, 2] * f, w[3, 0] + w[3, 1] * d + w[3, 2] * f
        b = w[4, 0] + w[4, 1] * d + w[4, 2] * f
        first, second = t * a - 12 * eta * v * v, 12 * eta * p * p - 2 * b - k * k * f
        fd = w[0, 1] * a + t * w[1, 1] - 24 * eta * v * w[2, 1]
        ff = w[0, 2] * a + t * w[1, 2] - 24 * eta * v * w[2, 2]
        sd, sf = 24 * eta * p * w[3, 1] - 2 * w[4, 1], 24 * eta * p * w[3, 2] - 2 * w[4, 2] - k * k
        det = fd * sf - ff * sd
        if det == 0.0 or not np.isfinite(det):
            return d, f, False
        dd, df = (first * sf - ff * second) / det, (fd * second - first * sd) / det
        d, f = d - dd, f - df
        if abs(dd) + abs(df) <= 1e-7 * (abs(d) + abs(f)) + 1e-14:
            return d, f, True
    return d, f, False


@njit(cache=True)
def _slopes(eta: float, k: float, gamma: float, none: Array, full: Array) -> tuple[float, float]:
    """D and F to first order in the coupling: C = 24 eta gamma exp(k) G(k) / k with Wertheim's Laplace transform G of x g(x).

    The equations alone do not say it: without a charge two of their four roots coincide.
    """
    m = np.exp(-k)
    numerator = 12 * eta * ((1 + eta / 2) * k + 1 + 2 * eta)
    rest = (1 - eta) ** 2 * k**3 + 6 * eta * (1 - eta) * k**2 + 18 * eta**2 * k - 12 * eta * (1 + 2 * eta)
    c = 2 * gamma * numerator / (numerator * m + rest)
    p = none[3, 0]
    by_d, by_f = 24 * eta * p * none[3, 1] - 2 * none[4, 1], 24 * eta * p * none[3, 2] - 2 * none[4, 2] - k * k
    by_gamma = 24 * eta * p * (full[3, 0] - p) - 2 * (full[4, 0] - none[4, 0])
    return (c * by_f - by_gamma) / (by_d + by_f * m), -(by_gamma * m + by_d * c) / (by_d + by_f * m)


@njit(cache=True)
def _solve(eta: float, k: float, gamma: float) -> tuple[float, float, float, Array]:
    """D, F, the contact value g(1) and the coefficients, followed from hard spheres up to the coupling gamma."""
    none, full = _coefficients(eta, k, 0.0), _coefficients(eta, k, gamma)
    slope_d, slope_f = _slopes(eta, k, gamma, none, full)
    reach = gamma * max(1.0, 24 * eta / k**2)  # what decides whether the first order is good
    if reach < _WEAK:
        return slope_d, slope_f, -(full[3, 0] + full[3, 1] * slope_d + full[3, 2] * slope_f), full
    d = f = at = 0.0
    step = min(1.0, 2.0 / reach)
    for _ in range(400):
        if at >= 1.0:
            break
        step = min(step, 1.0 - at)
        part = at + step
        w = none + part * (full - none)
        guess_d, guess_f = d + slope_d * step, f + slope_f * step
        new_d, new_f, found = _newton(w, eta, k, guess_d, guess_f)
        off = abs(new_d - guess_d) + abs(new_f - guess_f)
        near = off < 0.3 * (abs(new_d - d) + abs(new_f - f)) + 1e-4 * (abs(new_d) + abs(new_f))
        contact = -(w[3, 0] + w[3, 1] * new_d + w[3, 2] * new_f)
        before = -(none[3, 0] + at * (full[3, 0] - none[3, 0]) + w[3, 1] * d + w[3, 2] * f)
        if found and near and abs(contact - before) < 0.3 * (1 + abs(before)):
            slope_d, slope_f = (new_d - d) / step, (new_f - f) / step
            d, f, at = new_d, new_f, part
            step *= 2.0
        elif step * reach > 1e-7:
            step *= 0.4
        elif at == 0.0:  # weak and hardly screened: digits are lost before the second order shows
            return slope_d, slope_f, -(full[3, 0] + full[3, 1] * slope_d + full[3, 2] * slope_f), full
        else:
            return d, f, -1.0, full
    return d, f, -(full[3, 0] + full[3, 1] * d + full[3, 2] * f), full


@njit(cache=True)
def _rescaled(eta: float, k: float, gamma: float) -> tuple[float, float, float, float, float, float, float]:
    """Swollen volume fraction, k, gamma, and A, B, D, F there."""
    low, new, side = eta, eta, 0
    d, f, contact, w = _solve(eta, k, gamma)
    at_low = at_high = contact
    high = 0.0  # not yet found
    for _ in range(80):
        if abs(contact) < 1e-9 or (high == 0.0 and (contact > 0 or new >= _SWOLLEN)) or (high and high - low < 1e-12):
            break
        new = min(1.25 * low, _SWOLLEN) if high == 0.0 else (low * at_high - high * at_low) / (at_high - at_low)
        growth = (new / eta) ** (1 / 3)
        d, f, contact, w = _solve(new, k * growth, gamma / growth * np.exp(k - k * growth))
        if contact > 0:
            high, at_high = new, contact
            at_low = at_low / 2 if side == 1 else at_low
            side = 1
        else:
            low, at_low = new, contact
            at_high = at_high / 2 if side == -1 else at_high
            side = -1
    growth = (new / eta) ** (1 / 3)
    a = w[1, 0] + w[1, 1] * d + w[1, 2] * f
    b = w[4, 0] + w[4, 1] * d + w[4, 2] * f
    return new, k * growth, gamma / growth * np.exp(k - k * growth), a, b, d, f


def hayter_msa(
    q: Array,
    radius_effective: float,
    volfraction: float,
    charge: float,
    temperature: float,
    concentration_salt: float,
    dielectconst: float,
) -> Array:
    """Structure factor of charged spheres.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    radius_effective : float
        Angstrom.
    volfraction : float
    charge : float
        Elementary charges on a sphere; its counter-ions are monovalent and screen as well.
    temperature : float
        K.
    concentration_salt : float
        Of a 1:1 electrolyte, mol/l.
    dielectconst : float
        Relative permittivity of the solvent.

    Examples
    --------
    >>> hayter_msa(np.array([0.001, 0.01, 0.075]), 20.75, 0.0192, 19.0, 298.0, 0.0, 78.0).round(4)
    array([0.0713, 0.0847, 1.0715])
    """
    eta = float(np.clip(volfraction, 1e-9, 0.74))
    thermal = _BOLTZMANN * temperature * dielectconst * _VACUUM
    diameter = 2e-10 * radius_effective
    ions = charge * eta / (np.pi / 6 * diameter**3) + 2e3 * _AVOGADRO * concentration_salt
    k = max(diameter * _CHARGE * float(np.sqrt(ions / thermal)), 0.02)
    gamma = (charge * _CHARGE) ** 2 / (np.pi * diameter * (2 + k) ** 2 * thermal)
    swollen, k, gamma, a, b, d, f = _rescaled(eta, k, gamma)
    x = np.maximum(2 * radius_effective * (swollen / eta) ** (1 / 3) * np.asarray(q, dtype=float), 1e-4)
    one, two, four = moments(x)
    m = np.exp(-k)
    ch, sh, sin, cos = (1 + m * m) / 2, (1 - m * m) / 2, np.sin(x), np.cos(x)
    tail = (k * sin + x * cos) / (x * (x * x + k * k))
    inside = a * (one + swollen / 2 * four) + b * two - 2 * f * (np.sin(x / 2) / x) ** 2
    inside += d * (k * ch * sin - x * sh * cos) / (x * (x * x + k * k)) + f * (1 / (x * x + k * k) - m * tail)
    return np.asarray(1 / (1 - 24 * swollen * (inside - gamma * tail)))


STRUCTURE_FACTOR = StructureFactor(
    "hayter_msa",
    "charged spheres (rescaled mean spherical approximation)",
    hayter_msa,
    (
        ModelParameter(
            "volfraction", 0.0192, (1e-6, 0.74), (0.005, 0.4), "1", "log-uniform", "amount", meaning="part of the volume filled"
        ),
        ModelParameter("charge", 19.0, (0.0, 1000.0), (2.0, 100.0), "e", "log-uniform", "shape", meaning="on a sphere"),
        ModelParameter(
            "temperature", 318.16, (100.0, 600.0), (285.0, 340.0), "K", "uniform", "shape", free=False, meaning="of the sample"
        ),
        ModelParameter(
            "concentration_salt", 0.0, (0.0, 20.0), (0.0, 0.2), "mol/l", "uniform", "shape", free=False, meaning="of a 1:1 salt"
        ),
        ModelParameter(
            "dielectconst", 71.08, (1.0, 500.0), (70.0, 81.0), "1", "uniform", "shape", free=False, meaning="of the solvent"
        ),
    ),
    "J. B. Hayter & J. Penfold, Mol. Phys. 42, 109 (1981), doi:10.1080/00268978100100091; "
    "J.-P. Hansen & J. B. Hayter, Mol. Phys. 46, 651 (1982), doi:10.1080/00268978200101471",
)
