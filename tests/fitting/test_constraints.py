"""Ties and restraints: a tied fit equals the fit of fewer parameters, a restraint counts as a measurement."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.fitting.constraints import Constrained, Restraint, Tie, parse_restraint, parse_tie, solve_constrained
from whorl.fitting.problem import LinearTerm, Parameter
from whorl.fitting.solve import solve


def test_a_tied_width_equals_one_width_for_both(kit):
    case = kit.cases["two peaks"]  # c1, w1, c2, w2
    problem = case.problem()
    fit = solve_constrained(problem, ties=[parse_tie("w2 = 1.5*w1 + 0.05")])

    def fewer(c1, w1, c2):
        return case.function(c1, w1, c2, 1.5 * w1 + 0.05)

    small = replace(problem, function=fewer, parameters=problem.parameters[:3])
    other = solve(small)
    named = dict(zip([p.name for p in problem.parameters], fit.values, strict=True))
    assert fit.values[:3] == pytest.approx(other.values, rel=1e-4)
    assert named["w2"] == pytest.approx(1.5 * named["w1"] + 0.05)
    assert fit.sigma[3] == pytest.approx(1.5 * fit.sigma[1], rel=1e-3)
    assert fit.rw == pytest.approx(other.rw, rel=1e-6)
    assert fit.tied == 1
    assert fit.free_parameters == len(fit.values) - 1 + len(fit.factors)
    assert fit.problem is problem


def test_chains_are_followed_and_circles_refused(kit):
    problem = kit.cases["two peaks"].problem()
    chain = Constrained(problem, ties=[parse_tie("c1 = c2 - 3"), parse_tie("c2 = 4*w1 + 5")])
    assert [p.name for p in chain.parameters] == ["w1", "w2"]
    assert chain.full(np.array([0.5, 1.0])).tolist() == [4.0, 0.5, 7.0, 1.0]
    for bad in (["c1 = c2", "c2 = c1"], ["c1 = 0.5*c1"]):
        with pytest.raises(UsageError, match="circle"):
            Constrained(problem, ties=[parse_tie(t) for t in bad])
    with pytest.raises(UsageError, match="tied twice"):
        Constrained(problem, ties=[parse_tie("c1 = c2"), parse_tie("c1 = w1")])
    with pytest.raises(UsageError, match="no parameter that refines is named 'c9'"):
        Constrained(problem, ties=[parse_tie("c1 = c9")])


def test_limits_of_what_follows_hold_for_the_leader(kit):
    problem = kit.cases["two peaks"].problem()
    p = {q.name: q for q in problem.parameters}
    seen = Constrained(problem, ties=[parse_tie("w2 = 2*w1")])
    leader = next(q for q in seen.parameters if q.name == "w1")
    assert leader.upper == pytest.approx(min(p["w1"].upper, p["w2"].upper / 2))
    with pytest.raises(UsageError, match="within its limits"):
        Constrained(problem, ties=[parse_tie("w2 = w1 + 1000")])


def test_a_restraint_is_a_measurement_beside_the_data(kit):
    """A value four of its sigmas from what the data say, as certain as they are: the fit ends half way, more certain."""
    problem = kit.cases["two peaks"].problem()
    free = solve(problem)
    value, sigma = float(free.values[0]), float(free.sigma[0])
    held = solve_constrained(problem, restraints=[Restraint("c1", value + 4 * sigma, sigma)])
    assert held.values[0] == pytest.approx(value + 2 * sigma, abs=0.5 * sigma)
    assert held.sigma[0] == pytest.approx(sigma / np.sqrt(2), rel=0.15)


def test_a_restrained_function_does_the_same(kit):
    problem = kit.cases["two peaks"].problem()
    free = solve(problem)
    gap, sigma = free.values[2] - free.values[0], np.hypot(free.sigma[0], free.sigma[2])
    held = solve_constrained(problem, soft=lambda v: np.array([(v[2] - v[0] - gap - 4 * sigma) / sigma]))
    assert held.values[2] - held.values[0] == pytest.approx(gap + 2 * sigma, abs=0.6 * sigma)
    assert held.evidence < free.evidence


def test_nothing_known_is_the_plain_fit(kit):
    problem = kit.cases["two peaks"].problem()
    assert solve_constrained(problem).values.tolist() == solve(problem).values.tolist()


@pytest.mark.parametrize("text", ["w1", "w1 =", "w1 = 3", "w1 = 2 w2", "w1 = w2 * w3", "1 = w1", "w1 = + ", "w1 = w2 w3"])
def test_what_is_no_tie(text):
    with pytest.raises(UsageError, match="is no tie"):
        parse_tie(text)


@pytest.mark.parametrize("text", ["a=3", "a +- 3", "a = 3 +- 0", "a = x +- 1", "= 3 +- 1"])
def test_what_is_no_restraint(text):
    with pytest.raises(UsageError, match="is no restraint"):
        parse_restraint(text)


def test_ties_as_people_write_them():
    assert parse_tie("b=a") == Tie("b", (("a", 1.0),))
    assert parse_tie("2:U_O = .5*1:U_O + .5 * 1:U_Ti - 1e-3") == Tie("2:U_O", (("1:U_O", 0.5), ("1:U_Ti", 0.5)), -1e-3)


def test_a_restraint_outside_the_limits(kit):
    problem = kit.cases["two peaks"].problem()
    with pytest.raises(UsageError, match="outside its limits"):
        Constrained(problem, restraints=[Restraint("c1", 1e6, 1.0)])


def test_linear_terms_are_left_alone(kit):
    problem = kit.cases["two peaks"].problem()
    seen = Constrained(problem, ties=[parse_tie("w2 = w1")])
    assert list(seen.linear) == list(problem.linear)
    assert isinstance(seen.linear[0], LinearTerm)
    assert all(isinstance(p, Parameter) for p in seen.parameters)
