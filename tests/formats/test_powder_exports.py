"""Refinements written for journals, GSAS-II and TOPAS: names, units, and what other readers make of them."""

from __future__ import annotations

import re
from dataclasses import replace
from math import degrees, log, pi, sqrt

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.core.verdict import Quantity
from whorl.formats import read, read_instrument, read_structure
from whorl.formats.cif import read_blocks
from whorl.formats.gsas2_write import gsas2_files, instprm_text, instrument_values, sample_values, script_text
from whorl.formats.pdcif_write import pdcif_text
from whorl.formats.powder_refinement import Origin, PowderRefinement, RefinedPhase, RefinedSite
from whorl.formats.su import plain_text, su_text
from whorl.formats.topas_write import beq, inp_text

#: data names of the core dictionary (2.4) and the powder dictionary (1.0) that may be written
NAMES = frozenset(
    """_pd_block_id _pd_block_diffractogram_id _audit_creation_method _audit_creation_date _computing_structure_refinement
    _pd_proc_info_data_reduction _diffrn_radiation_probe _diffrn_source _diffrn_radiation_wavelength
    _diffrn_radiation_wavelength_id _diffrn_radiation_wavelength_wt _diffrn_radiation_monochromator _diffrn_ambient_temperature
    _pd_spec_mount_mode _pd_spec_shape _pd_meas_scan_method _pd_meas_number_of_points _pd_meas_2theta_range_min
    _pd_meas_2theta_range_max _pd_meas_2theta_range_inc _pd_proc_2theta_range_min _pd_proc_2theta_range_max
    _pd_proc_2theta_range_inc _pd_proc_ls_prof_R_factor _pd_proc_ls_prof_wR_factor _pd_proc_ls_prof_wR_expected
    _refine_ls_goodness_of_fit_all _refine_ls_matrix_type _refine_ls_number_parameters _refine_ls_number_restraints
    _refine_ls_number_constraints _pd_proc_number_of_points _pd_proc_ls_profile_function _pd_proc_ls_background_function
    _pd_proc_ls_pref_orient_corr _pd_proc_ls_special_details _pd_phase_id _pd_phase_block_id _pd_phase_name _pd_phase_mass_%
    _pd_meas_2theta_scan _pd_meas_counts_total _pd_proc_intensity_total _pd_calc_intensity_total _pd_proc_intensity_bkg_calc
    _pd_proc_ls_weight _chemical_formula_sum _chemical_formula_weight _cell_length_a _cell_length_b _cell_length_c
    _cell_angle_alpha _cell_angle_beta _cell_angle_gamma _cell_volume _cell_formula_units_Z _exptl_crystal_density_diffrn
    _cell_measurement_temperature _refine_special_details _space_group_name_H-M_alt _space_group_name_Hall
    _space_group_IT_number _space_group_symop_operation_xyz _atom_site_label _atom_site_type_symbol _atom_site_fract_x
    _atom_site_fract_y _atom_site_fract_z _atom_site_occupancy _atom_site_U_iso_or_equiv _atom_site_adp_type
    _atom_site_site_symmetry_multiplicity _refine_ls_R_I_factor _refln_index_h _refln_index_k _refln_index_l
    _refln_symmetry_multiplicity _refln_d_spacing _refln_F_squared_calc _refln_F_squared_meas""".split()
)
RUTILE = Crystal(
    "rutile; 'TiO2' \"a\"",
    cell=(4.5937, 4.5937, 2.9587, 90, 90, 90),
    space_group="P 42/m n m",
    sites=(Site("Ti", (0, 0, 0), 1.0, 0.0041, "Ti1"), Site("O", (0.3053, 0.3053, 0), 1.0, 0.0055, "O1")),
)


def q(value, sigma=None, unit="1"):
    return Quantity(value=value, sigma=sigma, unit=unit)


