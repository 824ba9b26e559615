r"""Random two-phase material: I(q) = L^3 / (1 + (q L)^2)^2, whose correlation function is exp(-r / L)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import extent

Array = NDArray[np.float64]


def dab(q: Array, cor_length: float) -> Array:
    """Intensity but for the scale, shape (n,); q in 1/angstrom, the correlation length in angstrom.

    Examples
    --------
    >>> dab(np.array([0.02]), 50.0)
    array([31250.])
    """
    return np.asarray(cor_length**3 / (1 + (q * cor_length) ** 2) ** 2)


MODEL = Model(
    "dab",
    "random two-phase material",
    "network",
    dab,
    (extent("cor_length", 50.0, (10, 1500), "correlation length"),),
    "Debye & Bueche, J. Appl. Phys. 20, 518 (1949), doi:10.1063/1.1698419; "
    "Debye, Anderson & Brumberger, J. Appl. Phys. 28, 679 (1957), doi:10.1063/1.1722830",
    particle=False,
)
