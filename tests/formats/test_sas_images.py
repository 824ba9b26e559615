"""Small-angle images averaged to curves: rings, sectors, uncertainties, beam stops; text, NXcanSAS and detector images."""

import h5py
import numpy as np
import pytest

from whorl.core.errors import MissingExtraError, PatternError, UsageError
from whorl.formats import image2d, read
from whorl.formats.image2d import Image, averaged
from whorl.formats.images import READER
from whorl.formats.steering import Sector

X, Y = np.meshgrid(np.linspace(-0.1, 0.1, 81), np.linspace(-0.08, 0.08, 65))
PITCH = 0.0025
R = np.hypot(X, Y)


def smooth(q):
    return 1000 * np.exp(-((20 * q) ** 2) / 3) + 10


def image(values, **more):
    return Image(X.ravel(), Y.ravel(), values.ravel(), pitch=PITCH, **more)


def columns(values, *more, order="C"):
    rows = np.column_stack([a.ravel(order) for a in (X, Y, values, *more)])
    return "\n".join(" ".join(f"{v:.8g}" for v in row) for row in rows) + "\n"


def put(tmp_path, text, name="a.dat"):
    file = tmp_path / name
    file.write_text(text)
    return file


def test_rings_follow_the_curve():
    notes = []
    curve = averaged(image(smooth(R)), {}, notes)
    inner = curve.q < 0.08
    assert np.allclose(curve.intensity[inner], smooth(curve.q[inner]), rtol=3e-3)
    assert np.all(np.diff(curve.q) > 0)
    assert any("scatter within the rings" in note for note in notes)


def test_uncertainties_are_propagated():
    sigma = 0.1 * smooth(R)
    curve = averaged(image(smooth(R), sigma=sigma.ravel()), {}, [])
    n = 2 * np.pi * curve.q / PITCH  # pixels in a ring one pixel wide
    inner = (curve.q > 0.02) & (curve.q < 0.075)
    assert np.allclose(curve.sigma[inner], 0.1 * curve.intensity[inner] / np.sqrt(n[inner]), rtol=0.15)


def test_uncertainties_of_counts_describe_the_scatter():
    """Of 200 noisy images the averages scatter as their uncertainties say."""
    rng = np.random.default_rng(5)
    truth = 0.02 * smooth(R)
    curves = [averaged(image(rng.poisson(truth).astype(float)), {"bins": 20}, []) for _ in range(200)]
    scatter = np.std([c.intensity for c in curves], axis=0)
    stated = np.mean([c.sigma for c in curves], axis=0)
    assert np.allclose(scatter[2:], stated[2:], rtol=0.2)  # 5 % scatter of a standard deviation from 200; 4 of those


def test_resolution_is_that_of_the_pixels_and_of_the_ring():
    curve = averaged(image(smooth(R), width=np.full(R.size, 0.004)), {}, [])
    assert np.all(curve.resolution >= 0.004)
    assert np.allclose(curve.resolution[5:25], np.hypot(0.004, PITCH / np.sqrt(12)), rtol=0.05)


def test_sectors():
    angle = np.arctan2(Y, X)
    values = smooth(R) * (1 + 0.8 * np.cos(2 * angle))
    notes = []
    averaged(image(values), {}, notes)
    assert any("not the same in all directions" in note for note in notes)
    along = averaged(image(values), {"sector": "0:10"}, [])
    across = averaged(image(values), {"sector": "90:10"}, [])
    for curve, factor in ((along, 1.8), (across, 0.2)):
        ratio = curve.intensity / smooth(curve.q)
        assert np.median(ratio[4:]) == pytest.approx(factor, abs=0.03)
    assert dict(along.settings) == {"sector": "0:10"}
    whole = averaged(image(values), {"sector": "33:90"}, [])
    assert np.allclose(whole.intensity, averaged(image(values), {}, []).intensity)
    quiet = []
    averaged(image(np.random.default_rng(2).poisson(smooth(R)).astype(float)), {}, quiet)
    assert not any("not the same" in note for note in quiet)


