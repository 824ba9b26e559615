r"""Mass fractal of spheres without the smooth sphere's own term: I(q) = f(qR)^2 S(q), f the amplitude of a sphere.

S(q) = Gamma(D - 1) xi^{D - 1} sin[(D - 1) arctan(q xi)] / (q [1 + (q xi)^2]^{(D - 1)/2}) with a cut-off length xi.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.fractal import ball, bent
from whorl.physics.small_angle.models.rows import extent, number

Array = NDArray[np.float64]


def mass_fractal(q: Array, radius: float, fractal_dim_mass: float, cutoff_length: float) -> Array:
    """Intensity but for the scale.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radius, cutoff_length : float
        Of a sphere, and where clusters end; angstrom.
    fractal_dim_mass : float
        D, 1 to 3.

    Examples
    --------
    >>> mass_fractal(np.array([0.05]), 10.0, 1.9, 100.0).round(2)
    array([279.59])
    """
    power, x = fractal_dim_mass - 1, q * cutoff_length
    cluster = gamma(fractal_dim_mass) * cutoff_length**power * bent(power, np.arctan(x)) / (q * (1 + x**2) ** (power / 2))
    return np.asarray(ball(q * radius) ** 2 * cluster)


MODEL = Model(
    "mass_fractal",
    "mass fractal",
    "fractal",
    mass_fractal,
    (
        extent("radius", 10.0, (2, 100), "of the smallest spheres"),
        number("fractal_dim_mass", 1.9, (1.0, 3.0), (1.2, 2.9), "mass fractal dimension"),
        extent("cutoff_length", 100.0, (20, 20000), "size of the clusters", within=("radius", 3.0, 1000.0)),
    ),
    "Mildner & Hall, J. Phys. D 19, 1535 (1986), doi:10.1088/0022-3727/19/8/020",
    particle=False,
)
