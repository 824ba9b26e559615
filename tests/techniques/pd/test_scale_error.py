"""A wrong wavelength: said where phases agree, where a reference material or one phase shows it, and not otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import builtin_catalogues, open_catalogue
from whorl.core.measurement import Measurement
from whorl.tasks.identify import identify
from whorl.tasks.refine import refine
from whorl.techniques.pd.other_wavelength import other_wavelength
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.scale_error import Stretched, _judged, stretches
from whorl.techniques.pd.simulate import simulate

COPPER = 1.540593


def pattern(parts, wavelength, seed=4, top=6000.0):
    """Counts of built-in crystals at one spectral line."""
    x = np.arange(18.0, 95.0, 0.02)
    crystals = {e.key: (c, e) for c in builtin_catalogues() for e in c.entries()}
    y = np.zeros_like(x)
    for key, share in parts:
        catalogue, entry = crystals[key]
        settings = {"wavelength": wavelength, "line_ratio": 0.0, "w": 0.015, "source": "lab"}
        part = simulate(catalogue.load(entry.key), settings=settings, two_theta=x).signal
        y += share * part / part.max()
    return Measurement("powder", x, np.random.default_rng(seed).poisson(80 + top * y).astype(float))


def read_with(wavelength):
    return {"wavelength": wavelength, "line_ratio": 0.0, "source": "lab"}


def stretched(mean, *, spread=0.0, cubic=False, weight=0.5, certified=None):
    return Stretched("a phase", mean, spread, 1e-4, cubic, weight, certified)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([stretched(0.006), stretched(0.0065)], True),
        ([stretched(0.006), stretched(0.009)], False),  # heat: every phase its own
        ([stretched(0.006, spread=0.004), stretched(0.006)], False),  # one axis more than another
        ([stretched(0.001), stretched(0.001)], False),  # what a sample off its height gives
        ([stretched(0.002, cubic=True, certified=6e-4)], True),
        ([stretched(0.0005, cubic=True, certified=6e-4)], False),
        ([stretched(0.010, cubic=True)], False),  # a solid solution, perhaps
        ([stretched(0.010)], True),
        ([stretched(0.010, spread=0.006)], False),
        ([stretched(0.03, weight=0.6), stretched(-0.004, cubic=True, weight=0.4)], True),  # beside another of a cubic type
        ([stretched(0.0, weight=0.9), stretched(0.01, weight=0.05), stretched(0.01, weight=0.05)], False),
    ],
)
def test_what_convinces(found, expected):
    assert bool(_judged(found, COPPER)[0]) == expected


def test_a_stretch_to_the_line_of_another_tube_convinces_at_half_a_per_cent():
    assert _judged([stretched(0.0062)], 0.709319 * float(np.exp(0.0062)))[0]
    assert not _judged([stretched(0.0062)], 0.72)[0]


def test_stretches_of_a_strained_oblique_cell():
    cell = np.array([5.0, 6.0, 7.0, 80.0, 95.0, 103.0])
    np.testing.assert_allclose(stretches(cell, cell * np.array([1.02, 1.02, 1.02, 1, 1, 1])), np.log(1.02), rtol=1e-12)
    turned = stretches(cell, cell + np.array([0, 0, 0, 0, 2.0, 0]))
    assert np.ptp(turned) > 0.02  # an angle alone stretches some directions and shrinks others


@pytest.mark.parametrize(
    ("error", "words"), [(1.0, ""), (1.005, "all spacings are 0.5"), (0.93, "the wavelength may be wrong")]
)
def test_two_phases_say_by_how_much_the_wavelength_is_off(error, words):
    true = 0.8265
    measurement = pattern([("NiO-rock-salt", 1.0), ("ZnO-wurtzite", 0.8)], true)
    compounds = open_catalogue("compounds")
    settings = read_with(true * error) | {"source": "synchrotron"}
    crystals = [compounds.load("NiO-rock-salt"), compounds.load("ZnO-wurtzite")]
    said = [w for w in refine(measurement, crystals, settings=settings).warnings if "wavelength may be" in w]
    if not words:
        assert said == []
        return
    assert said[0].startswith(words)
    proposed = float(said[0].split("wavelength=")[1].rstrip(")"))
    assert proposed == pytest.approx(true, rel=1e-3)


def test_identify_says_it_in_the_verdict():
    measurement = pattern([("Al2O3-corundum", 1.0)], 0.6199)
    verdict = identify(
        measurement, catalogues=[open_catalogue("compounds")], elements=["Al", "O"], settings=read_with(0.6199 * 1.004), top=1
    )
    said = next(w for w in verdict.warnings if "all spacings are" in w)
    assert "reference material" in said
    assert float(said.split("wavelength=")[1].rstrip(")")) == pytest.approx(0.6199, rel=3e-4)


@pytest.mark.parametrize(("error", "word"), [(1.07, "wavelength=Cu"), (0.85, "wavelength=Cu"), (1.0, "")])
def test_a_mixture_that_nothing_explains_is_tried_with_other_wavelengths(error, word):
    measurement = pattern([("TiO2-rutile", 1.0), ("CaF2-fluorite", 0.6)], COPPER)
    said = other_wavelength(prepare(measurement, settings=read_with(COPPER * error)))
    assert word in said
    assert bool(said) == bool(word)
    assert "rutile" in said or not word


def test_strewn_lines_are_no_compound_at_any_wavelength():
    rng = np.random.default_rng(77)
    x = np.arange(15.0, 90.0, 0.02)
    y = np.full(x.size, 60.0)
    for at, height in zip(rng.uniform(17, 88, 24), rng.uniform(100, 3000, 24), strict=True):
        y += height * np.exp(-4 * np.log(2) * ((x - at) / 0.15) ** 2)
    measurement = Measurement("powder", x, rng.poisson(y).astype(float))
    assert other_wavelength(prepare(measurement, settings=read_with(COPPER))) == ""
