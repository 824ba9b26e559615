r"""Unified function (Beaucage) of one or two levels: each a Guinier knee and the power law behind it.

.. math::
    I(q) = \sum_i G_i e^{-q^2 R_i^2 / 3} + B_i e^{-q^2 R_{i+1}^2 / 3} \, q_i^{-P_i}, \qquad
    q_i = q / \operatorname{erf}(q R_i / \sqrt 6)^3

The first level is the largest structure; without a next level the second exponential is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, gamma

from whorl.physics.small_angle.model import Model, ModelParameter
from whorl.physics.small_angle.models.rows import amplitude, extent, log_uniform, number, strength

Array = NDArray[np.float64]


def levels(q: Array, rg: tuple[float, ...], power: tuple[float, ...], b: tuple[float, ...], g: tuple[float, ...]) -> Array:
    """Intensity of levels, shape (n,), 1/cm: radii of gyration, powers, B and G, the largest structure first."""
    out = np.zeros_like(np.asarray(q, dtype=float))
    for size, exponent, wide, high, after in zip_longest(rg, power, b, g, rg[1:], fillvalue=0.0):
        behind = (erf(q * size / np.sqrt(6)) ** 3 / q) ** exponent * np.exp(-((q * after) ** 2) / 3)
        out += high * np.exp(-((q * size) ** 2) / 3) + wide * behind
    return out


def unified(q: Array, rg1: float, power1: float, B1: float, G1: float) -> Array:
    """Intensity of one level, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    rg1 : float
        Angstrom.
    power1, B1, G1 : float
        P, B and G.

    Examples
    --------
    >>> unified(np.array([1e-4]), 15.8, 4.0, 4.5e-6, 400.0).round(2)
    array([400.])
    """
    return levels(q, (rg1,), (power1,), (B1,), (G1,))


def unified_2(
    q: Array, rg1: float, power1: float, B1: float, G1: float, rg2: float, power2: float, B2: float, G2: float
) -> Array:
    """Intensity of two levels, 1/cm; parameters as for `unified`, the second level the smaller structure.

    Examples
    --------
    >>> one = unified(np.array([0.01]), 300.0, 2.0, 0.01, 1000.0)
    >>> bool(unified_2(np.array([0.01]), 300.0, 2.0, 0.01, 1000.0, 20.0, 4.0, 1e-4, 10.0) > one)
    True
    """
    return levels(q, (rg1, rg2), (power1, power2), (B1, B2), (G1, G2))


def _behind(k: int) -> Callable[[np.random.Generator, Mapping[str, float]], float]:
    """Let the power law of a level begin where its knee ends."""

    def draw(rng: np.random.Generator, others: Mapping[str, float]) -> float:
        power, rg, knee = (others[f"{name}{k}"] for name in ("power", "rg", "G"))
        return float(knee * power * gamma(power / 2) / rg**power * log_uniform(rng, 0.4, 1.3))

    return draw


def _beside(rng: np.random.Generator, others: Mapping[str, float]) -> float:
    """Let the smaller structure show beside the larger."""
    fall = (others["rg2"] / others["rg1"]) ** others["power1"]
    return float(others["G1"] * min(1.0, fall * log_uniform(rng, 0.3, 30.0)))


def _rows(k: int, size: ModelParameter, knee: ModelParameter) -> tuple[ModelParameter, ...]:
    return (
        size,
        number(f"power{k}", 4.0, (0.5, 6.0), (1.5, 4.2), "power behind the knee"),
        knee,
        amplitude(f"B{k}", 4.5e-6, (1e-18, 200.0), "of the power law", _behind(k)),
    )


_KNEE = strength("G1", 400.0, "1/cm", "height of the knee")
_SOURCE = "G. Beaucage, J. Appl. Cryst. 28, 717 (1995), doi:10.1107/S0021889895005292; 29, 134 (1996)"

MODELS = (
    Model(
        "unified",
        "unified function of one level",
        "general",
        unified,
        _rows(1, extent("rg1", 15.8, (5, 1500), "radius of gyration"), _KNEE),
        _SOURCE,
        particle=False,
        candidate=False,
    ),
    Model(
        "unified_2",
        "unified function of two levels",
        "general",
        unified_2,
        (
            *_rows(1, extent("rg1", 200.0, (50, 3000), "radius of gyration of the larger structure"), _KNEE),
            *_rows(
                2,
                extent("rg2", 15.8, (5, 400), "radius of gyration of the smaller one", within=("rg1", 0.01, 0.4)),
                amplitude("G2", 3.0, (1e-7, 400.0), "height of the knee", _beside, unit="1/cm"),
            ),
        ),
        _SOURCE,
        particle=False,
        candidate=False,
    ),
)
