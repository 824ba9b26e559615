"""Measurements written as columns or NeXus come back whole, and nothing is left half-written."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.formats import atomic, read, write_measurement
from whorl.formats.atomic import replacing

values = st.floats(-1e12, 1e12, allow_subnormal=False)
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)


@st.composite
def measurements(draw):
    n = draw(st.integers(2, 30))
    x = np.cumsum(np.array(draw(st.lists(st.floats(1e-3, 1.0), min_size=n, max_size=n))))
    y = np.array(draw(st.lists(values, min_size=n, max_size=n)))
    sigma = np.array(draw(st.lists(st.floats(1e-6, 1e3), min_size=n, max_size=n))) if draw(st.booleans()) else None
    stated = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "qmin": st.floats(0, 5), "qmax": st.floats(5, 50), "qdamp": st.floats(0, 0.1), "wavelength": st.floats(0.1, 2),
                "radiation": st.sampled_from(["x-ray", "neutron", "electron"]), "composition": texts,
                "temperature": st.floats(0, 2000),
                "header": st.dictionaries(st.text("abcxyz", min_size=1, max_size=5), texts, max_size=3),
            },
        )
    )  # fmt: skip
    return Measurement(draw(st.sampled_from(["gr", "fq", "sq", "iq"])), x, y, sigma=sigma, settings=stated)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(m=measurements(), suffix=st.sampled_from(["columns", ".dat", ".nxs"]))
def test_round_trip(tmp_path, m, suffix):
    file = tmp_path / f"out{'.' + m.kind if suffix == 'columns' else suffix}"
    write_measurement(m, file)
    back = read(file)
    assert back.kind == m.kind
    assert np.array_equal(back.x, m.x)
    assert np.array_equal(back.signal, m.signal)
    assert (back.sigma is None) if m.sigma is None else np.array_equal(back.sigma, m.sigma)
    assert dict(back.settings) == dict(m.settings)


def test_shared_files_come_back(shared_data, tmp_path):
    for name in ("Ni_bulk.gr", "LaMnO3_Tseries/300K.gr", "CdSe_bulk_pdfgui.gr"):
        m = read(shared_data / "pdf" / "exp" / name)
        for suffix in (".gr", ".h5"):
            write_measurement(m, tmp_path / f"out{suffix}")
            back = read(tmp_path / f"out{suffix}")
            assert dict(back.settings) == dict(m.settings)
            assert np.array_equal(back.signal, m.signal)
            assert (back.sigma is None) == (m.sigma is None)


def test_a_mask_with_sigma_comes_back(tmp_path):
    mask = np.arange(40) != 3
    m = Measurement("gr", np.arange(1.0, 41), np.ones(40), sigma=np.full(40, 0.5), mask=mask)
    write_measurement(m, tmp_path / "a.gr")
    assert np.array_equal(read(tmp_path / "a.gr").mask, mask)
    write_measurement(Measurement("gr", m.x, m.signal, mask=mask), tmp_path / "b.gr")
    assert read(tmp_path / "b.gr").x.tolist() == m.x[mask].tolist()


def test_what_does_not_fit(tmp_path):
    series = Measurement("gr", np.arange(1.0, 4), np.ones((2, 3)))
    with pytest.raises(PatternError, match="2 frames"):
        write_measurement(series, tmp_path / "a.gr")
    with pytest.raises(UsageError, match=r"\.gr"):
        write_measurement(series.frame(0), tmp_path / "a.sq")
    with pytest.raises(UsageError, match="unknown"):
        write_measurement(series.frame(0), tmp_path / "a.docx")
    with pytest.raises(PatternError, match="cannot be written"):
        write_measurement(series.frame(0), tmp_path / "missing" / "a.gr")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(TypeError), replacing(file) as scratch:
        scratch.write_bytes("not bytes")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(PatternError, match="no space left"):
        atomic.write_text(file, "new")
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_permissions_are_kept(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("old")
    file.chmod(0o640)
    atomic.write_text(file, "new")
    assert file.stat().st_mode & 0o777 == 0o640
