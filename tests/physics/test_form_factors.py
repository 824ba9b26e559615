"""X-ray form factors, neutron lengths and the weights made of them."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_numbers

from whorl.core.hypothesis import SYMBOLS
from whorl.physics.form_factors import RADIATIONS, neutron, pair_weights, scattering_factor, xray

Q = np.linspace(0, 30, 301)
TABULATED = SYMBOLS[:98]


@pytest.mark.parametrize("symbol", TABULATED)
def test_forward_scattering_counts_the_electrons(symbol):
    assert float(xray(symbol, np.array(0.0))) == pytest.approx(atomic_numbers[symbol], abs=0.06)


@pytest.mark.parametrize("symbol", TABULATED)
def test_form_factor_falls_and_stays_positive(symbol):
    f = xray(symbol, Q)
    if symbol == "H":  # the fit of five Gaussians to hydrogen's tail swings about zero
        assert np.all(np.abs(f[Q > 12]) < 1e-2)
        f = f[Q < 8]
    assert np.all(np.diff(f) < 1e-3)
    assert np.all(f > -1e-3)


def test_form_factors_against_the_international_tables():
    # International Tables C, table 6.1.1.1 (Hartree-Fock): f at sin(theta)/lambda = 0.5 / angstrom
    for symbol, expected in {"C": 1.685, "O": 2.338, "Si": 6.24, "Fe": 11.47}.items():
        assert float(xray(symbol, np.array(2 * np.pi))) == pytest.approx(expected, rel=0.02)


def test_deuterium_is_hydrogen_to_x_rays_but_not_to_neutrons():
    assert np.all(xray("D", Q) == xray("H", Q))
    assert neutron("H") < 0 < neutron("D")


@pytest.mark.parametrize(
    ("symbol", "length"),  # Sears 1992, fm
    [("H", -3.739), ("D", 6.671), ("O", 5.803), ("Ti", -3.438), ("Mn", -3.73), ("Fe", 9.45), ("Ni", 10.3), ("Se", 7.97)],
)
def test_neutron_lengths(symbol, length):
    assert neutron(symbol) == pytest.approx(length, abs=0.005)
    assert np.all(scattering_factor(symbol, Q, "neutron") == neutron(symbol))


def test_electron_factors_follow_mott_and_bethe():
    f = scattering_factor("Au", Q, "electron")
    assert np.all(f > 0)
    assert np.all(np.diff(f) <= 1e-9)
    assert f[200] == pytest.approx((79 - float(xray("Au", Q[200]))) / Q[200] ** 2, rel=1e-3)


@pytest.mark.parametrize("radiation", RADIATIONS)
@pytest.mark.parametrize(("symbols", "fractions"), [(("Na", "Cl"), (0.5, 0.5)), (("Sr", "Fe", "As"), (0.2, 0.4, 0.4))])
def test_faber_ziman_weights_sum_to_1(symbols, fractions, radiation):
    w = pair_weights(symbols, np.array(fractions), Q, radiation)
    assert w.shape == (len(symbols), len(symbols), Q.size)
    assert np.einsum("i,j,ijq->q", fractions, fractions, w) == pytest.approx(1.0, abs=1e-12)
    assert np.all(w == w.transpose(1, 0, 2))


def test_weights_of_one_element_are_1():
    assert pair_weights(("Pt",), np.ones(1), Q, "x-ray") == pytest.approx(1.0)


def test_unknown_radiation_and_element():
    with pytest.raises(ValueError, match="unknown radiation 'muon'"):
        scattering_factor("Ni", Q, "muon")
    with pytest.raises(KeyError):
        xray("Xx", Q)
    with pytest.raises(KeyError):
        neutron("Xx")
