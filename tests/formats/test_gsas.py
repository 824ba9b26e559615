"""GSAS data of every type, instrument parameters of GSAS and GSAS-II, and the older list of intensities at even steps."""

from math import log

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.formats import read, read_instrument


@pytest.fixture
def put(tmp_path, build):
    def write(key="gsas", name="a.gsas", **options):
        file = tmp_path / name
        file.write_bytes(build(key, **options))
        return file

    return write


@pytest.mark.parametrize("type", ["STD", "ESD", "FXYE", "FXY"])
def test_types_over_an_angle(put, pattern, type):
    x, y = pattern
    m = read(put(type=type, sigma=np.round(np.sqrt(y), 2)))
    assert (m.kind, m.format) == ("powder", "gsas")
    assert np.allclose(m.x, x, rtol=0, atol=1e-9)
    assert np.array_equal(m.signal, y)
    assert m.settings.get("intensity") == ("counts" if type == "STD" else None)
    if type in ("ESD", "FXYE"):
        assert np.array_equal(m.sigma, np.round(np.sqrt(y), 2))
    else:
        assert m.sigma is None


def test_means_over_counters_have_the_uncertainty_of_means(put, pattern):
    counters = np.where(np.arange(120) < 60, 1, 5)
    m = read(put(counters=counters))
    assert np.allclose(m.sigma, np.sqrt(pattern[1] / counters))
    assert any("several counters" in note for note in m.notes)
    assert read(put(counters=np.ones(120))).sigma is None


def test_times_of_flight(put):
    t = 5000 * 1.001 ** np.arange(120)
    y = np.round(100 + 50 * np.sin(np.arange(120) / 9))
    for way in ("STD", "FXYE"):
        m = read(put(type=way, x=t, y=y, binning="SLOG 5000 5600 0.001 0"))
        assert m.kind == "tof"
        assert np.allclose(m.x, t, rtol=1e-6)
    m = read(put(type="ALT", x=t, y=y, sigma=np.ones(120), binning="RALF 160000 32 160000 0.001"))
    assert np.allclose(m.x, t, atol=0.02)  # whole thirty-seconds of a microsecond are written
    assert np.array_equal(m.signal, y)
    assert np.array_equal(m.sigma, np.ones(120))
    m = read(put(type="FXYE", x=t, y=y, binning="CONST 5000 150 0 0"))
    assert (m.kind, m.x[0]) == ("tof", 5000)
    with pytest.raises(PatternError, match="axis of RALF binning with STD data is not known"):
        read(put(x=t, y=y, binning="RALF 160000 32 160000 0.001"))


def test_a_time_map(put, build, tmp_path):
    data = build("gsas", binning="TIME_MAP 1")
    table = "\r\nTIME_MAP 1 7 1 TIME_MAP 100\r\n       1   10000     100      61   16000     200   28000"
    (tmp_path / "b.gsas").write_bytes(data + table.encode())
    m = read(tmp_path / "b.gsas")
    assert m.kind == "tof"
    # the clock ticks every 0.1 microsecond: 60 channels of 10 microseconds from 1000 on, then of 20
    assert np.allclose(m.x, np.concatenate([1000 + 10.0 * np.arange(60), 1600 + 20.0 * np.arange(60)]))
    with pytest.raises(PatternError, match="no usable TIME_MAP 1"):
        read(put(binning="TIME_MAP 1"))


def test_several_banks(put, build, tmp_path, pattern):
    m = read(put(banks=3))
    assert (m.frames, m.coordinates["bank"].tolist()) == (3, [1, 2, 3])
    other = build("gsas", x=2 * pattern[0], y=pattern[1][::-1]).split(b"\r\n", 1)[1].replace(b"BANK 1", b"BANK 2")
    (tmp_path / "b.gsas").write_bytes(build("gsas") + b"\r\n" + other)
    m = read(tmp_path / "b.gsas")
    assert (m.frames, m.x[0]) == (1, 10.0)
    assert "2 banks on different axes; the first was read" in m.notes


def test_headers(put):
    header = ["# Composition =           CuCr2O4 ", "# Temp (K) =              6.778 ", "# Time per step (sec) =   0.1 "]
    m = read(put(type="FXYE", title="/data/11bmb_4148.mda", header=[*header, "# Calibrated wavelength = 0.413263 "]))
    settings = dict(m.settings)
    assert settings.pop("header")["title"] == "/data/11bmb_4148.mda"
    assert settings == {"composition": "CuCr2O4", "wavelength": 0.413263, "temperature": 6.778, "counting_time": 0.1}
    m = read(put(title="PbSO4  Cu Ka X-ray data  22.9.89"))
    assert (m.settings["radiation"], m.settings["anode"], "wavelength" in m.settings) == ("x-ray", "Cu", False)
    m = read(put(title="PbSO4 1.909A neutron data"))
    assert (m.settings["radiation"], m.settings["wavelength"]) == ("neutron", 1.909)
    assert "radiation" not in read(put(title="Sample ID")).settings


def test_records_without_ends_of_lines(tmp_path, build, pattern):
    rows = build("gsas").decode().split("\r\n")
    (tmp_path / "a.raw").write_text("".join(f"{row:80}" for row in rows))
    assert np.array_equal(read(tmp_path / "a.raw").signal, pattern[1])


