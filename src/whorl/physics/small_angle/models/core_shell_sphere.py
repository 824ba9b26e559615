r"""Spheres with shells: core and shell, core and two shells, vesicle.

F(q) = sum_j (rho_j - rho_{j+1}) V(R_j) f(q R_j) over the boundaries (Guinier & Fournet, Small-Angle
Scattering of X-Rays (1955)). A vesicle is a shell with solvent inside; its volume is that of the shell.
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size
from whorl.physics.small_angle.model import Model, ModelParameter
from whorl.physics.small_angle.models.parts import core, length, shell, solvent
from whorl.physics.small_angle.shells import FOUR_THIRDS_PI, shells
from whorl.physics.small_angle.thinning import averages, over_sizes

SOURCE = "Guinier & Fournet, Small-Angle Scattering of X-Rays (Wiley 1955)"


def _layers(q: Array, densities: tuple[float, ...], *sizes: Size, hollow: bool = False) -> Averages:
    """Averages of concentric layers, inside first, the solvent last; ``sizes`` are the innermost radius and the thicknesses."""
    steps = -np.diff(densities)

    def kernel(some: Array, values: Array, weights: Array) -> Array:
        return shells(some, np.cumsum(values, axis=0), steps, weights)

    def volumes(values: Array) -> tuple[Array, Array]:
        whole = FOUR_THIRDS_PI * values.sum(axis=0) ** 3
        return whole - hollow * FOUR_THIRDS_PI * values[0] ** 3, whole

    return averages(over_sizes(q, kernel, sizes, (1.0,) * len(sizes), enough=64), sizes, volumes)


def core_shell_sphere(
    q: Array, radius: Size, thickness: Size, sld_core: float, sld_shell: float, sld_solvent: float
) -> Averages:
    """Averages of spheres with a shell.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius, thickness : float or Sizes
        Of the core and the shell, angstrom.
    sld_core, sld_shell, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> core_shell_sphere(np.array([0.4]), 60.0, 10.0, 1.0, 2.0, 3.0).intensity.round(9)
    array([0.00069884])
    """
    return _layers(q, (sld_core, sld_shell, sld_solvent), radius, thickness)


def core_two_shell_sphere(
    q: Array,
    radius: Size,
    thickness1: Size,
    thickness2: Size,
    sld_core: float,
    sld1: float,
    sld2: float,
    sld_solvent: float,
) -> Averages:
    """Averages of spheres with two shells, the first inside; arguments as `core_shell_sphere` (core_multi_shell with n = 2)."""
    return _layers(q, (sld_core, sld1, sld2, sld_solvent), radius, thickness1, thickness2)


def vesicle(q: Array, radius: Size, thickness: Size, sld: float, sld_solvent: float, volfraction: float = 1.0) -> Averages:
    """Averages of vesicles with inner ``radius``; ``volfraction`` multiplies the intensity (as in sasmodels).

    Examples
    --------
    >>> vesicle(np.array([0.1]), 100.0, 30.0, 0.5, 6.36, 0.05).radius
    130.0
    """
    found = _layers(q, (sld_solvent, sld, sld_solvent), radius, thickness, hollow=True)
    return found._replace(f=np.sqrt(volfraction) * found.f, f2=volfraction * found.f2)


MODELS = (
    Model(
        "core_shell_sphere",
        "sphere with a shell",
        "sphere",
        core_shell_sphere,
        (
            core("sld_core", 1.0),
            shell("sld_shell", 2.0),
            solvent(3.0),
            length("radius", 60.0, (15, 1500), "of the core"),
            length("thickness", 10.0, (5, 150), "of the shell", within=("radius", 0.05, 2.0)),
        ),
        SOURCE,
    ),
    Model(
        "core_two_shell_sphere",
        "sphere with two shells",
        "sphere",
        core_two_shell_sphere,
        (
            core("sld_core", 1.0),
            shell("sld1", 1.7, "of the inner shell"),
            shell("sld2", 1.7, "of the outer shell"),
            solvent(6.4),
            length("radius", 200.0, (15, 1000), "of the core"),
            length("thickness1", 40.0, (5, 150), "of the inner shell", within=("radius", 0.05, 1.5)),
            length("thickness2", 40.0, (5, 150), "of the outer shell", within=("radius", 0.05, 1.5)),
        ),
        SOURCE,
    ),
    Model(
        "vesicle",
        "vesicle: a shell filled with solvent",
        "sphere",
        vesicle,
        (
            core("sld", 0.5, "of the shell"),
            solvent(6.36),
            length("radius", 100.0, (50, 2000), "of the solvent inside"),
            length("thickness", 30.0, (15, 120), "of the shell", within=("radius", 0.02, 0.6)),
            ModelParameter(
                "volfraction", 0.05, (0, 1), (0.001, 0.2), "", role="amount", free=False, meaning="of the shells in the sample"
            ),
        ),
        SOURCE,
    ),
)
