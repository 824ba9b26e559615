"""A finite cluster as a phase: its bond length (or zoom) and displacement parameters vary."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from whorl.core.errors import StructureError
from whorl.core.hypothesis import ANY_ELEMENT, Cluster, Hypothesis
from whorl.fitting.problem import Parameter
from whorl.physics import clusters
from whorl.techniques.pdf.metals import metals_by_bond
from whorl.techniques.pdf.phase_model import Array, Index, PeakSet, channel_table, u_parameter

_BOND = 2.75  # angstrom, where nothing is known


class ClusterPhase:
    """A finite cluster whose bond length (or zoom) and displacement parameters may vary."""

    def __init__(
        self, cluster: Cluster, *, element: str | None = None, bond: float | None = None, prior: float | None = None
    ) -> None:
        self.hypothesis: Hypothesis = cluster
        #: metals of this bond length, where nobody says which it is; the pattern of one element does not depend on it
        self.guessed = metals_by_bond(bond or _BOND) if element is None and ANY_ELEMENT in cluster.symbols else []
        symbols = [element or self.guessed[0] if s == ANY_ELEMENT else s for s in cluster.symbols]
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
            start = bond or _BOND
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
