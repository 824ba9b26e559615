"""Partial structure factors of packed boxes: by the trained surrogate inside its ranges, by packing boxes outside of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.models.card import Card
from whorl.models.inference import Model, open_model
from whorl.physics.small_angle.scatterers.packing import pack, partial_structure

Array = NDArray[np.float64]

MODEL = "sas-scatterers"
#: boxes whose mean is the exact answer, spheres in each
BOXES, SPHERES = 8, 1000
_SEED = 5


@lru_cache(maxsize=1)
def _model() -> Model:
    return open_model(MODEL)


@lru_cache(maxsize=1)
def card() -> Card:
    """The surrogate's card."""
    return _model().card


@lru_cache(maxsize=1)
def grid() -> Array:
    """Points of q times the diameter of A that the surrogate gives, shape (p,)."""
    g = card().grid
    assert g is not None
    return np.exp(np.linspace(g.start, g.stop, g.count))


def inside(made: tuple[float, float, float, float]) -> bool:
    """Whether a volume fraction, fraction of A, size ratio and segregation lie in the surrogate's ranges."""
    return all(i.low - 1e-9 <= value <= i.high + 1e-9 for value, i in zip(made, card().ranges.values(), strict=True))


def surrogate(made: tuple[float, float, float, float]) -> Array:
    """S_AA, S_AB, S_BB on `grid` by the network, shape (3, p)."""
    low, high = np.array([(i.low, i.high) for i in card().ranges.values()]).T
    said = _model().predict(2 * (np.array([made]) - low) / (high - low) - 1)
    return np.asarray(said[0].reshape(3, -1))


@lru_cache(maxsize=64)
def exact(made: tuple[float, float, float, float], boxes: int | None = None, seed: int = _SEED) -> Array:
    """S_AA, S_AB, S_BB on `grid` by packing boxes, shape (3, p)."""
    volume_fraction, fraction_a, size_ratio, segregation = made
    total = np.zeros((3, grid().size))
    count = BOXES if boxes is None else boxes
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        box = pack(
            rng,
            volume_fraction=volume_fraction,
            fraction_a=fraction_a,
            size_ratio=size_ratio,
            segregation=segregation,
            count=SPHERES,
        )
        total += partial_structure(box, grid())
    return total / count


def structure(x: Array, made: tuple[float, float, float, float]) -> Array:
    """S_AA, S_AB, S_BB at x = q D_A, shape (3, m): held below the grid, random above it."""
    known = surrogate(made) if inside(made) else exact(made)
    at = np.log(np.maximum(x, 1e-12))
    nodes = np.log(grid())
    return np.array([np.interp(at, nodes, row, right=limit) for row, limit in zip(known, (1.0, 0.0, 1.0), strict=True)])
