"""Powder diffraction as a technique: what the registry hands out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue
from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import Crystal, Hypothesis
from whorl.core.measurement import TWO_THETA, Axis, Measurement
from whorl.core.verdict import Opinion
from whorl.fitting.problem import Fit, Problem
from whorl.fitting.projected import Projected
from whorl.techniques.crystal_freedom import free_coordinates, in_own_symmetry
from whorl.techniques.pd import deciding, explain
from whorl.techniques.pd.amounts import stand_out
from whorl.techniques.pd.asked import Asked
from whorl.techniques.pd.humps import places
from whorl.techniques.pd.humps_instead import humps_explain
from whorl.techniques.pd.pawley import PawleyProblem
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.prepare import PdSignal, prepare
from whorl.techniques.pd.propose import Row, pool_of, shortlist
from whorl.techniques.pd.residual import SHARED, PdProblem, model_of
from whorl.techniques.pd.simulate import simulate
from whorl.techniques.protocol import Findings, Noise, Progress, Region, Shortlist, Unknown

Array = NDArray[np.float64]

#: curves of the background: at least while candidates are compared, and for each 10 degrees, within limits
_CURVES, _CURVES_A_STEP, _CURVES_LIMITS = 8, 1.0, (6, 18)
#: free coordinates up to which they are refined
_MOST_COORDINATES = 24
#: order of the harmonics of texture in the fits that rank and in the last
_TEXTURE = 4
#: starts of the widths, in those of the peaks: Gaussian of the instrument, Lorentzian of the sample
_GAUSS, _LORENTZ = 0.6, 0.3
#: width of the peaks above which a phase may be a hump, degrees of 2 theta for 1 angstrom: crystallites of 40 angstrom, about
_HUMP = 1.4
#: how far a phase's own lines are to be there, as part of its amount
_THERE = 0.4
#: correlation of two phases' patterns beyond which they are one
_ALIKE = 0.7
_OWN = 0.6  # of the model at a point, from which the point is a phase's own


class PowderDiffraction:
    """Technique ``"pd"``: X-rays and neutrons of constant wavelength."""

    key = "pd"
    axis: Axis = TWO_THETA
    shared = SHARED
    mixed = True
    most_phases = 5
    hypotheses = frozenset({Crystal.kind})
    proposer = ""

    def prepare(
        self,
        measurement: Measurement,
        *,
        range: tuple[float, float] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> PdSignal:
        """See `whorl.techniques.pd.prepare.prepare`."""
        return prepare(measurement, range=range, settings=settings)

    def simulate(self, hypothesis: Hypothesis, *, settings: Mapping[str, Any], x: Array | None = None) -> Measurement:
        """See `whorl.techniques.pd.simulate.simulate`."""
        return simulate(hypothesis, settings=settings, two_theta=x)

    def propose(
        self,
        signal: PdSignal,
        catalogues: Sequence[Catalogue],
        *,
        elements: frozenset[str] | None = None,
        given: Fit | None = None,
        also: Collection[str] = (),
        progress: Progress | None = None,
    ) -> Shortlist:
        """See `whorl.techniques.pd.propose.shortlist`."""

        def labelled(name: str) -> Any:
            return None if progress is None else lambda done, total: progress(f"index of {name}", done, total)

        pool = pool_of(catalogues, elements, labelled)
        patterns = None if given is None else _patterns(given, signal)
        return shortlist(signal, pool, prior=_own_prior, given=patterns, also=also)

    def consult(
        self, signal: PdSignal, catalogues: Sequence[Catalogue], proposer: str, *, elements: frozenset[str] | None = None
    ) -> Opinion:
        """See `whorl.techniques.pd.phase_network`."""
        from whorl.techniques.pd.phase_network import PhaseNetwork, opinion_of

        return opinion_of(PhaseNetwork.open(proposer).ask(signal), pool_of(catalogues, elements).rows)

    def trials(
        self,
        signal: PdSignal,
        hypotheses: Sequence[Hypothesis],
        *,
        start: Mapping[str, Any] | None = None,
        effort: str = "full",
        fixed: Mapping[str, float] | None = None,
    ) -> list[tuple[Problem, Array | None]]:
        """The problem to fit: of few parameters and points while candidates are compared."""
        start = dict(start or {})
        asked = Asked.read(start)
        quick = effort in ("quick", "hold")
        points = signal if effort == "full" else signal.quick if quick else signal.ranking
        instrument = _started(points)
        starts = start.get("phases") or [start] * len(hypotheses)
        phases = []
        for n, (h, s) in enumerate(zip(hypotheses, starts, strict=True)):
            if not isinstance(h, Crystal):
                raise StructureError(f"a {h.kind} has no powder pattern here", where=h.name, remedy="Give a crystal.")
            crystal = in_own_symmetry(h)
            prefix = "" if len(hypotheses) == 1 else f"{n + 1}:"
            options = _options(crystal, effort, prefix, texture=signal.instrument.texture_of(n + 1))
            if effort == "full":
                options = asked.of_phase(options)
            zoom, broadening = s.get("zoom", 1.0), _LORENTZ * signal.fwhm
            phases.append(PowderPhase(crystal, instrument, points.range, options, zoom=zoom, broadening=broadening))
        free = tuple(dict.fromkeys((*self._free_instrument(signal, effort), *asked.instrument)))
        count = _curves(points) if effort == "full" else 0
        if effort != "full":  # a search holds what it has found so far, of which these problems may hold less
            names = {phase.options.prefix + p.name for phase in phases for p in phase.parameters} | set(free)
            fixed = {k: v for k, v in (fixed or {}).items() if k in names}
        if effort == "full" and signal.instrument.intensities == "free":
            return [self._pawley(points, phases, free, start, fixed)]
        humps = places(signal.instrument.humps) if effort == "full" else ()
        problem = PdProblem(
            points, phases, free_instrument=free, background=count, fixed=fixed, instrument=instrument, humps=humps
        )
        first = _start_values(problem, start.get("values", {}))
        if effort == "full":
            return [(problem, first)]
        return [(Projected(problem, points.background_curves(max(_CURVES, _curves(points)))), first)]

    @staticmethod
    def _pawley(
        signal: PdSignal,
        phases: Sequence[PowderPhase],
        free: Sequence[str],
        start: Mapping[str, Any],
        fixed: Mapping[str, float] | None,
    ) -> tuple[Problem, Array]:
        """The problem of one phase whose intensities are free."""
        if len(phases) > 1:
            raise UsageError("free intensities of several phases", remedy="Give one structure, or leave the intensities to it.")
        instrument, options = phases[0].instrument, PhaseOptions(displacements="none", strain=True)
        phase = PowderPhase(phases[0].crystal, instrument, signal.range, options, broadening=_LORENTZ * signal.fwhm)
        free = tuple(n for n in free if n not in ("slit", "overflow"))
        count = _curves(signal)
        problem = PawleyProblem(signal, phase, free_instrument=free, background=count, fixed=fixed, instrument=instrument)
        return problem, _start_values(problem, start.get("values", {}))

    @staticmethod
    def _free_instrument(signal: PdSignal, effort: str) -> tuple[str, ...]:
        """Instrument parameters that refine."""
        i = signal.instrument
        # flat samples lie off the axis by more than goniometers are misaligned; the two shifts are nearly the same
        names = ["displacement" if i.geometry == "bragg-brentano" else "zero", "w"]
        if i.geometry == "bragg-brentano" and effort != "quick":
            names.append("overflow" if i.divergence_slit == "fixed" else "slit")
        if effort == "full":
            names += (
                ["u", "y", "axial"] if i.source == "lab" else ["u", "v"] if i.source == "reactor" else ["u", "x", "y", "axial"]
            )
            if i.wavelength2 is not None:
                names.append("line_ratio")  # not where both lines are stated
        known = signal.known | ({"slit"} if "divergence_slit" in signal.known else frozenset())
        return tuple(n for n in names if n not in known)

    def settle(self, signal: PdSignal, fit: Fit) -> PdSignal:
        """The signal with the zero error and the width of the peaks that a first fit shows, as starts of the next."""
        named = model_of(fit).named_values(fit.values)
        update: dict[str, Any] = {n: named[n] for n in ("zero", "displacement", "w", "slit", "overflow") if n in named}
        return replace(signal, instrument=signal.instrument.model_copy(update=update))

    def noise(self, signal: PdSignal, fit: Fit) -> Noise:
        """What noise alone would leave of a fit's misfit."""
        problem = fit.problem
        noise = float(np.sum(problem.weights * _variance(signal, model_of(fit))))
        level = np.sqrt(noise / float(np.sum(problem.weights * problem.observed**2)))
        return Noise(float(min(level, fit.rw)), measured=signal.absolute)

    def unknown(self, signal: PdSignal) -> Unknown:
        """See `whorl.techniques.pd.unknown_cell.unknown`."""
        from whorl.techniques.pd.unknown_cell import unknown

        return unknown(signal)

    def choose(self, fits: Sequence[Fit]) -> Fit:
        """The fit of the least misfit."""
        return min(fits, key=lambda f: f.rw)

    def credible(self, fit: Fit) -> bool:
        """Every phase is there: its amount stands out, it has peaks and is no hump, and lines of its own are seen."""
        problem = model_of(fit)
        count = len(problem.phases)
        amounts = fit.factors[:count]
        if not np.all(stand_out(fit)):
            return False
        widest = _HUMP * problem.instrument.wavelength
        for number, (phase, own) in enumerate(zip(problem.phases, problem.own_values(fit.values), strict=True)):
            peaks = phase.peaks(own, slopes=False)
            gauss2 = problem.widths(fit.values, peaks.two_theta) ** 2 + peaks.gauss2
            width = 0.5346 * peaks.lorentz + np.sqrt(0.2166 * peaks.lorentz**2 + gauss2)  # Olivero & Longbottom (1977)
            if float(peaks.area @ width) > widest * float(peaks.area.sum()) and humps_explain(fit, number):
                return False
        plain = problem.evaluate(fit.values, jacobian=False).basis[:, :count]
        return not _alike(plain) and all(_seen(fit, number, plain * amounts) for number in range(count))

    def findings(self, fit: Fit, *, leftover: bool = True) -> Findings:
        """See `whorl.techniques.pd.explain`."""
        return explain.findings(fit, leftover=leftover)

    def regions(self, first: Fit, second: Fit) -> list[Region]:
        """See `whorl.techniques.pd.deciding`."""
        return deciding.regions(first, second)


