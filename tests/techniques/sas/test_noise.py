"""Uncertainty of a curve from its own scatter, against noise of known size."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.techniques.sas.noise import FLOOR, estimate_sigma


def spheres(q, radius):
    """Intensity of spheres with sizes spread by 12 %."""
    out = np.zeros_like(q)
    for s in np.linspace(0.75, 1.25, 21):
        x = q * radius * s
        out += np.exp(-0.5 * ((s - 1) / 0.12) ** 2) * s**6 * (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2
    return 50 * out / out[0] + 0.05


@pytest.mark.parametrize("radius", [15.0, 60.0, 250.0])
@pytest.mark.parametrize("noise", ["relative", "counts", "flat"])
def test_scale_of_the_noise(radius, noise):
    q = np.geomspace(0.004, 0.4, 300)
    clean = spheres(q, radius)
    sigma = {"relative": 0.03 * clean, "counts": 0.01 * np.sqrt(clean * clean[0]), "flat": np.full(300, 0.02)}[noise]
    rows = clean + np.random.default_rng(11).normal(size=(10, 300)) * sigma
    ratio = estimate_sigma(q, rows) / sigma
    # the median of 25 absolute differences has a standard deviation of 18 %, and neighbours are correlated
    assert 0.88 < np.median(ratio) < 1.12
    assert np.all(np.quantile(ratio, [0.05, 0.95]) > [0.45, 1.1])
    assert np.quantile(ratio, 0.95) < 2.0


def test_an_outlier_does_not_count():
    q = np.linspace(0.01, 0.3, 200)
    y = np.exp(-q * 5) + np.random.default_rng(1).normal(0, 0.002, 200)
    plain = estimate_sigma(q, y)
    y[90] += 1.0
    np.testing.assert_allclose(estimate_sigma(q, y)[110:180], plain[110:180])
    assert np.median(estimate_sigma(q, y) / plain) < 1.1


def test_a_computed_power_law_has_the_floor():
    q = np.geomspace(0.001, 1, 120)
    sigma = estimate_sigma(q, q**-4.0)
    np.testing.assert_allclose(sigma[10:-10] / q[10:-10] ** -4.0, FLOOR, rtol=0.5)


@pytest.mark.parametrize("n", [2, 4, 6, 8])
def test_few_points(n):
    q = np.linspace(0.01, 0.1, n)
    for y in (np.zeros(n), -np.ones(n), np.linspace(5, 1, n)):
        sigma = estimate_sigma(q, y)
        assert sigma.shape == (n,)
        assert np.all(sigma > 0)
        assert np.all(np.isfinite(sigma))


def test_frames_alone_and_together():
    q = np.geomspace(0.01, 0.2, 80)
    rows = np.random.default_rng(2).normal(size=(3, 80)) + 10
    np.testing.assert_array_equal(estimate_sigma(q, rows)[1], estimate_sigma(q, rows[1]))
