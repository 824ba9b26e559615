"""Binary files and archives of Bruker, Rigaku and STOE: every version, series, other scans, attenuators, damage."""

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.formats import read

CU = {"radiation": "x-ray", "wavelength": 1.5406, "wavelength2": 1.54439, "line_ratio": 0.5, "anode": "Cu", "source": "lab"}


@pytest.fixture
def put(tmp_path, build):
    def write(key, name="a.raw", **options):
        file = tmp_path / name
        file.write_bytes(build(key, **options))
        return file

    return write


def stated(m):
    return {key: value for key, value in m.settings.items() if key != "header"}


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("bruker-1", {"radiation": "x-ray", "wavelength": 1.54056, "wavelength2": 1.54439, "counting_time": 2.0}),
        ("bruker-2", CU | {"wavelength": 1.54056, "counting_time": 2.0}),
        ("bruker-3", CU | {"radius": 217.5, "counting_time": 2.0}),
        ("bruker-raw", CU),
    ],
)
def test_versions_of_bruker(put, pattern, key, settings):
    m = read(put(key))
    assert (m.kind, m.format, m.frames, m.sigma) == ("powder", "bruker-raw", 1, None)
    assert np.allclose(m.x, pattern[0], rtol=0, atol=1e-5)
    assert np.array_equal(m.signal, pattern[1])
    assert stated(m) == settings
    m = read(put(key, scans=3))
    assert (m.frames, m.coordinates["scan"].tolist()) == (3, [1, 2, 3])
    assert np.array_equal(m.signal[2], pattern[1] + 2)


def test_details_of_bruker(put, pattern):
    assert read(put("bruker-1", scans=3, repeat_magic=False)).frames == 3
    assert read(put("bruker-2", scans=2, kelvin=300)).coordinates["temperature"].tolist() == [300, 301]
    for options in ({"extra": 0}, {"record": 12}):
        assert np.array_equal(read(put("bruker-3", **options)).signal, pattern[1])
    assert np.array_equal(read(put("bruker-raw", record=8)).signal, pattern[1])
    m = read(put("bruker-raw", drive="Theta", start=5.0, step=0.25))
    assert np.allclose(m.x, pattern[0])
    assert any("stated over theta" in note for note in m.notes)
    assert read(put("bruker-raw")).settings["header"] == {
        "version": "4",
        "started": "08/30/2021 20:35:58",
        "sample": "corundum",
    }


def test_other_scans_of_bruker(put):
    with pytest.raises(PatternError, match="only scans over phi"):
        read(put("bruker-3", code=5))
    with pytest.raises(PatternError, match="only scans over Phi"):
        read(put("bruker-raw", kind="Phi Scan", drive="Phi", start=0.0))
    with pytest.raises(PatternError, match="only scans over Theta"):
        read(put("bruker-raw", kind="Rocking Curve", drive="Theta", start=5.0))


