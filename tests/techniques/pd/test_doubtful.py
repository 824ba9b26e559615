"""Bad patterns and structures: each is refused or said, and the rest goes on."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.tasks.identify import identify
from whorl.tasks.refine import refine
from whorl.techniques.pd.doubtful import dropouts, jump
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.simulate import simulate

COPPER = {"wavelength": "Cu"}


@pytest.fixture(scope="module")
def counted():
    x = np.arange(20.0, 90.0, 0.02)
    crystal = open_catalogue("compounds").load("TiO2-rutile")
    y = simulate(crystal, settings=COPPER | {"w": 0.01}, two_theta=x).signal
    return x, np.random.default_rng(6).poisson(60 + 3000 * y / y.max()).astype(float)


def prepared(x, y, sigma=None):
    return prepare(Measurement("powder", x, y, sigma), settings=COPPER)


def said(signal, words):
    return [w for w in signal.warnings if words in w]


def test_counts_that_turn_into_rates(counted):
    x, y = counted
    mixed = np.where(x < 55.0, y, y / 10.0)
    signal = prepared(x, mixed)
    words = said(signal, "counts and rates in one file")[0]
    assert float(words.split(" at ")[1].split()[0]) == pytest.approx(55.0, abs=0.1)
    assert jump(x, y) is None
    assert not said(prepared(x, mixed / mixed.max()), "negative")
    assert said(prepared(x, mixed / mixed.max()), "counts and rates")  # normalised or not


def test_steep_edges_and_broad_peaks_are_no_jump():
    x = np.arange(5.0, 80.0, 0.02)
    y = 100 + 4000 / (1 + ((x - 40) / 0.05) ** 2) + 900 * np.where(x > 20, np.exp(-(x - 20) / 3), 0.0)
    assert jump(x, np.random.default_rng(1).poisson(y).astype(float)) is None


def test_dropouts_are_left_out_and_zeros_of_weak_patterns_are_not(counted):
    x, y = counted
    holed = y.copy()
    holed[::7] = 0.0
    signal = prepared(x, holed)
    assert said(signal, "hold no counts where their neighbours hold many")
    assert signal.x.size == pytest.approx(x.size * 6 / 7, abs=3)
    verdict = identify(
        Measurement("powder", x, holed), catalogues=[open_catalogue("compounds")], elements=["Ti", "O"], settings=COPPER, top=1
    )
    assert verdict.best.name.startswith("TiO2 (rutile")
    assert not verdict.is_none
    assert not dropouts(np.random.default_rng(2).poisson(0.5, 4000).astype(float)).any()
    assert not dropouts(holed - 1.0).any()  # no counts


def test_thirty_points_are_doubted_and_coarse_steps_refused(counted):
    x, y = counted
    assert said(prepared(x[1500:1530], y[1500:1530]), "only 30 points")
    with pytest.raises(PatternError, match="resolve no peaks"):
        prepared(x[::120], y[::120])
    with pytest.raises(PatternError, match="29 points"):
        prepared(x[:29], y[:29])


def test_normalised_data_have_no_square_root_errors(counted):
    x, y = counted
    signal = prepared(x, y / y.max())
    assert not signal.absolute
    assert any("no plain counts" in a for a in signal.assumptions)


def test_a_wrong_symbol_is_said(counted):
    from dataclasses import replace

    wrong = replace(open_catalogue("compounds").load("TiO2-rutile"), space_group="F m -3 m")
    verdict = refine(Measurement("powder", *counted), [wrong], settings=COPPER)
    assert any("does not have the symmetry F m -3 m" in w for w in verdict.warnings)


def test_files_that_cannot_be_read_are_said_and_the_rest_goes_on(counted, tmp_path):
    (tmp_path / "broken.cif").write_text("data_x\n_cell_length_a 4.6\nloop_\n_atom_site_label\n_atom_site")
    (tmp_path / "rutile.cif").write_text(
        "data_rutile\n_cell_length_a 4.594\n_cell_length_b 4.594\n_cell_length_c 2.959\n_cell_angle_alpha 90\n"
        "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P 42/m n m'\nloop_\n_atom_site_label\n"
        "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nTi1 Ti 0 0 0\nO1 O 0.305 0.305 0\n"
    )
    verdict = identify(Measurement("powder", *counted), catalogues=[open_catalogue(tmp_path)], settings=COPPER, top=1)
    assert verdict.best.formula == "TiO2"
    assert any("broken.cif could not be used" in w for w in verdict.warnings)
