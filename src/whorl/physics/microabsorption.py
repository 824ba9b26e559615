r"""Microabsorption: grains that absorb more than their surroundings diffract less than their share (Brindley).

A grain of absorption coefficient mu in a powder of mean coefficient mu' diffracts as if its volume were tau times as large,

.. math::
    \tau = \frac{1}{V} \int_V e^{-(\mu - \mu') l} \, dV

with l the path of the beam in the grain, to and from each point of it (G. W. Brindley, Phil. Mag. 36, 347 (1945),
doi:10.1080/14786444508520918). Here the grain is a sphere and the beam turns by 90 degrees, as in Brindley's table.
Attenuation follows from f'' (`whorl.physics.anomalous`) by the optical theorem.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.physics.anomalous import anomalous

Array = NDArray[np.float64]

_NODES = 24
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
    return float(weight @ np.exp(-np.clip(contrast, -3.0, 3.0) * paths))


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
