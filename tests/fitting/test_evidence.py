"""Evidence: what it prefers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.fitting.evidence import Temper, support
from whorl.fitting.problem import LinearTerm, Parameter
from whorl.fitting.solve import solve

#: nearly the plain evidence, for models that are exactly right
FINE = Temper(discrepancy=1e-4, fraction=1.0)


def test_the_true_model_beats_one_with_a_superfluous_parameter(kit):
    case = kit.cases["two peaks"]
    extra = Parameter("skew", 0.0, -1.0, 1.0)

    def skewed(c1, w1, c2, w2, skew):
        base = kit.cases["two peaks"].function(c1, w1, c2, w2)
        return base * (1 + skew * np.sin(kit.x))[:, None]

    wide = replace(case, function=skewed, parameters=(*case.parameters, extra), truth=(*case.truth, 0.0))
    gains = [
        solve(case.problem(seed=s), temper=FINE).evidence - solve(wide.problem(seed=s), temper=FINE).evidence for s in range(20)
    ]
    assert np.mean(gains) > 1
    assert np.sum(np.array(gains) > 0) >= 17


def test_a_parameter_that_is_needed_is_worth_its_price(kit):
    case = kit.cases["two peaks"]
    wrong = replace(case, function=lambda c1, w1, c2: case.function(c1, w1, c2, w1), parameters=case.parameters[:3])
    problem = case.problem(seed=1)
    other = replace(problem, function=wrong.function, parameters=wrong.parameters)
    for temper in (FINE, Temper()):
        assert solve(problem, temper=temper).evidence > solve(other, temper=temper).evidence + 5


def test_the_true_model_beats_a_wrong_one(kit):
    problem = kit.cases["two peaks"].problem(seed=2)
    exponential = kit.cases["two exponentials"]
    wrong = replace(problem, function=exponential.function, parameters=exponential.parameters)
    assert solve(problem).evidence > solve(wrong).evidence + 20


def test_below_the_discrepancy_a_better_fit_means_little(kit):
    problem = kit.cases["two peaks"].problem()
    values = np.array([p.value for p in problem.parameters])
    jacobian = np.zeros((kit.x.size, values.size))
    evidence = [support(problem, values, rw, jacobian).log_evidence(Temper(0.05, 0.5)) for rw in (0.0, 0.01, 0.05, 0.2)]
    assert evidence[0] - evidence[1] < 0.05 * (evidence[2] - evidence[3])
    assert np.all(np.diff(evidence) < 0)


def test_evidence_is_the_formula(kit):
    problem = kit.cases["two exponentials"].problem()
    problem = replace(problem, parameters=(Parameter("a", 0.3, 0.0, 5.0, mean=0.2, spread=0.1), Parameter("b", 1.5, 0.0, 3.0)))
    jacobian = np.random.default_rng(0).normal(size=(kit.x.size, 2)) * 0.01
    temper = Temper(0.03, 0.5)
    found = support(problem, np.array([0.35, 1.0]), 0.04, jacobian).log_evidence(temper)
    n, level = 0.5 * kit.x.size, 0.04**2 + 0.03**2
    spread = np.array([0.1, 3 / np.sqrt(12)])
    hessian = n / level * jacobian.T @ jacobian
    expected = (
        -0.5 * n * np.log(level) - 0.5 * 1.5**2 - 0.5 * np.log(np.linalg.det(np.eye(2) + np.outer(spread, spread) * hessian))
    )
    assert found == pytest.approx(expected)


def test_evidence_does_not_depend_on_the_unit_of_a_parameter(kit):
    case = kit.cases["two exponentials"]
    milli = replace(
        case,
        function=lambda a, b: kit.exponentials(a / 1000, b),
        parameters=(Parameter("a", 300.0, 10.0, 5000.0), case.parameters[1]),
        truth=(200.0, 1.0),
    )
    assert solve(milli.problem(seed=1)).evidence == pytest.approx(solve(case.problem(seed=1)).evidence, abs=1e-3)


def test_evidence_can_be_weighed_again(kit):
    problem = kit.cases["two peaks"].problem(seed=1)
    for temper in (Temper(0.01, 0.2), Temper(0.1, 0.9)):
        assert solve(problem).support.log_evidence(temper) == pytest.approx(solve(problem, temper=temper).evidence)


def test_prior_spread_is_the_narrower_of_the_two():
    assert Parameter("a", 0.5, 0.0, 1.0).prior_spread == pytest.approx(12**-0.5)
    assert Parameter("a", 0.5, 0.0, 1.0, mean=0.5, spread=0.1).prior_spread == 0.1
    assert Parameter("a", 0.5, 0.0, 1.0, mean=0.5, spread=9.0).prior_spread == pytest.approx(12**-0.5)


def test_without_parameters_only_the_misfit_counts(kit):
    case = kit.make("flat", lambda: np.ones((kit.x.size, 1)), (), (LinearTerm("s"),), (), (1.0,))
    good, bad = case.problem(noise=0.01), case.problem(noise=0.3)
    assert solve(good).evidence > solve(bad).evidence
