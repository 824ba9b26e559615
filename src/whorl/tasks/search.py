"""Search: from a ranked list of suggestions to refined, ranked candidates.

The most promising suggestions, no more than a few of a family, are fitted with few parameters; the best of those are
refined fully; to the best of these, further phases are added as long as evidence asks for them (`whorl.tasks.mixtures`). The
prior is uniform over families, then over the entries of a family: forty spinels do not outvote one rutile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from whorl.fitting.problem import Fit
from whorl.tasks.mixtures import with_more_phases
from whorl.tasks.trying import Outcome, Search, Tried, diverse, family_of, named_values
from whorl.tasks.weighing import weighed
from whorl.techniques.protocol import Progress, Shortlist, Suggestion, Technique
from whorl.trust.probability import Calibration

_QUICK = 32
_PER_FAMILY = 5
_FULL = 10
_FULL_AT_LEAST = 6
_HOPELESS = 25.0  # log evidence behind the best after the first fits
#: crystals that get a first fit for their match alone, whatever the priors say
_BY_MATCH = 6
#: R_w beyond which a first fit shows no likeness, and how many of that kind are followed up
_POOR, _POOR_AT_MOST = 0.65, 4
#: relatives of the first that had no first fit: how many are tried, how far behind in the cheap match and in the first fit
_KIN, _KIN_BEHIND, _KIN_CLOSE = 12, 5.0, 2.0


def search(
    technique: Technique,
    signal: Any,
    shortlist: Shortlist,
    constants: Calibration,
    *,
    beside: Callable[[Any, Fit], Shortlist] | None = None,
    also: Collection[str] = (),
    hint: frozenset[str] = frozenset(),
    progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Fit the most promising suggestions.

    Parameters
    ----------
    technique : Technique
    signal : Signal of the technique
    shortlist : Shortlist
    constants : Calibration
    beside : callable, optional
        Ranks the admissible entries by what they explain of a signal beside a fit; without it, no mixtures are tried.
    also : collection of str
        Keys of suggestions that are refined in any case, alone and as further phases.
    hint : frozenset of str
        Elements named in the file.
    progress, cancelled : callable, optional
        As in `identify`.

    Returns
    -------
    Outcome
        Without candidates when none can be fitted.
    """
    run = Search(technique, signal, shortlist.families, constants, hint=hint, progress=progress, cancelled=cancelled)
    named = [s for s in shortlist.suggestions if s.key in also]
    quick = _fit_quick(run, shortlist.suggestions, named)
    if not quick:
        return Outcome([], signal)
    run.signal = technique.settle(signal, quick[0].fit)
    ranked = _with_kin(run, _fit_full(run, quick, also), quick, shortlist.suggestions)
    if beside is not None:
        settled = run.signal
        ranked = with_more_phases(run, ranked, lambda fit: beside(settled, fit).suggestions, named)
    return Outcome(weighed(technique, run.signal, ranked, constants), run.signal)


def _fit_quick(run: Search, suggestions: Sequence[Suggestion], named: Sequence[Suggestion]) -> list[Tried]:
    ordered = [s for s, _ in sorted(((s, s.merit + run.prior([s])) for s in suggestions), key=lambda pair: -pair[1])]

    def attempt(s: Suggestion) -> Tried | None:
        return run.fit([s], s.start, "quick")

    chosen = diverse(ordered, _QUICK, _PER_FAMILY)
    # what is improbable alone may be a phase of a mixture
    matching = sorted((s for s in suggestions if s.kind == "crystal"), key=lambda s: -s.merit)
    chosen += [s for s in diverse(matching, _BY_MATCH, 1) if s not in chosen]
    return run.each(attempt, [*chosen, *(s for s in named if s not in chosen)], "first fits")


def _with_kin(run: Search, ranked: list[Tried], quick: Sequence[Tried], suggestions: Sequence[Suggestion]) -> list[Tried]:
    """Give the near relatives of the first a second chance: of a large family only a few took part in the first fits."""
    tried = {s.key for t in quick for s in t.suggestions}
    first = ranked[0].suggestions[0]
    kin = [s for s in suggestions if family_of(s) == family_of(first) and s.key not in tried]
    kin = [s for s in kin if s.merit + s.prior > first.merit + first.prior - _KIN_BEHIND][:_KIN]
    level = min((t.score for t in quick if t.suggestions == ranked[0].suggestions), default=-float("inf"))

    def attempt(s: Suggestion) -> Tried | None:
        found = run.fit([s], s.start, "quick")
        if found is None or found.score < level - _KIN_CLOSE:
            return None
        start = dict(s.start) | {"values": named_values(found.fit), "misfit": found.fit.rw}
        return run.fit([s], start, "rank")

    return sorted([*ranked, *run.each(attempt, kin, "relatives of the first")], key=lambda t: -t.score) if kin else ranked


def _fit_full(run: Search, quick: Sequence[Tried], also: Collection[str]) -> list[Tried]:
    chosen = [t for n, t in enumerate(quick[:_FULL]) if n < _FULL_AT_LEAST or t.score > quick[0].score - _HOPELESS]
    poor = [t for t in chosen if t.fit.rw > _POOR]
    chosen = [t for t in chosen if t.fit.rw <= _POOR or t in poor[:_POOR_AT_MOST]]
    # the best of another family always competes: by how far it is beaten shows how well the first stands alone; one that is far
    # behind is taken as it is
    first = quick[0].families
    if all(t.families == first for t in chosen):
        chosen += [t for t in quick if t.families != first][:1]
    chosen += [t for t in quick if t.suggestions[0].key in also and t not in chosen]

    def attempt(tried: Tried) -> Tried | None:
        lost = tried.score < quick[0].score - _HOPELESS
        start = dict(tried.start) | {"values": named_values(tried.fit), "misfit": 1.0 if lost else tried.fit.rw}
        return run.fit(tried.suggestions, start, "rank")

    return run.each(attempt, chosen, "refinements") or list(quick[:1])
