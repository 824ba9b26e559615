r"""Whether the amounts of phases stand out: from what they might be by all that refines, or from the noise at the shapes found.

The standard uncertainty of an amount allows for all other parameters. Where counts are few, thermal motion, texture and the
overflow of the beam trade with the amounts of all phases alike, and the amount of a phase that everybody sees may be known to
half of itself. With the shapes held, the amounts :math:`x` and the background follow from linear least squares, and

.. math:: \sigma_i^2 = \left[(B^T W B)^{-1}\right]_{ii}

says what noise alone makes of them, the background and the other phases being free; where the misfit is more than noise, the
rest of it counts once for each independent point. That has to be exceeded by more: the shapes were chosen so that the amount
is large, of some thousand lattices and all their stretches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Fit
from whorl.techniques.pd.residual import model_of

Array = NDArray[np.float64]

#: standard deviations by which an amount stands out: of all parameters, and of noise at the shapes found (patterns of pure
#: noise reach 6 with the best of a thousand structures)
_SURE, _BEYOND_NOISE = 4.0, 9.0


def stand_out(fit: Fit) -> NDArray[np.bool_]:
    """Tell of each phase whether its amount stands out, shape (phases,).

    Parameters
    ----------
    fit : Fit
        Of a `PdProblem`, whole or with its background projected out.
    """
    count = len(model_of(fit).phases)
    amounts = fit.factors[:count]
    with np.errstate(invalid="ignore"):
        surely = amounts > _SURE * fit.factor_sigma[:count]
    return np.asarray(surely | (amounts > _BEYOND_NOISE * noise_of_amounts(fit)))


def noise_of_amounts(fit: Fit) -> Array:
    """Standard uncertainty of the amounts with the shapes of the patterns held, shape (phases,)."""
    model = model_of(fit)
    count = len(model.phases)
    columns = np.sqrt(fit.problem.weights)[:, None] * model.evaluate(fit.values, jacobian=False).basis
    size = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
    covariance = np.linalg.pinv((columns / size).T @ (columns / size), rcond=1e-10)
    residual = (fit.problem.observed - fit.calculated) * np.sqrt(fit.problem.weights)
    misfit = float(residual @ residual) / residual.size
    alike = residual.size / min(fit.problem.independent_points, residual.size)  # points that share what a model is wrong by
    scale = 1.0 + max(misfit - 1.0, 0.0) * alike
    return np.asarray(np.sqrt(np.maximum(np.diag(covariance)[:count], 0.0) * scale) / size[:count])
