"""What tables of models that are no particles repeat, and a model whose parameters are drawn together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from whorl.physics.small_angle.model import Model, ModelParameter

Span = tuple[float, float]


def extent(
    name: str,
    default: float,
    typical: Span,
    meaning: str,
    *,
    within: tuple[str, float, float] | None = None,
    limits: Span = (0.1, 1e6),
    free: bool = True,
) -> ModelParameter:
    """Table row of a length that is not distributed."""
    return ModelParameter(name, default, limits, typical, within=within, free=free, meaning=meaning)


def number(
    name: str,
    default: float,
    limits: Span,
    typical: Span,
    meaning: str,
    *,
    unit: str = "",
    law: Literal["log-uniform", "uniform"] = "uniform",
    free: bool = True,
) -> ModelParameter:
    """Table row of an exponent, a count, a ratio."""
    return ModelParameter(name, default, limits, typical, unit, law, "shape", free=free, meaning=meaning)


def strength(name: str, default: float, unit: str, meaning: str) -> ModelParameter:
    """Table row of a factor that does what the scale does: held, and drawn as it is."""
    return ModelParameter(
        name, default, (0.0, 1e12), (default, default), unit, "uniform", "amount", free=False, meaning=meaning
    )


@dataclass(frozen=True)
class JointModel(Model):
    """A model some parameters of which mean something only beside others: the amplitude of a power law, say.

    Attributes
    ----------
    together : callable
        ``together(rng, values)`` replaces values drawn one by one, in place.
    """

    together: Callable[[np.random.Generator, dict[str, float]], None] | None = None

    def draw(self, rng: np.random.Generator) -> dict[str, float]:
        """Draw typical values of every parameter, those that belong together at last."""
        out = super().draw(rng)
        if self.together is not None:
            self.together(rng, out)
        return out


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a positive number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
