r"""Cylinder; as a rod (longer than wide) and as a disk (wider than long).

F(q, theta) = (rho - rho_s) V 2 J_1(q R sin theta) / (q R sin theta) sin(q L cos theta / 2) / (q L cos theta / 2), averaged over
orientations (Fournet, Bull. Soc. Fr. Mineral. Cristallogr. 74, 39 (1951)).
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size
from whorl.physics.small_angle.axial import Dimension, cylinders
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import core, length, solvent
from whorl.physics.small_angle.thinning import averages

SOURCE = "Fournet, Bull. Soc. Fr. Mineral. Cristallogr. 74, 39 (1951)"


def cylinder(q: Array, radius: Size, length: Size, sld: float, sld_solvent: float) -> Averages:
    """Averages of cylinders.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius, length : float or Sizes
        Angstrom.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> cylinder(np.array([1e-6]), 20.0, 400.0, 4.0, 1.0).intensity.round(3)  # (rho - rho_s)^2 V
    array([452.389])
    """
    kappa = np.array([[sld - sld_solvent, 0.0], [0.0, 0.0]])
    across = Dimension((radius,), (1.0,), lambda values: np.stack([values[0], 0 * values[0]]))
    along = Dimension((length,), (0.5,), lambda values: np.stack([values[0], 0 * values[0]]))

    def volumes(values: Array) -> tuple[Array, Array]:
        volume = np.pi * values[0] ** 2 * values[1]
        return volume, volume

    return averages(cylinders(q, across, along, kappa), (radius, length), volumes)


MODELS = (
    Model(
        "cylinder",
        "cylinder",
        "rod",
        cylinder,
        (
            core("sld", 4.0, "of the particle"),
            solvent(1.0),
            length("radius", 20.0, (8, 2000), "of the cylinder"),
            length("length", 400.0, (8, 6000), "of the cylinder", limits=(0.1, 1e6)),
        ),
        SOURCE,
        candidate=False,
    ),
    Model(
        "rod",
        "rod: a long cylinder",
        "rod",
        cylinder,
        (
            core("sld", 4.0, "of the particle"),
            solvent(1.0),
            length("radius", 20.0, (8, 400), "of the rod"),
            length("length", 400.0, (25, 6000), "of the rod", within=("radius", 2.5, 100.0), limits=(0.1, 1e6)),
        ),
        SOURCE,
    ),
    Model(
        "disk",
        "disk: a flat cylinder",
        "disk",
        cylinder,
        (
            core("sld", 4.0, "of the particle"),
            solvent(1.0),
            length("radius", 400.0, (25, 3000), "of the disk"),
            length("length", 40.0, (8, 600), "thickness of the disk", within=("radius", 0.02, 1.0)),
        ),
        SOURCE,
    ),
)
