"""Distance lists of hypotheses, from which the templates of retrieval are made.

A signature holds the distinct interatomic distances of an entry up to a limit, with their weights: angstrom for crystals and
measured clusters, bond lengths for clusters whose bond length is open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import ANY_ELEMENT, Cluster, Crystal, Hypothesis
from whorl.physics import clusters
from whorl.techniques.pdf.phases import CrystalPhase, channel_table

Array = NDArray[np.float64]

REACH = 16.0  # angstrom
REACH_BONDS = 8.2


@dataclass(frozen=True)
class Signature:
    """Distances of one entry.

    ``distance``, ``weight`` (k,), ``channel`` (k,) int; ``density`` 0 for clusters; ``bond_free`` as in Cluster.
    """

    symbols: tuple[str, ...]
    fractions: tuple[float, ...]
    density: float
    bond_free: bool
    distance: Array
    weight: Array
    channel: NDArray[np.int64]

    @property
    def shortest(self) -> float:
        """Shortest distance."""
        return float(self.distance.min()) if self.distance.size else 0.0


def signature(hypothesis: Hypothesis) -> Signature:
    """Compute the signature of a crystal or cluster.

    Examples
    --------
    >>> pair = Cluster("Au2", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.88]]))
    >>> signature(pair).distance.tolist()
    [2.88]
    """
    if isinstance(hypothesis, Crystal):
        phase = CrystalPhase(hypothesis, REACH, positions=False)
        peaks = phase.peaks(np.array([p.value for p in phase.parameters]))
        return Signature(
            phase.symbols,
            tuple(float(f) for f in phase.fractions),
            peaks.density,
            False,
            peaks.distance,
            peaks.weight,
            peaks.channel,
        )
    assert isinstance(hypothesis, Cluster)
    symbols = tuple(dict.fromkeys(hypothesis.symbols))
    label = np.array([symbols.index(s) for s in hypothesis.symbols], dtype=np.int64)
    fractions = np.bincount(label) / label.size
    reach = REACH_BONDS if hypothesis.bond_free else REACH
    distance, weight, channel = clusters.distance_list(
        hypothesis.positions, label, channel_table(len(symbols)), tolerance=1e-3, d_max=reach
    )
    free = hypothesis.bond_free or ANY_ELEMENT in symbols
    return Signature(symbols, tuple(float(f) for f in fractions), 0.0, free, distance, weight, channel)
