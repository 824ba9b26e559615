r"""Mixtures: phases are added one at a time, jointly refined, as long as evidence asks for them.

Entries are ranked by what they explain beside the phases found so far (the technique projects those out), the best are
refined together with them, and the larger hypothesis has to win against the smaller one, with a prior that says how often
samples hold one phase more and that any family may be the one. A phase has to be there: its amount must stand out from its
uncertainty, and it must explain a part of what the best candidates of fewer phases leave over; imperfect models leave a
residual that any flexible addition takes a little of.

That a phase is there is a larger claim than that one structure fits better than its like, and more of the points testify to
it. Two structures that both fit differ by what little is wrong with either, and few of the points are believed in that
(`whorl.fitting.evidence`). A further crystal has lines of its own all over the range, and is asked to explain a fifth of the
misfit, which the small errors of a model do not imitate. Its claim is weighed like any where that does not hold: of a
cluster, whose lines are at short distances, where ligands and disorder show too; and of a phase whose pattern is much like
another's, as polytypes are of each other, whose faults and distortions pass for it. What is compared is

.. math::
    \ln Z = \ln Z(\tau) - \tfrac{1}{2} \ln \det\left(1 + \frac{\tau N}{R_w^2 + \epsilon^2}\, s^2 B^T B\right)

with tau of its own, and B the patterns of the phases at unit amount: the amounts are parameters too, each with a prior of
spread s, that of a share between 0 and 1. Between candidates of one phase the second term hardly differs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.evidence import Temper
from whorl.fitting.problem import Fit
from whorl.tasks.trying import Search, Tried, diverse, family_of, named_values
from whorl.techniques.protocol import Suggestion

#: candidates that are extended: of other families than the first, and not far behind it in log evidence; more of them where
#: no single phase comes near the data
_STARTS, _STARTS_POOR, _BEHIND = 2, 4, 60.0
_POOR = 0.35
_WORTH = -3.0  # coarse log evidence, prior included, that an addition must promise: a refinement may gain more
#: correlation of two simulations from which one start is as good as the other
_ALIKE = 0.95
_QUICK, _PER_FAMILY, _FULL = 6, 2, 3
#: what is tried in the place of a mixture's first phase
_SWAPS = 4
#: evidence of a further phase over that of the coarse match, which believes a quarter of the points
_OVER_COARSE = 2.0
_SIGNIFICANT = 3.0  # amount over its standard uncertainty
#: part of the power left over that one more phase has to explain
_EXPLAINS = 0.2
#: misfit below which nothing is left to explain
_ENOUGH = 0.02
#: part of the independent points that testifies for or against one more phase
_TESTIFY = 0.5
#: part of that share which a first fit, of the new phase alone and at short distances, has to explain
_FIRST_SHOWS = 0.3
#: power that it may leave, in units of what the first candidate leaves
_NEAR = 2.0
#: correlation of the patterns of two phases up to which each has lines of its own (random pairs: below 0.3; wurtzite and
#: zincblende: 0.4 to 0.6)
_OWN_LINES = 0.4
_SPREAD = float(1 / np.sqrt(12.0))  # of an amount between 0 and 1


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
    judge = Judge(run, ranked)
    starts, added = _starts(ranked), list[Tried]()
    for _ in range(run.technique.most_phases - 1):
        found = _extended(run, judge, starts, beside, named, known={_key(t.suggestions) for t in [*ranked, *added]})
        if not found:
            break
        if len(found[0].suggestions) == 2 and found[0].score > ranked[0].score:
            found = _with_another_first(run, judge, found, beside, {_key(t.suggestions) for t in [*ranked, *found]})
        # two phases of three may explain too little to win, and all three together enough
        added += found
        judge.fewer += found
        starts = found[:1]
    better = [t for t in added if t.score > ranked[0].score]
    return sorted([*ranked, *better], key=lambda t: -t.score)


class Judge:
    """Tells whether the phases of a mixture are there, and what they are worth.

    Attributes
    ----------
    fewer : list of Tried
        Candidates of fewer phases, the best single one first.
    """

    def __init__(self, run: Search, ranked: Sequence[Tried]) -> None:
        self.fewer = list(ranked)
        self._technique = run.technique
        self._plain = run.constants.temper
        self._crystals = Temper(self._plain.discrepancy, max(_TESTIFY, self._plain.fraction))

    def worth(self, tried: Tried) -> Tried:
        """The mixture with the worth of its further phases, such that its score is ahead of the first by what it should be."""
        first = self.fewer[0]
        temper = self._crystals if _lines_of_their_own(tried) else self._plain
        ahead = (_support(tried.fit, temper) + tried.prior) - (_support(first.fit, temper) + first.prior)
        return replace(tried, further=ahead + first.score - tried.fit.evidence - tried.prior)

    def real(self, tried: Tried) -> bool:
        """Every phase stands out from its uncertainty, and together they explain more than the best of fewer phases.

        Those are the first candidate, and all that hold no other phases than the mixture does.
        """
        fit, key = tried.fit, _key(tried.suggestions)
        if not np.all(fit.factors > _SIGNIFICANT * fit.factor_sigma) or not self._technique.credible(fit):
            return False
        parts = [t for t in self.fewer if _key(t.suggestions) < key]
        least = min(t.fit.rw for t in [self.fewer[0], *parts])
        return fit.rw**2 < (1 - _EXPLAINS) * least**2

    def shows(self, tried: Tried, base: Tried) -> bool:
        """Tell whether a first fit leaves enough less than its base does to go on, and comes near the first candidate."""
        rw2, x = tried.fit.rw**2, tried.fit.problem.x
        enough = rw2 < (1 - _FIRST_SHOWS * _EXPLAINS) * _left(base.fit, float(x[-1]))
        return enough and rw2 < _NEAR * _left(self.fewer[0].fit, float(x[-1]))


def _lines_of_their_own(tried: Tried) -> bool:
    """Tell whether all phases are crystals, and none's pattern is much like another's."""
    if any(s.kind != "crystal" for s in tried.suggestions):
        return False
    patterns = _patterns(tried.fit)
    patterns = patterns / np.maximum(np.linalg.norm(patterns, axis=0), 1e-300)
    alike = patterns.T @ patterns
    return float(np.max(alike - np.eye(len(alike)), initial=0.0)) < _OWN_LINES


def _patterns(fit: Fit) -> NDArray[np.float64]:
    """Patterns of the phases at unit amount, weighted so that the squares of the data sum to 1, shape (n, phases)."""
    problem = fit.problem
    root = np.sqrt(problem.weights / float(np.sum(problem.weights * problem.observed**2)))
    return np.asarray(root[:, None] * problem.evaluate(fit.values, jacobian=False).basis)


def _left(fit: Fit, end: float) -> float:
    """R_w squared of a fit up to some place on the axis."""
    near = fit.problem.x <= end
    weights, observed = fit.problem.weights[near], fit.problem.observed[near]
    rest = float(np.sum(weights * (observed - fit.calculated[near]) ** 2))
    return rest / max(float(np.sum(weights * observed**2)), 1e-300)


def _support(fit: Fit, temper: Temper) -> float:
    """Log evidence of a fit, its amounts included."""
    basis = _patterns(fit) * (float(fit.factors.sum()) * _SPREAD)
    weight = temper.fraction * fit.support.independent_points / (fit.rw**2 + temper.discrepancy**2)
    hessian = np.eye(basis.shape[1]) + weight * (basis.T @ basis)
    return fit.support.log_evidence(temper) - 0.5 * float(np.linalg.slogdet(hessian)[1])


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
    judge: Judge,
    starts: Sequence[Tried],
    beside: Callable[[Fit], Sequence[Suggestion]],
    named: Sequence[Suggestion],
    known: set[frozenset[str]],
    most: int = _QUICK,
) -> list[Tried]:
    """Refined candidates of one phase more than the starts whose addition is real, best first."""
    pairs: list[tuple[Tried, Suggestion]] = []
    for base in starts:
        if base.fit.rw < _ENOUGH:
            continue
        gains = [(s, _OVER_COARSE * s.merit + run.prior([*base.suggestions, s]) - base.prior) for s in beside(base.fit)]
        if base is not starts[0]:  # with the first start's phase, the addition was looked for beside that
            gains = [(s, gain) for s, gain in gains if family_of(s) not in starts[0].families]
        worth = sorted((pair for pair in gains if pair[1] > _WORTH), key=lambda pair: -pair[1])
        for s in [*diverse([s for s, _ in worth], most, _PER_FAMILY), *named]:
            key = _key([*base.suggestions, s])
            if key not in known and s.key not in {phase.key for phase in base.suggestions}:
                known.add(key)
                pairs.append((base, s))

    def first(pair: tuple[Tried, Suggestion]) -> Tried | None:
        """Only the new phase moves."""
        base, more = pair
        start = start_beside(base, more, run.technique.shared)
        return run.fit([*base.suggestions, more], start, "quick", fixed=start["values"])

    bases = {_key([*base.suggestions, more]): base for base, more in pairs}
    quick = [t for t in run.each(first, pairs, "mixtures, first fits") if judge.shows(t, bases[_key(t.suggestions)])]

    def second(tried: Tried) -> Tried | None:
        start = dict(tried.start) | {"values": {**tried.start["values"], **named_values(tried.fit)}}
        refined = run.fit(tried.suggestions, start, "rank")
        return judge.worth(refined) if refined is not None and judge.real(refined) else None

    return run.each(second, quick[:_FULL], "mixtures, refinements")


def _with_another_first(
    run: Search,
    judge: Judge,
    found: list[Tried],
    beside: Callable[[Fit], Sequence[Suggestion]],
    known: set[frozenset[str]],
) -> list[Tried]:
    """Mixtures of two phases and, where there are better ones, those with another first phase; best first.

    The first phase was chosen when nothing was known of the second, and took up some of what is the second's.
    """
    best = found[0]
    last = best.suggestions[1]
    values = {n[2:]: v for n, v in named_values(best.fit).items() if n.startswith("2:")}
    values |= {n: v for n, v in named_values(best.fit).items() if ":" not in n}
    held = run.fit([last], dict(last.start) | {"values": values, "size": "diameter" in values}, "hold")
    if held is None:
        return found
    return sorted([*found, *_extended(run, judge, [held], beside, (), known, _SWAPS)], key=lambda t: -t.score)


def start_beside(base: Tried, more: Suggestion, shared: Collection[str]) -> Mapping[str, Any]:
    """Start of a mixture: the fit so far, and what the match says of the new phase."""
    values = named_values(base.fit)
    if len(base.suggestions) == 1:
        phases = [dict(base.start) | {"size": any(n == "diameter" for n in values)}]
        values = {n if n in shared else f"1:{n}": v for n, v in values.items()}
    else:
        phases = [dict(p) | {"size": f"{i + 1}:diameter" in values} for i, p in enumerate(base.start["phases"])]
    for p in phases:
        p.pop("values", None)
    return {"phases": [*phases, dict(more.start)], "values": values}


def _key(suggestions: Sequence[Suggestion]) -> frozenset[str]:
    return frozenset(s.key for s in suggestions)
