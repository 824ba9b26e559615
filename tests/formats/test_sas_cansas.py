"""canSAS XML and NXcanSAS: units, several data sets, slits, resolutions, what is written and read again, and what is broken."""

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.formats import read, write_measurement
from whorl.formats.xmltree import tree_of

Q = np.geomspace(0.008, 0.4, 25)
I = 100 * np.exp(-((30 * Q) ** 2) / 3) + 0.05


def idata(q=Q, y=I, unit="1/A", per="1/cm", extra=lambda k: ""):
    cells = (
        f'<Q unit="{unit}">{a!r}</Q><I unit="{per}">{b!r}</I>{extra(k)}'
        for k, (a, b) in enumerate(zip(q.tolist(), y.tolist(), strict=True))
    )
    return "".join(f"<Idata>{cell}</Idata>" for cell in cells)


def xml(*sets, around="", version="1.1", name="urn:cansas1d:1.1"):
    entries = "".join(
        f"<SASentry><Title>set {k + 1}</Title><Run>7</Run><SASdata>{data}</SASdata>{around}</SASentry>"
        for k, data in enumerate(sets)
    )
    return f'<?xml version="1.0"?><SASroot version="{version}" xmlns="{name}">{entries}</SASroot>'


def put(tmp_path, text, name="a.xml"):
    file = tmp_path / name
    file.write_text(text)
    return file


AROUND = """<SASsample><ID>x</ID><thickness unit="mm">2</thickness><temperature unit="C">25</temperature></SASsample>
<SASinstrument><SASsource><radiation>Reactor Neutron Source</radiation><wavelength unit="nm">0.6</wavelength></SASsource>
</SASinstrument>"""


@pytest.mark.parametrize(("version", "name"), [("1.0", "cansas1d/1.0"), ("1.1", "urn:cansas1d:1.1"), ("1.1", "")])
def test_one_curve(tmp_path, version, name):
    extra = lambda k: f'<Idev unit="1/cm">{float(0.1 * I[k])!r}</Idev><Qdev unit="1/A">{float(0.05 * Q[k])!r}</Qdev>'  # noqa: E731
    m = read(put(tmp_path, xml(idata(extra=extra), around=AROUND, version=version, name=name)))
    assert (m.kind, m.format) == ("sas", "cansas")
    for found, expected in ((m.x, Q), (m.signal, I), (m.sigma, 0.1 * I), (m.resolution, 0.05 * Q)):
        assert np.allclose(found, expected, rtol=1e-14)
    stated = {"intensity": "absolute", "thickness": 0.2, "temperature": 298.15, "radiation": "neutron", "wavelength": 6.0}
    assert {k: m.settings[k] for k in stated} == stated
    assert m.settings["header"]["title"] == "set 1"


@pytest.mark.parametrize(("unit", "factor"), [("1/nm", 10), ("nm^-1", 10), ("1/angstrom", 1), ("1/m", 1e10)])
def test_units_of_q(tmp_path, unit, factor):
    extra = lambda k: f'<Qdev unit="{unit}">{float(0.05 * factor * Q[k])!r}</Qdev>'  # noqa: E731
    m = read(put(tmp_path, xml(idata(factor * Q, unit=unit, extra=extra))))
    assert np.allclose(m.x, Q, rtol=1e-12)
    assert np.allclose(m.resolution, 0.05 * Q, rtol=1e-12)
    assert np.allclose(read(tmp_path / "a.xml", settings={"q_unit": "1/A"}).x, factor * Q)


@pytest.mark.parametrize(
    ("per", "factor", "scale"), [("1/m", 100, "absolute"), ("a.u.", 1, "arbitrary"), ("counts", 1, "arbitrary")]
)
def test_units_of_the_intensity(tmp_path, per, factor, scale):
    m = read(put(tmp_path, xml(idata(y=factor * I, per=per))))
    assert np.allclose(m.signal, I)
    assert m.settings["intensity"] == scale


def test_slit_and_shadow(tmp_path):
    slit = read(put(tmp_path, xml(idata(unit="1/A", extra=lambda k: "<dQl>0.117</dQl><dQw unit='1/nm'>0.01</dQw>"))))
    assert slit.settings["slit_length"] == 0.117
    assert slit.settings["slit_width"] == pytest.approx(0.001)
    assert slit.resolution is None
    shadow = read(put(tmp_path, xml(idata(extra=lambda k: f"<Shadowfactor>{0.5 if k < 2 else 1}</Shadowfactor>"))))
    assert shadow.mask.tolist() == [False] * 2 + [True] * 23


