"""Inputs and runs are kept whole, found again and never changed, whatever goes wrong in between."""

from __future__ import annotations

import errno
import multiprocessing
import os
import pickle
import shutil
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from whorl.core import database as database_module
from whorl.core.errors import PatternError, UsageError, WorkspaceError
from whorl.core.provenance import sha256_bytes
from whorl.core.verdict import Candidate, Quantity, Verdict
from whorl.core.workspace import Workspace


def verdict(file="data/Pt.gr", *, rw=0.118, **more):
    candidate = Candidate(
        rank=1,
        group=1,
        name="Pt (fcc)",
        kind="crystal",
        formula="Pt",
        probability=0.93,
        rw=rw,
        evidence=-1234.5,
        parameters={"a": Quantity(value=3.9233, sigma=0.0004, unit="angstrom")},
    )
    return Verdict(whorl="0.1.0", task="identify", file=file, technique="pdf", candidates=[candidate], **more)


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "ws") as opened:
        yield opened


def everything(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if not p.name.startswith("whorl.sqlite")}


def test_the_default_folder_is_whorl_home(monkeypatch, tmp_path):
    monkeypatch.setenv("WHORL_HOME", str(tmp_path / "home"))
    with Workspace.open() as opened:
        assert opened.folder == tmp_path / "home"
    monkeypatch.delenv("WHORL_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    with Workspace.open() as opened:
        assert opened.folder == tmp_path / ".whorl"


def test_a_run_comes_back_bit_for_bit(workspace):
    x = np.linspace(1.5, 30, 7)
    curves = {"Pt (fcc)/1": {"x": x, "observed": np.sin(x)}, "file": {"mask": np.array([True, False])}}
    run = workspace.save(
        verdict(),
        key="k",
        curves=curves,
        structures={"Pt (fcc).cif": "data_Pt\r\n", "α.xyz": "1\n\nPt 0 0 0\n"},
        extra={"log": b"\0"},
    )
    stored = workspace.load(run)
    assert stored.verdict == verdict().model_copy(update={"run": run})
    assert list(stored.curves) == list(curves)
    assert stored.curves["Pt (fcc)/1"]["observed"].tobytes() == np.sin(x).tobytes()
    assert stored.curves["file"]["mask"].dtype == np.bool_
    assert stored.structures == {"Pt (fcc).cif": "data_Pt\r\n", "α.xyz": "1\n\nPt 0 0 0\n"}
    assert stored.extra == {"log": b"\0"}
    assert [path.name for path in (workspace.folder / "partial").iterdir()] == []


def test_nan_of_a_broken_fit_is_null_on_disk_and_nan_again(workspace):
    run = workspace.save(verdict(rw=float("nan")), key="k")
    assert '"rw": null' in (workspace.folder / "runs" / run / "verdict.json").read_text()
    assert np.isnan(workspace.load(run).verdict.candidates[0].rw)
    assert workspace.runs()[0].rw is None


def test_find_gives_the_latest_good_run(workspace):
    assert workspace.find("k") is None
    first = workspace.save(verdict(), key="k")
    second = workspace.save(verdict(), key="k")
    workspace.save(Verdict.failed("identify", "a.gr", {"where": "a", "what": "b", "remedy": "c"}), key="k")
    assert first != second
    assert workspace.find("k") == second
    assert workspace.find("other") is None
    shutil.rmtree(workspace.folder / "runs" / second)
    assert workspace.find("k") == first


def test_load_by_prefix_digits_and_last(workspace):
    runs = [workspace.save(verdict(f"{i}.gr"), key=str(i)) for i in range(3)]
    assert workspace.load("last").id == runs[-1]
    assert workspace.load(runs[1][:-1]).verdict.file == "1.gr"
    assert workspace.load(runs[1][-6:]).verdict.file == "1.gr"
    with pytest.raises(WorkspaceError, match="more than one run"):
        workspace.load(runs[0][:4])
    for unknown in ("19990101", "", "%", "_"):
        with pytest.raises(WorkspaceError, match="no run"):
            workspace.load(unknown)


def test_list_newest_first_with_filters(workspace):
    runs = [workspace.save(verdict(f"data/{i}.gr"), key=str(i)) for i in range(4)]
    workspace.save(Verdict(whorl="0.1.0", task="refine", file="/x/data/1.gr"), key="r")
    assert [row.id for row in workspace.runs(task="identify")] == runs[::-1]
    assert [row.task for row in workspace.runs(file="1.gr")] == ["refine", "identify"]
    assert [row.task for row in workspace.runs(file="data/1.gr")] == ["refine", "identify"]
    assert len(workspace.runs(2)) == 2
    assert len(workspace.runs(None)) == 5
    row = workspace.runs(task="identify")[0]
    assert (row.best, row.rw, row.probability, row.status) == ("Pt (fcc)", 0.118, 0.93, "ok")


def test_inputs_are_kept_once_under_their_hash(workspace, tmp_path):
    source = tmp_path / "Pt.GR"
    source.write_bytes(b"1 2\n")
    digest = workspace.keep_input(source)
    assert digest == sha256_bytes(b"1 2\n") == workspace.keep_input(b"1 2\n")
    source.unlink()
    kept = workspace.input_path(digest)
    assert kept.read_bytes() == b"1 2\n"
    assert kept.name == f"{digest}.gr"
    assert len(list((workspace.folder / "inputs").rglob("*.*"))) == 1
    with pytest.raises(PatternError, match="cannot be read"):
        workspace.keep_input(source)
    for unknown in ("0" * 64, "../../etc/passwd", "*"):
        with pytest.raises(WorkspaceError, match="no input"):
            workspace.input_path(unknown)


def test_a_hostile_suffix_is_dropped(workspace):
    digest = workspace.keep_input(b"x", suffix="/../../evil")
    assert workspace.input_path(digest).name == digest


@pytest.mark.parametrize("name", ["../a.cif", "/a.cif", "", ".", "..", ".hidden", "a/b", "a\\b", "a\nb", "x" * 300])
def test_file_names_must_be_plain(workspace, name):
    with pytest.raises(UsageError, match="plain file name"):
        workspace.save(verdict(), key="k", structures={name: ""})
    assert workspace.runs() == []


def test_objects_are_not_pickled(workspace):
    with pytest.raises(UsageError, match="no array of numbers"):
        workspace.save(verdict(), key="k", curves={"a": {"x": np.array([{}], dtype=object)}})


def test_rows_cannot_be_changed_or_deleted(workspace):
    workspace.save(verdict(), key="k")
    with pytest.raises(WorkspaceError, match="do not change"), workspace._database.transaction() as index:
        index.execute("UPDATE runs SET rw = 0.01")
    with pytest.raises(WorkspaceError, match="are kept"), workspace._database.transaction() as index:
        index.execute("DELETE FROM runs")
    assert workspace.runs()[0].rw == 0.118


def test_batches_remember_what_is_done(workspace):
    workspace.start_batch("b", task="identify", command="whorl identify *.gr")
    first = workspace.save(verdict(), key="k1", item=("b", "k1"))
    workspace.save(Verdict.failed("identify", "a", {"where": "a", "what": "b", "remedy": "c"}), key="k2", item=("b", "k2"))
    workspace.mark_item("b", "k3", run=first)
    workspace.start_batch("b", task="identify")
    assert workspace.finished("b") == {"k1": first, "k3": first}
    assert list(workspace.finished("b", status="error")) == ["k2"]
    assert workspace.finished("other") == {}


def test_locked_by_another_process(tmp_path):
    with Workspace.open(tmp_path, timeout=0.1) as opened:
        kept = opened.save(verdict(), key="k")
        other = sqlite3.connect(tmp_path / "whorl.sqlite", isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            before = everything(tmp_path)
            with pytest.raises(WorkspaceError, match=r"locked by another process for more than 0\.1 s.*--workspace"):
                opened.save(verdict(), key="k")
            assert everything(tmp_path) == before
            assert opened.load("last").id == kept  # reading goes on
        finally:
            other.close()
        opened.save(verdict(), key="k")


def test_locked_while_opening(tmp_path):
    other = sqlite3.connect(tmp_path / "whorl.sqlite", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(WorkspaceError, match="locked by another process"):
            Workspace.open(tmp_path, timeout=0.1)
    finally:
        other.close()


def test_a_damaged_index_is_made_anew_from_the_runs(tmp_path):
    with Workspace.open(tmp_path) as opened:
        opened.start_batch("b", task="identify")
        runs = [opened.save(verdict(f"{i}.gr"), key=str(i)) for i in range(3)]
    index = tmp_path / "whorl.sqlite"
    index.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(WorkspaceError, match=r"whorl\.sqlite: the index of the workspace is damaged.*aside"):
        Workspace.open(tmp_path)
    index.rename(tmp_path / "whorl.sqlite.bad")
    with Workspace.open(tmp_path) as opened:
        assert [row.id for row in opened.runs()] == runs[::-1]
        assert opened.find("1") == runs[1]


def test_a_damaged_run_is_named(workspace):
    run = workspace.save(verdict(), key="k", curves={"a": {"x": [1.0, 2.0]}})
    folder = workspace.folder / "runs" / run
    (folder / "curves.npz").chmod(0o644)
    (folder / "curves.npz").write_bytes(b"PK")
    with pytest.raises(WorkspaceError, match=r"curves\.npz: the kept run is damaged"):
        _ = workspace.load(run).curves
    (folder / "verdict.json").chmod(0o644)
    (folder / "verdict.json").write_text('{"whorl": 1')
    with pytest.raises(WorkspaceError, match=r"verdict\.json: the kept run is damaged"):
        workspace.load(run)
    shutil.rmtree(folder)
    with pytest.raises(WorkspaceError, match="is gone"):
        workspace.load(run)


def test_a_newer_index_is_refused_and_an_older_one_migrated(tmp_path, monkeypatch):
    with Workspace.open(tmp_path) as opened:
        run = opened.save(verdict(), key="k")
    more = (*database_module.MIGRATIONS, ("CREATE TABLE tags (run TEXT NOT NULL, tag TEXT NOT NULL)",))
    monkeypatch.setattr(database_module, "MIGRATIONS", more)
    with Workspace.open(tmp_path) as opened:
        assert opened.load("last").id == run
        assert opened._database.rows("SELECT * FROM tags") == []
    monkeypatch.undo()
    with pytest.raises(WorkspaceError, match="newer whorl"):
        Workspace.open(tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path):
    (tmp_path / "ws").write_text("")
    with pytest.raises(WorkspaceError, match=r"ws.*WHORL_HOME"):
        Workspace.open(tmp_path / "ws")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_failing_disk_leaves_nothing_half_written(workspace, monkeypatch, number):
    kept = workspace.save(verdict(), key="k", curves={"a": {"x": [1.0]}})
    before = everything(workspace.folder)
    real, calls = os.fsync, []

    def fail(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(WorkspaceError, match=r"disk.*--workspace FOLDER or WHORL_HOME"):
        workspace.save(verdict(), key="k", curves={"a": {"x": [1.0]}})
    monkeypatch.undo()
    assert everything(workspace.folder) == before
    assert workspace.find("k") == kept
    assert workspace.load(kept).curves["a"]["x"].tolist() == [1.0]


@pytest.fixture
def mounted(tmp_path):
    """Mount a file system of one megabyte, where the system lets us."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("needs the right to mount a small file system")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_really_full(mounted):
    with Workspace.open(mounted / "ws") as opened:
        kept = opened.save(verdict(), key="k")
        (mounted / "filler").write_bytes(b"\0" * (mounted_free(mounted) - 8192))
        before = everything(mounted)
        noise = np.random.default_rng(7).normal(size=100_000)
        with pytest.raises(WorkspaceError, match="disk is full"):
            opened.save(verdict(), key="k", curves={"a": {"x": noise}})
        with pytest.raises(WorkspaceError, match="disk is full"):
            opened.keep_input(noise.tobytes())
        after = everything(mounted)
        assert {name for name in after - before if Path(name).parent.name != "inputs"} == set()
        (mounted / "filler").write_bytes(b"")
        assert opened.find("k") == kept
        assert opened.save(verdict(), key="k") != kept


def mounted_free(folder):
    usage = os.statvfs(folder)
    return usage.f_bavail * usage.f_frsize


def test_a_read_only_file_system(mounted):
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    with pytest.raises(WorkspaceError, match=r"read-only.*--workspace FOLDER or WHORL_HOME"):
        Workspace.open(mounted)


def test_a_workspace_that_becomes_read_only(mounted):
    with Workspace.open(mounted) as opened:
        kept = opened.save(verdict(), key="k")
        opened.close()
        subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
        with pytest.raises(WorkspaceError, match=r"read-only|cannot be written"):
            opened.save(verdict(), key="k")
        subprocess.run(["mount", "-o", "remount,rw", str(mounted)], check=True)
        assert opened.load("last").id == kept


def test_what_a_kill_left_behind_is_removed_after_a_day(tmp_path):
    with Workspace.open(tmp_path):
        pass
    for name, age in (("old", 2 * 86400), ("young", 60)):
        (tmp_path / "partial" / name).mkdir()
        os.utime(tmp_path / "partial" / name, (time.time() - age,) * 2)
    with Workspace.open(tmp_path):
        assert [path.name for path in (tmp_path / "partial").iterdir()] == ["young"]


def test_processes_save_at_once(tmp_path, jobs):
    """Four new processes race to make the workspace and fill it; no run is lost and no two share a name."""
    context = multiprocessing.get_context("spawn")
    crowd = [context.Process(target=jobs.save_many, args=(str(tmp_path / "ws"), w, 8)) for w in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(120)
    assert [process.exitcode for process in crowd] == [0] * 4
    with Workspace.open(tmp_path / "ws") as opened:
        rows = opened.runs(None)
        assert len({row.id for row in rows}) == 32
        assert {row.file for row in rows} == {f"{w}-{i}" for w in range(4) for i in range(8)}
        assert len(opened.finished("b")) == 32
        assert len(list((opened.folder / "inputs").glob("*/*"))) == 8
        assert all(opened.load(row.id).verdict.file == row.file for row in rows)


def test_threads_share_one_workspace(workspace):
    def save(number):
        return [workspace.save(verdict(f"{number}.gr"), key="k", item=("b", f"{number}-{i}")) for i in range(5)]

    with ThreadPoolExecutor(4) as threads:
        runs = [run for found in threads.map(save, range(4)) for run in found]
    assert len(set(runs)) == 20
    assert {row.id for row in workspace.runs()} == set(runs) == set(workspace.finished("b").values())


@pytest.mark.parametrize("saves", [1, 7, 20])
def test_kill_9_in_the_middle_of_saving(tmp_path, jobs, saves):
    """Whatever moment the kill falls on, each run of the list is whole."""
    process = multiprocessing.get_context("spawn").Process(target=jobs.save_many, args=(str(tmp_path / "ws"), 0, 100_000))
    process.start()
    with Workspace.open(tmp_path / "ws", timeout=30) as opened:
        deadline = time.monotonic() + 60
        while len(opened.runs(None)) < saves and time.monotonic() < deadline:
            time.sleep(0.001)
        process.kill()
        process.join()
        rows = opened.runs(None)
        assert len(rows) >= saves
        assert [opened.load(row.id).verdict.file for row in rows] == [f"0-{i}" for i in reversed(range(len(rows)))]
        assert len(opened.finished("b")) == len(rows)
        assert len(list((opened.folder / "partial").iterdir())) <= 1
        assert opened.find("0") == rows[-1].id


def test_candidates_share_the_arrays_they_have_in_common(workspace):
    x = np.random.default_rng(3).normal(size=1000)
    curves = {f"c{i}": {"x": x, "observed": x + 1, "calculated": x * i} for i in range(5)}
    run = workspace.save(verdict(), key="k", curves=curves)
    assert (workspace.folder / "runs" / run / "curves.npz").stat().st_size < 7 * 8000
    assert all(np.array_equal(workspace.load(run).curves[f"c{i}"]["calculated"], x * i) for i in range(5))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_it_travels_to_another_process_as_a_folder(workspace):
    run = workspace.save(verdict(), key="k")
    with pickle.loads(pickle.dumps(workspace)) as other:
        assert other.find("k") == run
    child = os.fork()
    if child == 0:  # the child of a fork opens its own connection
        os._exit(0 if workspace.find("k") == run else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert workspace.find("k") == run
