"""Identify: retrieve, then verify.

1. The technique prepares the measurement and ranks every admissible catalogue entry by a cheap match.
2. The most promising, no more than a few of a family, are fitted with few parameters.
3. The best of those are refined with the engine that `refine` uses, and ranked by tempered evidence.
   The prior is uniform over families, then over the entries of a family: forty spinels do not outvote one rutile.
4. Candidates that cannot be told apart are grouped; probabilities, a credible set and the probability of none follow.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from whorl.catalogues.base import Catalogue
from whorl.core.errors import FitError, UsageError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, CredibleSet, Verdict
from whorl.fitting.problem import Fit
from whorl.fitting.solve import solve
from whorl.tasks.assemble import candidate_from_fit, finish
from whorl.techniques import technique_for
from whorl.techniques.protocol import Findings, Progress, Suggestion, Technique
from whorl.trust import groups as grouping
from whorl.trust import probability

_QUICK = 48
_PER_FAMILY = 5
_FULL = 12
_FULL_AT_LEAST = 6
_HOPELESS = 25.0  # log evidence behind the best after the first fits
_LEVEL = 0.9
#: log prior odds against one candidate that disagrees with the composition written in the file: a header is wrong in perhaps one case of
#: twenty, and then any of some tens of other compositions may be right
_HINT_OTHER = -6.0
_HINT_SUBSET = -3.0


@dataclass
class _Tried:
    suggestion: Suggestion
    fit: Fit
    prior: float

    @property
    def score(self) -> float:
        return self.fit.evidence + self.prior


def identify(
    measurement: Measurement,
    *,
    catalogues: Sequence[Catalogue],
    elements: Collection[str] | None = None,
    top: int = 5,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Find the catalogue entries that explain a measurement.

    Parameters
    ----------
    measurement : Measurement
        One frame.
    catalogues : sequence of Catalogue
    elements : collection of str, optional
        Elements the sample may hold: a hard filter. Without it the file's composition acts as a soft hint.
    top : int
        Candidates returned.
    range : (low, high), optional
        Part of the axis to fit, in its unit.
    settings : mapping, optional
        Overrides of what the file states of the instrument.
    progress : callable, optional
        Called with (stage, done, total).
    cancelled : callable, optional
        Asked between fits; when true the search ends with KeyboardInterrupt.

    Returns
    -------
    Verdict

    Raises
    ------
    WhorlError
        If the measurement, the range, a setting or the catalogues cannot be used.
    """
    started = time.perf_counter()
    if top < 1:
        raise UsageError(f"top {top}", remedy="Ask for at least one candidate.")
    technique = technique_for(measurement.kind)
    constants = probability.calibration(technique.key)
    signal = technique.prepare(measurement, range=range, settings=settings)
    allowed = frozenset(elements) if elements else None
    suggestions = technique.propose(signal, catalogues, elements=allowed, progress=progress)
    quick = _fit_quick(technique, signal, suggestions, constants, allowed, progress, cancelled)
    if not quick:
        raise FitError("no candidate could be fitted", where=measurement.path, remedy="Check the range and the data.")
    full = _fit_full(technique, signal, quick, constants, progress, cancelled)
    full.sort(key=lambda t: -t.score)
    reference = full[0].fit.problem
    numbers = grouping.group(
        [t.fit.calculated for t in full],
        [t.fit.rw for t in full],
        [t.score for t in full],
        reference.observed,
        reference.weights,
        discrepancy=constants.temper.discrepancy,
    )
    none = probability.none_probability(min(t.fit.rw for t in full), constants)
    shares = probability.share([t.score for t in full])
    order = sorted(_indices(full), key=lambda i: -shares[i])[:top]
    final = [(full[i], numbers[i], shares[i] * (1 - none)) for i in order]
    candidates = _report(technique, signal, final, progress)
    members = probability.credible_set([t.suggestion.name for t in full], shares, _LEVEL)
    verdict = Verdict(
        whorl=_version(),
        task="identify",
        file=measurement.path,
        sha256=measurement.sha256,
        technique=technique.key,
        none_probability=none,
        candidates=candidates,
        set=CredibleSet(level=_LEVEL, members=members),
        assumptions=list(signal.assumptions),
        warnings=[*signal.warnings, *_warnings(candidates, signal, allowed, none, len(suggestions))],
    )
    return finish(
        verdict,
        started,
        catalogues={c.name: c.content_hash for c in catalogues},
        searched=len(suggestions),
        radiation=signal.instrument.radiation,
    )


def _indices(items: Sequence[object]) -> list[int]:
    return list(np.arange(len(items)))


def _fit_quick(
    technique: Technique,
    signal: Any,
    suggestions: Sequence[Suggestion],
    constants: probability.Calibration,
    allowed: frozenset[str] | None,
    progress: Progress | None,
    cancelled: Callable[[], bool],
) -> list[_Tried]:
    hint = frozenset() if allowed else signal.elements_hint
    families = Counter(_family(s) for s in suggestions)

    def prior(s: Suggestion) -> float:
        return s.prior + _hint_prior(s, hint) - float(np.log(families[_family(s)]))

    chosen = _diverse([(s, s.merit + prior(s)) for s in suggestions])

    def attempt(suggestion: Suggestion) -> _Tried | None:
        _check(cancelled)
        fit = _best_fit(technique, signal, suggestion, constants, "quick")
        return None if fit is None else _Tried(suggestion, fit, prior(suggestion))

    return sorted(_in_threads(attempt, chosen, "first fits", progress), key=lambda t: -t.score)


def _family(s: Suggestion) -> tuple[str, str]:
    """Entries without a family are a family each."""
    return s.kind, s.family or s.key


