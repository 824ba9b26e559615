"""Intervals around what a trained model estimates, that held the truth in the stated share of simulated measurements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.trust.conformal import Conformal

Array = NDArray[np.float64]

#: misfit beyond noise, as a part of the pattern without its background, above which no interval is given
GROSS = 0.2
_EDGE = 0.01  # of the bounds, within which a value is at its limit
_UNITS = {"fraction": "1", "scale": "arbitrary", "size": "angstrom"}


@dataclass(frozen=True)
class Answer:
    """Values of b patterns with the ends of their intervals, in the order of the reported quantities; sizes in angstrom.

    Attributes
    ----------
    names, units : tuple of str
    value, sigma, low, high : array, shape (b, q)
        Not a number where nothing is known: cell and size of a phase that is not seen, fractions where none is, intervals of a
        gross misfit.
    at_limit : array of bool, shape (b, q)
    unusual, gross : array of bool, shape (b,)
        The misfit is larger than in 999 of 1000 simulated measurements; than any interval could allow for.
    estimates : Estimates
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    value: Array
    sigma: Array
    low: Array
    high: Array
    at_limit: NDArray[np.bool_]
    unusual: NDArray[np.bool_]
    gross: NDArray[np.bool_]
    estimates: Any


def answer(quantifier: Any, found: Any, *, level: float = 0.9) -> Answer:
    """Put intervals around estimates.

    Parameters
    ----------
    quantifier : Quantifier
        Of a technique.
    found : Estimates
        What it estimated.
    level : float
        Probability that an interval holds the truth, one of `whorl.trust.conformal.LEVELS`.

    Raises
    ------
    UsageError
        If the level is none of these.
    """
    phases, given = quantifier.phases, found.reported
    value, sigma = given.value.copy(), given.sigma.copy()
    half = np.empty_like(value)
    for q, name in enumerate(given.names):
        table = Conformal.from_dict(quantifier.calibration["quantities"][name])
        half[:, q] = table.factor(given.difficulty[:, q], level) * sigma[:, q]
    low, high = value - half, value + half
    at_limit = np.zeros(value.shape, dtype=np.bool_)
    units = []
    for q, (name, kind, j) in enumerate(zip(given.names, given.kinds, given.phase, strict=True)):
        bare = name.split(":")[-1]
        units.append(_UNITS.get(kind, "angstrom" if bare in "abc" else "degree"))
        if kind in ("fraction", "scale"):
            low[:, q] = np.maximum(low[:, q], 0.0)
            high[:, q] = np.minimum(high[:, q], 1.0 if kind == "fraction" else np.inf)
            continue
        k = phases.names.index(name)
        reach = phases.upper[k] - phases.lower[k]
        at_limit[:, q] = np.minimum(value[:, q] - phases.lower[k], phases.upper[k] - value[:, q]) < _EDGE * reach
        if kind == "size":
            value[:, q] = np.exp(-value[:, q])
            low[:, q], high[:, q] = np.exp(-high[:, q]), np.exp(-low[:, q])
            sigma[:, q] *= value[:, q]
        for column in (value, sigma, low, high):
            column[~found.seen[:, j], q] = np.nan
    empty = ~found.seen.any(axis=1)  # shares of nothing
    for q in [n for n, kind in enumerate(given.kinds) if kind == "fraction"]:
        for column in (value, sigma, low, high):
            column[empty, q] = np.nan
    refined = found.refined
    unusual = found.unusual
    beyond = np.sqrt(np.maximum(1 - float(quantifier.calibration["chi2"]["50"]) / np.maximum(refined.chi2, 1e-9), 0.0))
    gross = unusual & ~(beyond * refined.misfit <= GROSS)
    low[gross], high[gross] = np.nan, np.nan
    return Answer(given.names, tuple(units), value, sigma, low, high, at_limit, unusual, gross, found)
