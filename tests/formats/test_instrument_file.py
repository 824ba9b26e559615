"""Instrument files as settings: whorl's own, and those of GSAS and GSAS-II."""

from __future__ import annotations

import json

import pytest

from whorl.cli.options import read_settings
from whorl.core.errors import PatternError
from whorl.formats import instrument_settings, write_instrument

INSTPRM = "#GSAS-II instrument parameter file\nType:PXC\nLam:0.413263\nZero:-0.01\nU:1.163\nX:0.173\nSH/L:0.0022\n"
INSTPRM += "Polariz.:0.99\n"


def test_gsas2_in_whorls_words(tmp_path):
    file = tmp_path / "a.instprm"
    file.write_text(INSTPRM)
    found = instrument_settings(file)
    assert found.pop("radiation") == "x-ray"
    wanted = {"wavelength": 0.413263, "zero": -0.01, "u": 1.163 * 5.545177e-4, "x": 0.00173, "axial": 0.0011}
    assert found == pytest.approx(wanted | {"polarisation": 0.99}, rel=1e-6)


def test_own_file_round_trip_and_option(tmp_path):
    file = tmp_path / "mine.json"
    write_instrument(file, {"wavelength": 1.5406, "w": 0.004, "source": "lab", "u": None}, source="LaB6")
    assert instrument_settings(file) == {"wavelength": 1.5406, "w": 0.004, "source": "lab"}
    assert read_settings([f"@{file}", "w=0.01"]) == {"wavelength": 1.5406, "w": 0.01, "source": "lab"}


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"format": "whorl instrument", "settings": {"w": [1]}}), "{}"])
def test_no_instrument_file(tmp_path, content):
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(PatternError):
        instrument_settings(file)
