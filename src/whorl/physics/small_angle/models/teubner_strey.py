r"""Microemulsion of Teubner & Strey: a broad peak of two phases that alternate with period d over a distance xi.

The correlation function is exp(-r / xi) sin(2 pi r / d) / (2 pi r / d), so that with k = 2 pi xi / d

.. math::
    I(q) = \frac{8 \pi \phi (1 - \phi) (\rho_a - \rho_b)^2 \xi^3}{(1 + k^2)^2 + 2 (1 - k^2) (q\xi)^2 + (q\xi)^4}
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM
from whorl.physics.small_angle.model import Model, ModelParameter
from whorl.physics.small_angle.models.parts import density
from whorl.physics.small_angle.models.rows import extent

Array = NDArray[np.float64]


def teubner_strey(q: Array, volfraction_a: float, sld_a: float, sld_b: float, d: float, xi: float) -> Array:
    """Intensity, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    volfraction_a : float
        Volume fraction of one phase.
    sld_a, sld_b : float
        1e-6/angstrom^2.
    d, xi : float
        Period and correlation length, angstrom.

    Examples
    --------
    >>> teubner_strey(np.array([0.06]), 0.5, 0.3, 6.3, 100.0, 30.0).round(4)
    array([41.5909])
    """
    k2 = (2 * np.pi * xi / d) ** 2
    x2 = (np.asarray(q) * xi) ** 2
    amount = 8 * np.pi * volfraction_a * (1 - volfraction_a) * (sld_a - sld_b) ** 2 * xi**3
    return np.asarray(TO_CM * amount / ((1 + k2) ** 2 + 2 * (1 - k2) * x2 + x2**2))


MODEL = Model(
    "teubner_strey",
    "microemulsion (Teubner-Strey)",
    "network",
    teubner_strey,
    (
        ModelParameter(
            "volfraction_a",
            0.5,
            (0.0, 1.0),
            (0.2, 0.8),
            "1",
            "uniform",
            "amount",
            free=False,
            meaning="volume fraction of a phase",
        ),
        density("sld_a", 0.3, (-0.5, 4), "of this phase"),
        density("sld_b", 6.3, (5, 10), "of the other phase"),
        extent("d", 100.0, (30, 2000), "period of the domains"),
        extent("xi", 30.0, (5, 3000), "correlation length", within=("d", 0.17, 3.0)),
    ),
    "Teubner & Strey, J. Chem. Phys. 87, 3195 (1987), doi:10.1063/1.453006",
    particle=False,
)