def _alike(patterns: Array) -> bool:
    """Tell whether two phases have so much the same pattern, shape (n, phases), that one may be the misfit of the other."""
    size = np.maximum(np.linalg.norm(patterns, axis=0), 1e-300)
    likeness = (patterns / size).T @ (patterns / size)
    return float(np.max(likeness - np.eye(len(likeness)), initial=0.0)) > _ALIKE


def _seen(fit: Fit, number: int, plain: Array) -> bool:
    """Tell whether what is left without a phase is there at the phase's own points in about the amount that it claims."""
    problem = fit.problem
    basis = problem.evaluate(fit.values, jacobian=False).basis * fit.factors
    whole = np.maximum(plain.sum(axis=1), 1e-300)
    own = plain[:, number] > _OWN * whole
    own &= plain[:, number] > 0.02 * float(plain[:, number].max(initial=0.0))
    if np.count_nonzero(own) < 3:
        return False
    rest = problem.observed - fit.calculated + basis[:, number]
    weights, curve = problem.weights[own], basis[own, number]
    power = float(np.sum(weights * curve**2))
    return float(np.sum(weights * rest[own] * curve)) > _THERE * power


def _patterns(fit: Fit, signal: PdSignal) -> Array:
    """Patterns of a fit's phases with their amounts at the points of a signal, shape (n, phases)."""
    inner = model_of(fit)
    basis = inner.evaluate(fit.values, jacobian=False).basis[:, : len(inner.phases)] * fit.factors[: len(inner.phases)]
    if inner.x.size == signal.x.size:
        return np.asarray(basis)
    return np.column_stack([np.interp(signal.x, inner.x, column) for column in basis.T])


