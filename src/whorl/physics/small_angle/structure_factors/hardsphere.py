r"""Hard spheres in the Percus-Yevick closure, solved by Wertheim: 1 / S = 1 - 24 phi int c(s) s sin(xs) / x ds, x = 2 q R.

Minus the direct correlation function is alpha + beta s + phi alpha s^3 / 2 inside the diameter (s = r / 2R) and 0 outside, with
alpha = (1 + 2 phi)^2 / (1 - phi)^4 and beta = -6 phi (1 + phi / 2)^2 / (1 - phi)^4, so that S(0) = (1 - phi)^4 / (1 + 2 phi)^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.structure_factors.base import VOLFRACTION, StructureFactor

Array = NDArray[np.float64]


def moments(x: Array) -> tuple[Array, Array, Array]:
    """Integrals of s^p sin(xs) / x over s in (0, 1) for p = 1, 2, 4, each of the shape of x; a series where x is small."""
    small = x < 0.2
    y = np.where(small, x * x, 0.0)
    series = [1 / (p + 2) - y / (6 * (p + 4)) + y**2 / (120 * (p + 6)) - y**3 / (5040 * (p + 8)) for p in (1, 2, 4)]
    x = np.where(small, 1.0, x)
    sin, cos, square = np.sin(x), np.cos(x), x * x
    cube = square * x
    closed = (
        (sin - x * cos) / cube,
        (2 * x * sin - (square - 2) * cos - 2) / (cube * x),
        ((4 * square - 24) * x * sin - (square * square - 12 * square + 24) * cos + 24) / (cube * cube),
    )
    one, two, four = (np.where(small, s, c) for s, c in zip(series, closed, strict=True))
    return one, two, four


def hardsphere(q: Array, radius_effective: float, volfraction: float) -> Array:
    """Structure factor of hard spheres.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    radius_effective : float
        Angstrom.
    volfraction : float
        Below 1.

    Examples
    --------
    >>> hardsphere(np.array([0.0, 0.1]), 50.0, 0.2).round(6)
    array([0.20898 , 0.930587])
    """
    alpha = (1 + 2 * volfraction) ** 2 / (1 - volfraction) ** 4
    beta = -6 * volfraction * (1 + volfraction / 2) ** 2 / (1 - volfraction) ** 4
    one, two, four = moments(2 * radius_effective * np.asarray(q, dtype=float))
    return np.asarray(1 / (1 + 24 * volfraction * (alpha * one + beta * two + volfraction / 2 * alpha * four)))


STRUCTURE_FACTOR = StructureFactor(
    "hardsphere",
    "hard spheres (Percus-Yevick)",
    hardsphere,
    (VOLFRACTION,),
    "J. K. Percus & G. J. Yevick, Phys. Rev. 110, 1 (1958), doi:10.1103/PhysRev.110.1; "
    "M. S. Wertheim, Phys. Rev. Lett. 10, 321 (1963), doi:10.1103/PhysRevLett.10.321",
)
