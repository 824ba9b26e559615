"""From searches with and without the true structures to the logistic of *none of these*, the same for every technique."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.optimize import minimize

from whorl.trust.probability import gap

#: how often each search is drawn with another model error
_DRAWS = 8
_PRIOR_NONE = 0.25  # stated, not measured: people search catalogues that hold their sample three times out of four


class Misfits(Protocol):
    """A search: misfit beyond noise of its first candidate, and of the best one that says something else."""

    @property
    def misfit(self) -> float:
        """Of the first candidate."""
        ...

    @property
    def runner_up(self) -> float:
        """Of the other."""
        ...


def fit_logistic(features: np.ndarray, label: np.ndarray) -> list[float]:
    """Coefficients (constant first) of a logistic regression with a weak ridge, classes weighted by the prior."""
    design = np.column_stack([np.ones(len(label)), features])
    weight = np.where(label == 1, _PRIOR_NONE / max(label.sum(), 1), (1 - _PRIOR_NONE) / max((1 - label).sum(), 1))

    def loss(b: np.ndarray) -> float:
        z = design @ b
        return float(np.sum(weight * (np.logaddexp(0, z) - label * z)) + 1e-3 * b[1:] @ b[1:])

    return [round(float(v), 4) for v in minimize(loss, np.zeros(design.shape[1]), method="BFGS").x]


def fit_doubt(
    right: Sequence[Misfits], wrong: Sequence[Misfits], model_error: tuple[float, float], seed: int, *, most: float = np.inf
) -> dict[str, list[float]]:
    """Coefficients from the misfit with the lead, and from the misfit alone.

    Parameters
    ----------
    right, wrong : sequence of Misfits
        Searches whose first candidate is true; searches without the truth.
    model_error : (median, spread of the logarithm)
        What the best model of a real sample leaves beside noise, which simulations lack.
    seed : int
    most : float
        Largest misfit there is.
    """
    both = [*right, *wrong] * _DRAWS
    label = np.array(([0.0] * len(right) + [1.0] * len(wrong)) * _DRAWS)
    median, spread = model_error
    error = median * np.exp(spread * np.random.default_rng(seed).normal(size=len(both)))
    level = np.log([min(np.hypot(s.misfit, e), most) for s, e in zip(both, error, strict=True)])
    ahead = np.array([gap(np.hypot(s.misfit, e), np.hypot(s.runner_up, e)) for s, e in zip(both, error, strict=True)])
    return {"lead": fit_logistic(np.column_stack([level, ahead]), label), "alone": fit_logistic(level[:, None], label)}
