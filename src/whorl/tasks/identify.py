"""Identify: retrieve, then verify.

1. The technique prepares the measurement and ranks every admissible catalogue entry by a cheap match.
2. The most promising are fitted, the best of those refined with the engine that `refine` uses and ranked by tempered evidence
   (`whorl.tasks.search`).
3. Candidates that cannot be told apart are grouped; probabilities, a credible set and the probability of none follow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from whorl.catalogues.base import Catalogue, holds
from whorl.catalogues.folder import FolderCatalogue
from whorl.core.errors import FitError, UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, CredibleSet, SpaceGroup, Verdict
from whorl.fitting.problem import Fit, Problem
from whorl.fitting.solve import solve
from whorl.tasks.assemble import candidate_from_fit, finish
from whorl.tasks.explain import explain
from whorl.tasks.proposing import LIKE_NONE, consult, disagreements, proposed, shown, with_notes
from whorl.tasks.search import search
from whorl.tasks.sets import search_sets
from whorl.tasks.trying import Outcome, Tried, named_values
from whorl.tasks.weighing import misfits, tempering
from whorl.techniques import technique_for
from whorl.techniques.protocol import Findings, Progress, Shortlist, Technique, Unknown
from whorl.trust import groups as grouping
from whorl.trust import probability

_LEVEL = 0.9
_GUESSED = "substitution/"  # keys of structures that nobody has reported
#: probability of none where the best candidate fits in a way that no such phase could
_NOT_THERE = 0.95
_UNEXPLAINED = 0.5  # probability of none from which the data count as not explained
_POLISH_FIRST, _POLISH, _POLISH_BEATEN = 60, 8, 4  # evaluations of the last fit of the first, of others, of lost ones
_BEATEN = 15.0  # log evidence behind the first from which a candidate is shown but not polished


def identify(
    measurement: Measurement,
    *,
    catalogues: Sequence[Catalogue],
    elements: Collection[str] | None = None,
    top: int = 5,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    also: Collection[str] = (),
    proposer: str = "",
    further: Callable[[], Sequence[Catalogue]] | None = None,
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
    also : collection of str
        Entries ("compounds/NiO-rock-salt") that take part however poor they look at first: those found elsewhere in a series.
    proposer : str
        Model, or folder of one, that proposes phases beside the search: those that it holds possible take part too.
    further : callable, optional
        Gives catalogues that are searched too where nothing in ``catalogues`` explains the data: substituted structures, say.
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
    hint = frozenset() if allowed else signal.elements_hint
    searched = [c for c in catalogues if holds(c, technique.hypotheses)]
    network = proposer or technique.proposer
    opinion, unasked = consult(technique, signal, searched, network, allowed) if network else (None, [])
    also = (*also, *proposed(opinion))

    def beside(settled: Any, found: Fit) -> Shortlist:
        return technique.propose(settled, searched, elements=allowed, given=found, also=also)

    def look() -> tuple[Outcome, int, float]:
        shortlist = technique.propose(signal, searched, elements=allowed, also=also, progress=progress)
        outcome = (search_sets if technique.mixed else search)(
            *(technique, signal, shortlist, constants),
            beside=beside,
            also=also,
            hint=hint,
            progress=progress,
            cancelled=cancelled,
        )
        if not outcome.ranked:
            raise FitError("no candidate could be fitted", where=measurement.path, remedy="Check the range and the data.")
        best, other = misfits(technique, outcome.signal, outcome.ranked, constants.temper.discrepancy)
        kind = outcome.ranked[0].suggestions[0].kind
        none = probability.none_probability(best, constants, kind=kind, runner_up=other)
        if not technique.credible(outcome.ranked[0].fit):
            none = max(none, _NOT_THERE)
        return outcome, shortlist.searched, none

    outcome, count, none = look()
    if none > _UNEXPLAINED and further is not None and (more := further()):
        searched += more
        outcome, count, none = look()
    full, signal = outcome.ranked, outcome.signal
    reference = full[0].fit.problem
    numbers = grouping.group(
        [t.fit.calculated for t in full],
        [t.fit.rw for t in full],
        [t.score for t in full],
        reference.observed,
        reference.weights,
        discrepancy=constants.temper.discrepancy,
    )
    shares = probability.share([t.score for t in full])
    final = [(t, n, p * (1 - none)) for t, n, p in zip(full, numbers, shares, strict=True)][:top]
    candidates, there, doubts = _report(technique, signal, final, progress, explained=none <= _UNEXPLAINED)
    if not there and none < _NOT_THERE:  # with all its parameters the first has become what no phase is
        left = (1 - _NOT_THERE) / (1 - none)
        candidates = [c.model_copy(update={"probability": c.probability * left}) for c in candidates]
        none = _NOT_THERE
    candidates = with_notes(candidates, opinion)
    members = probability.credible_set([t.name for t in full], shares, _LEVEL)
    if opinion is not None and opinion.set is not None and opinion.farther >= LIKE_NONE:
        members = list(dict.fromkeys([*members, *opinion.set.members]))
    alone = technique.unknown(signal) if none > _UNEXPLAINED else Unknown()
    verdict = Verdict(
        whorl=_version(),
        task="identify",
        file=measurement.path,
        sha256=measurement.sha256,
        technique=technique.key,
        none_probability=none,
        candidates=candidates,
        set=CredibleSet(level=_LEVEL, members=members),
        opinion=None if opinion is None else shown(opinion, candidates),
        deciding=explain(technique, full, numbers, tempering(technique, signal, full, constants)),
        space_groups=[SpaceGroup(number=n, symbol=s, probability=p) for n, s, p in alone.space_groups],
        assumptions=list(signal.assumptions),
        warnings=[
            *signal.warnings,
            *_warnings(candidates, signal, allowed, none, count),
            *_unread(searched),
            *doubts,
            *alone.words,
            *unasked,
            *disagreements(opinion, candidates),
        ],
    )
    return finish(
        verdict,
        started,
        catalogues={c.name: c.content_hash for c in searched},
        searched=count,
        radiation=signal.instrument.radiation,
    )


def _report(
    technique: Technique,
    signal: Any,
    chosen: Sequence[tuple[Tried, int, float]],
    progress: Progress | None,
    *,
    explained: bool,
) -> tuple[list[Candidate], bool, tuple[str, ...]]:
    """Refine the chosen ones on every point and put them into words; whether the first is still credible, and its doubts."""
    out = []
    there = True
    doubts: tuple[str, ...] = ()
    renumber: dict[int, int] = {}
    for rank, (tried, number, chance) in enumerate(chosen, start=1):
        start = dict(tried.start) | {"values": named_values(tried.fit)}
        trials = technique.trials(signal, [s.load() for s in tried.suggestions], start=start, effort="full")
        names = _names(tried.fit.problem)
        problem, first = min(trials, key=lambda t: len(names ^ _names(t[0])))
        beaten = tried.score < chosen[0][0].score - _BEATEN
        most = _POLISH_BEATEN if beaten else _POLISH_FIRST if rank == 1 and explained else _POLISH
        fit = solve(problem, start=first, max_evaluations=most)
        found: Findings = technique.findings(fit, leftover=rank == 1)
        there = there and (rank > 1 or technique.credible(fit))
        doubts = found.doubts if rank == 1 and explained else doubts
        out.append(
            candidate_from_fit(
                fit,
                found,
                rank=rank,
                group=renumber.setdefault(number, len(renumber) + 1),
                name=tried.name,
                family=" + ".join(s.family for s in tried.suggestions)
                if len(tried.suggestions) > 1
                else tried.suggestions[0].family,
                source=" + ".join(dict.fromkeys(s.source for s in tried.suggestions)),
                entries=[s.key for s in tried.suggestions],
                probability=chance,
                evidence=tried.score,
                polished=not beaten,
            )
        )
        if progress:
            progress("final fits", rank, len(chosen))
    return out, there, doubts


def _names(problem: Problem) -> set[str]:
    """Names of all that a problem has free, by which trials are told apart."""
    return {p.name for p in problem.parameters} | {t.name for t in problem.linear}


def _warnings(
    candidates: Sequence[Candidate], signal: Any, allowed: frozenset[str] | None, none: float, searched: int
) -> list[str]:
    out = []
    best = candidates[0]
    if none > _UNEXPLAINED:
        out.append(f"none of the {searched} structures searched explains this measurement well (best Rw {best.rw:.3f})")
    guessed = [name for name, key in zip(best.name.split(" + "), best.entries, strict=False) if key.startswith(_GUESSED)]
    if guessed and none <= _UNEXPLAINED:
        out.append(f"{guessed[0]} is no compound of the catalogues: the elements given, put on the sites of a known structure")
    together = [c.name for c in candidates if c.group == best.group]
    if len(together) > 1:
        out.append(f"this measurement cannot tell {', '.join(together)} apart")
    found = {el for s in best.structures for el in s.elements}
    if len(found) == 1 and allowed is None:
        out.append(
            f"a pattern of one element hardly shows which element it is: {next(iter(found))} rests on the length scale"
            + (" and the composition in the file" if signal.elements_hint == found else "")
        )
    if signal.elements_hint and found and found != set(signal.elements_hint) and none <= _UNEXPLAINED:
        out.append(
            f"the composition in the file ({' '.join(sorted(signal.elements_hint))}) disagrees with the best match "
            f"({' '.join(sorted(found))}): one of them is wrong"
        )
    return out


def _unread(catalogues: Sequence[Catalogue]) -> list[str]:
    """Files of the catalogues' folders that could not be used."""
    out = []
    for catalogue in catalogues:
        skipped = catalogue.skipped if isinstance(catalogue, FolderCatalogue) else ()
        if skipped:
            rest = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
            out.append(f"catalogue {catalogue.name}: {skipped[0].path} could not be used ({skipped[0].reason}){rest}")
    return out


def _version() -> str:
    from whorl import __version__

    return __version__
