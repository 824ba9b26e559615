r"""Rectangular parallelepiped (brick, board, lath): Mittelbach & Porod, Acta Phys. Austriaca 14, 185 (1961).

F = (rho - rho_s) abc S(q_x a / 2) S(q_y b / 2) S(q_z c / 2), S(x) = sin(x) / x, averaged over orientations.
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size
from whorl.physics.small_angle.bricks import bricks
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import core, length, solvent
from whorl.physics.small_angle.thinning import averages


def parallelepiped(q: Array, length_a: Size, length_b: Size, length_c: Size, sld: float, sld_solvent: float) -> Averages:
    """Averages of rectangular parallelepipeds.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    length_a, length_b, length_c : float or Sizes
        Sides, in any order, angstrom.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> parallelepiped(np.array([1e-6]), 35.0, 75.0, 400.0, 4.0, 1.0).intensity.round(3)  # (rho - rho_s)^2 abc
    array([945.])
    """
    step = sld - sld_solvent
    found = np.array([[step], [step**2]]) * bricks(q, (length_a, length_b, length_c))

    def volumes(sides: Array) -> tuple[Array, Array]:
        volume = sides.prod(axis=0)
        return volume, volume

    return averages(found, (length_a, length_b, length_c), volumes)


MODEL = Model(
    "parallelepiped",
    "rectangular parallelepiped",
    "brick",
    parallelepiped,
    (
        core("sld", 4.0, "of the particle"),
        solvent(1.0),
        length("length_a", 35.0, (10, 400), "shortest side"),
        length("length_b", 75.0, (12, 1000), "second side", within=("length_a", 1.2, 10.0)),
        length("length_c", 400.0, (15, 3000), "longest side", within=("length_b", 1.2, 10.0)),
    ),
    "Mittelbach & Porod, Acta Phys. Austriaca 14, 185 (1961)",
)