def test_several_data_sets(tmp_path):
    series = read(put(tmp_path, xml(idata(), idata(y=2 * I), idata(y=3 * I))))
    assert series.signal.shape == (3, 25)
    assert series.coordinates["entry"].tolist() == [1, 2, 3]
    file = put(tmp_path, xml(idata(), idata(q=2 * Q)), "b.xml")
    first = read(file)
    assert first.frames == 1
    assert any("data set 1 of 2 was read" in note and "2 set 2" in note for note in first.notes)
    for entry in (2, 2.0, "2", "set 2"):
        assert np.allclose(read(file, settings={"entry": entry}).x, 2 * Q)
    assert read(tmp_path / "a.xml", settings={"entry": 3}).signal == pytest.approx(3 * I)
    with pytest.raises(UsageError, match=r"no data set 4.*1 set 1, 2 set 2"):
        read(file, settings={"entry": 4})


def test_scales_that_cannot_be_compared(tmp_path):
    m = read(put(tmp_path, xml(idata(), idata(per="counts"))))
    assert m.frames == 1
    assert any("arbitrary scale" in note and "not comparable" in note for note in m.notes)


def test_broken_xml(tmp_path):
    text = xml(idata())
    for cut in (40, len(text) // 2, len(text) - 5):
        with pytest.raises(PatternError, match="XML"):
            read(put(tmp_path, text[:cut]), format="cansas")
    with pytest.raises(PatternError, match="document type"):
        read(put(tmp_path, text.replace("?>", "?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", 1)))
    with pytest.raises(PatternError, match="no SASdata"):
        read(put(tmp_path, "<SASroot><SASentry/></SASroot>"))
    with pytest.raises(PatternError, match="no Idata"):
        read(put(tmp_path, "<SASroot><SASentry><SASdata/></SASentry></SASroot>"))
    with pytest.raises(PatternError, match="'abc' is not a number"):
        read(put(tmp_path, xml("<Idata><Q unit='1/A'>abc</Q><I>1</I></Idata>")))
    with pytest.raises(PatternError, match="q in 'degree'"):
        read(put(tmp_path, xml(idata(unit="degree"))))
    with pytest.raises(PatternError, match="the root of the XML"):
        read(put(tmp_path, "<a/>"), format="cansas")


def nxcansas(path, q=Q, y=I, entries=1, **more):
    """A file in NXcanSAS as facilities write it."""
    with h5py.File(path, "w") as file:
        for k in range(entries):
            entry = file.create_group(f"entry{k + 1}")
            entry.attrs["NX_class"], entry.attrs["canSAS_class"] = "NXentry", "SASentry"
            entry["title"] = f"set {k + 1}"
            data = entry.create_group("sasdata")
            data.attrs["NX_class"], data.attrs["canSAS_class"] = "NXdata", "SASdata"
            data.attrs["signal"], data.attrs["I_axes"], data.attrs["Q_indices"] = "I", "Q", [0]
            data["Q"], data["I"] = q * (1 + more.get("step", 0) * k), (k + 1) * y
            data["Q"].attrs["units"], data["I"].attrs["units"] = more.get("unit", "1/angstrom"), more.get("per", "1/cm")
            if "idev" in more:
                data["Idev"] = more["idev"]
                data["I"].attrs["uncertainties"] = "Idev"
            for name in ("dQw", "dQl", "Qdev"):
                if name in more:
                    data[name] = more[name]
            if "resolutions" in more:
                data["Q"].attrs["resolutions"] = more["resolutions"]
    return path


def test_nxcansas(tmp_path):
    file = nxcansas(tmp_path / "a.h5", idev=0.1 * I, Qdev=0.05 * Q, resolutions="Qdev")
    m = read(file)
    for found, expected in ((m.x, Q), (m.signal, I), (m.sigma, 0.1 * I), (m.resolution, 0.05 * Q)):
        assert np.array_equal(found, expected)
    assert m.settings["intensity"] == "absolute"
    nano = read(nxcansas(tmp_path / "b.h5", q=10 * Q, unit="1/nm", per="1/m"))
    assert np.allclose(nano.x, Q)
    assert np.allclose(nano.signal, I / 100)
    slit = read(nxcansas(tmp_path / "c.h5", dQw=np.zeros(25), dQl=np.full(25, 0.028), resolutions="dQw,dQl"))
    assert slit.settings["slit_length"] == 0.028
    assert slit.resolution is None


def test_several_entries(tmp_path):
    series = read(nxcansas(tmp_path / "a.h5", entries=3))
    assert series.signal[:, 0] == pytest.approx(I[0] * np.arange(1, 4))
    file = nxcansas(tmp_path / "b.h5", entries=3, step=0.1)
    m = read(file)
    assert any("data set 1 of 3 was read" in note for note in m.notes)
    assert np.allclose(read(file, settings={"entry": 3}).x, 1.2 * Q)
    assert np.allclose(read(file, settings={"entry": "entry2"}).x, 1.1 * Q)
    with h5py.File(file, "a") as opened:
        opened.attrs["default"] = "entry2"
        opened["entry2"].attrs["default"] = "sasdata"
    assert np.allclose(read(file).x, 1.1 * Q)


def test_frames_in_one_data_set(tmp_path):
    frames = np.array([I, 2 * I, 3 * I, 4 * I])
    file = nxcansas(tmp_path / "a.h5", y=frames, idev=0.1 * frames, Qdev=0.05 * Q, resolutions="Qdev")
    with h5py.File(file, "a") as opened:
        data = opened["entry1/sasdata"]
        data.attrs["I_axes"], data.attrs["Q_indices"] = "Time,Q", [1]
        data["Time"] = [0.0, 10.0, 20.0, 30.0]
    m = read(file)
    assert np.array_equal(m.signal, frames)
    assert np.array_equal(m.sigma, 0.1 * frames)
    assert np.array_equal(m.resolution, 0.05 * Q)
    assert m.coordinates["Time"].tolist() == [0, 10, 20, 30]


def test_broken_nxcansas(tmp_path):
    with pytest.raises(PatternError, match="24 values of q"):
        read(nxcansas(tmp_path / "a.h5", q=Q[:24]))
    file = nxcansas(tmp_path / "b.h5")
    with h5py.File(file, "a") as opened:
        del opened["entry1/sasdata/Q"]
        opened["entry1/sasdata/Q"] = h5py.ExternalLink("/etc/passwd", "x")
    with pytest.raises(PatternError, match="link to another file"):
        read(file)
    file = nxcansas(tmp_path / "c.h5", y=-I)
    with pytest.raises(PatternError, match="no intensity is positive"):
        read(file)
    whole = nxcansas(tmp_path / "d.h5").read_bytes()
    (tmp_path / "d.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PatternError, match="HDF5"):
        read(tmp_path / "d.h5")


# --- what is written comes back


@st.composite
def curves(draw):
    n = draw(st.integers(2, 25))
    numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
    x = np.cumsum(np.array(draw(st.lists(st.floats(1e-4, 0.05), min_size=n, max_size=n))))
    y = np.array(draw(st.lists(numbers, min_size=n, max_size=n)))
    y[0] = draw(st.floats(0.1, 1e6))
    sigma = np.array(draw(st.lists(st.floats(1e-6, 1e3), min_size=n, max_size=n))) if draw(st.booleans()) else None
    width = np.array(draw(st.lists(st.floats(1e-6, 1e-2), min_size=n, max_size=n))) if draw(st.booleans()) else None
    text = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=12)
    stated = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "intensity": st.sampled_from(["absolute", "arbitrary"]), "wavelength": st.floats(0.1, 20),
                "radiation": st.sampled_from(["x-ray", "neutron"]), "thickness": st.floats(0.01, 1),
                "slit_length": st.floats(0.001, 0.2), "temperature": st.floats(1, 2000),
                "header": st.dictionaries(st.text("abcxyz", min_size=1, max_size=5), text, min_size=1, max_size=3),
            },
        )
    )  # fmt: skip
    return Measurement("sas", x, y, sigma=sigma, resolution=width, settings=stated)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(m=curves(), suffix=st.sampled_from([".xml", ".h5", ".dat"]))
