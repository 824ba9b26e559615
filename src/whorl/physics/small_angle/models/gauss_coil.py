r"""Gaussian chains: Debye's I(q) = I_0 2 (exp(-x) + x - 1) / x^2 with x = (q R_g)^2, and the same for a Schulz-Zimm mixture.

With U = M_w / M_n - 1 and z = (q R_g)^2 / (1 + 2 U), I(q) = 2 I_0 ((1 + U z)^{-1/U} + z - 1) / ((1 + U) z^2); R_g is then the
z average.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import extent, number, strength

Array = NDArray[np.float64]


def debye(x: Array) -> Array:
    """Debye function 2 (exp(-x) + x - 1) / x^2 of x >= 0, real or complex, of any shape.

    Examples
    --------
    >>> debye(np.array([0.0, 1.0])).round(6)
    array([1.      , 0.735759])
    """
    small = np.abs(x) < 0.05
    safe = np.where(small, 1.0, x)
    series = 1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6 * (1 - x / 7))))
    return np.asarray(np.where(small, series, 2 * (np.expm1(-safe) + safe) / safe**2))


def mono_gauss_coil(q: Array, i_zero: float, rg: float) -> Array:
    """Intensity of equal chains.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    i_zero : float
        Intensity at q = 0, 1/cm.
    rg : float
        Radius of gyration, angstrom.

    Examples
    --------
    >>> mono_gauss_coil(np.array([0.0106939, 0.469418]), 70.0, 75.0).round(4)
    array([57.1241,  0.1129])
    """
    return i_zero * debye((np.asarray(q) * rg) ** 2)


def poly_gauss_coil(q: Array, i_zero: float, rg: float, polydispersity: float) -> Array:
    """Intensity of chains of different length.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    i_zero : float
        Intensity at q = 0, 1/cm.
    rg : float
        Radius of gyration, angstrom.
    polydispersity : float
        M_w / M_n, at least 1.

    Examples
    --------
    >>> poly_gauss_coil(np.array([0.0106939, 0.469418]), 70.0, 75.0, 2.0).round(4)
    array([57.6405,  0.169 ])
    """
    u = polydispersity - 1.0
    z = (np.asarray(q) * rg) ** 2 / (1 + 2 * u)
    if u < 1e-6:
        return i_zero * debye(z)
    small = z < 1e-3
    safe = np.where(small, 1.0, z)
    exact = 2 * (np.expm1(-np.log1p(u * safe) / u) + safe) / ((1 + u) * safe**2)
    series = 1 - (1 + 2 * u) / 3 * z * (1 - (1 + 3 * u) / 4 * z)
    return np.asarray(i_zero * np.where(small, series, exact))


_RG = extent("rg", 75.0, (5, 1000), "radius of gyration")
_SOURCE = "P. Debye, J. Phys. Colloid Chem. 51, 18 (1947), doi:10.1021/j150451a002"

MODELS = (
    Model(
        "mono_gauss_coil",
        "Gaussian chain",
        "chain",
        mono_gauss_coil,
        (strength("i_zero", 70.0, "1/cm", "intensity at q = 0"), _RG),
        _SOURCE,
        particle=False,
    ),
    Model(
        "poly_gauss_coil",
        "Gaussian chains of different length",
        "chain",
        poly_gauss_coil,
        (
            strength("i_zero", 70.0, "1/cm", "intensity at q = 0"),
            _RG,
            number("polydispersity", 2.0, (1.0, 100.0), (1.02, 5.0), "M_w / M_n", law="log-uniform"),
        ),
        f"{_SOURCE}; O. Glatter & O. Kratky, Small angle X-ray scattering, Academic Press 1982",
        particle=False,
        candidate=False,
    ),
)
