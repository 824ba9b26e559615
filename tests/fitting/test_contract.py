"""What holds of every fit, on every problem of the harness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.fitting.solve import solve

RUNS = 160


def test_clean_data_give_the_truth_back(case):
    fit = solve(case.problem(noise=0.0), tolerance=1e-12, passes=3, max_iterations=100)
    assert fit.values == pytest.approx(case.truth, rel=1e-4)
    assert fit.factors == pytest.approx(case.factors, rel=1e-3)
    assert fit.rw < 1e-4
    assert fit.calculated == pytest.approx(case.clean(), abs=1e-3)


def test_noisy_data_give_the_truth_within_its_uncertainty(case):
    fit = solve(case.problem(seed=1))
    assert fit.converged
    assert np.all(np.abs(fit.values - case.truth) < 4 * fit.sigma)
    assert np.all(np.abs(fit.factors - case.factors) < 4 * fit.factor_sigma)
    assert not any(fit.at_bound)


def test_uncertainties_are_the_scatter_of_repeated_experiments(case):
    fits = [solve(case.problem(seed=seed)) for seed in range(RUNS)]
    found = np.array([np.concatenate([f.values, f.factors]) for f in fits])
    stated = np.mean([np.concatenate([f.sigma, f.factor_sigma]) for f in fits], axis=0)
    # 160 runs know a standard deviation to 6 %
    assert np.std(found, axis=0) == pytest.approx(stated, rel=0.25)
    truth = np.concatenate([case.truth, case.factors])
    assert np.all(np.abs(found.mean(axis=0) - truth) < 4 * stated / np.sqrt(RUNS) + 0.1 * stated)


def test_rw_is_its_definition(case):
    problem = case.problem(seed=2)
    fit = solve(problem)
    residual = problem.observed - fit.calculated
    assert fit.rw == pytest.approx(np.sqrt(np.sum(residual**2) / np.sum(problem.observed**2)), rel=1e-9)


def test_the_answer_is_a_minimum(case):
    """No small step of any parameter, factors refitted, lowers the misfit."""
    problem = case.problem(seed=3)
    fit = solve(problem, tolerance=1e-10, max_iterations=100)
    for k in range(len(case.truth)):
        for step in (-0.3, 0.3):
            values = fit.values.copy()
            values[k] += step * fit.sigma[k]
            basis = problem.evaluate(values, jacobian=False).basis
            factors = np.linalg.lstsq(basis, problem.observed, rcond=None)[0]
            assert np.linalg.norm(problem.observed - basis @ factors) >= np.linalg.norm(problem.observed - fit.calculated)


def test_covariance_is_symmetric_and_positive(case):
    fit = solve(case.problem(seed=4))
    assert fit.covariance == pytest.approx(fit.covariance.T)
    assert np.min(np.linalg.eigvalsh(fit.covariance)) > -1e-12 * np.trace(fit.covariance)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(np.concatenate([fit.sigma, fit.factor_sigma]))
    names, matrix = fit.correlation()
    assert names == [p.name for p in case.parameters] + [t.name for t in case.linear]
    assert np.diag(matrix) == pytest.approx(1.0)
    assert np.all(np.abs(matrix) <= 1)


def test_the_same_call_gives_the_same_bits(case):
    one, other = solve(case.problem(seed=5)), solve(case.problem(seed=5))
    assert np.array_equal(one.values, other.values)
    assert one.evidence == other.evidence


def test_factors_do_not_depend_on_the_unit_of_the_data(case):
    problem = case.problem(seed=6)
    fit = solve(problem)
    scaled = solve(replace(problem, observed=1e4 * problem.observed))
    assert scaled.values == pytest.approx(fit.values, rel=1e-6)
    assert scaled.factors == pytest.approx(1e4 * fit.factors, rel=1e-5)
    assert (scaled.rw, scaled.evidence) == pytest.approx((fit.rw, fit.evidence), rel=1e-6)


def test_weights_count_by_their_ratios_only(case):
    problem = case.problem(seed=7)
    fit, heavy = solve(problem), solve(replace(problem, weights=1e6 * problem.weights))
    assert heavy.values == pytest.approx(fit.values, rel=1e-9)
    assert heavy.sigma == pytest.approx(fit.sigma, rel=1e-6)


def test_a_point_of_no_weight_does_not_count(case):
    problem = case.problem(seed=8)
    spoilt, weights = problem.observed.copy(), np.ones(problem.x.size)
    spoilt[::20] += 50.0
    weights[::20] = 0.0
    fit, other = (solve(replace(problem, observed=y, weights=weights)) for y in (problem.observed, spoilt))
    assert other.values == pytest.approx(fit.values, rel=1e-9)


def test_another_start_leads_to_the_same_answer(case):
    problem = case.problem(seed=9)
    fit = solve(problem)
    again = solve(problem, start=np.array(case.truth) * 1.01)
    assert again.values == pytest.approx(fit.values, abs=float(np.max(0.05 * fit.sigma)))


def test_fewer_independent_points_mean_larger_uncertainties(case):
    problem = case.problem(seed=10)
    fit, quarter = solve(problem), solve(replace(problem, independent_points=problem.x.size / 4))
    assert quarter.sigma == pytest.approx(2 * fit.sigma, rel=1e-3)
    assert quarter.values == pytest.approx(fit.values, abs=float(np.max(1e-2 * fit.sigma)))


def test_it_does_not_take_many_evaluations(case):
    problem = case.problem(seed=11)
    fit = solve(problem)
    assert fit.evaluations == problem.calls
    assert fit.evaluations < 40
