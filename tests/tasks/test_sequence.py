"""Series in chains: the order of frames, any number of processes, stops, bad frames, coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.core.outcome import Cancel
from whorl.core.workspace import Workspace
from whorl.formats import write_measurement
from whorl.tasks.coordinates import read_coordinate
from whorl.tasks.inputs import Item, list_items
from whorl.tasks.recipes import Refine
from whorl.tasks.replay import replay
from whorl.tasks.sequence import chains, refine_series


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


@pytest.fixture(scope="module")
def file(oxidised, tmp_path_factory):
    path = tmp_path_factory.mktemp("series") / "scan.nxs"
    write_measurement(oxidised.measurement, path)
    return path


@pytest.fixture
def recipe(oxidised):
    return Refine(structures=oxidised.structures)


@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 49, 100])
@pytest.mark.parametrize("options", [{}, {"backward": True}, {"first": 0}, {"first": "middle"}, {"length": 1}])
def test_every_frame_is_in_one_chain_behind_its_parent(count, options):
    options = {k: count // 2 if v == "middle" else v for k, v in options.items()}
    found = chains(count, **options)
    assert sorted(i for c in found for i in c.frames) == list(range(count))
    heads = []
    for chain in found:
        assert chain.parent is None or chain.parent in heads
        assert (chain.parent is None) == (not heads)
        heads.append(chain.frames[0])
        assert all(abs(a - b) == 1 for a, b in zip(chain.frames, chain.frames[1:], strict=False))
    if options.get("backward"):
        assert heads[0] == count - 1


def test_impossible_orders():
    with pytest.raises(UsageError, match="first frame 7 of 5"):
        chains(5, first=7)
    with pytest.raises(UsageError, match="chains of 0"):
        chains(5, length=0)


def _answers(verdicts):
    return {v.file: (v.best.rw, {n: (q.value, q.sigma) for n, q in v.best.parameters.items()}) for v in verdicts}


def test_one_process_or_two_give_the_same(recipe, file, tmp_path):
    found = []
    for workers in (1, 2):
        with Workspace.open(tmp_path / f"ws{workers}") as place:
            found.append(_answers(refine_series(recipe, [file], workspace=place, workers=workers, length=3)))
    assert len(found[0]) == 8
    assert found[0] == found[1]


def test_a_stop_loses_nothing_and_the_rest_goes_on(recipe, file, workspace, monkeypatch):
    """Frames done before the stop are not computed again, and the answers are those of a run without a stop."""
    calls = []
    original = Refine.run
    monkeypatch.setattr(Refine, "run", lambda self, m, **k: calls.append(m.path) or original(self, m, **k))
    whole = _answers(refine_series(recipe, [file], workspace=None, workers=1))
    assert len(calls) == 8
    cancel = Cancel()
    part = []
    for verdict in refine_series(recipe, [file], workspace=workspace, workers=1, cancel=cancel):
        part.append(verdict)
        if len(part) == 3:
            cancel.cancel()
    assert len(part) == 3
    calls.clear()
    again = _answers(refine_series(recipe, [file], workspace=workspace, workers=1))
    assert len(calls) == 5
    assert again == whole


def test_a_frame_is_replayed_to_the_last_bit(recipe, file, workspace):
    verdicts = list(refine_series(recipe, list_items([file])[2:5], workspace=workspace, workers=1))
    assert replay(verdicts[-1].run, workspace=workspace).identical


def test_backward_begins_with_the_last_frame(recipe, file):
    items = list_items([file])
    found = [v.file for v in refine_series(recipe, items[3:6], workspace=None, workers=1, backward=True)]
    assert found == [item.name for item in reversed(items[3:6])]


def test_a_bad_frame_stops_no_other(recipe, oxidised, tmp_path, workspace):
    """The frame behind it starts from the one before it."""
    for k in (3, 4):
        write_measurement(oxidised.frames[k], tmp_path / f"{k}.nxs")
    (tmp_path / "3a.xy").write_text("1 2\n")
    files = [tmp_path / name for name in ("3.nxs", "3a.xy", "4.nxs")]
    errors = []
    found = list(refine_series(recipe, files, workspace=workspace, workers=1, on_error=errors.append))
    assert [v.status for v in found] == ["ok", "error", "ok"]
    assert len(errors) == 1
    start = found[2].provenance.parameters["recipe"]["start"]
    assert start["anew"]
    assert start["rw"] == found[0].best.rw


def test_no_input(recipe):
    with pytest.raises(UsageError, match="no input"):
        list(refine_series(recipe, [], workspace=None))


ITEMS = [Item(f"scan/frame_{n:03d}.xye") for n in (2, 4, 6)]


@pytest.mark.parametrize(
    ("text", "column", "wanted"),
    [
        ("Scan,Temperature (C),Time\n2,25,0.3\n3,26,0.5\n4,27,1.0\n6,29,1.7\n", "", ("Time", [0.3, 1.0, 1.7])),
        ("Scan,Temperature (C),Time\n2,25,\n4,27,1.0\n6,29,\n", "", ("Temperature (C)", [25, 27, 29])),
        ("file;T\nframe_004.xye;20\nframe_002.xye;10\nframe_006.xye;30\n", "T", ("T", [10, 20, 30])),
        ("1.5\n2.5\n3.5\n", "", ("column 1", [1.5, 2.5, 3.5])),
        ("# made by hand\n0 300\n1 310\n9 320\n", "", ("column 2", [300, 310, 320])),
    ],
)
def test_coordinates_of_frames(tmp_path, text, column, wanted):
    path = tmp_path / "log.csv"
    path.write_text(text)
    label, values = read_coordinate(f"{path}:{column}" if column else str(path), ITEMS)
    assert label == wanted[0]
    np.testing.assert_array_equal(values, wanted[1])


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("a,b\n1,2\n", "", "1 rows for 3 frames"),
        ("a,b\n2,x\n4,y\n6,z\n", "c", "no column 'c'"),
        ("a,b\n2,x\n4,y\n6,z\n", "b", "a frame has no number"),
        ("a,b\n", "", "nothing but its head"),
        ("", "", "empty"),
    ],
)
def test_bad_tables_of_coordinates(tmp_path, text, column, words):
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_coordinate(f"{path}:{column}" if column else str(path), ITEMS)
    with pytest.raises(UsageError, match="cannot be read"):
        read_coordinate(str(tmp_path / "none.csv"), ITEMS)
