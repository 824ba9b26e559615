r"""Mixtures: phases are added one at a time, jointly refined, as long as evidence asks for them.

Entries are ranked by what they explain beside the phases found so far (the technique projects those out), the best are
refined together with them, and the larger hypothesis has to win against the smaller one in tempered evidence, with a prior
that says how often samples hold one phase more and that any family may be the one. A phase has to be there: its amount must
stand out from its uncertainty, and it must explain a part of what was left over; imperfect models leave a residual that any
flexible addition takes a little of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from whorl.fitting.problem import Fit
from whorl.tasks.trying import Search, Tried, diverse, named_values
from whorl.techniques.protocol import Suggestion

MOST_PHASES = 3
#: candidates that are extended: of other families than the first, and not far behind it in log evidence; more of them where
#: no single phase comes near the data
_STARTS, _STARTS_POOR, _BEHIND = 2, 4, 60.0
_POOR = 0.35
_WORTH = -3.0  # coarse log evidence, prior included, that an addition must promise: a refinement may gain more
#: correlation of two simulations from which one start is as good as the other
_ALIKE = 0.95
_QUICK, _PER_FAMILY, _FULL = 6, 2, 3
_SIGNIFICANT = 3.0  # amount over its standard uncertainty
#: part of the power left over that one more phase has to explain
_EXPLAINS = 0.2
#: misfit below which nothing is left to explain
_ENOUGH = 0.02


def with_more_phases(
    run: Search,
    ranked: Sequence[Tried],
    beside: Callable[[Fit], Sequence[Suggestion]],
    named: Sequence[Suggestion] = (),
) -> list[Tried]:
    """Candidates and the mixtures that beat them, best first.

    Parameters
    ----------
    run : Search
    ranked : sequence of Tried
        Refined candidates, best first.
    beside : callable
        Ranks all admissible entries by what they explain beside a fit.
    named : sequence of Suggestion
        Further phases that are tried in any case.
    """
    out = list(ranked)
    starts, added = _starts(ranked), list[Tried]()
    for _ in range(MOST_PHASES - 1):
        found = _extended(run, starts, beside, named, known={_key(t.suggestions) for t in [*out, *added]})
        if not found:
            break
        # two phases of three may explain too little to win, and all three together enough
        added += found
        starts = found[:1]
    better = [t for t in added if t.score > out[0].score]
    return sorted([*out, *better], key=lambda t: -t.score)


def _starts(ranked: Sequence[Tried]) -> list[Tried]:
    """The best candidate, and the best of other families that are not far behind."""
    most = _STARTS if ranked[0].fit.rw < _POOR else _STARTS_POOR
    out = [ranked[0]]
    for t in (
        t for t in ranked[1:] if t.suggestions[0].kind == ranked[0].suggestions[0].kind or t.suggestions[0].kind == "crystal"
    ):
        if t.score > ranked[0].score - _BEHIND and not any(t.families & o.families or _alike(t.fit, o.fit) for o in out):
            out.append(t)
    return out[:most]


def _alike(one: Fit, other: Fit) -> bool:
    a, b = one.calculated, other.calculated
    return a.shape == b.shape and float(a @ b) > _ALIKE * float(np.sqrt((a @ a) * (b @ b)))


def _extended(
    run: Search,
    starts: Sequence[Tried],
    beside: Callable[[Fit], Sequence[Suggestion]],
    named: Sequence[Suggestion],
    known: set[frozenset[str]],
) -> list[Tried]:
    """Refined candidates of one phase more than the starts whose addition is real, best first."""
    pairs: list[tuple[Tried, Suggestion]] = []
    for base in starts:
        if base.fit.rw < _ENOUGH:
            continue
        gains = [(s, s.merit + run.prior([*base.suggestions, s]) - base.prior) for s in beside(base.fit)]
        worth = sorted((pair for pair in gains if pair[1] > _WORTH), key=lambda pair: -pair[1])
        for s in [*diverse([s for s, _ in worth], _QUICK, _PER_FAMILY), *named]:
            key = _key([*base.suggestions, s])
            if key not in known and s.key not in {phase.key for phase in base.suggestions}:
                known.add(key)
                pairs.append((base, s))

    def first(pair: tuple[Tried, Suggestion]) -> Tried | None:
        """Only the new phase moves."""
        base, more = pair
        start = _start(base, more)
        return run.fit([*base.suggestions, more], start, "quick", fixed=start["values"])

    quick = run.each(first, pairs, "mixtures, first fits")
    bases = {_key([*base.suggestions, more]): base for base, more in pairs}

    def second(tried: Tried) -> Tried | None:
        start = dict(tried.start) | {"values": {**tried.start["values"], **named_values(tried.fit)}}
        refined = run.fit(tried.suggestions, start, "rank")
        return refined if refined is not None and _real(refined, bases[_key(tried.suggestions)]) else None

    return run.each(second, quick[:_FULL], "mixtures, refinements")


def _real(tried: Tried, base: Tried) -> bool:
    """Every phase stands out from its uncertainty, and the addition explains its part of what was left over."""
    fit = tried.fit
    present = bool(np.all(fit.factors > _SIGNIFICANT * fit.factor_sigma))
    return present and fit.rw**2 < (1 - _EXPLAINS) * base.fit.rw**2


def _start(base: Tried, more: Suggestion) -> Mapping[str, Any]:
    """Start of a mixture: the fit so far, and what the match says of the new phase."""
    values = named_values(base.fit)
    if len(base.suggestions) == 1:
        phases = [dict(base.start) | {"size": any(n == "diameter" for n in values)}]
        shared = {"qdamp", "qbroad"}
        values = {n if n in shared else f"1:{n}": v for n, v in values.items()}
    else:
        phases = [dict(p) | {"size": f"{i + 1}:diameter" in values} for i, p in enumerate(base.start["phases"])]
    for p in phases:
        p.pop("values", None)
    return {"phases": [*phases, dict(more.start)], "values": values}


def _key(suggestions: Sequence[Suggestion]) -> frozenset[str]:
    return frozenset(s.key for s in suggestions)
