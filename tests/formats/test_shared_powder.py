"""Every powder file of the shared data reads, with the numbers that can be seen in it, or says why it is no pattern."""

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.formats import read, read_instrument

CU = {"wavelength": 1.540598, "wavelength2": 1.544426, "line_ratio": 0.5, "anode": "Cu", "radiation": "x-ray"}
#: file -> format, kind, points, first and last x, first intensity, has sigma, settings that must be there
NAMED = {
    "dara/precursor_mixture/V2O5_0p8011-ZrO2_0p2012--8min.xrdml": (
        "xrdml", "powder", 8282, 10.00943322, 99.99442286, 2276, False,
        CU | {"geometry": "bragg-brentano", "divergence_slit": "fixed", "radius": 145.0, "counting_time": 12.495,
              "intensity": "counts"},
    ),
    "gsas2_tutorials/CWCombined__PBSO4.XRA": (
        "gsas", "powder", 6001, 10.0, 160.0, 179, False, {"radiation": "x-ray", "anode": "Cu", "intensity": "counts"},
    ),
    "gsas2_tutorials/CWCombined__PBSO4.CWN": (
        "gsas", "powder", 2919, 10.0, 155.9, 220, True, {"radiation": "neutron", "wavelength": 1.909},
    ),
    "gsas2_tutorials/MDtutorials_CWInstDemo__NIST660CBI.gsas": (
        "gsas", "powder", 8378, 15.0066, 124.9991231, 2364, False, {"intensity": "counts"},
    ),
    "gsas2_seq_CuCr2O4/OH_00.fxye": (
        "gsas", "powder", 12799, 0.5, 26.096, 65.247734, True,
        {"wavelength": 0.413263, "temperature": 6.778, "composition": "CuCr2O4", "counting_time": 0.1},
    ),
    "xrdpattern_formats/bruker.raw": (
        "bruker-raw", "powder", 4059, 37.0001, 120.0046435, 7264, False,
        {"wavelength": 1.5406, "wavelength2": 1.54439, "line_ratio": 0.5, "anode": "Cu"},
    ),
    "xrdpattern_formats/aimat.json": (
        "opxrd", "powder", 4059, 37.0001, 120.004644, 7264, False, {"wavelength": 1.5406, "wavelength2": 1.54439},
    ),
    "xrdpattern_formats/stoe.raw": ("stoe", "powder", 5404, 10.0, 91.045, 4213, False, {"wavelength": 1.20793}),
    "xrdpattern_formats/data.cif": (
        "pdcif", "powder", 3728, 8.0, 89.994, 1733, False,
        {"wavelength": 1.540598, "wavelength2": 1.54439, "line_ratio": 0.38, "radiation": "x-ray", "intensity": "counts"},
    ),
    "iucr_pdcif/sq3214Isup2.rtv.combined.cif": (
        "pdcif", "powder", 5200, 5.0332, 109.0132, 8643, True, {"wavelength": 1.54059, "temperature": 293.0},
    ),
    "iucr_pdcif/sh0123Xraysup5.rtv.combined.cif": (
        "pdcif", "powder", 2001, 10.0, 110.0, 942, False, {"wavelength": 1.540562, "anode": "Cu"},
    ),
    "iucr_pdcif/gw5052Mg2Sn_100K_LTsup23.rtv.combined.cif": (
        "pdcif", "powder", 7081, 5.5, 76.3, 1037, False, {"wavelength": 0.49935, "source": "synchrotron", "temperature": 100.0},
    ),
    "operando_LCoV/002.txt": (
        "columns", "powder", 3517, 22.112, 72.8833, 501.34, False,
        {"wavelength": 1.5406, "wavelength2": 1.54439, "line_ratio": 0.497},
    ),
    "insitu_YMnO/frame_002.xye": ("columns", "powder", 2500, 0.7, 15.896016, 6195.947113, True, {}),
    "easydiffraction/powder_reduced_Si_2large_bank.xye": (
        "columns", "tof", 1000, 43246.81712515277, None, None, True, {"difc": 61710.6408749326},
    ),
    "xrd_autoanalyzer/Mn2O3+LiF.xy": ("columns", "powder", 9001, 10.0, 100.0, 1845, False, {}),
    "rockjock/library_168_pure_phases.csv": ("columns", "powder", 3001, 5.0, 65.0, None, False, {}),
}  # fmt: skip
#: files that are no patterns, and a word of the error
OTHERS = {
    "gsas2_tutorials/CWCombined__inst_d1a.prm": "instrument parameters",
    "gsas2_tutorials/CWCombined__INST_XRY.PRM": "instrument parameters",
    "decifer_exp/HEO_Compositions.csv": "no row of numbers",
    "operando_LCoV/charge.txt": "no row of numbers",
    "crystalyze_exp/KBi3.cif": "structure",
    "crystalyze_exp/KBi3.topas_inp.txt": "not stated",
    "insitu_YMnO/refined_phases.csv": "columns",
    "al_li_fe_o/XRD.npy": "numpy array",
}


