"""Pairs of nearly one length share a peak: neither the curve nor its derivatives notice."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.crystals import Links, PairTable, joined_pairs
from whorl.physics.peaks import peak_sum

VARIANCE, DR, N = 0.008, 0.02, 1000
METRIC = np.array([[16.0, -1.0, 0.5], [-1.0, 25.0, 2.0], [0.5, 2.0, 36.0]])
BY_CELL = np.array([np.diag([8.0, 0, 0]), [[0, 5.0, 0], [5.0, 0, 0], [0, 0, 0]]])


@pytest.fixture
def table() -> tuple[PairTable, np.ndarray]:
    """4000 pairs of two channels, each moved by at most one of three coordinates."""
    rng = np.random.default_rng(20261121)
    vector = rng.uniform(-2.0, 2.0, (4000, 3))
    vector = vector[np.sqrt(np.einsum("ki,ij,kj->k", vector, METRIC, vector)) > 2.0]
    k = len(vector)
    links = Links(
        np.arange(k), np.arange(k + 1), rng.integers(0, 3, k), rng.normal(size=(k, 3)) * rng.integers(0, 2, (k, 1)), 3
    )
    site = np.zeros(k, int)
    return PairTable(vector, links, rng.uniform(0.5, 2.0, k), site, site), rng.integers(0, 2, k)


def curve(table, channel, free, *, joined, slopes=False):
    found = joined_pairs(table, channel, METRIC, BY_CELL, free, width=0.01, crowd=0.5 if joined else np.inf)
    none = np.zeros((found.distance.size, 0))
    d_distance, d_variance = (found.slope, found.spread_slope) if slopes else (none, none)
    variance = VARIANCE + found.spread
    return found, peak_sum(found.distance, found.weight, variance, found.channel, d_distance, d_variance, DR, N, 2)


def test_fewer_peaks_make_the_same_curve(table):
    pairs, channel = table
    free = np.array([0.003, -0.002, 0.001])
    all_of_them, exact = curve(pairs, channel, free, joined=False)
    fewer, close = curve(pairs, channel, free, joined=True)
    assert fewer.distance.size < 0.7 * all_of_them.distance.size
    assert fewer.weight.sum() == pytest.approx(pairs.weight.sum())
    d, _ = pairs.distances(METRIC, free)
    assert np.allclose(all_of_them.distance, d, rtol=1e-12)
    assert np.linalg.norm(close - exact) < 1e-4 * np.linalg.norm(exact)  # the third order of 0.01/0.09, with chance signs


def test_joined_slopes_are_those_of_the_single_pairs(table):
    pairs, channel = table
    free = np.array([0.003, -0.002, 0.001])
    _, exact = curve(pairs, channel, free, joined=False, slopes=True)
    _, close = curve(pairs, channel, free, joined=True, slopes=True)
    for row in range(1, 6):
        assert np.linalg.norm(close[:, row] - exact[:, row]) < 5e-3 * np.linalg.norm(exact[:, row])


def test_slopes_agree_with_differences(table):
    pairs, channel = table
    h = 1e-6
    free = np.array([0.003, -0.002, 0.001])
    found, _ = curve(pairs, channel, free, joined=False)
    for p in range(3):
        step = h * np.eye(3)[p]
        ends = [pairs.distances(METRIC, free + s * step)[0] for s in (1, -1)]
        assert np.allclose(found.slope[:, 2 + p], (ends[0] - ends[1]) / (2 * h), atol=1e-7)
    for c in range(2):
        ends = [pairs.distances(METRIC + s * h * BY_CELL[c], free)[0] for s in (1, -1)]
        assert np.allclose(found.slope[:, c], (ends[0] - ends[1]) / (2 * h), atol=1e-7)
