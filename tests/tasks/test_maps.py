"""Maps of quantities over positions: a simulated scan with known truth, pixels that are missing, and its page."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Estimate, Verdict
from whorl.report.maps import write_map_report
from whorl.tasks.maps import has_positions, maps_of
from whorl.tasks.quantify_curve import quantify_curve_series

SIDE = 40


@pytest.fixture(scope="module")
def scan():
    """A scan of 40 by 40 positions over which radius and amount change, one in 33 missing, in the order of a snake."""
    rng = np.random.default_rng(70)
    q = np.geomspace(0.008, 0.35, 90)
    column, row = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    column[1::2] = column[1::2, ::-1]
    x, y = 0.05 * column.ravel(), 10 + 0.08 * row.ravel()
    radius = 28 + 14 * np.exp(-((x - 1) ** 2 + (y - 11.5) ** 2) / 0.6)
    amount = 0.002 * (1 + 0.8 * x)
    s = np.linspace(0.64, 1.36, 25)
    n = np.exp(-0.5 * ((s - 1) / 0.12) ** 2)
    rows = np.empty((x.size, q.size))
    for k, (r, phi) in enumerate(zip(radius, amount, strict=True)):
        z = np.outer(q, r * s)
        v = 4 / 3 * np.pi * (r * s) ** 3
        rows[k] = phi * 9e-4 * ((v * 3 * (np.sin(z) - z * np.cos(z)) / z**3) ** 2 @ n) / (n @ v) + 0.002
    sigma = 0.02 * rows + 0.001
    kept = rng.random(x.size) > 0.03
    noisy = rows + rng.normal(size=rows.shape) * sigma
    truth = {"rg": radius * np.sqrt(0.6 * (n @ s**8) / (n @ s**6)), "phi": amount}
    # every third frame in each direction is enough to judge, and quick
    chosen = kept & (column.ravel() % 3 == 0) & (row.ravel() % 3 == 0)
    noisy[np.flatnonzero(chosen)[17]] = -1.0
    at = {"x": x[chosen], "y": y[chosen]}
    settings = {"intensity": "absolute"}
    series = Measurement("sas", q, noisy[chosen], sigma[chosen], settings=settings, coordinates=at, path="scan.nxs")
    return series, {name: values[chosen] for name, values in truth.items()}


@pytest.fixture(scope="module")
def described(scan):
    return list(quantify_curve_series(scan[0], contrast=3.0))


def test_pixels_have_the_truth(scan, described):
    _, truth = scan
    for name, true, bound in (("guinier:rg", truth["rg"], 0.04), ("invariant:volume_fraction", truth["phi"], 0.2)):
        pairs = [(v.parameters[name], t) for v, t in zip(described, true, strict=True) if name in v.parameters]
        assert len(pairs) > 0.95 * len(described)
        off = np.array([e.value / t - 1 for e, t in pairs])
        z = np.array([(e.value - t) / e.sigma for e, t in pairs])
        assert np.median(np.abs(off)) < bound
        assert np.mean(np.abs(z) < 1.96) > 0.9


def test_grid_of_a_snake(scan, described):
    series, truth = scan
    found = {m.name: m for m in maps_of(described, series.coordinates)}["guinier:rg"]
    assert found.unit == "angstrom"
    assert np.all(np.diff(found.x) > 0)
    assert np.all(np.diff(found.y) > 0)
    triples = zip(*series.coordinates.values(), truth["rg"], strict=True)
    place = {(round(float(x), 6), round(float(y), 6)): t for x, y, t in triples}
    for i, y in enumerate(found.y):
        for j, x in enumerate(found.x):
            if np.isfinite(found.values[i, j]):
                assert found.values[i, j] == pytest.approx(place[round(float(x), 6), round(float(y), 6)], rel=0.15)
    assert np.isnan(found.values).any()


def test_positions_that_jitter_are_one_row():
    x = np.array([0.0, 1.02, 1.99, 0.01, 0.98, 2.01])
    y = np.array([0.0, 0.01, -0.01, 1.0, 1.01, 0.99])
    frames = [
        Verdict(whorl="0", task="quantify", file=str(k), parameters={"guinier:rg": Estimate(value=float(k), sigma=0.1)})
        for k in range(6)
    ]
    found = maps_of(frames, {"x": x, "y": y})[0]
    np.testing.assert_array_equal(found.values, [[0, 1, 2], [3, 4, 5]])


def test_series_without_positions():
    assert not has_positions({"time": np.arange(3.0)})
    with pytest.raises(PatternError, match="no positions"):
        maps_of([], {"time": np.arange(3.0)})


def test_page_and_table(scan, described, tmp_path):
    series, _ = scan
    page = write_map_report(described, series.coordinates, tmp_path, title="scan <b>", command="whorl quantify scan.nxs")
    text = page.read_text(encoding="utf-8")
    assert "scan &lt;b&gt;" in text
    assert text.count("<svg") >= 5
    assert "radius of gyration (Guinier)" in text
    assert "1 could not be used" in text
    with (tmp_path / "maps.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    radii = [r for r in rows if r["quantity"] == "guinier:rg"]
    assert float(radii[0]["sigma"]) > 0
    assert {r["frame"] for r in rows} == {str(k) for k in range(series.frames)}
    assert any("no intensity is positive" in r["remark"] for r in rows)