def test_bad_data(put, build, tmp_path):
    with pytest.raises(PatternError, match="announces 130 channels and holds 120"):
        read(put(channels=130))
    text = build("gsas", type="FXYE").decode().replace(" 950 ", " 9x0 ")
    (tmp_path / "b.fxye").write_text(text)
    with pytest.raises(PatternError, match=r"b\.fxye, line 43: .*9x0.* is no row of numbers"):
        read(tmp_path / "b.fxye")
    (tmp_path / "c.gsas").write_text(build("gsas").decode().replace("     950", "  ******"))
    with pytest.raises(PatternError, match=r"line 7: '\*+' is not a number"):
        read(tmp_path / "c.gsas")
    with pytest.raises(PatternError, match="energy-dispersive"):
        read(put(binning="EDS 1 2 3 0"))


def test_intensities_at_even_steps(put, pattern, build, tmp_path):
    m = read(put("stepped", "a.dat"))
    assert (m.kind, m.format, m.settings["wavelength"], m.settings["radiation"]) == ("powder", "stepped", 1.909, "neutron")
    assert np.allclose(m.x, pattern[0])
    assert np.array_equal(m.signal, pattern[1])
    data = b"Alpha1 1.5406 Alpha2 1.54439 Ratio 0.5\n" + build("stepped", title="MeasureDateTime", width=8)
    (tmp_path / "b.dat").write_bytes(data)
    m = read(tmp_path / "b.dat")
    assert np.array_equal(m.signal, pattern[1])
    assert (m.settings["wavelength"], m.settings["wavelength2"], m.settings["line_ratio"]) == (1.5406, 1.54439, 0.5)
    with pytest.raises(PatternError, match="120 intensities for 130 steps"):
        read(put("stepped", "a.dat", x=np.append(pattern[0][:-1], 74.5)))


LAB = """            123456789012345678901234567890123456789012345678901234567890
INS   BANK      1
INS   HTYPE   PXCR
INS  1 IRAD     3
INS  1 ICONS  1.540500  1.544300       2.0         0       0.7    0       0.5
INS  1PRCF1     3    8      0.01
INS  1PRCF11   2.000000E+00  -2.000000E+00   5.000000E+00   0.100000E+00
INS  1PRCF12   1.000000E+00   3.000000E+00   0.150000E-01   0.250000E-01
"""
FLIGHT = """INS   BANK      1
INS   HTYPE   PNTR
INS  1 ICONS   7476.91     -1.54     -1.24
INS  1BNKPAR    1.5000    90.000    0.0000
"""


def test_parameters_of_gsas(tmp_path):
    (tmp_path / "a.prm").write_text(LAB.replace("\n", "\r\n"))
    found = read_instrument(tmp_path / "a.prm")
    # a Gaussian of variance 5 (0.01 degree)^2 is sqrt(8 ln 2 * 5) = 5.27 hundredths of a degree wide at half height
    assert found.pop("w") ** 0.5 == pytest.approx(0.01 * (8 * log(2) * 5) ** 0.5)
    assert found.pop("u") == -found.pop("v") == pytest.approx(2 * 8 * log(2) * 1e-4)
    assert found.pop("p") == pytest.approx(0.1 * 8 * log(2) * 1e-4)
    assert found == pytest.approx({
        "radiation": "x-ray", "wavelength": 1.5405, "wavelength2": 1.5443, "line_ratio": 0.5, "anode": "Cu", "zero": 0.02,
        "pola": 0.7, "ipola": 0, "x": 0.01, "y": 0.03, "sh_l": 0.04,
    })  # fmt: skip
    (tmp_path / "b.prm").write_text(FLIGHT)
    assert read_instrument(tmp_path / "b.prm") == {
        "radiation": "neutron", "difc": 7476.91, "difa": -1.54, "tzero": -1.24, "two_theta": 90.0,
    }  # fmt: skip
    with pytest.raises(PatternError, match="bank 2"):
        read_instrument(tmp_path / "a.prm", bank=2)
    with pytest.raises(PatternError, match="instrument parameters, not a pattern"):
        read(tmp_path / "a.prm")


def test_parameters_of_gsas2(tmp_path):
    file = tmp_path / "a.instprm"
    file.write_text(
        "#GSAS-II instrument parameter file; do not add/delete items!\nType:PXC\nBank:1.0\nLam1:1.5405\nLam2:1.5443\n"
        "Zero:-0.012\nPolariz.:0.5\nU:2.0\nV:-2.0\nW:5.0\nX:1.0\nY:3.0\nZ:0.0\nSH/L:0.002\nI(L2)/I(L1):0.5\nSource:CuKa\n"
    )
    found = read_instrument(file)
    assert found.pop("w") == pytest.approx(5 * 8 * log(2) * 1e-4)
    assert found.pop("u") == -found.pop("v")
    assert found == pytest.approx({
        "radiation": "x-ray", "wavelength": 1.5405, "wavelength2": 1.5443, "line_ratio": 0.5, "anode": "Cu", "zero": -0.012,
        "pola": 0.5, "ipola": 0, "x": 0.01, "y": 0.03, "z": 0.0, "sh_l": 0.002,
    })  # fmt: skip
    file.write_text("#GSAS-II instrument parameter file\nType:PNT\nBank:2\ndifC:22585.8\ndifA:0.0\nZero:1.5\n2-theta:144.8\n")
    assert read_instrument(file, bank=2) == {
        "radiation": "neutron", "difc": 22585.8, "difa": 0.0, "tzero": 1.5, "two_theta": 144.8,
    }  # fmt: skip
    file.write_text("x y\n1 2\n")
    with pytest.raises(PatternError, match="no instrument parameters"):
        read_instrument(file)
