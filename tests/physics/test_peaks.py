"""Peaks of G(r), their widths and derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.physics.peaks import peak_sum, widths

DR, N = 0.01, 2001
R = np.arange(1, N) * DR
NONE = np.zeros((1, 0))


def curve(distance, weight, variance, *, dr=DR, n=N):
    d = np.atleast_1d(np.asarray(distance, float))
    none = np.zeros((d.size, 0))
    channel = np.zeros(d.size, dtype=np.int64)
    return peak_sum(
        d, np.atleast_1d(weight) * np.ones(d.size), np.atleast_1d(variance) * np.ones(d.size), channel, none, none, dr, n, 1
    )[0, 0]


@given(st.floats(1.5, 18.0), st.floats(0.1, 50.0), st.floats(0.001, 0.05))
def test_area_and_position_of_a_peak(d, weight, variance):
    g = curve(d, weight, variance)
    area = g.sum() * DR
    assert area == pytest.approx(weight / d, rel=2e-6)
    assert (g @ R) * DR / area == pytest.approx(d, abs=1e-6)
    assert (g @ (R - d) ** 2) * DR / area == pytest.approx(variance, rel=3e-5)


@given(st.floats(0.6, 19.5), st.floats(0.001, 0.1))
def test_a_peak_is_the_gaussian(d, variance):
    exact = 3.0 / d / np.sqrt(2 * np.pi * variance) * np.exp(-0.5 * (R - d) ** 2 / variance)
    assert curve(d, 3.0, variance) == pytest.approx(exact, abs=5e-6 * exact.max())


def test_peaks_add_and_go_to_their_channels():
    d = np.array([2.0, 3.0, 2.5])
    w = np.array([1.0, 2.0, 3.0])
    v = np.array([0.01, 0.02, 0.015])
    none = np.zeros((3, 0))
    out = peak_sum(d, w, v, np.array([0, 1, 0]), none, none, DR, N, 3)
    assert out.shape == (3, 1, N - 1)
    assert out[0, 0] == pytest.approx(curve(2.0, 1.0, 0.01) + curve(2.5, 3.0, 0.015), abs=1e-12)
    assert out[1, 0] == pytest.approx(curve(3.0, 2.0, 0.02), abs=1e-12)
    assert not out[2].any()


@pytest.mark.parametrize("d", [25.0, 1e-3, 20.1])
def test_peaks_beyond_the_ends_are_cut_without_fault(d):
    assert np.all(np.isfinite(curve(d, 1.0, 0.01)))
    if d == 25.0:
        assert not curve(d, 1.0, 0.01).any()


def test_a_peak_narrower_than_the_grid_keeps_its_area():
    assert curve(5.003, 4.0, 1e-9).sum() * DR == pytest.approx(4.0 / 5.003, rel=1e-5)


def test_derivatives_agree_with_central_differences():
    d, w, v = np.array([2.0, 2.9, 4.1]), np.array([1.0, 2.0, 0.5]), np.array([0.012, 0.02, 0.03])
    rng = np.random.default_rng(1)
    dd, dv = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    dd[:, 1] = 0  # only the width
    dv[:, 2] = 0  # only the distance
    channel = np.array([0, 1, 0])
    out = peak_sum(d, w, v, channel, dd, dv, DR, N, 2)
    h = 1e-5
    for p in range(4):
        high, low = (
            peak_sum(d + s * h * dd[:, p], w, v + s * h * dv[:, p], channel, NONE.repeat(3, 0), NONE.repeat(3, 0), DR, N, 2)[
                :, 0
            ]
            for s in (1, -1)
        )
        assert out[:, 1 + p] == pytest.approx((high - low) / (2 * h), abs=1e-5 * np.max(np.abs(out[:, 1 + p])) + 1e-9)


def test_a_peak_at_the_least_width_has_no_derivative_by_width():
    out = peak_sum(
        np.array([3.0]), np.ones(1), np.array([1e-5]), np.zeros(1, np.int64), np.zeros((1, 1)), np.ones((1, 1)), DR, N, 1
    )
    assert not out[0, 1].any()


def test_width_formula():
    w = widths(np.array([2.5, 10.0]), np.array([0.01, 0.02]), delta1=0.3, delta2=0.5, qbroad=0.02)
    expected = [0.01 * (1 - 0.3 / 2.5 - 0.5 / 6.25 + 0.0025), 0.02 * (1 - 0.03 - 0.005 + 0.04)]
    assert w.variance == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["distance", "u_sum", "delta1", "delta2", "qbroad"])
def test_width_derivatives(name):
    at = {
        "distance": np.array([2.1, 3.3, 12.0]),
        "u_sum": np.array([0.01, 0.02, 0.03]),
        "delta1": 0.4,
        "delta2": 0.6,
        "qbroad": 0.02,
    }
    field = {"distance": "by_distance", "u_sum": "by_u", "delta1": "by_delta1", "delta2": "by_delta2", "qbroad": "by_qbroad"}
    h = 1e-6
    high, low = (widths(**(at | {name: at[name] + s * h})).variance for s in (1, -1))
    assert getattr(widths(**at), field[name]) == pytest.approx((high - low) / (2 * h), rel=1e-6, abs=1e-10)


def test_correlated_motion_never_makes_a_width_negative():
    w = widths(np.array([1.0, 2.0, 5.0]), np.full(3, 0.01), delta2=8.0)
    assert np.all(w.variance > 0)
    assert w.variance[0] == pytest.approx(0.05 * 0.01)
    assert w.by_delta2[0] == w.by_distance[0] == w.by_qbroad[0] == 0.0
    assert w.by_delta2[2] < 0
