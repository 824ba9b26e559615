"""Peak shapes: areas, limits, derivatives, and axial divergence against its integral."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import voigt_profile

from whorl.physics.powder_profiles import axial_divergence, pattern, pattern_slopes

X = np.arange(10.0, 40.0, 0.002)


def alone(count):
    return np.arange(count + 1), np.zeros(count), np.ones(count)


def one(centre=25.0, area=3.0, g=0.1, l=0.05, x=X):
    a = np.array
    return pattern(x, a([centre]), a([area]), a([g]), a([l]), *alone(1))


@pytest.mark.parametrize(("g", "l"), [(0.1, 1e-5), (0.1, 0.02), (0.08, 0.08), (0.02, 0.1)])
def test_like_the_voigt_function(g, l):
    """The pseudo-Voigt stands for a Voigt function to 1.3 % of its height (Thompson, Cox & Hastings 1987)."""
    exact = 3.0 * voigt_profile(X - 25.0, g / np.sqrt(8 * np.log(2)), l / 2)
    near = np.abs(X - 25) < 0.6
    assert one(g=g, l=l)[near] == pytest.approx(exact[near], abs=0.013 * exact.max())


def test_area_of_a_gaussian():
    assert np.trapezoid(one(l=1e-6), X) == pytest.approx(3.0, rel=1e-5)


def test_area_within_its_reach():
    """The tails of the highest peak are cut at 30 widths: 1 % of a Lorentzian."""
    assert np.trapezoid(one(g=1e-3, l=0.05), X) == pytest.approx(3.0, rel=0.012)


def test_half_width():
    y = one(g=1e-4, l=0.1)
    inside = X[y > y.max() / 2]
    assert inside[-1] - inside[0] == pytest.approx(0.1, abs=0.004)


def test_derivatives_by_everything():
    rng = np.random.default_rng(3)
    count, x = 6, np.arange(10.0, 40.0, 0.01)
    c, a = np.sort(rng.uniform(15, 35, count)), rng.uniform(1, 5, count)
    g, l = rng.uniform(0.05, 0.2, count), rng.uniform(0.02, 0.2, count)
    start = np.array([0, 2, 3, 6, 7, 8, 9])
    shift, weight = rng.uniform(-0.2, 0, 9), rng.uniform(0.2, 1, 9)
    zero, eye = np.zeros((4, count)), np.eye(4)[:, :, None] * np.ones(count)
    out = np.zeros((5, x.size))
    changes = rng.normal(size=(2, 9))
    pattern_slopes(x, c, a, g, l, start, shift, weight, changes, np.arange(4), *(zero + eye[i] for i in range(4)), out)
    h = 1e-6

    def at(k=None, sign=0):
        moved = [v + sign * h * (n == k) for n, v in enumerate((a, c, g, l))]
        parts = (shift + sign * h * changes[0], weight + sign * h * changes[1]) if k == 4 else (shift, weight)
        return pattern(x, moved[1], moved[0], moved[2], moved[3], start, *parts)

    for k in range(5):
        slope = (at(k, 1) - at(k, -1)) / (2 * h)
        size = np.abs(out[k]).max()
        # where a window ends a point may fall in or out of it: a step of a tail
        assert np.mean(np.abs(slope - out[k]) > 1e-5 * size) < 0.01


def test_axial_divergence_is_the_integral():
    """Against the density in 2 phi of Finger, Cox & Jephcoat (1994), eqs. 4 to 12, S = H, by a fine sum."""
    two_theta, size = 20.0, 0.03
    shift, weight = axial_divergence(np.array([two_theta]), size, size, 40)
    least = np.degrees(np.arccos(np.cos(np.radians(two_theta)) * np.sqrt(1 + (2 * size) ** 2)))
    phi = np.radians(np.linspace(least, two_theta, 400001)[1:-1])
    h = np.sqrt(np.cos(phi) ** 2 / np.cos(np.radians(two_theta)) ** 2 - 1)
    density = (2 * size - h) / (h * np.cos(phi))
    density /= density.sum()
    moved = np.degrees(phi) - two_theta
    assert float(shift[:, 0] @ weight[:, 0]) == pytest.approx(float(moved @ density), rel=3e-3)
    assert float(shift[:, 0] ** 2 @ weight[:, 0]) == pytest.approx(float(moved**2 @ density), rel=3e-3)


def test_unequal_slits_spread_less_than_the_larger_alone():
    shift, weight = axial_divergence(np.array([20.0, 160.0]), 0.03, 0.01, 12)
    assert np.all(shift[:, 0] < 0)
    assert np.all(shift[:, 1] > 0)
    assert weight.sum(axis=0) == pytest.approx([1, 1])
    assert axial_divergence(np.array([20.0]), 0.0, 0.0, 5)[0].tolist() == [[0.0]]
