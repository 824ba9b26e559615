r"""Sphere: F(q) = (rho - rho_s) V f(qR), f(x) = 3 (sin x - x cos x) / x^3 (Lord Rayleigh, Proc. R. Soc. A 84, 25 (1911))."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Averages, Size, as_sizes
from whorl.physics.small_angle.model import Model, ModelParameter

Array = NDArray[np.float64]


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
    x = np.outer(q, sizes.values)
    shape = np.where(x < 1e-3, 1 - x**2 / 10, 3 * (np.sin(x) - x * np.cos(x)) / np.maximum(x, 1e-3) ** 3)
    amplitude = (sld - sld_solvent) * 4 / 3 * np.pi * sizes.values**3 * shape
    return Averages(
        amplitude @ sizes.weights, amplitude**2 @ sizes.weights, 4 / 3 * np.pi * sizes.mean(3), float(np.cbrt(sizes.mean(3)))
    )


MODEL = Model(
    "sphere",
    "sphere",
    "sphere",
    sphere,
    (
        ModelParameter(
            "sld", 1.0, (-100, 200), (0.5, 8), "1e-6/angstrom^2", "uniform", "contrast", free=False, meaning="of the particle"
        ),
        ModelParameter(
            "sld_solvent",
            6.0,
            (-100, 200),
            (-0.5, 10),
            "1e-6/angstrom^2",
            "uniform",
            "contrast",
            free=False,
            meaning="of the solvent",
        ),
        ModelParameter("radius", 50.0, (0.5, 1e5), (8, 3000), spreads=True, meaning="of the sphere"),
    ),
    "Lord Rayleigh, Proc. R. Soc. A 84, 25 (1911), doi:10.1098/rspa.1910.0054",
)
