"""From evidence to probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from whorl.fitting.evidence import Temper
from whorl.trust.probability import Calibration, Doubt, calibration, credible_set, none_probability, share

EVIDENCE = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=12)
CONSTANTS = Calibration(
    Temper(), {"crystal": Doubt((2.0, 2.0, -3.0), (-6.0 * np.log(0.4), 6.0)), "cluster": Doubt((0.0, 2.0, -3.0), (0.0, 6.0))}
)


@given(EVIDENCE)
def test_probabilities_are_some_and_sum_to_1(evidence):
    found = share(evidence)
    assert sum(found) == pytest.approx(1.0)
    assert all(0 <= p <= 1 for p in found)
    assert found[int(np.argmax(evidence))] == max(found)


@given(st.floats(-5, 5))
def test_odds_are_the_exponential_of_the_difference(gap):
    one, other = share([gap, 0.0])
    assert one / other == pytest.approx(np.exp(gap))


@given(EVIDENCE, st.floats(-1e3, 1e3))
def test_only_differences_count(evidence, shift):
    assert share([e + shift for e in evidence]) == pytest.approx(share(evidence), abs=1e-9)


def test_no_evidence_is_too_large_or_small_for_a_number():
    assert share([1e8, 0.0]) == [1.0, 0.0]
    assert share([-1e8, -1e8]) == [0.5, 0.5]


def test_no_candidate():
    assert share([]) == []
    assert credible_set([], [], 0.9) == []


@given(st.floats(1e-4, 2.0), st.floats(1e-4, 2.0))
def test_none_grows_with_the_misfit(one, other):
    assume(one < other)
    assert none_probability(one, CONSTANTS) <= none_probability(other, CONSTANTS)


def test_none_at_its_limits():
    assert none_probability(0.0, CONSTANTS) < 1e-6
    assert none_probability(0.4, CONSTANTS) == pytest.approx(0.5)
    assert none_probability(5.0, CONSTANTS) > 0.99
    assert none_probability(1e300, CONSTANTS) == none_probability(1.0, CONSTANTS)  # no fit is worse than none at all


def test_a_lone_winner_is_more_likely_right():
    together = none_probability(0.25, CONSTANTS, runner_up=0.26)
    alone = none_probability(0.25, CONSTANTS, runner_up=0.7)
    assert alone < 0.1 * together
    # what fits better than the winner (and lost for other reasons) says no more than what fits as well
    assert none_probability(0.25, CONSTANTS, runner_up=0.1) == none_probability(0.25, CONSTANTS, runner_up=0.25)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=10), st.floats(0.05, 0.99))
def test_the_credible_set_is_the_smallest_that_reaches_its_level(weights, level):
    probabilities = [w / sum(weights) for w in weights]
    names = [str(i) for i in range(len(weights))]
    chosen = credible_set(names, probabilities, level)
    inside = [probabilities[int(n)] for n in chosen]
    assert inside == sorted(inside, reverse=True)
    assert sum(inside) >= level - 1e-9
    assert sum(inside[:-1]) < level
    assert min(inside) >= max([p for n, p in zip(names, probabilities, strict=True) if n not in chosen], default=0.0)


def test_ties_keep_their_order():
    assert credible_set(["a", "b", "c"], [1 / 3] * 3, 0.5) == ["a", "b"]


def test_the_constants_that_come_with_the_package():
    c = calibration("pdf")
    assert 0.0 < c.temper.discrepancy < 0.2
    assert 0.0 < c.temper.fraction <= 1.0
    # a good refinement is an answer, a misfit of the size of the data is not
    assert none_probability(0.03, c) < 0.05
    assert none_probability(0.9, c) > 0.8


def test_a_particle_is_doubted_less_than_a_crystal_that_fits_as_badly():
    assert none_probability(0.2, CONSTANTS, kind="cluster") < none_probability(0.2, CONSTANTS)
    assert none_probability(0.2, CONSTANTS, kind="never heard of") == none_probability(0.2, CONSTANTS)
    pdf = calibration("pdf")
    assert none_probability(0.15, pdf, kind="cluster", runner_up=0.25) < none_probability(0.15, pdf, runner_up=0.25)
