"""Columns over a scattering angle, a time of flight or a lattice spacing, however they are written and labelled."""

import numpy as np
import pytest

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.formats import read, write_measurement

X = np.round(np.arange(10, 70, 0.02), 4)
Y = np.round(200 + 4000 * np.exp(-(((X - 28.4) / 0.08) ** 2)) + 2500 * np.exp(-(((X - 47.3) / 0.1) ** 2)))
E = np.sqrt(Y).round(4)
SMOOTH = np.round(200 + 0.1 * X, 2)


def text(*columns, separator=" ", decimal="."):
    rows = (separator.join(f"{v:.10g}" for v in row) for row in zip(*columns, strict=True))
    return "\n".join(rows).replace(".", decimal) + "\n"


def put(folder, name, content, encoding="utf-8"):
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return file


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("a.xy", text(X, Y), "utf-8"),
        ("a.xy", text(X, Y).replace("\n", "\r\n"), "utf-8"),
        ("a.xy", text(X, Y, separator="\t", decimal=","), "utf-8"),
        ("a.csv", "Angle,Intensity\n" + text(X, Y, separator=","), "utf-8-sig"),
        ("a.csv", "2Theta [deg];Counts\n" + text(X, Y, separator=";", decimal=","), "latin-1"),
        ("a.txt", "/* made by TOPAS\n1 2\n3 4\n*/\n# 2 theta (deg)  Intensity\n" + text(X, Y), "utf-16"),
        ("a.dat", "; 2θ  I\n" + text(X, Y), "utf-8"),
        ("a.dat", "! Pos. [°2Th.], Iobs\n" + text(X, Y), "latin-1"),
        ("a.dat", "'Two-Theta' 'Intensity'\n" + text(X, Y), "utf-8"),
        ("a.txt", text(X, Y), "utf-8"),
        ("a.txt", "Зразок LCoV\n2Theta\tI\n\nlineП 0 ;repeatП 0\n" + text(X, Y, separator="\t"), "cp1251"),
        ("a.chi", "Ni.tif\n2-Theta Angle (Degrees)\nIntensity\n      3000\n" + text(X, Y), "utf-8"),
        ("a.xy", "# 2th_rad  I\n" + text(np.radians(X), Y), "utf-8"),
        ("a.xy", text(X[::-1], Y[::-1]), "utf-8"),
    ],
)
def test_a_pattern_in_any_dress(tmp_path, name, content, encoding):
    m = read(put(tmp_path, name, content, encoding))
    assert (m.kind, m.sigma) == ("powder", None)
    assert np.allclose(m.x, X, rtol=0, atol=1e-6)  # ten digits are written, radians too
    assert np.array_equal(m.signal, Y)


def test_words_of_windows_1251_are_decoded(tmp_path):
    m = read(put(tmp_path, "a.xy", "Sample = Оксид кобальту\n2Theta I\n" + text(X, Y), "cp1251"))
    assert m.settings["header"] == {"sample": "Оксид кобальту"}
    m = read(put(tmp_path, "a.xy", "Sample = Müller, Köln\n2Theta I\n" + text(X, Y), "latin-1"))
    assert m.settings["header"] == {"sample": "Müller, Köln"}


@pytest.mark.parametrize(
    ("header", "settings"),
    [
        ("Lambda1 = 1.54060\nLambda2 = 1.54439\nLambdam = 1.54186\nR = 0.497\n", (1.5406, 1.54439, 0.497)),
        (
            "K-Alpha1 wavelength,1.540598\nK-Alpha2 wavelength,1.544426\nRatio K-Alpha2/K-Alpha1,0.5\n",
            (1.540598, 1.544426, 0.5),
        ),
        ("_WL1=1.78897\n_WL2=1.79285\n_WLRATIO=0.5\n", (1.78897, 1.79285, 0.5)),
        ("Alpha1 1.5406 Alpha2 1.54439 Ratio 0.5\n", (1.5406, 1.54439, 0.5)),
        ("##RRUFFID=R070007\n##X-RAY WAVELENGTH=1.541838\n##STATUS=x\n", (1.541838, None, None)),
        ("# Wavelength: 3.1e-11\n", (0.31, None, None)),
        ("# Calibrated wavelength = 0.413263\n", (0.413263, None, None)),
        ("# Wavelength: 1.033200e-10 m\n", (1.0332, None, None)),
        ("# wavelength = 0.15406 nm\n", (1.5406, None, None)),
        ("# Wavelength: Cu\n", (None, None, None)),
        ("# lambda = 420\n", (None, None, None)),
        ("R = 0.3\n", (None, None, None)),
    ],
)
def test_wavelengths_of_the_header(tmp_path, header, settings):
    m = read(put(tmp_path, "a.xy", header + text(X, Y)))
    found = tuple(m.settings.get(key) for key in ("wavelength", "wavelength2", "line_ratio"))
    assert found == (settings if settings[0] is None else pytest.approx(settings))


