r"""Variable projection with Levenberg-Marquardt.

The model is y = sum_j c_j a_j(v). For given v the factors c follow from (non-negative) linear least squares, so only v is
searched (Golub & Pereyra, SIAM J. Numer. Anal. 10, 413 (1973), doi:10.1137/0710036); the Jacobian is Kaufman's, which drops
a term that vanishes with the residual (BIT 15, 49 (1975), doi:10.1007/BF01932995). Minimised is

.. math::
    S(v) = \frac{N_{ind}}{\rho^2} R_w^2(v) + \sum_p \left(\frac{v_p - \mu_p}{s_p}\right)^2

with N_ind independent points, priors (mu, s), and rho the level of misfit that the data deserve: it starts at a coarse
value and is then set to the R_w reached, as for a normal likelihood whose variance is unknown. Neighbouring points of an
oversampled curve are thereby not counted as independent measurements, neither against the priors nor in the uncertainties.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import FitError
from whorl.fitting.evidence import DEFAULT_TEMPER, Temper, support
from whorl.fitting.problem import Evaluation, Fit, Problem

Array = NDArray[np.float64]

_START_LEVEL = 0.3
_LOWEST_LEVEL = 1e-6


def solve(
    problem: Problem,
    *,
    start: Array | None = None,
    max_iterations: int = 40,
    max_evaluations: int = 200,
    tolerance: float = 1e-6,
    passes: int = 2,
    temper: Temper = DEFAULT_TEMPER,
) -> Fit:
    """Fit a problem.

    Parameters
    ----------
    problem : Problem
    start : array, shape (p,), optional
        Start values instead of the parameters' own.
    max_iterations : int
        Per pass.
    max_evaluations : int
        Of the model, all passes together; the fit then ends where it is and says that it did not converge.
    tolerance : float
        Relative decrease of S at which a pass ends.
    passes : int
        Times that rho is set to the misfit reached.
    temper : Temper
        How the evidence is tempered.

    Returns
    -------
    Fit

    Raises
    ------
    FitError
        If the data are all zero or the model is not finite at the start.
    """
    search = _Search(problem, max_evaluations)
    values = np.array([p.value for p in problem.parameters]) if start is None else np.array(start, dtype=np.float64)
    values = np.clip(values, search.lower, search.upper)
    level = _START_LEVEL
    converged = False
    iterations = 0
    state = search.state(values, level)
    for number in range(max(passes, 1)):
        if number:
            level = max(state.rw, _LOWEST_LEVEL)
            state = search.rescale(state, level)
        state, used, converged = search.descend(state, level, max_iterations, tolerance)
        iterations += used
    return search.result(state, iterations, converged=converged, temper=temper)


class _State:
    """A point of the search with everything computed there."""

    def __init__(self, values: Array, evaluation: Evaluation, factors: Array, residual: Array, rw: float, cost: float) -> None:
        self.values = values
        self.evaluation = evaluation
        self.factors = factors
        self.residual = residual
        self.rw = rw
        self.cost = cost

    @cached_property
    def slope(self) -> Array:
        """Derivative of the model with respect to the values, shape (p, n)."""
        return self.evaluation.slope(self.factors)


def _mixed(basis: Array, target: Array, non_negative: NDArray[np.bool_], free: Array) -> Array:
    """Linear least squares with some factors held at zero or above: the free ones are projected out of the others first.

    Parameters
    ----------
    basis : array, shape (n, m)
    target : array, shape (n,)
    non_negative : array of bool, shape (m,)
    free : array, shape (n, k)
        Orthonormal columns that span the free ones.
    """
    from scipy.optimize import nnls

    size = np.maximum(np.linalg.norm(basis, axis=0), 1e-300)
    held = basis[:, non_negative] / size[non_negative]
    out = np.empty(len(size))
    left, rest = held - free @ (free.T @ held), target - free @ (free.T @ target)
    # the triangle holds all that the squares depend on, and is small
    triangle = np.asarray(np.linalg.qr(np.column_stack([left, rest]), mode="r"))
    out[non_negative] = nnls(triangle[:, :-1], triangle[:, -1])[0]
    if not np.all(non_negative):
        columns = basis[:, ~non_negative] / size[~non_negative]
        left = free.T @ (target - held @ out[non_negative])
        out[~non_negative] = np.linalg.lstsq(free.T @ columns, left, rcond=None)[0]
    return np.asarray(out / size)


class _Search:
    def __init__(self, problem: Problem, max_evaluations: int) -> None:
        self.problem = problem
        self.max_evaluations = max_evaluations
        parameters = problem.parameters
        self.lower = np.array([p.lower for p in parameters])
        self.upper = np.array([p.upper for p in parameters])
        self.has_prior = np.array([p.mean is not None and p.spread is not None for p in parameters], dtype=bool)
        self.mean = np.array([p.mean if p.mean is not None else 0.0 for p in parameters])
        self.spread = np.array([p.spread if p.spread is not None else 1.0 for p in parameters])
        norm = float(np.sum(problem.weights * problem.observed**2))
        if not norm > 0 or not np.isfinite(norm):
            raise FitError("the data are zero everywhere in the range", remedy="Choose a range that holds signal.")
        self.root = np.sqrt(problem.weights / norm)  # then sum of squares of root * residual is Rw^2
        self.target = self.root * problem.observed
        self.evaluations = 0
        self.non_negative = np.array([t.non_negative for t in problem.linear], dtype=bool)
        self._span: Array | None = None
        self._soft = getattr(problem, "restraints", None)

    def state(self, values: Array, level: float) -> _State:
        found = self.trial(values, level)
        if found is None:
            raise FitError("the model is not finite", remedy="Check start values and bounds.")
        return found

    def trial(self, values: Array, level: float) -> _State | None:
        """Evaluate a point; ``None`` where the model is not finite, so that a step there is taken back."""
        evaluation = self.problem.evaluate(values, jacobian=True)
        self.evaluations += 1
        if not np.all(np.isfinite(evaluation.basis)):
            return None
        basis = self.root[:, None] * evaluation.basis
        factors = self._factors(basis)
        residual = self.target - basis @ factors
        rw = float(np.sqrt(residual @ residual))
        return _State(values, evaluation, factors, residual, rw, self._cost(values, rw, level))

    def rescale(self, state: _State, level: float) -> _State:
        state.cost = self._cost(state.values, state.rw, level)
        return state

    def _cost(self, values: Array, rw: float, level: float) -> float:
        z = ((values - self.mean) / self.spread)[self.has_prior]
        soft = self._restraints(values)[0]
        return float(self.problem.independent_points * (rw / level) ** 2 + z @ z + soft @ soft)

    def _restraints(self, values: Array) -> tuple[Array, Array]:
        """Quantities beside the data less their values, in units of sigma, shape (k,), and derivatives, shape (k, p)."""
        if self._soft is None:
            return np.zeros(0), np.zeros((0, len(values)))
        found: tuple[Array, Array] = self._soft(values)
        return found

    def _factors(self, basis: Array) -> Array:
        terms = self.problem.linear
        if basis.shape[1] == 1:
            a = basis[:, 0]
            c = float(a @ self.target) / max(float(a @ a), 1e-300)
            return np.array([max(c, 0.0) if terms[0].non_negative else c])
        if any(t.non_negative for t in terms):
            return _mixed(basis, self.target, self.non_negative, self._span_of_free(basis))
        return np.asarray(np.linalg.lstsq(basis, self.target, rcond=None)[0])

    def _span_of_free(self, basis: Array) -> Array:
        """Orthonormal columns that span the factors of either sign, worked out once where they never change, shape (n, k)."""
        columns = basis[:, ~self.non_negative]
        if self._span is not None:
            return self._span
        span = np.linalg.qr(columns)[0] if columns.shape[1] else np.zeros((len(basis), 0))
        if columns.shape[1] == getattr(self.problem, "constant", 0):
            self._span = span
        return span

    def jacobian(self, state: _State) -> Array:
        """d(residual)/d(values), factors projected out, shape (n, p)."""
        jac = -self.root * state.slope
        active = state.factors != 0
        if np.any(active):
            basis = self.root[:, None] * state.evaluation.basis
            if self._span is not None:  # the curves that never change are taken off first
                jac -= (jac @ self._span) @ self._span.T
                basis = basis[:, self.non_negative & active]
                basis = basis - self._span @ (self._span.T @ basis)
            else:
                basis = basis[:, active]
            if basis.shape[1]:
                q, _ = np.linalg.qr(basis)
                jac -= (jac @ q) @ q.T
        return np.asarray(jac.T)

    def descend(self, state: _State, level: float, limit: int, tolerance: float) -> tuple[_State, int, bool]:
        damping = 1e-3
        count = len(self.problem.parameters)
        if count == 0:
            return state, 0, True
        scale = self.problem.independent_points / level**2
        for iteration in range(1, limit + 1):
            if self.evaluations >= self.max_evaluations:
                return state, iteration, False
            jac = self.jacobian(state)
            hessian = scale * (jac.T @ jac)
            gradient = scale * (jac.T @ state.residual)
            prior = np.where(self.has_prior, 1 / self.spread**2, 0.0)
            hessian[np.diag_indices(count)] += prior
            gradient += prior * (state.values - self.mean)
            off, by_value = self._restraints(state.values)
            hessian += by_value.T @ by_value
            gradient += by_value.T @ off
            free = ~(((state.values <= self.lower) & (gradient > 0)) | ((state.values >= self.upper) & (gradient < 0))) & (
                np.diag(hessian) > 0
            )
            if not np.any(free):
                return state, iteration, True
            h = hessian[np.ix_(free, free)]
            diagonal = np.diag(h)
            improved = False
            gain = 0.0
            for _ in range(12):
                step = np.zeros(count)
                step[free] = -np.linalg.lstsq(h + damping * np.diag(diagonal), gradient[free], rcond=None)[0]
                wanted = state.values + step
                values = np.clip(wanted, self.lower, self.upper)
                move = values - state.values
                expected = -(2 * gradient + hessian @ move) @ move
                if expected < tolerance * state.cost:
                    if np.array_equal(values, wanted):  # nothing left to gain: do not pay for another evaluation
                        break
                    damping = min(damping * 5, 1e8)  # the bounds bent the step: try a shorter one, which they bend less
                    continue
                trial = self.trial(values, level)
                if trial is not None and trial.cost < state.cost:
                    gain = (state.cost - trial.cost) / max(state.cost, 1e-300)
                    state, improved = trial, True
                    damping = max(damping / 6, 1e-9)
                    break
                damping = min(damping * 5, 1e8)
            if not improved or gain < tolerance:
                return state, iteration, True
        return state, limit, False

    def result(self, state: _State, iterations: int, *, converged: bool, temper: Temper) -> Fit:
        problem = self.problem
        count = len(problem.parameters)
        full = self.root[:, None] * np.hstack([state.slope.T, state.evaluation.basis])
        close = 1e-9 * (self.upper - self.lower)
        at_bound = (state.values <= self.lower + close) | (state.values >= self.upper - close)
        level = max(state.rw, _LOWEST_LEVEL)
        hessian = (problem.independent_points / level**2) * (full.T @ full)
        prior = np.zeros(hessian.shape[0])
        prior[:count] = np.where(self.has_prior, 1 / self.spread**2, 0.0)
        hessian[np.diag_indices_from(hessian)] += prior
        by_value = self._restraints(state.values)[1]
        hessian[:count, :count] += by_value.T @ by_value
        either_sign = np.array([not t.non_negative for t in problem.linear], dtype=bool)
        free = np.concatenate([~at_bound, (state.factors > 0) | either_sign]) & (np.diag(hessian) > 0)
        covariance = np.zeros_like(hessian)
        index = np.flatnonzero(free)
        if index.size:
            size = 1 / np.sqrt(np.diag(hessian)[index])
            scaled = hessian[np.ix_(index, index)] * np.outer(size, size)
            covariance[np.ix_(index, index)] = np.linalg.pinv(scaled, rcond=1e-12, hermitian=True) * np.outer(size, size)
        spread = np.sqrt(np.clip(np.diag(covariance), 0, None))
        curvature = np.diag(hessian)[count:]
        none = ~either_sign & (state.factors <= 0) & (curvature > 0)  # nothing is found, within what the data show
        spread[count:][none] = 1 / np.sqrt(curvature[none])
        sigma = np.where(at_bound, np.nan, spread[:count])
        found = support(problem, state.values, state.rw, self.jacobian(state))
        return Fit(
            problem=problem,
            values=state.values,
            sigma=sigma,
            factors=state.factors,
            factor_sigma=spread[count:],
            calculated=state.evaluation.basis @ state.factors,
            rw=state.rw,
            covariance=covariance,
            evidence=found.log_evidence(temper),
            support=found,
            at_bound=tuple(bool(b) for b in at_bound),
            iterations=iterations,
            evaluations=self.evaluations,
            converged=converged,
        )
