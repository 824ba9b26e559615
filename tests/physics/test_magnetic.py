"""Magnetic scattering of powders against direct averages over orientations."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.magnetic import SpinPairs, form_factor, magnetic_pdf, reduced_intensity, relative_weight, spin_pairs
from whorl.physics.transforms import SineGrid


def powder(positions, moments, q, directions=8000):
    """Intensity per atom of the components across Q, averaged over directions of Q (Fibonacci points): no formula for pairs."""
    k = np.arange(directions) + 0.5
    z, angle = 1 - 2 * k / directions, np.pi * (1 + 5**0.5) * k
    unit = np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=1)
    out = []
    for value in q:
        amplitude = np.exp(1j * value * unit @ positions.T) @ moments
        across = amplitude - unit * np.sum(unit * amplitude, axis=1, keepdims=True)
        out.append(np.mean(np.sum(np.abs(across) ** 2, axis=1)) / len(positions))
    return np.array(out)


def test_pairs_are_the_average_over_orientations():
    rng = np.random.default_rng(17)
    positions = rng.uniform(-4, 4, (9, 3))
    moments = rng.normal(0, 2, (9, 3))
    q = np.linspace(0.4, 6.0, 15)
    found = reduced_intensity(spin_pairs(positions, moments), q)
    assert found == pytest.approx(powder(positions, moments, q), rel=2e-3)


def test_transform_is_the_integral_over_q():
    """d(r) by peaks and ramps on a grid against the direct integral of the intensity, for a triangle of moments."""
    positions = np.array([[0, 0, 0], [3.1, 0, 0], [0.4, 4.2, 0.3]])
    moments = np.array([[0, 0, 3.0], [0, 1.0, -2.0], [1.0, 0, 0.5]])
    pairs = spin_pairs(positions, moments)
    grid = SineGrid.covering(20.0, 0.01)
    found = magnetic_pdf(grid, pairs, form_factor("Mn2+", grid.q), qmin=0.5, qmax=12.0)
    q = np.linspace(0.5, 12.0, 6001)
    signal = q * form_factor("Mn2+", q) ** 2 * reduced_intensity(pairs, q)
    for r in (0.8, 2.0, 3.1, 4.0, 7.5):
        direct = 2 / np.pi * np.trapezoid(signal * np.sin(q * r), q)
        assert np.interp(r, grid.r, found) == pytest.approx(direct, abs=2e-3 * np.max(np.abs(found)))


def test_manganese_oxide_orders_with_one_half_each():
    """The strongest magnetic reflection of MnO is 1/2 1/2 1/2; parallel moments would give none there."""
    a = 4.43
    lattice = 0.5 * a * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    moment = 4.6 * np.array([[1, 1, -2]]) / np.sqrt(6)
    q = np.linspace(0.8, 3.0, 441)
    spectra = []
    for k in ([0.5, 0.5, 0.5], [0, 0, 0]):
        pairs = spin_pairs(np.zeros((1, 3)), moment, lattice=lattice, propagation=np.array(k), r_max=45.0)
        fading = np.exp(-((pairs.distance / 22.0) ** 2))
        spectra.append(
            reduced_intensity(SpinPairs(pairs.distance, pairs.across * fading, pairs.along * fading, pairs.mean_square), q)
        )
    reflection = np.pi * np.sqrt(3) / a
    assert q[np.argmax(spectra[0])] == pytest.approx(reflection, abs=0.02)
    assert np.interp(reflection, q, spectra[0]) > 10 * abs(np.interp(reflection, q, spectra[1]))
    # neighbours at a / sqrt 2 lie as often parallel as antiparallel; those at a are all antiparallel
    first, second = (np.flatnonzero(np.abs(pairs_at(a, lattice, moment).distance - d) < 1e-3)[0] for d in (a / 2**0.5, a))
    pairs = pairs_at(a, lattice, moment)
    assert pairs.across[first] + 0.5 * (pairs.along[first] + pairs.across[first]) == pytest.approx(0.0, abs=1e-9)
    assert pairs.across[second] + 0.5 * (pairs.along[second] + pairs.across[second]) == pytest.approx(-6 * 4.6**2)


def pairs_at(a, lattice, moment):
    return spin_pairs(np.zeros((1, 3)), moment, lattice=lattice, propagation=np.array([0.5] * 3), r_max=1.1 * a)


@pytest.mark.parametrize("ion", ["Cr3+", "Mn2+", "Mn3+", "Fe2+", "Fe3+", "Co2+", "Ni2+", "Cu2+"])
def test_form_factors_begin_at_one_and_end_by_eight(ion):
    f = form_factor(ion, np.array([0.0, 2.0, 4.0, 8.0, 25.0]))
    assert f[0] == pytest.approx(1.0, abs=2e-3)
    assert np.all(np.diff(f[:4]) < 0)
    assert abs(f[3]) < 0.17
    assert f[4] == 0.0


def test_weight_beside_the_nuclei():
    # MnO: b = -3.73 and 5.80 fm, so <b> = 1.04 fm: moments weigh more than nuclei
    assert relative_weight(0.5, 0.5 * (-3.73 + 5.803)) == pytest.approx(3.38, abs=0.02)
