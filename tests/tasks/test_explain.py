"""The difference of log evidence between two fits, taken apart into stretches of the axis."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from whorl.fitting.evidence import Support, Temper
from whorl.tasks.explain import weigh

X = np.linspace(0.0, 10.0, 1001)
TEMPER = Temper(0.02, 0.3)


def peaks(*at: float) -> np.ndarray:
    return sum(np.exp(-(((X - p) / 0.2) ** 2)) for p in at)


@pytest.fixture
def fits():
    rng = np.random.default_rng(7)
    observed = peaks(2.0, 5.0, 8.0) + 0.01 * rng.normal(size=X.size)
    problem = SimpleNamespace(x=X, observed=observed, weights=np.linspace(1.0, 2.0, X.size), independent_points=100.0)

    def fit(calculated: np.ndarray) -> SimpleNamespace:
        power = problem.weights * observed**2
        rw = float(np.sqrt(np.sum(problem.weights * (observed - calculated) ** 2) / power.sum()))
        return SimpleNamespace(problem=problem, calculated=calculated, rw=rw)

    return fit(peaks(2.0, 5.0, 8.0)), fit(peaks(2.0, 5.0) + 0.02 * peaks(8.0)), fit(0.9 * peaks(2.0) + peaks(5.0, 8.0))


def evidence(fit) -> float:
    return Support(100.0, fit.rw, 0.0, np.zeros(0)).log_evidence(TEMPER)


def test_stretches_that_cover_the_axis_add_up_to_the_difference_of_evidence(fits):
    first, other, _ = fits
    gains, _ = weigh(first, other, [(0.0, 3.5), (3.5, 6.5), (6.5, 10.1)], TEMPER)
    assert gains.sum() == pytest.approx(evidence(first) - evidence(other), rel=1e-9)


def test_the_peak_that_one_model_lacks_decides_and_without_it_nothing_does(fits):
    first, other, _ = fits
    gains, changes = weigh(first, other, [(1.0, 3.0), (4.0, 6.0), (7.0, 9.0)], TEMPER)
    whole = evidence(first) - evidence(other)
    assert np.argmax(gains) == 2
    assert gains[2] > 0.98 * whole
    assert abs(gains[0]) < 0.01 * whole
    assert whole + changes[2] == pytest.approx(0.0, abs=0.02 * whole)
    assert whole + changes[0] > 0.8 * whole


def test_signs_turn_with_the_order(fits):
    first, other, third = fits
    there, _ = weigh(other, third, [(1.0, 3.0), (7.0, 9.0)], TEMPER)
    back, _ = weigh(third, other, [(1.0, 3.0), (7.0, 9.0)], TEMPER)
    assert there == pytest.approx(-back, rel=1e-9)
    assert there[0] > 0 > there[1]  # the third has the first peak wrong, the other lacks the last
    assert np.all(weigh(first, first, [(1.0, 3.0)], TEMPER)[0] == 0)
