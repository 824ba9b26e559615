"""A hypothesis as a set of peaks with parameters: the geometry half of the G(r) model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import StructureError
from whorl.core.hypothesis import ANY_ELEMENT, Cluster, Crystal, Hypothesis, Site
from whorl.fitting.problem import Parameter
from whorl.physics import clusters, crystals, symmetry

Array = NDArray[np.float64]
Index = NDArray[np.int64]

U_LIMITS = (0.0005, 0.08)
U_PRIOR = (0.008, 0.015)
_CELL_REACH = 0.06
_POSITION_SPREAD = 0.1  # angstrom
_POSITION_REACH = 0.6


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


class CrystalPhase:
    """A crystal whose cell, free coordinates and displacement parameters may vary."""

    def __init__(self, crystal: Crystal, r_max: float, *, positions: bool = True, zoom: float = 1.0) -> None:
        self.hypothesis: Hypothesis = crystal
        self._zoom = zoom
        self._crystal = crystal
        self._cell0 = np.array(crystal.cell, dtype=np.float64)
        sites = crystal.sites
        self._cell_names, self._cell_matrix, bases = _freedom(crystal, positions=positions)
        self.symbols = tuple(dict.fromkeys(s.element for s in sites))
        element = np.array([self.symbols.index(s.element) for s in sites], dtype=np.int64)
        expansion = crystal.expansion
        occupancy = np.array([s.occupancy for s in sites])
        count = np.bincount(element[expansion.site], weights=occupancy[expansion.site], minlength=len(self.symbols))
        self.fractions = count / count.sum()
        self._atoms = float(count.sum())
        self._table = _pairs(crystal, round(r_max * 1.03, 3), positions=positions)
        if self._table.weight.size == 0:
            raise StructureError(
                f"no two atoms within {r_max:g} angstrom", where=crystal.source or crystal.name, remedy="Check the cell."
            )
        self._origin = np.array([self._start_coordinate(s, b) for s, (_, b) in zip(sites, bases, strict=True) for b in b.T])
        self._keep = self._independent(self._table.shift, self._origin)
        self._shift = np.ascontiguousarray(self._table.shift[:, :, self._keep])
        self._element = element
        self._channel = channel_table(len(self.symbols))[element[self._table.site_i], element[self._table.site_j]]
        self._sites = sites
        self._bases = bases
        self.parameters = self._make_parameters(cell_spread(len(self.symbols)))
        self._d_u = np.zeros((self._table.weight.size, len(self.parameters)))
        first = len(self._cell_names) + self._keep.size
        for end in (self._table.site_i, self._table.site_j):  # two steps: both ends may be of one element
            self._d_u[np.arange(end.size), first + element[end]] += 1.0

    @staticmethod
    def _start_coordinate(site: Site, direction: Array) -> float:
        return float(site.position[int(np.argmax(np.abs(direction) > 1e-9))])

    @staticmethod
    def _independent(shift: Array, start: Array) -> Index:
        """Free coordinates that change distances: along a polar axis, one only sets the origin and is left out.

        That is one at zero, where there is one: people refine the z of the anion of wurtzite, not that of the cation.
        """
        count = shift.shape[2]
        if count == 0:
            return np.zeros(0, dtype=np.int64)
        gram = np.einsum("kip,kiq->pq", shift, shift)
        keep: list[int] = []
        for p in sorted(range(count), key=lambda p: abs(start[p]) < 1e-6):
            trial = [*keep, p]
            if np.linalg.matrix_rank(gram[np.ix_(trial, trial)], tol=1e-6 * max(gram.max(), 1e-12)) == len(trial):
                keep = trial
        return np.array(sorted(keep), dtype=np.int64)

    def _make_parameters(self, spread_of_lengths: float) -> tuple[Parameter, ...]:
        out: list[Parameter] = []
        for name in self._cell_names:
            value = float(self._cell0[symmetry.CELL_NAMES.index(name)])
            if name in "abc":
                spread, reach, unit = spread_of_lengths * value, _CELL_REACH * value, "angstrom"
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
        free = np.zeros(self._table.shift.shape[2])
        free[self._keep] = values[nc : nc + npos] - self._origin[self._keep]
        return cell, free, values[nc + npos :]

    def peaks(self, values: Array) -> PeakSet:
        """Peaks and derivatives at ``values``."""
        cell, free, u = self._split(values)
        metric = symmetry.metric_tensor(cell)
        table = self._table
        distance, vector = table.distances(metric, free)
        by_cell = np.einsum("cf,cij->fij", self._cell_matrix, symmetry.metric_derivatives(cell))
        k, p = distance.size, len(self.parameters)
        d_distance = np.zeros((k, p))
        nc, npos = len(self._cell_names), self._keep.size
        for f in range(nc):
            d_distance[:, f] = ((vector @ by_cell[f]) * vector).sum(axis=1) / (2 * distance)
        if npos:
            d_distance[:, nc : nc + npos] = np.einsum("ki,kip->kp", (vector @ metric) / distance[:, None], self._shift)
        ei, ej = self._element[table.site_i], self._element[table.site_j]
        volume = float(np.sqrt(np.linalg.det(metric)))
        density = self._atoms / volume
        d_density = np.zeros(p)
        d_density[:nc] = -density * 0.5 * np.einsum("ij,fji->f", np.linalg.inv(metric), by_cell)
        return PeakSet(distance, table.weight, u[ei] + u[ej], self._channel, d_distance, self._d_u, density, d_density)

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


class ClusterPhase:
    """A finite cluster whose bond length (or zoom) and displacement parameters may vary."""

    def __init__(
        self, cluster: Cluster, *, element: str | None = None, bond: float | None = None, prior: float | None = None
    ) -> None:
        self.hypothesis: Hypothesis = cluster
        symbols = [element or "Au" if s == ANY_ELEMENT else s for s in cluster.symbols]
        if len(symbols) < 2:
            raise StructureError(
                "one atom has no pairs", where=cluster.source or cluster.name, remedy="Give two atoms or more."
            )
        self._symbols = tuple(symbols)
        self._cluster = cluster
        self._bond_free = cluster.bond_free
        self.symbols = tuple(dict.fromkeys(symbols))
        label = np.array([self.symbols.index(s) for s in symbols], dtype=np.int64)
        self.fractions = np.bincount(label, minlength=len(self.symbols)) / len(symbols)
        distance, weight, channel, pairs = cluster_distances(cluster.positions, label, len(self.symbols))
        self._distance, self._weight, self._channel, self._pairs = distance, weight, channel, pairs
        if self._bond_free:
            start = bond or 2.75
            mean, spread = (prior, 0.03 * prior) if prior else (None, None)
            geometry = Parameter("bond", start, 0.8 * start, 1.25 * start, "angstrom", mean, spread)
        else:
            geometry = Parameter("zoom", 1.0, 0.85, 1.15, "1", 1.0, 0.02)
        self.parameters = (geometry, *(u_parameter(s) for s in self.symbols))

    def peaks(self, values: Array) -> PeakSet:
        """Peaks and derivatives at ``values``."""
        k, p = self._distance.size, len(self.parameters)
        d_distance = np.zeros((k, p))
        d_distance[:, 0] = self._distance
        d_u = np.zeros((k, p))
        rows = np.arange(k)
        np.add.at(d_u, (rows, 1 + self._pairs[:, 0]), 1.0)
        np.add.at(d_u, (rows, 1 + self._pairs[:, 1]), 1.0)
        u = values[1:]
        u_sum = u[self._pairs[:, 0]] + u[self._pairs[:, 1]]
        return PeakSet(values[0] * self._distance, self._weight, u_sum, self._channel, d_distance, d_u, 0.0, np.zeros(p))

    def refined(self, values: Array) -> Hypothesis:
        """The cluster scaled to the refined bond length or zoom."""
        return replace(self._cluster, positions=self._cluster.positions * values[0], symbols=self._symbols, bond_free=False)


def cluster_distances(positions: Array, label: Index, m: int, *, tolerance: float = 5e-4) -> tuple[Array, Array, Index, Index]:
    """Distinct distances of a cluster.

    Parameters
    ----------
    positions : array, shape (n, 3)
    label : int array, shape (n,)
        Element of each atom, 0 ... m-1.
    m : int
    tolerance : float
        Distances in one bin of this width are joined, in the unit of the positions.

    Returns
    -------
    distance, weight : array, shape (k,)
        Weight: ordered pairs per atom.
    channel : int array, shape (k,)
    pairs : int array, shape (k, 2)
        Elements of the pair.
    """
    distance, weight, channel = clusters.distance_list(positions, label, channel_table(m), tolerance=tolerance)
    if distance.size == 0:
        raise StructureError("no two atoms at a distance", remedy="Give two atoms or more at different positions.")
    pairs = np.array([(a, b) for a in range(m) for b in range(a, m)], dtype=np.int64)
    return distance, weight, channel, pairs[channel]


def cell_spread(elements: int) -> float:
    """Prior spread of a crystal's lengths, relative: temperature and calibration; in compounds also composition."""
    return 0.004 if elements == 1 else 0.010


def u_parameter(symbol: str, start: float | None = None) -> Parameter:
    """Isotropic displacement parameter of an element, with whorl's bounds and prior."""
    value = float(np.clip(start or 0.006, U_LIMITS[0] * 1.01, U_LIMITS[1] * 0.99))
    return Parameter(f"U_{symbol}", value, *U_LIMITS, "angstrom^2", *U_PRIOR)


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


def make_phase(
    hypothesis: Hypothesis, r_max: float, *, element: str | None = None, bond: float | None = None, positions: bool = True
) -> PhaseModel:
    """Model of a crystal or a cluster.

    Raises
    ------
    StructureError
        If the hypothesis has no atoms (a form factor, say).
    """
    if isinstance(hypothesis, Crystal):
        return CrystalPhase(hypothesis, r_max, positions=positions)
    if isinstance(hypothesis, Cluster):
        return ClusterPhase(hypothesis, element=element, bond=bond)
    raise StructureError(
        f"a {hypothesis.kind} has no pair distribution function", where=hypothesis.name, remedy="Give a crystal or a cluster."
    )
