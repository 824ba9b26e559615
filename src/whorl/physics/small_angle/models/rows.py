"""What tables of models that are no particles repeat, and parameters that are drawn beside others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from whorl.physics.small_angle.model import ModelParameter

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
    unit: str = "1",
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
class TiedParameter(ModelParameter):
    """A parameter whose value means something only beside others: the amplitude of a power law, say.

    Attributes
    ----------
    tied : callable
        ``tied(rng, others)`` draws it, knowing the parameters before it in the table.
    """

    tied: Callable[[np.random.Generator, Mapping[str, float]], float] | None = None

    def draw(self, rng: np.random.Generator, others: Mapping[str, float]) -> float:
        """Draw a typical value beside the ``others``."""
        return super().draw(rng, others) if self.tied is None else self.tied(rng, others)


def amplitude(
    name: str,
    default: float,
    typical: Span,
    meaning: str,
    tied: Callable[[np.random.Generator, Mapping[str, float]], float],
    *,
    unit: str = "1",
) -> ModelParameter:
    """Table row of the strength of a part beside others."""
    return TiedParameter(name, default, (0.0, 1e9), typical, unit, "log-uniform", "shape", meaning=meaning, tied=tied)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a positive number whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))
