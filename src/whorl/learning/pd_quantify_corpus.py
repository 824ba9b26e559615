"""Simulated patterns of a fixed set of phases with the parameters that made them, thousands a second.

Cells, sizes, strains, displacements, zero error and widths are drawn from the spans of the set, weight fractions alike over all
mixtures, some phases absent; background and counts as `whorl.techniques.pd.nuisances` declares them. Patterns of the phases are
simulated once and mixed more than once, which costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.techniques.pd.nuisances import NUISANCES
from whorl.techniques.pd.quantify import PhaseSet

Array = NDArray[np.float64]

_PART = 256  # sets of phase patterns simulated at a time


@dataclass(frozen=True)
class Patterns:
    """Patterns of m phases on a grid of n points, with the truth.

    Attributes
    ----------
    y : array, shape (b, n)
        Counts.
    values : array, shape (b, p)
        Parameters as `whorl.techniques.pd.quantify.PhaseSet` names them.
    fractions, scales : array, shape (b, m)
        By weight; volume shares times counts.
    """

    y: Array
    values: Array
    fractions: Array
    scales: Array


def draw_values(phases: PhaseSet, rng: np.random.Generator, count: int) -> Array:
    """Parameters of patterns, shape (count, p): uniform where the span is a range, normal where it is a deviation."""
    normal = np.array([name.split(":")[-1] in ("zero", "displacement", "w", "slit", "u_change") for name in phases.names])
    shape = (count, len(phases.names))
    half = np.sqrt(3.0) * phases.spread
    drawn = np.where(normal, rng.normal(size=shape) * phases.spread, rng.uniform(-1, 1, shape) * half)
    return np.asarray(np.clip(phases.mean + drawn, phases.lower, phases.upper))


def make_patterns(
    phases: PhaseSet, x: Array, rng: np.random.Generator, count: int, *, mixes: int = 1, absent: float = 0.1
) -> Patterns:
    """Simulate patterns.

    Parameters
    ----------
    phases : PhaseSet
    x : array, shape (n,)
        degrees
    rng : Generator
    count : int
        Patterns; a multiple of ``mixes``.
    mixes : int
        Mixtures of each simulated set of phase patterns.
    absent : float
        Chance of each phase to be missing.
    """
    sets, m = -(-count // mixes), len(phases.crystals)
    values = draw_values(phases, rng, sets)
    values, which = np.repeat(values, mixes, axis=0)[:count], np.repeat(np.arange(sets), mixes)[:count]
    fractions = rng.dirichlet(np.ones(m), count)
    gone = rng.random((count, m)) < absent
    gone[np.arange(count), rng.integers(m, size=count)] = False  # one at least is there
    fractions = np.where(gone, 0.0, fractions)
    fractions /= fractions.sum(axis=1, keepdims=True)
    share = fractions / phases.densities(values)
    y, scales = np.empty((count, x.size)), np.empty((count, m))
    each, first = phases.simulate(x, values[:0]), 0
    for b in range(count):
        if which[b] >= first + len(each):  # a part at a time, not to fill the memory
            first = int(which[b])
            each = phases.simulate(x, values[b : b + _PART * mixes : mixes])
        drawn = NUISANCES.draw(rng, phases=m)
        clean = share[b] @ each[which[b] - first]
        factor = drawn["counts"] / float(clean.max())
        scales[b] = share[b] * factor
        y[b] = rng.poisson(clean * factor + NUISANCES.background_of(x, drawn))
    return Patterns(y, values, fractions, scales)