def test_a_sector_holds_its_directions_and_the_opposite_ones():
    angles = np.radians([5.0, 185.0, -5.0, 175.0, 30.0, 90.0])
    found = image2d.inside(np.cos(angles), np.sin(angles), Sector(0.0, 10.0))
    assert found.tolist() == [True, True, True, True, False, False]
    assert image2d.inside(np.cos(angles), np.sin(angles), Sector(360.0, 10.0)).tolist() == found.tolist()


def test_dead_pixels_do_not_pull_the_average_down():
    values = np.where((X > 0) & (np.abs(Y) < 0.01), 0.0, np.round(smooth(R)))
    notes = []
    curve = averaged(image(values), {}, notes)
    assert np.allclose(curve.intensity[2:25], smooth(curve.q[2:25]), rtol=0.03)
    assert any("dead" in note for note in notes)


@pytest.mark.parametrize("order", ["C", "F"])
def test_text_of_three_and_four_columns(tmp_path, order):
    m = read(put(tmp_path, "ASCII data\n\n" + columns(smooth(R), order=order)))
    assert m.kind == "sas"
    assert np.allclose(m.signal[2:25], smooth(m.x[2:25]), rtol=5e-3)
    m = read(put(tmp_path, "Data columns are Qx - Qy - I(Qx,Qy) - err(I)\n" + columns(smooth(R), 0.1 * smooth(R), order=order)))
    assert any("those of the pixels" in note for note in m.notes)
    assert m.sigma[10] < 0.05 * m.signal[10]


def test_text_of_nist_with_eight_columns(tmp_path):
    header = "Data columns are Qx - Qy - I(Qx,Qy) - err(I) - Qz - SigmaQ_parall - SigmaQ_perp - fSubS(beam stop shadow)\n"
    shadow = np.where(R < 0.01, 0.2, 1.0)
    dark = smooth(R) * shadow
    text = columns(dark, 0.1 * smooth(R), 0 * R, np.full_like(R, 0.003), np.full_like(R, 0.001), shadow)
    m = read(put(tmp_path, header + text))
    assert m.x[0] > 0.0095
    assert np.allclose(m.signal[2:25], smooth(m.x[2:25]), rtol=1e-2)
    assert m.resolution[5] == pytest.approx(np.hypot(0.003, PITCH / np.sqrt(12)), rel=0.1)


def test_units_sectors_and_bins_of_a_text_image(tmp_path):
    file = put(tmp_path, "ASCII data\n" + columns(smooth(R)))
    nano = read(file, settings={"q_unit": "1/nm", "bins": 30, "sector": "90:20"})
    assert nano.x.size == 30
    assert nano.x[-1] < 0.0105
    assert nano.settings["sector"] == "90:20"
    for wrong in ("x", "0", "0:0", "0:95", "0:nan"):
        with pytest.raises(UsageError, match="sector"):
            read(file, settings={"sector": wrong})
    with pytest.raises(UsageError, match="bins"):
        read(file, settings={"bins": 2.5})


def nxcansas(path, *, planes=True, mask=None):
    with h5py.File(path, "w") as file:
        entry = file.create_group("sasentry")
        entry.attrs["NX_class"], entry.attrs["canSAS_class"] = "NXentry", "SASentry"
        data = entry.create_group("sasdata")
        data.attrs["NX_class"], data.attrs["canSAS_class"], data.attrs["signal"] = "NXdata", "SASdata", "I"
        data.attrs["I_axes"], data.attrs["Q_indices"] = "Qy,Qx", [0, 1]
        data["I"], data["Idev"] = smooth(R), 0.1 * smooth(R)
        data["Qx"], data["Qy"] = (10 * X, 10 * Y) if planes else (10 * X[0], 10 * Y[:, 0])
        data["I"].attrs["units"], data["I"].attrs["uncertainties"] = "1/cm", "Idev"
        data["Qx"].attrs["units"] = data["Qy"].attrs["units"] = "1/nm"
        if mask is not None:
            data["m"], data.attrs["mask"] = mask, "m"
    return path


