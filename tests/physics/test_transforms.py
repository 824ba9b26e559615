"""Sine transforms between r and Q."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.physics.transforms import SineGrid, band_weights, fast_length, interpolation

GRID = SineGrid(0.02, 2048)
Q = np.arange(1, 301) * 0.1


def gaussian_pair(d, sigma):
    """G(r) with a known transform: an odd pair of Gaussians has F(Q) = exp(-Q^2 sigma^2 / 2) sin(Q d)."""
    norm = 1 / np.sqrt(2 * np.pi) / sigma
    return lambda r: norm * (np.exp(-0.5 * ((r - d) / sigma) ** 2) - np.exp(-0.5 * ((r + d) / sigma) ** 2))


@pytest.mark.parametrize(("d", "sigma"), [(0.3, 0.2), (2.5, 0.1), (20.0, 0.15)])
def test_transform_of_a_gaussian_is_analytic(d, sigma):
    g = gaussian_pair(d, sigma)(GRID.r)
    f = np.exp(-0.5 * (GRID.q * sigma) ** 2) * np.sin(GRID.q * d)
    assert GRID.to_q(g) == pytest.approx(f, abs=1e-11)
    assert GRID.to_r(f) == pytest.approx(g, abs=1e-10)


def test_the_two_directions_are_inverse():
    g = np.random.default_rng(0).normal(size=(3, GRID.n - 1))
    assert GRID.to_r(GRID.to_q(g)) == pytest.approx(g, abs=1e-12)


def test_a_box_in_q_makes_the_known_ripple():
    # F(Q) = Q up to Qmax: G(r) = (2/pi) (sin(Qm r) - Qm r cos(Qm r)) / r^2
    qmax = 12.345
    f = GRID.q * GRID.band(0.0, qmax)
    r = GRID.r[: GRID.n // 4]
    exact = 2 / np.pi * (np.sin(qmax * r) - qmax * r * np.cos(qmax * r)) / r**2
    assert GRID.to_r(f)[: r.size] == pytest.approx(exact, abs=2e-3 * np.max(np.abs(exact)))


def test_grid_covers_the_range_with_room_and_conjugate_steps():
    grid = SineGrid.covering(30.0, 0.02)
    assert grid.length >= 30 * 1.34
    assert grid.q[-1] == pytest.approx(np.pi / grid.dr * (1 - 1 / grid.n))
    assert grid.r.shape == grid.q.shape == (grid.n - 1,)


@given(st.floats(0.2, 14.0), st.floats(14.1, 29.9))
def test_band_integrates_a_constant_exactly(low, high):
    assert float(band_weights(Q, low, high).sum() * 0.1) == pytest.approx(high - low, rel=1e-12)


@given(st.floats(0.2, 10.0), st.floats(10.1, 20.0), st.floats(20.1, 29.9))
def test_bands_add_up(low, middle, high):
    joined = band_weights(Q, low, middle) + band_weights(Q, middle, high)
    assert joined == pytest.approx(band_weights(Q, low, high), abs=1e-12)


@given(st.floats(0.2, 14.0), st.floats(14.1, 29.9))
def test_weights_lie_between_0_and_1_and_are_1_inside(low, high):
    weights = band_weights(Q, low, high)
    centre, half = 0.5 * (low + high), 0.5 * (high - low)
    inside, outside = np.abs(Q - centre) < half - 0.1001, np.abs(Q - centre) > half + 0.1001
    assert np.all((weights >= 0) & (weights <= 1 + 1e-12))
    assert weights[inside] == pytest.approx(1.0)
    assert np.all(weights[outside] == 0)


@pytest.mark.parametrize("edge", [9.95, 9.98, 10.0, 10.02, 10.05])
def test_edge_between_nodes_moves_the_integral_smoothly(edge):
    # the integral of Q^2 up to the edge, to second order in the step
    assert (band_weights(Q, 0.0, edge) @ Q**2) * 0.1 == pytest.approx(edge**3 / 3, rel=6e-3)


def test_band_without_upper_end_keeps_everything():
    for top in (None, 0):
        assert np.all(GRID.band(0.0, top) == 1)
    assert np.count_nonzero(GRID.band(1.0, None) == 0) == pytest.approx(1.0 / GRID.dq, abs=1.5)


@given(st.integers(2, 100_000))
def test_fast_length_is_long_enough_and_not_wasteful(n):
    assert n <= fast_length(n) <= 1.13 * n + 2


@given(st.floats(0.0, 19.9), st.floats(0.5, 25.0))
def test_interpolation_keeps_band_limited_signals(x, q):
    nodes = np.arange(1001) * 0.02
    first, weights = interpolation(np.array([x]), 0.0, 0.02, nodes.size)
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert float(weights[0] @ np.sin(q * nodes[first[0] + np.arange(6)])) == pytest.approx(np.sin(q * x), abs=2e-3)


def test_interpolation_error_inside_is_what_the_documentation_says():
    nodes = np.arange(1001) * 0.02
    x = np.linspace(1.0, 19.0, 777)
    first, weights = interpolation(x, 0.0, 0.02, nodes.size)
    values = np.sin(25.0 * nodes)[first[:, None] + np.arange(6)]
    assert np.max(np.abs((weights * values).sum(axis=1) - np.sin(25.0 * x))) < 1e-4


def test_interpolation_at_a_node_is_that_node():
    first, weights = interpolation(np.array([0.0, 0.4, 19.98]), 0.0, 0.02, 1000)
    chosen = first + np.argmax(weights, axis=1)
    assert chosen.tolist() == [0, 20, 999]
    assert np.max(weights, axis=1) == pytest.approx(1.0, abs=1e-9)
