"""Whether broad peaks of a phase are that phase's, or humps that any broad peaks would fit as well.

Crystallites of a few cells and glasses both give broad maxima. A structure has few parameters for many maxima: it is believed
where as many parameters, and three more, spent on free humps explain less of the pattern.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Evaluation, Fit, LinearTerm, Parameter
from whorl.fitting.projected import Projected
from whorl.fitting.solve import solve
from whorl.techniques.pd.humps import Humps
from whorl.techniques.pd.residual import model_of

Array = NDArray[np.float64]

_EACH = 3  # parameters of a hump: place, width, area
_MOST_EVALUATIONS = 40
#: misfit of humps, relative to that of the phase, up to which they explain as much
_AS_WELL = 1.1
#: places and widths (degrees) of a hump looked at before it is fitted
_PLACES, _WIDTHS = 60, (3.0, 6.0, 10.0, 16.0, 25.0)


class _HumpProblem:
    """Humps beside phases of given shape (see `whorl.fitting.problem.Problem`)."""

    def __init__(self, fit: Fit, given: Array, centres: Sequence[float]) -> None:
        model = model_of(fit)
        self.x, self.weights, self.absolute = model.x, model.weights, model.absolute
        self.observed, self.independent_points = model.observed, model.independent_points
        self._given, self._curves, self._humps = given, model.curves, Humps(model.x, centres)
        self.parameters: Sequence[Parameter] = self._humps.parameters
        self.constant = self._curves.shape[1]
        self.linear = (
            *(LinearTerm(f"phase{k}") for k in range(given.shape[1])),
            *self._humps.linear,
            *(LinearTerm(f"background_{k}", non_negative=False) for k in range(self.constant)),
        )

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        basis = np.column_stack([self._given, self._humps.columns(values), self._curves])
        if not jacobian:
            return Evaluation(basis)
        first = self._given.shape[1]
        last = first + len(self._humps.linear)
        return Evaluation(basis, slopes=lambda factors: self._humps.slopes(values, factors[first:last]))


def humps_explain(fit: Fit, number: int) -> bool:
    """Tell whether humps in the place of a phase explain a pattern as well as the phase does.

    Parameters
    ----------
    fit : Fit
        Of a `PdProblem`.
    number : int
        Of the phase.
    """
    model = model_of(fit)
    basis = model.evaluate(fit.values, jacobian=False).basis[:, : len(model.phases)]
    given = np.delete(basis, number, axis=1)
    count = (len(model.phases[number].parameters) + 1) // _EACH + 1
    values: list[float] = []
    left = fit.problem.observed - fit.calculated + (_off(fit, basis[:, number : number + 1]) * fit.factors[number])[:, 0]
    for _ in range(count):
        values += _best_place(fit, left)
        inside = np.clip(values[::2], model.x[0], model.x[-1])  # a hump at an end may have moved out
        problem = _HumpProblem(fit, given, inside.tolist())
        start = np.clip(values, [p.lower for p in problem.parameters], [p.upper for p in problem.parameters])
        seen = Projected(problem, fit.problem.curves) if isinstance(fit.problem, Projected) else problem
        found = solve(seen, start=start, max_evaluations=_MOST_EVALUATIONS)
        if found.rw <= _AS_WELL * fit.rw:
            return True
        values = [float(v) for v in found.values]
        left = found.problem.observed - found.calculated
    return False


def _off(fit: Fit, columns: Array) -> Array:
    """Columns, shape (n, k), as the data of a fit are: with its nuisance curves taken off, where it has any."""
    return fit.problem.off(columns.T).T if isinstance(fit.problem, Projected) else columns


def _best_place(fit: Fit, left: Array) -> list[float]:
    """Place and width of the hump that takes up most of what is left, degrees."""
    x = model_of(fit).x
    centres = np.linspace(x[0], x[-1], _PLACES)
    pairs = np.array([(c, w) for w in _WIDTHS for c in centres])
    columns = _off(fit, Humps(x, pairs[:, 0].tolist()).columns(pairs.ravel()))
    weights = fit.problem.weights
    size = np.sqrt(np.maximum(weights @ columns**2, 1e-300))
    return [float(v) for v in pairs[int(np.argmax((weights * left) @ columns / size))]]
