r"""Fluctuations in a solution or near a critical point (Ornstein-Zernike): I(q) = 1 / (1 + (q xi)^2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import extent

Array = NDArray[np.float64]


def lorentz(q: Array, cor_length: float) -> Array:
    """Intensity relative to q = 0, shape (n,); q in 1/angstrom, the correlation length in angstrom.

    Examples
    --------
    >>> lorentz(np.array([0.01]), 250.0).round(6)
    array([0.137931])
    """
    return np.asarray(1 / (1 + (q * cor_length) ** 2))


MODEL = Model(
    "lorentz",
    "concentration fluctuations",
    "network",
    lorentz,
    (extent("cor_length", 50.0, (5, 1000), "screening length"),),
    "Ornstein & Zernike, Proc. Akad. Sci. Amsterdam 17, 793 (1914)",
    particle=False,
    candidate=False,
)