@pytest.fixture
def refinement():
    """Two phases of one kind, laboratory, 501 points."""
    a, c = q(4.5937, 0.00024, "angstrom"), q(2.9587, 0.00013, "angstrom")
    right = q(90.0, None, "degree")
    x_o = q(0.3053, 0.0006)
    sites = (
        RefinedSite("Ti1", "Ti", (q(0.0), q(0.0), q(0.0)), q(1.0), q(0.0041, 0.0003), 2),
        RefinedSite("O1", "O", (x_o, x_o, q(0.0)), q(0.97, 0.02), q(0.0055, 0.0011), 4),
    )
    phase = RefinedPhase(
        "rutile; 'TiO2' \"a\"",
        RUTILE,
        (a, a, c, right, right, right),
        q(62.435, 0.007, "angstrom^3"),
        sites,
        2.0,
        79.866,
        q(0.4, 0.01),
        2.5,
        size=q(450.0, 20.0, "angstrom"),
        strain=q(0.0011, 0.0002),
        remarks=("texture by symmetrised spherical harmonics: 0.1",),
    )
    x = 20 + 0.02 * np.arange(501)
    background = 50 + 0.1 * (x - 20)
    calculated = background + 900 * np.exp(-(((x - 25) / 0.08) ** 2))
    rng = np.random.default_rng(4)
    observed = rng.poisson(calculated).astype(float)
    zero = {"zero": q(0.012, 0.001, "degree"), "displacement": q(-0.05, 0.01, "mm"), "transparency": q(0.0, None, "mm")}
    widths = {"u": q(0.02, 0.001), "v": q(-0.01), "w": q(0.005, 0.0002), "x": q(0.011), "y": q(0.03, 0.002)}
    return PowderRefinement(
        Origin("scan 1/α", "scan.xy", "ab12", "whorl 0.1.0", "2026-11-21T10:00:00+00:00", "whorl refine", "2026-a1", 295.0),
        (phase, replace(phase, mass_fraction=q(0.6, 0.01), size=None, strain=None, remarks=())),
        x, observed, np.sqrt(np.maximum(observed, 1.0)), calculated, background, True, True, "x-ray", "lab", "bragg-brentano",
        ((1.540593, 2 / 3), (1.544427, 1 / 3)), None, 26.6, 185.0, widths, zero, q(0.03, 0.002), 24, 1, 2, 9, slit=1.0,
    )  # fmt: skip


def test_every_name_is_of_the_dictionaries(refinement):
    gemmi = pytest.importorskip("gemmi")
    document = gemmi.cif.read_string(pdcif_text(refinement))
    written = {
        tag
        for block in document
        for item in block
        for tag in (item.loop.tags if item.loop else [item.pair[0]] if item.pair else [])
    }
    assert written <= NAMES, written - NAMES
    assert len(document) == 3


def test_numbers_in_the_notation_of_crystallography(refinement):
    import gemmi

    document = gemmi.cif.read_string(pdcif_text(refinement))
    pattern, one, _ = document
    assert one.find_value("_cell_length_a") == "4.5937(2)"
    assert one.find_value("_cell_length_c") == "2.95870(13)"
    assert one.find_value("_cell_angle_gamma") == "90"
    assert one.find_value("_cell_volume") == "62.435(7)"
    assert one.find_value("_cell_formula_units_Z") == "2"
    assert one.find_value("_exptl_crystal_density_diffrn") == "4.248"  # 2 x 79.866 x 1.66054 / 62.435
    assert gemmi.cif.as_string(one.find_value("_chemical_formula_sum")) == "O2 Ti"
    table = one.find(["_atom_site_label", "_atom_site_fract_x", "_atom_site_occupancy", "_atom_site_U_iso_or_equiv"])
    assert list(table[1]) == ["O1", "0.3053(6)", "0.97(2)", "0.0055(11)"]
    assert list(pattern.find_loop("_pd_phase_mass_%")) == ["40.0(10)", "60.0(10)"]
    assert float(pattern.find_value("_pd_proc_ls_prof_wR_factor")) == pytest.approx(refinement.rwp, abs=1e-5)
    assert pattern.find_value("_refine_ls_number_parameters") == "24"


def test_blocks_name_each_other(refinement):
    import gemmi

    pattern, *phases = gemmi.cif.read_string(pdcif_text(refinement))
    ids = [gemmi.cif.as_string(v) for v in pattern.find_loop("_pd_phase_block_id")]
    assert ids == [p.find_value("_pd_block_id") for p in phases]
    assert {p.find_value("_pd_block_diffractogram_id") for p in phases} == {pattern.find_value("_pd_block_id")}
    assert len({pattern.find_value("_pd_block_id"), *ids}) == 3


