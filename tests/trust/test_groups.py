"""Candidates that one measurement cannot tell apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.trust.groups import STRONG, distance, group

X = np.linspace(0, 9, 200)
DATA = np.sin(X)
ONE = np.ones(X.size)


def grouped(curves, misfits, evidence, discrepancy=0.03):
    return group(curves, misfits, evidence, DATA, ONE, discrepancy=discrepancy)


def test_distance_is_an_rw():
    assert distance(1.1 * DATA, DATA, DATA, ONE) == pytest.approx(0.1)
    assert distance(DATA, DATA, DATA, ONE) == 0
    weights = np.where(X < 4, 1.0, 0.0)
    assert distance(np.where(X < 4, DATA, 99), DATA, DATA, weights) == 0


def test_alike_within_the_discrepancy():
    assert grouped([DATA, 1.02 * DATA, 1.04 * DATA], [0.01] * 3, [0.0] * 3) == [1, 1, 2]


def test_a_poor_leader_tells_less_apart():
    assert grouped([DATA, 1.1 * DATA], [0.02, 0.02], [0, 0]) == [1, 2]
    assert grouped([DATA, 1.1 * DATA], [0.30, 0.30], [0, 0]) == [1, 1]


def test_strong_evidence_parts_what_looks_alike():
    assert grouped([DATA, DATA], [0.1, 0.1], [10.0, 10.0 - 0.9 * STRONG]) == [1, 1]
    assert grouped([DATA, DATA], [0.1, 0.1], [10.0, 10.0 - 1.1 * STRONG]) == [1, 2]


def test_a_chain_of_small_steps_is_cut():
    curves = [(1 + 0.02 * k) * DATA for k in range(4)]
    assert grouped(curves, [0.01] * 4, [0.0] * 4) == [1, 1, 2, 2]


def test_nothing_and_one():
    assert grouped([], [], []) == []
    assert grouped([DATA], [0.1], [0.0]) == [1]


@given(st.lists(st.tuples(st.floats(0.5, 1.5), st.floats(0.01, 0.5), st.floats(-20, 0)), max_size=8))
def test_numbers_count_up_and_every_leader_opens_its_group(rows):
    curves, misfits, evidence = [a * DATA for a, _, _ in rows], [m for _, m, _ in rows], [e for _, _, e in rows]
    found = grouped(curves, misfits, evidence)
    assert len(found) == len(rows)
    seen = 0
    for number in found:
        assert 1 <= number <= seen + 1
        seen = max(seen, number)
