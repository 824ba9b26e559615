r"""Rough surface of dimension D between 2 and 3: I(q) = f(qR)^2 S(q) falls as q^{D - 6} until the smallest spheres show.

S(q) = Gamma(5 - D) xi^{5 - D} sin[(D - 5) arctan(q xi)] / (q [1 + (q xi)^2]^{(5 - D)/2}); it holds for q above about
5 / ((3 - D) xi), and is set to 0 where it would be negative, as in sasmodels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.fractal import ball
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]


def surface_fractal(q: Array, radius: float, fractal_dim_surf: float, cutoff_length: float) -> Array:
    """Intensity but for the scale.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius, cutoff_length : float
        Of the smallest spheres, and of the whole; angstrom.
    fractal_dim_surf : float
        D.

    Examples
    --------
    >>> surface_fractal(np.array([0.05]), 10.0, 2.0, 500.0).round(2)
    array([301428.66])
    """
    power, x = 5 - fractal_dim_surf, q * cutoff_length
    surface = gamma(power) * cutoff_length**power * (1 + x**2) ** (-power / 2) * np.sin(-power * np.arctan(x)) / q
    return np.asarray(np.maximum(ball(q * radius) ** 2 * surface, 0.0))


MODEL = Model(
    "surface_fractal",
    "surface fractal",
    "fractal",
    surface_fractal,
    (
        extent("radius", 10.0, (1.5, 30), "of the smallest spheres"),
        number("fractal_dim_surf", 2.0, (1.0, 3.0), (2.05, 2.9), "surface fractal dimension"),
        extent("cutoff_length", 500.0, (3e4, 1e6), "size of the whole", free=False),
    ),
    "Mildner & Hall, J. Phys. D 19, 1535 (1986), doi:10.1088/0022-3727/19/8/020",
    particle=False,
)
