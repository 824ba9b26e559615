"""Genes: the numbers that a geometry is made from, their spans, and where they lie between 0 and 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gene:
    """One number of a geometry.

    Attributes
    ----------
    name : str
    low, high : float
        Where it is searched; equal: it is held.
    unit, meaning : str
    law : str
        "log-uniform" (lengths) or "uniform": how far apart two values are.
    limits : (low, high)
        What a span may be set to.

    Examples
    --------
    >>> radius = Gene("radius", 10.0, 1000.0, "angstrom", "of the core")
    >>> float(radius.at(0.5)), radius.place(100.0)
    (100.0, 0.5)
    """

    name: str
    low: float
    high: float
    unit: str
    meaning: str
    law: Literal["log-uniform", "uniform"] = "log-uniform"
    limits: tuple[float, float] = (0.0, np.inf)

    @property
    def held(self) -> bool:
        """Whether it has one value only."""
        return self.low == self.high

    def at(self, place: float) -> float:
        """Value at a place from 0 (low) to 1 (high)."""
        if self.law == "log-uniform":
            return float(self.low * (self.high / self.low) ** place)
        return float(self.low + (self.high - self.low) * place)

    def place(self, value: float) -> float:
        """Place of a value."""
        if self.held:
            return 0.5
        if self.law == "log-uniform":
            return float(np.log(value / self.low) / np.log(self.high / self.low))
        return float((value - self.low) / (self.high - self.low))


def with_spans(genes: Sequence[Gene], spans: Mapping[str, tuple[float, float]]) -> tuple[Gene, ...]:
    """Genes with the spans that were given; equal ends hold a gene.

    Raises
    ------
    UsageError
        If there is no gene of a name, or a span is not possible.

    Examples
    --------
    >>> with_spans([Gene("radius", 10.0, 1000.0, "angstrom", "")], {"radius": (50.0, 50.0)})[0].held
    True
    """
    known = {gene.name: gene for gene in genes}
    for name, (low, high) in spans.items():
        if name not in known:
            raise UsageError(f"no gene {name!r}", where="--gene", remedy=f"Genes are {', '.join(known)}.")
        gene = known[name]
        least, most = gene.limits
        if not (np.isfinite(low) and np.isfinite(high) and least <= low <= high <= most) or (
            gene.law == "log-uniform" and low <= 0
        ):
            span = f"above {least:g}" if np.isinf(most) else f"between {least:g} and {most:g}"
            raise UsageError(f"{name} from {low:g} to {high:g}", where="--gene", remedy=f"Give LOW:HIGH, or one value, {span}.")
        known[name] = replace(gene, low=float(low), high=float(high))
    return tuple(known[gene.name] for gene in genes)
