"""The power law at high q and the integrals of a curve, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.small_angle.curves.guinier import guinier
from whorl.physics.small_angle.curves.invariants import (
    correlation_length,
    correlation_volume,
    invariants,
    porod_volume,
    surface_to_volume,
    volume_fraction,
)
from whorl.physics.small_angle.curves.porod import porod
from whorl.physics.small_angle.curves.uncertain import Absent


@pytest.mark.parametrize("power", [1.0, 1.67, 2.0, 2.7, 3.4, 4.0])
def test_exponents_and_their_coverage(power):
    rng = np.random.default_rng(30)
    q = np.geomspace(0.01, 0.5, 160)
    clean = 0.5 * (q / 0.05) ** -power + 0.01
    sigma = 0.02 * clean
    z, zb = [], []
    for _ in range(30):
        found = porod(q, clean + rng.normal(size=160) * sigma, sigma)
        z.append((found.exponent.value - power) / found.exponent.sigma)
        zb.append((found.background.value - 0.01) / found.background.sigma)
    assert np.mean(np.abs(z) < 1.96) > 0.85
    assert np.mean(np.abs(zb) < 1.96) > 0.8


def test_surface_of_spheres(shapes):
    q = np.geomspace(0.003, 0.6, 350)
    curve, _, volume, surface = shapes.spread_spheres(q, 60.0, 0.2)
    curve += 2e-6
    sigma = 0.01 * curve
    noisy = curve + np.random.default_rng(4).normal(size=q.size) * sigma
    law = porod(q, noisy, sigma, above=0.06)
    assert abs(law.exponent.value - 4) < 3 * law.exponent.sigma
    low = guinier(q, noisy, sigma)
    found = invariants(q, noisy, sigma, guinier=low, porod=law)
    s_v, v = surface_to_volume(found, law), porod_volume(low.i0, found)
    assert s_v.value == pytest.approx(surface, rel=0.05)  # 3 <R^2> / <R^3>
    assert v.value == pytest.approx(volume, rel=0.04)  # <V^2> / <V>
    assert abs(found.low_share) < 0.01


def test_invariant_of_two_phases(shapes):
    phi, contrast = 0.08, 4.0
    q = np.geomspace(0.002, 0.8, 500)
    curve, _, volume, _ = shapes.spread_spheres(q, 80.0, 0.15)
    # an arrangement without correlations: 2 pi^2 phi (1 - phi) drho^2 is the invariant of phi (1 - phi) drho^2 V P(q)
    absolute = 1e-4 * phi * (1 - phi) * contrast**2 * volume * curve
    found = invariants(q, absolute, 0.01 * absolute, guinier=guinier(q, absolute, 0.01 * absolute))
    assert volume_fraction(found, contrast).value == pytest.approx(phi, rel=0.02)
    with pytest.raises(Absent, match="above 1/4"):
        volume_fraction(found, 0.5)


def test_correlation_length_of_a_random_two_phase_medium():
    # Debye, Anderson & Brumberger: gamma(r) = exp(-r / a), so that I ~ (1 + q^2 a^2)^-2 and the correlation length is 2 a
    q = np.geomspace(0.0005, 0.8, 600)
    curve = 1 / (1 + (q * 50) ** 2) ** 2
    law = porod(q, curve, 0.01 * curve, above=0.1)
    found = invariants(q, curve, 0.01 * curve, guinier=guinier(q, curve, 0.01 * curve), porod=law)
    assert correlation_length(found).value == pytest.approx(100, rel=0.02)
    assert correlation_volume(guinier(q, curve, 0.01 * curve).i0, found).value == pytest.approx(2 * 50**2, rel=0.03)


def test_an_unknown_background_is_in_the_uncertainty(shapes):
    rng = np.random.default_rng(5)
    q = np.geomspace(0.008, 0.35, 120)
    curve, _, volume, _ = shapes.spread_spheres(q, 35.0, 0.12)
    true = 2 * np.pi**2 / volume
    z = []
    for _ in range(40):
        sigma = 0.02 * curve + 3e-4
        noisy = curve + 0.004 + rng.normal(size=q.size) * sigma
        low = guinier(q, noisy, sigma)
        try:
            law = porod(q, noisy, sigma, above=2 / low.rg.value)
        except Absent:
            law = None
        found = invariants(q, noisy, sigma, guinier=low, porod=law)
        z.append((found.invariant.value - true) / found.invariant.sigma)
    assert np.mean(np.abs(z) < 1.96) > 0.85


def test_noise_alone_has_no_power_law():
    q = np.geomspace(0.01, 0.5, 100)
    noise = np.random.default_rng(6).normal(size=100)
    with pytest.raises(Absent):
        porod(q, noise, np.ones(100))
    with pytest.raises(Absent):
        invariants(q, noise, np.ones(100))
