r"""Power law: I(q) = q^{-p}; 4 for smooth surfaces (Porod), 3 to 4 for rough ones, below 3 for mass fractals, 1 for rods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import number

Array = NDArray[np.float64]


def power_law(q: Array, power: float) -> Array:
    """Intensity but for the scale, shape (n,); q in 1/angstrom, positive.

    Examples
    --------
    >>> power_law(np.array([0.1]), 4.0).round(6)
    array([10000.])
    """
    return np.asarray(q**-power)


MODEL = Model(
    "power_law",
    "power law",
    "general",
    power_law,
    (number("power", 4.0, (-1.0, 8.0), (1.0, 4.5), "power"),),
    "G. Porod, Kolloid-Z. 124, 83 (1951), doi:10.1007/BF01512792",
    particle=False,
)