def test_other_words_of_the_header(tmp_path):
    m = read(
        put(tmp_path, "a.xy", "# Temp (K) =               6.778\n# Time per step (sec) =   0.1\n# CuKalpha\n" + text(X, Y))
    )
    assert {k: m.settings[k] for k in ("temperature", "counting_time", "anode")} == {
        "temperature": 6.778, "counting_time": 0.1, "anode": "Cu",
    }  # fmt: skip
    m = read(put(tmp_path, "b.xy", '\'Id: "x" Anode: "Mo" Scantype: "Coupled" TimePerStep: "0.5"\n' + text(X, Y)))
    assert (m.settings["anode"], m.settings["counting_time"]) == ("Mo", 0.5)


@pytest.mark.parametrize(
    "line", ["# Radiation: Cu", "# Wavelength: Cu Ka", "# X-ray source = Cu", "# CuKα1, 40 kV", "Anode material,Cu"]
)
def test_anodes(tmp_path, line):
    m = read(put(tmp_path, "a.xy", line + "\n" + text(X, Y)))
    assert (m.settings["anode"], m.notes) == ("Cu", ())
    assert "wavelength" not in m.settings  # an anode is not yet a wavelength


def test_other_programs(tmp_path):
    uxd = "; (raw1)\n_FILEVERSION=2\n_ANODE='Co'\n_WL1=1.788970\n_STEPTIME=1.0\n_START=10.0\n_2THETACOUNTS\n"
    m = read(put(tmp_path, "a.uxd", uxd + text(X, Y, separator="\t")))
    assert (m.kind, m.settings["anode"], m.settings["wavelength"], m.settings["counting_time"]) == (
        "powder",
        "Co",
        1.78897,
        1.0,
    )
    raw = ";RAW4.00\n[HardwareConfiguration]\nAnode=Cu\nAlpha1=1.5406\n[Range]\nStart=10.0\n\n[Data]\n2Theta, Counts,\n"
    m = read(put(tmp_path, "a.txt", raw + text(X, Y, separator=",").replace("\n", ",\n")))
    assert np.array_equal(m.signal, Y)
    assert (m.settings["anode"], m.settings["intensity"]) == ("Cu", "counts")


def test_units_of_the_intensity(tmp_path):
    for label, said in (("Counts", "counts"), ("Intensity (cps)", "rate"), ("I [a.u.]", "arbitrary"), ("I", None)):
        m = read(put(tmp_path, "a.xy", f"# 2theta  {label}\n" + text(X, Y)))
        assert m.settings.get("intensity") == said, label
    m = read(put(tmp_path, "a.xy", "# 2theta  Counts\n" + text(X, Y / 7)))
    assert "intensity" not in m.settings
    assert any("not whole numbers" in note for note in m.notes)


def test_the_third_column_is_sigma_only_when_it_can_be(tmp_path):
    assert np.array_equal(read(put(tmp_path, "a.xye", text(X, Y, E))).sigma, E)
    assert np.array_equal(read(put(tmp_path, "a.xye", text(X, Y, np.full(X.size, 3.0)))).sigma, np.full(X.size, 3.0))
    m = read(put(tmp_path, "a.xy", text(X, Y, E)))
    assert np.array_equal(m.sigma, E)
    assert any("third column" in note for note in m.notes)
    for other in (SMOOTH, Y + 1, 1 / Y, Y - 200.5):
        m = read(put(tmp_path, "a.xy", text(X, Y, other)))
        assert m.sigma is None
        assert any("third column" in note for note in m.notes)
    m = read(put(tmp_path, "a.dat", "# 2theta yobs sigma\n" + text(X, Y, SMOOTH)))
    assert np.array_equal(m.sigma, SMOOTH)
    m = read(put(tmp_path, "a.dat", "# 2theta yobs ycalc\n" + text(X, Y, Y + 1)))
    assert m.sigma is None


