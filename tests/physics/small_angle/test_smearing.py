"""Smearing against direct integration of the same kernel."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.physics.small_angle.models import find_model
from whorl.physics.small_angle.smearing import CUT, FLOOR, Smearing

NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)


def sphere(q, radius):
    return find_model("sphere").intensity(np.asarray(q).ravel(), {"radius": radius}).reshape(np.shape(q))


def gaussian(q, sigma, function):
    """Average over a cut Gaussian."""
    t = (CUT[1] - CUT[0]) / 2 + (CUT[1] + CUT[0]) / 2 * NODES
    weights = WEIGHTS * np.exp(-(t**2) / 2)
    at = np.maximum(np.abs(q[:, None] + np.asarray(sigma)[:, None] * t), FLOOR * q[:, None])
    return function(at) @ weights / weights.sum()


def along(q, length, function):
    """Average along a slit, u = q sinh s in panels."""
    x, w = np.polynomial.legendre.leggauss(40)
    out = []
    for one in q:
        ends = np.linspace(0, np.arcsinh(length / one), 40)
        s = (ends[1:] + ends[:-1])[:, None] / 2 + np.diff(ends)[:, None] / 2 * x
        out.append(np.sum(function(one * np.cosh(s)) * one * np.cosh(s) * np.diff(ends)[:, None] / 2 * w) / length)
    return np.array(out)


@pytest.mark.parametrize(("relative", "radius"), [(0.1, 20.0), (0.1, 50.0), (0.03, 50.0), (0.01, 150.0), (0.2, 30.0)])
@pytest.mark.parametrize("points", [120, 300])
def test_pinhole_is_the_direct_integral_of_a_sphere_with_minima(relative, radius, points):
    q = np.geomspace(0.003, 0.4, points)
    if points == 120 and relative < 0.1:
        q = np.geomspace(0.01, 0.1, points)
    smearing = Smearing.pinhole(q, relative * q)
    found = smearing.apply(sphere(smearing.q, radius))
    assert found == pytest.approx(gaussian(q, relative * q, lambda x: sphere(x, radius)), rel=1e-3)


def test_a_sphere_without_smearing_has_minima_that_smearing_fills():
    q = np.linspace(0.08, 0.1, 41)
    smearing = Smearing.pinhole(q, 0.1 * q)
    assert sphere(q, 50.0).min() < 1e-3 * smearing.apply(sphere(smearing.q, 50.0)).min()


@pytest.mark.parametrize(("radius", "low", "high"), [(100.0, 1e-4, 0.1), (1000.0, 3e-5, 0.005)])
@pytest.mark.parametrize("length", [0.02, 0.117])
def test_a_slit_is_the_direct_integral_of_a_sphere(radius, low, high, length):
    q = np.geomspace(low, high, 200)
    smearing = Smearing.slit(q, length)
    found = smearing.apply(sphere(smearing.q, radius))
    assert found == pytest.approx(along(q, length, lambda x: sphere(x, radius)), rel=2e-3)


def test_a_slit_shorter_than_the_steps_and_a_slit_of_both_sizes():
    q = np.linspace(0.02, 0.2, 100)
    short = Smearing.slit(q, 0.004)
    assert short.apply(sphere(short.q, 40.0)) == pytest.approx(along(q, 0.004, lambda x: sphere(x, 40.0)), rel=1e-3)
    both = Smearing.slit(q, 0.05, 0.003)
    offsets, parts = np.polynomial.legendre.leggauss(20)
    expected = sum(w / 2 * along(q + 0.003 * t, 0.05, lambda x: sphere(x, 40.0)) for t, w in zip(offsets, parts, strict=True))
    assert both.apply(sphere(both.q, 40.0)) == pytest.approx(expected, rel=2e-3)


def test_an_infinite_slit_takes_one_from_the_power():
    q = np.geomspace(1e-4, 1e-3, 50)
    smearing = Smearing.slit(q, 1.0)
    found = smearing.apply(smearing.q**-4.0)
    assert found == pytest.approx(
        np.pi / 4 * q**-3.0, rel=1e-3
    )  # int_0^inf (q^2 + u^2)^-2 du = pi / (4 q^3), over a length of 1


@pytest.mark.parametrize(
    "smearing",
    [
        Smearing.pinhole(np.geomspace(0.003, 0.4, 80), 0.12 * np.geomspace(0.003, 0.4, 80)),
        Smearing.pinhole(np.linspace(0.003, 0.4, 80), 0.002),
        Smearing.pinhole(np.linspace(0.4, 0.003, 80), 0.6 * np.linspace(0.4, 0.003, 80)),
        Smearing.slit(np.geomspace(0.003, 0.4, 80), 0.05),
        Smearing.slit(np.geomspace(0.003, 0.4, 80), 0.001, 0.002),
        Smearing.of(np.geomspace(0.003, 0.4, 80), 0.05 * np.geomspace(0.003, 0.4, 80), 0.05, 0.001),
        Smearing.pinhole(np.array([0.02]), 0.002),
        Smearing.pinhole(np.array([0.02, 0.02, 0.03]), 0.002),
    ],
)
def test_weights_add_up_and_q_is_positive_and_sorted(smearing):
    assert np.asarray(smearing.matrix.sum(axis=1)).ravel() == pytest.approx(1.0, abs=1e-9)
    assert smearing.q.min() > 0
    assert np.all(np.diff(smearing.q) >= 0)
    columns = np.column_stack([smearing.q**-2, np.ones_like(smearing.q)])
    found = smearing.apply(columns)
    assert found[:, 1] == pytest.approx(1.0, abs=1e-9)
    assert found[:, 0] == pytest.approx(smearing.apply(smearing.q**-2), rel=1e-12)


def test_points_adapt_to_the_resolution():
    q = np.geomspace(0.003, 0.3, 300)
    counts = [len(Smearing.pinhole(q, part * q).q) for part in (0.02, 0.05, 0.1, 0.2)]
    assert counts == sorted(counts, reverse=True)
    assert counts[2] <= 1.2 * len(q)
    assert counts[0] <= 5 * len(q)


def test_sharp_points_stay_where_they_are():
    q = np.geomspace(0.01, 0.3, 50)
    sigma = np.where(np.arange(50) % 2, 0.05 * q, np.nan)
    smearing = Smearing.pinhole(q, sigma)
    found = smearing.apply(sphere(smearing.q, 60.0))
    assert found[::2] == pytest.approx(sphere(q, 60.0)[::2], rel=1e-12)
    assert found[1::2] == pytest.approx(gaussian(q, np.nan_to_num(sigma), lambda x: sphere(x, 60.0))[1::2], rel=2e-3)
    assert Smearing.pinhole(q, 0.0).matrix is None
    assert Smearing.none(q).apply(q) is q


def test_both_kinds_of_smearing_follow_each_other():
    q = np.geomspace(0.004, 0.2, 60)
    both = Smearing.of(q, 0.08 * q, 0.03)
    outer = Smearing.pinhole(q, 0.08 * q)
    expected = outer.apply(along(outer.q, 0.03, lambda x: sphere(x, 30.0)))
    assert both.apply(sphere(both.q, 30.0)) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Smearing.pinhole(np.array([0.0, 0.1]), 0.01),
        lambda: Smearing.pinhole(np.array([0.1, np.nan]), 0.01),
        lambda: Smearing.pinhole(np.array([0.1, 0.2]), np.array([0.01])),
        lambda: Smearing.slit(np.array([0.1, 0.2]), -0.01),
        lambda: Smearing.none(np.array([])),
    ],
)
def test_what_cannot_be_smeared_is_an_error(call):
    with pytest.raises(UsageError):
        call()
