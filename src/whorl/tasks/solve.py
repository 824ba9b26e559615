"""Solve: the structure of a user's geometry that explains a measurement, and all others that explain it as well.

The task knows geometries only by the room ``solve`` of the measurement's technique: `find_geometry` and `problems`, which give
a residual over numbers between 0 and 1. How they are searched is `whorl.tasks.solve_search`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl import __version__
from whorl.catalogues.home import home
from whorl.core.errors import UsageError
from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.provenance import sha256_bytes
from whorl.core.verdict import Candidate, Correlations, Estimate, FitQuality, Quantity, Solutions, Verdict
from whorl.tasks.assemble import finish
from whorl.tasks.solve_search import Checkpoint, Effort, Minimum, descend, minima, neighbours, sample, temperature
from whorl.techniques import room_of, technique_for
from whorl.techniques.protocol import Progress

Array = NDArray[np.float64]

EFFORTS: Mapping[str, Effort] = {
    "full": Effort(),
    "quick": Effort(starts=2, members=6, generations=60, walkers=24, steps=200, kept=100),
}
_LEVEL = 0.9
_SAME = 1.02  # sums of squares that are this near are of one minimum
_BETTER = 4.0  # rise of the chi-squared up to which options cannot be told apart
_BAD_RW, _BAD_CHI2, _FAIR_RW = 0.1, 10.0, 0.03
_UNTOLD = 0.5  # part of a gene's span that its interval covers where the data do not tell it
_AT_END = 0.01
_TIED = 0.95
_SCATTERERS, _SHOWN = 1000, 3


@dataclass(frozen=True)
class Solved:
    """One geometry and its best structure."""

    problem: Any
    best: Minimum
    hot: float
    rows: Array
    squares: Array
    agree: int
    starts: int
    undecided: tuple[str, ...]

    @property
    def evidence(self) -> float:
        """Log evidence with the noise unknown: Laplace's approximation with the ensemble's covariance."""
        n, rho = self.best.residual.size, min(max(neighbours(self.best.residual), 0.0), 0.8)
        independent = n * (1 - rho) / (1 + rho)
        cov = np.atleast_2d(np.cov(self.rows.T)) + 1e-12 * np.eye(self.rows.shape[1])
        volume = 0.5 * np.linalg.slogdet(2 * np.pi * cov)[1]
        return float(-0.5 * independent * np.log(max(self.best.squares, 1e-300) / n) + min(volume, 0.0))

    @property
    def rw(self) -> float:
        """Weighted misfit."""
        p = self.problem
        return float(np.sqrt(self.best.squares / np.sum((p.signal.y / p.sigma) ** 2)))


def solve(
    measurement: Measurement,
    geometries: Sequence[str],
    *,
    spans: Mapping[str, tuple[float, float]] | None = None,
    options: Mapping[str, str] | None = None,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    effort: str = "full",
    progress: Progress | None = None,
    resumable: bool = True,
) -> Verdict:
    """Reconstruct the structure behind one frame.

    Parameters
    ----------
    measurement : Measurement
        One frame.
    geometries : sequence of str
        Names or TOML files; several are ranked.
    spans : mapping, optional
        Where genes are searched: name to (low, high), equal to hold one.
    options : mapping, optional
        Choices of the geometry that are not left to the data.
    range, settings
        As for `whorl.tasks.refine.refine`.
    seed : int
        The same seed gives the same bits.
    effort : str
        A key of `EFFORTS`.
    progress : callable, optional
        Called with (stage, done, total).
    resumable : bool
        Keep a checkpoint in the user's whorl folder until the end, and go on from one that is there.

    Raises
    ------
    WhorlError
        If the measurement, a geometry, a span or an option cannot be used.
    """
    started = time.perf_counter()
    if not geometries:
        raise UsageError("no geometry is given", remedy="Name one with --geometry.")
    if effort not in EFFORTS:
        raise UsageError(f"effort {effort!r}", remedy=f"Use one of {', '.join(EFFORTS)}.")
    technique = technique_for(measurement.kind)
    room = room_of(technique.key, "solve")
    found: list[Solved] = []
    for name in dict.fromkeys(geometries):
        geometry = room.find_geometry(name)
        given: dict[str, Any] = {"spans": dict(spans or {}), "options": dict(options or {}), "range": range}
        posed = room.problems(measurement, geometry, **given, settings=settings)
        path = home() / "solving" / f"{_digest(geometry, posed, given, settings, seed, effort)}.npz"
        checkpoint = Checkpoint(path if resumable else None)
        found.append(solve_problems(posed, seed, EFFORTS[effort], checkpoint, progress))
        checkpoint.forget()
    return verdict_of(
        found, file=measurement.path, sha256=measurement.sha256, technique=technique.key, seed=seed, started=started
    )


def _digest(geometry: Any, posed: Sequence[Any], given: Any, settings: Any, seed: int, effort: str) -> str:
    """What a checkpoint belongs to."""
    first = posed[0]
    words = [__version__, geometry.key, str(first.genes), str(given), sorted((settings or {}).items()), seed, effort]
    text = json.dumps([*words, [str(p.options) for p in posed]], default=str)
    return sha256_bytes(text.encode() + first.signal.x.tobytes() + first.signal.y.tobytes() + first.sigma.tobytes())[:20]


def solve_problems(
    posed: Sequence[Any], seed: int, effort: Effort, checkpoint: Checkpoint, progress: Progress | None
) -> Solved:
    """Search one geometry; the options that are open are compared at the end of the search."""
    problem = posed[0]
    size = len(problem.free)
    if size == 0:
        raise UsageError("every gene is held", where="--gene", remedy="Leave one free.")
    lowest = minima(problem.residual, size, seed=seed, effort=effort, checkpoint=checkpoint, progress=progress)
    best = lowest[0]
    agree = sum(1 for m in lowest[: 2 * effort.starts] if m.squares <= _SAME * best.squares + 1e-12)
    hot = temperature(best, stated=problem.stated)
    tried = [(problem, best)] + [
        (other, min((descend(other.residual, m.places) for m in lowest[:2]), key=lambda m: m.squares)) for other in posed[1:]
    ]
    lowest_of_all = min(tried, key=lambda pair: pair[1].squares)[1]
    hot = temperature(lowest_of_all, stated=problem.stated)
    alike = [pair for pair in tried if pair[1].squares - lowest_of_all.squares <= _BETTER * hot]
    problem, best = min(alike, key=lambda pair: (-pair[0].geometry.preference(pair[0].options), pair[1].squares))
    hot = temperature(best, stated=problem.stated)
    undecided = [", ".join(f"{k} {v}" for k, v in p.options.items()) for p, _ in alike if p is not problem]
    rows, squares = sample(problem.residual, best, hot, seed=seed, effort=effort, checkpoint=checkpoint, progress=progress)
    return Solved(problem, best, hot, rows, squares, agree, 2 * effort.starts, tuple(undecided))


def verdict_of(found: Sequence[Solved], *, file: str, sha256: str, technique: str, seed: int, started: float) -> Verdict:
    """Rank the geometries; parameters, intervals and ensemble are those of the first."""
    ranked = sorted(found, key=lambda s: -s.evidence)
    odds = np.exp(np.array([s.evidence for s in ranked]) - ranked[0].evidence)
    first = ranked[0]
    signal = first.problem.signal
    none = _explains_nothing(first)
    warnings = [*signal.warnings, *_warnings(first)]
    if none:
        warnings.insert(
            0,
            f"{first.problem.geometry.title} does not explain the curve (Rw {first.rw:.3f}): try another --geometry, wider "
            "--gene spans, or a --range without what it lacks (upturns, peaks)",
        )
    chosen = [f"{k}: {v}" for k, v in first.problem.options.items()]
    verdict = Verdict(
        whorl=__version__,
        task="solve",
        file=file,
        sha256=sha256,
        technique=technique,
        none_probability=1.0 if none else None,
        candidates=[
            _candidate(s, rank, 0.0 if none else float(odds[rank - 1] / odds.sum()), seed) for rank, s in enumerate(ranked, 1)
        ],
        parameters=_estimates(first),
        solutions=_solutions(first),
        assumptions=[*signal.assumptions, *chosen],
        warnings=warnings,
    )
    verdict = finish(verdict, started, searched=len(ranked))
    assert verdict.provenance is not None
    return verdict.model_copy(update={"provenance": verdict.provenance.model_copy(update={"seed": seed})})


def _explains_nothing(solved: Solved) -> bool:
    p = solved.problem
    reduced = solved.best.squares / max(p.signal.y.size - len(p.free), 1)
    return solved.rw > _BAD_RW or (p.stated and reduced > _BAD_CHI2 and solved.rw > _FAIR_RW)


def _table(solved: Solved) -> tuple[list[str], list[str], Array]:
    """Names, units and values of the free genes and of what follows from them, shape (rows, names)."""
    p = solved.problem
    values = [p.values(row) for row in solved.rows]
    units = {gene.name: gene.unit for gene in p.free}
    rows = [[v[name] for name in units] + [x for x, _ in p.derived(v).values()] for v in values]
    units |= {name: unit for name, (_, unit) in p.derived(values[0]).items()}
    return list(units), list(units.values()), np.array(rows)


def _best(solved: Solved) -> dict[str, float]:
    p = solved.problem
    values: dict[str, float] = p.values(solved.best.places)
    return {gene.name: values[gene.name] for gene in p.free} | {k: v for k, (v, _) in p.derived(values).items()}


def _estimates(solved: Solved) -> dict[str, Estimate]:
    names, units, rows = _table(solved)
    low, high = np.quantile(rows, [0.5 - _LEVEL / 2, 0.5 + _LEVEL / 2], axis=0)
    best, ends = _best(solved), _at_ends(solved)
    return {
        name: Estimate(
            value=best[name],
            sigma=float(rows[:, i].std()),
            unit=units[i],
            at_limit=name in ends,
            interval=(min(float(low[i]), best[name]), max(float(high[i]), best[name])),
            level=_LEVEL,
        )
        for i, name in enumerate(names)
    }


def _solutions(solved: Solved) -> Solutions:
    names, units, rows = _table(solved)
    misfit = solved.rw * np.sqrt(solved.squares / max(solved.best.squares, 1e-300))
    short = [[float(f"{v:.6g}") for v in row] for row in rows]
    return Solutions(names=names, units=units, rows=short, misfit=[float(f"{m:.4g}") for m in misfit])


def _candidate(solved: Solved, rank: int, probability: float, seed: int) -> Candidate:
    p, best = solved.problem, solved.best
    names, units, rows = _table(solved)
    values, ends = _best(solved), _at_ends(solved)
    held = {gene.name: Quantity(value=gene.low, unit=gene.unit) for gene in p.genes if gene.held}
    linear = {name: Quantity(value=value) for name, value in p.linear(best.places).items()}
    parameters = {
        name: Quantity(value=values[name], sigma=float(rows[:, i].std()), unit=units[i], at_limit=name in ends)
        for i, name in enumerate(names)
    }
    free = len(p.free)
    n, rho = best.residual.size, neighbours(best.residual)
    matrix = np.nan_to_num(np.atleast_2d(np.corrcoef(rows[:, :free].T)), nan=0.0)
    notes = [f"{solved.agree} of {solved.starts} descents end in this minimum"]
    if solved.undecided:
        notes.append(f"the curve does not tell from: {'; '.join(solved.undecided)}")
    return Candidate(
        rank=rank,
        group=rank,
        name=p.geometry.title,
        kind="form_factor",
        formula="",
        family=p.geometry.key,
        source=p.geometry.source,
        probability=probability,
        rw=solved.rw,
        evidence=solved.evidence,
        parameters=parameters | held | linear,
        quality=FitQuality(
            range=(float(p.signal.x[0]), float(p.signal.x[-1])),
            points=n,
            independent_points=float(n * (1 - max(rho, 0)) / (1 + max(rho, 0))),
            free_parameters=free + len(linear),
            reduced_chi_squared=best.squares / max(n - free - len(linear), 1) if p.stated else None,
            residual_autocorrelation=rho,
            largest_residual_at=float(p.signal.x[int(np.argmax(np.abs(best.residual)))]),
        ),
        correlations=Correlations(names=names[:free], matrix=[[round(float(v), 4) for v in row] for row in matrix]),
        notes=notes,
        structures=_structures(solved, seed) if rank == 1 else (),
        curve=p.curve(best.places),
    )


def _structures(solved: Solved, seed: int) -> tuple[Hypothesis, ...]:
    """Scatterers of the best solution and of some others of the ensemble."""
    p, title = solved.problem, solved.problem.geometry.title
    places = [solved.best.places, *solved.rows[: _SHOWN - 1]]
    names = [f"{title}, best", *(f"{title}, another solution {k}" for k in _count(1, _SHOWN))]
    return tuple(
        p.structure(row, seed=seed + number, count=_SCATTERERS, name=name)
        for number, (row, name) in enumerate(zip(places, names, strict=True))
    )


def _count(first: int, end: int) -> list[int]:
    return list(np.arange(first, end))  # `range` is a parameter of this module's function


def _at_ends(solved: Solved) -> set[str]:
    return {
        gene.name
        for gene, place in zip(solved.problem.free, solved.best.places, strict=True)
        if place < _AT_END or place > 1 - _AT_END
    }


def _warnings(solved: Solved) -> list[str]:
    """What the user should look at: genes that the data do not tell, spans that end too soon, minima that differ."""
    out = [] if solved.problem.geometry.warn is None else solved.problem.geometry.warn(solved.problem.genes)
    free, ends = solved.problem.free, _at_ends(solved)
    low, high = np.quantile(solved.rows, [0.05, 0.95], axis=0)
    untold = [gene.name for gene, a, b in zip(free, low, high, strict=True) if b - a > _UNTOLD]
    if untold:
        out.append(f"the curve does not tell {', '.join(untold)}: hold what you know with --gene NAME=VALUE")
    narrow = [name for name in ends if name not in untold]
    if narrow:
        out.append(f"{', '.join(sorted(narrow))} ended at the end of the span: widen it with --gene NAME=LOW:HIGH")
    matrix = np.nan_to_num(np.atleast_2d(np.corrcoef(solved.rows.T)), nan=0.0)
    for i, one in enumerate(free):
        tied = [free[j].name for j in _count(0, i) if abs(matrix[i, j]) > _TIED]
        if tied and one.name not in untold:
            out.append(f"{one.name} is told only together with {', '.join(tied)} (|correlation| above {_TIED})")
    if solved.agree < 2:
        out.append("the starts end in different minima: the best one may not be the lowest; try another --seed")
    return out
