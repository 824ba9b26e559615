"""``whorl solve``: what is said and written, and how wrong requests end."""

from __future__ import annotations

import json

import numpy as np
import pytest

from whorl.cli.app import run
from whorl.tasks import solve as task
from whorl.tasks.solve_search import Effort
from whorl.techniques.sas.solve import find_geometry


@pytest.fixture
def curve(tmp_path, monkeypatch):
    """A micelle's curve in a file; searches are short."""
    short = Effort(starts=1, members=4, generations=10, walkers=14, steps=15, kept=30)
    monkeypatch.setattr(task, "EFFORTS", {"full": short, "quick": short})
    q = np.geomspace(0.004, 0.2, 60)
    values = {"core_radius": 65.0, "corona": 45.0, "composition": 0.7, "width": 0.1, "scatterer": 20.0}
    y = find_geometry("micelle").columns(q, values, {"distribution": "rectangle", "weighting": "mass"})[:, 0] + 1e-4
    y *= 1 + 0.02 * np.random.default_rng(1).normal(size=q.size)
    path = tmp_path / "micelle.dat"
    np.savetxt(path, np.column_stack([q, y, 0.02 * y]), header="q(1/A) I(q) sigma")
    return path


def test_answer_and_files(curve, tmp_path, capsys):
    words = ["solve", str(curve), "--geometry", "micelle", "--gene", "composition=0.7", "--option", "weighting=mass"]
    out = tmp_path / "new" / "out"
    assert run([*words, "--out", str(out), "--report", str(tmp_path / "r"), "--json", str(tmp_path / "a.json")]) == 0
    said = capsys.readouterr().out
    assert "spherical micelle" in said
    assert "90% interval" in said
    assert sorted(p.name for p in out.iterdir()) == ["micelle-1.xyz", "micelle-2.xyz", "micelle-3.xyz", "micelle-solutions.csv"]
    data = json.loads((tmp_path / "a.json").read_text())
    assert data["task"] == "solve"
    assert data["structures"][0]["path"] == str(out / "micelle-1.xyz")
    assert 'id="solutions"' in next((tmp_path / "r").glob("*.html")).read_text()
    assert run([*words, "--json", "-"]) == 0  # kept: the same answer again
    again = json.loads(capsys.readouterr().out)
    assert again["run"] == data["run"]
    assert again["solutions"] == data["solutions"]
    assert run(["replay", "last"]) == 0


@pytest.mark.parametrize(
    ("words", "code", "match"),
    [
        (["--geometry", "vesicel"], 3, "Did you mean 'vesicle'"),
        (["--geometry", "micelle", "--gene", "corona"], 2, "is no span"),
        (["--geometry", "micelle", "--gene", "shell=3"], 3, "no gene 'shell'"),
        (["--geometry", "missing.toml"], 3, "cannot be read"),
        (["--geometry", "oriented-ellipsoids"], 3, "60 rows and 3 columns"),
        (["--geometry", "oriented-ellipsoids", "--geometry", "micelle"], 2, "solved alone"),
        ([], 2, "--geometry"),
    ],
)
def test_bad_requests(curve, capsys, words, code, match):
    found = run(["solve", str(curve), *words])
    text = capsys.readouterr()
    assert match in text.err + text.out
    assert found in (code, 2)
    assert "Traceback" not in text.err
