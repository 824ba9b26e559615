r"""Hard spheres with a shallow square well in the mean spherical approximation, for dilute systems (phi below 0.08).

The well of depth epsilon (kT) reaches to lambda diameters; -c(s) is alpha + beta s + gamma s^3 inside the diameter, -epsilon
in the well and 0 outside (Sharma & Sharma, Physica A 89, 213 (1977), doi:10.1016/0378-4371(77)90151-0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import ModelParameter
from whorl.physics.small_angle.structure_factors.base import StructureFactor
from whorl.physics.small_angle.structure_factors.hardsphere import moments

Array = NDArray[np.float64]


def squarewell(q: Array, radius_effective: float, volfraction: float, welldepth: float, wellwidth: float) -> Array:
    """Structure factor of spheres with a square well.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    radius_effective : float
        Angstrom.
    volfraction : float
        phi.
    welldepth, wellwidth : float
        epsilon, kT, and lambda, diameters.

    Examples
    --------
    >>> squarewell(np.array([0.001]), 50.0, 0.04, 1.5, 1.2).round(6)
    array([0.976657])
    """
    phi, rest = volfraction, (1 - volfraction) ** 4
    alpha = ((1 + 2 * phi) ** 2 + phi**3 * (phi - 4)) / rest
    beta = -phi / 3 * (18 + 20 * phi - 12 * phi**2 + phi**4) / rest
    x = 2 * radius_effective * np.asarray(q, dtype=float)
    one, two, four = moments(x)
    well = wellwidth**3 * moments(wellwidth * x)[0] - one
    inverse = 1 + 24 * phi * (alpha * one + beta * two + phi / 2 * alpha * four - welldepth * well)
    return np.asarray(1 / np.maximum(inverse, 1e-3))  # at 0 the mixture demixes, and the approximation ends


STRUCTURE_FACTOR = StructureFactor(
    "squarewell",
    "hard spheres with a square well",
    squarewell,
    (
        ModelParameter(
            "volfraction", 0.04, (0.0, 0.3), (0.005, 0.08), "1", "uniform", "amount", meaning="that the spheres fill"
        ),
        ModelParameter("welldepth", 1.5, (0.0, 5.0), (0.1, 1.5), "kT", "uniform", "shape", meaning="depth of the well"),
        ModelParameter("wellwidth", 1.2, (1.0, 3.0), (1.05, 1.5), "1", "uniform", "shape", meaning="of the well, diameters"),
    ),
    "Sharma & Sharma, Physica A 89, 213 (1977), doi:10.1016/0378-4371(77)90151-0",
)
