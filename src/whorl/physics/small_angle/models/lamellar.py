r"""Dilute lamellae: wide sheets of one density in all orientations.

I(q) = 2 pi P(q) / (q^2 delta), P(q) = 4 (rho - rho_s)^2 sin^2(q delta / 2) / q^2, per volume of sheet of thickness delta.
Sheets of several thicknesses add their intensities by number weights, as in sasmodels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import density, length, solvent

Array = NDArray[np.float64]

SOURCE = "Nallet, Laversanne & Roux, J. Phys. II France 3, 487 (1993), doi:10.1051/jp2:1993146"


def lamellar(q: Array, thickness: Size, sld: float, sld_solvent: float) -> Array:
    """Intensity of sheets, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    thickness : float or Sizes
        Angstrom.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> lamellar(np.array([0.001]), 50.0, 1.0, 6.3).round(1)
    array([882289.5])
    """
    sizes = as_sizes(thickness)
    edges = 4 * np.sin(np.outer(q, sizes.values) / 2) ** 2 @ (sizes.weights / sizes.values)
    return np.asarray(TO_CM * 2 * np.pi * (sld - sld_solvent) ** 2 * edges / q**4)


MODEL = Model(
    "lamellar",
    "sheets (lamellae)",
    "layer",
    lamellar,
    (
        density("sld", 1.0, (0.5, 8), "of the sheet"),
        solvent(6.0),
        length("thickness", 50.0, (10, 500), "of the sheet"),
    ),
    SOURCE,
    particle=False,
)
