"""Distance and size distributions against closed forms, and the coverage of what they state."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.small_angle.curves.pair_distance import pair_distances
from whorl.physics.small_angle.curves.size_inversion import invert_sizes, sphere_kernel
from whorl.physics.small_angle.curves.uncertain import Absent
from whorl.physics.small_angle.smearing import Smearing


def test_distances_of_a_sphere(shapes):
    q = np.linspace(0.005, 0.35, 220)
    curve, rg = shapes.sphere(q, 40.0)
    sigma = shapes.sigma_of(curve, 0.003)
    found = pair_distances(q, curve, sigma, sizes=(40, 240))
    x = found.r / 80
    exact = np.where(x < 1, x**2 * (1 - 1.5 * x + 0.5 * x**3), 0)
    exact *= found.density.max() / exact.max()
    assert np.abs(found.density - exact).max() < 0.03 * exact.max()
    assert found.rg.value == pytest.approx(rg, rel=0.005)
    assert found.i0.value == pytest.approx(1, rel=0.005)
    assert found.d_max.value == pytest.approx(80, abs=2.5 * found.d_max.sigma)
    assert found.peak == pytest.approx(42, abs=2)  # 1.05 R


@pytest.mark.parametrize("kind", ["sphere", "chain", "ellipsoid", "cylinder"])
def test_coverage_of_distances(shapes, kind):
    rng = np.random.default_rng(40)
    z, z0 = [], []
    for _ in range(16):
        q = np.linspace(0.005, 0.3, 120)
        curve, rg = shapes.SHAPES[kind](q)
        sigma = shapes.sigma_of(curve)
        found = pair_distances(q, curve + rng.normal(size=q.size) * sigma, sigma, sizes=(1.6 * rg, 8 * rg))
        z.append((found.rg.value - rg) / found.rg.sigma)
        z0.append((found.i0.value - 1) / found.i0.sigma)
    assert np.mean(np.abs(z) < 1.96) > 0.8
    assert np.mean(np.abs(z0) < 1.96) > 0.8


def test_a_smeared_curve_is_transformed_as_it_was_measured(shapes):
    q = np.linspace(0.006, 0.3, 150)
    smearing = Smearing.pinhole(q, 0.08 * q)
    curve = smearing.apply(shapes.sphere(smearing.q, 60.0)[0])
    sigma = 0.01 * curve + 1e-5
    found = pair_distances(q, curve, sigma, sizes=(75, 360), smearing=smearing)
    assert found.rg.value == pytest.approx(0.6**0.5 * 60, rel=0.01)
    assert found.chi2 < 0.5
    assert found.chi2 < 0.2 * pair_distances(q, curve, sigma, sizes=(75, 360)).chi2


def bimodal(shapes, q, first, second, background=0.05):
    x = np.linspace(np.log(3), np.log(3000), 1500)
    density = first[2] * shapes.lognormal(first[0], first[1], x) + second[2] * shapes.lognormal(second[0], second[1], x)
    return 80 * sphere_kernel(q, np.exp(x)) @ density * (x[1] - x[0]) + background


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((40.0, 0.2, 0.01), (190.0, 0.2, 0.012)),
        ((60.0, 0.1, 0.02), (130.0, 0.12, 0.015)),
        ((28.0, 0.15, 0.004), (380.0, 0.25, 0.01)),
    ],
)
def test_two_modes(shapes, first, second):
    q = np.geomspace(0.004, 0.4, 110)
    clean = bimodal(shapes, q, first, second)
    sigma = 0.02 * clean + 0.003
    rng = np.random.default_rng(41)
    for _ in range(3):
        found = invert_sizes(q, clean + rng.normal(size=q.size) * sigma, sigma)
        assert len(found.modes) == 2
        for mode, (mean, relative, volume) in zip(found.modes, (first, second), strict=True):
            assert mode.mean.value == pytest.approx(mean, rel=0.04)
            assert mode.width.value == pytest.approx(mean * relative, rel=0.25)
            assert mode.volume.value / 80 == pytest.approx(volume, rel=0.08)
        assert found.chi2 < 1.6


def test_coverage_of_sizes(shapes):
    q = np.geomspace(0.004, 0.4, 110)
    first, second = (45.0, 0.18, 0.01), (200.0, 0.2, 0.012)
    clean = bimodal(shapes, q, first, second)
    sigma = 0.02 * clean + 0.003
    rng = np.random.default_rng(42)
    z = []
    for _ in range(30):
        found = invert_sizes(q, clean + rng.normal(size=q.size) * sigma, sigma)
        for mode, (mean, relative, volume) in zip(found.modes, (first, second), strict=True):
            z.append((mode.mean.value - mean) / mode.mean.sigma)
            z.append((mode.width.value - mean * relative) / mode.width.sigma)
            z.append((mode.volume.value / 80 - volume) / (mode.volume.sigma / 80))
    assert 0.58 < np.mean(np.abs(z) < 1) < 0.85
    assert np.mean(np.abs(z) < 1.96) > 0.9


def test_one_broad_mode_stays_one(shapes):
    q = np.geomspace(0.004, 0.4, 110)
    clean = bimodal(shapes, q, (100.0, 0.4, 0.01), (100.0, 0.4, 0.0))
    sigma = 0.02 * clean
    rng = np.random.default_rng(43)
    for _ in range(5):
        found = invert_sizes(q, clean + rng.normal(size=q.size) * sigma, sigma)
        assert len(found.modes) == 1
        assert found.modes[0].mean.value == pytest.approx(100, rel=0.03)
        assert found.background.value == pytest.approx(0.05, abs=3 * found.background.sigma)


def test_background_alone():
    q = np.geomspace(0.01, 0.3, 60)
    with pytest.raises(Absent):
        invert_sizes(q, -(q**-4.0), 0.01 * q**-4.0)
