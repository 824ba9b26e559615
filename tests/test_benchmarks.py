"""Every benchmark runs with ``--quick``, with or without peers and measured data; what the finders' figures rest on holds."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(path for path in (ROOT / "benchmarks").glob("*.py") if not path.name.startswith("_"))


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_benchmark_runs(script, tmp_path):
    """Contract: it ends without a stack trace, and its JSON, if any, is the harness's. Figures are not judged here."""
    command = [sys.executable, str(script), "--quick", "--json", str(tmp_path / "table.json")]
    environment = os.environ | {"WHORL_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=580)
    assert run.returncode in (0, 1), run.stdout + run.stderr  # 1: a bar is missed, as it may be on a busy machine
    assert "Traceback" not in run.stderr, run.stderr
    if (tmp_path / "table.json").exists():
        record = json.loads((tmp_path / "table.json").read_text())
        assert record["quick"] is True
        assert all(row["what"] for row in record["rows"])
    else:
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stdout + run.stderr, "it says nothing"


@pytest.fixture
def bench(monkeypatch):
    """Function that imports a module of ``benchmarks``."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module


def test_wilson_interval(bench):
    """95 of 100: 0.888 to 0.978 (Brown, Cai & DasGupta, Stat. Sci. 16, 101 (2001), formula 4); no case, no knowledge."""
    share = bench("_finder").share
    found = share(95, 100)
    assert (found.low, found.high) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert share(10, 10).high == pytest.approx(1.0)
    assert share(10, 10).low == pytest.approx(0.7225, abs=1e-4)
    assert (share(0, 0).low, share(0, 0).high) == (0.0, 1.0)


@pytest.mark.slow
def test_metals_are_the_published_set(bench):
    """197 shapes and 19 lengths are the 3743 structures of the published classifiers; whorl's catalogue holds every shape."""
    simulated, metals = bench("_simulated"), bench("finder_metals")
    shapes = simulated.published_shapes()
    assert len(shapes) * len(set(simulated.PUBLISHED_DIAMETERS.values())) == 3743
    absent = [s.name for s in shapes if not metals.equal_entries(simulated.build(s.family, s.numbers))]
    assert not absent


@pytest.mark.parametrize(("symbols", "tolerance"), [(["Au"] * 13, 1e-4), (["W"] + ["O"] * 12, 1e-2)])
def test_simulated_scattering_is_the_debye_sum(bench, symbols, tolerance):
    """The benchmark's own sum and whorl's agree: to rounding for one element, to the tables' difference for two."""
    from scipy.interpolate import CubicSpline

    from whorl.physics.debye import DebyeGrid, reduced_scattering
    from whorl.physics.form_factors import xray

    simulated = bench("_simulated")
    positions = simulated.build("Icosahedron", (2,), 2.8)
    grid = DebyeGrid(qmin=0.0, qmax=20.0, d_max=10.0, dr=0.01)
    names = list(dict.fromkeys(symbols))
    starts = np.cumsum([0, *(symbols.count(name) for name in names)])
    factors = np.array([xray(name, grid.q) for name in names])
    theirs, _ = reduced_scattering(grid, positions, starts, factors, np.full(len(names), 0.005))
    q, mine = simulated.reduced_structure(positions, symbols, 20.0, u_iso=0.005, delta2=0.0)
    inside = (grid.q > 1) & (grid.q < 20)
    near = CubicSpline(q, mine)(grid.q[inside])
    assert np.sqrt(np.mean((theirs[inside] - near) ** 2) / np.mean(near**2)) < tolerance


def test_same_shape_knows_scale_and_one_atom(bench):
    """Scaling changes nothing, moving or leaving out an atom does."""
    simulated = bench("_simulated")
    one = simulated.build("Decahedron", (2, 2, 1), 2.9)
    moved = one.copy()
    moved[3] += [0.0, 0.0, 0.1]
    assert simulated.same_shape(one, one[::-1] * 1.07)
    assert not simulated.same_shape(one, moved)
    assert not simulated.same_shape(one, one[1:])


def test_a_stopped_run_goes_on(bench, tmp_path, monkeypatch):
    """Kept cases are not asked again, a line that a kill cut short is, rows of other code are; an error is one wrong row."""
    finder = bench("_finder")
    monkeypatch.setattr(finder, "warm", lambda: None)
    asked = []

    def answer(job):
        asked.append(job["key"])
        if job["key"] == "c":
            raise ZeroDivisionError("broken")
        return {"right": True, "mode": job["mode"]}

    jobs = [{"key": key, "mode": "m"} for key in "abc"]
    options = argparse.Namespace(resume=tmp_path / "kept.jsonl", mixed=False, workers=1)
    rows = finder.run_cases("test", jobs, answer, options)
    assert [row["right"] for row in rows] == [True, True, False]
    assert "ZeroDivisionError" in rows[2]["error"]
    text = options.resume.read_text()
    options.resume.write_text(text[:-20])
    assert [row["right"] for row in finder.run_cases("test", jobs, answer, options)] == [True, True, False]
    assert asked == ["a", "b", "c", "c"]
    monkeypatch.setattr(finder, "code_hash", lambda: "another")
    finder.run_cases("test", jobs[:1], answer, options)
    assert asked[-1] == "a"
    with pytest.raises(SystemExit):
        finder.run_cases("test", [jobs[0], jobs[0]], answer, options)


def _row(name, p, *, right, none=0.0, truth_in=True):
    candidates = [{"answer": "A", "p": p, "right": right}, {"answer": "B", "p": 1 - p - none, "right": not right}]
    more = {"script": "s", "name": f"s:{name} x:0", "group": "g", "none": none, "truth_in": truth_in}
    return more | {"candidates": candidates, "set": ["A"], "covered": right}


def test_calibration_error_of_known_answers(bench):
    """80 % said and 60 % right is an error of 0.2; answers that are as often right as they say have none."""
    calibration = bench("calibration")
    rows = [_row(str(n), 0.8, right=n < 60) for n in range(100)]
    found = calibration.figures([calibration.to_answer(row) for row in rows], draws=50)
    assert found.error == pytest.approx(0.2)
    assert found.error_interval[0] < 0.2 < found.error_interval[1]
    assert found.brier == pytest.approx(0.6 * 2 * 0.2**2 + 0.4 * 2 * 0.8**2)
    assert found.coverage == pytest.approx(0.6)
    honest = [_row(str(n), 0.8, right=n < 80) for n in range(100)]
    assert calibration.figures([calibration.to_answer(row) for row in honest], draws=2).error == pytest.approx(0.0, abs=1e-12)


def test_calibration_joins_one_answer_and_knows_none(bench):
    """Candidates of one class share their probability; with the truth taken out, none is what is right."""
    calibration = bench("calibration")
    row = _row("1", 0.4, right=True, none=0.1)
    row["candidates"][1] |= {"answer": "A", "right": True}
    answer = calibration.to_answer(row)
    assert (answer.confidence, answer.correct) == (pytest.approx(0.9), True)
    out = calibration.to_answer(_row("2", 0.2, right=False, none=0.7, truth_in=False))
    assert (out.confidence, out.correct) == (pytest.approx(0.7), True)
    some = [answer] * 3 + [out]
    assert calibration.weights(some).tolist() == pytest.approx([1, 1, 1, 1.0])


def test_mixing_weights(bench):
    """Half and half by weight of one structure under two names gives each half of the G(r) of the whole."""
    from whorl.core.hypothesis import Crystal, Site

    mixtures = bench("finder_mixtures")
    copper = Crystal("Cu", cell=(3.61, 3.61, 3.61, 90, 90, 90), space_group="225", sites=(Site("Cu", (0, 0, 0)),))
    r = np.arange(1, 4000) * 0.01
    g = np.sin(5 * r) * np.exp(-r / 5)
    parts = mixtures.mix([g, g], [copper, copper], [0.5, 0.5])
    near = r < 30
    assert np.allclose(parts[0], parts[1])
    assert np.max(np.abs(parts[0] + parts[1] - g)[near]) < 0.01 * np.max(np.abs(g))
