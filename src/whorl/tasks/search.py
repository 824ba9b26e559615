"""Search: from a ranked list of suggestions to refined, ranked candidates.

The most promising suggestions, no more than a few of a family, are fitted with few parameters; the best of those are
refined fully. The prior is uniform over families, then over the entries of a family: forty spinels do not outvote one
rutile.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from whorl.core.errors import WhorlError
from whorl.fitting.problem import Fit
from whorl.fitting.solve import solve
from whorl.techniques.protocol import Progress, Suggestion, Technique
from whorl.trust.probability import Calibration

_QUICK = 32
_PER_FAMILY = 5
_FULL = 10
_FULL_AT_LEAST = 6
_HOPELESS = 25.0  # log evidence behind the best after the first fits
#: R_w beyond which a first fit shows no likeness, and how many of that kind are followed up
_POOR, _POOR_AT_MOST = 0.65, 4
#: log prior odds against a candidate that disagrees with the composition in the file: a header is wrong in perhaps one
#: case of twenty, and then any of some tens of other compositions may be right
_HINT_OTHER = -6.0
_HINT_SUBSET = -3.0
#: how far a fit is driven in each round
_LIMITS: dict[str, dict[str, Any]] = {
    "quick": {"max_iterations": 8, "max_evaluations": 14, "tolerance": 1e-3, "passes": 1},
    "rank": {"max_iterations": 12, "max_evaluations": 30, "tolerance": 2e-4, "passes": 2},
}


@dataclass
class Tried:
    """A suggestion, its best fit, its log prior, and what the trials were started from."""

    suggestion: Suggestion
    fit: Fit
    prior: float
    start: Mapping[str, Any]

    @property
    def score(self) -> float:
        """Log evidence plus log prior."""
        return self.fit.evidence + self.prior


def search(
    technique: Technique,
    signal: Any,
    suggestions: Sequence[Suggestion],
    constants: Calibration,
    *,
    hint: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Tried]:
    """Fit the most promising suggestions; best first, empty when none can be fitted.

    Parameters
    ----------
    technique : Technique
    signal : Signal of the technique
    suggestions : sequence of Suggestion
        All admissible entries: the prior counts their families.
    constants : Calibration
    hint : frozenset of str
        Elements named in the file.
    progress, cancelled : callable, optional
        As in `identify`.
    """
    quick = _fit_quick(technique, signal, suggestions, constants, hint, progress, cancelled)
    full = _fit_full(technique, signal, quick, constants, progress, cancelled) if quick else []
    return sorted(full, key=lambda t: -t.score)


def runner_up(ranked: Sequence[Tried]) -> float:
    """Smallest misfit among the candidates that are not of the first one's family; 1 when there is none."""
    first = _family(ranked[0].suggestion)
    return min([t.fit.rw for t in ranked if _family(t.suggestion) != first], default=1.0)


def _fit_quick(
    technique: Technique,
    signal: Any,
    suggestions: Sequence[Suggestion],
    constants: Calibration,
    hint: frozenset[str],
    progress: Progress | None,
    cancelled: Callable[[], bool],
) -> list[Tried]:
    families = Counter(_family(s) for s in suggestions)

    def prior(s: Suggestion) -> float:
        return s.prior + _hint_prior(s, hint) - float(np.log(families[_family(s)]))

    chosen = _diverse([(s, s.merit + prior(s)) for s in suggestions])

    def attempt(suggestion: Suggestion) -> Tried | None:
        _check(cancelled)
        fit = _best_fit(technique, signal, suggestion, suggestion.start, constants, "quick")
        return None if fit is None else Tried(suggestion, fit, prior(suggestion), suggestion.start)

    return sorted(_in_threads(attempt, chosen, "first fits", progress), key=lambda t: -t.score)


def _family(s: Suggestion) -> tuple[str, str]:
    """Entries without a family are a family each."""
    return s.kind, s.family or s.key


def _diverse(scored: Sequence[tuple[Suggestion, float]]) -> list[Suggestion]:
    """The best, no more than a few of a family at first; free places go to the best of the rest."""
    ordered = [s for s, _ in sorted(scored, key=lambda pair: -pair[1])]
    count: Counter[tuple[str, str]] = Counter()
    chosen: list[Suggestion] = []
    rest: list[Suggestion] = []
    for s in ordered:
        count[_family(s)] += 1
        (chosen if count[_family(s)] <= _PER_FAMILY else rest).append(s)
    return (chosen[: _QUICK * 3 // 4] + rest[:_QUICK])[:_QUICK]


def _fit_full(
    technique: Technique,
    signal: Any,
    quick: Sequence[Tried],
    constants: Calibration,
    progress: Progress | None,
    cancelled: Callable[[], bool],
) -> list[Tried]:
    chosen = [t for n, t in enumerate(quick[:_FULL]) if n < _FULL_AT_LEAST or t.score > quick[0].score - _HOPELESS]
    poor = [t for t in chosen if t.fit.rw > _POOR]
    chosen = [t for t in chosen if t.fit.rw <= _POOR or t in poor[:_POOR_AT_MOST]]
    # the best of another family always competes: by how far it is beaten shows how well the first stands alone; one that is far
    # behind is taken as it is
    first = _family(quick[0].suggestion)
    if all(_family(t.suggestion) == first for t in chosen):
        chosen += [t for t in quick if _family(t.suggestion) != first][:1]

    def attempt(tried: Tried) -> Tried | None:
        _check(cancelled)
        lost = tried.score < quick[0].score - _HOPELESS
        start = dict(tried.start) | {"values": named_values(tried.fit), "misfit": 1.0 if lost else tried.fit.rw}
        fit = _best_fit(technique, signal, tried.suggestion, start, constants, "rank")
        return None if fit is None else Tried(tried.suggestion, fit, tried.prior, start)

    return _in_threads(attempt, chosen, "refinements", progress) or list(quick[:1])


def _in_threads(
    attempt: Callable[[Any], Tried | None], items: Sequence[Any], label: str, progress: Progress | None
) -> list[Tried]:
    """Attempts in order; side by side where this process is the only one (the heavy kernels release the interpreter lock)."""
    out: list[Tried] = []
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
    start: Mapping[str, Any],
    constants: Calibration,
    effort: str,
) -> Fit | None:
    """Fit all trials of a suggestion; the one of highest evidence, or ``None`` when none can be fitted."""
    fits: list[Fit] = []
    try:
        for problem, first in technique.trials(signal, [suggestion.load()], start=start, effort=effort):
            fit = solve(problem, start=first, temper=constants.temper, **_LIMITS[effort])
            if np.any(fit.factors > 0):  # a phase of no amount explains nothing
                fits.append(fit)
    except WhorlError:
        pass
    return technique.choose(fits) if fits else None


def _hint_prior(suggestion: Suggestion, hint: frozenset[str]) -> float:
    if not hint or not suggestion.elements or suggestion.elements == hint:
        return 0.0
    return _HINT_SUBSET if suggestion.elements < hint else _HINT_OTHER


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise KeyboardInterrupt