def _own_prior(row: Row) -> float:
    """Log prior odds of an entry that its catalogue states (structures nobody has reported, say)."""
    stated = getattr(row.catalogue, "log_prior", None)
    return float(stated(row.entry)) if stated is not None else 0.0


def _started(signal: PdSignal) -> Any:
    """The instrument with a start for the width of the peaks where none is known."""
    i = signal.instrument
    if "w" in signal.known or i.w > 0:
        return i
    return i.model_copy(update={"w": (_GAUSS * signal.fwhm) ** 2})


def _options(crystal: Crystal, effort: str, prefix: str, *, texture: str | tuple[int, int, int]) -> PhaseOptions:
    if effort in ("quick", "hold"):
        return PhaseOptions(displacements="none", prefix=prefix)
    order = _TEXTURE if texture == "harmonics" else 0
    march = texture if isinstance(texture, tuple) else None
    if effort == "rank":
        return PhaseOptions(displacements="overall", harmonics=order, march=march, prefix=prefix)
    free = free_coordinates(crystal) <= _MOST_COORDINATES
    return PhaseOptions(positions=free, displacements="element", strain=True, harmonics=order, march=march, prefix=prefix)


def _curves(signal: PdSignal) -> int:
    low, high = _CURVES_LIMITS
    return int(np.clip(round((signal.x[-1] - signal.x[0]) / 10 * _CURVES_A_STEP) + 4, low, high))


def _start_values(problem: PdProblem, values: Mapping[str, float]) -> Array:
    return np.array([float(np.clip(values.get(p.name, p.value), p.lower, p.upper)) for p in problem.parameters])


def _variance(signal: PdSignal, problem: PdProblem) -> Array:
    """Variance of the noise at the points of a problem, which may be thinned and have cautious weights."""
    per_point = np.interp(problem.x, signal.x, 1 / signal.weights)
    return per_point * (problem.x.size / signal.x.size)


PD = PowderDiffraction()
