r"""How far a model with given parameters is from a curve: amounts, background and a rise towards low q are found beside them.

The misfit is the mean of r^2 / (sigma^2 + (0.1 I)^2) over at most ninety points in equal steps of ln q, r being what is left
and I the larger one of the curve and the model: nought to one where the model comes within a tenth of the curve everywhere, a
hundred where it is elsewhere altogether. A tenth, and not the noise, because values told straight from a curve are near and
not exact: a fringe that is moved by a hundredth is off by more than the noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from whorl.physics.small_angle.composite import compose
from whorl.techniques.sas.prepare import SasSignal
from whorl.techniques.sas.residual import SasProblem

Array = NDArray[np.float64]

_POINTS, _PART, _ROUNDS = 90, 0.1, 6
_TINY = 1e-300


@dataclass(frozen=True)
class Explained:
    """A model beside a curve.

    Attributes
    ----------
    misfit : float
    rw : float
        Weighted residual over the weighted curve.
    x, observed, calculated : array, shape (n,)
        The points that were compared.
    factors : dict of str to float
        Of each linear term by name.
    """

    misfit: float
    rw: float
    x: Array
    observed: Array
    calculated: Array
    factors: dict[str, float]


def explain_by(signal: SasSignal, key: str, values: Mapping[str, float]) -> Explained:
    """Compare a model of given parameters with a curve.

    Parameters
    ----------
    signal : SasSignal
    key : str
        Name of a model or composite.
    values : mapping
        Parameters by name; what is not named has its default.

    Examples
    --------
    >>> from whorl.core.measurement import Measurement
    >>> from whorl.techniques.sas.prepare import prepare
    >>> q = np.geomspace(0.005, 0.3, 120)
    >>> clean = compose("sphere").basis(q, {"radius": 60.0})[:, 0]
    >>> signal = prepare(Measurement("sas", q, clean, 0.02 * clean))
    >>> near, far = (explain_by(signal, "sphere", {"radius": r, "radius_pd": 0.0}).misfit for r in (60.0, 80.0))
    >>> near < 0.01, far > 3.0
    (True, True)
    """
    points = signal.thinned(_POINTS)
    problem = SasProblem(points, compose(key), values=values, upturn=signal.instrument.upturn != "off")
    start = np.array([values.get(p.name, p.value) for p in problem.parameters])
    basis = problem.evaluate(start, jacobian=False).basis
    factors, sigma = _amounts(basis, points, signed=[n for n, term in enumerate(problem.linear) if not term.non_negative])
    calculated = basis @ factors
    left = ((points.y - calculated) / sigma) ** 2
    rw = float(np.sqrt(left.sum() / np.sum((points.y / sigma) ** 2)))
    named = {term.name: float(f) for term, f in zip(problem.linear, factors, strict=True)}
    return Explained(float(left.mean()), rw, points.x, points.y, calculated, named)


def _amounts(basis: Array, points: SasSignal, *, signed: list[int]) -> tuple[Array, Array]:
    """Amounts of the columns, shape (m,), and the uncertainties beside which they are best, shape (n,).

    Those depend on the model where it lies above the curve: weights and amounts follow each other from a model that is as
    often above the curve as below.
    """
    first = basis[:, 0] * _median_ratio(points.y, basis[:, 0])
    factors = np.zeros(basis.shape[1])
    sigma = points.sigma
    for _ in range(_ROUNDS):
        sigma = np.sqrt(points.sigma**2 + (_PART * np.maximum(np.abs(points.y), first)) ** 2)
        scaled = basis / sigma[:, None]
        columns = np.hstack([scaled, -scaled[:, signed]])  # what may be negative stands there twice
        size = np.maximum(np.sqrt(np.sum(columns**2, axis=0)), _TINY)
        found, _ = nnls(columns / size, points.y / sigma)
        found /= size
        factors = found[: basis.shape[1]].copy()
        factors[signed] -= found[basis.shape[1] :]
        first = basis @ factors
    return factors, sigma


def _median_ratio(y: Array, model: Array) -> float:
    there = (model > 0) & (y > 0)
    return float(np.median(y[there] / model[there])) if np.any(there) else 0.0
