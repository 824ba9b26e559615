"""Many inputs through one recipe: cache, resume, events, hooks, failures."""

from __future__ import annotations

import pytest

from whorl.core.errors import UsageError, WhorlError
from whorl.core.outcome import Cancel
from whorl.core.workspace import Workspace
from whorl.tasks.batch import run_files
from whorl.tasks.inputs import Item, list_items
from whorl.tasks.recipes import Identify, Refine, command_of, recipe_from


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture
def recipe(four_cifs):
    return Identify(catalogues=(str(four_cifs),), only=True)


@pytest.fixture
def files(tmp_path, write_pattern):
    return [write_pattern(tmp_path / f"{k}.gr", "Ni", zoom=1 + 0.01 * k, seed=k) for k in range(3)]


def test_events_count_the_whole_batch(workspace, recipe, files, tmp_path):
    list(run_files(recipe, files[:1], workspace=workspace, workers=1))
    (tmp_path / "bad.gr").write_text("")
    events = []
    found = list(run_files(recipe, [*files, tmp_path / "bad.gr"], workspace=workspace, workers=1, on_event=events.append))
    assert [v.status for v in found] == ["ok", "ok", "ok", "error"]
    ends = [(e.index, e.kind, e.message) for e in events if e.kind in ("finished", "failed")]
    assert ends[0] == (0, "finished", "kept")
    assert [e[:2] for e in ends[1:]] == [(1, "finished"), (2, "finished"), (3, "failed")]
    assert {e.total for e in events} == {4}
    assert events[-1].done == 4
    assert events[-1].failed == 1


def test_result_is_found_by_content_not_by_name(workspace, recipe, files, tmp_path):
    (first,) = run_files(recipe, files[:1], workspace=workspace, workers=1)
    moved = files[0].rename(tmp_path / "renamed.gr")
    (second,) = run_files(recipe, [moved], workspace=workspace, workers=1)
    assert second.run == first.run
    assert second.file == str(moved)
    assert second.provenance.command == command_of(recipe, str(moved))


@pytest.mark.parametrize(
    "change",
    [{"top": 2}, {"range": (2.0, 12.0)}, {"settings": {"qmax": 21}}, {"elements": ("Ni",)}, {"catalogues": ("elements",)}],
)
def test_another_parameter_is_another_result(change, workspace, recipe, files):
    from dataclasses import replace

    (first,) = run_files(recipe, files[:1], workspace=workspace, workers=1)
    (second,) = run_files(replace(recipe, **change), files[:1], workspace=workspace, workers=1)
    assert second.run != first.run


def test_same_setting_written_in_two_ways_is_one_result(workspace, four_cifs, files):
    one = Identify(catalogues=(str(four_cifs),), only=True, settings={"qmax": 22}, elements=("O", "Ni"))
    other = Identify(catalogues=(str(four_cifs),), only=True, settings={"qmax": 22.0}, elements=("Ni", "O"))
    (first,) = run_files(one, files[:1], workspace=workspace, workers=1)
    (second,) = run_files(other, files[:1], workspace=workspace, workers=1)
    assert second.run == first.run


def test_structure_that_changed_is_refined_anew(workspace, four_cifs, files):
    from dataclasses import replace

    from whorl.tasks.hypotheses import find

    nickel = find(str(four_cifs / "Ni.cif"))
    recipe = Refine(structures=(nickel,), sources=("Ni.cif",), size=False)
    other = Refine(structures=(replace(nickel, cell=(3.6, 3.6, 3.6, 90, 90, 90)),), sources=("Ni.cif",), size=False)
    (first,) = run_files(recipe, files[:1], workspace=workspace, workers=1)
    (second,) = run_files(other, files[:1], workspace=workspace, workers=1)
    assert second.run != first.run


def test_failed_items_are_tried_again(workspace, recipe, tmp_path, files):
    bad = tmp_path / "late.gr"
    bad.write_text("")
    (first,) = run_files(recipe, [bad], workspace=workspace, workers=1)
    assert first.status == "error"
    assert first.run  # the failure is on record too
    (again,) = run_files(recipe, [bad], workspace=workspace, workers=1)
    assert again.run != first.run
    bad.write_bytes(files[0].read_bytes())
    (good,) = run_files(recipe, [bad], workspace=workspace, workers=1)
    assert good.status == "ok"


