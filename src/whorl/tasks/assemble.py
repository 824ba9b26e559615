"""From fits to the parts of a verdict, the same for every task."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Crystal
from whorl.core.provenance import provenance
from whorl.core.verdict import Candidate, Correlations, FitQuality, Unexplained, Verdict
from whorl.fitting.problem import Fit
from whorl.techniques.protocol import Findings

Array = NDArray[np.float64]


def candidate_from_fit(
    fit: Fit,
    found: Findings,
    *,
    rank: int,
    group: int,
    name: str,
    family: str = "",
    source: str = "",
    entries: Sequence[str] = (),
    probability: float,
    evidence: float,
    polished: bool = True,
) -> Candidate:
    """Put a fit and its findings into a `Candidate`; one that is not ``polished`` was left off on purpose."""
    notes = list(found.notes)
    if not fit.converged:
        notes.append(
            "the refinement stopped before it converged" if polished else "far behind the first: not refined to the end"
        )
    first = found.structures[0]
    names, matrix = fit.correlation()
    return Candidate(
        rank=rank,
        group=group,
        name=name,
        kind=first.kind,
        formula=" + ".join(p.formula for p in found.phases),
        family=family,
        space_group=first.space_group_number if isinstance(first, Crystal) else None,
        source=source,
        entries=list(entries),
        probability=probability,
        rw=fit.rw,
        evidence=evidence,
        parameters=found.parameters,
        phases=found.phases,
        quality=quality(fit),
        correlations=Correlations(names=names, matrix=[[round(float(v), 4) for v in row] for row in matrix]),
        remainder=None
        if found.remainder is None
        else Unexplained(share=found.remainder.share, reach=found.remainder.reach, features=list(found.remainder.features)),
        notes=notes,
        instrument=dict(found.instrument),
        structures=found.structures,
        curve=found.curve,
        weight_covariance=found.weight_covariance,
    )


def quality(fit: Fit) -> FitQuality:
    """Figures of a fit and what they hang on."""
    problem = fit.problem
    residual = problem.observed - fit.calculated
    weighted = residual * np.sqrt(problem.weights)
    return FitQuality(
        range=(float(problem.x[0]), float(problem.x[-1])),
        points=int(problem.x.size),
        independent_points=float(problem.independent_points),
        free_parameters=fit.free_parameters,
        reduced_chi_squared=fit.reduced_chi_squared,
        residual_autocorrelation=autocorrelation(problem.x, weighted, problem.independent_points),
        largest_residual_at=float(problem.x[int(np.argmax(np.abs(weighted)))]),
        converged=fit.converged,
    )


def autocorrelation(x: Array, residual: Array, independent: float) -> float:
    """Correlation of the residual with itself one independent point on: near 0 for noise, near 1 for a missed feature.

    Examples
    --------
    >>> x = np.arange(1000) * 0.01
    >>> autocorrelation(x, np.sin(x), 100.0) > 0.9
    True
    """
    step = (x[-1] - x[0]) / max(independent, 1.0)
    lag = max(round(step / float(np.median(np.diff(x)))), 1)
    if residual.size < lag + 10:
        return 0.0
    centred = residual - residual.mean()
    return float(centred[lag:] @ centred[:-lag] / max(float(centred @ centred), 1e-300))


def finish(verdict: Verdict, started: float, *, catalogues: Mapping[str, str] | None = None, **parameters: Any) -> Verdict:
    """Add provenance and the time taken."""
    record = provenance(parameters=parameters, catalogues=dict(catalogues or {}))
    return verdict.model_copy(update={"provenance": record, "seconds": round(time.perf_counter() - started, 3)})
