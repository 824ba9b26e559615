r"""Sphere, and sphere with a fuzzy surface.

F(q) = (rho - rho_s) V f(qR), f(x) = 3 (sin x - x cos x) / x^3 (Lord Rayleigh, Proc. R. Soc. A 84, 25 (1911)); a surface that
is smeared with a Gaussian of standard deviation sigma multiplies it by exp(-q^2 sigma^2 / 2) (Stieger, Richtering, Pedersen &
Lindner, J. Chem. Phys. 120, 6197 (2004)).
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import core, length, solvent
from whorl.physics.small_angle.shells import FOUR_THIRDS_PI, shells


def sphere(q: Array, radius: Size, sld: float, sld_solvent: float) -> Averages:
    """Averages of spheres.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius : float or Sizes
        Angstrom.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> sphere(np.array([1e-6]), 50.0, 1.0, 6.0).intensity.round(3)  # phi (rho - rho_s)^2 V
    array([1308.997])
    """
    sizes = as_sizes(radius)
    f, f2 = shells(q, sizes.values[None, :], np.array([sld - sld_solvent]), sizes.weights)
    return Averages(f, f2, FOUR_THIRDS_PI * sizes.mean(3), sizes.mean())


def fuzzy_sphere(q: Array, radius: Size, fuzziness: Size, sld: float, sld_solvent: float) -> Averages:
    """Averages of spheres with a surface of standard deviation ``fuzziness``, angstrom; other arguments as `sphere`.

    Examples
    --------
    >>> fuzzy_sphere(np.array([0.00301005]), 60.0, 10.0, 1.0, 3.0).intensity.round(3)
    array([359.232])
    """
    hard, surface = sphere(q, radius, sld, sld_solvent), as_sizes(fuzziness)
    damping = np.exp(-0.5 * np.outer(q, surface.values) ** 2)
    return hard._replace(f=hard.f * (damping @ surface.weights), f2=hard.f2 * (damping**2 @ surface.weights))


MODELS = (
    Model(
        "sphere",
        "sphere",
        "sphere",
        sphere,
        (
            core("sld", 1.0, "of the particle"),
            solvent(6.0),
            length("radius", 50.0, (8, 3000), "of the sphere"),
        ),
        "Lord Rayleigh, Proc. R. Soc. A 84, 25 (1911), doi:10.1098/rspa.1910.0054",
    ),
    Model(
        "fuzzy_sphere",
        "sphere with a fuzzy surface",
        "sphere",
        fuzzy_sphere,
        (
            core("sld", 1.0, "of the particle"),
            solvent(3.0),
            length("radius", 60.0, (20, 2000), "at half of the density"),
            length(
                "fuzziness",
                10.0,
                (2, 500),
                "standard deviation of the surface",
                within=("radius", 0.08, 0.35),
                limits=(0, 1e4),
            ),
        ),
        "Stieger, Richtering, Pedersen & Lindner, J. Chem. Phys. 120, 6197 (2004), doi:10.1063/1.1665752",
    ),
)
