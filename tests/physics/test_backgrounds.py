"""Backgrounds: SNIP against known smooth curves, Chebyshev columns against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.physics.backgrounds import chebyshev, snip

X = np.linspace(5.0, 85.0, 4001)


def peaks(fwhm=0.2, height=5000.0):
    return sum(height / k * np.exp(-4 * np.log(2) * ((X - 10.0 - 7.0 * k) / fwhm) ** 2) for k in range(1, 10))


def test_snip_follows_the_smooth_part_below_strong_peaks():
    smooth = 200.0 + 300.0 * np.exp(-X / 15.0) + 150.0 * np.exp(-4 * np.log(2) * ((X - 22.0) / 9.0) ** 2)
    found = snip(smooth + peaks(), 30)
    assert np.abs(found - smooth).max() < 20.0  # a pass of p points erodes by the curvature times p^2 / 2: 19 in all


def test_snip_with_noise_and_smoothing_stays_within_the_noise():
    rng = np.random.default_rng(11)
    smooth = 400.0 - 2.0 * X
    found = snip(rng.poisson(smooth + peaks()).astype(float), 40, smoothing=5)
    assert abs(np.median(found - smooth)) < 0.7 * np.sqrt(400.0)  # the lower edge of a mean over 11 counts


def test_snip_takes_negative_values_and_is_a_lower_envelope():
    signal = peaks() - 500.0 + 0.1 * X
    found = snip(signal, 30)
    assert np.all(found <= signal + 1e-9)
    assert np.abs(found - (0.1 * X - 500.0)).max() < 1.0


def test_the_window_may_vary_along_the_axis():
    wide = np.exp(-4 * np.log(2) * ((X - 60.0) / 3.0) ** 2) * 1000.0
    narrow = snip(100.0 + wide, 20)
    varied = snip(100.0 + wide, np.where(X > 40.0, 400, 20))
    at = np.argmin(np.abs(X - 60.0))
    assert narrow[at] > 600.0  # a peak wider than the window counts as background
    assert varied[at] < 150.0


def test_without_compression_clipping_commutes_with_a_scale():
    signal = 100.0 + peaks()
    np.testing.assert_allclose(snip(7.0 * signal, 25, compress=False), 7.0 * snip(signal, 25, compress=False), rtol=1e-12)


def test_bad_windows_are_refused():
    with pytest.raises(UsageError, match="shorter than one point"):
        snip(X, 0)
    with pytest.raises(UsageError, match="one window per point"):
        snip(X, np.array([3, 4]))


def test_chebyshev_columns_are_numpys():
    t = (2 * X - X[0] - X[-1]) / (X[-1] - X[0])
    np.testing.assert_allclose(chebyshev(X, 7), np.polynomial.chebyshev.chebvander(t, 7), atol=1e-12)
    assert chebyshev(np.array([3.0]), 0).shape == (1, 1)
    with pytest.raises(UsageError, match="degree"):
        chebyshev(X, -1)
