"""What the G(r) model asks of a phase: peaks, their derivatives, parameters, and the hypothesis with values put in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Hypothesis
from whorl.fitting.problem import Parameter

Array = NDArray[np.float64]
Index = NDArray[np.int64]

U_LIMITS = (0.0005, 0.08)
U_PRIOR = (0.008, 0.015)


@dataclass(frozen=True)
class PeakSet:
    """Peaks of one phase at given parameter values; k peaks, p parameters.

    ``distance``, ``weight``, ``u_sum`` (k,); ``channel`` (k,) row of the pair of elements; ``d_distance``, ``d_u`` (k, p);
    ``density`` (atoms per angstrom^3, 0 for a free cluster) and its derivative ``d_density`` (p,).
    """

    distance: Array
    weight: Array
    u_sum: Array
    channel: Index
    d_distance: Array
    d_u: Array
    density: float
    d_density: Array


class PhaseModel(Protocol):
    """Geometry of one phase.

    Attributes
    ----------
    hypothesis : Hypothesis
    parameters : tuple of Parameter
    symbols : tuple of str
        Elements; channels are their unordered pairs, (0,0), (0,1) ... (1,1) ...
    fractions : array
        Atomic fractions.
    """

    hypothesis: Hypothesis
    parameters: tuple[Parameter, ...]
    symbols: tuple[str, ...]
    fractions: Array

    def peaks(self, values: Array) -> PeakSet:
        """Peaks and derivatives at ``values``."""
        ...

    def refined(self, values: Array) -> Hypothesis:
        """The hypothesis with the parameters put in."""
        ...


def channel_table(m: int) -> Index:
    """Row of the unordered pair (a, b) among m elements, shape (m, m)."""
    table = np.zeros((m, m), dtype=np.int64)
    row = 0
    for a in range(m):
        for b in range(a, m):
            table[a, b] = table[b, a] = row
            row += 1
    return table


def channel_pairs(m: int) -> Index:
    """Elements of each unordered pair among m, in the order of `channel_table`; shape (m (m + 1) / 2, 2)."""
    return np.array([(a, b) for a in range(m) for b in range(a, m)], dtype=np.int64)


def u_parameter(symbol: str, start: float | None = None) -> Parameter:
    """Isotropic displacement parameter of an element, with whorl's bounds and prior."""
    value = float(np.clip(start or 0.006, U_LIMITS[0] * 1.01, U_LIMITS[1] * 0.99))
    return Parameter(f"U_{symbol}", value, *U_LIMITS, "angstrom^2", *U_PRIOR)
