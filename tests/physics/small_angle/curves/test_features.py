"""Kratky plots, features, levels and peaks of curves made for the purpose."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.small_angle.curves.features import find_features
from whorl.physics.small_angle.curves.guinier import guinier
from whorl.physics.small_angle.curves.kratky import foldedness, kratky
from whorl.physics.small_angle.curves.peaks import assign_phase, find_peaks
from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain
from whorl.physics.small_angle.curves.unified import intensity_of, unified


def test_kratky_plots(shapes):
    q = np.linspace(0.004, 0.3, 250)
    said = {}
    for kind in ("sphere", "chain"):
        curve, rg = shapes.SHAPES[kind](q)
        found = kratky(q, curve, 0.01 * curve + 1e-4, Uncertain(rg, 0.01 * rg), Uncertain(1.0, 0.005))
        said[kind] = (found, foldedness(found))
    sphere, words = said["sphere"]
    assert sphere.peaked
    assert words.startswith("compact")
    # of a sphere the maximum of x^2 P(x) lies at q Rg = 1.613, 1.028 high
    assert sphere.position.value == pytest.approx(1.613, abs=0.06)
    assert sphere.height.value == pytest.approx(1.028, abs=0.03)
    chain, words = said["chain"]
    assert "chain" in words
    assert chain.height.value == pytest.approx(1.84, abs=0.15)  # on its way to the plateau of 2


def test_features_of_two_levels():
    q = np.geomspace(0.0003, 0.6, 400)
    columns = intensity_of(q, np.array([30.0, 900.0]), np.array([4.0, 2.5]))
    curve = columns @ np.array([1.0, 1e-5, 3e4, 1.5e-3, 5e-3])
    curve += np.random.default_rng(50).normal(size=q.size) * 0.02 * curve
    found = find_features(q, curve, 0.02 * curve)
    kinds = [f.kind for f in found]
    assert kinds[0] == "plateau"
    assert kinds[-1] == "background"
    knees = [f.size for f in found if f.kind == "knee"]
    assert len(knees) == 2
    assert knees[0] == pytest.approx(900, rel=0.4)
    assert knees[1] == pytest.approx(30, rel=0.4)
    laws = [f.slope.value for f in found if f.kind == "power law"]
    assert any(abs(v + 2.5) < 0.4 for v in laws)


def test_features_of_noise_and_of_a_power_law():
    q = np.geomspace(0.001, 0.5, 200)
    noise = np.random.default_rng(51).normal(size=200)
    assert find_features(q, noise, np.ones(200)) == ()
    law = q**-3.0 * (1 + 0.02 * noise)
    (only,) = find_features(q, law, 0.02 * law)
    assert only.kind == "power law"
    assert only.slope.value == pytest.approx(-3, abs=0.1)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_levels_and_their_number(count):
    rng = np.random.default_rng(52)
    q = np.geomspace(0.0004, 0.6, 300)
    sizes, powers = np.array([15.0, 160.0, 2000.0])[:count], np.array([4.0, 3.0, 3.6])[:count]
    heights = [1.0, 300.0, 3e5]
    linear = []
    for k in range(count):
        linear += [heights[k], heights[k] * (2.5 / sizes[k] ** powers[k])]
    clean = intensity_of(q, sizes, powers) @ np.array([*linear, 0.01])
    sigma = 0.02 * clean
    found = unified(q, clean + rng.normal(size=q.size) * sigma, sigma)
    assert len(found.levels) == count
    for level, size, power in zip(found.levels, sizes, powers, strict=True):
        assert abs(level.rg.value - size) < max(4 * level.rg.sigma, 0.03 * size)
        assert abs(level.exponent.value - power) < max(4 * level.exponent.sigma, 0.1)


def with_peaks(q, places, width=0.002, height=5.0):
    curve = 1e-3 * q**-2.5 + 0.1
    for k, place in enumerate(places):
        curve = curve + height * 0.5**k * np.exp(-0.5 * ((q - place) / width) ** 2)
    return curve


@pytest.mark.parametrize(
    ("phase", "squares", "factor"),
    [
        ("lamellar", (1, 4, 9), 1.0),
        ("hexagonal", (1, 3, 4, 7), 2 / 3**0.5),
        ("cubic Im3m", (2, 4, 6, 8, 10), 1.0),
        ("cubic Pn3m", (2, 3, 4, 6, 8), 1.0),
        ("cubic Ia3d", (6, 8, 14, 16), 1.0),
        ("cubic Fm3m", (3, 4, 8, 11, 12), 1.0),
    ],
)
def test_phases(phase, squares, factor):
    q = np.linspace(0.02, 0.34, 640)
    unit = 0.08 / np.sqrt(squares[0])
    places = unit * np.sqrt(squares)
    curve = with_peaks(q, places)
    sigma = 0.02 * curve
    found = find_peaks(q, curve + np.random.default_rng(53).normal(size=q.size) * sigma, sigma)
    np.testing.assert_allclose([p.q.value for p in found], places, rtol=0.004)
    assert np.mean([p.width.value for p in found]) == pytest.approx(2.355 * 0.002, rel=0.15)
    best = assign_phase(found, float(q[-1]))[0]
    assert best.phase == phase
    assert best.parameter.value == pytest.approx(2 * np.pi * factor / unit, rel=0.005)
    assert best.orders == squares


def test_smooth_curves_have_no_peaks(shapes):
    q = np.linspace(0.01, 0.3, 300)
    rng = np.random.default_rng(54)
    for kind in ("chain", "cylinder"):
        curve = shapes.SHAPES[kind](q)[0] + 0.01
        sigma = 0.02 * curve
        with pytest.raises(Absent):
            find_peaks(q, curve + rng.normal(size=q.size) * sigma, sigma)


def test_positions_of_no_lattice():
    q = np.linspace(0.02, 0.34, 640)
    curve = with_peaks(q, (0.08, 0.1011, 0.143, 0.2213))
    found = find_peaks(q, curve, 0.01 * curve)
    assert len(found) == 4
    try:
        best = assign_phase(found, 0.34)[0]
    except Absent:
        return
    assert best.probability < 0.6 or 0 in best.orders


def test_one_curve_through_all(shapes):
    q = np.linspace(0.005, 0.35, 200)
    curve = shapes.sphere(q, 30.0)[0]
    sigma = shapes.sigma_of(curve)
    low = guinier(q, curve, sigma)
    assert kratky(q, curve, sigma, low.rg, low.i0).position.value == pytest.approx(1.61, abs=0.12)
