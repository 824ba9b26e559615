r"""Ellipsoids: of revolution (as prolate and as oblate), and with three axes.

F = (rho - rho_s) V f(q r) with r the half width along q of the ellipsoid (Guinier, Ann. Phys. 11, 161 (1939)), averaged over
orientations.
"""

from __future__ import annotations

import numpy as np

from whorl.physics.small_angle.averages import Array, Averages, Size
from whorl.physics.small_angle.ellipsoidal import FOUR_THIRDS_PI, ellipsoids, triaxial_ellipsoids
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import core, length, solvent
from whorl.physics.small_angle.thinning import averages, over_sizes

SOURCE = "Guinier, Ann. Phys. 11, 161 (1939), doi:10.1051/anphys/193911120161"


def ellipsoid(q: Array, radius_polar: Size, radius_equatorial: Size, sld: float, sld_solvent: float) -> Averages:
    """Averages of ellipsoids of revolution.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius_polar, radius_equatorial : float or Sizes
        Half lengths along the axis of revolution and across it, angstrom.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> ellipsoid(np.array([1e-6]), 20.0, 400.0, 4.0, 1.0).intensity.round(1)  # (rho - rho_s)^2 V
    array([12063.7])
    """
    step = np.array([sld - sld_solvent])

    def kernel(some: Array, values: Array, weights: Array) -> Array:
        return ellipsoids(some, values[1:], values[:1], step, weights)

    def volumes(values: Array) -> tuple[Array, Array]:
        volume = FOUR_THIRDS_PI * values[0] * values[1] ** 2
        return volume, volume

    return averages(
        over_sizes(q, kernel, (radius_polar, radius_equatorial), (1.0, 1.0), octaves=1),
        (radius_polar, radius_equatorial),
        volumes,
    )


def triaxial_ellipsoid(
    q: Array, radius_equat_minor: Size, radius_equat_major: Size, radius_polar: Size, sld: float, sld_solvent: float
) -> Averages:
    """Averages of ellipsoids with three semi-axes, in any order; other arguments as `ellipsoid`.

    Examples
    --------
    >>> q = np.array([0.05, 0.2])
    >>> three = triaxial_ellipsoid(q, 20.0, 20.0, 50.0, 4.0, 1.0).intensity
    >>> bool(np.allclose(three, ellipsoid(q, 50.0, 20.0, 4.0, 1.0).intensity, rtol=1e-6))
    True
    """

    def kernel(some: Array, axes: Array, weights: Array) -> Array:
        return triaxial_ellipsoids(some, axes, sld - sld_solvent, weights)

    def volumes(axes: Array) -> tuple[Array, Array]:
        volume = FOUR_THIRDS_PI * axes.prod(axis=0)
        return volume, volume

    return averages(
        over_sizes(q, kernel, (radius_equat_minor, radius_equat_major, radius_polar), (1.0, 1.0, 1.0), octaves=1),
        (radius_equat_minor, radius_equat_major, radius_polar),
        volumes,
    )


MODELS = (
    Model(
        "ellipsoid",
        "ellipsoid of revolution",
        "ellipsoid",
        ellipsoid,
        (
            core("sld", 4.0, "of the particle"),
            solvent(1.0),
            length("radius_polar", 20.0, (8, 3000), "along the axis of revolution"),
            length("radius_equatorial", 400.0, (8, 3000), "across the axis of revolution"),
        ),
        SOURCE,
        candidate=False,
    ),
    Model(
        "prolate_ellipsoid",
        "prolate (elongated) ellipsoid",
        "ellipsoid",
        ellipsoid,
        (
            core("sld", 4.0, "of the particle"),
            solvent(1.0),
            length("radius_equatorial", 40.0, (8, 600), "across the axis of revolution"),
            length("radius_polar", 120.0, (12, 3000), "along the axis of revolution", within=("radius_equatorial", 1.5, 20.0)),
        ),
        SOURCE,
    ),
    Model(
        "oblate_ellipsoid",
        "oblate (flattened) ellipsoid",
        "ellipsoid",
        ellipsoid,
        (
            core("sld", 4.0, "of the particle"),
            solvent(1.0),
            length("radius_equatorial", 120.0, (12, 2000), "across the axis of revolution"),
            length("radius_polar", 40.0, (6, 1300), "along the axis of revolution", within=("radius_equatorial", 0.05, 0.67)),
        ),
        SOURCE,
    ),
    Model(
        "triaxial_ellipsoid",
        "ellipsoid with three axes",
        "ellipsoid",
        triaxial_ellipsoid,
        (
            core("sld", 4.0, "of the particle"),
            solvent(1.0),
            length("radius_equat_minor", 20.0, (8, 1000), "first half axis"),
            length("radius_equat_major", 400.0, (8, 1000), "second half axis"),
            length("radius_polar", 10.0, (8, 1000), "third half axis"),
        ),
        SOURCE,
        candidate=False,
    ),
)