def test_dead_points_of_a_detector_are_masked(tmp_path):
    y, e = Y.copy(), E.copy()
    y[:900] = e[:900] = 0
    m = read(put(tmp_path, "a.xye", text(X, y, e)))
    assert int((~m.used).sum()) == 900
    assert np.array_equal(m.sigma[900:], E[900:])


def test_time_of_flight(tmp_path):
    t = np.arange(40000.0, 50000.0, 10.0)
    y = np.linspace(0.03, 5, t.size)
    head = "# DIFC = 61710.64 [µ/Å] L = 157.665 [m] two_theta = 101.46 [deg]\n# tof [µs]  Y [counts]  E [counts]\n"
    m = read(put(tmp_path, "a.xye", head + text(t, y, np.sqrt(y))))
    assert (m.kind, m.settings["difc"], m.x[0]) == ("tof", 61710.64, 40000.0)
    assert m.sigma is not None
    m = read(put(tmp_path, "b.xye", "# tof [ms]  Y\n" + text(t / 1000, y)))
    assert (m.kind, m.x[0]) == ("tof", pytest.approx(40000.0))
    m = read(put(tmp_path, "c.xye", text(t, y)))
    assert m.kind == "tof"
    assert any("too large for an angle" in note for note in m.notes)


def test_numbered_columns_are_a_series(tmp_path):
    q = 4 * np.pi * np.sin(np.radians(X / 2)) / 1.5406
    head = "q_nm-1,two_theta_CuKa,I_00,I_02,I_04\n"
    m = read(put(tmp_path, "a.csv", head + text(10 * q, X, Y, 2 * Y, 3 * Y, separator=",")))
    assert (m.kind, m.frames, m.coordinates["column"].tolist()) == ("powder", 3, [0, 2, 4])
    assert np.array_equal(m.x, X)
    assert np.array_equal(m.signal[2], 3 * Y)


def test_q_needs_the_wavelength_to_become_an_angle(tmp_path):
    q = 4 * np.pi * np.sin(np.radians(X / 2)) / 0.7
    body = "# Q I\n" + text(q, Y)
    assert read(put(tmp_path, "a.dat", body)).kind == "iq"
    m = read(put(tmp_path, "a.dat", "# wavelength = 0.7\n" + body), kind="powder")
    assert np.allclose(m.x, X, atol=1e-6)
    with pytest.raises(PatternError, match="wavelength"):
        read(put(tmp_path, "a.dat", body), kind="powder")


