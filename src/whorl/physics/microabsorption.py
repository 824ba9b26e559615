r"""Microabsorption: grains that absorb more than their surroundings diffract less than their share (Brindley).

A grain of absorption coefficient mu in a powder of mean coefficient mu' diffracts as if its volume were tau times as large,

.. math::
    \tau = \frac{1}{V} \int_V e^{-(\mu - \mu') l} \, dV

with l the path of the beam in the grain, to and from each point of it (G. W. Brindley, Phil. Mag. 36, 347 (1945),
doi:10.1080/14786444508520918). Here the grain is a sphere and the beam turns by 90 degrees, as in Brindley's table.
Attenuation follows from f'' (`whorl.physics.anomalous`) by the optical theorem.

Grains of unknown size are a log-normal distribution (`Grains`). Intensities of powders repeat only below some 5 micrometres
(H. P. Klug & L. E. Alexander, X-ray Diffraction Procedures, 2nd ed., Wiley 1974), for which powders are ground; reagents as
they are bought start below one: two thirds are taken to lie between 0.5 and 5 micrometres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.physics.anomalous import anomalous

Array = NDArray[np.float64]

_NODES = 24
_CLIP = 3.0  # largest contrast, far beyond what the theory holds for
_DRAWS = 128
_ELECTRON_RADIUS, _AVOGADRO = 2.8179403262e-13, 6.02214076e23  # cm, 1/mol (CODATA 2018)


@lru_cache(maxsize=1)
def _paths() -> tuple[Array, Array]:
    """Paths in a unit sphere to and from its points, in radii, and the weights of the points."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    radius, cosine = (node + 1) / 2, node
    azimuth = (node + 1) * np.pi
    r, c, a = np.meshgrid(radius, cosine, azimuth, indexing="ij")
    w = np.einsum("i,j,k->ijk", weight * radius**2, weight, weight)
    sine = np.sqrt(1 - c * c)
    total = np.zeros_like(r)
    for along in (r * sine * np.cos(a), r * sine * np.sin(a)):  # beams along x and y: they turn by 90 degrees
        total += along + np.sqrt(along**2 + 1 - r * r)
    return total.ravel(), (w / w.sum()).ravel()


def brindley(contrast: float) -> float:
    """Factor tau of a sphere whose radius times (mu - mu') is ``contrast``.

    Examples
    --------
    >>> brindley(0.0), round(brindley(0.1), 2), round(brindley(-0.1), 2)
    (1.0, 0.86, 1.16)
    """
    paths, weight = _paths()
    return float(weight @ np.exp(-np.clip(contrast, -_CLIP, _CLIP) * paths))


def mass_attenuation(symbol: str, wavelength: float) -> float:
    """Photoelectric attenuation coefficient of an element for X-rays, cm^2/g: 2 r_e lambda N_A f'' / A.

    Scattering adds some hundredths for the elements that matter; 0 where f'' is not tabulated.

    Examples
    --------
    >>> 43 < mass_attenuation("Ni", 1.5418) < 50
    True
    """
    from ase.data import atomic_masses, atomic_numbers

    bare = "H" if symbol == "D" else symbol
    mass = float(atomic_masses[atomic_numbers[bare]])
    return 2 * _ELECTRON_RADIUS * wavelength * 1e-8 * _AVOGADRO * anomalous(bare, wavelength).imag / mass


def linear_attenuation(contents: Mapping[str, float], density: float, wavelength: float) -> float:
    """Linear attenuation coefficient of a compound for X-rays, 1/cm.

    Parameters
    ----------
    contents : mapping
        Atoms of each element.
    density : float
        g/cm^3
    wavelength : float
        angstrom
    """
    from ase.data import atomic_masses, atomic_numbers

    mass = {e: n * float(atomic_masses[atomic_numbers["H" if e == "D" else e]]) for e, n in contents.items()}
    total = sum(mass.values())
    return density * sum(m / total * mass_attenuation(e, wavelength) for e, m in mass.items())


def volume_factors(shares: Array, attenuation: Array, diameter: float) -> Array:
    """Factor tau of each phase of a powder of grains of one size.

    Parameters
    ----------
    shares : array, shape (m,)
        Apparent volume shares (any scale); the mean coefficient follows from the corrected ones.
    attenuation : array, shape (m,)
        1/cm
    diameter : float
        Of the grains, micrometres.

    Examples
    --------
    >>> volume_factors(np.array([1.0, 1.0]), np.array([300.0, 300.0]), 5.0).round(6).tolist()
    [1.0, 1.0]
    """
    tau = np.ones(len(shares))
    for _ in range(4):
        true = shares / tau
        mean = float(true @ attenuation / max(float(true.sum()), 1e-300))
        tau = np.array([brindley(0.5e-4 * diameter * (mu - mean)) for mu in attenuation])
    return tau


@dataclass(frozen=True)
class Grains:
    """Log-normal distribution of the grain sizes of powders.

    Attributes
    ----------
    median : float
        Diameter, micrometres.
    spread : float
        Standard deviation of ln(diameter), half of its variance common to the phases of a powder, half each one's own.
    """

    median: float
    spread: float


#: two thirds of the powders between 0.5 and 5 micrometres
GRAINS = Grains(1.6, 1.15)


def grain_covariance(shares: Array, attenuation: Array, densities: Array, grains: Grains = GRAINS) -> Array:
    """Mean squares and products of what grains of unknown size change of the weight fractions, shape (m, m).

    Parameters
    ----------
    shares : array, shape (m,)
        Apparent volume shares (any scale).
    attenuation : array, shape (m,)
        1/cm
    densities : array, shape (m,)
        g/cm^3
    grains : Grains
        The phases have grains of sizes drawn from it (fixed draws).

    Examples
    --------
    >>> mixture = np.array([0.5, 0.5]), np.array([250.0, 1850.0]), np.array([6.7, 8.9])
    >>> float(np.sqrt(grain_covariance(*mixture)[0, 0]).round(2)) > 0.05
    True
    """
    m = len(shares)
    draws = np.random.default_rng(0).standard_normal((_DRAWS, m + 1))
    draws = np.concatenate([draws, -draws])
    radius = 0.5e-4 * grains.median * np.exp(grains.spread * (draws[:, :1] + draws[:, 1:]) / np.sqrt(2))
    tau = np.ones((len(draws), m))
    for _ in range(6):
        true = shares / tau
        mean = true @ attenuation / np.maximum(true.sum(axis=1), 1e-300)
        tau = _tabulated(radius * (attenuation - mean[:, None]))
    plain, changed = shares * densities, shares / tau * densities
    change = changed / np.maximum(changed.sum(axis=1, keepdims=True), 1e-300) - plain / max(float(plain.sum()), 1e-300)
    return np.asarray(change.T @ change / len(change))


@lru_cache(maxsize=1)
def _table() -> tuple[Array, Array]:
    contrast = np.linspace(-_CLIP, _CLIP, 121)
    return contrast, np.log([brindley(float(c)) for c in contrast])


def _tabulated(contrast: Array) -> Array:
    """Tau of many contrasts, from a table."""
    return np.asarray(np.exp(np.interp(contrast, *_table())))
