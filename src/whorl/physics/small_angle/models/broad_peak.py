r"""Broad peak on a power law, of lamellae, polyelectrolytes, block copolymers.

I(q) = [A / q^n + C / (1 + (|q - q_0| xi)^m)]^p.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.rows import TiedParameter, amplitude, log_uniform, number, strength

Array = NDArray[np.float64]


def broad_peak(
    q: Array,
    porod_scale: float,
    porod_exp: float,
    peak_scale: float,
    correlation_length: float,
    peak_pos: float,
    width_exp: float,
    shape_exp: float,
) -> Array:
    """Intensity.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    porod_scale, porod_exp : float
        A and n.
    peak_scale, correlation_length, peak_pos : float
        C; xi, angstrom; q_0, 1/angstrom.
    width_exp, shape_exp : float
        m and p.

    Examples
    --------
    >>> broad_peak(np.array([0.1]), 1e-5, 3.0, 10.0, 50.0, 0.1, 2.0, 1.0).round(4)
    array([10.01])
    """
    away = np.maximum(np.abs(q - peak_pos) * correlation_length, 1e-12)
    return np.asarray((porod_scale / q**porod_exp + peak_scale / (1 + away**width_exp)) ** shape_exp)


def _width(rng: np.random.Generator, others: Mapping[str, float]) -> float:
    """Let the peak be as broad as broad peaks are."""
    return log_uniform(rng, 2.0, 25.0) / others["peak_pos"]


def _rise(rng: np.random.Generator, others: Mapping[str, float]) -> float:
    """Let the peak stand out of the power law."""
    return float(others["peak_scale"] * log_uniform(rng, 0.003, 0.5) * others["peak_pos"] ** others["porod_exp"])


MODEL = Model(
    "broad_peak",
    "broad peak on a power law",
    "general",
    broad_peak,
    (
        strength("peak_scale", 10.0, "1/cm", "height of the peak"),
        number("peak_pos", 0.1, (1e-4, 3.0), (0.006, 0.4), "position of the peak", unit="1/angstrom", law="log-uniform"),
        TiedParameter("correlation_length", 50.0, (0.1, 1e6), (5, 4200), meaning="inverse width of the peak", tied=_width),
        number("width_exp", 2.0, (0.5, 8.0), (1.5, 3.5), "power of the flanks"),
        number("porod_exp", 3.0, (0.5, 6.0), (1.5, 4.2), "power at low q"),
        amplitude("porod_scale", 1e-5, (1e-12, 2.0), "of the power law", _rise),
        number("shape_exp", 1.0, (0.5, 3.0), (1.0, 1.0), "power of the whole", free=False),
    ),
    "sasmodels, broad_peak; Hammouda, Ho & Kline, Macromolecules 37, 6932 (2004), doi:10.1021/ma049623d",
    particle=False,
)
