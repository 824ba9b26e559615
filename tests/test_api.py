"""The Python API: the same answers as the command line, measurements in memory, errors as exceptions."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import whorl
from whorl.cli import main


@pytest.fixture
def nickel(tmp_path, write_pattern) -> Path:
    return write_pattern(tmp_path / "nickel.gr", "Ni", zoom=1.01)


def answer(data: dict) -> dict:
    """What must be the same bits: all but when, where and how fast."""
    parts = ("technique", "none_probability", "candidates", "set", "assumptions", "warnings")
    return {part: data[part] for part in parts}


@pytest.fixture
def command(capsys):
    def call(*words: object) -> dict:
        capsys.readouterr()
        assert main([*map(str, words), "--json", "-", "--no-cache", "--quiet"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


def test_identify_gives_the_bits_of_the_command_line(nickel, four_cifs, command):
    ours = whorl.identify(
        nickel, catalogues=four_cifs, only=True, elements="Ni,Cu,Si", top=3, range=(1.5, 12), settings={"qmax": 21}
    )
    words = ["--catalogue", four_cifs, "--only", "--elements", "Ni,Cu,Si", "--top", 3, "--range", "1.5:12", "--set", "qmax=21"]
    theirs = command("identify", nickel, *words)
    assert answer(ours.to_json_dict()) == answer(theirs)
    assert ours.provenance.command == theirs["provenance"]["command"]
    assert ours.provenance.parameters == theirs["provenance"]["parameters"]


def test_refine_gives_the_bits_of_the_command_line(nickel, four_cifs, command):
    ours = whorl.refine(nickel, four_cifs / "Ni.cif", fixed={"delta2": 0}, size=False)
    theirs = command("refine", nickel, four_cifs / "Ni.cif", "--fix", "delta2=0", "--no-size")
    assert answer(ours.to_json_dict()) == answer(theirs)


def test_measurement_in_memory_gives_the_bits_of_its_file(nickel, four_cifs):
    given = {"catalogues": str(four_cifs), "only": True, "workspace": False}
    file = whorl.identify(nickel, **given)
    memory = whorl.identify(whorl.read(nickel), **given)
    assert answer(file.to_json_dict()) == answer(memory.to_json_dict())
    assert memory.best.curve is not None
    assert memory.best.structures[0].formula == "Ni"


def test_kept_answer_has_its_curves_and_structures(nickel, four_cifs):
    first = whorl.identify(nickel, catalogues=four_cifs, only=True)
    again = whorl.identify(nickel, catalogues=four_cifs, only=True)
    assert again.run == first.run != ""
    for one, other in zip(first.candidates, again.candidates, strict=True):
        assert other.structures == one.structures
        np.testing.assert_array_equal(other.curve.calculated, one.curve.calculated)
        assert (other.curve.x_label, other.curve.y_label) == (one.curve.x_label, one.curve.y_label)
    assert again.to_json_dict() == first.to_json_dict()
    assert whorl.identify(nickel, catalogues=four_cifs, only=True, cached=False).run != first.run


def test_measurement_in_memory_is_kept_and_can_be_replayed(nickel, four_cifs):
    from whorl.tasks.replay import replay

    changed = whorl.read(nickel)
    changed = replace(changed, signal=1.3 * changed.signal, path="", sha256="")
    verdict = whorl.identify(changed, catalogues=four_cifs, only=True)
    with whorl.Workspace.open() as workspace:
        found = replay(verdict.run, workspace=workspace)
    assert found.identical, found.differences[:3]


def test_without_workspace_nothing_is_kept(nickel, four_cifs, tmp_path, monkeypatch):
    monkeypatch.setenv("WHORL_HOME", str(tmp_path / "home"))
    verdict = whorl.identify(nickel, catalogues=four_cifs, only=True, workspace=False)
    assert verdict.run == ""
    assert not (tmp_path / "home" / "whorl.sqlite").exists()


def test_workspace_may_be_a_folder(nickel, four_cifs, tmp_path):
    verdict = whorl.identify(nickel, catalogues=four_cifs, only=True, workspace=tmp_path / "ws")
    assert (tmp_path / "ws" / "runs" / verdict.run / "verdict.json").is_file()


def test_own_structures_are_added_to_the_built_in_ones(four_cifs):
    from whorl.tasks.recipes import open_all

    assert [c.name for c in open_all((str(four_cifs), "elements"), only=False)] == [
        "elements",
        "compounds",
        "nanoparticles",
        "particles",
        four_cifs.name,
    ]
    assert [c.name for c in open_all(("elements",), only=True)] == ["elements"]


def test_identify_many_goes_on_after_a_bad_file(tmp_path, write_pattern, four_cifs):
    files = [write_pattern(tmp_path / f"{n}.gr", n) for n in ("Ni", "Si")]
    (tmp_path / "bad.gr").write_text("")
    found = list(whorl.identify_many([files[0], tmp_path / "bad.gr", files[1]], catalogues=four_cifs, only=True, workers=1))
    assert [v.status for v in found] == ["ok", "error", "ok"]
    assert [v.best.formula for v in found if v.best] == ["Ni", "Si"]


def test_refine_many(tmp_path, write_pattern, four_cifs):
    files = [write_pattern(tmp_path / f"{k}.gr", zoom=1 + 0.01 * k) for k in range(2)]
    found = list(whorl.refine_many(files, four_cifs / "Ni.cif", size=False, workers=1, workspace=False))
    assert [v.best.parameters["a"].value for v in found] == pytest.approx([3.5238, 3.5238 * 1.01], abs=0.003)


def test_errors_are_exceptions_of_their_kind(tmp_path, nickel, four_cifs):
    with pytest.raises(whorl.WhorlError, match="no such file"):
        whorl.identify(tmp_path / "no.gr")
    with pytest.raises(whorl.WhorlError, match="Did you mean qmax"):
        whorl.identify(nickel, settings={"qmx": 3})
    with pytest.raises(whorl.WhorlError, match="unknown element"):
        whorl.identify(nickel, elements=["Xx"])
    with pytest.raises(whorl.WhorlError, match="outside the data"):
        whorl.identify(nickel, catalogues=four_cifs, only=True, range=(100, 200))
    with pytest.raises(whorl.WhorlError, match="no structure"):
        whorl.refine(nickel, [])
    series = whorl.Measurement("gr", np.array([1.0, 2.0]), np.zeros((3, 2)))
    with pytest.raises(whorl.WhorlError, match=r"measurement\.frame"):
        whorl.identify(series)


def test_series_file_names_its_frames(tmp_path, nickel, four_cifs):
    one = whorl.read(nickel)
    whorl.write_measurement(replace(one, signal=np.array([one.signal, 2 * one.signal])), tmp_path / "s.nxs")
    with pytest.raises(whorl.WhorlError, match=r"s\.nxs#0"):
        whorl.identify(tmp_path / "s.nxs", catalogues=four_cifs, only=True)
    verdict = whorl.identify(f"{tmp_path / 's.nxs'}#1", catalogues=four_cifs, only=True)
    assert verdict.file.endswith("s.nxs#1")
    with pytest.raises(whorl.WhorlError, match="frame 7"):
        whorl.identify(f"{tmp_path / 's.nxs'}#7", catalogues=four_cifs, only=True)


def test_the_types_file_lists_the_names_of_the_api():
    stub = Path(whorl.__file__).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    homes = {alias.asname: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert homes == whorl._HOMES
    for name in whorl.__all__:
        assert getattr(whorl, name) is not None
    assert set(whorl.__all__) == set(dir(whorl))
    with pytest.raises(AttributeError, match="nonsense"):
        whorl.nonsense  # noqa: B018 - the access is what is tested
