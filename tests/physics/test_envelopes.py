"""Envelopes of finite particles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whorl.physics.envelopes import common_volume, lognormal_spheres, shell, sphere, spheroid

R = np.linspace(0, 80, 4001)


def volume(gamma):
    """Integral of 4 pi r^2 gamma(r), which is the particle's volume."""
    return float(np.trapezoid(4 * np.pi * R**2 * gamma, R))


@given(st.floats(5.0, 79.0))
def test_sphere_integrates_to_its_volume(d):
    assert volume(sphere(R, d)[0]) == pytest.approx(np.pi / 6 * d**3, rel=1e-4)


@pytest.mark.parametrize(("equatorial", "polar"), [(20.0, 30.0), (30.0, 20.0), (20.0, 60.0), (60.0, 15.0)])
def test_spheroid_integrates_to_its_volume(equatorial, polar):
    assert volume(spheroid(R, equatorial, polar)[0]) == pytest.approx(np.pi / 6 * equatorial**2 * polar, rel=2e-3)


def test_lognormal_integrates_to_the_volume_weighted_volume():
    median, spread = 20.0, 0.15
    gamma, _, _ = lognormal_spheres(R, median, spread)
    # <D^6> / <D^3> of a lognormal number distribution
    expected = np.pi / 6 * median**3 * np.exp((36 - 9) / 2 * spread**2)
    assert volume(gamma) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    "gamma",
    [
        sphere(R, 25.0)[0],
        spheroid(R, 20.0, 35.0)[0],
        lognormal_spheres(R, 20.0, 0.1)[0],
    ],
)
def test_limits_and_monotony(gamma):
    assert gamma[0] == pytest.approx(1.0)
    assert np.all(np.diff(gamma) <= 1e-12)
    assert np.all(gamma >= 0)
    assert gamma[-1] == pytest.approx(0.0, abs=1e-9)


def test_initial_slope_is_surface_over_four_volumes():
    # Porod: gamma'(0) = -S / 4V = -3 / 2D for a sphere
    gamma, _ = sphere(R, 40.0)
    assert (gamma[1] - gamma[0]) / R[1] == pytest.approx(-1.5 / 40.0, rel=1e-5)


def test_a_wide_sphere_changes_nothing():
    assert sphere(np.linspace(0, 30, 10), 1e7)[0] == pytest.approx(1.0, abs=1e-5)


def test_spheroid_lies_between_the_spheres_of_its_axes():
    gamma, _, _ = spheroid(R, 20.0, 30.0)
    assert np.all(gamma >= sphere(R, 20.0)[0] - 1e-12)
    assert np.all(gamma <= sphere(R, 30.0)[0] + 1e-12)


@pytest.mark.parametrize(
    ("envelope", "values"),
    [
        (sphere, (23.0,)),
        (spheroid, (21.0, 33.0)),
        (spheroid, (33.0, 21.0)),
        (lognormal_spheres, (22.0, 0.12)),
        (shell, (18.0, 30.0)),
        (shell, (6.0, 40.0)),
    ],
)
def test_derivatives_agree_with_central_differences(envelope, values):
    r = np.linspace(0.1, 70, 301)
    found = envelope(r, *values)[1:]
    for k, value in enumerate(values):
        h = 1e-5 * value
        high, low = (envelope(r, *(v + s * h * (i == k) for i, v in enumerate(values)))[0] for s in (1, -1))
        # the sphere's second derivative has a step at r = D, where the difference quotient is of first order
        assert found[k] == pytest.approx((high - low) / (2 * h), abs=1e-6 * np.max(np.abs(found[k])) + 1e-9)


@pytest.mark.parametrize(("inner", "outer"), [(10.0, 30.0), (24.0, 30.0), (0.0, 25.0)])
def test_shell_integrates_to_its_volume(inner, outer):
    assert volume(shell(R, inner, outer)[0]) == pytest.approx(np.pi / 6 * (outer**3 - inner**3), rel=1e-4)


@pytest.mark.parametrize(("inner", "outer"), [(12.0, 30.0), (26.0, 30.0)])
def test_shell_is_the_share_of_points_that_stay_inside_when_shifted(inner, outer):
    """Monte Carlo: a point of the shell, moved by r in a random direction, is in the shell with probability gamma(r)."""
    rng = np.random.default_rng(31)
    n = 200_000
    radius = 0.5 * np.cbrt(rng.uniform(inner**3, outer**3, n))
    point = rng.normal(size=(n, 3))
    point *= (radius / np.linalg.norm(point, axis=1))[:, None]
    direction = rng.normal(size=(n, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    for r in (1.0, 4.0, 9.0, 15.0, 20.0, 27.0, 31.0):
        there = 2 * np.linalg.norm(point + r * direction, axis=1)
        share = np.mean((there > inner) & (there < outer))
        # four standard deviations of a share of n trials
        assert shell(np.array([r]), inner, outer)[0][0] == pytest.approx(share, abs=4 * 0.5 / np.sqrt(n))


def test_initial_slope_of_a_shell_counts_both_surfaces():
    gamma, _, _ = shell(R, 20.0, 40.0)
    surface, inside = np.pi * (40.0**2 + 20.0**2), np.pi / 6 * (40.0**3 - 20.0**3)
    assert (gamma[1] - gamma[0]) / R[1] == pytest.approx(-surface / 4 / inside, rel=1e-3)


def test_spheres_apart_and_engulfed():
    value, by_first, by_second = common_volume(np.array([1.0, 30.0]), 20.0, 5.0)
    assert value == pytest.approx([4 / 3 * np.pi * 125, 0.0])
    assert by_first == pytest.approx([0.0, 0.0])
    assert by_second == pytest.approx([4 * np.pi * 25, 0.0])
