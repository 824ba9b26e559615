r"""Tempered evidence: how much a fit speaks for its hypothesis.

For N independent points and a normal likelihood of unknown variance the likelihood is proportional to R_w^{-N}. Two facts
temper it. Every model of a real experiment is a little wrong, so fits below a discrepancy level eps are equally good; and
the misfits of neighbouring points come from the same wrong assumption, so only a part tau of the points testifies:

.. math::
    \ln Z = -\tfrac{1}{2} \tau N \ln (R_w^2 + \epsilon^2) - \tfrac{1}{2} \sum_p z_p^2
            - \tfrac{1}{2} \ln \det (1 + s H s)

with z the distance of each parameter from its prior mean in units of the prior's spread s, and H the tempered Hessian of
the likelihood: Laplace's approximation, in which a parameter costs what the data narrow it down (MacKay, Neural Comput. 4,
415 (1992), doi:10.1162/neco.1992.4.3.415).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from whorl.fitting.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Temper:
    """Discrepancy level eps (an R_w) and fraction tau of the independent points that testify."""

    discrepancy: float = 0.03
    fraction: float = 0.5


DEFAULT_TEMPER = Temper()


@dataclass(frozen=True)
class Support:
    """What a fit's evidence is made of, so that it can be weighed again under another tempering.

    Attributes
    ----------
    independent_points : float
    rw : float
    prior_distance : float
        Sum over parameters of squared distances from the prior mean in units of the prior's spread.
    curvature : array, shape (p,)
        Eigenvalues of s J^T J s, with J the derivative of the residual scaled to R_w, factors projected out.
    """

    independent_points: float
    rw: float
    prior_distance: float
    curvature: Array

    def log_evidence(self, temper: Temper = DEFAULT_TEMPER) -> float:
        """Tempered log evidence, natural logarithm; only differences between fits of the same data count.

        Examples
        --------
        >>> good, bad = Support(100.0, 0.1, 0.0, np.zeros(1)), Support(100.0, 0.2, 0.0, np.zeros(1))
        >>> good.log_evidence() > bad.log_evidence()
        True
        """
        points = temper.fraction * self.independent_points
        level = self.rw**2 + temper.discrepancy**2
        occam = float(np.sum(np.log1p(points / level * np.clip(self.curvature, 0.0, None))))
        return float(-0.5 * points * np.log(level) - 0.5 * self.prior_distance - 0.5 * occam)


def support(problem: Problem, values: Array, rw: float, jacobian: Array) -> Support:
    """Gather the evidence of a fit.

    Parameters
    ----------
    problem : Problem
    values : array, shape (p,)
    rw : float
    jacobian : array, shape (n, p)
        Derivative of the residual, scaled so that the sum of squares of the residual is R_w^2, factors projected out.
    """
    distance = sum(
        ((v - p.mean) / p.spread) ** 2
        for v, p in zip(values, problem.parameters, strict=True)
        if p.mean is not None and p.spread is not None
    )
    scaled = jacobian * np.array([p.prior_spread for p in problem.parameters])
    curvature = np.linalg.eigvalsh(scaled.T @ scaled) if scaled.size else np.zeros(0)
    return Support(float(problem.independent_points), rw, float(distance), curvature)
