r"""Gels and polymer solutions (Hammouda): I(q) = A / q^n + C / (1 + (q xi)^m), clusters at low q and a mesh of size xi.

(Hammouda, Ho & Kline, Macromolecules 37, 6932 (2004), doi:10.1021/ma049623d.)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import amplitude, extent, log_uniform, number, strength

Array = NDArray[np.float64]


def correlation_length(
    q: Array, lorentz_scale: float, porod_scale: float, cor_length: float, porod_exp: float, lorentz_exp: float
) -> Array:
    """Intensity.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    lorentz_scale, porod_scale : float
        C and A.
    cor_length : float
        xi, angstrom.
    porod_exp, lorentz_exp : float
        n and m.

    Examples
    --------
    >>> correlation_length(np.array([0.150141]), 10.0, 1e-6, 50.0, 3.0, 2.0).round(4)
    array([0.1746])
    """
    return np.asarray(porod_scale / q**porod_exp + lorentz_scale / (1 + (q * cor_length) ** lorentz_exp))


def _clusters(rng: np.random.Generator, others: Mapping[str, float]) -> float:
    """Let both parts cross below the knee of the mesh."""
    crossing = log_uniform(rng, 0.03, 0.6) / others["cor_length"]
    return float(others["lorentz_scale"] * crossing ** others["porod_exp"])


MODEL = Model(
    "correlation_length",
    "gel: mesh and clusters",
    "network",
    correlation_length,
    (
        strength("lorentz_scale", 10.0, "1/cm", "of the mesh at q = 0"),
        extent("cor_length", 50.0, (5, 500), "mesh size"),
        number("porod_exp", 3.0, (0.5, 6.0), (2.0, 4.2), "power at low q"),
        number("lorentz_exp", 2.0, (0.5, 6.0), (1.5, 3.0), "power at high q"),
        amplitude("porod_scale", 1e-6, (1e-18, 1.0), "of the clusters", _clusters),
    ),
    "Hammouda, Ho & Kline, Macromolecules 37, 6932 (2004), doi:10.1021/ma049623d",
    particle=False,
)
