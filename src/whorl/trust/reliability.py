"""Are probabilities what they say: calibration of log odds on cases apart, and how far outcomes are from what was said."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_BINS = 10
_ROUNDS, _SETTLED, _FIRM = 50, 1e-9, 1e-6


def fit_log_odds(scores: Array, outcomes: Mask) -> tuple[float, float]:
    """Slope and offset that make probabilities of scores: p = 1 / (1 + exp(-(slope * score + offset))).

    Least negative log likelihood by Newton's method (J. Platt, Adv. Large Margin Classifiers, MIT Press, 61 (2000)).

    Parameters
    ----------
    scores : array
    outcomes : array of bool, of the same shape

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> odds = rng.normal(size=20_000)
    >>> slope, offset = fit_log_odds(2 * odds + 1, rng.random(odds.size) < 1 / (1 + np.exp(-odds)))
    >>> round(slope, 1), round(offset, 1)
    (0.5, -0.5)
    """
    x = np.asarray(scores, dtype=np.float64).ravel()
    y = np.asarray(outcomes, dtype=np.float64).ravel()
    found = np.array([1.0, 0.0])
    for _ in range(_ROUNDS):
        p = 1 / (1 + np.exp(-np.clip(found[0] * x + found[1], -40, 40)))
        weight = p * (1 - p)
        gradient = np.array([float((p - y) @ x), float(np.sum(p - y))])
        cross = float(weight @ x)
        curvature = np.array([[float(weight @ x**2), cross], [cross, float(weight.sum())]])
        step = np.linalg.solve(curvature + _FIRM * np.eye(2), gradient)
        found = found - np.clip(step, -0.5, 0.5)
        if float(np.abs(step).max()) < _SETTLED:
            break
    return float(found[0]), float(found[1])


def reliability_error(probabilities: Array, outcomes: Mask) -> float:
    """Expected calibration error: mean distance of what was said and what came, 10 bins of equal width weighed by cases.

    M. P. Naeini, G. F. Cooper, M. Hauskrecht, AAAI (2015), doi:10.1609/aaai.v29i1.9602.

    Parameters
    ----------
    probabilities : array
    outcomes : array of bool, of the same shape

    Examples
    --------
    >>> reliability_error(np.array([0.5, 0.5]), np.array([True, False]))
    0.0
    >>> reliability_error(np.array([0.9, 0.9]), np.array([False, False]))
    0.9
    """
    p, y = np.asarray(probabilities).ravel(), np.asarray(outcomes).ravel()
    place = np.minimum((p * _BINS).astype(np.int64), _BINS - 1)
    total = sum(abs(float(np.sum(p[place == b]) - np.sum(y[place == b]))) for b in range(_BINS))
    return total / p.size