def test_round_trip(tmp_path, m, suffix):
    write_measurement(m, tmp_path / f"out{suffix}")
    back = read(tmp_path / f"out{suffix}")
    assert back.kind == "sas"
    assert np.array_equal(back.x, m.x)
    assert np.array_equal(back.signal, m.signal)
    for name in ("sigma", "resolution"):
        one, other = getattr(back, name), getattr(m, name)
        assert (one is None) if other is None else np.array_equal(one, other), name
    assert dict(back.settings) == dict(m.settings)


@pytest.mark.parametrize("suffix", [".xml", ".nxs"])
def test_a_series_comes_back(tmp_path, suffix):
    frames = np.array([I, 2 * I, 3 * I])
    m = Measurement(
        "sas", Q, frames, sigma=0.1 * frames, resolution=0.05 * Q, settings={"intensity": "absolute"},
        coordinates={"temperature": np.array([300.0, 310.0, 320.0]), "time": np.array([0.0, 1.0, 2.0])},
    )  # fmt: skip
    write_measurement(m, tmp_path / f"a{suffix}")
    back = read(tmp_path / f"a{suffix}")
    for name in ("x", "signal", "sigma", "resolution"):
        assert np.array_equal(getattr(back, name), getattr(m, name)), name
    assert {k: v.tolist() for k, v in back.coordinates.items()} == {k: v.tolist() for k, v in m.coordinates.items()}
    assert back.settings["intensity"] == "absolute"


