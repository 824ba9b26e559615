r"""Explain: which stretches of the data decide between the first candidate and the next that says something else.

The log evidence of a fit falls with the logarithm of its misfit, -tau N/2 ln(R^2 + eps^2), and R^2 is a sum over points. The
difference between two fits A and B is therefore a sum over stretches g of the axis, exactly:

.. math::
    \frac{\tau N}{2} \ln \frac{B}{A} = \sum_g \frac{\tau N}{2} \frac{S_g^B - S_g^A}{L(A, B)}, \qquad
    L(A, B) = \frac{B - A}{\ln (B / A)}

with S_g the part of R^2 in the stretch, A and B the two R^2 + eps^2 and L their logarithmic mean (the additive decomposition of
Ang & Choi, Energy J. 18, 59 (1997), doi:10.5547/ISSN0195-6574-EJ-Vol18-No3-3). Beside it stands what a stretch means for the
answer: the probability of A against B with the stretch left out of the data, both fits kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Deciding, Explanation
from whorl.fitting.evidence import Temper
from whorl.fitting.problem import Fit
from whorl.tasks.trying import Tried
from whorl.techniques.protocol import Technique

Array = NDArray[np.float64]

#: stretches named, and the least that one gives, in log evidence and in parts of the most telling one
_MOST, _LEAST, _PART = 12, 0.1, 0.01


def explain(technique: Technique, ranked: Sequence[Tried], groups: Sequence[int], temper: Temper) -> Explanation | None:
    """What decides between the first candidate and the best of another group (the second, where there is but one group).

    Parameters
    ----------
    technique : Technique
    ranked : sequence of Tried
        Best first, fitted to one signal.
    groups : sequence of int
        Group of each.
    temper : Temper
        That of the evidence they were ranked by.

    Returns
    -------
    Explanation or None
        None where there is one candidate only.
    """
    if len(ranked) < 2:
        return None
    number = next((i for i, g in enumerate(groups) if g != groups[0]), 1)
    first, other = ranked[0], ranked[number]
    if first.fit.problem.x.size != other.fit.problem.x.size:
        return None
    difference = first.score - other.score
    regions = technique.regions(first.fit, other.fit)
    gains, without = weigh(first.fit, other.fit, [(r.low, r.high) for r in regions], temper)
    order = np.argsort(-np.abs(gains), kind="stable")[:_MOST]
    least = max(_LEAST, _PART * float(np.abs(gains).max(initial=0.0)))
    stretches = [
        Deciding(
            range=(regions[i].low, regions[i].high),
            evidence=float(gains[i]),
            probability_without=_chance(difference + float(without[i])),
            first=list(regions[i].first),
            other=list(regions[i].second),
        )
        for i in order
        if abs(gains[i]) >= least
    ]
    return Explanation(
        other=other.name, rank=number + 1, evidence=difference, probability=_chance(difference), stretches=stretches
    )


def weigh(first: Fit, other: Fit, stretches: Sequence[tuple[float, float]], temper: Temper) -> tuple[Array, Array]:
    """Log evidence that each stretch of the axis gives one fit over another, and what leaving it out changes.

    Parameters
    ----------
    first, other : Fit
        Of the same points and weights.
    stretches : sequence of (low, high)
        In the unit of the axis, none overlapping.
    temper : Temper

    Returns
    -------
    gains : array, shape (g,)
        Parts of the difference of log evidence, positive for ``first``; with that of points in no stretch they add up to it.
    changes : array, shape (g,)
        Change of the difference where the stretch is left out.
    """
    problem = first.problem
    points = temper.fraction * problem.independent_points
    norm = problem.weights * problem.observed**2
    total = float(norm.sum())
    parts = np.array([problem.weights * (problem.observed - f.calculated) ** 2 / total for f in (first, other)])
    level = temper.discrepancy**2
    whole = parts.sum(axis=1) + level
    ahead = 0.5 * points * float(np.log(whole[1] / whole[0]))
    gains, changes = np.zeros(len(stretches)), np.zeros(len(stretches))
    for i, (low, high) in enumerate(stretches):
        inside = (problem.x >= low) & (problem.x < high)
        own = parts[:, inside].sum(axis=1)
        gains[i] = 0.5 * points * (own[1] - own[0]) / _logarithmic_mean(float(whole[0]), float(whole[1]))
        rest = max(1.0 - float(norm[inside].sum()) / total, 1e-6)
        left = np.maximum(parts.sum(axis=1) - own, 0.0) / rest + level
        share = 1.0 - np.count_nonzero(inside) / inside.size
        changes[i] = 0.5 * points * share * float(np.log(left[1] / left[0])) - ahead
    return gains, changes


def _logarithmic_mean(a: float, b: float) -> float:
    """(b - a) / ln(b / a), which lies between a and b.

    Examples
    --------
    >>> _logarithmic_mean(2.0, 2.0), round(_logarithmic_mean(1.0, 2.0), 4)
    (2.0, 1.4427)
    """
    return a if abs(b - a) < 1e-9 * a else float((b - a) / np.log(b / a))


def _chance(difference: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(difference, -40, 40))))
