"""A curve and a model as a problem for the fitting engine: scales, background and upturn are linear, the rest is searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.hypothesis import FormFactor
from whorl.fitting.problem import Evaluation, Fit, LinearTerm, Parameter
from whorl.fitting.projected import Projected
from whorl.physics.small_angle.composite import SPREAD, Composite
from whorl.physics.small_angle.model import ModelParameter
from whorl.techniques.sas.emulate import emulate
from whorl.techniques.sas.prepare import UPTURN, SasSignal
from whorl.techniques.sas.surrogates import surrogate_of

Array = NDArray[np.float64]

#: relative standard deviation of a length that spreads: where a fit may go, and where it begins
WIDEST, _WIDTH = 0.8, 0.1
#: what it usually is, and how far it goes from there: a prior
_USUAL = (0.1, 0.2)
#: relative step of the derivatives by differences, and part of the range of a parameter that it is at least
_STEP, _LEAST = 1e-4, 1e-6
#: the same of surrogates, whose curves are known to single precision
_COARSE = 3e-3
#: names of what belongs to the measurement
SHARED = frozenset({"background", "upturn"})


@dataclass(frozen=True)
class LogParameter(Parameter):
    """A parameter whose logarithm is uniform before the data: what it may cost does not hang on its unit or its size."""

    @property
    def prior_spread(self) -> float:
        """Standard deviation of the prior at the value."""
        return float(abs(self.value) * np.log(self.upper / self.lower) / np.sqrt(12.0))


class SasProblem:
    """A curve, a model, and what may vary (see `whorl.fitting.problem.Problem`).

    Parameters
    ----------
    signal : SasSignal
    model : Composite
    values : mapping
        Start values and values of what is held, by name; defaults where there is none.
    free : sequence of str
        Parameters to refine that are held by default (contrasts; further lengths that spread, ``"length_pd"``).
    fixed : mapping
        Parameters to hold.
    upturn : bool
        Whether q^-4 is there beside the model.
    spreads : bool
        Whether the first length that spreads does.
    """

    def __init__(
        self,
        signal: SasSignal,
        model: Composite,
        *,
        values: Mapping[str, float] | None = None,
        free: Sequence[str] = (),
        fixed: Mapping[str, float] | None = None,
        upturn: bool = False,
        spreads: bool = True,
    ) -> None:
        self.signal, self.model = signal, model
        self.x, self.observed, self.weights = signal.x, signal.y, signal.weights
        self.absolute = signal.absolute and signal.error == 0
        self.independent_points = signal.independent_points
        self.distribution = signal.instrument.distribution
        fast = signal.instrument.surrogate == "auto" and len(model.terms) == 1
        self.surrogate = surrogate_of(model.key) if fast else None
        self._step = _STEP if self.surrogate is None else _COARSE
        fixed = dict(fixed or {})
        given = dict(values or {}) | fixed
        _known([*free, *fixed], model)
        primary = [next((n for n in model.spreading if n.startswith(model.prefix(k))), "") for k in range(len(model.terms))]
        wide = {n + SPREAD for n in primary if n and spreads} | {n for n in free if n.endswith(SPREAD)}
        parameters = [
            _parameter(p, given.get(p.name, p.default))
            for p in model.parameters
            if (p.free or p.name in free) and p.name not in fixed
        ]
        parameters += [
            Parameter(n + SPREAD, float(np.clip(given.get(n + SPREAD, _WIDTH), 0, WIDEST)), 0.0, WIDEST, "1", *_USUAL)
            for n in model.spreading
            if n + SPREAD in wide and n + SPREAD not in fixed
        ]
        self.parameters: Sequence[Parameter] = parameters
        free_names = {p.name for p in parameters}
        self.held = {p.name: float(given.get(p.name, p.default)) for p in model.parameters if p.name not in free_names}
        self.held |= {n: float(v) for n, v in fixed.items() if n.endswith(SPREAD)}
        count = len(model.terms)
        self.linear = [LinearTerm(model.prefix(k) + "scale") for k in range(count)]
        columns = []
        if signal.instrument.background == "flat":
            self.linear.append(LinearTerm("background", non_negative=False))
            columns.append(np.ones(self.x.size))
        if upturn:
            self.linear.append(LinearTerm("upturn"))
            calculated = (signal.smearing.q / self.x[0]) ** UPTURN
            columns.append(signal.smearing.apply(calculated))
        self._constant = np.column_stack(columns) if columns else np.zeros((self.x.size, 0))

    def named(self, values: Array) -> dict[str, float]:
        """Every parameter of the model by name, at the given values (p,) of the free ones."""
        return self.held | {p.name: float(v) for p, v in zip(self.parameters, values, strict=True)}

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """Basis, shape (n, m), and its derivatives by differences, shape (p, n, m)."""
        own = self._model(self.named(values))
        basis = np.hstack([own, self._constant])
        if not jacobian:
            return Evaluation(basis)
        derivatives = np.zeros((len(self.parameters), *basis.shape))
        for k, p in enumerate(self.parameters):
            step = max(self._step * abs(values[k]), _LEAST * (p.upper - p.lower))
            step = -step if values[k] + step > p.upper else step
            moved = values.copy()
            moved[k] += step
            derivatives[k, :, : own.shape[1]] = (self._model(self.named(moved)) - own) / step
        return Evaluation(basis, derivatives)

    def _model(self, named: Mapping[str, float]) -> Array:
        """Smeared intensity of each term at a scale of 1, shape (n, terms)."""
        smearing = self.signal.smearing
        if self.surrogate is None:
            return np.asarray(smearing.apply(self.model.basis(smearing.q, named, self.distribution)))
        found = emulate(self.model.key, smearing.q, named, distribution=self.distribution)
        return np.asarray(smearing.apply(found.intensity.T))

    def structures(self, values: Array) -> tuple[FormFactor, ...]:
        """The model with its parameters at the given values (p,)."""
        return (FormFactor(self.model.key, family=self.model.family, model=self.model.key, parameters=self.named(values)),)


def model_of(fit: Fit) -> SasProblem:
    """The problem that a fit is of."""
    problem: Any = fit.problem.inner if isinstance(fit.problem, Projected) else fit.problem
    assert isinstance(problem, SasProblem)
    return problem


def has_upturn(fit: Fit) -> bool:
    """Tell whether a rise towards low q stands beside the model."""
    return any(term.name == "upturn" for term in fit.problem.linear)


def _known(names: Sequence[str], model: Composite) -> None:
    """Refuse names that are no parameter of the model."""
    known = {p.name for p in model.parameters} | {n + SPREAD for n in model.spreading}
    if unknown := sorted(set(names) - known):
        raise UsageError(f"{model.key} has no parameter {unknown[0]!r}", remedy=f"Parameters are {', '.join(sorted(known))}.")


def _parameter(p: ModelParameter, start: float) -> Parameter:
    """A parameter that may go anywhere possible within its typical range, widened where it starts beyond."""
    low, high = p.typical
    if p.law == "log-uniform":
        low, high = max(min(low, start) / 2, p.limits[0]), min(2 * max(high, start), p.limits[1])
        return LogParameter(p.name, float(np.clip(start, low, high)), low, high, p.unit)
    room = 0.5 * (high - low)
    low, high = max(min(low, start) - room, p.limits[0]), min(max(high, start) + room, p.limits[1])
    return Parameter(p.name, float(np.clip(start, low, high)), low, high, p.unit)
