"""A problem seen beside curves of no interest: what they can take up counts neither for nor against a model.

Data and model are replaced by what is left of them when the best combination of the nuisance curves (a slow background, say)
is taken off. That is linear, so it is the same as refining one free factor for each curve, at the cost of two small matrix
products and without any further parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Evaluation, LinearTerm, Parameter, Problem

Array = NDArray[np.float64]

_DISTINCT = 1e-3  # singular value, relative to the largest, below which a combination of curves is none of its own


class Projected:
    """A problem with nuisance curves taken off (see `whorl.fitting.problem.Problem`).

    Parameters
    ----------
    problem : Problem
        n points.
    curves : array, shape (n, k)
        What may be added to the model in any amount; k < n.

    Attributes
    ----------
    inner : Problem
        The problem as it was given.
    curves : array, shape (n, k)
    """

    def __init__(self, problem: Problem, curves: Array) -> None:
        self.inner = problem
        weights = np.ascontiguousarray(problem.weights, dtype=np.float64)
        self.curves = curves = np.ascontiguousarray(curves, dtype=np.float64)
        self._to_curves, self._amounts = _span(curves.tobytes(), weights.tobytes(), curves.shape[1])
        self.parameters: Sequence[Parameter] = problem.parameters
        self.linear: Sequence[LinearTerm] = problem.linear
        self.x, self.weights, self.absolute = problem.x, problem.weights, problem.absolute
        self.observed = self.off(problem.observed)
        self.independent_points = max(problem.independent_points - len(self._amounts), 1.0)

    def off(self, curves: Array) -> Array:
        """What is left of curves, shape (..., n), without the nuisance."""
        return np.asarray(curves - (curves @ self._amounts.T) @ self._to_curves.T)

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """Basis and derivatives of the model without the nuisance."""
        found = self.inner.evaluate(values, jacobian=jacobian)
        basis = self.off(found.basis.T).T
        if found.slopes is not None:
            slopes = found.slopes
            return Evaluation(basis, slopes=lambda factors: self.off(slopes(factors)))
        if found.derivatives is None:
            return Evaluation(basis)
        return Evaluation(basis, np.swapaxes(self.off(np.swapaxes(found.derivatives, 1, 2)), 1, 2))


@lru_cache(maxsize=32)
def _span(curves: bytes, weights: bytes, count: int) -> tuple[Array, Array]:
    """What the curves span under the weights: shapes (n, k) and, to take their amounts, (k, n). Fits of one signal share it."""
    root = np.sqrt(np.frombuffer(weights))
    left, size, _ = np.linalg.svd(root[:, None] * np.frombuffer(curves).reshape(-1, count), full_matrices=False)
    keep = left[:, size > _DISTINCT * max(float(size[0]), 1e-300)]
    safe = np.where(root > 0, root, 1.0)
    return np.ascontiguousarray(keep / safe[:, None] * (root > 0)[:, None]), np.ascontiguousarray((keep * root[:, None]).T)
