"""Every measured or reference pattern of the shared data reads, with the settings its header states."""

import hashlib

import numpy as np
import pytest

from whorl.formats import read

#: file -> kind, points, has sigma, settings that must be there
NAMED = {
    "pdf/exp/Au144pMBA.gr": ("gr", 2001, False, {"qmin": 1.33, "qmax": 28.0, "composition": "Au", "radiation": "x-ray"}),
    "pdf/exp/Ni_bulk.gr": ("gr", 6001, False, {"qmin": 0.5, "qmax": 25.0, "wavelength": 0.1836, "composition": "Ni"}),
    "pdf/exp/Pt_np_S1.gr": ("gr", 5001, False, {"qmin": 1.0, "qmax": 21.998245281, "composition": "Pt"}),
    "pdf/exp/Au_lab_Qmax10.gr": ("gr", 3001, False, {"qmin": 2.4, "qmax": 10.0, "wavelength": 0.7107}),
    "pdf/exp/CdSe_1.gr": ("gr", 5001, False, {"qmin": 1.0, "qmax": 19.0, "composition": "Cd Se"}),
    "pdf/exp/CdSe_bulk_pdfgui.gr": (
        "gr",
        4500,
        True,
        {"qmin": 0.6, "qmax": 14.0, "wavelength": 0.142479, "temperature": 300.0, "composition": "CdSe", "radiation": "x-ray"},
    ),
    "pdf/exp/LaMnO3_Tseries/300K.gr": (
        "gr",
        2000,
        True,
        {"qmin": 2.0, "qmax": 32.0, "radiation": "neutron", "composition": "O3MnLa"},
    ),
    "pdf/exp/LCMO_doping/x000t010.gr": ("gr", 2000, True, {"qmax": 35.0, "radiation": "neutron", "temperature": 10.0}),
    "pdf/exp/LCMO_doping/x012t010.gr": ("gr", 2000, True, {"radiation": "neutron"}),
    "pdf/exp/Ni_neutron_pdfgui.gr": (
        "gr",
        2000,
        True,
        {"qmin": 0.95, "qmax": 27.0, "radiation": "neutron", "composition": "Ni"},
    ),
    "pdf/exp/Ni_q27_neutron.gr": ("gr", 10000, False, {"qmin": 0.87, "qmax": 27.0, "radiation": "neutron"}),
    "pdf/exp/Fe2O3_insitu/Fe2O3_000.gr": ("gr", 3001, False, {"qmin": 1.0, "qmax": 17.0, "composition": "Fe2O3"}),
    "pdf/exp/mix_Si.gr": ("gr", 5999, False, {}),
    "pdf/exp/alphaKeggin_DanMAX.gr": ("gr", 3001, False, {}),
    "pdf/ref/srreal/CdSe_cadmoselite_N.fgr": ("gr", 198, False, {"qmax": 40.0, "radiation": "neutron"}),
    "pdf/ref/srreal/TiO2_rutile-fit.fgr": ("gr", 2901, False, {"qmax": 26.0, "qdamp": 0.0665649, "radiation": "x-ray"}),
    "pdf/ref/morph/ni_qmax25_qdamp0.01.cgr": ("gr", 4000, False, {"qmax": 25.0, "qdamp": 0.01}),
    "pdf/ref/debyecalc/icsd_001504_cc_r6_lc_2.85_6_tetragonal_Fq.dat": ("fq", 290, False, {}),
    "pdf/ref/debyecalc/icsd_001504_cc_r6_lc_2.85_6_tetragonal_Iq.dat": ("iq", 290, False, {}),
    "pdf/ref/debyecalc/icsd_001504_cc_r6_lc_2.85_6_tetragonal_Sq.dat": ("sq", 290, False, {}),
    "datacentric/scattbo/Experimental_Sq.sq": ("sq", 5880, False, {"qmin": 2.4, "qmax": 10.0, "radiation": "x-ray"}),
}
SILENT = ("qmin", "qmax", "qdamp", "qbroad", "wavelength", "radiation", "composition", "temperature")


@pytest.mark.parametrize("name", NAMED)
def test_header_says_what_it_says(shared_data, name):
    file = shared_data / name
    if not file.is_file():
        pytest.skip(f"{name} is not among the data")
    kind, points, has_sigma, stated = NAMED[name]
    m = read(file)
    assert (m.kind, m.x.size, m.sigma is not None) == (kind, points, has_sigma)
    for key, value in stated.items():
        assert m.settings[key] == (pytest.approx(value) if isinstance(value, float) else value), key
    for key in set(SILENT) - set(stated) if not stated else ():
        assert key not in m.settings
    assert m.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert m.path == str(file)


def test_every_pattern_reads(shared_data):
    files = [f for p in ("*.gr", "*.fgr", "*.cgr") for f in sorted((shared_data / "pdf").rglob(p))]
    files += sorted((shared_data / "pdf" / "ref" / "debyecalc").glob("*.dat"))
    files += sorted((shared_data / "datacentric" / "scattbo").glob("*.?[qr]"))
    assert len(files) > 100
    for file in files:
        m = read(file)
        assert np.all(np.diff(m.x) > 0), file
        assert m.x[0] >= 0, file
        assert m.x[-1] > 5, file


def test_numbers_are_those_of_numpy(shared_data):
    file = shared_data / "pdf" / "exp" / "CdSe_1.gr"
    r, g = np.loadtxt(file, skiprows=7, unpack=True)
    m = read(file)
    assert np.array_equal(m.x, r)
    assert np.array_equal(m.signal, g)


def test_sigma_of_pdfgetn_is_its_last_column(shared_data):
    m = read(shared_data / "pdf" / "exp" / "LCMO_doping" / "x000t010.gr")
    assert m.sigma[:3].tolist() == [0.0149, 0.0284, 0.0393]
    assert m.mask is None


def test_qnm_in_the_header_speaks_of_the_input_file(shared_data):
    m = read(shared_data / "pdf" / "exp" / "Ni_bulk.gr")
    assert m.x[-1] == 60.0
    assert m.settings["header"]["dataformat"] == "Qnm"
    assert m.settings["qmax"] == 25.0


def test_surplus_zero_columns_are_noted(shared_data):
    m = read(shared_data / "pdf" / "exp" / "mix_Si.gr")
    assert any("surplus" in note for note in m.notes)
