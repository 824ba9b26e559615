"""NXdata in and out, other people's NeXus files, and HDF5 files that reach where they should not."""

import h5py
import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import read, write_measurement

X = np.arange(1, 51) * 0.1


def nxdata(file, **attributes):
    group = file.create_group("entry/data")
    group.attrs.update({"NX_class": "NXdata", "signal": "G(r)", "axes": "r"} | attributes)
    group["r"] = X
    group["G(r)"] = np.sin(X)
    return group


def test_a_series_comes_back(tmp_path):
    file = tmp_path / "series.nxs"
    rng = np.random.default_rng(1)
    m = Measurement(
        "gr", X, rng.normal(size=(4, 50)), sigma=rng.uniform(1, 2, size=(4, 50)), mask=X > 0.5,
        settings={"qmax": 25.0, "radiation": "neutron", "header": {"a": "b"}, "flag": True, "n": 3},
        coordinates={"time": np.arange(4.0), "temperature": np.array([300.0, 310, 320, 330])},
    )  # fmt: skip
    write_measurement(m, file)
    back = read(file)
    assert back.kind == "gr"
    for name in ("x", "signal", "sigma", "mask"):
        assert np.array_equal(getattr(back, name), getattr(m, name)), name
    assert dict(back.settings) == dict(m.settings)
    assert {k: v.tolist() for k, v in back.coordinates.items()} == {k: v.tolist() for k, v in m.coordinates.items()}
    with h5py.File(file) as f:  # what any NeXus reader follows
        assert f[f.attrs["default"]].attrs["default"] == "data"
        assert list(f["entry/data"].attrs["axes"]) == ["time", "r"]
        assert f["entry/data/r"].attrs["units"] == "angstrom"


def test_other_peoples_nxdata(tmp_path):
    file = tmp_path / "other.h5"
    with h5py.File(file, "w") as f:
        group = nxdata(f)
        group["r"].attrs["units"] = "nm"
        group["G(r)_errors"] = np.full(50, 0.1)
        f["soft"] = h5py.SoftLink("/entry/data")
    m = read(file)
    assert m.kind == "gr"
    assert m.x == pytest.approx(10 * X)
    assert m.signal == pytest.approx(np.sin(X) / 100)
    assert m.sigma == pytest.approx(np.full(50, 0.001))


def test_cansas(shared_data):
    files = sorted((shared_data / "sas" / "exp").glob("*NXcanSAS.h5"))
    if not files:
        pytest.skip("no canSAS file among the data")
    m = read(files[0])
    assert (m.kind, m.x.size) == ("sas", 66)
    assert m.sigma is not None


def test_what_is_not_there(tmp_path):
    file = tmp_path / "a.h5"
    with h5py.File(file, "w") as f:
        f["x"] = X
    with pytest.raises(PatternError, match="without NXdata"):
        read(file)
    with h5py.File(file, "w") as f:
        nxdata(f, signal="missing")
    with pytest.raises(PatternError, match="no dataset 'missing'"):
        read(file)
    with h5py.File(file, "w") as f:
        nxdata(f, axes="missing")
    with pytest.raises(PatternError, match="axis"):
        read(file)
    with h5py.File(file, "w") as f:
        group = nxdata(f, signal="y")
        group["y"] = X
    with pytest.raises(PatternError, match="kind="):
        read(file)
    assert read(file, kind="sq").kind == "sq"
    file.write_bytes(file.read_bytes()[:700])
    with pytest.raises(PatternError, match="not a readable HDF5"):
        read(file)


def test_files_that_reach_outside_are_refused(tmp_path):
    (tmp_path / "secret.txt").write_bytes(bytes(400))
    file = tmp_path / "a.h5"
    with h5py.File(file, "w") as f:
        nxdata(f)
        f["entry/other"] = h5py.ExternalLink("elsewhere.h5", "/x")
    with pytest.raises(PatternError, match="link to another file"):
        read(file)
    with h5py.File(file, "w") as f:
        nxdata(f)
        f.create_dataset("entry/y", shape=(50,), dtype="f8", external=[(str(tmp_path / "secret.txt"), 0, 400)])
    with pytest.raises(PatternError, match="stored in another file"):
        read(file)
    with h5py.File(file, "w") as f:
        nxdata(f)
        layout = h5py.VirtualLayout(shape=(50,), dtype="f8")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "x", shape=(50,))
        f.create_virtual_dataset("entry/y", layout)
    with pytest.raises(PatternError, match="virtual"):
        read(file)


def test_a_bomb_is_refused_before_it_is_read(tmp_path):
    file = tmp_path / "bomb.h5"
    with h5py.File(file, "w") as f:
        group = nxdata(f)
        del group["G(r)"]
        group.create_dataset("G(r)", shape=(100_000_000, 1000), dtype="f8", chunks=(1000, 1000), compression="gzip")
    assert file.stat().st_size < 100_000
    with pytest.raises(PatternError, match="declares 800000 MB"):
        read(file)


@pytest.mark.parametrize(
    ("axis", "unit", "factor", "kind"),
    [
        ("two_theta", "degree", 1.0, "powder"),
        ("2th", "rad", np.pi / 180, "powder"),
        ("tof", "ms", 1e-3, "tof"),
        ("d", "nm", 0.1, "peaks"),
    ],
)
def test_axes_of_powder_diffraction(tmp_path, axis, unit, factor, kind):
    x = np.linspace(10, 80, 200)
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        group = file.create_group("entry/data")
        group.attrs.update({"NX_class": "NXdata", "signal": "intensity", "axes": axis})
        group[axis] = x * factor
        group[axis].attrs["units"] = unit
        group["intensity"] = 100 + x
        file["entry/instrument/monochromator/wavelength"] = 0.07
        file["entry/instrument/monochromator/wavelength"].attrs["units"] = "nm"
    m = read(tmp_path / "a.nxs")
    assert (m.kind, m.settings["wavelength"]) == (kind, pytest.approx(0.7))
    assert np.allclose(m.x, x)
    assert np.array_equal(m.signal, 100 + x)


def test_zero_intensity_in_nexus_is_no_pattern(tmp_path):
    with h5py.File(tmp_path / "a.nxs", "w") as file:
        group = file.create_group("entry/data")
        group.attrs.update({"NX_class": "NXdata", "signal": "intensity", "axes": "two_theta"})
        group["two_theta"] = np.linspace(10, 80, 200)
        group["two_theta"].attrs["units"] = "deg"
        group["intensity"] = np.zeros(200)
    with pytest.raises(PatternError, match="zero throughout"):
        read(tmp_path / "a.nxs")