def test_hook_is_called_for_new_and_for_kept_answers(workspace, recipe, files):
    seen = []

    def hook(verdict, measurement):
        seen.append((verdict.run, verdict.best.curve is not None, measurement.x.size, len(verdict.best.structures)))

    list(run_files(recipe, files[:1], workspace=workspace, workers=1))
    found = list(run_files(recipe, files[:2], workspace=workspace, workers=1, hook=hook))
    assert seen == [(v.run, True, 750, 1) for v in found]


def test_hook_that_fails_stops_the_batch_but_keeps_the_answer(workspace, recipe, files):
    def hook(verdict, measurement):
        raise WhorlError("the disk is full", where="out")

    found = run_files(recipe, files, workspace=workspace, workers=1, hook=hook)
    first = next(found)
    with pytest.raises(WhorlError, match="disk is full"):
        next(found)
    assert first.status == "ok"
    assert workspace.load("last").id == first.run


def test_cancel_keeps_finished_items(workspace, recipe, files):
    token = Cancel()
    found = []
    for verdict in run_files(recipe, files, workspace=workspace, workers=1, cancel=token):
        found.append(verdict)
        token.cancel()
    assert len(found) == 1
    assert len(list(run_files(recipe, files, workspace=workspace, workers=1))) == 3
    assert len(workspace.runs()) == 3


def test_file_that_changes_under_our_hands_is_no_answer(recipe, files):
    (item,) = list_items(files[:1])
    files[0].write_bytes(files[1].read_bytes())
    (verdict,) = run_files(recipe, [item], workspace=None, workers=1)
    assert verdict.status == "error"
    assert "changed" in verdict.error.what


def test_workspace_without_space_ends_the_batch_with_a_clear_error(workspace, recipe, files, monkeypatch):
    import errno

    from whorl.core import stored

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stored, "write_files", full)
    with pytest.raises(WhorlError, match="disk is full"):
        list(run_files(recipe, files, workspace=workspace, workers=1))
    assert workspace.runs() == []


def test_no_input_is_a_usage_error(recipe):
    with pytest.raises(UsageError, match="no input"):
        list(run_files(recipe, [], workspace=None))


def test_recipes_survive_being_kept(four_cifs):
    from whorl.tasks.hypotheses import find

    identify = Identify(elements=("Ni",), catalogues=("a", "b"), only=True, top=2, range=(1, 2), settings={"qmax": 3})
    refine = Refine(structures=(find("Ni (fcc)"),), sources=("Ni (fcc)",), range=(1, 2), fixed={"a": 3.5}, size=True)
    for recipe in (identify, refine):
        assert recipe_from(recipe.task, recipe.as_dict(), recipe.extra()) == recipe
    with pytest.raises(WhorlError, match="cannot be repeated"):
        recipe_from("dream", {}, {})
    with pytest.raises(WhorlError, match="cannot be used"):
        recipe_from("refine", refine.as_dict(), {})


def test_items_of_files_series_and_frames(tmp_path, files):
    import numpy as np

    from whorl.core.measurement import Measurement
    from whorl.formats import write_measurement

    write_measurement(Measurement("gr", np.arange(1.0, 30.0), np.zeros((2, 29))), tmp_path / "s.nxs")
    (tmp_path / "odd#3").write_bytes(files[0].read_bytes())
    items = list_items([files[0], files[0], tmp_path / "s.nxs", f"{tmp_path}/s.nxs#1", tmp_path / "odd#3", "missing.gr"])
    names = [item.name.removeprefix(f"{tmp_path}/") for item in items]
    assert names == ["0.gr", "s.nxs#0", "s.nxs#1", "odd#3", "missing.gr"]
    assert items[-1] == Item("missing.gr")
    assert items[3].frame is None


def test_a_checkout_never_gives_the_answer_of_older_code():
    import whorl
    from whorl.tasks.batch import code_version

    installed = "site-packages" in whorl.__file__
    assert code_version() == whorl.__version__ if installed else code_version().startswith(f"{whorl.__version__}+")
