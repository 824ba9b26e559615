r"""From evidence to probabilities, with *none of these* as an answer.

Given that one of the candidates is right, the probability of candidate i is proportional to exp(evidence_i) times its prior.

*None of these* is judged by two figures: the misfit of the best candidate, and how far the best candidate that says something
else lies behind it. The true structure fits well and stands alone; when it is missing, several wrong ones fit about equally
badly.

.. math::
    P(none) = \left[1 + e^{-(b_0 + b_1 \ln R_w + b_2 \ln (R_w' / R_w))}\right]^{-1}

with coefficients fitted on simulated experiments in which the truth was in the catalogue or had been taken out, family by
family, for crystals and clusters apart (``whorl.trust.data``; the file names the command that made it). Where only one
structure was asked about, a second set of coefficients uses the misfit alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import numpy as np

from whorl.fitting.evidence import DEFAULT_TEMPER, Temper


@dataclass(frozen=True)
class Doubt:
    """Coefficients of *none of these*.

    Attributes
    ----------
    lead : (b0, b1, b2)
        From the misfit and the lead.
    alone : (b0, b1)
        The same from the misfit alone.
    """

    lead: tuple[float, float, float] = (2.6, 2.5, -2.5)
    alone: tuple[float, float] = (4.5, 2.9)


@dataclass(frozen=True)
class Calibration:
    """Constants of a task and technique.

    Attributes
    ----------
    temper : Temper
        Tempering of the evidence.
    least : float
        Discrepancy below which none is ever taken to be, however well the best candidate fits.
    doubt : mapping of str to Doubt
        By the kind of the first candidate ("crystal", "cluster"): models of particles are wrong by more than those of crystals.
    """

    temper: Temper = DEFAULT_TEMPER
    doubt: Mapping[str, Doubt] = field(default_factory=lambda: {"crystal": Doubt()})
    least: float = 0.003


@lru_cache(maxsize=8)
def calibration(technique: str) -> Calibration:
    """Load the constants of a technique.

    Examples
    --------
    >>> 0 < calibration("pdf").temper.fraction <= 1
    True
    """
    text = files("whorl.trust").joinpath("data", f"{technique}.json").read_text(encoding="utf-8")
    data = json.loads(text)
    doubt = {kind: Doubt(tuple(d["lead"]), tuple(d["alone"])) for kind, d in data["none"].items()}
    temper = Temper(float(data["discrepancy"]), float(data["fraction"]))
    return Calibration(temper, doubt, float(data.get("least_discrepancy", Calibration.least)))


def none_probability(rw: float, constants: Calibration, *, kind: str = "crystal", runner_up: float | None = None) -> float:
    """Probability that none of the candidates is right.

    Parameters
    ----------
    rw : float
        Misfit of the best candidate.
    constants : Calibration
    kind : str
        What the best candidate is; kinds without coefficients of their own have those of crystals.
    runner_up : float, optional
        Smallest misfit of a candidate that says something else; without it only ``rw`` counts.

    Examples
    --------
    >>> c = Calibration(doubt={"crystal": Doubt(lead=(2.0, 2.0, -3.0))})
    >>> none_probability(0.2, c, runner_up=0.6) < none_probability(0.2, c, runner_up=0.21)
    True
    """
    doubt = constants.doubt.get(kind, constants.doubt["crystal"])
    level = float(np.log(np.clip(rw, 1e-4, 1.0)))
    if runner_up is None:
        z = doubt.alone[0] + doubt.alone[1] * level
    else:
        z = doubt.lead[0] + doubt.lead[1] * level + doubt.lead[2] * gap(rw, runner_up)
    return float(1 / (1 + np.exp(-np.clip(z, -40, 40))))


def gap(rw: float, runner_up: float) -> float:
    """ln(R_w' / R_w), from 0 (the runner-up fits as well or better) to ln 5.

    Examples
    --------
    >>> gap(0.2, 0.1), round(gap(0.1, 0.2), 3)
    (0.0, 0.693)
    """
    return float(np.log(np.clip(runner_up / max(rw, 1e-4), 1.0, 5.0)))


def share(log_weight: Sequence[float]) -> list[float]:
    """Probabilities of the candidates given that one is right (sum 1), from log evidence plus log prior.

    Examples
    --------
    >>> share([0.0, 0.0])
    [0.5, 0.5]
    """
    if not log_weight:
        return []
    log = np.asarray(log_weight, dtype=np.float64)
    weight = np.exp(log - log.max())
    return [float(w) for w in weight / weight.sum()]


def credible_set(names: Sequence[str], probabilities: Sequence[float], level: float) -> list[str]:
    """Smallest set, best first, whose probabilities reach ``level``.

    Examples
    --------
    >>> credible_set(["a", "b", "c"], [0.6, 0.35, 0.05], 0.9)
    ['a', 'b']
    """
    out: list[str] = []
    total = 0.0
    for i in np.argsort(-np.asarray(probabilities), kind="stable"):
        out.append(names[int(i)])
        total += probabilities[int(i)]
        if total >= level:
            break
    return out
