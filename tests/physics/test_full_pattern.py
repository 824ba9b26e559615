"""Full-pattern summation: factors, choice of references, what the residual says of their misfit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import nnls

from whorl.physics.full_pattern import Normal, coarse_shift, inflation, own_misfit, select

X = np.arange(10.0, 40.0, 0.05)


def lines(places, heights, width=0.25):
    """Gaussian lines on the axis."""
    return sum(h * np.exp(-4 * np.log(2) * ((X - p) / width) ** 2) for p, h in zip(places, heights, strict=True))


@pytest.fixture(scope="module")
def library():
    """Twelve patterns in four groups; those of a group share most of their lines."""
    rng = np.random.default_rng(3)
    patterns, groups = [], []
    for group in "ABCD":
        places, heights = rng.uniform(12, 38, 8), rng.uniform(0.2, 1, 8)
        for _ in range(3):
            patterns.append(lines(places + rng.normal(0, 0.08, 8), heights * rng.uniform(0.6, 1.4, 8)))
            groups.append(group)
    return np.column_stack(patterns), groups


def test_factors_are_those_of_least_squares(library):
    """Normal equations with projected curves give what least squares of the weighted table gives."""
    patterns, _ = library
    rng = np.random.default_rng(1)
    y = patterns @ rng.uniform(0, 1, patterns.shape[1]) + 0.3 + rng.normal(0, 0.02, X.size)
    weights = rng.uniform(0.5, 2, X.size)
    root = np.sqrt(weights)[:, None]
    wanted, left = nnls(np.hstack([patterns, np.ones((X.size, 1))]) * root, y * root[:, 0])
    factors, chi2 = Normal(patterns, np.ones((X.size, 1)), y, weights).amounts(range(12))
    assert factors == pytest.approx(wanted[:-1], abs=1e-6)
    assert chi2 == pytest.approx(left**2, rel=1e-6)


def test_evidence_chooses_the_references_that_are_there(library):
    """Of twelve references that resemble each other those of the sum are chosen; least squares takes more."""
    patterns, groups = library
    rng = np.random.default_rng(2)
    truth = np.zeros(12)
    truth[[1, 5, 6]] = 300.0, 120.0, 40.0
    y = rng.poisson(patterns @ truth + 20).astype(float)
    normal = Normal(patterns, np.ones((X.size, 1)), y, 1 / np.maximum(y, 1.0))
    found = select(normal, groups, points=240.0)
    assert sorted(found.chosen) == [1, 5, 6]
    assert found.factors[np.argsort(found.chosen)] == pytest.approx(truth[[1, 5, 6]], rel=0.06)
    assert np.count_nonzero(normal.amounts(range(12))[0]) > 3
    kept = select(normal, groups, points=240.0, always={"D"})
    assert {groups[j] for j in kept.chosen} == {"A", "B", "C", "D"}


def test_noise_asks_for_nothing(library):
    """A background of counts holds no reference."""
    patterns, groups = library
    y = np.random.default_rng(4).poisson(50.0, X.size).astype(float)
    assert select(Normal(patterns, np.ones((X.size, 1)), y, 1 / y), groups, points=240.0).chosen.size == 0


def test_shift_is_found(library):
    """The common shift of a sum of all references."""
    patterns, _ = library
    y = np.interp(X - 0.2, X, patterns @ np.full(12, 10.0))
    shifts = np.arange(-0.5, 0.51, 0.05)
    normal = Normal(patterns, np.zeros((X.size, 1)) + 1e-9, y, np.ones(X.size))
    moved = np.array([np.interp(X + s, X, y) for s in shifts])
    found = coarse_shift(normal, moved @ patterns, np.einsum("sn,sn->s", moved, moved), shifts)
    assert found == pytest.approx(0.2, abs=1e-9)


def test_misfit_of_each():
    """A pattern of which one reference is wrong by a quarter says so, and of which."""
    one, other = lines([15, 20], [100, 80]), lines([30, 35], [100, 80])
    wrong = 0.25 * one * np.sign(np.sin(40 * X))
    residual = wrong + np.random.default_rng(5).normal(0, 1.0, X.size)
    parts = np.column_stack([one, other])
    found = own_misfit(residual, np.ones(X.size), parts)
    assert found == pytest.approx([0.25, 0.0], abs=0.02)


def test_residuals_that_are_wrong_together_count_less():
    """Residuals smoothed over m points count m times too much, about."""
    noise = np.random.default_rng(6).normal(size=20000)
    smooth = np.convolve(noise, np.ones(5) / np.sqrt(5), "same")
    assert inflation(noise, 8) == pytest.approx(1.0, abs=0.1)
    assert inflation(smooth, 8) == pytest.approx(5.0, rel=0.1)
