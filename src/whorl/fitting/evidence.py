r"""Tempered evidence: how much a fit speaks for its hypothesis.

For N independent points and a normal likelihood of unknown variance the likelihood is proportional to R_w^{-N}. Two facts temper it.
Every model of a real experiment is a little wrong, so fits below a discrepancy level eps are equally good; and the misfits of
neighbouring points come from the same wrong assumption, so only a part tau of the points testifies:

.. math::
    \ln Z = -\tfrac{1}{2} \tau N \ln (R_w^2 + \epsilon^2) - \tfrac{1}{2} \sum_p z_p^2
            - \tfrac{1}{2} \ln \det (1 + s H s)

with z the distance of each parameter from its prior mean in units of the prior's spread s, and H the tempered Hessian of the
likelihood: Laplace's approximation, in which a parameter costs what the data narrow it down (MacKay, Neural Comput. 4, 415 (1992),
doi:10.1162/neco.1992.4.3.415).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Temper:
    """Discrepancy level eps (an R_w) and fraction tau of the independent points that testify."""

    discrepancy: float = 0.03
    fraction: float = 0.5


DEFAULT_TEMPER = Temper()


def log_evidence(problem: Problem, values: Array, rw: float, jacobian: Array, temper: Temper = DEFAULT_TEMPER) -> float:
    """Tempered log evidence of a fit.

    Parameters
    ----------
    problem : Problem
    values : array, shape (p,)
    rw : float
    jacobian : array, shape (n, p)
        Derivative of the residual, scaled so that the sum of squares of the residual is R_w^2, factors projected out.
    temper : Temper

    Returns
    -------
    float
        Natural logarithm; only differences between fits of the same data count.
    """
    points = temper.fraction * problem.independent_points
    level = rw**2 + temper.discrepancy**2
    spread = np.array([p.prior_spread for p in problem.parameters])
    z = np.array(
        [
            (v - p.mean) / p.spread if p.mean is not None and p.spread is not None else 0.0
            for v, p in zip(values, problem.parameters, strict=True)
        ]
    )
    occam = 0.0
    if spread.size:
        hessian = (points / level) * (jacobian.T @ jacobian)
        _, occam = np.linalg.slogdet(np.eye(spread.size) + hessian * np.outer(spread, spread))
    return float(-0.5 * points * np.log(level) - 0.5 * (z @ z) - 0.5 * occam)
