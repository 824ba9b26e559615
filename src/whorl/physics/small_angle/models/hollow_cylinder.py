r"""Hollow cylinder; as a tube (long) and as a ring (flat).

F(q, theta) = (rho - rho_s) [V_o Lambda(q R_o sin theta) - V_i Lambda(q R_i sin theta)] sin(x) / x with
Lambda(y) = 2 J_1(y) / y, x = q L cos theta / 2, outer radius R_o = R_i + thickness (Feigin & Svergun, Structure Analysis
by Small-Angle X-Ray and Neutron Scattering (1987)). The volume is that of the wall.
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size
from whorl.physics.small_angle.axial import Dimension, cylinders
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import core, length, solvent
from whorl.physics.small_angle.thinning import averages

SOURCE = "Feigin & Svergun, Structure Analysis by Small-Angle X-Ray and Neutron Scattering (Plenum 1987)"


def hollow_cylinder(q: Array, radius: Size, thickness: Size, length: Size, sld: float, sld_solvent: float) -> Averages:
    """Averages of hollow cylinders, open at both ends.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius, thickness, length : float or Sizes
        Inner radius, wall, and length, angstrom.
    sld, sld_solvent : float
        Of the wall and the solvent, 1e-6/angstrom^2.

    Examples
    --------
    >>> hollow_cylinder(np.array([1e-6]), 20.0, 10.0, 400.0, 6.3, 1.0).intensity.round(3)
    array([1764.947])
    """
    kappa = np.array([[sld_solvent - sld, 0.0], [sld - sld_solvent, 0.0]])
    across = Dimension((radius, thickness), (1.0, 1.0), lambda values: np.stack([values[0], values[0] + values[1]]))
    along = Dimension((length,), (0.5,), lambda values: np.stack([values[0], 0 * values[0]]))

    def volumes(values: Array) -> tuple[Array, Array]:
        radii, walls, lengths = values
        whole = np.pi * (radii + walls) ** 2 * lengths
        return whole - np.pi * radii**2 * lengths, whole

    return averages(cylinders(q, across, along, kappa), (radius, thickness, length), volumes)


MODELS = (
    Model(
        "hollow_cylinder",
        "hollow cylinder",
        "rod",
        hollow_cylinder,
        (
            core("sld", 6.3, "of the wall"),
            solvent(1.0),
            length("radius", 20.0, (10, 2000), "of the hole"),
            length("thickness", 10.0, (5, 300), "of the wall"),
            length("length", 400.0, (8, 6000), "of the cylinder", limits=(0.1, 1e6)),
        ),
        SOURCE,
        candidate=False,
    ),
    Model(
        "tube",
        "tube: a long hollow cylinder",
        "rod",
        hollow_cylinder,
        (
            core("sld", 6.3, "of the wall"),
            solvent(1.0),
            length("radius", 20.0, (10, 500), "of the hole"),
            length("thickness", 10.0, (5, 150), "of the wall", within=("radius", 0.1, 1.5)),
            length("length", 400.0, (50, 6000), "of the tube", within=("radius", 6.0, 100.0), limits=(0.1, 1e6)),
        ),
        SOURCE,
    ),
    Model(
        "ring",
        "ring: a flat hollow cylinder",
        "disk",
        hollow_cylinder,
        (
            core("sld", 6.3, "of the wall"),
            solvent(1.0),
            length("radius", 200.0, (30, 2000), "of the hole"),
            length("thickness", 100.0, (10, 1000), "of the wall", within=("radius", 0.2, 2.0)),
            length("length", 40.0, (8, 500), "thickness of the ring", within=("radius", 0.02, 0.9)),
        ),
        SOURCE,
    ),
)