@pytest.mark.parametrize("key", ["bruker-1", "bruker-2", "bruker-3", "bruker-raw", "stoe"])
def test_binary_files_that_were_cut_off(tmp_path, build, key):
    data = build(key)
    file = tmp_path / "a.raw"
    for size in (20, 100, 200, 600, len(data) // 2, len(data) - 40):
        if size < len(data):
            file.write_bytes(data[:size])
            with pytest.raises(PatternError) as caught:
                read(file)
            assert str(file) in caught.value.where
            assert caught.value.remedy


def test_absurd_numbers_of_a_damaged_header_allocate_nothing(tmp_path, build):
    for key, at in (("bruker-1", 4), ("bruker-3", 716), ("bruker-raw", 61 + 45 + 120 + 88)):
        data = bytearray(build(key))
        data[at : at + 4] = b"\xff\xff\xff\x7f"
        (tmp_path / "a.raw").write_bytes(data)
        with pytest.raises(PatternError, match=r"points|ends at byte"):
            read(tmp_path / "a.raw")


def test_stoe(put, pattern):
    m = read(put("stoe"))
    assert stated(m) == {"radiation": "x-ray", "wavelength": 1.5406, "intensity": "counts"}
    assert np.array_equal(m.signal, pattern[1])
    with pytest.raises(PatternError, match="not the version"):
        read(put("stoe", version=b"RAW_1.02Powdat"))


def test_parts_of_a_stoe_file_that_disagree(tmp_path, build):
    data = bytearray(build("stoe"))
    data[1024 + 512 + 8] ^= 0xFF
    data[1024 + 512 + 10] ^= 0xFF
    (tmp_path / "a.raw").write_bytes(data)
    with pytest.raises(PatternError, match="do not agree"):
        read(tmp_path / "a.raw")


def test_brml(put, pattern):
    m = read(put("brml", "a.brml"))
    assert (m.kind, m.format) == ("powder", "brml")
    assert np.allclose(m.x, pattern[0])
    assert np.array_equal(m.signal, pattern[1])
    assert stated(m) == CU | {"radius": 280.0, "intensity": "counts", "counting_time": 0.5}
    assert read(put("brml", "a.brml", scans=2)).frames == 2
    m = read(put("brml", "a.brml", views=""))  # old files: time, absorber, 2theta, theta, counts
    assert np.array_equal(m.signal, pattern[1])
    assert "intensity" not in m.settings
    m = read(put("brml", "a.brml", absorber=80))
    assert any("absorber moved" in note for note in m.notes)
    with pytest.raises(PatternError, match="only scans over Coupled"):
        read(put("brml", "a.brml", axis="Phi"))
    with pytest.raises(PatternError, match="fewer than the views name"):
        read(put("brml", "a.brml", views="<RawDataView type='Recorded' Start='7' Length='1'/>"))


def test_a_detector_that_stands_still(tmp_path, build):
    channels = ",".join(str(50 + k % 7) for k in range(200))
    text = f"""<RawData><DataRoutes><DataRoute RouteFlag="Measured"><ScanInformation VisibleName="Still"><ScaleAxes>
<ScaleAxisInfo AxisId="TwoTheta"><Start>10</Start><Stop>29.9</Stop><Increment>0.1</Increment></ScaleAxisInfo></ScaleAxes>
</ScanInformation><Datum>60,1,{channels}</Datum><DataViews><RawDataView type="RecordedRawDataView" Start="2" Length="200"/>
</DataViews></DataRoute></DataRoutes></RawData>"""
    (tmp_path / "a.brml").write_bytes(build("zip", members={"Experiment0/RawData0.xml": text}))
    m = read(tmp_path / "a.brml")
    assert np.allclose(m.x, 10 + 0.1 * np.arange(200))
    assert m.signal[:3].tolist() == [50, 51, 52]


def test_ras(put, pattern):
    m = read(put("ras", "a.ras"))
    assert np.array_equal(m.signal, pattern[1])
    assert stated(m) == {
        "radiation": "x-ray", "wavelength": 1.540593, "wavelength2": 1.544414, "anode": "Cu", "source": "lab",
        "intensity": "counts", "counting_time": 2.0,
    }  # fmt: skip
    assert read(put("ras", "a.ras", scans=2)).frames == 2
    assert read(put("ras", "a.ras", MEAS_SCAN_UNIT_Y="cps")).settings["intensity"] == "rate"
    with pytest.raises(PatternError, match="only scans over Omega"):
        read(put("ras", "a.ras", MEAS_SCAN_AXIS_X_INTERNAL="Omega"))
    m = read(put("ras", "a.ras", MEAS_SCAN_AXIS_X_INTERNAL="Something"))
    assert any("taken as 2theta" in note for note in m.notes)
    with pytest.raises(PatternError, match="120 points where the header announces 200"):
        read(put("ras", "a.ras", MEAS_DATA_COUNT="200"))
    with pytest.raises(PatternError, match="cut off"):
        read(put("ras", "a.ras", end=False))
    text = put("ras", "a.ras").read_text().replace("30.0000 950.0000", "30.0000 9x0")
    (put("ras", "b.ras")).write_text(text)
    with pytest.raises(PatternError, match=r"b\.ras, line 5\d: .*9x0.* is no row"):
        read(put("ras", "a.ras").with_name("b.ras"))


def test_attenuators_of_rigaku(put, pattern):
    y = pattern[1]
    factors = np.where(y > 400, 10.0, 1.0)
    m = read(put("ras", "a.ras", y=np.round(y / factors), factors=factors))
    assert np.allclose(m.signal, y, atol=5.5)  # counts were rounded before they were multiplied by ten
    assert "intensity" not in m.settings
    assert any("multiplied" in note for note in m.notes)
    m = read(put("ras", "a.ras", factors=factors))
    assert np.array_equal(m.signal, y)
    assert m.settings["intensity"] == "counts"
    assert any("in the intensities already" in note for note in m.notes)


def test_rasx(put, pattern):
    m = read(put("rasx", "a.rasx"))
    assert np.array_equal(m.signal, pattern[1])
    assert stated(m) == {
        "radiation": "x-ray", "wavelength": 1.540593, "wavelength2": 1.544414, "anode": "Cu", "source": "lab",
        "intensity": "rate",
    }  # fmt: skip
    assert m.settings["header"] == {"sample": "corundum"}
    assert "wavelength2" not in read(put("rasx", "a.rasx", wave="Ka1")).settings
    assert read(put("rasx", "a.rasx", scans=3)).frames == 3
    with pytest.raises(PatternError, match="none over 2theta"):
        read(put("rasx", "a.rasx", axis="Phi"))


def test_opxrd(put, pattern):
    m = read(put("opxrd", "a.json"))
    assert np.array_equal(m.signal, pattern[1])
    assert stated(m) == {"radiation": "x-ray", "wavelength": 1.5406, "wavelength2": 1.54439, "temperature": 295.0}
    m = read(put("opxrd", "a.json", label={"is_simulated": True}))
    assert m.notes == ("the label says that the pattern is simulated",)
    with pytest.raises(PatternError, match="120 intensities at 119 angles"):
        read(put("opxrd", "a.json", x=pattern[0][1:]))
    with pytest.raises(PatternError, match="no list of numbers 'intensities'"):
        read(put("opxrd", "a.json", y=["x"]))


def test_archives_that_explode_or_are_damaged(tmp_path, build):
    bomb = {"Data0/Profile0.txt": b"0" * 30_000_000}
    file = tmp_path / "a.rasx"
    file.write_bytes(build("zip", members=bomb))
    with pytest.raises(PatternError, match="unpacks to more than"):
        read(file, max_bytes=1_000_000)
    entities = '<!DOCTYPE x [<!ENTITY a "aaaa">]><RawData>&a;</RawData>'
    file = tmp_path / "a.brml"
    file.write_bytes(build("zip", members={"Experiment0/RawData0.xml": entities}))
    with pytest.raises(PatternError, match="document type"):
        read(file)
    file.write_bytes(build("zip", members={"readme.txt": "x"}))
    with pytest.raises(PatternError, match=r"no RawData\*\.xml"):
        read(file)
    (tmp_path / "b.rasx").write_bytes(build("zip", members={"readme.txt": "x"}))
    with pytest.raises(PatternError, match=r"no Profile\*\.txt"):
        read(tmp_path / "b.rasx")
    data = bytearray(build("rasx"))
    data[60] ^= 0xFF
    (tmp_path / "b.rasx").write_bytes(data)
    with pytest.raises(PatternError, match=r"unpacked|zip"):
        read(tmp_path / "b.rasx")


def test_a_size_that_lies(tmp_path, build):
    data = build("zip", members={"Data0/Profile0.txt": b"10 5\n" * 400_000})
    at = data.rindex(b"PK\x01\x02")  # the directory: its uncompressed size is claimed to be ten bytes
    data = data[: at + 24] + (10).to_bytes(4, "little") + data[at + 28 :]
    (tmp_path / "a.rasx").write_bytes(data)
    with pytest.raises(PatternError):
        read(tmp_path / "a.rasx", max_bytes=100_000)
