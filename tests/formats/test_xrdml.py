"""XRDML: positions, counts and attenuators, tube and optics, series; and XML that is hostile or broken."""

import numpy as np
import pytest

from whorl.core.errors import PatternError, UsageError
from whorl.formats import read


@pytest.fixture
def put(tmp_path, build):
    def write(**options):
        file = tmp_path / "a.xrdml"
        file.write_bytes(build("xrdml", **options))
        return file

    return write


def test_what_the_file_states(put, pattern):
    m = read(put())
    assert (m.kind, m.format, m.frames, m.sigma, m.notes) == ("powder", "xrdml", 1, None, ())
    assert np.allclose(m.x, pattern[0], rtol=0, atol=1e-12)
    assert np.array_equal(m.signal, pattern[1])
    settings = dict(m.settings)
    assert settings.pop("header") == {"sample": "corundum", "started": "2024-11-14T13:50:02-08:00"}
    assert settings == {
        "radiation": "x-ray", "wavelength": 1.540598, "wavelength2": 1.544426, "line_ratio": 0.5, "anode": "Cu",
        "source": "lab", "geometry": "bragg-brentano", "divergence_slit": "fixed", "radius": 145.0, "counting_time": 12.5,
        "intensity": "counts",
    }  # fmt: skip


def test_optics(put):
    assert read(put(mode="Transmission")).settings["geometry"] == "transmission"
    assert read(put(slit="automaticDivergenceSlitType")).settings["divergence_slit"] == "automatic"
    assert "divergence_slit" not in read(put(slit="programmableDivergenceSlitType")).settings
    m = read(put(optics="<monochromator><crystal>Ge</crystal></monochromator>"))
    assert "wavelength2" not in m.settings
    assert any("K-alpha 1 alone" in note for note in m.notes)
    assert read(put(intended="K-Beta")).settings["wavelength"] == 1.39225


def test_attenuated_counts_are_multiplied_and_corrected_intensities_not(put, pattern):
    factors = np.where(np.arange(120) % 2, 10.0, 1.0)
    text = f"<beamAttenuationFactors>{' '.join(map(str, factors))}</beamAttenuationFactors>"
    m = read(put(extra=text))
    assert np.array_equal(m.signal, pattern[1] * factors)
    assert "intensity" not in m.settings  # no longer counts of Poisson statistics
    assert any("attenuator" in note for note in m.notes)
    assert np.array_equal(read(put(extra=text, element="intensities")).signal, pattern[1])
    m = read(put(extra=f"<beamAttenuationFactors>{'1 ' * 120}</beamAttenuationFactors>"))
    assert m.settings["intensity"] == "counts"
    assert read(put(unit="cps")).settings["intensity"] == "rate"
    with pytest.raises(PatternError, match="3 attenuation factors for 120 points"):
        read(put(extra="<beamAttenuationFactors>1 2 3</beamAttenuationFactors>"))


def test_corrections_of_the_slit_are_named(put, pattern):
    m = read(put(extra="<commonDivergenceCorrection>1.1</commonDivergenceCorrection>"))
    assert np.array_equal(m.signal, pattern[1])
    assert any("divergence slit" in note for note in m.notes)


def test_listed_positions(put, pattern):
    x = pattern[0] + 0.01 * np.sin(np.arange(120))
    m = read(put(positions=f"<listPositions>{' '.join(f'{v:.8f}' for v in x)}</listPositions>"))
    assert np.allclose(m.x, x, atol=1e-7)


def test_scans_on_one_axis_are_a_series(put, pattern):
    m = read(put(scans=3, nonambient=(298.0, 400.0, 500.0)))
    assert (m.frames, m.x.size) == (3, 120)
    assert {k: v.tolist() for k, v in m.coordinates.items()} == {
        "scan": [1, 2, 3], "time": [0, 60, 120], "temperature": [298, 400, 500],
    }  # fmt: skip
    assert np.array_equal(m.signal[2], pattern[1] + 2)
    assert m.frame(1).settings["temperature"] == 400


def test_an_interrupted_scan_is_left_out_of_the_series(put, tmp_path, build, pattern):
    text = build("xrdml", scans=2).decode()
    short = build("xrdml", x=pattern[0][:40], y=pattern[1][:40]).decode()
    scan = short[short.index("<scan ") : short.index("</scan>") + 7]
    (tmp_path / "b.xrdml").write_text(text.replace("</xrdMeasurement>", scan + "</xrdMeasurement>"))
    m = read(tmp_path / "b.xrdml")
    assert (m.frames, m.x.size) == (2, 120)
    assert any("left out" in note for note in m.notes)


def test_scans_that_follow_one_another_are_joined(tmp_path, build, pattern):
    x, y = pattern
    first, second = (build("xrdml", x=x[part], y=y[part]).decode() for part in (slice(0, 60), slice(60, 120)))
    scan = second[second.index("<scan ") : second.index("</scan>") + 7]
    (tmp_path / "b.xrdml").write_text(first.replace("</xrdMeasurement>", scan + "</xrdMeasurement>"))
    m = read(tmp_path / "b.xrdml")
    assert m.frames == 1
    assert np.allclose(m.x, x)
    assert np.array_equal(m.signal, y)


HOSTILE = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]><xrdMeasurements>&b;</xrdMeasurements>'
)
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xrdMeasurements>&a;</xrdMeasurements>'


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (HOSTILE, "document type"),
        (OUTSIDE, "document type"),
        (HOSTILE.decode().replace('"1.0"', '"1.0" encoding="utf-16"').encode("utf-16"), "document type"),
        (b"<xrdMeasurements>" + b"<a>" * 5000, "absurdly deep"),
        (b"<xrdMeasurements></xrdMeasurements>", "no scan"),
        (b"<xrdMeasurements><xrdMeasurement>", "no complete XML"),
    ],
)
def test_hostile_and_broken_xml(tmp_path, content, what):
    file = tmp_path / "a.xrdml"
    file.write_bytes(content)
    with pytest.raises(PatternError, match=what) as caught:
        read(file)
    assert str(file) in caught.value.where
    assert caught.value.remedy


def test_what_is_no_pattern(put, tmp_path, pattern):
    with pytest.raises(PatternError, match="none over 2theta"):
        read(put(axis="Omega", positions="<commonPosition>30</commonPosition>"))
    with pytest.raises(PatternError, match=r"scan 1: 119 intensities at 120 positions"):
        read(put(y=pattern[1][:-1], positions=f"<listPositions>{'1 ' * 120}</listPositions>"))
    with pytest.raises(PatternError, match="zero throughout"):
        read(put(y=0 * pattern[1]))
    text = put().read_text()
    (tmp_path / "b.xrdml").write_text(text.replace(" 50 ", " x50 ", 1))
    with pytest.raises(PatternError, match="'x50' is not a number"):
        read(tmp_path / "b.xrdml")
    (tmp_path / "c.xrdml").write_text(text[: len(text) // 2])
    with pytest.raises(PatternError, match="cut off"):
        read(tmp_path / "c.xrdml")
    with pytest.raises(UsageError, match="holds"):
        read(put(), kind="gr")
