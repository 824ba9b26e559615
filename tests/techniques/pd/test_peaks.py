"""Spacings from patterns: simulated against Bragg's law, measured against certified and published cells."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.techniques.pd.peaks import spacings

COPPER = [1.540598, 1.544426]


def test_a_doublet_gives_the_spacings_of_the_first_line():
    x = np.arange(20.0, 130.0, 0.02)
    d = 5.431 / np.sqrt([3, 8, 11, 16, 19, 24, 27, 32, 35, 40])
    y = np.full(x.size, 30.0)
    for wave, share in zip(COPPER, (1.0, 0.5), strict=True):
        for at in np.degrees(2 * np.arcsin(wave / 2 / d)):
            y += share * 3000.0 * np.exp(-4 * np.log(2) * ((x - at) / 0.12) ** 2)
    found = spacings(x, np.random.default_rng(9).poisson(y).astype(float), wavelengths=COPPER)
    assert len(found) == d.size
    assert np.abs(found.d / d - 1.0).max() < 1e-4
    assert np.sqrt(np.mean(((found.d - d) / found.d_sigma) ** 2)) < 2.5


def test_measured_manganosite_is_a_cubic_lattice(shared_data):
    pattern = np.loadtxt(shared_data / "pd" / "xrd_autoanalyzer" / "MnO.xy")
    found = spacings(pattern[:, 0], pattern[:, 1], wavelengths=COPPER)
    counts = np.array([3, 4, 8, 11, 12, 16, 19])  # h^2 + k^2 + l^2 of a face-centred lattice
    assert len(found) == counts.size
    a = found.d * np.sqrt(counts)
    assert abs(np.median(a) - 4.4457) < 0.01  # Jette & Foote, J. Chem. Phys. 3, 605 (1935)
    assert np.ptp(a) < 0.02


@pytest.mark.parametrize("wavelengths", [[], [1.0, 1.1, 1.2], [-1.0]])
def test_wavelengths_are_checked(wavelengths):
    with pytest.raises(UsageError, match="wavelength"):
        spacings(np.arange(50.0), np.ones(50), wavelengths=wavelengths)
