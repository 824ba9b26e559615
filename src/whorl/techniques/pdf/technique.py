"""The pair distribution function as a technique: what the registry hands out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import STRUCTURES, Catalogue
from whorl.core.errors import CatalogueError, UsageError, WhorlError
from whorl.core.hypothesis import Cluster, Crystal, Hypothesis
from whorl.core.measurement import Axis, Measurement, R
from whorl.core.verdict import Opinion
from whorl.fitting.problem import Fit, Problem
from whorl.fitting.projected import Projected
from whorl.techniques.crystal_freedom import free_coordinates
from whorl.techniques.pdf import explain
from whorl.techniques.pdf.admissible import admissible, key_of
from whorl.techniques.pdf.deciding import regions
from whorl.techniques.pdf.metals import bond_length
from whorl.techniques.pdf.misfit import model_of
from whorl.techniques.pdf.noise import noise_share
from whorl.techniques.pdf.nuisances import NUISANCES, Nuisances
from whorl.techniques.pdf.phases import ClusterPhase, CrystalPhase, PhaseModel
from whorl.techniques.pdf.prepare import PdfSignal, prepare, slow_curves
from whorl.techniques.pdf.propose import log_correlation
from whorl.techniques.pdf.residual import SHAPES, PdfProblem, PhaseOptions
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.suggesting import own_prior, suggestion
from whorl.techniques.pdf.window import settle
from whorl.techniques.protocol import Findings, Noise, Progress, Region, Shortlist, Unknown

Array = NDArray[np.float64]

_BUILTIN = frozenset({"elements", "compounds", "nanoparticles"})
_QUICK_REACH = 18.0  # angstrom used in the first round of fits
_FREE_INSTRUMENT = ("qdamp", "qbroad")
#: largest particle, in units of the range fitted, whose envelope is told from the resolution: Qdamp unknown, Qdamp stated
_SIZE_REACH, _SIZE_REACH_KNOWN = 2.5, 6.0
_STRONG = 3.0
_SMALLEST = 10.0  # diameter from which a crystal beside another is a phase, angstrom
#: a structure that misses this badly with its own coordinates is not rescued by freeing them
_HOPELESS_MISFIT = 0.65
#: a spheroid is tried from the flat and from the long side, small and large: each has a minimum of its own
_ASPECTS, _SPHEROIDS = (0.5, 2.0), (22.0, 45.0)
#: start of the size of a phase of a mixture that had none while structures were compared, angstrom
_LARGE = 150.0
#: two crystals as the core and the shell of one particle; starts of the shell's thickness, angstrom
_CORE_SHELL, _THICKNESSES = "core-shell", (4.0, 12.0)
#: entries handed on: of a whole search, and beside phases found before
_SHORTLIST, _SHORTLIST_BESIDE = 600, 60
#: free coordinates up to which a crystal's are refined when candidates are ranked
_MOST_RANKED = 12
_GROUPS = 6  # space groups named


class PairDistribution:
    """Technique ``"pdf"``."""

    key = "pdf"
    axis: Axis = R
    shared = frozenset(_FREE_INSTRUMENT)
    mixed = False
    most_phases = 3
    hypotheses = STRUCTURES
    proposer = ""

    def prepare(
        self,
        measurement: Measurement,
        *,
        range: tuple[float, float] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> PdfSignal:
        """See `whorl.techniques.pdf.prepare.prepare`."""
        return prepare(measurement, range=range, settings=settings)

    def simulate(self, hypothesis: Hypothesis, *, settings: Mapping[str, Any], x: Array | None = None) -> Measurement:
        """See `whorl.techniques.pdf.simulate.simulate`."""
        return simulate(hypothesis, settings=settings, r=x)

    def nuisances(self) -> Nuisances:
        """What real measurements vary."""
        return NUISANCES

    def propose(
        self,
        signal: PdfSignal,
        catalogues: Sequence[Catalogue],
        *,
        elements: frozenset[str] | None = None,
        given: Fit | None = None,
        also: Collection[str] = (),
        progress: Progress | None = None,
    ) -> Shortlist:
        """Rank all admissible entries by correlation over ln r, beside the phases of ``given`` where there are some."""
        # electrons weight elements much as X-rays do
        radiation = "neutron" if signal.instrument.radiation == "neutron" else "x-ray"
        pool = admissible(
            sorted(catalogues, key=lambda c: c.name in _BUILTIN),  # the user's own structures come first
            radiation,
            elements=elements,
            beside=given is not None,
            progress=lambda name: None if progress is None else _labelled(progress, f"index of {name}"),
        )
        rows, members = pool.rows, pool.members
        if not rows and given is not None:  # clusters of no element are no further phases
            return Shortlist([], searched=0, families=0)
        if not rows:
            wanted = f" made of {', '.join(sorted(elements))}" if elements else ""
            raise CatalogueError(f"the catalogues hold no structure{wanted}", remedy="Widen --elements or add a --catalogue.")
        own, prior = pool.priors(own_prior, any_elements=not (elements or signal.elements_hint))
        most = _SHORTLIST if given is None else _SHORTLIST_BESIDE
        curves = _curves(given, signal)
        always = [n for n, row in enumerate(rows) if key_of(row.entry) in also] if also else []
        found = log_correlation(signal, rows, elements=elements, given=curves, prior=prior, most=most, always=always)
        return Shortlist([suggestion(p, members, own[id(p.row)]) for p in found], searched=len(rows), families=len(members))

    def consult(
        self, signal: PdfSignal, catalogues: Sequence[Catalogue], proposer: str, *, elements: frozenset[str] | None = None
    ) -> Opinion:
        """There is no network for pair distribution functions.

        Raises
        ------
        UsageError
            Always.
        """
        del signal, catalogues, elements
        raise UsageError("no network proposes for pair distribution functions", where=proposer, remedy="Leave --proposer out.")

    def trials(
        self,
        signal: PdfSignal,
        hypotheses: Sequence[Hypothesis],
        *,
        start: Mapping[str, Any] | None = None,
        effort: str = "full",
        fixed: Mapping[str, float] | None = None,
    ) -> list[tuple[Problem, Array | None]]:
        """Problems to fit: one with few parameters (``"quick"``), or full ones with and without a finite size."""
        start = dict(start or {})
        quick = effort == "quick"
        if quick:
            signal = shortened(signal, _QUICK_REACH).thinned(2.5).cautious()
        elif effort == "rank":
            signal = signal.thinned(3.0).cautious()
        instrument = () if quick else _FREE_INSTRUMENT
        freed = tuple(start.get("free") or ())
        if unknown := set(freed) - set(_FREE_INSTRUMENT):
            raise UsageError(f"{min(unknown)!r} cannot be freed", remedy=f"Free one of {', '.join(_FREE_INSTRUMENT)}.")
        instrument = (*(n for n in ("qdamp", *instrument) if n not in signal.known), *freed)
        hopeless = start.get("misfit", 0.0) > _HOPELESS_MISFIT
        positions = not quick and not hopeless
        starts = start.get("phases") or [start] * len(hypotheses)
        # many coordinates cost much and rank little: they wait for the last fits
        most = _MOST_RANKED if effort == "rank" or "phases" in start else None
        # in a mixture those of the phases found before go on; the new phase's wait
        moves = [positions] * len(starts)
        if "phases" in start:
            moved = {n[:3] for n in start.get("values", {})}
            moves = [effort == "full" or any(f"{i}:{x}" in moved for x in "xyz") for i in range(1, len(starts) + 1)]
        coarse = effort != "full"
        phases = [
            self._phase(h, signal, s, positions=p, most=most, coarse=coarse)
            for h, s, p in zip(hypotheses, starts, moves, strict=True)
        ]
        if "phases" in start:  # a search holds what it has found so far, of which these problems may hold less
            fixed = {name: value for name, value in (fixed or {}).items() if name in _fixable(phases)}
        _check_fixed(fixed, phases)
        out: list[tuple[Problem, Array | None]] = []
        for options in self._options(hypotheses, start, starts, quick=quick or hopeless, last=effort == "full"):
            free = tuple(dict.fromkeys(instrument))
            problem = PdfProblem(signal, phases, options, free_instrument=free, fixed=fixed, coarse=coarse, apart=quick)
            first = _start_values(problem, start.get("values", {}))
            problem = problem.balanced(first)
            out.append((problem if effort == "full" else Projected(problem, slow_curves(problem.x)), first))
        return out

    def _options(
        self,
        hypotheses: Sequence[Hypothesis],
        start: Mapping[str, Any],
        starts: Sequence[Mapping[str, Any]],
        *,
        quick: bool,
        last: bool,
    ) -> list[list[PhaseOptions]]:
        """What else of the phases varies: one list for each problem to try."""
        shape = start.get("shape") or "sphere"
        if shape == _CORE_SHELL:
            return _core_shell(hypotheses, starts)
        if shape not in SHAPES:
            raise UsageError(f"unknown shape {shape!r}", remedy=f"Shapes are {', '.join([*SHAPES, _CORE_SHELL])}.")
        sizes = self._size_choices(hypotheses, start, starts, quick=quick, last=last)
        if shape == "spheroid":
            sizes = [tuple(None if s is None else d for s in choice) for choice in sizes for d in _SPHEROIDS]
        return [
            [
                PhaseOptions(
                    size=s,
                    size_free=s is not None,
                    shape=shape,
                    aspect=aspect,
                    prefix="" if len(hypotheses) == 1 else f"{i + 1}:",
                )
                for i, s in enumerate(choice)
            ]
            for choice, aspect in product(sizes, _ASPECTS if shape == "spheroid" else (1.0,))
        ]

    @staticmethod
    def _phase(
        hypothesis: Hypothesis,
        signal: PdfSignal,
        start: Mapping[str, Any],
        *,
        positions: bool,
        most: int | None,
        coarse: bool,
    ) -> PhaseModel:
        reach = signal.range[1] + 4.0
        if isinstance(hypothesis, Crystal):
            free = positions and (most is None or free_coordinates(hypothesis) <= most)
            return CrystalPhase(hypothesis, reach, positions=free, zoom=start.get("zoom", 1.0), coarse=coarse)
        assert isinstance(hypothesis, Cluster)
        element = start.get("element")
        if not hypothesis.bond_free:
            return ClusterPhase(hypothesis, element=element)
        return ClusterPhase(
            hypothesis, element=element, bond=start.get("zoom"), prior=bond_length(element) if element else None
        )

    @staticmethod
    def _size_choices(
        hypotheses: Sequence[Hypothesis],
        start: Mapping[str, Any],
        starts: Sequence[Mapping[str, Any]],
        *,
        quick: bool,
        last: bool,
    ) -> list[tuple[float | None, ...]]:
        """Start diameters of the phases (``None``: bulk), one tuple for each problem to try."""
        crystal = [isinstance(h, Crystal) for h in hypotheses]
        guesses = [s.get("diameter") for s in starts]
        particle = tuple((g or 45.0) if c else None for c, g in zip(crystal, guesses, strict=True))
        bulk: tuple[float | None, ...] = (None,) * len(crystal)
        if not any(crystal) or start.get("size") is False:
            return [bulk]
        if start.get("size") or start.get("shape"):
            return [particle]
        if quick:
            said = [s.get("size", g is not None) for s, g in zip(starts, guesses, strict=True)]
            return [tuple(p if k else None for p, k in zip(particle, said, strict=True))]
        if "phases" not in start:
            return [bulk, particle]
        if last:  # an amount is known no better than the size: all are refined, however large
            known = [p if s.get("size") else _LARGE for p, s in zip(particle, starts, strict=True)]
            return [tuple(d if c else None for d, c in zip(known, crystal, strict=True))]
        # what was decided of a phase stays; of the last one both are tried
        first = tuple(p if s.get("size") else None for p, s in zip(particle, starts, strict=True))
        return [(*first[:-1], None), (*first[:-1], particle[-1])] if crystal[-1] else [first]

    def settle(self, signal: PdfSignal, fit: Fit) -> PdfSignal:
        """See `whorl.techniques.pdf.window.settle`."""
        return settle(signal, model_of(fit), fit)

    def noise(self, signal: PdfSignal, fit: Fit) -> Noise:
        """See `whorl.techniques.pdf.noise.noise_share`."""
        return noise_share(signal, fit)

    def unknown(self, signal: PdfSignal) -> Unknown:
        """See `whorl.techniques.pdf.space_groups.likelihood`."""
        from whorl.techniques.pdf.space_groups import likelihood

        try:
            return Unknown(tuple((g.number, g.symbol, g.probability) for g in likelihood(signal)[:_GROUPS]))
        except WhorlError:  # too short a range, for one
            return Unknown()

    def choose(self, fits: Sequence[Fit]) -> Fit:
        """The fit with fewer particles, unless one more is strongly supported and of a size that the data can show.

        An envelope much wider than the range looks like the resolution's damping.
        """
        fewest = min(len(_sizes(f)) for f in fits)
        plain = [f for f in fits if len(_sizes(f)) == fewest]
        # the others differ in their start only: the lower misfit wins
        particle = min((f for f in fits if len(_sizes(f)) > fewest), key=lambda f: f.rw, default=None)
        best = max(plain, key=lambda f: f.evidence) if fewest == 0 or particle else min(plain, key=lambda f: f.rw)
        if particle is None:
            return best
        signal = model_of(particle).signal
        reach = signal.range[1] * (_SIZE_REACH_KNOWN if "qdamp" in signal.known else _SIZE_REACH)
        more = [size for prefix, size in _sizes(particle).items() if prefix not in _sizes(best)]
        return particle if min(more) < reach and particle.evidence > best.evidence + _STRONG else best

    def credible(self, fit: Fit) -> bool:
        """No crystal has shrunk to a cell or two: such take up ligands and errors at short distances."""
        named = zip(fit.problem.parameters, fit.values, strict=True)
        return not any(p.name.endswith(":diameter") and value < _SMALLEST for p, value in named)

    def findings(self, fit: Fit, *, leftover: bool = True) -> Findings:
        """See `whorl.techniques.pdf.explain`."""
        return explain.findings(fit, leftover=leftover)

    def regions(self, first: Fit, second: Fit) -> list[Region]:
        """See `whorl.techniques.pdf.deciding`."""
        return regions(first, second)


def _core_shell(hypotheses: Sequence[Hypothesis], starts: Sequence[Mapping[str, Any]]) -> list[list[PhaseOptions]]:
    """A sphere of the first structure in a shell of the second, thin or thick, of its own amount or as volumes say."""
    if len(hypotheses) != 2 or not all(isinstance(h, Crystal) for h in hypotheses):
        raise UsageError(
            f"a core-shell particle of {len(hypotheses)} structures",
            remedy="Name two crystals, the core first.",
        )
    core = PhaseOptions(size=starts[0].get("diameter") or 45.0, size_free=True, prefix="1:")
    return [
        [core, PhaseOptions(size=60.0, size_free=True, shape="shell", prefix="2:", thickness=t, core=0, by_volume=tied)]
        for tied in (True, False)
        for t in _THICKNESSES
    ]


def _sizes(fit: Fit) -> dict[str, float]:
    """Diameters of the phases that are particles, by the prefix of their parameters."""
    problem = model_of(fit)
    named = problem.named_values(fit.values)
    return {o.prefix: named[f"{o.prefix}diameter"] for o in problem.options if o.size is not None and o.core is None}


PDF = PairDistribution()


def shortened(signal: PdfSignal, r_max: float) -> PdfSignal:
    """The signal up to ``r_max`` only."""
    keep = signal.r <= max(r_max, signal.range[0] + 4.0)
    if bool(np.all(keep)):
        return signal
    return replace(signal.taken(keep), range=(signal.range[0], float(signal.r[keep][-1])))


def _curves(fit: Fit | None, signal: PdfSignal) -> list[Array]:
    """G(r) of each phase of a fit on the points of a signal."""
    if fit is None:
        return []
    problem = model_of(fit)
    basis = problem.evaluate(fit.values, jacobian=False).basis
    return [np.interp(signal.r, problem.x, basis[:, i]) for i in range(basis.shape[1])]


def _labelled(progress: Progress, label: str) -> Any:
    return lambda done, total: progress(label, done, total)


def _fixable(phases: Sequence[PhaseModel]) -> set[str]:
    """Names of all parameters of a problem."""
    extra = ("diameter", "polar_diameter", "size_spread", "thickness", "delta1", "delta2")
    names = {"qdamp", "qbroad"}
    for i, phase in enumerate(phases):
        prefix = "" if len(phases) == 1 else f"{i + 1}:"
        names |= {prefix + p.name for p in phase.parameters} | {prefix + e for e in extra}
    return names


def _check_fixed(fixed: Mapping[str, float] | None, phases: Sequence[PhaseModel]) -> None:
    names = _fixable(phases)
    unknown = sorted(set(fixed or {}) - names)
    if unknown:
        raise UsageError(f"no parameter {unknown[0]!r} to fix", remedy=f"Parameters are {', '.join(sorted(names))}.")


def _start_values(problem: PdfProblem, named: Mapping[str, float]) -> Array | None:
    if not named:
        return None
    return np.array([np.clip(named.get(p.name, p.value), p.lower, p.upper) for p in problem.parameters])
