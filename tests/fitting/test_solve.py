"""Bounds, priors, non-negative factors, and what cannot be fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.core.errors import FitError
from whorl.fitting.problem import LinearTerm, Parameter
from whorl.fitting.solve import solve


def bounded(kit, upper):
    case = kit.cases["two peaks"]
    first = Parameter("c1", 2.5, 1.0, upper)
    return replace(case, parameters=(first, *case.parameters[1:]))


def test_an_optimum_beyond_a_bound_ends_at_it(kit):
    fit = solve(bounded(kit, 2.8).problem())
    assert fit.values[0] == 2.8
    assert fit.at_bound == (True, False, False, False)
    assert np.isnan(fit.sigma[0])
    assert np.all(np.isfinite(fit.sigma[1:]))
    assert not fit.covariance[0].any()
    assert fit.correlation()[0] == ["w1", "c2", "w2", "first", "second"]
    # the others are at the minimum that is left: the second peak does not care
    assert fit.values[2:] == pytest.approx((6.5, 0.9), abs=0.02)


def test_a_start_at_a_bound_leaves_it(kit):
    case = kit.cases["two peaks"]
    start = np.array([p.lower for p in case.parameters])
    start[1], start[3] = 0.5, 0.5
    start[0], start[2] = 5.0, 5.0
    fit = solve(case.problem(), start=start, max_iterations=100)
    assert np.all(fit.values >= [p.lower for p in case.parameters])
    assert np.all(fit.values <= [p.upper for p in case.parameters])


def test_a_start_outside_is_clipped_by_solve_and_refused_by_the_parameter(kit):
    case = kit.cases["two exponentials"]
    fit = solve(case.problem(), start=np.array([-1.0, 99.0]))
    assert np.all((fit.values >= 0.01) & (fit.values <= 5.0))
    with pytest.raises(FitError, match=r"a: start value 9 outside 0 to 1\. Start inside"):
        Parameter("a", 9.0, 0.0, 1.0)


@pytest.mark.parametrize(("lower", "upper"), [(1.0, 0.0), (0.0, np.inf), (np.nan, 1.0), (1.0, 1.0)])
def test_bounds_that_are_none(lower, upper):
    with pytest.raises(FitError, match="finite bounds"):
        Parameter("a", 0.5, lower, upper)


def test_prior_spread_is_positive():
    with pytest.raises(FitError, match="spread is positive"):
        Parameter("a", 0.5, 0.0, 1.0, mean=0.5, spread=0.0)


def test_a_strong_prior_wins_and_a_weak_one_does_not(kit):
    case = kit.cases["two peaks"]
    c1 = case.parameters[0]
    free = solve(case.problem(seed=1))
    weak = solve(replace(case, parameters=(replace(c1, mean=2.9, spread=1.0), *case.parameters[1:])).problem(seed=1))
    strong = solve(replace(case, parameters=(replace(c1, mean=2.9, spread=1e-5), *case.parameters[1:])).problem(seed=1))
    assert weak.values[0] == pytest.approx(free.values[0], abs=0.1 * free.sigma[0])
    assert strong.values[0] == pytest.approx(2.9, abs=1e-4)
    assert strong.sigma[0] == pytest.approx(1e-5, rel=0.05)


def test_a_prior_and_data_of_equal_strength_meet_in_the_middle(kit):
    case = kit.cases["two peaks"]
    free = solve(case.problem(seed=1))
    sigma, mean = free.sigma[0], free.values[0] + 2 * free.sigma[0]
    prior = replace(case.parameters[0], mean=mean, spread=sigma)
    fit = solve(replace(case, parameters=(prior, *case.parameters[1:])).problem(seed=1), passes=4, tolerance=1e-9)
    assert fit.values[0] - free.values[0] == pytest.approx(sigma, rel=0.1)
    assert fit.sigma[0] == pytest.approx(sigma / np.sqrt(2), rel=0.05)


def test_a_factor_that_would_be_negative_is_zero(kit):
    case = kit.make(
        "absent",
        lambda c, w: np.stack([kit.gaussian(c, w), kit.gaussian(5.0, 3.0) + 0 * c], axis=1),
        (Parameter("c", 3.2, 2.0, 4.0), Parameter("w", 0.5, 0.2, 1.0)),
        (LinearTerm("peak"), LinearTerm("absent")),
        (3.0, 0.6),
        (1.0, -0.3),
    )
    fit = solve(case.problem())
    assert fit.factors[1] == 0
    assert 0 < fit.factor_sigma[1] < 0.05  # what noise could hide, the rest held
    assert fit.factors[0] > 0
    assert np.all(np.isfinite(fit.sigma))
    either = replace(case, linear=(LinearTerm("peak"), LinearTerm("absent", non_negative=False)))
    assert solve(either.problem()).factors[1] == pytest.approx(-0.3, abs=0.01)


def test_a_single_factor_obeys_its_sign(kit):
    case = kit.make(
        "down", kit.gaussian, (Parameter("c", 3.0, 2.0, 4.0), Parameter("w", 0.5, 0.2, 1.0)), (), (3.0, 0.5), (-1.0,)
    )
    down = replace(case, linear=(LinearTerm("s", non_negative=False),))
    assert solve(down.problem()).factors == pytest.approx([-1.0], abs=0.01)
    up = solve(replace(case, linear=(LinearTerm("s"),)).problem())
    assert up.factors.tolist() == [0.0]
    assert up.rw == pytest.approx(1.0)
    assert np.all(up.covariance == 0)


def test_nothing_but_factors(kit):
    case = kit.make(
        "line",
        lambda: np.stack([np.ones(kit.x.size), kit.x], axis=1),
        (),
        (LinearTerm("level"), LinearTerm("slope")),
        (),
        (2.0, 0.5),
    )
    problem = case.problem()
    fit = solve(problem)
    expected, residual, *_ = np.linalg.lstsq(problem.evaluate(np.zeros(0), jacobian=False).basis, problem.observed, rcond=None)
    assert fit.factors == pytest.approx(expected)
    assert (fit.values.size, fit.sigma.size, fit.iterations, fit.converged) == (0, 0, 0, True)
    basis = problem.evaluate(np.zeros(0), jacobian=False).basis
    exact = np.sqrt(np.diag(np.linalg.inv(basis.T @ basis)) * residual[0] / kit.x.size)
    assert fit.factor_sigma == pytest.approx(exact, rel=1e-6)
    assert np.isfinite(fit.evidence)


def test_a_parameter_without_effect_has_no_uncertainty_and_does_no_harm(kit):
    case = kit.cases["two exponentials"]
    idle = Parameter("idle", 0.5, 0.0, 1.0)
    more = replace(
        case,
        function=lambda a, b, i: kit.exponentials(a, b) + 0 * i,
        parameters=(*case.parameters, idle),
        truth=(*case.truth, 0.5),
    )
    fit, plain = solve(more.problem()), solve(case.problem())
    assert fit.values[:2] == pytest.approx(plain.values, rel=1e-6)
    assert fit.values[2] == 0.5
    assert fit.sigma[:2] == pytest.approx(plain.sigma, rel=1e-3)


def test_two_parameters_that_only_count_by_their_sum(kit):
    case = kit.make(
        "sum",
        lambda f, g: kit.gaussian(f + g, 0.5),
        (Parameter("f", 2.0, 0.0, 5.0), Parameter("g", 2.0, 0.0, 5.0)),
        (LinearTerm("s"),),
        (2.0, 2.4),
        (1.0,),
    )
    fit = solve(case.problem())
    assert fit.values.sum() == pytest.approx(4.4, abs=0.01)
    assert np.all(np.isfinite(fit.sigma))


def test_reparametrisation_gives_the_same_curve_and_propagated_uncertainty(kit):
    case = kit.cases["two exponentials"]
    logarithmic = replace(
        case,
        function=lambda a, b: kit.exponentials(np.exp(a), np.exp(b)),
        parameters=(Parameter("ln a", np.log(0.3), -4.0, 1.6), Parameter("ln b", np.log(1.5), -4.0, 1.6)),
        truth=tuple(np.log(case.truth)),
    )
    one = solve(case.problem(seed=3), tolerance=1e-10)
    other = solve(logarithmic.problem(seed=3), tolerance=1e-10)
    assert np.exp(other.values) == pytest.approx(one.values, rel=1e-3)
    assert other.rw == pytest.approx(one.rw, rel=1e-5)
    assert other.sigma * one.values == pytest.approx(one.sigma, rel=0.02)
    assert other.factor_sigma == pytest.approx(one.factor_sigma, rel=0.02)


def test_chi_squared_needs_measured_uncertainties(kit):
    case = kit.cases["two peaks"]
    assert solve(case.problem()).reduced_chi_squared is None
    weights = np.full(kit.x.size, 1 / case.noise**2)
    values = [solve(case.problem(seed=s, weights=weights, absolute=True)).reduced_chi_squared for s in range(10)]
    assert np.mean(values) == pytest.approx(1.0, abs=0.1)


def test_data_that_are_zero():
    problem = None
    from dataclasses import dataclass

    @dataclass
    class Nothing:
        parameters = ()
        linear = (LinearTerm("s"),)
        x = np.arange(5.0)
        observed = np.zeros(5)
        weights = np.ones(5)
        absolute = False
        independent_points = 5.0

    problem = Nothing()
    with pytest.raises(FitError, match="zero everywhere"):
        solve(problem)


def test_data_of_no_weight(kit):
    with pytest.raises(FitError, match="zero everywhere"):
        solve(kit.cases["two peaks"].problem(weights=np.zeros(kit.x.size)))


def test_a_model_that_is_not_a_number_at_the_start(kit):
    case = replace(kit.cases["two peaks"], function=lambda *v: np.full((kit.x.size, 2), np.nan) * v[0])
    problem = replace(case.problem(noise=0.0), observed=np.ones(kit.x.size))
    with pytest.raises(FitError, match="not finite"):
        solve(problem)


def test_a_model_that_breaks_on_the_way_is_stepped_back_from(kit):
    """A step into a region where the model is no number is rejected like one that makes the fit worse."""
    case = kit.cases["two exponentials"]

    def fragile(a, b):
        good = kit.exponentials(a, b)
        return good if np.real(b) > 0.97 else good * np.nan

    fit = solve(replace(case, function=fragile, factors=(2.0, 3.0)).problem(seed=1))
    assert np.all(np.isfinite(fit.values))


def test_a_model_of_zeros(kit):
    case = kit.make(
        "dark", lambda c: 0 * kit.gaussian(c, 1.0), (Parameter("c", 3.0, 2.0, 4.0),), (LinearTerm("s"),), (3.0,), (1.0,)
    )
    fit = solve(replace(case.problem(noise=0.0), observed=np.ones(kit.x.size)))
    assert fit.rw == pytest.approx(1.0)
    assert np.all(np.isfinite(fit.factors))