def test_lists_of_peaks(tmp_path):
    m = read(put(tmp_path, "a.txt", "# d(A)  I\n3.135 100\n1.920 55\n1.637 30\n1.637 2\n1.357 6\n"))
    assert m.kind == "peaks"
    assert m.x.tolist() == [1.357, 1.637, 1.920, 3.135]
    assert m.signal.tolist() == [6, 32, 55, 100]
    angles = "2theta I\n28.443 100\n47.304 55\n56.124 30\n69.132 6\n76.380 11\n"
    m = read(put(tmp_path, "b.txt", "# wavelength = 1.5406\n# " + angles))
    assert m.kind == "peaks"
    # 2 theta = 28.443 degrees of silicon with Cu K-alpha 1 is d(111) = 5.431 / sqrt(3)
    assert m.x[-1] == pytest.approx(5.431 / np.sqrt(3), abs=3e-4)
    with pytest.raises(PatternError, match="without a wavelength"):
        read(put(tmp_path, "c.txt", "# " + angles))
    listed = "# Pos. [°2Th.]  Height [cts]  FWHM [°2Th.]  d-spacing [Å]\n28.44 100 0.1 3.1358\n47.3 55 0.1 1.92\n"
    assert read(put(tmp_path, "c.txt", listed)).x.tolist() == [1.92, 3.1358]  # no wavelength: d as listed
    m = read(put(tmp_path, "c.txt", "h k l d I\n1 1 1 3.1355 100\n2 2 0 1.9201 55\n3 1 1 1.6375 30\n"))
    assert (m.kind, m.x.tolist(), m.signal.tolist()) == ("peaks", [1.6375, 1.9201, 3.1355], [30, 55, 100])
    with pytest.raises(PatternError, match="profile"):
        read(put(tmp_path, "d.txt", "# d I\n" + text(np.arange(0.7, 9, 0.001), np.ones(8300))))
    with pytest.raises(PatternError, match="line 3: a peak at or below zero"):
        read(put(tmp_path, "e.txt", "# d I\n3.1 5\n0 5\n"))


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.xy", text(X, 0 * Y), "zero throughout"),
        ("a.xy", "# 2theta I\n" + text(X, -Y), "no intensity is positive"),
        ("a.xy", text(np.roll(X, 5), Y), "2theta is not increasing"),
        ("a.xy", text(100 * X, Y), "beyond 180"),
        ("a.xy", "# 2theta I\n", "no row of numbers"),
        ("a.xy", "# 2theta I\n10 5\n", "1 point"),
        ("a.txt", text(X[:30], Y[:30]), "not stated"),
    ],
)
def test_bad_patterns(tmp_path, name, content, what):
    with pytest.raises(PatternError, match=what) as caught:
        read(put(tmp_path, name, content))
    assert name in caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("x", "y", "note"),
    [
        (X[:30], Y[:30], "only 30 points"),
        (X, Y - 210, "negative intensities"),
        (np.concatenate([X[:1000], X[1000:2000:3]]), np.concatenate([Y[:1000], Y[1000:2000:3]]), "step is not the same"),
        (np.delete(X, slice(500, 700)), np.delete(Y, slice(500, 700)), "gap of 4.02 degrees"),
        (X - 10, Y, "at or below 2theta = 0"),
        (X, np.minimum(Y, 2000), "may be saturated"),
    ],
)
def test_doubtful_patterns_are_read_with_a_note(tmp_path, x, y, note):
    m = read(put(tmp_path, "a.xy", text(x, y)))
    assert m.kind == "powder"
    assert any(note in said for said in m.notes), m.notes


def test_what_crosses_zero_is_no_pattern(tmp_path):
    r = np.arange(0, 60, 0.01)
    assert read(put(tmp_path, "a.txt", text(r, np.sin(5 * r)))).kind == "gr"
    assert read(put(tmp_path, "a.xy", text(r, np.sin(5 * r)))).kind == "gr"


STATED = {"wavelength": 1.540598, "wavelength2": 1.544426, "line_ratio": 0.5, "anode": "Cu", "header": {"a": "b"}}


@pytest.mark.parametrize("suffix", [".xye", ".dat", ".nxs"])
def test_patterns_come_back(tmp_path, suffix):
    mask = np.arange(X.size) != 7
    m = Measurement("powder", X, Y, sigma=E, mask=mask, settings=STATED)
    write_measurement(m, tmp_path / f"a{suffix}")
    back = read(tmp_path / f"a{suffix}")
    assert (back.kind, dict(back.settings)) == ("powder", STATED)
    assert np.array_equal(back.x, X)
    assert np.array_equal(back.signal, Y)
    assert np.array_equal(back.sigma[mask], E[mask])
    assert np.array_equal(back.used, mask)


@pytest.mark.parametrize(
    ("kind", "suffix"), [("powder", ".xy"), ("tof", ".xye"), ("tof", ".dat"), ("peaks", ".dat"), ("peaks", ".h5")]
)
def test_other_kinds_come_back(tmp_path, kind, suffix):
    x = {"powder": X, "tof": 1000 * X, "peaks": np.array([1.2, 1.4, 1.9, 2.8, 3.3])}[kind]
    sigma = np.sqrt(x) if suffix == ".xye" else None
    write_measurement(Measurement(kind, x, x + 5, sigma=sigma, settings={"wavelength": 0.5}), tmp_path / f"a{suffix}")
    back = read(tmp_path / f"a{suffix}")
    assert (back.kind, dict(back.settings)) == (kind, {"wavelength": 0.5})
    assert np.array_equal(back.x, x)
    assert np.array_equal(back.signal, x + 5)
    assert (back.sigma is None) == (sigma is None)


def test_xye_wants_uncertainties_and_angles(tmp_path):
    with pytest.raises(UsageError, match="no uncertainties"):
        write_measurement(Measurement("powder", X, Y), tmp_path / "a.xye")
    with pytest.raises(UsageError, match="powder pattern"):
        write_measurement(Measurement("gr", X, Y), tmp_path / "a.xy")
    assert list(tmp_path.iterdir()) == []
