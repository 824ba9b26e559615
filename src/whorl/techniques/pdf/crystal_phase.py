"""A crystal as a phase: its cell, free coordinates and displacement parameters vary as its symmetry allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Crystal, Hypothesis, Site
from whorl.fitting.problem import Parameter
from whorl.physics import crystals, symmetry
from whorl.techniques.pdf.phase_model import Array, Index, PeakSet, channel_pairs, channel_table, u_parameter

#: relative change of the lengths that a fit may make: at least, in units of the prior's spread, and at most
_CELL_REACH, _CELL_REACH_IN_SPREADS, _CELL_REACH_AT_MOST = 0.06, 3.0, 0.15
_POSITION_SPREAD = 0.1  # angstrom
_POSITION_REACH = 0.6
#: where pairs of nearly one length share a peak: width of a bin (angstrom) and pairs for each, in coarse models and in others
_JOINED, _JOINED_COARSE = (0.01, 3.0), (0.02, 0.5)


class CrystalPhase:
    """A crystal whose cell, free coordinates and displacement parameters may vary."""

    def __init__(
        self, crystal: Crystal, r_max: float, *, positions: bool = True, zoom: float = 1.0, coarse: bool = False
    ) -> None:
        self.hypothesis: Hypothesis = crystal
        self._zoom = zoom
        self._joined = _JOINED_COARSE if coarse else _JOINED
        self._crystal = crystal
        self._cell0 = np.array(crystal.cell, dtype=np.float64)
        spread = crystal.cell_spread or cell_spread(len(crystal.elements))
        reach = min(max(_CELL_REACH, _CELL_REACH_IN_SPREADS * spread), _CELL_REACH_AT_MOST)
        sites = crystal.sites
        self._cell_names, self._cell_matrix, bases = _freedom(crystal, positions=positions)
        self.symbols = tuple(dict.fromkeys(s.element for s in sites))
        element = np.array([self.symbols.index(s.element) for s in sites], dtype=np.int64)
        expansion = crystal.expansion
        occupancy = np.array([s.occupancy for s in sites])
        count = np.bincount(element[expansion.site], weights=occupancy[expansion.site], minlength=len(self.symbols))
        self.fractions = count / count.sum()
        self._atoms = float(count.sum())
        self._table = _pairs(crystal, round(r_max * (1 + 0.5 * reach), 3), positions=positions)
        if self._table.weight.size == 0:
            raise StructureError(
                f"no two atoms within {r_max:g} angstrom", where=crystal.source or crystal.name, remedy="Check the cell."
            )
        self._origin = np.array([self._start_coordinate(s, b) for s, (_, b) in zip(sites, bases, strict=True) for b in b.T])
        self._keep = self._independent(self._table.links, self._origin)
        self._channel = channel_table(len(self.symbols))[element[self._table.site_i], element[self._table.site_j]]
        self._sites = sites
        self._bases = bases
        self.parameters = self._make_parameters(spread, reach)
        self._by_u = np.array([np.bincount(pair, minlength=len(self.symbols)) for pair in channel_pairs(len(self.symbols))])

    @staticmethod
    def _start_coordinate(site: Site, direction: Array) -> float:
        return float(site.position[int(np.argmax(np.abs(direction) > 1e-9))])

    @staticmethod
    def _independent(links: crystals.Links, start: Array) -> Index:
        """Free coordinates that change distances: along a polar axis, one only sets the origin and is left out.

        That is one at zero, where there is one: people refine the z of the anion of wurtzite, not that of the cation.
        """
        count = links.count
        if count == 0:
            return np.zeros(0, dtype=np.int64)
        gram = links.gram()
        keep: list[int] = []
        for p in sorted(range(count), key=lambda p: abs(start[p]) < 1e-6):
            trial = [*keep, p]
            if np.linalg.matrix_rank(gram[np.ix_(trial, trial)], tol=1e-6 * max(gram.max(), 1e-12)) == len(trial):
                keep = trial
        return np.array(sorted(keep), dtype=np.int64)

    def _make_parameters(self, spread_of_lengths: float, reach_of_lengths: float) -> tuple[Parameter, ...]:
        out: list[Parameter] = []
        for name in self._cell_names:
            value = float(self._cell0[symmetry.CELL_NAMES.index(name)])
            if name in "abc":
                spread, reach, unit = spread_of_lengths * value, reach_of_lengths * value, "angstrom"
            else:
                spread, reach, unit = 0.7, 4.0, "degree"
            start = float(np.clip(value * self._zoom, value - 0.99 * reach, value + 0.99 * reach)) if name in "abc" else value
            out.append(Parameter(name, start, value - reach, value + reach, unit, value, spread))
        flat = [(s, n, b[:, k]) for s, (names, b) in zip(self._sites, self._bases, strict=True) for k, n in enumerate(names)]
        labels = _site_labels(self._sites)
        index = {id(s): i for i, s in enumerate(self._sites)}
        for p in self._keep:
            site, name, direction = flat[int(p)]
            length = float(np.sqrt(direction @ symmetry.metric_tensor(self._cell0) @ direction))
            value = float(self._origin[p])
            out.append(
                Parameter(
                    f"{name}_{labels[index[id(site)]]}",
                    value,
                    value - _POSITION_REACH / length,
                    value + _POSITION_REACH / length,
                    "1",
                    value,
                    _POSITION_SPREAD / length,
                )
            )
        for symbol in self.symbols:
            known = [s.u_iso for s in self._sites if s.element == symbol and s.u_iso]
            out.append(u_parameter(symbol, float(np.mean(known)) if known else None))
        return tuple(out)

    def _split(self, values: Array) -> tuple[Array, Array, Array]:
        nc, npos = len(self._cell_names), self._keep.size
        cell = self._cell0.copy()
        start = np.array([self._cell0[symmetry.CELL_NAMES.index(n)] for n in self._cell_names])
        cell += self._cell_matrix @ (values[:nc] - start)
        free = np.zeros(self._table.links.count)
        free[self._keep] = values[nc : nc + npos] - self._origin[self._keep]
        return cell, free, values[nc + npos :]

    def peaks(self, values: Array) -> PeakSet:
        """Peaks and derivatives at ``values``."""
        cell, free, u = self._split(values)
        metric = symmetry.metric_tensor(cell)
        by_cell = np.einsum("cf,cij->fij", self._cell_matrix, symmetry.metric_derivatives(cell))
        width, crowd = self._joined
        pairs = crystals.joined_pairs(self._table, self._channel, metric, by_cell, free, width=width, crowd=crowd)
        nc, p = len(self._cell_names), len(self.parameters)
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
        sites, offset = [], 0
        for s, (_, basis) in zip(self._sites, self._bases, strict=True):
            width = basis.shape[1]
            position = np.array(s.position) + basis @ free[offset : offset + width]
            offset += width
            sites.append(
                replace(s, position=tuple(float(v) for v in position), u_iso=float(u[self.symbols.index(s.element)]))  # type: ignore[arg-type]
            )
        return replace(self._crystal, cell=tuple(float(v) for v in cell), sites=tuple(sites))  # type: ignore[arg-type]


def free_coordinates(crystal: Crystal) -> int:
    """Number of atomic coordinates that symmetry leaves free.

    Examples
    --------
    >>> from whorl.catalogues import open_catalogue
    >>> free_coordinates(open_catalogue("compounds").load("TiO2-rutile"))
    1
    """
    return sum(basis.shape[1] for _, basis in _freedom(crystal, positions=True)[2])


@lru_cache(maxsize=128)
def _freedom(crystal: Crystal, *, positions: bool) -> tuple[tuple[str, ...], Array, list[tuple[tuple[str, ...], Array]]]:
    """Free cell parameters, their matrix, and the free directions of each site (none without ``positions``)."""
    rotations, translations = crystal.symmetry
    names, matrix = symmetry.free_cell(rotations, np.array(crystal.cell, dtype=np.float64))
    if not positions:
        return names, matrix, [((), np.zeros((3, 0))) for _ in crystal.sites]
    return names, matrix, [symmetry.free_position(rotations, translations, np.array(s.position)) for s in crystal.sites]


@lru_cache(maxsize=64)
def _pairs(crystal: Crystal, reach: float, *, positions: bool) -> crystals.PairTable:
    """Pair table of a crystal, shared by the fits that start from it."""
    _, matrix, bases = _freedom(crystal, positions=positions)
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


def cell_spread(elements: int) -> float:
    """Prior spread of a crystal's lengths, relative: temperature and calibration; in compounds also composition."""
    return 0.005 if elements == 1 else 0.010


def _site_labels(sites: Sequence[Site]) -> list[str]:
    """Unique names: the file's labels where they are unique, else element and number."""
    labels = [s.label or s.element for s in sites]
    if len(set(labels)) == len(labels):
        return labels
    count: dict[str, int] = {}
    out = []
    for s in sites:
        count[s.element] = count.get(s.element, 0) + 1
        out.append(f"{s.element}{count[s.element]}")
    return out