def found(shared_data, name):
    file = shared_data / "pd" / name
    if not file.is_file():
        pytest.skip(f"{name} is not among the data")
    return file


@pytest.mark.parametrize("name", NAMED)
def test_numbers_and_header(shared_data, name):
    reader, kind, points, first, last, intensity, has_sigma, stated = NAMED[name]
    m = read(found(shared_data, name))
    assert (m.format, m.kind, m.x.size, m.sigma is not None) == (reader, kind, points, has_sigma)
    assert m.x[0] == pytest.approx(first, abs=1e-6)
    assert last is None or m.x[-1] == pytest.approx(last, abs=1e-5)
    assert intensity is None or m.signal[0] == intensity
    for key, value in stated.items():
        assert m.settings[key] == (pytest.approx(value) if isinstance(value, float) else value), key
    if not stated:  # a file that states nothing gives nothing
        assert not set(m.settings) - {"header"}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_pattern_is_said_so(shared_data, name):
    with pytest.raises(PatternError, match=OTHERS[name]) as caught:
        read(found(shared_data, name))
    assert caught.value.remedy


def test_every_pattern_reads(shared_data):
    folder = shared_data / "pd"
    names = [line.split("\t")[0] for line in (shared_data / "MANIFEST.tsv").read_text().splitlines() if line.startswith("pd/")]
    files = [
        f for name in names for f in sorted(shared_data.glob(name)) if f.suffix in (".xy", ".xrdml", ".fxye", ".XRA", ".CWN")
    ]
    files += sorted((folder / "insitu_YMnO").glob("*.xye"))[::20] + sorted((folder / "operando_LCoV").glob("0*.txt"))[::10]
    files += sorted((folder / "iucr_pdcif").glob("*.cif"))
    assert len(files) > 100
    for file in files:
        m = read(file)
        assert m.kind == "powder", file
        assert 0 < m.x[0] < m.x[-1] < 180, file
        assert m.x.size > 500, file
        assert m.signal.max() > 0, file
        assert (m.sigma is not None) == (file.suffix in (".xye", ".fxye", ".CWN") or "sq3214" in file.name), file


def test_a_table_of_patterns_is_a_series(shared_data):
    m = read(found(shared_data, "li_sr_al_o/patterns.csv"))
    assert (m.kind, m.frames, m.x[0], m.x[-1]) == ("powder", 25, 10.0, 100.0)
    assert m.coordinates["column"].tolist() == list(range(0, 50, 2))
    table = np.loadtxt(found(shared_data, "li_sr_al_o/patterns.csv"), delimiter=",", skiprows=1)
    assert np.array_equal(m.signal, table[:, 2:].T)


def test_the_pattern_of_bruker_is_that_of_its_conversion(shared_data):
    import json

    m = read(found(shared_data, "xrdpattern_formats/bruker.raw"))
    other = json.loads(found(shared_data, "xrdpattern_formats/aimat.json").read_text())
    assert np.allclose(m.x, other["two_theta_values"], atol=1e-6)
    assert np.array_equal(m.signal, other["intensities"])


def test_instrument_parameters(shared_data):
    lab = read_instrument(found(shared_data, "gsas2_tutorials/CWCombined__INST_XRY.PRM"))
    assert {k: lab[k] for k in ("radiation", "wavelength", "wavelength2", "line_ratio", "anode", "zero", "pola")} == {
        "radiation": "x-ray", "wavelength": 1.5405, "wavelength2": 1.5443, "line_ratio": 0.5, "anode": "Cu",
        "zero": 0.0, "pola": 0.7,
    }  # fmt: skip
    neutron = read_instrument(found(shared_data, "gsas2_tutorials/CWCombined__inst_d1a.prm"))
    assert (neutron["radiation"], neutron["wavelength"], neutron["zero"]) == ("neutron", 1.909, -0.001)
    # D1A is 0.4 degrees wide at 60 degrees: sqrt(8 ln 2 (354 / 3 - 760 / sqrt(3) + 652)) hundredths of a degree
    t = np.tan(np.radians(30))
    assert np.sqrt(neutron["u"] * t**2 + neutron["v"] * t + neutron["w"]) == pytest.approx(0.43, abs=0.01)
    source = read_instrument(found(shared_data, "gsas2_seq_CuCr2O4/OH_00.prm"))
    assert (source["wavelength"], source["pola"], source["x"]) == (0.413263, 0.99, pytest.approx(0.00173))
