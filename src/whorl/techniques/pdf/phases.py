"""A hypothesis as a set of peaks with parameters: the geometry half of the G(r) model, one module per kind of structure."""

from __future__ import annotations

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Cluster, Crystal, Hypothesis
from whorl.techniques.pdf.cluster_phase import ClusterPhase, cluster_distances
from whorl.techniques.pdf.crystal_phase import CrystalPhase
from whorl.techniques.pdf.phase_model import U_LIMITS, U_PRIOR, PeakSet, PhaseModel, channel_table, u_parameter

__all__ = [
    "U_LIMITS",
    "U_PRIOR",
    "ClusterPhase",
    "CrystalPhase",
    "PeakSet",
    "PhaseModel",
    "channel_table",
    "cluster_distances",
    "make_phase",
    "u_parameter",
]


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
