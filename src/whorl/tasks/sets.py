"""Search for sets of phases: for techniques whose samples are mixtures as a rule (`whorl.techniques.protocol.Technique.mixed`).

A beam search. The best single candidates are fitted; to each of the best sets so far, what explains most of the rest is added
and all is fitted again with few parameters; sets in which every phase is there are kept. It ends when no addition is worth its
prior, or at the technique's largest number of phases. In the best set each phase is then changed for what else explains its
place, since the first was chosen when nothing was known of the others. The best sets are refined and ranked by evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from whorl.fitting.problem import Fit
from whorl.tasks.trying import Outcome, Search, Tried, diverse, family_of, named_values
from whorl.tasks.weighing import weighed
from whorl.techniques.protocol import Progress, Shortlist, Suggestion, Technique
from whorl.trust.probability import Calibration

#: single candidates fitted first, of a family at most, and sets extended at each level
_FIRST, _PER_FAMILY, _BEAM = 20, 3, 3
#: additions fitted for each set of the beam
_ADDED = 6
#: candidates tried in the place of each phase of the best set
_SWAPS = 3
#: sets refined in the end, and how far behind in log evidence they may be
_REFINED, _BEHIND = 6, 30.0
#: times that a set is fitted, each from another of its parts, before it is given up
_ATTEMPTS = 2
#: log evidence that an addition must promise in the cheap match, prior included
_WORTH = 0.0


def search_sets(
    technique: Technique,
    signal: Any,
    shortlist: Shortlist,
    constants: Calibration,
    *,
    beside: Callable[[Any, Fit], Shortlist],
    also: Collection[str] = (),
    hint: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Find the sets of phases that explain a measurement; arguments as in `whorl.tasks.search.search`."""
    run = Search(technique, signal, shortlist.families, constants, hint=hint, progress=progress, cancelled=cancelled)
    return _SetSearch(run, beside, also).outcome(shortlist)


