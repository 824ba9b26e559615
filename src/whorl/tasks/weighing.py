r"""What the fits say once all are done: how much their misfits testify, and how well the first stands alone.

Noise is independent from point to point, so that where a misfit is noise every independent point testifies; what is wrong
with a model shows at many points at once, and only a part of them testifies. The share of noise in the misfit of the best
candidate therefore decides between the stated fraction of the points and all of them:

.. math::
    \tau = \tau_0 + c (1 - \tau_0) \min(1, R_n^2 / R_w^2)

with R_n what noise alone would leave. c is 1 where the noise was seen on its own, beyond the end of a particle. Where it
had to be taken from the residual it is less, and the share enters squared: broad errors of a model pass for noise there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from whorl.fitting.evidence import Temper
from whorl.tasks.trying import Tried
from whorl.techniques.protocol import Noise, Technique
from whorl.trust.groups import SHARE_OF_MISFIT, distance
from whorl.trust.probability import Calibration

_LEAST_SHARE = 0.2
_EVEN = 1.0  # difference of log evidence up to which relatives are ordered by misfit
#: noise is read off all fits whose misfit is no more than this times the least: from one alone it is known to a third
_AS_GOOD = 1.1
#: how far noise that was only estimated from the residual is believed
_ESTIMATED = 0.375


def weighed(technique: Technique, signal: Any, ranked: Sequence[Tried], constants: Calibration) -> list[Tried]:
    """Candidates with their evidence at the discrepancy and the fraction that the best of them leaves room for, best first.

    The discrepancy says how wrong even the true model is of a real experiment; where a model fits better than that, it was not
    that wrong this time.

    Parameters
    ----------
    technique : Technique
    signal : Signal of the technique
    ranked : sequence of Tried
        At least one.
    constants : Calibration
        Stated discrepancy and fraction.
    """
    temper = tempering(technique, signal, ranked, constants)
    out = [replace(t, fit=replace(t.fit, evidence=t.fit.support.log_evidence(temper))) for t in ranked]
    return _by_misfit_where_even(sorted(out, key=lambda t: -t.score))


def tempering(technique: Technique, signal: Any, ranked: Sequence[Tried], constants: Calibration) -> Temper:
    """The discrepancy and the fraction by which candidates are weighed; arguments as in `weighed`."""
    best = min(ranked, key=lambda t: t.fit.rw)
    level = min(constants.temper.discrepancy, best.fit.rw)
    stated = constants.temper.fraction
    if signal.testifying is not None:
        stated = min(stated, signal.testifying / signal.independent_points)
    testify = fraction(stated, best.fit.rw, noise_of(technique, signal, ranked))
    return Temper(max(level, constants.least), testify)


def noise_of(technique: Technique, signal: Any, ranked: Sequence[Tried]) -> Noise:
    """The noise of the data: the median of what the fits nearly as good as the best say of it."""
    best = min(t.fit.rw for t in ranked)
    found = [technique.noise(signal, t.fit) for t in ranked if t.fit.rw <= _AS_GOOD * best]
    return Noise(float(np.median([n.level for n in found])), measured=found[0].measured)


def fraction(stated: float, rw: float, noise: Noise) -> float:
    """Part of the independent points that testifies, given what of a misfit is noise.

    Examples
    --------
    >>> fraction(0.2, 0.1, Noise(0.0, measured=True)), fraction(0.2, 0.1, Noise(0.1, measured=True))
    (0.2, 1.0)
    >>> round(fraction(0.2, 0.1, Noise(0.1, measured=False)), 3)
    0.5
    """
    share = min(1.0, (noise.level / max(rw, 1e-9)) ** 2)
    believed = share if noise.measured else _ESTIMATED * share**2
    return stated + believed * (1.0 - stated)


def _by_misfit_where_even(ranked: Sequence[Tried]) -> list[Tried]:
    """Order the relatives of the first that evidence does not tell from it by misfit; the better fit gets the better score.

    Only those of as many parameters: what little their evidence differs by comes from the width of the optimum.
    """
    first = ranked[0]
    count = first.fit.free_parameters
    even = [
        t for t in ranked if t.families == first.families and t.fit.free_parameters == count and t.score > first.score - _EVEN
    ]
    scores = [t.score for t in even]
    moved = [
        replace(t, prior=t.prior + score - t.score)
        for t, score in zip(sorted(even, key=lambda t: t.fit.rw), scores, strict=True)
    ]
    others = [t for t in ranked if all(t is not e for e in even)]
    return sorted([*moved, *others], key=lambda t: -t.score)


def misfits(technique: Technique, signal: Any, ranked: Sequence[Tried], discrepancy: float) -> tuple[float, float]:
    """What of the misfit is not noise: of the first candidate, and of the best one that says something else (1: none).

    How well the first fits, and how far it stands alone, say whether any is right. A candidate whose curve differs from that of
    the first by less than any model is wrong (a distorted variant, a superstructure) says nothing else.

    Parameters
    ----------
    technique : Technique
    signal : Signal of the technique
    ranked : sequence of Tried
        Best first.
    discrepancy : float
        R_w below which differences mean nothing.
    """
    first = ranked[0]
    noise = noise_of(technique, signal, ranked).level
    misfit = beyond_noise(first.fit.rw, noise)
    level = SHARE_OF_MISFIT * max(misfit, discrepancy)
    others = [t for t in ranked[1:] if not t.families & first.families and _apart(first, t) > level]
    return misfit, beyond_noise(min((t.fit.rw for t in others), default=1.0), noise)


def _apart(first: Tried, other: Tried) -> float:
    problem = first.fit.problem
    return distance(first.fit.calculated, other.fit.calculated, problem.observed, problem.weights)


def beyond_noise(rw: float, noise: float) -> float:
    """R_w without that of the noise, beside the signal's; a small part of it always counts, since noise is only estimated.

    Examples
    --------
    >>> round(beyond_noise(0.5, 0.3), 2), round(beyond_noise(0.5, 0.5), 2), round(beyond_noise(1.0, 1.0), 2)
    (0.4, 0.1, 1.0)
    """
    left = np.sqrt(max(rw**2 - noise**2, (_LEAST_SHARE * rw) ** 2))
    # of data that are hardly more than noise, little is left to be explained: what is not weighs the more
    return float(min(left / np.sqrt(max(1 - noise**4, _LEAST_SHARE**2)), 1.0))
