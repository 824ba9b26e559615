r"""What is left of a G(r) after a fit: how large it may be, and what a small change of the parameters would do to it.

A residual is noise, and it is the model's own small errors: peak shapes, strain, a resolution that is no Gaussian. Noise has
one level at all r; the errors follow the signal. The expected power in a window is therefore

.. math::
    \langle \Delta^2 \rangle = n^2 + \alpha^2 \langle G_{calc}^2 \rangle,

with n and alpha, both not negative, from the windows beyond the distance where the structure alone speaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.fitting.problem import Fit
from whorl.fitting.projected import Projected
from whorl.techniques.pdf.residual import PdfProblem

Array = NDArray[np.float64]

WINDOW = 1.0  # angstrom
_FEWEST_WINDOWS = 4


@dataclass(frozen=True)
class Level:
    """Expected misfit: ``noise`` n (1/angstrom^2), ``relative`` alpha, ``windows`` it was read from (0: not known)."""

    noise: float
    relative: float
    windows: int

    def power(self, signal: Array) -> Array:
        """Expected mean square of the residual where the calculated G(r) has the mean square ``signal``."""
        return np.asarray(self.noise**2 + self.relative**2 * signal)


def model_of(fit: Fit) -> PdfProblem:
    """The model behind a fit, whether or not slow curves were taken off."""
    problem = fit.problem.inner if isinstance(fit.problem, Projected) else fit.problem
    assert isinstance(problem, PdfProblem)
    return problem


def windows(r: Array, start: float, end: float) -> list[NDArray[np.bool_]]:
    """Masks of the points in windows of `WINDOW` from ``start`` to ``end``, those without points left out."""
    edges = np.arange(start, end - 0.5 * WINDOW, WINDOW)
    masks = [(r >= e) & (r < e + WINDOW) for e in edges]
    return [m for m in masks if np.any(m)]


def expected_level(fit: Fit, beyond: float, residual: Array | None = None) -> Level:
    """Noise and relative misfit of a fit, from the residual beyond a distance (angstrom).

    Where fewer than four windows lie beyond it, the uncertainties of the file give the noise; without them nothing is known.

    The two parts are fitted to the windows' logarithmic powers, so that a few strong windows do not decide.
    """
    problem = fit.problem
    if residual is None:
        residual = problem.observed - fit.calculated
    masks = windows(problem.x, beyond, float(problem.x[-1]))
    if len(masks) < _FEWEST_WINDOWS:
        if problem.absolute:
            return Level(float(np.sqrt(np.mean(1 / problem.weights))), 0.0, 0)
        return Level(float(np.sqrt(np.mean(residual**2))), 0.0, 0)
    left = np.array([float(np.mean(residual[m] ** 2)) for m in masks])
    signal = np.array([float(np.mean(fit.calculated[m] ** 2)) for m in masks])
    return Level(*two_parts(left, signal), len(masks))


def two_parts(left: Array, signal: Array) -> tuple[float, float]:
    """Noise n and relative misfit alpha from the powers of residual and signal in windows, weighted by 1/expected^2."""
    from scipy.optimize import nnls

    parts = np.array([left.mean(), 0.0])
    columns = np.stack([np.ones_like(signal), signal / max(float(signal.mean()), 1e-300)], axis=1)
    for _ in range(4):
        expected = np.maximum(columns @ parts, 1e-3 * left.mean() + 1e-300)
        parts, _ = nnls(columns / expected[:, None], left / expected)
    return float(np.sqrt(parts[0])), float(np.sqrt(parts[1] / max(float(signal.mean()), 1e-300)))


@dataclass(frozen=True)
class Tangent:
    """A fit and its neighbourhood, linear in parameters and factors, weighted so that R_w^2 is a sum of squares.

    Attributes
    ----------
    root : array, shape (n,)
        Square root of the weight of each point over the weighted power of the data.
    residual : array, shape (n,)
        Weighted.
    columns : array, shape (n, p + m)
        Weighted derivatives of the model by the free parameters and by the factors, and what else may be added.
    precision : array, shape (p + m,)
        1/spread^2 of the priors, in units of the weighted residual.
    """

    root: Array
    residual: Array
    columns: Array
    precision: Array

    def moved(self, residual: Array, keep: NDArray[np.bool_] | None = None) -> Array:
        """Weighted residual (n,) or (n, k) after the change of parameters that explains most of it on the points ``keep``."""
        part = slice(None) if keep is None else keep
        change = _ridge(self.columns[part], self.precision, residual[part])
        return np.asarray(residual - self.columns @ change)


def _ridge(columns: Array, precision: Array, target: Array) -> Array:
    """Least squares with a prior precision of each unknown, for unknowns of any scale."""
    hessian = columns.T @ columns + np.diag(precision)
    size = 1 / np.sqrt(np.maximum(np.diag(hessian), 1e-300))
    inverse = np.linalg.pinv(hessian * np.outer(size, size), rcond=1e-10, hermitian=True) * np.outer(size, size)
    return np.asarray(inverse @ (columns.T @ target))


def tangent(fit: Fit, free_curves: Array | None = None) -> Tangent:
    """The linear neighbourhood of a fit, from one evaluation of the model.

    Parameters
    ----------
    fit : Fit
    free_curves : array, shape (n, k), optional
        What may be added to the model in any amount.
    """
    problem = fit.problem
    found = problem.evaluate(fit.values, jacobian=True)
    assert found.derivatives is not None
    root = np.sqrt(problem.weights / float(np.sum(problem.weights * problem.observed**2)))
    free = ~np.array(fit.at_bound, dtype=bool)
    slope = (found.derivatives[free] @ fit.factors).T
    # what the priors hold: S = N/rho^2 R_w^2 + sum z^2, so a prior weighs rho^2/N beside a weighted residual
    unit = max(fit.rw, 1e-6) ** 2 / float(problem.independent_points)
    spread = np.array([p.prior_spread for p, f in zip(problem.parameters, free, strict=True) if f])
    parts = [slope, found.basis, *([] if free_curves is None else [free_curves])]
    columns = root[:, None] * np.hstack(parts)
    precision = np.concatenate([unit / spread**2, np.zeros(columns.shape[1] - spread.size)])
    return Tangent(root, root * (problem.observed - fit.calculated), columns, precision)