def test_r_factors_are_those_of_their_definitions(refinement):
    """Good of fit of Poisson counts against their own mean is 1 within its scatter (500 points: 0.03, thrice)."""
    assert refinement.goodness == pytest.approx(1.0, abs=0.15)
    assert refinement.rwp / refinement.rexp == refinement.goodness
    assert refinement.rp == pytest.approx(np.abs(refinement.observed - refinement.calculated).sum() / refinement.observed.sum())
    assert replace(refinement, absolute=False).rexp is None


@pytest.mark.parametrize("counts", [True, False])
def test_whorl_reads_it_back(refinement, tmp_path, counts):
    path = tmp_path / "a.cif"
    path.write_text(pdcif_text(replace(refinement, counts=counts)))
    found = read(path, kind="powder")
    np.testing.assert_allclose(found.x, refinement.x, atol=1e-6)
    tolerance = 1e-9 if counts else 0.05 * refinement.sigma.max()
    np.testing.assert_allclose(found.signal, refinement.observed, atol=tolerance)
    assert found.settings["wavelength"] == pytest.approx(1.540593)
    assert found.settings["wavelength2"] == pytest.approx(1.544427)
    assert found.settings["line_ratio"] == pytest.approx(0.5)
    assert found.settings["radiation"] == "x-ray"
    assert found.settings.get("source") == "lab"
    if counts:
        assert found.settings["intensity"] == "counts"
    else:
        np.testing.assert_allclose(found.sigma, refinement.sigma, rtol=0.026)  # two digits from 20 to 99, three below
    blocks = read_blocks(path.read_bytes(), str(path))
    assert len(blocks) == 2
    crystal = read_structure(path)
    assert crystal.cell[:3] == pytest.approx((4.5937, 4.5937, 2.9587))
    assert crystal.space_group_number == 136
    assert crystal.contents == pytest.approx({"Ti": 2, "O": 3.88})
    assert [s.u_iso for s in crystal.sites] == pytest.approx([0.0041, 0.0055])


def test_no_lines_too_long_and_ascii(refinement):
    text = pdcif_text(refinement)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 2048


@pytest.mark.parametrize(
    ("value", "sigma", "text"),
    [
        (9.41447, 0.00024, "9.4145(2)"),
        (9.41447, 0.00019, "9.41447(19)"),
        (9.41447, 0.000196, "9.4145(2)"),
        (0.25, None, "0.25"),
        (1 / 3, None, "0.333333"),
        (834.291, 0.19, "834.29(19)"),
        (-0.00004, 0.0003, "0.0000(3)"),
        (123456.0, 2345.0, "123000(2000)"),
        (1.0, float("nan"), "1"),
        (float("nan"), None, "?"),
    ],
)
def test_rule_of_nineteen(value, sigma, text):
    assert su_text(value, sigma) == text


def test_plain_numbers_have_no_exponent():
    assert [plain_text(v) for v in (1e-7, 123456789.0, -0.5, 0.0)] == ["0.0000001", "123456789", "-0.5", "0"]


def test_gsas2_parameters_read_back(refinement, tmp_path):
    """`read_instrument` converts GSAS-II's units by itself."""
    path = tmp_path / "a.instprm"
    path.write_text(instprm_text(refinement))
    found = read_instrument(path)
    for name in "uvwxy":
        assert found[name] == pytest.approx(refinement.widths[name].value, rel=1e-6), name
    assert found["wavelength"] == pytest.approx(1.540593)
    assert found["line_ratio"] == pytest.approx(0.5)
    assert found["zero"] == pytest.approx(0.012)
    assert found["sh_l"] == pytest.approx(0.06)
    assert found["pola"] == pytest.approx(1 / (1 + np.cos(np.radians(26.6)) ** 2))


def test_gsas2_widths_by_hand(refinement):
    """At 2theta = 60 the Gaussian of variance sigma^2 (0.01 degrees squared) has the full width of whorl's u, v, w."""
    values = instrument_values(refinement)
    tan = np.tan(np.radians(30.0))
    variance = values["U"] * tan**2 + values["V"] * tan + values["W"]
    full = sqrt(0.02 * tan**2 - 0.01 * tan + 0.005)
    assert sqrt(8 * log(2) * variance) / 100 == pytest.approx(full)
    assert values["X"] == pytest.approx(1.1)


