"""A curve and a geometry: residuals for genes, with scale, scatterers and background projected out, none of them negative."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from whorl.core.hypothesis import Cluster
from whorl.core.measurement import Measurement
from whorl.core.verdict import Curve
from whorl.techniques.sas.prepare import SasSignal, prepare
from whorl.techniques.sas.solve.genes import Gene, with_spans
from whorl.techniques.sas.solve.geometry import Geometry

Array = NDArray[np.float64]

#: without stated uncertainties a curve is believed to this part of each intensity, and this part of the smallest ones
_RELATIVE, _LEAST = 0.01, 0.05
#: what stands for the kinds of scatterers in files of atoms
_ELEMENTS = {"A": "O", "B": "C"}
_BAD = 1e3  # residual where a geometry cannot be


@dataclass(frozen=True)
class SolveProblem:
    """What a search needs of a curve and a geometry, with one choice of its options.

    Attributes
    ----------
    signal : SasSignal
    geometry : Geometry
    genes : tuple of Gene
        As bounded.
    options : mapping
    sigma : array, shape (n,)
    stated : bool
        Whether the uncertainties are the instrument's.
    """

    signal: SasSignal
    geometry: Geometry
    genes: tuple[Gene, ...]
    options: Mapping[str, str]
    sigma: Array
    stated: bool

    @property
    def free(self) -> tuple[Gene, ...]:
        """Genes that are searched."""
        return tuple(gene for gene in self.genes if not gene.held)

    def values(self, places: Array) -> dict[str, float]:
        """Values of all genes for places, shape (free,), from 0 to 1."""
        where = iter(places)
        return {gene.name: gene.low if gene.held else gene.at(float(next(where))) for gene in self.genes}

    def columns(self, places: Array) -> Array:
        """Curves of the linear terms as the instrument sees them, shape (n, k); NaN where the geometry cannot be."""
        with np.errstate(all="ignore"):
            found = self.geometry.columns(self.signal.smearing.q, self.values(places), self.options)
        return self.signal.smearing.apply(found)

    def amounts(self, columns: Array) -> Array:
        """Best non-negative amounts of the linear terms, shape (k,)."""
        size = np.maximum(np.linalg.norm(columns / self.sigma[:, None], axis=0), 1e-300)
        found, _ = nnls(columns / self.sigma[:, None] / size, self.signal.y / self.sigma)
        return np.asarray(found / size)

    def residual(self, places: Array) -> Array:
        """Misfit over uncertainty, shape (n,)."""
        columns = self.columns(places)
        if not np.all(np.isfinite(columns)):
            return np.full(self.signal.y.size, _BAD)
        return np.asarray((columns @ self.amounts(columns) - self.signal.y) / self.sigma)

    def curve(self, places: Array) -> Curve:
        """Data and model."""
        columns = self.columns(places)
        model = columns @ self.amounts(columns)
        return Curve(self.signal.x, self.signal.y, model, "q (1/angstrom)", "I(q)")

    def linear(self, places: Array) -> dict[str, float]:
        """Amounts of the linear terms by name."""
        return dict(zip(self.geometry.terms, map(float, self.amounts(self.columns(places))), strict=True))

    def derived(self, values: Mapping[str, float]) -> dict[str, tuple[float, str]]:
        """What follows from the genes."""
        return {} if self.geometry.derived is None else self.geometry.derived(values)

    def structure(self, places: Array, *, seed: int, count: int, name: str) -> Cluster:
        """Scatterers as a cluster of atoms, which stand for their kinds: O for A, C for B."""
        placed = self.geometry.place(np.random.default_rng(seed), self.values(places), self.options, count)
        symbols = tuple(_ELEMENTS[kind] for kind in placed.kinds)
        return Cluster(name, source=self.geometry.key, symbols=symbols, positions=placed.positions)


def problems(
    measurement: Measurement,
    geometry: Geometry,
    *,
    spans: Mapping[str, tuple[float, float]],
    options: Mapping[str, str],
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[SolveProblem]:
    """Problems of a curve and a geometry, one for each choice of the options that are open, the default first.

    Raises
    ------
    WhorlError
        If the curve, a span or an option cannot be used.
    """
    signal = prepare(measurement, range=range, settings=settings)
    genes = with_spans(geometry.genes, spans)
    size = np.abs(signal.y)
    trust = _RELATIVE * np.hypot(size, _LEAST * float(np.quantile(size, 0.05)))
    sigma = np.maximum(signal.sigma, 0.2 * trust) if signal.absolute else trust
    return [SolveProblem(signal, geometry, genes, chosen, sigma, signal.absolute) for chosen in geometry.chosen(options)]
