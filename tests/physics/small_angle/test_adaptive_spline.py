"""The spline whose stiffness follows the data: exact slopes, coverage, peaks that stay, limits."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.small_angle import adaptive_spline
from whorl.physics.small_angle.adaptive_spline import smooth


def test_slopes_of_the_evidence_are_exact():
    """Against central differences, to their own error."""
    rng = np.random.default_rng(11)
    u, sigma = np.sort(rng.uniform(0, 1, 60)), rng.uniform(0.05, 0.2, 60)
    y, d = np.sin(9 * u) + rng.normal(0, sigma), np.exp(rng.normal(5, 1, 60))

    def evidence(d, variance):
        return adaptive_spline._follow(u, y, variance, d, 10.0, 100.0, 1000.0)

    _, slope_d, slope_h, *_ = evidence(d, sigma**2)
    for i in (1, 30, 58):
        up, down = d.copy(), d.copy()
        up[i] *= np.exp(1e-4)
        down[i] *= np.exp(-1e-4)
        numeric = (evidence(up, sigma**2)[0] - evidence(down, sigma**2)[0]) / 2e-4
        assert slope_d[i] == pytest.approx(numeric, rel=1e-4, abs=1e-7)
    numeric = (evidence(d, sigma**2 * np.exp(1e-4))[0] - evidence(d, sigma**2 * np.exp(-1e-4))[0]) / 2e-4
    assert slope_h == pytest.approx(numeric, rel=1e-5)


def test_mean_and_variance_are_those_of_the_gaussian_process():
    """Against the dense formula with the covariance of a thrice integrated noise and of the first state."""
    rng = np.random.default_rng(12)
    t, sigma = np.linspace(0, 1, 25), np.full(25, 0.1)
    y, d = np.cos(5 * t) + rng.normal(0, sigma), 300.0
    *_, mean, variance, _ = adaptive_spline._follow(t, y, sigma**2, np.full(25, d), 10.0, 100.0, 1000.0)
    s, r = t[:, None], t[None, :]
    # covariance of f = integral of (t - x)^2 / 2 dW(x)
    x = np.linspace(0, 1, 4001)
    kernel = np.where(x[None, :] < t[:, None], (t[:, None] - x[None, :]) ** 2 / 2, 0.0)
    prior = d * (kernel * np.gradient(x)) @ kernel.T + 100 + 1e4 * s * r + 1e6 * (s * r) ** 2 / 4
    offset = y[0]  # the first state is expected at the first value
    gain = np.linalg.solve(prior + np.diag(sigma**2), prior).T
    assert mean == pytest.approx(offset + gain @ (y - offset), abs=2e-3)
    assert variance == pytest.approx(np.diag(prior - gain @ prior), rel=0.02, abs=1e-6)


def test_intervals_hold_the_truth_and_errors_shrink():
    """Over 20 curves 68 and 95 % hold within what 20 smooth curves allow; the error is less than half of that of the points."""
    rng = np.random.default_rng(13)
    u = np.linspace(0, 1, 150)
    one, two, errors = [], [], []
    for _ in range(20):
        truth = np.sin(rng.uniform(4, 15) * u + rng.uniform(0, 6)) + rng.uniform(0, 1) * u
        found = smooth(u, truth + rng.normal(0, 0.2, 150), np.full(150, 0.2))
        off = np.abs(found.mean - truth) / found.sigma
        one.append(np.mean(off < 1))
        two.append(np.mean(off < 1.96))
        errors.append(np.std(found.mean - truth) / 0.2)
    assert 0.55 < np.mean(one) < 0.82
    assert 0.88 < np.mean(two) <= 1.0
    assert np.median(errors) < 0.5


def test_a_narrow_peak_keeps_its_height_beside_a_flat_stretch():
    """A peak four points wide stays within three uncertainties of its height, and the flat part is averaged all the same."""
    rng = np.random.default_rng(14)
    u = np.linspace(0, 1, 300)
    truth = 1 + 6 * np.exp(-0.5 * ((u - 0.4) / 0.006) ** 2)
    found = smooth(u, truth + rng.normal(0, 0.1, 300), np.full(300, 0.1))
    top = int(np.argmax(truth))
    assert found.mean[top] == pytest.approx(truth[top], abs=0.3)
    assert np.std((found.mean - truth)[u > 0.6]) < 0.04


def test_noise_is_estimated_where_it_is_not_known():
    rng = np.random.default_rng(15)
    u = np.linspace(0, 1, 300)
    found = smooth(u, np.cos(6 * u) + rng.normal(0, 0.1, 300), np.full(300, 0.05), known=False)
    assert found.factor == pytest.approx(2.0, rel=0.15)  # 300 values: 4 % and what the spline takes


def test_resolution_limits_how_fast_it_bends():
    """With an upper limit of ln d a spike of one point is noise."""
    rng = np.random.default_rng(16)
    u = np.linspace(0, 1, 200)
    y = 1 + rng.normal(0, 0.05, 200)
    y[100] += 3.0
    limit = np.full(200, np.log(0.05**2 / 200) + 6 * np.log(3 / 0.05))
    free, held = (smooth(u, y, np.full(200, 0.05), highest=h).mean[100] for h in (None, limit))
    assert held < 1.7 < free