class _SetSearch:
    def __init__(self, run: Search, beside: Callable[[Any, Fit], Shortlist], also: Collection[str]) -> None:
        self._run, self._beside, self._also = run, beside, frozenset(also)
        self._known: set[frozenset[str]] = set()
        self._attempts: Counter[frozenset[str]] = Counter()
        self._kept: list[Tried] = []

    def outcome(self, shortlist: Shortlist) -> Outcome:
        run = self._run
        ordered = sorted(shortlist.suggestions, key=lambda s: -(s.merit + run.prior([s])))
        named = [s for s in ordered if s.key in self._also]
        first = [*diverse(ordered, _FIRST, _PER_FAMILY), *named]
        singles = self._fit([((s,), s.start) for s in first], "first fits")
        if not singles:
            return Outcome([], run.signal)
        run.signal = run.technique.settle(run.signal, singles[0].fit)
        self._kept = list(singles)
        beam = self._beam(singles)
        for count in range(2, run.technique.most_phases + 1):
            found = self._extended(beam, f"sets of {count} phases")
            best = max(t.score for t in self._kept)
            self._kept += found
            beam = self._beam(found)
            if not found or found[0].score <= best:
                break
        best_set = max(self._kept, key=lambda t: t.score)
        self._kept += self._swapped(best_set)
        self._kept.sort(key=lambda t: -t.score)
        return Outcome(self._refined(), run.signal)

    def _fit(self, items: Sequence[tuple[tuple[Suggestion, ...], Mapping[str, Any]]], label: str) -> list[Tried]:
        """Sets fitted with few parameters in which every phase is there, best first; a single candidate is kept in any case."""
        fresh = []
        for suggestions, start in items:
            key = _key_of(suggestions)
            # a set may end in a poor minimum from one of its parts and not from another
            if key not in self._known and len(key) == len(suggestions) and self._attempts[key] < _ATTEMPTS:
                self._attempts[key] += 1
                fresh.append((suggestions, start))

        def attempt(item: tuple[tuple[Suggestion, ...], Mapping[str, Any]]) -> Tried | None:
            suggestions, start = item
            tried = self._run.fit(suggestions, start, "quick")
            if tried is None or (len(suggestions) > 1 and not self._run.technique.credible(tried.fit)):
                return None
            return tried

        kept: list[Tried] = []
        for tried in self._run.each(attempt, fresh, label):
            if _key_of(tried.suggestions) not in self._known:
                self._known.add(_key_of(tried.suggestions))
                kept.append(tried)
        return kept

    def _beam(self, found: Sequence[Tried]) -> list[Tried]:
        """The best sets, of different families."""
        out: list[Tried] = []
        for tried in sorted(found, key=lambda t: -t.score):
            if len(out) < _BEAM and all(tried.families != t.families for t in out):
                out.append(tried)
        return out

    def _extended(self, beam: Sequence[Tried], label: str) -> list[Tried]:
        items: list[tuple[tuple[Suggestion, ...], Mapping[str, Any]]] = []
        for base in beam:
            more = self._beside(self._run.signal, base.fit).suggestions
            gains = [(s.merit + self._run.prior([*base.suggestions, s]) - base.prior, s) for s in more]
            worth = [s for gain, s in sorted(gains, key=lambda pair: -pair[0]) if gain > _WORTH]
            chosen = diverse(worth, _ADDED, _PER_FAMILY)
            chosen += [s for s in more if s.key in self._also and all(s is not c for c in chosen)]
            items += [((*base.suggestions, s), self._start_beside(base, s)) for s in chosen]
        return self._fit(items, label)

    def _swapped(self, best: Tried) -> list[Tried]:
        """The best set with each of its phases changed for another."""
        if len(best.suggestions) < 2:
            return []
        items: list[tuple[tuple[Suggestion, ...], Mapping[str, Any]]] = []
        for number, out in enumerate(best.suggestions):
            rest = tuple(s for s in best.suggestions if s is not out)
            base = self._run.fit(rest, _start_without(best, number, self._run.technique.shared), "hold")
            if base is None:
                continue
            more = [s for s in self._beside(self._run.signal, base.fit).suggestions if s.key != out.key]
            near = [s for s in more if family_of(s) == family_of(out)][:1]
            items += [((*rest, s), self._start_beside(base, s)) for s in [*near, *diverse(more, _SWAPS, 1)]]
        return self._fit(items, "other phases")

    def _refined(self) -> list[Tried]:
        run = self._run
        first = self._kept[0]
        chosen = [t for t in self._kept if t.score > first.score - _BEHIND][:_REFINED]
        other = next((t for t in self._kept if t.families != first.families), None)
        if other is not None and all(t.families == first.families for t in chosen):
            chosen.append(other)

        def attempt(tried: Tried) -> Tried | None:
            return run.fit(tried.suggestions, dict(tried.start) | {"values": named_values(tried.fit)}, "rank")

        ranked = run.each(attempt, chosen, "refinements") or chosen
        return weighed(run.technique, run.signal, ranked, run.constants)

    def _start_beside(self, base: Tried, more: Suggestion) -> Mapping[str, Any]:
        """Start of a set: the fit so far, and what the match says of the new phase."""
        shared = self._run.technique.shared
        values = named_values(base.fit)
        if len(base.suggestions) == 1:
            phases: list[Mapping[str, Any]] = [base.start]
            values = {n if n in shared else f"1:{n}": v for n, v in values.items()}
        else:
            phases = list(base.start["phases"])
        return {"phases": [*(_bare(p) for p in phases), _bare(more.start)], "values": values}


def _key_of(suggestions: Sequence[Suggestion]) -> frozenset[str]:
    return frozenset(s.key for s in suggestions)


def _bare(start: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v for n, v in start.items() if n != "values"}


def _start_without(tried: Tried, number: int, shared: Collection[str]) -> Mapping[str, Any]:
    """Start of a set without one of its phases."""
    values = {}
    left = [i for i in range(len(tried.suggestions)) if i != number]
    for name, value in named_values(tried.fit).items():
        if name in shared:
            values[name] = value
            continue
        index, _, bare = name.partition(":")
        if int(index) - 1 in left:
            place = left.index(int(index) - 1) + 1
            values[bare if len(left) == 1 else f"{place}:{bare}"] = value
    phases = [tried.start["phases"][i] for i in left]
    return {**phases[0], "values": values} if len(left) == 1 else {"phases": phases, "values": values}
