"""Peak search: no peaks in noise and humps, known peaks found with honest uncertainties, doublets, odd grids, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.physics.peak_groups import add_peaks, fit_group, peak_value, second_line
from whorl.physics.peak_search import find_peaks

COPPER = 1.544426 / 1.540598


def bell(x, at, fwhm):
    return np.exp(-4 * np.log(2) * ((x - at) / fwhm) ** 2)


def pattern(x, centres, heights, fwhm, *, share=0.0, eta=0.5, ratio=COPPER):
    y = np.zeros_like(x)
    k = len(centres)
    unit = peak_value(0.0, 0.0, fwhm, eta, 1.0, 0.0)
    add_peaks(x, y, np.asarray(centres), np.asarray(heights) / unit, np.full(k, fwhm), np.full(k, eta), ratio, share)
    return y


def empty_pattern(seed):
    """Noise alone, on a constant, a rise at low angles or amorphous humps; 30 to 8000 points, steps of .002 to .1 degree."""
    rng = np.random.default_rng(91_000 + seed)
    n = int(np.exp(rng.uniform(np.log(30), np.log(8000))))
    x = 5.0 + min(np.exp(rng.uniform(np.log(0.002), np.log(0.1))), 150.0 / n) * np.arange(n)
    level = np.exp(rng.uniform(np.log(0.5), np.log(1e4)))
    y = np.full(n, level)
    if seed % 3 == 1:
        y *= 1.0 + 3.0 * np.exp((5.0 - x) / 10.0)
    if seed % 3 == 2:
        y += level * rng.uniform(0.3, 5.0) * bell(x, rng.uniform(x[0], x[-1]), rng.uniform(6.0, 14.0))
    if seed % 5 == 0:
        return x, y / level + rng.normal(0.0, 0.02, n), None
    counts = rng.poisson(y).astype(float)
    return x, counts, (None if seed % 2 else np.sqrt(np.maximum(counts, 1.0)))


def test_no_peaks_in_200_patterns_of_noise_and_humps():
    found = {seed: len(find_peaks(*empty_pattern(seed))) for seed in range(200)}
    assert {seed: k for seed, k in found.items() if k} == {}


@pytest.mark.parametrize("sigma_given", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_separate_peaks_are_all_found_with_honest_uncertainties(share, sigma_given):
    rng = np.random.default_rng(17)
    x = np.arange(10.0, 90.0, 0.01)
    centres = np.arange(12.0, 88.0, 1.9) + rng.uniform(-0.3, 0.3, 40)
    heights = np.exp(rng.uniform(np.log(150.0), np.log(20_000.0), 40))
    counts = rng.poisson(120.0 + pattern(x, centres, heights, 0.12, share=share)).astype(float)
    sigma = np.sqrt(np.maximum(counts, 1.0)) if sigma_given else None
    found = find_peaks(x, counts, sigma, wavelength_ratio=COPPER, second_share=share)
    assert len(found) == 40  # the second lines, up to 0.25 degree away, are no peaks
    pull = (found.position - centres) / found.position_sigma
    assert np.abs(found.position - centres).max() < 0.02
    assert 0.6 < np.sqrt(np.mean(pull**2)) < 1.5
    assert np.abs(found.height / heights - 1.0)[heights > 2000.0].max() < 0.06
    assert np.abs(found.fwhm / 0.12 - 1.0)[heights > 2000.0].max() < 0.06


def test_peaks_closer_than_a_width_and_a_half_are_resolved():
    x = np.arange(20.0, 60.0, 0.01)
    centres = np.array([25.0, 25.2, 33.0, 33.22, 33.43, 41.0, 47.0, 52.0, 55.0])
    y = 100.0 + pattern(x, centres, np.full(9, 4000.0), 0.15)
    found = find_peaks(x, np.random.default_rng(5).poisson(y).astype(float))
    assert len(found) == 9
    assert np.abs(found.position - centres).max() < 0.015


@pytest.mark.parametrize(("step", "fwhm"), [(0.002, 0.01), (0.005, 0.03), (0.02, 0.3), (0.05, 1.0), (0.1, 2.0)])
def test_widths_from_a_hundredth_of_a_degree_to_two(step, fwhm):
    x = 5.0 + step * np.arange(int(45.0 / step) if step > 0.004 else 20_000)
    centres = np.linspace(x[0], x[-1], 7)[1:-1] + 0.3 * fwhm
    y = 30.0 + pattern(x, centres, np.full(5, 2000.0), fwhm)
    found = find_peaks(x, np.random.default_rng(8).poisson(y).astype(float))
    assert len(found) == 5
    assert np.abs(found.position - centres).max() < 0.05 * fwhm
    assert np.abs(found.fwhm / fwhm - 1.0).max() < 0.1


def test_sharp_peaks_on_a_hump_are_found_and_the_hump_is_not():
    x = np.arange(10.0, 80.0, 0.02)
    y = 100.0 + 3000.0 * bell(x, 23.0, 8.0) + pattern(x, [21.5, 26.0, 40.0], [400.0, 800.0, 300.0], 0.2)
    found = find_peaks(x, np.random.default_rng(4).poisson(y).astype(float))
    assert found.position.round(1).tolist() == [21.5, 26.0, 40.0]


def test_scaled_background_free_and_uneven_patterns_give_the_same_peaks():
    rng = np.random.default_rng(6)
    x = np.concatenate([np.arange(10.0, 30.0, 0.01), np.arange(30.0, 70.0, 0.03)])
    centres = [15.0, 28.0, 31.0, 44.0, 60.0]
    counts = rng.poisson(50.0 + pattern(x, centres, np.full(5, 900.0), 0.2)).astype(float)
    for signal in (counts, counts / 7919.0, np.maximum(counts - 50.0, 0.0) / 950.0):
        assert find_peaks(x, signal).position.round(1).tolist() == centres


def test_thirty_points_hold_one_peak():
    x = 20.0 + 0.05 * np.arange(30)
    y = 20.0 + 500.0 * bell(x, 20.75, 0.15)
    found = find_peaks(x, np.random.default_rng(3).poisson(y).astype(float))
    assert found.position.round(1).tolist() == [20.8]


def test_the_jacobian_of_the_group_fit_leads_to_the_truth():
    x = np.arange(59.0, 62.0, 0.01)
    y = pattern(x, [60.0, 60.3], [100.0, 60.0], 0.15, share=0.5, eta=0.3)
    p, _, chi2 = fit_group(
        x, y, np.full(x.size, 0.1), np.array([60.03, 60.27]), np.array([12.0, 12.0]), np.array([0.13, 0.18]), 0.5, 1.0,
        0.01, 2.0, COPPER, 0.5,
    )  # fmt: skip
    np.testing.assert_allclose(p[:2], [60.0, 60.3], atol=1e-4)
    np.testing.assert_allclose(p[4:6], 0.15, rtol=2e-3)
    assert abs(p[6] - 0.3) < 0.01
    assert chi2 < 2.0


def test_the_second_line_obeys_braggs_law():
    first = np.degrees(2 * np.arcsin(1.540598 / 2 / 1.2))
    second = np.degrees(2 * np.arcsin(1.544426 / 2 / 1.2))
    assert abs(second_line(first, COPPER) - second) < 1e-9
    assert np.isnan(second_line(179.0, COPPER))


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.arange(5.0), np.ones(5), "5 points"),
        (np.arange(50.0), np.ones(49), "differ in length"),
        (np.arange(50.0)[::-1], np.ones(50), "does not increase"),
        (np.arange(50.0), np.where(np.arange(50) == 7, np.nan, 1.0), "not finite"),
    ],
)
def test_bad_input_is_refused(x, y, words):
    with pytest.raises(PatternError, match=words):
        find_peaks(x, y)


def test_flat_patterns_have_no_peaks():
    assert len(find_peaks(np.arange(10.0, 20.0, 0.1), np.full(100, 3.0))) == 0
    assert len(find_peaks(np.arange(10.0, 20.0, 0.1), np.zeros(100), np.ones(100))) == 0
