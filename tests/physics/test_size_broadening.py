"""Lognormal spheres: analytic limits, direct sums over spheres, and the widths of the nearest pseudo-Voigt."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.size_broadening import WIDEST, column_overlap, lognormal_widths, mean_diameter, peak_of, pseudo_voigt


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.35, 0.6])
def test_the_transform_of_many_spheres_drawn(spread):
    """A(L) against the volume-weighted mean over drawn spheres, and D_V = 1 by integration."""
    rng = np.random.default_rng(4)
    mean = mean_diameter(1.0, spread)
    sigma = np.sqrt(np.log1p(spread**2))
    drawn = mean * np.exp(sigma * rng.normal(size=400_000) - sigma**2 / 2)
    lengths = np.array([0.05, 0.2, 0.5, 0.9, 1.5])
    x = np.minimum(lengths[:, None] / drawn, 1.0)
    direct = ((1 - 1.5 * x + 0.5 * x**3) * drawn**3).sum(axis=1) / (drawn**3).sum()
    assert column_overlap(lengths, spread) == pytest.approx(direct, abs=6e-3)
    grid = np.arange(0, 60, 0.002)
    assert 2 * np.trapezoid(column_overlap(grid, spread), grid) == pytest.approx(1.0, abs=1e-4)


def test_the_peak_of_equal_spheres_is_the_known_one():
    """The integral breadth is 1/D_V: the height is D_V; and the Fourier transform of the sphere's overlap in closed form."""
    x = np.array([0.0, 0.4, 0.9])
    d = 4 / 3
    u = 2 * np.pi * x[1:] * d
    closed = 2 * d * 1.5 * (1 / u**2) * (1 - 2 * np.sin(u) / u + 2 * (1 - np.cos(u)) / u**2)
    assert peak_of(x, 0.0) == pytest.approx([1.0, *closed], abs=2e-4)


@pytest.mark.parametrize("spread", [0.0, 0.2, 0.35, 0.5, 0.65])
def test_the_nearest_pseudo_voigt_is_near(spread):
    x = np.linspace(0, 4, 201)
    gauss, lorentz, _, _ = lognormal_widths(spread)
    assert np.abs(pseudo_voigt(x, gauss, lorentz) - peak_of(x, spread)).max() < 0.035


def test_widths_go_from_gaussian_to_lorentzian_with_their_slopes():
    at = np.linspace(0.05, WIDEST - 0.05, 9)
    found = np.array([lognormal_widths(float(s)) for s in at])
    assert np.all(np.diff(found[:, 0]) < 0)
    assert np.all(np.diff(found[:, 1]) > 0)
    for s, row in zip(at, found, strict=True):
        up, down = lognormal_widths(float(s) + 1e-5), lognormal_widths(float(s) - 1e-5)
        assert row[2:] == pytest.approx([(up[k] - down[k]) / 2e-5 for k in (0, 1)], rel=1e-3, abs=1e-4)
