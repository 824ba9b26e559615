r"""Ellipsoid of revolution with a shell.

F = (rho_c - rho_sh) V_c f(q r_c) + (rho_sh - rho_s) V_o f(q r_o), each r the half width along q of its ellipsoid; the shell may
have another thickness at the poles than at the equator (Kotlarchyk & Chen, J. Chem. Phys. 79, 2461 (1983), in the parameters of
sasmodels).
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size
from whorl.physics.small_angle.ellipsoidal import FOUR_THIRDS_PI, ellipsoids
from whorl.physics.small_angle.model import Model, ModelParameter
from whorl.physics.small_angle.models.parts import core, length, shell, solvent
from whorl.physics.small_angle.thinning import averages, over_sizes


def core_shell_ellipsoid(
    q: Array,
    radius_equat_core: Size,
    x_core: float,
    thick_shell: Size,
    x_polar_shell: float,
    sld_core: float,
    sld_shell: float,
    sld_solvent: float,
) -> Averages:
    """Averages of ellipsoids with a shell.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius_equat_core : float or Sizes
        Equatorial radius of the core, angstrom.
    x_core : float
        Polar over equatorial radius of the core.
    thick_shell : float or Sizes
        Thickness of the shell at the equator, angstrom.
    x_polar_shell : float
        Thickness of the shell at the poles over that at the equator.
    sld_core, sld_shell, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> round(core_shell_ellipsoid(np.array([0.1]), 20.0, 3.0, 30.0, 1.0, 2.0, 1.0, 6.3).radius, 3)
    60.822
    """
    steps = np.array([sld_core - sld_shell, sld_shell - sld_solvent])

    def boundaries(values: Array) -> tuple[Array, Array]:
        equatorial, walls = values
        polar = x_core * equatorial
        return np.stack([equatorial, equatorial + walls]), np.stack([polar, polar + x_polar_shell * walls])

    def kernel(some: Array, values: Array, weights: Array) -> Array:
        return ellipsoids(some, *boundaries(values), steps, weights)

    def volumes(values: Array) -> tuple[Array, Array]:
        equatorial, polar = boundaries(values)
        volume = FOUR_THIRDS_PI * equatorial[1] ** 2 * polar[1]
        return volume, volume

    return averages(
        over_sizes(q, kernel, (radius_equat_core, thick_shell), (max(1.0, x_core), max(1.0, x_polar_shell))),
        (radius_equat_core, thick_shell),
        volumes,
    )


MODEL = Model(
    "core_shell_ellipsoid",
    "ellipsoid with a shell",
    "ellipsoid",
    core_shell_ellipsoid,
    (
        core("sld_core", 2.0),
        shell("sld_shell", 1.0),
        solvent(6.3),
        length("radius_equat_core", 20.0, (10, 500), "of the core, across the axis of revolution"),
        ModelParameter(
            "x_core", 3.0, (0.01, 100), (0.1, 10), "", role="shape", meaning="polar over equatorial radius of the core"
        ),
        length("thick_shell", 30.0, (5, 100), "of the shell, at the equator", within=("radius_equat_core", 0.1, 2.0)),
        ModelParameter(
            "x_polar_shell",
            1.0,
            (0.01, 100),
            (0.5, 2),
            "",
            role="shape",
            meaning="thickness of the shell at the poles over that at the equator",
        ),
    ),
    "Kotlarchyk & Chen, J. Chem. Phys. 79, 2461 (1983), doi:10.1063/1.446055",
)