@pytest.mark.parametrize("planes", [True, False])
def test_nxcansas_image(tmp_path, planes):
    m = read(nxcansas(tmp_path / "a.h5", planes=planes))
    assert m.settings["intensity"] == "absolute"
    assert np.allclose(m.signal[2:25], smooth(m.x[2:25]), rtol=5e-3)
    masked = read(nxcansas(tmp_path / "b.h5", mask=(R < 0.02).astype(np.uint8)))
    assert masked.x[0] > 0.0195
    part = read(tmp_path / "a.h5", settings={"sector": "0:15"})
    assert part.settings["sector"] == "0:15"


def test_nxcansas_image_without_its_axes(tmp_path):
    file = nxcansas(tmp_path / "a.h5")
    with h5py.File(file, "a") as opened:
        del opened["sasentry/sasdata/Qx"]
    with pytest.raises(PatternError, match=r"no Qx and Qy.*Average"):
        read(file)


# --- detector images

TIFF = b"II*\x00" + bytes(100)


def test_a_detector_image_needs_its_geometry(tmp_path):
    file = tmp_path / "a.tif"
    file.write_bytes(TIFF)
    with pytest.raises(PatternError, match=r"TIFF.*poni=FILE"):
        read(file)
    with pytest.raises(PatternError, match="no such file"):
        read(file, settings={"poni": str(tmp_path / "none.poni")})
    with pytest.raises(UsageError, match="q_unit"):
        read(file, settings={"q_unit": "1/nm"})
    assert READER.sniff(b"{\nEDF_DataBlockID = 0.Image ;\nDim_1 = 4 ;\n", file) > 0.8
    assert READER.sniff(b"###CBF: VERSION 1.5", file) > 0.8


def test_without_pyfai_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.tif").write_bytes(TIFF)
    (tmp_path / "a.poni").write_text("Detector: Detector\n")
    monkeypatch.setitem(__import__("sys").modules, "pyFAI", None)
    with pytest.raises(MissingExtraError, match=r"whorl\[images\]"):
        read(tmp_path / "a.tif", settings={"poni": str(tmp_path / "a.poni")})


PONI = """poni_version: 2.1
Detector: Detector
Detector_config: {"pixel1": 0.0001, "pixel2": 0.0001, "orientation": 3, "max_shape": [300, 320]}
Distance: 1.0
Poni1: 0.015
Poni2: 0.016
Rot1: 0
Rot2: 0
Rot3: 0
Wavelength: 1e-10
"""


@pytest.mark.filterwarnings("ignore")
def test_pyfai_averages_as_we_do(tmp_path):
    """A flat detector far away: pyFAI's rings and ours agree, and the sectors lie where they should."""
    pytest.importorskip("pyFAI", reason="pyFAI (extra images) is not installed")
    fabio = pytest.importorskip("fabio", reason="fabio (extra images) is not installed")
    rows, cols = np.mgrid[:300, :320]
    x, y = (cols + 0.5 - 160) * 1e-4, (rows + 0.5 - 150) * 1e-4
    q = 4 * np.pi * np.sin(np.arctan(np.hypot(x, y)) / 2)
    counts = np.random.default_rng(1).poisson(smooth(3 * q) * (1 + 0.5 * np.cos(2 * np.arctan2(y, x)))).astype(np.int32)
    fabio.tifimage.TifImage(data=counts).write(str(tmp_path / "a.tif"))
    (tmp_path / "a.poni").write_text(PONI)
    m = read(tmp_path / "a.tif", settings={"poni": str(tmp_path / "a.poni"), "bins": 60})
    assert (m.kind, m.format, m.x.size) == ("sas", "image", 60)
    assert m.settings["wavelength"] == 1.0
    inner = slice(3, 50)
    assert np.median(np.abs(m.signal - smooth(3 * m.x))[inner] / m.sigma[inner]) < 2
    for sector, factor in (("0:10", 1.49), ("90:10", 0.51)):
        part = read(tmp_path / "a.tif", settings={"poni": str(tmp_path / "a.poni"), "sector": sector})
        assert np.median(part.signal / smooth(3 * part.x)) == pytest.approx(factor, abs=0.02)
    (tmp_path / "b.poni").write_text("words\n")
    with pytest.raises(PatternError, match="geometry"):
        read(tmp_path / "a.tif", settings={"poni": str(tmp_path / "b.poni")})
