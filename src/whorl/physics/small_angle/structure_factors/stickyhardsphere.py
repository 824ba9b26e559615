r"""Sticky hard spheres: Baxter's adhesive potential in the Percus-Yevick closure, with the well of finite width of Menon et al.

A square well of depth u and width Delta outside a diameter 2R, with epsilon = Delta / (2R + Delta) ("perturb"), has to first
order in epsilon the structure factor of Baxter's spheres of diameter 2R / (1 - epsilon) and stickiness
tau = exp(u / kT) / (12 epsilon): the smaller tau, the stickier. lambda is the smaller root of
eta lambda^2 / 12 - (tau + eta / (1 - eta)) lambda + (1 + eta / 2) / (1 - eta)^2 = 0. There is none where the mixture would
demix; the root's real part is used there, so that a fit can leave the region.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import ModelParameter
from whorl.physics.small_angle.structure_factors.base import VOLFRACTION, StructureFactor

Array = NDArray[np.float64]


def stickyhardsphere(q: Array, radius_effective: float, volfraction: float, perturb: float, stickiness: float) -> Array:
    """Structure factor of sticky hard spheres.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    radius_effective : float
        Angstrom.
    volfraction, perturb, stickiness : float
        Volume fraction, epsilon and tau of the head of this module.

    Examples
    --------
    >>> stickyhardsphere(np.array([0.001, 0.003]), 50.0, 0.1, 0.05, 0.2).round(5)
    array([1.09718, 1.08783])
    """
    eta = volfraction / (1 - perturb) ** 3
    rest = 1 - eta
    x = np.maximum(2 * radius_effective / (1 - perturb) * np.asarray(q, dtype=float), 1e-3)
    linear = stickiness + eta / rest
    constant = (1 + eta / 2) / rest**2
    root = np.sqrt(max(linear**2 - eta / 3 * constant, 0.0))
    well = 2 * constant / (linear + root)  # the smaller root, without a difference
    mu = min(well * eta * rest, 1 + 2 * eta)
    well = mu / max(eta * rest, 1e-12)
    alpha, beta = (1 + 2 * eta - mu) / rest**2, (mu - 3 * eta) / (2 * rest**2)
    sin, versed = np.sin(x), 2 * np.sin(x / 2) ** 2
    real = alpha * (sin - x * (1 - versed)) / x**3 + beta * versed / x**2 - well / 12 * sin / x
    imaginary = alpha * (0.5 / x - sin / x**2 + versed / x**3) + beta * (1 / x - sin / x**2) - well / 12 * versed / x
    return np.asarray(1 / ((1 + 12 * eta * real) ** 2 + (12 * eta * imaginary) ** 2))


STRUCTURE_FACTOR = StructureFactor(
    "stickyhardsphere",
    "sticky hard spheres (Baxter)",
    stickyhardsphere,
    (
        VOLFRACTION,
        ModelParameter(
            "perturb", 0.05, (0.005, 0.2), (0.01, 0.1), "1", "log-uniform", "shape", free=False, meaning="width of the well"
        ),
        ModelParameter(
            "stickiness", 0.2, (0.02, 100.0), (0.12, 2.0), "1", "log-uniform", "shape", meaning="tau: the smaller, the stickier"
        ),
    ),
    "R. J. Baxter, J. Chem. Phys. 49, 2770 (1968), doi:10.1063/1.1670482; "
    "S. V. G. Menon, C. Manohar & K. S. Rao, J. Chem. Phys. 95, 9186 (1991), doi:10.1063/1.461199",
)
