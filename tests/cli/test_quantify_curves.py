"""``whorl quantify`` of small-angle curves: what it says, writes and refuses."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import whorl as api
from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.formats import write_measurement


def curve(q, radius=40.0):
    x = q * radius
    return 50 * (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2 * np.exp(-((0.02 * x) ** 2)) + 0.02


@pytest.fixture
def file(tmp_path):
    q = np.geomspace(0.006, 0.35, 150)
    y = curve(q)
    sigma = 0.02 * y
    y = y + np.random.default_rng(80).normal(size=q.size) * sigma
    path = tmp_path / "spheres.dat"
    lines = ["# q (1/angstrom)  I (1/cm)  sigma"] + [f"{a:.6g} {b:.6g} {c:.6g}" for a, b, c in zip(q, y, sigma, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_curve_is_described_without_being_asked_how(whorl, file, tmp_path):
    found = whorl("quantify", file, "--report", tmp_path / "out", "--csv", tmp_path / "t.csv", "--json", "-")
    assert found.code == 0, found.err
    told = found.rows[0]
    assert told["task"] == "quantify"
    assert told["technique"] == "sas"
    assert told["parameters"]["guinier:rg"]["value"] == pytest.approx(0.6**0.5 * 40, rel=0.04)
    page = (tmp_path / "out" / "spheres.html").read_text(encoding="utf-8")
    for title in ("Guinier plot", "Kratky plot", "Pair distances p(r)", "Size distribution", "Unified fit"):
        assert title in page
    assert "mathdefault" not in page
    with (tmp_path / "t.csv").open(encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert float(row["guinier:rg_low"]) < float(row["guinier:rg"]) < float(row["guinier:rg_high"])


def test_words_and_methods(whorl, file):
    found = whorl("quantify", file, "--method", "guinier,kratky")
    assert found.code == 0, found.err
    assert "Rg (Guinier)" in found.out
    assert "compact" in found.out
    assert "distances" not in found.out + found.err


def test_replay_of_a_kept_run(whorl, file):
    first = whorl("quantify", file, "--method", "sizes", "--contrast", "2", "--json", "-")
    told = first.rows[0]
    assert "--contrast 2" in told["provenance"]["command"]
    again = whorl("replay", told["run"])
    assert again.code == 0, again.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "gunier"], "unknown method"),
        (["--contrast", "-1"], "contrast"),
        (["--kernel", "dab", "--method", "sizes"], "no size"),
        (["--method", "all", "--exclude", "x"], "--references"),
        (["--model", "x", "--method", "all"], "alone"),
    ],
)
def test_what_is_refused(whorl, file, words, said):
    found = whorl("quantify", file, *words)
    assert found.code in (2, 3)
    assert said in found.out + found.err


def test_a_series_and_its_maps(whorl, tmp_path):
    q = np.geomspace(0.006, 0.35, 90)
    radius = np.array([[30.0, 35.0], [40.0, 45.0]]).ravel()
    rows = np.stack([curve(q, r) for r in radius])
    x, y = np.meshgrid([0.0, 1.0], [0.0, 1.0])
    series = Measurement("sas", q, rows, 0.02 * rows, coordinates={"x": x.ravel(), "y": y.ravel()})
    write_measurement(series, tmp_path / "scan.nxs")
    found = whorl("quantify", tmp_path / "scan.nxs", "--report", tmp_path / "out", "--csv", tmp_path / "t.csv")
    assert found.code == 0, found.err
    assert "4 of 4 done" in found.out + found.err
    assert "radius of gyration (Guinier)" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    with (tmp_path / "out" / "maps.csv").open(encoding="utf-8") as stream:
        radii = [float(r["value"]) for r in csv.DictReader(stream) if r["quantity"] == "guinier:rg"]
    np.testing.assert_allclose(radii, 0.6**0.5 * radius, rtol=0.03)


def test_from_python(file):
    (verdict,) = api.quantify(file, method="guinier", level=0.5)
    assert verdict.parameters["guinier:rg"].level == 0.5
    (whole,) = api.quantify(file)
    assert {"guinier:rg", "distances:rg", "sizes:mode1:mean"} <= whole.parameters.keys()
    with pytest.raises(UsageError):
        api.quantify(file, "model", method="all")