def test_masks(tmp_path):
    mask = np.arange(25) != 3
    m = Measurement("sas", Q, I, sigma=0.1 * I, resolution=0.05 * Q, mask=mask)
    for suffix in (".nxs", ".dat"):
        write_measurement(m, tmp_path / f"a{suffix}")
        back = read(tmp_path / f"a{suffix}")
        assert np.array_equal(back.mask, mask)
        assert np.array_equal(back.resolution, m.resolution)
    write_measurement(m, tmp_path / "a.xml")
    assert np.array_equal(read(tmp_path / "a.xml").x, Q[mask])
    plain = Measurement("sas", Q, I, resolution=0.05 * Q, mask=mask)
    write_measurement(plain, tmp_path / "b.dat")
    assert np.array_equal(read(tmp_path / "b.dat").resolution, 0.05 * Q[mask])


def test_other_kinds_are_not_written_as_cansas(tmp_path):
    with pytest.raises(UsageError, match=r"\.xml"):
        write_measurement(Measurement("gr", np.array([1.0, 2.0]), np.array([0.0, 1.0])), tmp_path / "a.xml")


def test_sasdata_reads_what_we_write(tmp_path):
    """SasView's loader finds the same numbers and metadata in our NXcanSAS and in our XML, which it validates."""
    loader = pytest.importorskip("sasdata.dataloader.loader", reason="sasdata, the peer that reads along, is not installed")
    m = Measurement(
        "sas", Q, I, sigma=0.1 * I, resolution=0.05 * Q,
        settings={"intensity": "absolute", "radiation": "neutron", "wavelength": 6.0, "thickness": 0.2},
    )  # fmt: skip
    for name in ("a.h5", "a.xml"):
        write_measurement(m, tmp_path / name)
        (found,) = loader.Loader().load(str(tmp_path / name))
        assert found.errors == []
        for mine, theirs in ((m.x, found.x), (m.signal, found.y), (m.sigma, found.dy), (m.resolution, found.dx)):
            assert np.allclose(mine, theirs, rtol=1e-12), name
        assert (found.source.wavelength, found.source.radiation) == (6.0, "neutron"), name


def test_our_xml_follows_the_schema(tmp_path):
    """The order of elements that the canSAS 1-D 1.1 schema demands."""
    m = Measurement("sas", Q, I, sigma=0.1 * I, settings={"radiation": "x-ray", "wavelength": 1.0, "slit_length": 0.03})
    write_measurement(m, tmp_path / "a.xml")
    root = tree_of((tmp_path / "a.xml").read_bytes(), "a.xml")
    assert (root.name, root.attributes["version"], root.attributes["xmlns"]) == ("SASroot", "1.1", "urn:cansas1d:1.1")
    (entry,) = root.children
    names = ["Title", "Run", "SASdata", "SASsample", "SASinstrument", "SASprocess", "SASnote"]
    assert [node.name for node in entry.children] == names
    assert [node.name for node in entry.find("Idata").children] == ["Q", "I", "Idev", "dQl"]
    assert [n.name for n in entry.find("SASinstrument").children] == ["name", "SASsource", "SAScollimation", "SASdetector"]
    assert read(tmp_path / "a.xml").settings["slit_length"] == 0.03
