r"""What a user knows beside the data: parameters that hang on others, and quantities known within limits.

A tie is a linear equation, v_a = sum_b k_b v_b + c: the parameter a is not refined but follows. A restraint adds
((q(v) - q_0) / s)^2 to what is minimised (see `whorl.fitting.solve`), with a quantity q that is a parameter or a function of
them (a bond length, say), its value q_0 and standard deviation s: it counts as a measurement beside the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.fitting.evidence import DEFAULT_TEMPER, Temper
from whorl.fitting.problem import Evaluation, Fit, LinearTerm, Parameter, Problem
from whorl.fitting.solve import solve

Array = NDArray[np.float64]

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(rf"\s*([+-])?\s*(?:({_NUMBER})\s*\*\s*)?(?:((?:\d+:)?[A-Za-z_]\w*)|({_NUMBER}))\s*")
_RESTRAINT = re.compile(rf"^\s*(.+?)\s*=\s*([+-]?{_NUMBER})\s*(?:\+-|\+/-|±)\s*({_NUMBER})\s*$")
_STEP = 1e-4  # of a prior's spread, for derivatives of restrained quantities


@dataclass(frozen=True)
class Tie:
    """A parameter that follows others: ``name`` = sum of factor * other + ``constant``."""

    name: str
    terms: tuple[tuple[str, float], ...]
    constant: float = 0.0


@dataclass(frozen=True)
class Restraint:
    """A quantity that is known: ``value`` within ``sigma``; ``quantity`` is a parameter's name or names atoms."""

    quantity: str
    value: float
    sigma: float


#: values of all parameters of a problem, shape (p,), to quantities beside the data, in units of their sigma, shape (k,)
Soft = Callable[[Array], Array]


def parse_tie(text: str) -> Tie:
    """Read a tie.

    Raises
    ------
    UsageError
        If it is no linear equation.

    Examples
    --------
    >>> parse_tie("occ_Li2 = 1 - occ_Ni1")
    Tie(name='occ_Li2', terms=(('occ_Ni1', -1.0),), constant=1.0)
    >>> parse_tie("2:U = 1.5*1:U")
    Tie(name='2:U', terms=(('1:U', 1.5),), constant=0.0)
    """
    name, equals, right = text.partition("=")
    terms: dict[str, float] = {}
    constant, place = 0.0, 0
    while equals and place < len(right):
        found = _TERM.match(right, place)
        if found is None or (place and found[1] is None):
            break
        factor = (-1.0 if found[1] == "-" else 1.0) * float(found[2] or 1)
        if found[3]:
            terms[found[3]] = terms.get(found[3], 0.0) + factor
        else:
            constant += factor * float(found[4])
        place = found.end()
    if not equals or place < len(right) or not terms or not re.fullmatch(r"\s*(?:\d+:)?[A-Za-z_]\w*\s*", name):
        raise UsageError(f"{text!r} is no tie", remedy="Write NAME = factor * OTHER + constant: --tie 'occ_Li2 = 1 - occ_Ni1'.")
    return Tie(name.strip(), tuple(terms.items()), constant)


def parse_restraint(text: str) -> Restraint:
    """Read a restraint.

    Raises
    ------
    UsageError
        If value or standard deviation are missing.

    Examples
    --------
    >>> parse_restraint("Co1-O1 = 1.92 +- 0.02")
    Restraint(quantity='Co1-O1', value=1.92, sigma=0.02)
    """
    found = _RESTRAINT.match(text)
    if found is None or float(found[3]) <= 0:
        raise UsageError(
            f"{text!r} is no restraint", remedy="Write QUANTITY = value +- sigma: --restrain 'Co1-O1 = 1.92 +- 0.02'."
        )
    return Restraint(found[1], float(found[2]), float(found[3]))


