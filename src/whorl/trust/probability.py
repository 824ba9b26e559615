r"""From evidence to probabilities, with *none of these* as an answer.

Given that one of the candidates is right, the probability of candidate i is proportional to exp(evidence_i) times its prior.

*None of these* is judged by the misfit that the true structure would reach: :math:`P(none) = 1 / (1 + e^{-(\ln R_w - \ln
r_0) / s})`, with r_0 and s fitted on simulated experiments in which the truth was in the catalogue or had been taken out,
family by family (``whorl.trust.data``; the file names the command that made it).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from whorl.fitting.evidence import Temper


@dataclass(frozen=True)
class Calibration:
    """Constants of a task and technique: tempering of the evidence, and the logistic of *none of these*."""

    temper: Temper
    none_rw: float
    none_width: float


@lru_cache(maxsize=8)
def calibration(technique: str) -> Calibration:
    """Load the constants of a technique.

    Examples
    --------
    >>> 0.1 < calibration("pdf").none_rw < 0.6
    True
    """
    text = files("whorl.trust").joinpath("data", f"{technique}.json").read_text(encoding="utf-8")
    data = json.loads(text)
    return Calibration(
        Temper(float(data["discrepancy"]), float(data["fraction"])), float(data["none_rw"]), float(data["none_width"])
    )


def none_probability(rw: float, constants: Calibration) -> float:
    """Probability that none of the candidates is right, from the best misfit.

    Examples
    --------
    >>> c = Calibration(Temper(), 0.4, 0.15)
    >>> none_probability(0.4, c)
    0.5
    """
    z = (np.log(max(rw, 1e-6)) - np.log(constants.none_rw)) / constants.none_width
    return float(1 / (1 + np.exp(-np.clip(z, -40, 40))))


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
