"""Powder profiles in CIFs: points and ranges, which intensities, uncertainties in brackets, what other blocks say."""

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.formats import read, read_structure

STRUCTURE = """
data_phase
_cell_length_a 5.6402
_cell_length_b 5.6402
_cell_length_c 5.6402
_symmetry_space_group_name_H-M 'F m -3 m'
_chemical_formula_sum 'Cl Na'
_diffrn_ambient_temperature 295
_diffrn_radiation_type 'Cu K\\a'
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 0 0 0
Cl1 0.5 0.5 0.5
"""


WAVELENGTH = "_diffrn_radiation_wavelength"


@pytest.fixture
def put(tmp_path, build):
    def write(name="a.cif", **options):
        file = tmp_path / name
        file.write_bytes(build("pdcif", **options))
        return file

    return write


def test_a_profile_is_a_measurement_and_its_structure_still_one(put, pattern):
    file = put(after=STRUCTURE, before="_diffrn_radiation_wavelength 1.5406")
    m = read(file)
    assert (m.kind, m.format, m.sigma) == ("powder", "pdcif", None)
    assert np.array_equal(m.x, pattern[0])
    assert np.array_equal(m.signal, pattern[1])
    assert dict(m.settings) == {
        "anode": "Cu", "radiation": "x-ray", "source": "lab", "wavelength": 1.5406, "temperature": 295.0,
        "composition": "Cl Na", "header": {"block": "p"},
    }  # fmt: skip
    assert read_structure(file).formula == "NaCl"


def test_a_profile_far_behind_the_structure_is_found(tmp_path, build, pattern):
    text = STRUCTURE + "#\n" * 20_000 + build("pdcif").decode()
    (tmp_path / "a.cif").write_text(text)
    assert np.array_equal(read(tmp_path / "a.cif").signal, pattern[1])
    (tmp_path / "b.cif").write_text(STRUCTURE)
    with pytest.raises(PatternError, match="structure"):
        read(tmp_path / "b.cif")
    with pytest.raises(PatternError, match="without a measured powder profile"):
        read(tmp_path / "b.cif", format="pdcif")


def test_counts_over_a_range(put, pattern):
    limits = "_pd_meas_2theta_range_min 10\n_pd_meas_2theta_range_max 69.5\n_pd_meas_2theta_range_inc 0.5"
    m = read(put(intensity="pd_meas_counts_total", axis="", before=limits))
    assert np.allclose(m.x, pattern[0], atol=1e-9)
    assert m.settings["intensity"] == "counts"
    with pytest.raises(PatternError, match=r"120 intensities do not fit the range 10 to 80 at 0\.5"):
        read(put(intensity="pd_meas_counts_total", axis="", before=limits.replace("69.5", "80")))
    with pytest.raises(PatternError, match="no 2theta"):
        read(put(intensity="pd_meas_counts_total", axis=""))


def test_uncertainties_in_brackets(put, pattern):
    m = read(put(esd=True))
    assert np.array_equal(m.sigma, np.round(np.sqrt(pattern[1])))
    m = read(put(y=pattern[1] / 8 + 0.25, esd=True))  # digits behind the point: the bracket counts the last one
    assert m.sigma[0] == pytest.approx(round(np.sqrt(6.5)) * 0.1)