class Constrained:
    """A problem with ties and restraints (see `whorl.fitting.problem.Problem`).

    Parameters
    ----------
    problem : Problem
        p parameters.
    ties : sequence of Tie
        Each takes one parameter out of the search; chains are followed.
    restraints : sequence of Restraint
        On parameters by name; they take the place of the parameter's own prior.
    soft : callable, optional
        Other restrained quantities of the values of all parameters (p,), in units of their sigma and less their value.

    Raises
    ------
    UsageError
        If a name is unknown or held, a parameter is tied twice, or ties go round in a circle.
    """

    def __init__(
        self, problem: Problem, *, ties: Sequence[Tie] = (), restraints: Sequence[Restraint] = (), soft: Soft | None = None
    ) -> None:
        self.inner, self._soft = problem, soft
        every = list(problem.parameters)
        index = {p.name: i for i, p in enumerate(every)}
        for restraint in restraints:
            i = _known(restraint.quantity, index)
            p = every[i]
            if not p.lower < restraint.value < p.upper:
                raise UsageError(
                    f"{p.name} is restrained to {restraint.value:g}, outside its limits {p.lower:.6g} to {p.upper:.6g}",
                    remedy="Check the value; cells may change by some per cent.",
                )
            every[i] = replace(p, mean=restraint.value, spread=restraint.sigma)
        self.matrix, self.offset = _resolved(ties, index, len(every))
        self._followers = np.array(sorted({index[t.name] for t in ties}), dtype=np.int64)
        self._leaders = np.setdiff1d(np.arange(len(every)), self._followers)
        self.matrix = self.matrix[:, self._leaders]
        self.parameters: Sequence[Parameter] = tuple(self._within(every, k, i) for k, i in enumerate(self._leaders))
        self.linear: Sequence[LinearTerm] = problem.linear
        self.x, self.weights, self.absolute, self.observed = problem.x, problem.weights, problem.absolute, problem.observed
        self.independent_points = problem.independent_points
        self.constant = getattr(problem, "constant", 0)

    def _within(self, every: Sequence[Parameter], column: int, number: int) -> Parameter:
        """A leader whose limits keep those that follow it alone within theirs."""
        p = every[number]
        low, high = p.lower, p.upper
        for f in self._followers:
            row = self.matrix[f]
            if row[column] and np.count_nonzero(row) == 1:
                ends = sorted((limit - self.offset[f]) / row[column] for limit in (every[f].lower, every[f].upper))
                low, high = max(low, ends[0]), min(high, ends[1])
        if not low < high:
            raise UsageError(f"no value of {p.name} keeps what is tied to it within its limits", remedy="Check the tie.")
        return replace(p, value=float(np.clip(p.value, low, high)), lower=float(low), upper=float(high))

    def start(self, values: Array | None) -> Array | None:
        """Start values of the search from those of the problem."""
        if values is None:
            return None
        return np.array(
            [float(np.clip(values[i], p.lower, p.upper)) for i, p in zip(self._leaders, self.parameters, strict=True)]
        )

    def full(self, values: Array) -> Array:
        """Values of all parameters of the problem, shape (p,)."""
        return np.asarray(self.matrix @ values + self.offset)

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """Basis and derivatives by what is searched."""
        found = self.inner.evaluate(self.full(values), jacobian=jacobian)
        if not jacobian:
            return found
        return Evaluation(found.basis, slopes=lambda factors: self.matrix.T @ found.slope(factors))

    def restraints(self, values: Array) -> tuple[Array, Array]:
        """Restrained quantities less their values, in units of sigma, shape (k,), and derivatives, shape (k, q)."""
        if self._soft is None:
            return np.zeros(0), np.zeros((0, len(values)))
        here = self._soft(self.full(values))
        slopes = np.zeros((here.size, len(values)))
        for j, p in enumerate(self.parameters):
            step = _STEP * p.prior_spread
            ends = []
            for sign in (1, -1):
                moved = values.copy()
                moved[j] += sign * step
                ends.append(self._soft(self.full(moved)))
            slopes[:, j] = (ends[0] - ends[1]) / (2 * step)
        return here, slopes

    def released(self, fit: Fit) -> Fit:
        """The fit in terms of all parameters of the problem: those tied have values and uncertainties too."""
        count = len(fit.factors)
        whole = np.zeros((len(self.offset) + count, self.matrix.shape[1] + count))
        whole[: len(self.offset), : self.matrix.shape[1]] = self.matrix
        whole[len(self.offset) :, self.matrix.shape[1] :] = np.eye(count)
        covariance = whole @ fit.covariance @ whole.T
        sigma = np.sqrt(np.clip(np.diag(covariance)[: len(self.offset)], 0, None))
        at_bound = np.zeros(len(self.offset), dtype=np.bool_)
        at_bound[self._leaders] = fit.at_bound
        sigma[at_bound] = np.nan
        return replace(
            fit,
            problem=self.inner,
            values=self.full(fit.values),
            sigma=sigma,
            covariance=covariance,
            at_bound=tuple(bool(b) for b in at_bound),
            tied=int(self._followers.size),
        )


def solve_constrained(
    problem: Problem,
    *,
    ties: Sequence[Tie] = (),
    restraints: Sequence[Restraint] = (),
    soft: Soft | None = None,
    start: Array | None = None,
    temper: Temper = DEFAULT_TEMPER,
    **limits: Any,
) -> Fit:
    """Fit a problem under ties and restraints; the fit is in terms of all its parameters (see `solve` and `Constrained`)."""
    if not ties and not restraints and soft is None:
        return solve(problem, start=start, temper=temper, **limits)
    seen = Constrained(problem, ties=ties, restraints=restraints, soft=soft)
    return seen.released(solve(seen, start=seen.start(start), temper=temper, **limits))


def _known(name: str, index: dict[str, int]) -> int:
    if name not in index:
        raise UsageError(f"no parameter that refines is named {name!r}", remedy=f"Parameters here are {', '.join(index)}.")
    return index[name]


def _resolved(ties: Sequence[Tie], index: dict[str, int], count: int) -> tuple[Array, Array]:
    """All parameters as linear functions of themselves, v = M v + c, with no tied one left on the right."""
    once = np.eye(count + 1)  # the last row and column stand for the constants
    tied: list[int] = []
    for tie in ties:
        i = _known(tie.name, index)
        if i in tied:
            raise UsageError(f"{tie.name} is tied twice", remedy="Give one equation for each parameter.")
        tied.append(i)
        once[i] = 0.0
        for name, factor in tie.terms:
            once[i, _known(name, index)] += factor
        once[i, -1] = tie.constant
    every = np.linalg.matrix_power(once, len(tied) + 1)  # a chain is no longer than the ties
    if tied and np.any(every[:, tied]):
        raise UsageError("the ties go round in a circle", remedy="Tie to parameters that are not tied themselves.")
    return every[:count, :count], every[:count, -1]
