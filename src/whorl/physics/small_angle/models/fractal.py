r"""Fractal aggregates of spheres (Teixeira): I(q) = phi V (rho - rho_s)^2 f(qR)^2 S(q), f the amplitude of a sphere.

.. math::
    S(q) = 1 + \frac{D \Gamma(D - 1)}{(q R)^D} \frac{\sin[(D - 1) \arctan(q\xi)]}{[1 + (q\xi)^{-2}]^{(D - 1)/2}}

with fractal dimension D and correlation length xi, where clusters end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from whorl.physics.small_angle.averages import TO_CM
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.parts import density, solvent
from whorl.physics.small_angle.models.rows import extent, number, strength

Array = NDArray[np.float64]


def ball(x: Array) -> Array:
    """Amplitude of a sphere relative to q = 0, 3 (sin x - x cos x) / x^3, of any shape."""
    safe = np.maximum(x, 0.02)
    return np.asarray(np.where(x < 0.02, 1 - x**2 / 10, 3 * (np.sin(safe) - safe * np.cos(safe)) / safe**3))


def bent(power: float, angle: Array) -> Array:
    """sin(power angle) / power, which is the angle at power = 0."""
    return np.asarray(angle * np.sinc(power * angle / np.pi))


def fractal(
    q: Array, volfraction: float, radius: float, fractal_dim: float, cor_length: float, sld_block: float, sld_solvent: float
) -> Array:
    """Intensity, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    volfraction : float
        Volume fraction of the spheres.
    radius, cor_length : float
        Of a sphere, and where clusters end; angstrom.
    fractal_dim : float
        D.
    sld_block, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> fractal(np.array([0.0005, 0.5]), 0.05, 5.0, 2.0, 100.0, 2.0, 6.4).round(4)
    array([4.0497e+01, 1.6700e-02])
    """
    x = q * cor_length
    cluster = gamma(fractal_dim + 1) * bent(fractal_dim - 1, np.arctan(x)) * (cor_length / radius) ** fractal_dim
    s = 1 + cluster * (1 + x**2) ** ((1 - fractal_dim) / 2) / x
    alone = 4 / 3 * np.pi * radius**3 * (sld_block - sld_solvent) ** 2 * ball(q * radius) ** 2
    return np.asarray(TO_CM * volfraction * s * alone)


MODEL = Model(
    "fractal",
    "fractal aggregate of spheres",
    "fractal",
    fractal,
    (
        strength("volfraction", 0.05, "1", "volume fraction of the spheres"),
        density("sld_block", 2.0, (0.5, 8), "of the spheres"),
        solvent(6.4),
        extent("radius", 5.0, (5, 200), "of the spheres"),
        number("fractal_dim", 2.0, (1.0, 3.0), (1.3, 2.9), "fractal dimension"),
        extent("cor_length", 100.0, (25, 20000), "size of the clusters", within=("radius", 3.0, 500.0)),
    ),
    "J. Teixeira, J. Appl. Cryst. 21, 781 (1988), doi:10.1107/S0021889888000263",
    particle=False,
)