def test_times_of_flight_and_spacings(put, pattern):
    m = read(put(x=1000 * pattern[0], axis="pd_meas_time_of_flight"))
    assert (m.kind, m.x[0]) == ("tof", 10_000)
    d = 1.5406 / (2 * np.sin(np.radians(pattern[0]) / 2))
    m = read(put(x=d, axis="pd_proc_d_spacing", before="_diffrn_radiation_wavelength 1.5406"))
    assert np.allclose(m.x, pattern[0], atol=0.01)  # four digits of d
    with pytest.raises(PatternError, match="no 2theta"):
        read(put(x=d, axis="pd_proc_d_spacing"))


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (
            f"loop_\n{WAVELENGTH}\n{WAVELENGTH}_wt\n_diffrn_radiation_type\n1.540598 1.000 K\\a~1~\n1.544390 0.380 K\\a~2~",
            {"wavelength": 1.540598, "wavelength2": 1.54439, "line_ratio": 0.38},
        ),
        (
            "loop_\n_diffrn_radiation_type\n_diffrn_radiation_wavelength\nCuK\\a~1~ 1.54056\nCuK\\a~2~ 1.54439",
            {"anode": "Cu", "radiation": "x-ray", "source": "lab", "wavelength": 1.54056, "wavelength2": 1.54439},
        ),
        ("_diffrn_radiation_probe neutron\n_diffrn_source 'nuclear reactor'", {"radiation": "neutron", "source": "reactor"}),
        ("_pd_proc_wavelength 0.41326\n_diffrn_source synchrotron", {"wavelength": 0.41326, "source": "synchrotron"}),
        ("_diffrn_radiation_wavelength ?\n_diffrn_ambient_temperature 100(2)", {"temperature": 100.0}),
        ("_pd_spec_mount_mode transmission\n_pd_spec_shape cylinder", {"geometry": "debye-scherrer"}),
        ("_pd_spec_mount_mode reflection\n_pd_spec_shape flat_sheet", {"geometry": "bragg-brentano"}),
    ],
)
def test_what_is_stated(put, text, settings):
    m = read(put(before=text))
    assert {key: value for key, value in m.settings.items() if key != "header"} == settings


def test_other_blocks_are_asked_only_when_they_agree(put, build):
    own = "\n_diffrn_radiation_wavelength {}\n"
    assert read(put(after="data_a" + own.format(0.5) + "data_b" + own.format(0.5))).settings["wavelength"] == 0.5
    assert "wavelength" not in read(put(after="data_a" + own.format(0.5) + "data_b" + own.format(0.7))).settings
    simulated = "data_s" + own.format(0.71073) + "loop_\n_pd_calc_intensity_total\n1\n2\n3\n"
    assert read(put(after="data_a" + own.format(0.5) + simulated)).settings["wavelength"] == 0.5
    m = read(put(after=build("pdcif", name="q").decode()))
    assert "2 measured profiles in the file; the first, 'p', was read" in m.notes


def test_bad_profiles(put, tmp_path):
    text = put().read_text()
    (tmp_path / "b.cif").write_text(text.replace(" 950\n", " 9x0\n"))
    with pytest.raises(PatternError, match=r"block p: '9x0' is not a number \(_pd_proc_intensity_total, point 41\)"):
        read(tmp_path / "b.cif")
    (tmp_path / "c.cif").write_text(text.replace(" 950\n", " .\n"))
    m = read(tmp_path / "c.cif")
    assert m.x.size == 119
    assert any("without a measured value" in note for note in m.notes)
    (tmp_path / "d.cif").write_text(text.replace(" 950\n", "\n"))
    with pytest.raises(PatternError, match="not a valid CIF"):
        read(tmp_path / "d.cif")
    (tmp_path / "e.cif").write_text("data_a\nloop_\n_pd_calc_intensity_total\n1\n2\n")
    with pytest.raises(PatternError, match="structure"):
        read(tmp_path / "e.cif")


@pytest.mark.parametrize(("said", "ratio"), [("'Cu K\\a~1~'", 0.0), ("'Cu K\\a'", None), ("CuK\\a1", 0.0)])
def test_one_line_behind_a_monochromator(tmp_path, said, ratio):
    """A file that names K-alpha 1 has no second line; one that names K-alpha may have."""
    file = tmp_path / "a.cif"
    points = "\n".join(f"{10 + 0.02 * i:.2f} {100 + i}" for i in range(60))
    file.write_text(
        f"data_a\n_diffrn_radiation_type {said}\n_diffrn_radiation_wavelength 1.54059\n"
        f"loop_\n_pd_meas_2theta_scan\n_pd_meas_counts_total\n{points}\n"
    )
    assert read(file).settings.get("line_ratio") == ratio
