"""Microabsorption: Brindley's table, and what grains of unknown size leave open."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.microabsorption import Grains, brindley, grain_covariance, volume_factors


@pytest.mark.parametrize("contrast", [0.5, 0.1, 0.01, -0.1, -0.3])
def test_brindley(contrast):
    """Against points drawn in a sphere, whose paths along two axes are added; 1 - 3/2 contrast where it is small."""
    points = np.random.default_rng(1).uniform(-1, 1, (400_000, 3))
    x, y, z = points[np.sum(points**2, axis=1) < 1].T
    path = x + np.sqrt(1 - y**2 - z**2) + y + np.sqrt(1 - x**2 - z**2)
    assert brindley(contrast) == pytest.approx(np.exp(-contrast * path).mean(), rel=2e-3)
    if abs(contrast) < 0.05:
        assert brindley(contrast) == pytest.approx(1 - 1.5 * contrast, abs=3e-4)


def test_doubt_is_that_of_a_change_by_grains():
    """With grains of nearly one size, common and own, the doubt is the change that the correction makes."""
    shares, attenuation, density = np.array([0.4, 0.6]), np.array([250.0, 900.0]), np.array([6.7, 5.0])
    plain = shares * density / (shares @ density)
    true = shares / volume_factors(shares, attenuation, 2.0) * density
    change = true / true.sum() - plain
    found = grain_covariance(shares, attenuation, density, Grains(2.0, 1e-6))
    assert found == pytest.approx(np.outer(change, change), rel=5e-3)


def test_phases_that_absorb_alike_leave_no_doubt():
    """Whatever their grains; and fractions still add up to one."""
    found = grain_covariance(np.ones(3), np.full(3, 400.0), np.array([3.0, 4.0, 5.0]))
    assert np.abs(found).max() < 1e-12
    mixed = grain_covariance(np.ones(3), np.array([100.0, 400.0, 1500.0]), np.array([3.0, 4.0, 5.0]))
    assert mixed.sum(axis=1) == pytest.approx(np.zeros(3), abs=1e-12)
    assert np.sqrt(mixed[0, 0]) > 0.02
