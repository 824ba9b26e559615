"""A candidate in the making: one suggestion or several as the phases of a mixture, fitted, with its log prior."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from whorl.core.errors import WhorlError
from whorl.fitting.problem import Fit
from whorl.fitting.solve import solve
from whorl.techniques.protocol import Progress, Suggestion, Technique
from whorl.trust.probability import Calibration

Family = tuple[str, str]
T = TypeVar("T")

#: log prior odds against a candidate that disagrees with the composition in the file: a header is wrong in perhaps one
#: case of twenty, and then any of some tens of other compositions may be right
_HINT_OTHER = -6.0
_HINT_SUBSET = -3.0
#: log prior odds of one phase more, beside the choice of its family: one sample in five is a mixture
_ONE_MORE = float(np.log(0.2))
#: how far a fit is driven in each round
_LIMITS: dict[str, dict[str, Any]] = {
    "quick": {"max_iterations": 8, "max_evaluations": 14, "tolerance": 1e-3, "passes": 1},
    "rank": {"max_iterations": 12, "max_evaluations": 30, "tolerance": 2e-4, "passes": 2},
    "hold": {"max_iterations": 0, "max_evaluations": 1, "passes": 1},
}


@dataclass
class Tried:
    """What was fitted, its best fit, its log prior, what the trials were started from, and what else counts.

    ``further``: of a mixture, what its further phases are worth beyond the evidence (see `whorl.tasks.mixtures`).
    """

    suggestions: tuple[Suggestion, ...]
    fit: Fit
    prior: float
    start: Mapping[str, Any]
    further: float = 0.0

    @property
    def score(self) -> float:
        """Log evidence plus log prior, and what else counts."""
        return self.fit.evidence + self.prior + self.further

    @property
    def name(self) -> str:
        """Names of the phases."""
        return " + ".join(s.name for s in self.suggestions)

    @property
    def families(self) -> frozenset[Family]:
        """Families of the phases."""
        return frozenset(family_of(s) for s in self.suggestions)


@dataclass(frozen=True)
class Outcome:
    """Candidates, best first, and the signal with what the best fit showed of unknown settings."""

    ranked: list[Tried]
    signal: Any


class Search:
    """What all rounds of a search share: technique, signal, calibration, priors, progress.

    Parameters
    ----------
    technique : Technique
    signal : Signal of the technique
    families : int
        Number of families that took part: any may be a further phase.
    constants : Calibration
    hint : frozenset of str
        Elements named in the file.
    progress, cancelled : callable, optional
        As in `whorl.tasks.identify.identify`.
    """

    def __init__(
        self,
        technique: Technique,
        signal: Any,
        families: int,
        constants: Calibration,
        *,
        hint: frozenset[str] = frozenset(),
        progress: Progress | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self.technique, self.signal, self.constants = technique, signal, constants
        self._families = max(families, 1)
        self._hint, self._progress, self._cancelled = hint, progress, cancelled

    def prior(self, suggestions: Sequence[Suggestion]) -> float:
        """Log prior of a candidate, up to a constant: uniform over families, then over the entries of a family.

        Each further phase has to be there at all, and may be of any family.
        """
        own = sum(s.prior - float(np.log(s.members)) for s in suggestions)
        more = (len(suggestions) - 1) * (_ONE_MORE - float(np.log(self._families)))
        return own + more + _hint_prior(suggestions, self._hint)

    def fit(
        self,
        suggestions: Sequence[Suggestion],
        start: Mapping[str, Any],
        effort: str,
        *,
        fixed: Mapping[str, float] | None = None,
    ) -> Tried | None:
        """Fit the trials of one or more phases; the fit the data support, or ``None`` when none can be fitted."""
        if self._cancelled():
            raise KeyboardInterrupt
        fits: list[Fit] = []
        try:
            hypotheses = [s.load() for s in suggestions]
            for problem, first in self.technique.trials(self.signal, hypotheses, start=start, effort=effort, fixed=fixed):
                fit = solve(problem, start=first, temper=self.constants.temper, **_LIMITS[effort])
                if np.any(fit.factors > 0):  # phases of no amount explain nothing
                    fits.append(fit)
        except WhorlError:
            pass
        return Tried(tuple(suggestions), self.technique.choose(fits), self.prior(suggestions), start) if fits else None

    def each(self, attempt: Callable[[T], Tried | None], items: Sequence[T], label: str) -> list[Tried]:
        """Attempts, best first; side by side where this process is the only one (heavy kernels release the lock)."""
        out: list[Tried] = []
        workers = 1 if multiprocessing.parent_process() is not None else min(2, os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            try:
                for number, tried in enumerate(pool.map(attempt, items)):
                    if tried is not None:
                        out.append(tried)
                    if self._progress:
                        self._progress(label, number + 1, len(items))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return sorted(out, key=lambda t: -t.score)


def family_of(s: Suggestion) -> Family:
    """Entries without a family are a family each."""
    return s.kind, s.family or s.key


def named_values(fit: Fit) -> dict[str, float]:
    """Refined values by parameter name."""
    return {p.name: float(v) for p, v in zip(fit.problem.parameters, fit.values, strict=True)}


def diverse(ordered: Sequence[Suggestion], most: int, of_a_family: int) -> list[Suggestion]:
    """The first, no more than a few of a family at first; a quarter of the places go to the best of the rest.

    Nor does one kind take more than three quarters at first: hundreds of cuts of a lattice look alike, and would leave out the
    crystal they are cut from.
    """
    places = most * 3 // 4
    families: Counter[Family] = Counter()
    kinds: Counter[str] = Counter()
    chosen: list[Suggestion] = []
    rest = list(ordered)
    for of_a_kind in (places * 3 // 4, places):  # what one kind leaves, the other may take
        left: list[Suggestion] = []
        for s in rest:
            first = len(chosen) < places and families[family_of(s)] < of_a_family and kinds[s.kind] < of_a_kind
            (chosen if first else left).append(s)
            if first:
                families[family_of(s)] += 1
                kinds[s.kind] += 1
        rest = left
    return (chosen + rest)[:most]


def _hint_prior(suggestions: Sequence[Suggestion], hint: frozenset[str]) -> float:
    """Log prior of the phases' elements beside those in the file: the same, a part of them, others."""
    elements = frozenset(el for s in suggestions for el in s.elements)
    if not hint or not elements or elements == hint:
        return 0.0
    return _HINT_SUBSET if elements < hint else _HINT_OTHER
