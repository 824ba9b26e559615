"""Nuisance curves taken off are the same as nuisance curves refined."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.fitting.problem import Evaluation, LinearTerm, Parameter
from whorl.fitting.projected import Projected
from whorl.fitting.solve import solve

X = np.linspace(0.0, 10.0, 200)
SLOW = np.array([np.ones_like(X), X, X**2]).T


class Wave:
    """A sine of unknown frequency, and optionally a slow background as linear terms."""

    def __init__(self, observed, *, background=False):
        self.parameters = (Parameter("frequency", 2.05, 1.5, 2.5),)
        self._background = background
        self.linear = (LinearTerm("scale"), *(LinearTerm(f"b{i}", non_negative=False) for i in range(3 * background)))
        self.x, self.observed, self.absolute = X, observed, False
        self.weights = 1.0 + 0.5 * np.cos(X)
        self.independent_points = 100.0

    def evaluate(self, values, *, jacobian):
        wave = np.sin(values[0] * X)[:, None]
        slope = (X * np.cos(values[0] * X))[:, None]
        if self._background:
            wave, slope = np.hstack([wave, SLOW]), np.hstack([slope, 0 * SLOW])
        return Evaluation(wave, slope[None] if jacobian else None)


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    return 1.5 * np.sin(2.0 * X) + 3.0 - 0.4 * X + 0.05 * X**2 + 0.05 * rng.normal(size=X.size)


def test_the_same_parameters_as_with_the_curves_refined(data):
    refined = solve(Wave(data, background=True))
    projected = solve(Projected(Wave(data), SLOW))
    assert projected.values == pytest.approx(refined.values, abs=1e-6)
    assert projected.factors[0] == pytest.approx(refined.factors[0], rel=1e-6)
    residual = data - refined.calculated
    assert projected.problem.observed - projected.calculated == pytest.approx(residual, abs=1e-5)


def test_without_it_the_background_bends_the_answer(data):
    assert abs(solve(Wave(data)).rw) > 0.5
    assert solve(Projected(Wave(data), SLOW)).rw < 0.1


def test_what_is_left_holds_nothing_of_the_curves(data):
    problem = Projected(Wave(data), SLOW)
    assert SLOW.T @ (problem.weights * problem.observed) == pytest.approx(np.zeros(3), abs=1e-9)
    assert problem.off(SLOW.T) == pytest.approx(np.zeros((3, X.size)), abs=1e-9)
    assert problem.independent_points == 97.0


def test_repeated_curves_and_masked_points_do_no_harm(data):
    wave = Wave(data)
    wave.weights = np.where(X < 1.0, 0.0, 1.0)
    problem = Projected(wave, np.hstack([SLOW, SLOW[:, :1]]))
    assert problem.independent_points == 97.0
    assert np.all(np.isfinite(problem.observed))
    assert solve(problem).values[0] == pytest.approx(2.0, abs=0.01)
