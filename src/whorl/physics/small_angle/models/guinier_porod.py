r"""Guinier-Porod function (Hammouda): q^{-s} exp(-(q R_g)^2 / (3 - s)) up to q_1, beyond it a power law q^{-m}.

q_1 = sqrt((m - s) (3 - s) / 2) / R_g is where value and slope meet. s is 0 for globules, 1 for rods, 2 for sheets, whose R_g is
then that of the cross-section.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import TiedParameter, extent, number

Array = NDArray[np.float64]


def guinier_porod(q: Array, rg: float, s: float, porod_exp: float) -> Array:
    """Intensity but for the scale.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    rg : float
        Angstrom.
    s, porod_exp : float
        Powers at low and high q, m > s; below that the intensity is q^{-s}.

    Examples
    --------
    >>> guinier_porod(np.array([0.04]), 60.0, 1.0, 3.0).round(5)
    array([3.1934])
    """
    rest, half = 3 - s, (porod_exp - s) / 2
    if half <= 0 or rest <= 0:
        return np.asarray(q**-s)
    beyond = (rest * half / rg**2) ** half * np.exp(-half) * q**-porod_exp
    return np.asarray(np.where(q**2 * rg**2 < rest * half, q**-s * np.exp(-((q * rg) ** 2) / rest), beyond))


def _steeper(rng: np.random.Generator, others: Mapping[str, float]) -> float:
    """Let the curve fall faster at high q."""
    return float(rng.uniform(max(1.5, others["s"] + 0.8), 4.3))


MODEL = Model(
    "guinier_porod",
    "Guinier-Porod function",
    "general",
    guinier_porod,
    (
        extent("rg", 60.0, (5, 1500), "radius of gyration, of the cross-section if s > 0"),
        number("s", 1.0, (0.0, 2.9), (0.0, 2.2), "power at low q"),
        TiedParameter(
            "porod_exp", 3.0, (0.1, 8.0), (1.5, 4.3), "1", "uniform", "shape", meaning="power at high q", tied=_steeper
        ),
    ),
    "B. Hammouda, J. Appl. Cryst. 43, 716 (2010), doi:10.1107/S0021889810015773",
    particle=False,
)
