"""``whorl suggest`` on simulated counts of a rock salt, with two structures to choose from."""

from __future__ import annotations

import json

import numpy as np
import pytest

import whorl
from whorl.cli import main
from whorl.core.hypothesis import Crystal, Site


def rock_salt(name: str, metal: str, a: float) -> Crystal:
    sites = (Site(metal, (0, 0, 0)), Site("O", (0.5, 0.5, 0.5)))
    return Crystal(name, family="rock salt", source="test", cell=(a, a, a, 90, 90, 90), space_group="225", sites=sites)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WHORL_HOME", str(tmp_path / "home"))
    structures = [rock_salt("bunsenite", "Ni", 4.177), rock_salt("monteponite", "Cd", 4.695)]
    for crystal in structures:
        whorl.write_structure(crystal, tmp_path / f"{crystal.name}.cif")
    rng = np.random.default_rng(4)
    x = np.round(np.arange(30.0, 70.0, 0.04), 6)
    pattern = whorl.simulate(structures[0], "pd", x=x, wavelength="Cu", size=200.0).signal
    rates = 20.0 + 400.0 * pattern / pattern.max()
    for name, seconds in (("fast", 0.02), ("slow", 4.0)):
        counts = rng.poisson(rates * seconds).astype(float)
        settings = {"wavelength": 1.540593, "counting_time": seconds, "intensity": "counts"}
        whorl.write_measurement(whorl.Measurement("powder", x, counts, settings=settings), tmp_path / f"{name}.nxs")
    return tmp_path


def test_a_fast_scan_wants_more_and_with_a_slow_one_it_is_enough(folder, capsys):
    common = ["--catalogue", str(folder), "--only", "--smallest", "0.1"]
    assert main(["suggest", str(folder / "fast.nxs"), *common, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["task"] == "suggest"
    assert found["answer"] == "bunsenite"
    plan = found["plan"]
    assert plan["stop"] is False
    assert all(30.0 <= r["low"] < r["high"] <= 70.0 and r["seconds"] > 0 for r in plan["ranges"])
    assert main(["suggest", str(folder / "fast.nxs"), str(folder / "slow.nxs"), *common]) == 0
    text = capsys.readouterr().out
    assert "Stop: bunsenite is settled" in text


def test_what_is_no_powder_pattern_is_refused_in_a_line(folder, capsys):
    g = whorl.simulate(rock_salt("bunsenite", "Ni", 4.177), qmax=25.0)
    whorl.write_measurement(g, folder / "a.gr")
    assert main(["suggest", str(folder / "a.gr")]) == 3
    assert "no powder pattern" in capsys.readouterr().err
