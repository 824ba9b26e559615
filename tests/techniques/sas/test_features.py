"""Features of a curve: no scale of intensity, no unit of q, hardly any grid; negative points, gaps, missing uncertainties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whorl.core.errors import PatternError
from whorl.physics.small_angle.log_nodes import NODES, STEP
from whorl.techniques.sas.features import CHANNELS, features

VALUE, DOUBT, THERE, ABOVE, WIDTH, UNSTATED, SLIT = range(len(CHANNELS))


def knee(q, rg=60.0, background=1e-3):
    """Debye-Bueche: a knee, then q^-4, and a background."""
    return 1 / (1 + (rg * q) ** 2) ** 2 + background


def noisy(q, seed, relative=0.03):
    clean = knee(q)
    return clean * (1 + relative * np.random.default_rng(seed).standard_normal(q.size)), relative * clean


@settings(max_examples=30, deadline=None)
@given(st.floats(-9, 9), st.floats(-4, 4), st.integers(0, 2**31), st.booleans(), st.booleans())
def test_scale_and_unit_change_nothing(scale, unit, seed, stated, smeared):
    """The promise: to 1e-6, with sigma given or estimated, from any grid."""
    rng = np.random.default_rng(seed)
    q = np.sort(rng.uniform(0.004, 0.3, 150))
    y, sigma = noisy(q, seed)
    a, b = 10.0**scale, 10.0**unit
    width = 0.05 * q if smeared else None
    one = features(q, y, sigma if stated else None, width, slit_length=0.01)
    two = features(b * q, a * y, a * sigma if stated else None, None if width is None else b * width, slit_length=0.01 * b)
    assert np.abs(one - two).max() < 1e-6


def test_a_grid_in_step_with_the_nodes_is_no_special_case():
    """Points exactly on the nodes, and a hair off: weights are continuous, so features are."""
    x = STEP * np.arange(60)
    off = x + 1e-10 * np.random.default_rng(1).standard_normal(60)
    off[0] = 0.0
    one, two = (features(0.01 * np.exp(at), knee(0.01 * np.exp(at)), 0.01 * knee(0.01 * np.exp(at))) for at in (x, off))
    assert np.abs(one - two).max() < 1e-5


def test_grids_agree_within_the_noise():
    """The same curve in equal steps of ln q, of q, and from two detectors: values agree to a few percent of I."""
    low, high = 0.005, 0.3
    grids = [
        np.geomspace(low, high, 120),
        np.geomspace(low, high, 500),
        np.linspace(low, high, 400),
        np.unique(np.concatenate([np.linspace(low, 0.05, 80), np.linspace(0.04, high, 120)])),
    ]
    found = [features(q, knee(q), 0.02 * knee(q)) for q in grids]
    inside = found[0][THERE] > 0.9
    for other in found[1:]:
        assert np.abs(3 * (other - found[0])[VALUE, inside]).max() < 0.08  # of ln I
    assert np.all([abs(f[THERE].sum() - found[0][THERE].sum()) < 12 for f in found])


def test_value_is_ln_i_and_doubt_its_uncertainty():
    q = np.geomspace(0.01, 0.2, 60)
    rows = features(q, q**-2.0, 0.05 * q**-2.0)
    steps = np.diff(3 * rows[VALUE, 2:55])
    assert np.allclose(steps, -2 * STEP, atol=5e-3)
    assert np.allclose(10 ** (rows[DOUBT, 2:55] - 2), 0.05, rtol=0.45)  # several points share a node


def test_negative_intensities_are_data():
    """Where noise is larger than the intensity the value stays finite, near the noise, and says so."""
    q = np.geomspace(0.01, 1.0, 300)
    sigma = np.full(q.size, 1e-3)
    y = knee(q, background=0.0) + sigma * np.random.default_rng(2).standard_normal(q.size)
    assert (y < 0).any()
    rows = features(q, y, sigma)
    assert np.isfinite(rows).all()
    tail = rows[THERE] > 0.9
    tail[:70] = False
    assert np.all(rows[DOUBT, tail] > 1.3)  # uncertainty of ln I above 20 %
    assert np.ptp(3 * rows[VALUE, tail]) < 4.5


def test_a_gap_is_not_measured():
    q = np.geomspace(0.01, 0.2, 200)
    keep = (q < 0.04) | (q > 0.06)
    whole, holed = (features(q[k], knee(q[k]), 0.01 * knee(q[k])) for k in (slice(None), keep))
    places = np.log(q[0] * np.exp(STEP * np.arange(NODES)))
    gap = (places > np.log(0.045)) & (places < np.log(0.054))
    assert np.all(holed[THERE, gap] < 1e-9)
    assert np.all(whole[THERE, gap] > 0.9)
    assert np.abs(3 * (whole - holed)[VALUE, gap]).max() < 0.3  # a line across it


def test_instrument_rows():
    q = np.geomspace(0.01, 0.2, 100)
    y, sigma = noisy(q, 1)
    inside = slice(0, 55)
    assert np.allclose(features(q, y, sigma, 0.07 * q)[WIDTH, inside], 0.7, atol=1e-5)
    assert np.all(features(q, y, sigma)[UNSTATED, inside] == 1)
    assert not features(q, y, sigma, 0.07 * q)[UNSTATED].any()
    assert features(q, y, sigma, slit_length=0.1)[SLIT, 0] == pytest.approx(np.log1p(10.0), rel=1e-5)


def test_order_copies_and_what_is_not_finite_do_not_matter():
    q = np.geomspace(0.01, 0.2, 100)
    y, sigma = noisy(q, 4)
    more = [np.concatenate([a, b]) for a, b in ((q, [0.05, -0.01, np.nan]), (y, [np.nan, 1.0, 1.0]), (sigma, [1.0, 1.0, 1.0]))]
    order = np.random.default_rng(5).permutation(more[0].size)
    assert np.array_equal(features(*(a[order] for a in more)), features(q, y, sigma))


@pytest.mark.parametrize("bad", [np.nan, 0.0, -1.0, np.inf])
def test_uncertainties_that_are_none_are_estimated(bad):
    q = np.geomspace(0.01, 0.2, 100)
    y, sigma = noisy(q, 6)
    broken = sigma.copy()
    broken[40] = bad
    assert np.abs(features(q, y, broken) - features(q, y, sigma))[VALUE].max() < 0.1


def test_too_little_is_an_error():
    q = np.geomspace(0.01, 0.2, 7)
    with pytest.raises(PatternError, match="7 usable points"):
        features(q, knee(q))
    q = np.geomspace(0.01, 0.2, 30)
    with pytest.raises(PatternError, match="nought"):
        features(q, 0 * q)
