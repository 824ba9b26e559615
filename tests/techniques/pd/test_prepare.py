"""Powder patterns made ready: wavelengths, uncertainties, ranges, and what is odd."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.techniques.pd.noise import uncertainty
from whorl.techniques.pd.prepare import prepare, typical_width

X = np.arange(10.0, 90.0, 0.02)


def pattern(x=X, *, fwhm=0.15, level=200.0, top=5000.0, seed=1):
    rng = np.random.default_rng(seed)
    centres = (np.array([0.18, 0.3, 0.42, 0.55, 0.7, 0.85]) * (x[-1] - x[0])) + x[0]
    y = level + sum(top * np.exp(-4 * np.log(2) * ((x - c) / fwhm) ** 2) for c in centres)
    return rng.poisson(y).astype(float)


def measured(x=X, y=None, **settings):
    return Measurement("powder", x, pattern(x) if y is None else y, settings=settings)


def test_copper_is_assumed_aloud_where_it_is_plausible():
    signal = prepare(measured())
    assert signal.instrument.lines[0][0] == pytest.approx(1.540593)
    assert any("Cu K-alpha" in text and "assumed" in text for text in signal.assumptions)
    assert any("wavelength is not stated" in text for text in signal.warnings)


@pytest.mark.parametrize(("x", "fwhm"), [(np.arange(1.0, 30.0, 0.01), 0.05), (np.arange(5.0, 100.0, 0.004), 0.01)])
def test_a_synchrotron_pattern_is_never_taken_for_copper(x, fwhm):
    with pytest.raises(PatternError, match="wavelength is not stated"):
        prepare(measured(x, pattern(x, fwhm=fwhm)))


def test_stated_and_given_wavelengths():
    assert prepare(measured(wavelength=0.4127)).instrument.lines == ((0.4127, 1.0),)
    assert prepare(measured(wavelength=0.4127)).instrument.source == "synchrotron"
    assert len(prepare(measured(wavelength=1.5406)).instrument.lines) == 2
    assert prepare(measured(wavelength=1.5406, wavelength2=1.54439)).instrument.lines[1][0] == 1.54439
    signal = prepare(measured(wavelength=1.5406), settings={"wavelength": "Co"})
    assert signal.instrument.wavelength == pytest.approx(1.788965)
    assert any("given; the file says" in text for text in signal.assumptions)
    with pytest.raises(UsageError, match="wavelength = Xy"):
        prepare(measured(), settings={"wavelength": "Xy"})
    with pytest.raises(UsageError, match="unknown setting 'qmax'"):
        prepare(measured(), settings={"qmax": 20.0})


def test_counts_have_their_square_root_and_nothing_else_has():
    y = pattern()
    counts = uncertainty(y, None)
    assert counts.absolute
    assert counts.sigma == pytest.approx(np.sqrt(y))
    for other in (y / 7.0, np.round(np.convolve(y, np.ones(25) / 25, "same")), y / y.max() * 100):
        found = uncertainty(other, None)
        assert not found.absolute
        assert np.all(found.sigma > 0)


def test_scatter_of_rates_is_found():
    """Counts over 7 s: the variance of the rate is rate / 7."""
    y = pattern()
    sigma = uncertainty(y / 7, None).sigma
    assert np.median(sigma / (np.sqrt(y) / 7)) == pytest.approx(1.0, abs=0.15)


def test_uncertainties_of_the_file_are_used():
    y = pattern()
    m = Measurement("powder", X, y, sigma=np.full(X.size, 3.0), settings={"wavelength": "Cu"})
    signal = prepare(m)
    assert signal.absolute
    assert signal.weights == pytest.approx(np.full(X.size, 1 / 9))


@pytest.mark.parametrize("fwhm", [0.06, 0.15, 0.5])
def test_width_of_the_peaks(fwhm):
    assert typical_width(X, pattern(fwhm=fwhm)) == pytest.approx(fwhm, rel=0.3)  # three points in the narrowest


def test_odd_patterns_are_said():
    y = pattern()
    y[2000:2010] = y.max() + 1
    assert any("saturated" in w for w in prepare(measured(y=y, wavelength="Cu")).warnings)
    y = pattern() - 250
    assert any("negative" in w for w in prepare(measured(y=y, wavelength="Cu")).warnings)
    x = np.concatenate([X[:2000], X[2000::3]])
    assert any("steps differ" in w for w in prepare(measured(x, pattern(x), wavelength="Cu")).warnings)
    y = pattern()
    y[:300] = 0
    signal = prepare(measured(y=y, wavelength="Cu"))
    assert signal.range[0] == pytest.approx(X[300])
    assert any("no intensity" in w for w in signal.warnings)


def test_what_cannot_be_used():
    with pytest.raises(PatternError, match="too few"):
        prepare(measured(X[:25], pattern()[:25], wavelength="Cu"))
    with pytest.raises(PatternError, match="zero everywhere"):
        prepare(measured(y=np.zeros(X.size), wavelength="Cu"))
    with pytest.raises(PatternError, match="outside the data"):
        prepare(measured(wavelength="Cu"), range=(100.0, 120.0))
    with pytest.raises(PatternError, match="time of flight"):
        prepare(Measurement("tof", X * 100, pattern()))
    with pytest.raises(PatternError, match="no scattering angles"):
        prepare(measured(X * 3, pattern(), wavelength="Cu"))


def test_thinning_keeps_the_sum():
    signal = prepare(measured(wavelength="Cu"))
    thin = signal.thinned(3.0)
    assert thin.x.size <= signal.x.size / 2
    assert np.average(thin.y, weights=thin.weights) == pytest.approx(np.average(signal.y, weights=signal.weights), rel=2e-3)
    assert thin.weights.sum() == pytest.approx(signal.weights.sum(), rel=2e-3)
