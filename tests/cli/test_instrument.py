"""``whorl refine --write-instrument`` of a standard, and ``--set @FILE``."""

from __future__ import annotations

import numpy as np
import pytest

import whorl
from whorl.cli import main
from whorl.core.hypothesis import Crystal, Site
from whorl.formats import instrument_settings

SITES = (Site("Si", (0.125,) * 3, 1.0, 0.006),)
SILICON = Crystal("Si", cell=(5.43112,) * 3 + (90,) * 3, space_group="F d -3 m:2", sites=SITES)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WHORL_HOME", str(tmp_path / "home"))
    x = np.round(np.arange(25.0, 100.0, 0.02), 6)
    settings = {"wavelength": "Cu", "w": 0.004, "y": 0.03, "axial": 0.02, "divergence_slit": "fixed"}
    pattern = whorl.simulate(SILICON, "pd", x=x, settings=settings).signal
    counts = np.random.default_rng(6).poisson(80 + 20_000 * pattern / pattern.max()).astype(float)
    kept = {"wavelength": 1.540593, "wavelength2": 1.544427, "intensity": "counts", "divergence_slit": "fixed"}
    whorl.write_measurement(whorl.Measurement("powder", x, counts, settings=kept), tmp_path / "si.nxs")
    whorl.write_structure(SILICON, tmp_path / "si.cif")
    return tmp_path


def test_the_file_is_written_also_of_a_kept_run_and_read_again(folder, capsys):
    words = ["refine", str(folder / "si.nxs"), str(folder / "si.cif")]
    for name in ("one.json", "two.json"):
        assert main([*words, "-q", "--write-instrument", str(folder / name)]) == 0
    assert (folder / "one.json").read_text() == (folder / "two.json").read_text()
    found = instrument_settings(folder / "one.json")
    assert found["wavelength"] == pytest.approx(1.540593)
    assert found["w"] == pytest.approx(0.004, rel=0.1)
    assert "displacement" not in found
    capsys.readouterr()
    assert main([*words, "--set", f"@{folder / 'one.json'}"]) == 0
    shown = capsys.readouterr().out
    assert "w: 0.00" in shown  # among what is assumed: given
    assert "(given" in shown


def test_where_no_file_can_be_written(folder, capsys):
    words = ["refine", str(folder / "si.nxs"), str(folder / "si.cif"), "--write-instrument"]
    assert main([*words, str(folder / "one.txt")]) == 2
    assert "Name it .json" in capsys.readouterr().err
    assert main(["refine", str(folder / "si.nxs"), str(folder / "si.cif"), "--set", "@nowhere.instprm"]) != 0
    assert "nowhere.instprm" in capsys.readouterr().err
