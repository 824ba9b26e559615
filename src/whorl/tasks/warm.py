r"""A refinement that starts where another one ended: the frame of a series after the one before it.

The problem, its priors and its bounds are those of a refinement from the structures themselves, so that the answer is the same
within its uncertainty; only the search begins near the end. Three things are added, which a single frame does not need:

- A phase whose amount does not stand out (scale below three standard uncertainties, and below four with the shapes of the
  patterns as they are), whose own parameters run to their limits, or whose peaks become a hump, has no pattern to fit: its
  cell, size, coordinates and U are held at the values they had last, and only its scale is refined. Without this they would
  drift in the noise, and the phase could not be found again.
- A phase that is held is looked for in every frame: what is left without it is compared with its pattern, with the lengths of
  the cell up to 1.2 % longer or shorter. Where it stands out by four standard uncertainties it is let go.
- Where the misfit rises above that of the frame before, or the search does not converge, the frame is refined from the
  structures too, and the lower misfit is taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import FitError, UsageError
from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.verdict import Quantity, Verdict
from whorl.fitting.problem import Fit, Parameter, Problem
from whorl.tasks.refine import verdict_of
from whorl.tasks.start import Start, phase_of
from whorl.techniques import room_of, technique_for
from whorl.techniques.protocol import Technique
from whorl.techniques.restrained import NOTHING, Known
from whorl.trust import probability

Array = NDArray[np.float64]
Trials = list[tuple[Problem, Array | None]]
#: (problem, start=, passes=, max_iterations=) to a fit
Solver = Callable[..., Fit]

#: standard uncertainties of its scale below which a phase is held, and with the shapes of all patterns as they are, by which it
#: is kept all the same, or let go again
_GONE, _BACK = 3.0, 4.0
#: cell lengths at which a held phase is looked for, relative to those it had last
_ZOOMS = 1 + 0.0015 * np.arange(-8, 9)
#: misfit beside that of the frame before, from which the frame is also refined from the structures
_JUMP, _SLACK = 1.03, 0.001
#: misfit beside that of the other start, from which it is the worse one
_BETTER = 0.998
#: relative change of the misfit beyond which the weights of the priors are set again
_LEVEL = 0.2
#: relative decrease of what is minimised at which a search that starts near the end is over: a tenth of a sigma, about
_TOLERANCE = 1e-5
#: parameters that run to their limits where there is nothing to fit; of the second group only the upper limit says so
_CELL, _WIDE = ("a", "b", "c", "alpha", "beta", "gamma"), ("inverse_size", "strain")
#: level of misfit at which `whorl.fitting.solve` begins
_FIRST = 0.3


@dataclass(frozen=True)
class Continued:
    """A fit, the phases that are held in it, what they are held at, and what is worth a word."""

    fit: Fit
    held: tuple[int, ...] = ()
    kept: Mapping[str, Parameter] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def written(self, verdict: Verdict) -> Verdict:
        """The verdict with the values of what is held, which have no uncertainty, and the notes."""
        best = verdict.best
        if best is None or not (self.kept or self.notes):
            return verdict
        parameters = dict(best.parameters)
        for name, p in self.kept.items():
            parameters.setdefault(name, Quantity(value=p.value, unit=p.unit))
        first = best.model_copy(update={"parameters": parameters, "notes": [*best.notes, *self.notes]})
        return verdict.model_copy(update={"candidates": [first, *verdict.candidates[1:]]})


def refine_from(
    measurement: Measurement,
    structures: Sequence[Hypothesis],
    start: Start,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    fixed: Mapping[str, float] | None = None,
    size: bool | None = None,
    shape: str | None = None,
    free: Sequence[str] = (),
    known: Known = NOTHING,
) -> Verdict:
    """Refine structures against a frame of a series, from where the frame before ended.

    Parameters
    ----------
    measurement : Measurement
    structures : sequence of Hypothesis
        As they were before the first frame.
    start : Start
        An empty one for the first frame.
    range, settings, fixed, size, shape, free, known
        As in `whorl.tasks.refine.refine`.

    Returns
    -------
    Verdict
        Phases that do not stand out have parameters without uncertainties: what they are held at.

    Raises
    ------
    WhorlError
        If the measurement, a structure, a setting or a fixed parameter cannot be used.
    """
    started = time.perf_counter()
    technique = technique_for(measurement.kind)
    signal = technique.prepare(measurement, range=range, settings=settings)
    found = continued(
        technique,
        signal,
        structures,
        start,
        options={"size": size, "shape": shape, "free": tuple(free)},
        fixed=fixed,
        solver=partial(known.solve, temper=probability.calibration(technique.key).temper),
    )
    return found.written(verdict_of(technique, signal, structures, found.fit, started))


def continued(
    technique: Technique,
    signal: Any,
    structures: Sequence[Hypothesis],
    start: Start,
    *,
    options: Mapping[str, Any],
    fixed: Mapping[str, float] | None,
    solver: Solver,
) -> Continued:
    """Refine a frame of a series.

    Parameters
    ----------
    technique : Technique
    signal : Signal
        As the technique prepared it.
    structures : sequence of Hypothesis
    start : Start
        Of the frame before; an empty one for the first frame.
    options : mapping
        Further words for the technique's trials ("size", "shape").
    fixed : mapping, optional
        Parameters that the user holds.
    solver : callable
        `whorl.fitting.solve.solve`, or what calls it with what is known beside the data.

    Raises
    ------
    FitError
        If nothing is free.
    """
    frame = _Frame(technique, signal, structures, dict(options), dict(fixed or {}), solver)
    if start.rw is None:
        return frame.settled(frame.cold(), (), start, cold=True)
    warm = frame.settled(frame.warm(start.values, start.held, start.rw), start.held, start)
    doubtful = not warm.fit.converged or warm.fit.rw > _JUMP * start.rw + _SLACK
    if not (doubtful or start.anew):
        return warm
    cold = frame.settled(frame.cold(), (), start, cold=True)
    if cold.fit.rw < _BETTER * warm.fit.rw:
        word = f"started anew: from the frame before Rw was {warm.fit.rw:.4f}"
        return replace(cold, notes=(*cold.notes, word))
    return warm


class _Frame:
    """One frame and the ways to fit it."""

    def __init__(
        self,
        technique: Technique,
        signal: Any,
        structures: Sequence[Hypothesis],
        options: dict[str, Any],
        fixed: dict[str, float],
        solver: Solver,
    ) -> None:
        self.technique, self.signal, self.structures = technique, signal, structures
        self.options, self.fixed, self.solver = options, fixed, solver
        self.vanishing = _vanishing(technique.key)
        self.phases = range(1, len(structures) + 1) if len(structures) > 1 else range(0)

    @cached_property
    def own(self) -> dict[int, dict[str, Parameter]]:
        """Parameters of each phase of a mixture, as they would start from the structures."""
        found: dict[int, dict[str, Parameter]] = {}
        for problem, first in self._trials({}, {}):
            begin = [p.value for p in problem.parameters] if first is None else first
            for p, value in zip(problem.parameters, begin, strict=True):
                if phase_of(p.name):
                    found.setdefault(phase_of(p.name), {})[p.name] = replace(p, value=float(value))
        return found

    def _trials(self, values: Mapping[str, float], held: Mapping[str, float]) -> Trials:
        start = {**self.options, "values": dict(values)}
        found = self.technique.trials(self.signal, self.structures, start=start, effort="full", fixed={**self.fixed, **held})
        if not found:
            raise FitError("nothing to fit", where=self.signal.measurement.path, remedy="Free at least one parameter.")
        return found

    def kept(self, values: Mapping[str, float], held: Sequence[int]) -> dict[str, Parameter]:
        """What phases are held at: the values they had last, or those of their structures."""
        out: dict[str, Parameter] = {}
        for n in held:
            for name, p in self.own.get(n, {}).items():
                out[name] = replace(p, value=float(np.clip(values.get(name, p.value), p.lower, p.upper)))
        return out

    def cold(self) -> Fit:
        """A fit from the structures, everything free."""
        return self.technique.choose([self.solver(p, start=first) for p, first in self._trials({}, {})])

    def warm(self, values: Mapping[str, float], held: Sequence[int], rw: float) -> Fit:
        """A fit from values, with phases held."""
        at = {name: p.value for name, p in self.kept(values, held).items()}
        try:
            return self._warm(values, at, rw)
        except UsageError:  # trials that differ in what the phases have, or ties to what would be held: nothing is
            return self._warm(values, {}, rw)

    def _warm(self, values: Mapping[str, float], at: Mapping[str, float], rw: float) -> Fit:
        return self.technique.choose([_solved(p, first, rw, self.solver) for p, first in self._trials(values, at)])

    def settled(self, fit: Fit, held: Sequence[int], start: Start, *, cold: bool = False) -> Continued:
        """Hold the phases that are not there, let those go that are; ``start`` has what they are held at.

        What a lost phase has dragged along starts again where the frame before ended, or of a ``cold`` fit where that ended.
        """
        gone = set(held)
        if not self.phases:
            return Continued(fit)
        for _ in self.structures:
            lost = self._lost(fit, gone, start)
            if not lost:
                break
            gone |= lost
            ended = _named(fit) if cold else {}
            fit = self.warm({**start.values, **ended, **self._last(start, gone)}, sorted(gone), fit.rw)
        for n in sorted(gone):
            fit = self._released(fit, n, gone, start)
        kept = self.kept(start.values, sorted(gone))
        notes = tuple(f"{self.structures[n - 1].name} does not stand out: its own parameters are held" for n in sorted(gone))
        return Continued(fit, tuple(sorted(gone)), kept, notes)

    def _last(self, start: Start, held: set[int]) -> dict[str, float]:
        return {name: p.value for name, p in self.kept(start.values, sorted(held)).items()}

    def _lost(self, fit: Fit, held: set[int], start: Start) -> set[int]:
        """Phases of a fit that are free and not there; never all of them."""
        surety = {n: _surety(fit, n) for n in self.phases if n not in held}
        blurred = frozenset() if self.vanishing is None else self.vanishing.blurred(fit, start.values)
        gone = {n for n, sure in surety.items() if sure < _GONE and _shaped_surety(fit, n) < _BACK}
        lost = {n for n in surety if n in gone or n in blurred or _ran_away(fit, n)}
        if surety and lost == set(surety) and len(held) + len(lost) == len(self.structures):
            lost.discard(max(surety, key=lambda n: surety[n]))
        return lost

    def _released(self, fit: Fit, n: int, gone: set[int], start: Start) -> Fit:
        """The fit with a held phase free, where it is there; it is then taken out of ``gone``."""
        found = self._look(fit, n, start)
        if found is None:
            return fit
        last = self._last(start, gone)
        moved = {name: v * found if name.split(":")[-1] in "abc" else v for name, v in last.items() if phase_of(name) == n}
        trial = self.warm({**start.values, **last, **_named(fit), **moved}, sorted(gone - {n}), fit.rw)
        if self._lost(trial, gone - {n}, start) or trial.rw >= fit.rw:
            return fit
        gone.discard(n)
        return trial

    def _look(self, fit: Fit, n: int, start: Start) -> float | None:
        """Zoom of the cell at which a held phase stands out most, ``None`` where it stands out nowhere."""
        prefix = f"{n}:"
        values = {name.removeprefix(prefix): p.value for name, p in self.kept(start.values, [n]).items()}
        values |= {name: v for name, v in _named(fit).items() if not phase_of(name)}
        options = {**self.options, "free": (), "values": values}
        alone, begin = self.technique.trials(self.signal, [self.structures[n - 1]], start=options, effort="full")[0]
        first = np.array([p.value for p in alone.parameters]) if begin is None else begin
        problem = fit.problem
        names = [t.name for t in problem.linear]
        others = [j for j, name in enumerate(names) if name != f"{prefix}scale" and (fit.factors[j] != 0)]
        root = np.sqrt(problem.weights)
        span = np.linalg.qr(root[:, None] * problem.evaluate(fit.values, jacobian=False).basis[:, others])[0]
        target = root * problem.observed
        rest = target - span @ (span.T @ target)
        power = float(rest @ rest)
        lengths = np.array([p.name in ("a", "b", "c") for p in alone.parameters])
        low, high = (np.array([getattr(p, end) for p in alone.parameters]) for end in ("lower", "upper"))
        best, gain = None, 0.0
        for zoom in _ZOOMS:
            moved = np.where(lengths, first * zoom, first)
            if np.any((moved <= low) & lengths) or np.any((moved >= high) & lengths):
                continue
            column = root * alone.evaluate(moved, jacobian=False).basis[:, 0]
            column = column - span @ (span.T @ column)
            along = float(column @ rest)
            size = float(column @ column)
            if along > 0 and size > 0 and along**2 / size > gain:
                best, gain = float(zoom), along**2 / size
        sure = np.sqrt(problem.independent_points * gain / max(power - gain, 1e-300))
        return best if sure > _BACK else None


class _Weighed:
    """A problem whose priors weigh as at a known misfit (see `whorl.fitting.solve`, whose first level is a coarse guess)."""

    def __init__(self, problem: Problem, rw: float) -> None:
        self.inner = problem
        self.independent_points = problem.independent_points * (_FIRST / max(rw, 1e-6)) ** 2

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def _solved(problem: Problem, first: Array | None, rw: float, solver: Solver) -> Fit:
    """Fit from start values near the end, with the misfit known beforehand."""
    fit = solver(_Weighed(problem, rw), start=first, passes=1, tolerance=_TOLERANCE)
    if abs(fit.rw / max(rw, 1e-9) - 1) > _LEVEL:
        fit = solver(_Weighed(problem, fit.rw), start=fit.values, passes=1, tolerance=_TOLERANCE)
    final = solver(problem, start=fit.values, max_iterations=0, passes=1)
    return replace(final, converged=fit.converged, iterations=fit.iterations, evaluations=fit.evaluations + final.evaluations)


def _vanishing(key: str) -> ModuleType | None:
    """The room in which a technique says which phases are none, where it has one."""
    try:
        return room_of(key, "vanishing")
    except UsageError:
        return None


def _named(fit: Fit) -> dict[str, float]:
    return {p.name: float(v) for p, v in zip(fit.problem.parameters, fit.values, strict=True)}


def _surety(fit: Fit, n: int) -> float:
    """Scale of a phase in standard uncertainties."""
    for term, factor, sigma in zip(fit.problem.linear, fit.factors, fit.factor_sigma, strict=True):
        if term.name == f"{n}:scale":
            return float(factor / sigma) if sigma > 0 else 0.0
    return float("inf")


def _shaped_surety(fit: Fit, n: int) -> float:
    """Scale of a phase in standard uncertainties with the shapes of all patterns as they are.

    Size and texture, which trade with it, are left out, as in the search for a held phase.
    """
    problem = fit.problem
    names = [t.name for t in problem.linear]
    if f"{n}:scale" not in names:
        return float("inf")
    j = names.index(f"{n}:scale")
    if not fit.factors[j] > 0:
        return 0.0
    root = np.sqrt(problem.weights / float(np.sum(problem.weights * problem.observed**2)))
    basis = root[:, None] * problem.evaluate(fit.values, jacobian=False).basis
    others = [k for k in range(len(names)) if k != j and fit.factors[k] != 0]
    span = np.linalg.qr(basis[:, others])[0]
    own = basis[:, j] - span @ (span.T @ basis[:, j])
    return float(fit.factors[j] * np.sqrt(problem.independent_points * (own @ own)) / max(fit.rw, 1e-12))


def _ran_away(fit: Fit, n: int) -> bool:
    """Tell whether the cell of a phase has come to a limit, or its size or strain to the widest peaks there may be."""
    for p, value, limit in zip(fit.problem.parameters, fit.values, fit.at_bound, strict=True):
        bare = p.name.split(":")[-1]
        if phase_of(p.name) == n and limit and (bare in _CELL or (bare in _WIDE and value > 0.5 * (p.lower + p.upper))):
            return True
    return False
