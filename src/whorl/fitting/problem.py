"""What a technique hands to the engine: parameters, data, and a model that is linear in its scale factors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import FitError
from whorl.fitting.evidence import Support

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """A nonlinear parameter.

    Parameters
    ----------
    name : str
        Field's name with the phase or site it belongs to ("a", "U_Ni", "x_O1").
    value : float
        Start value.
    lower, upper : float
        Bounds, finite.
    unit : str
    mean, spread : float, optional
        Centre and standard deviation of a normal prior; without them the prior is flat between the bounds.

    Examples
    --------
    >>> Parameter("U_Ni", 0.005, 0.0005, 0.1, "angstrom^2").prior_spread
    0.028723...
    """

    name: str
    value: float
    lower: float
    upper: float
    unit: str = "1"
    mean: float | None = None
    spread: float | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.lower) and np.isfinite(self.upper) and self.lower < self.upper):
            raise FitError(
                f"bounds {self.lower:g} to {self.upper:g}", where=self.name, remedy="Give finite bounds, lower first."
            )
        if not self.lower <= self.value <= self.upper:
            raise FitError(
                f"start value {self.value:g} outside {self.lower:g} to {self.upper:g}",
                where=self.name,
                remedy="Start inside the bounds or widen them.",
            )
        if self.spread is not None and not self.spread > 0:
            raise FitError(f"prior spread {self.spread:g}", where=self.name, remedy="A spread is positive.")

    @property
    def prior_spread(self) -> float:
        """Standard deviation of the prior, normal or flat."""
        flat = (self.upper - self.lower) / np.sqrt(12.0)
        return float(flat if self.spread is None else min(self.spread, flat))

    def prefixed(self, prefix: str) -> Parameter:
        """The parameter of one phase of several."""
        return replace(self, name=prefix + self.name) if prefix else self


@dataclass(frozen=True)
class LinearTerm:
    """A term of the model that enters by a factor: a phase's scale, a background polynomial."""

    name: str
    non_negative: bool = True
    unit: str = "1"


@dataclass(frozen=True)
class Evaluation:
    """The model at given parameter values.

    Parameters
    ----------
    basis : array, shape (n, m)
        One column per linear term.
    derivatives : array, shape (p, n, m), optional
        Derivative of the basis with respect to each nonlinear parameter.
    slopes : callable, optional
        Instead of ``derivatives``, where most of them are zero or only their sum is cheap: turns the factors, shape (m,), into
        the derivative of the model at these factors, shape (p, n).
    """

    basis: Array
    derivatives: Array | None = None
    slopes: Callable[[Array], Array] | None = None

    def slope(self, factors: Array) -> Array:
        """Derivative of the model with respect to each nonlinear parameter at given factors (m,), shape (p, n)."""
        if self.slopes is not None:
            return self.slopes(factors)
        assert self.derivatives is not None
        return np.asarray(self.derivatives @ factors)


class Problem(Protocol):
    """A measurement, a model, and what may vary."""

    @property
    def parameters(self) -> Sequence[Parameter]:
        """Nonlinear parameters."""
        ...

    @property
    def linear(self) -> Sequence[LinearTerm]:
        """Terms that enter by a factor."""
        ...

    @property
    def x(self) -> Array:
        """Axis of the data, shape (n,)."""
        ...

    @property
    def observed(self) -> Array:
        """Data, shape (n,)."""
        ...

    @property
    def weights(self) -> Array:
        """Relative statistical weights (1/sigma^2, or 1), shape (n,)."""
        ...

    @property
    def absolute(self) -> bool:
        """Whether the weights are 1/sigma^2 in the units of the data, so that chi-squared means something."""
        ...

    @property
    def independent_points(self) -> float:
        """How many independent values the n points hold."""
        ...

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """Give basis and derivatives at ``values`` (p,)."""
        ...


@dataclass
class Fit:
    """Outcome of a least-squares fit.

    Attributes
    ----------
    values, sigma : array, shape (p,)
        Nonlinear parameters and their standard uncertainties (nan for a parameter at its bound).
    factors, factor_sigma : array, shape (m,)
        Linear factors and their standard uncertainties; of one that is held at zero, with all else as it is.
    calculated : array, shape (n,)
    rw : float
        sqrt(sum w (obs - calc)^2 / sum w obs^2).
    covariance : array, shape (p + m, p + m)
        Of nonlinear parameters then factors; zero rows for parameters at bounds and factors held at zero.
    evidence : float
        Tempered log evidence (Laplace), see `whorl.fitting.evidence`.
    support : Support
        What the evidence is made of.
    at_bound : tuple of bool
    iterations, evaluations : int
    converged : bool
    tied : int
        Parameters that follow others and were not searched.
    """

    problem: Problem
    values: Array
    sigma: Array
    factors: Array
    factor_sigma: Array
    calculated: Array
    rw: float
    covariance: Array
    evidence: float
    support: Support
    at_bound: tuple[bool, ...]
    iterations: int
    evaluations: int
    converged: bool
    notes: list[str] = field(default_factory=list)
    tied: int = 0

    @property
    def free_parameters(self) -> int:
        """Parameters and factors that the data chose."""
        return len(self.values) - sum(self.at_bound) - self.tied + len(self.factors)

    @property
    def reduced_chi_squared(self) -> float | None:
        """Chi-squared over degrees of freedom; ``None`` without measured uncertainties."""
        if not self.problem.absolute:
            return None
        residual = self.problem.observed - self.calculated
        return float(np.sum(self.problem.weights * residual**2) / max(residual.size - self.free_parameters, 1))

    def correlation(self) -> tuple[list[str], Array]:
        """Names and correlation matrix of all parameters that are free (nonlinear, then factors)."""
        names = [p.name for p in self.problem.parameters] + [t.name for t in self.problem.linear]
        spread = np.sqrt(np.clip(np.diag(self.covariance), 0, None))
        free = np.flatnonzero(spread > 0)
        cov = self.covariance[np.ix_(free, free)]
        matrix = cov / np.outer(spread[free], spread[free])
        return [names[i] for i in free], np.clip(matrix, -1.0, 1.0)
