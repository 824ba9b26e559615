"""``whorl denoise`` and ``whorl emulate``: what they write, what they say, what they refuse to do."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np
import pytest

import whorl as package

Q = np.geomspace(0.01, 0.25, 90)
TRUTH = np.exp(-((Q * 50) ** 2) / 3) + 0.01


@pytest.fixture
def curve(tmp_path):
    """A short exposure with its sigma, in a file."""
    sigma = 0.1 * np.sqrt(TRUTH)
    values = TRUTH + np.random.default_rng(51).normal(0, sigma)
    path = tmp_path / "short.nxs"
    package.write_measurement(package.Measurement("sas", Q, values, sigma=sigma), path)
    return path


@pytest.fixture
def frame(tmp_path):
    row, column = np.mgrid[:60, :64]
    rate = 2 * np.exp(-((row - 30) ** 2 + (column - 33) ** 2) / 150) + 0.05
    path = tmp_path / "frame.npy"
    np.save(path, np.random.default_rng(52).poisson(rate).astype(np.uint16))
    return path


def test_a_curve_is_written_with_its_uncertainty_and_a_page(whorl, curve, tmp_path):
    before = sha256(curve.read_bytes()).hexdigest()
    called = whorl(
        "denoise", curve, "--out", tmp_path / "long.nxs", "--report", tmp_path / "out", "--json", tmp_path / "a.json"
    )
    assert called.code == 0, called.err
    assert "times smaller" in called.out
    assert sha256(curve.read_bytes()).hexdigest() == before
    found = package.read(tmp_path / "long.nxs")
    assert found.kind == "sas"
    assert np.sqrt(np.mean((found.signal - TRUTH) ** 2 / TRUTH)) < 0.06
    page = (tmp_path / "out" / "short.denoised.html").read_text()
    assert "<svg" in page
    assert "Before and after" in page
    verdict = json.loads((tmp_path / "a.json").read_text())
    assert verdict["task"] == "denoise"
    assert verdict["parameters"]["gain"]["value"] > 1.5


def test_the_input_and_what_exists_are_never_replaced(whorl, curve, tmp_path):
    before = curve.read_bytes()
    for words in (["--out", curve], ["--out", curve, "--force"], ["--json", curve]):
        called = whorl("denoise", curve, *words)
        assert called.code == 2
        assert "input itself" in called.err
    assert curve.read_bytes() == before
    (tmp_path / "there.nxs").write_text("mine")
    assert whorl("denoise", curve, "--out", tmp_path / "there.nxs").code == 2
    assert (tmp_path / "there.nxs").read_text() == "mine"
    assert whorl("denoise", curve, "--out", tmp_path / "there.nxs", "--force", "-q").code == 0


def test_a_series_is_written_as_a_series(whorl, tmp_path):
    rng = np.random.default_rng(53)
    rows = np.outer(np.linspace(1, 2, 12), TRUTH)
    sigma = 0.1 * np.sqrt(rows)
    series = package.Measurement("sas", Q, rows + rng.normal(0, sigma), sigma=sigma, coordinates={"time": np.arange(12.0)})
    package.write_measurement(series, tmp_path / "series.nxs")
    called = whorl("denoise", tmp_path / "series.nxs", "--out", tmp_path / "long.nxs")
    assert called.code == 0, called.err
    assert "components 1" in called.out
    found = package.read(tmp_path / "long.nxs")
    assert found.frames == 12
    assert found.coordinates["time"].tolist() == list(range(12))
    one = whorl("denoise", f"{tmp_path / 'series.nxs'}#3", "-q", "--json", "-")
    assert one.rows[0]["parameters"]["effective_parameters"]["value"] < 40


def test_a_frame_is_written_as_arrays(whorl, frame, tmp_path):
    called = whorl("denoise", frame, "--centre", "30,33", "--out", tmp_path / "a.npz", "--report", tmp_path / "out")
    assert called.code == 0, called.err
    with np.load(tmp_path / "a.npz") as found:
        assert found["intensity"].shape == found["sigma"].shape == (60, 64)
        assert found["intensity"][30, 33] == pytest.approx(2.0, abs=3 * found["sigma"][30, 33])
        assert found["intensity"][28:33, 31:36].mean() == pytest.approx(1.9, abs=0.4)
    assert (tmp_path / "out" / "frame.denoised.html").is_file()
    mask = np.ones((60, 64), dtype=np.uint8)
    mask[:, :5] = 0
    np.save(tmp_path / "mask.npy", mask)
    assert whorl("denoise", frame, "--mask", tmp_path / "mask.npy", "-q").code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--out", "x.dat"], 2, ".npz"),
        (["--centre", "5"], 2, "no pixel"),
        (["--range", "0.1:0.2"], 2, "for curves"),
        (["--mask", "nothing.npy"], 3, "no such file"),
    ],
)
def test_frames_asked_for_wrongly(whorl, frame, tmp_path, monkeypatch, words, code, said):
    monkeypatch.chdir(tmp_path)
    called = whorl("denoise", frame, *words)
    assert called.code == code
    assert said in called.err


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x93NUMPY garbage"])
def test_files_that_are_no_frames(whorl, tmp_path, content):
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    called = whorl("denoise", path)
    assert called.code == 3
    assert "cannot be read" in called.err
    assert whorl("denoise", tmp_path / "none.tif").code == 3


def test_frames_of_a_stack_are_named(whorl, tmp_path):
    stack = np.random.default_rng(54).poisson(3.0, (3, 40, 40)).astype(np.int32)
    stack[:, 5, 5] = np.iinfo(np.int32).max
    stack[:, 6, 6] = -1
    np.save(tmp_path / "stack.npy", stack)
    refused = whorl("denoise", tmp_path / "stack.npy")
    assert refused.code == 3
    assert "stack of 3 frames" in refused.err
    called = whorl("denoise", f"{tmp_path / 'stack.npy'}#1", "--centre", "20,20", "-q", "--json", "-")
    assert called.code == 0, called.err
    assert called.rows[0]["parameters"]["centre_row"]["value"] == 20


def test_curves_of_a_model_are_columns(whorl, tmp_path):
    called = whorl("emulate", "sphere", "--params", "radius=40", "--points", "20")
    assert called.code == 0
    rows = [line.split() for line in called.out.splitlines() if not line.startswith("#")]
    assert len(rows) == 20
    assert "no surrogate of sphere" in called.err
    (tmp_path / "t.csv").write_text("radius,radius_pd\n20,0.1\n30,0.2\n")
    called = whorl("emulate", "sphere", "--table", tmp_path / "t.csv", "--out", tmp_path / "a.nxs", "--range", "0.01:0.2")
    assert called.code == 0, called.err
    assert package.read(tmp_path / "a.nxs").frames == 2
    assert whorl("emulate", "sphere", "--table", tmp_path / "t.csv", "--out", tmp_path / "a.nxs").code == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["spheer"], 2, "Did you mean"),
        (["sphere", "--params", "size=3"], 2, "no parameter 'size'"),
        (["sphere", "--range", "-1:2"], 2, "positive"),
        (["sphere", "--surrogate", "maybe"], 2, "auto, off, only"),
        (["sphere", "--surrogate", "only"], 2, "no surrogate"),
        (["sphere", "--table", "none.csv"], 3, "cannot be read"),
    ],
)
def test_models_asked_for_wrongly(whorl, words, code, said):
    called = whorl("emulate", *words)
    assert called.code == code
    assert said in called.err