def test_gsas2_size_and_strain_by_hand(refinement):
    """1.8 lambda / (pi D cos theta) hundredths of a degree, D in micrometres (K = 1); 0.018 m tan(theta) / pi for strain."""
    sample = sample_values(refinement.phases[0])
    cos, tan, wavelength = np.cos(np.radians(30.0)), np.tan(np.radians(30.0)), 1.54
    by_size = 1.8 * wavelength / (pi * sample["size"] * cos) / 100
    assert by_size == pytest.approx(degrees(0.9 * wavelength / (450.0 * cos)), rel=1e-6)
    by_strain = 0.018 * sample["microstrain"] * tan / pi / 100
    assert by_strain == pytest.approx(degrees(4 * 0.0011 * tan), rel=1e-6)
    assert sample_values(refinement.phases[1]) == {}


def test_gsas2_set_is_whole(refinement):
    files = gsas2_files(refinement, "a")
    assert sorted(files) == ["a-1.cif", "a-2.cif", "a.instprm", "a.py", "a.xye"]
    script = script_text(refinement, "a")
    compile(script, "a.py", "exec")
    for name in files:
        assert name in script
    assert "[-50, False]" in script  # micrometres
    rows = np.loadtxt(files["a.xye"].splitlines())
    np.testing.assert_allclose(rows, np.column_stack([refinement.x, refinement.observed, refinement.sigma]), rtol=1e-5)


def test_synchrotron_and_neutrons(refinement):
    beam = replace(refinement, lines=((0.41, 1.0),), polarised=0.99, monochromator=None, geometry="debye-scherrer", slit=0.0)
    values = instrument_values(beam)
    assert values["Lam"] == 0.41
    assert values["Polariz."] == 0.99
    assert "Shift" not in script_text(beam, "a")
    assert "0.99 + 0.01 Cos(2 Th)^2" in inp_text(beam, "a")
    neutrons = replace(beam, radiation="neutron", polarised=None)
    assert "Polariz." not in instrument_values(neutrons)
    assert "Type:PNC" in instprm_text(neutrons)
    assert "LP_Factor(90)" in inp_text(neutrons, "a")
    assert "\tneutron_data\n" in inp_text(neutrons, "a")


def test_free_intensities(refinement):
    free = replace(refinement, free_intensities=True)
    text = inp_text(free, "a")
    assert text.count("\thkl_Is\n") == 2
    assert "site" not in text.replace("site_", "")
    assert "scale @" not in text
    assert "Pawley" in script_text(free, "a")
    assert "Pawley" in pdcif_text(free)


def test_topas_input(refinement):
    text = inp_text(refinement, "a")
    assert text.count("\tstr\n") == 2
    assert "xdd a.xye" in text
    assert 'space_group "P 42/m n m"' in text
    assert re.search(r"\ta @ 4\.5937`_0\.00024\n\s*b =Get\(a\);\n\s*c @ 2\.9587`_0\.00013\n\s*al 90", text)
    assert beq(0.0041) == pytest.approx(8 * pi**2 * 0.0041)
    assert f"prm wh_beq_1_1 {plain_text(beq(0.0041), 8)}`_" in text
    assert "LP_Factor(26.6)" in text
    assert "scale_pks = Sin(Th)^1;" in text
    size = float(re.search(r"CS_L\(@, ([\d.]+)\)", text)[1])
    cos = np.cos(np.radians(30.0))
    assert degrees(0.1 * 1.54 / (size * cos)) == pytest.approx(degrees(0.9 * 1.54 / (450.0 * cos)), rel=1e-4)
    strain = float(re.search(r"Strain_L\(@, ([\d.]+)\)", text)[1])
    assert strain == pytest.approx(degrees(4 * 0.0011), rel=1e-4)
    assert text.count("CS_L") == 1
    scale = float(re.search(r"scale @ (\S+)", text)[1])
    assert scale == pytest.approx(2.5 / 62.435**2, rel=1e-5)
    assert "gauss_fwhm = Sqrt(Max(wh_u Tan(Th)^2 + wh_v Tan(Th) + wh_w, 0.000001));" in text
    assert "prm !wh_v -0.01" in text
