"""A crystal as a phase: its cell, free coordinates and displacement parameters vary as its symmetry allows."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Crystal, Hypothesis
from whorl.fitting.problem import Parameter
from whorl.physics import crystals, symmetry
from whorl.techniques.crystal_freedom import Freedom, freedom
from whorl.techniques.pdf.phase_model import Array, PeakSet, channel_pairs, channel_table, u_parameter

#: where pairs of nearly one length share a peak: width of a bin (angstrom) and pairs for each, in coarse models and in others
_JOINED, _JOINED_COARSE = (0.01, 3.0), (0.02, 0.5)


class CrystalPhase:
    """A crystal whose cell, free coordinates and displacement parameters may vary."""

    def __init__(
        self, crystal: Crystal, r_max: float, *, positions: bool = True, zoom: float = 1.0, coarse: bool = False
    ) -> None:
        self.hypothesis: Hypothesis = crystal
        self._joined = _JOINED_COARSE if coarse else _JOINED
        self._free = Freedom(crystal, positions=positions, zoom=zoom)
        sites = crystal.sites
        self.symbols = tuple(dict.fromkeys(s.element for s in sites))
        element = np.array([self.symbols.index(s.element) for s in sites], dtype=np.int64)
        expansion = crystal.expansion
        occupancy = np.array([s.occupancy for s in sites])
        count = np.bincount(element[expansion.site], weights=occupancy[expansion.site], minlength=len(self.symbols))
        self.fractions = count / count.sum()
        self._atoms = float(count.sum())
        cell = self._free.cell_parameters()
        longest = max(p.upper / p.mean for p in cell if p.mean and p.unit == "angstrom") - 1
        self._table = _pairs(crystal, round(r_max * (1 + 0.5 * longest), 3), positions=positions)
        if self._table.weight.size == 0:
            raise StructureError(
                f"no two atoms within {r_max:g} angstrom", where=crystal.source or crystal.name, remedy="Check the cell."
            )
        self._keep = self._free.independent()
        self._channel = channel_table(len(self.symbols))[element[self._table.site_i], element[self._table.site_j]]
        self.parameters = (*cell, *self._free.position_parameters(self._keep), *self._displacements())
        self._by_u = np.array([np.bincount(pair, minlength=len(self.symbols)) for pair in channel_pairs(len(self.symbols))])

    def _displacements(self) -> list[Parameter]:
        sites = self._free.crystal.sites
        known = [[s.u_iso for s in sites if s.element == symbol and s.u_iso] for symbol in self.symbols]
        return [u_parameter(s, float(np.mean(u)) if u else None) for s, u in zip(self.symbols, known, strict=True)]

    def _split(self, values: Array) -> tuple[Array, Array, Array]:
        nc, npos = len(self._free.cell_names), self._keep.size
        free = np.zeros(self._table.links.count)
        free[self._keep] = values[nc : nc + npos] - self._free.origin[self._keep]
        return self._free.cell_at(values[:nc]), free, values[nc + npos :]

    def peaks(self, values: Array) -> PeakSet:
        """Peaks and derivatives at ``values``."""
        cell, free, u = self._split(values)
        metric = symmetry.metric_tensor(cell)
        by_cell = self._free.metric_slopes(cell)
        width, crowd = self._joined
        pairs = crystals.joined_pairs(self._table, self._channel, metric, by_cell, free, width=width, crowd=crowd)
        nc, p = len(self._free.cell_names), len(self.parameters)
        d_distance = np.zeros((pairs.distance.size, p))
        d_u = np.zeros_like(d_distance)
        free_columns = np.concatenate([np.arange(nc), nc + self._keep])
        end = free_columns.size
        d_distance[:, :end], d_u[:, :end] = pairs.slope[:, free_columns], pairs.spread_slope[:, free_columns]
        d_u[:, end:] = self._by_u[pairs.channel]
        u_sum = (self._by_u @ u)[pairs.channel] + pairs.spread
        volume = float(np.sqrt(np.linalg.det(metric)))
        density = self._atoms / volume
        d_density = np.zeros(p)
        d_density[:nc] = -density * 0.5 * np.einsum("ij,fji->f", np.linalg.inv(metric), by_cell)
        return PeakSet(pairs.distance, pairs.weight, u_sum, pairs.channel, d_distance, d_u, density, d_density)

    def refined(self, values: Array) -> Hypothesis:
        """The crystal with refined cell, coordinates and displacement parameters."""
        cell, free, u = self._split(values)
        sites = self._free.crystal.sites
        return self._free.moved(cell, free, [float(u[self.symbols.index(s.element)]) for s in sites])


@lru_cache(maxsize=64)
def _pairs(crystal: Crystal, reach: float, *, positions: bool) -> crystals.PairTable:
    """Pair table of a crystal, shared by the fits that start from it."""
    _, matrix, bases = freedom(crystal, positions=positions)
    cell = np.array(crystal.cell, dtype=np.float64)
    rng = np.random.default_rng(7)
    lengths = matrix.sum(axis=1) > 0
    variants = [
        symmetry.metric_tensor(cell * (1 + (matrix @ rng.uniform(-0.02, 0.02, matrix.shape[1])) * lengths)) for _ in range(2)
    ]
    symbols = tuple(dict.fromkeys(s.element for s in crystal.sites))
    expansion = crystal.expansion
    return crystals.pair_table(
        symmetry.metric_tensor(cell),
        expansion.position,
        expansion.site,
        expansion.rotation,
        np.array([s.occupancy for s in crystal.sites]),
        [b for _, b in bases],
        np.array([symbols.index(s.element) for s in crystal.sites], dtype=np.int64),
        reach,
        variants,
    )