def _diverse(scored: Sequence[tuple[Suggestion, float]]) -> list[Suggestion]:
    """The best, no more than a few of a family at first; free places go to the best of the rest."""
    ordered = [s for s, _ in sorted(scored, key=lambda pair: -pair[1])]
    count: Counter[tuple[str, str]] = Counter()
    chosen, rest = [], []
    for s in ordered:
        count[_family(s)] += 1
        (chosen if count[_family(s)] <= _PER_FAMILY else rest).append(s)
    return (chosen[: _QUICK * 3 // 4] + rest[:_QUICK])[:_QUICK]


def _fit_full(
    technique: Technique,
    signal: Any,
    quick: Sequence[_Tried],
    constants: probability.Calibration,
    progress: Progress | None,
    cancelled: Callable[[], bool],
) -> list[_Tried]:
    chosen = [t for n, t in enumerate(quick[:_FULL]) if n < _FULL_AT_LEAST or t.score > quick[0].score - _HOPELESS]

    def attempt(tried: _Tried) -> _Tried | None:
        _check(cancelled)
        fit = _best_fit(technique, signal, tried.suggestion, constants, "rank", named_values(tried.fit))
        return None if fit is None else _Tried(tried.suggestion, fit, tried.prior)

    return _in_threads(attempt, chosen, "refinements", progress) or list(quick[:1])


def _in_threads(
    attempt: Callable[[Any], _Tried | None], items: Sequence[Any], label: str, progress: Progress | None
) -> list[_Tried]:
    """Attempts in order; side by side where this process is the only one (the heavy kernels release the interpreter lock)."""
    out: list[_Tried] = []
    workers = 1 if multiprocessing.parent_process() is not None else min(2, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        try:
            for number, tried in enumerate(pool.map(attempt, items)):
                if tried is not None:
                    out.append(tried)
                if progress:
                    progress(label, number + 1, len(items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return out


def named_values(fit: Fit) -> dict[str, float]:
    """Refined values by parameter name."""
    return {p.name: float(v) for p, v in zip(fit.problem.parameters, fit.values, strict=True)}


def _best_fit(
    technique: Technique,
    signal: Any,
    suggestion: Suggestion,
    constants: probability.Calibration,
    effort: str,
    values: Mapping[str, float] | None = None,
) -> Fit | None:
    """Fit all trials of a suggestion; the one of highest evidence, or ``None`` when none can be fitted."""
    fits: list[Fit] = []
    quick = effort == "quick"
    try:
        start = dict(suggestion.start) | ({"values": values} if values else {})
        for problem, first in technique.trials(signal, [suggestion.load()], start=start, effort=effort):
            fit = solve(
                problem, start=first, max_iterations=8 if quick else 12, tolerance=1e-3 if quick else 1e-5,
                passes=1 if quick else 2, temper=constants.temper,
            )  # fmt: skip
            if np.any(fit.factors > 0):  # a phase of no amount explains nothing
                fits.append(fit)
    except WhorlError:
        pass
    return technique.choose(fits) if fits else None


def _report(
    technique: Technique, signal: Any, chosen: Sequence[tuple[_Tried, int, float]], progress: Progress | None
) -> list[Candidate]:
    """Refine the chosen ones on every point of the data and put them into words."""
    out = []
    renumber: dict[int, int] = {}
    for rank, (tried, number, chance) in enumerate(chosen, start=1):
        start = dict(tried.suggestion.start) | {"values": named_values(tried.fit)}
        trials = technique.trials(signal, [tried.suggestion.load()], start=start, effort="full")
        names = {p.name for p in tried.fit.problem.parameters}
        problem, first = min(trials, key=lambda t: len(names ^ {p.name for p in t[0].parameters}))
        fit = solve(problem, start=first)
        found: Findings = technique.findings(fit)
        out.append(
            candidate_from_fit(
                fit,
                found,
                rank=rank,
                group=renumber.setdefault(number, len(renumber) + 1),
                name=tried.suggestion.name,
                family=tried.suggestion.family,
                source=tried.suggestion.source,
                probability=chance,
                evidence=tried.score,
            )
        )
        if progress:
            progress("final fits", rank, len(chosen))
    return out


def _hint_prior(suggestion: Suggestion, hint: frozenset[str]) -> float:
    if not hint or not suggestion.elements or suggestion.elements == hint:
        return 0.0
    return _HINT_SUBSET if suggestion.elements < hint else _HINT_OTHER


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise KeyboardInterrupt


def _warnings(
    candidates: Sequence[Candidate], signal: Any, allowed: frozenset[str] | None, none: float, searched: int
) -> list[str]:
    out = []
    best = candidates[0]
    if none > 0.5:
        out.append(f"none of the {searched} structures searched explains this measurement well (best Rw {best.rw:.3f})")
    together = [c.name for c in candidates if c.group == best.group]
    if len(together) > 1:
        out.append(f"this measurement cannot tell {', '.join(together)} apart")
    found = {el for s in best.structures for el in s.elements}
    if len(found) == 1 and allowed is None:
        out.append(
            f"a pattern of one element hardly shows which element it is: {next(iter(found))} rests on the length scale"
            + (" and the composition in the file" if signal.elements_hint == found else "")
        )
    if signal.elements_hint and found and found != set(signal.elements_hint) and none <= 0.5:
        out.append(
            f"the composition in the file ({' '.join(sorted(signal.elements_hint))}) disagrees with the best match "
            f"({' '.join(sorted(found))}): one of them is wrong"
        )
    return out


def _version() -> str:
    from whorl import __version__

    return __version__
