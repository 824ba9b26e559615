"""Problems with known answers: the harness on which the solver is run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from whorl.fitting.problem import Evaluation, LinearTerm, Parameter

X = np.linspace(0.0, 10.0, 201)


@dataclass
class Analytic:
    """A model given by a function of the parameters, with derivatives by complex steps: exact for analytic functions."""

    function: Callable[..., np.ndarray]  # parameters -> (n, m)
    parameters: Sequence[Parameter]
    linear: Sequence[LinearTerm]
    observed: np.ndarray
    x: np.ndarray = field(default_factory=lambda: X)
    weights: np.ndarray = field(default_factory=lambda: np.ones(X.size))
    absolute: bool = False
    independent_points: float = float(X.size)
    calls: int = 0

    def evaluate(self, values, *, jacobian):
        self.calls += 1
        values = np.asarray(values, dtype=float)
        basis = np.real(self.function(*values)).reshape(self.x.size, -1)
        if not jacobian:
            return Evaluation(basis)
        slopes = []
        for k in range(values.size):
            moved = values.astype(complex)
            moved[k] += 1e-30j
            slopes.append(np.imag(self.function(*moved)).reshape(self.x.size, -1) / 1e-30)
        return Evaluation(basis, np.array(slopes).reshape(values.size, self.x.size, basis.shape[1]))


@dataclass
class Case:
    """A problem, the truth behind it, and the noise."""

    name: str
    function: Callable[..., np.ndarray]
    parameters: Sequence[Parameter]
    linear: Sequence[LinearTerm]
    truth: Sequence[float]
    factors: Sequence[float]
    noise: float = 0.01

    def clean(self):
        return np.real(self.function(*self.truth)).reshape(X.size, -1) @ np.array(self.factors, float)

    def problem(self, seed=0, *, noise=None, **changes):
        level = self.noise if noise is None else noise
        observed = self.clean() + np.random.default_rng(seed).normal(0, level, X.size) if level else self.clean()
        made = Analytic(self.function, self.parameters, self.linear, observed)
        return replace(made, **changes)


def exponentials(a, b):
    return np.stack([np.exp(-a * X), np.exp(-b * X)], axis=1)


def gaussian(centre, width):
    return np.exp(-0.5 * ((X - centre) / width) ** 2)


def peaks(c1, w1, c2, w2):
    return np.stack([gaussian(c1, w1), gaussian(c2, w2)], axis=1)


SCALE = (LinearTerm("scale"),)
CASES = [
    Case(
        "two exponentials",
        exponentials,
        (Parameter("a", 0.3, 0.01, 5.0), Parameter("b", 1.5, 0.01, 5.0)),
        (LinearTerm("fast"), LinearTerm("slow")),
        (0.2, 1.0),
        (2.0, 3.0),
    ),
    Case(
        "two peaks",
        peaks,
        (
            Parameter("c1", 3.3, 1.0, 5.0),
            Parameter("w1", 0.5, 0.1, 2.0),
            Parameter("c2", 6.2, 5.0, 9.0),
            Parameter("w2", 0.5, 0.1, 2.0),
        ),
        (LinearTerm("first"), LinearTerm("second")),
        (3.0, 0.6, 6.5, 0.9),
        (1.0, 2.0),
    ),
    Case(
        "peak on a background of either sign",
        lambda c, w: np.stack([gaussian(c, w), np.ones(X.size) + 0 * c, (X - 5) + 0 * c], axis=1),
        (Parameter("c", 4.5, 2.0, 8.0), Parameter("w", 0.8, 0.1, 3.0)),
        (LinearTerm("peak"), LinearTerm("level", non_negative=False), LinearTerm("slope", non_negative=False)),
        (5.0, 0.7),
        (1.5, -0.4, -0.02),
    ),
    Case(
        "strongly correlated",
        lambda f, g: np.sin((f + g) * X) + 0.05 * np.sin((f - g) * X),
        (Parameter("f", 1.05, 0.5, 2.0), Parameter("g", 0.52, 0.1, 1.0)),
        SCALE,
        (1.1, 0.5),
        (1.0,),
    ),
]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request):
    return request.param


@pytest.fixture(scope="session")
def kit():
    """Give the builders, for tests that make a problem of their own."""

    class Kit:
        x = X
        make = Case
        exponentials = staticmethod(exponentials)
        gaussian = staticmethod(gaussian)
        cases = {c.name: c for c in CASES}  # noqa: RUF012 - read only

    return Kit
