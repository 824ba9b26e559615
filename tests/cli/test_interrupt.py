"""A batch that is interrupted or killed keeps what is finished, leaves no process behind, and goes on where it was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from whorl.core.workspace import Workspace

pytestmark = pytest.mark.slow

FILES = 10


@pytest.fixture
def folder(tmp_path, write_pattern):
    data = tmp_path / "data"
    data.mkdir()
    for number in range(FILES):
        write_pattern(data / f"{number}.gr", "Ni", zoom=1 + 0.001 * number, seed=number, r_max=20.0)
    return data


def _hear_interrupts() -> None:
    """Undo what a shell does to a process in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def started(folder, little):
    """A batch of two workers in a process of its own; `started()` gives it when its first answer has come."""
    begun = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "whorl", "identify", str(folder), *map(str, little), "--json", "-", "--workers", "2"]
        process = subprocess.Popen(
            [*command, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hear_interrupts,  # noqa: PLW1509 - no threads here
        )
        begun.append(process)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["status"] == "ok"
        return process

    yield start
    for process in begun:
        process.kill()
        process.communicate()


def children(pid: int) -> set[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return {int(word) for word in found.split()}


def running(pid: int) -> bool:
    """Tell whether a process runs; one that ended and was not yet collected does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return state.strip()[:1] not in ("", "Z")


def wait_until_gone(pids: set[int]) -> None:
    deadline = time.monotonic() + 30
    while any(running(pid) for pid in pids):
        assert time.monotonic() < deadline, "worker processes were left behind"
        time.sleep(0.1)


def test_interrupt_keeps_what_is_finished(started, whorl, folder, little):
    process = started()
    workers = children(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"of {FILES} are done and kept. The same command goes on from there." in err
    assert "Traceback" not in err
    wait_until_gone(workers)
    with Workspace.open() as workspace:
        before = {row.id: row.file for row in workspace.runs()}
    assert 0 < len(before) < FILES
    assert len(out.splitlines()) + 1 <= len(before)
    rows = whorl("identify", folder, *little, "--json", "-", "--workers", 1).rows
    assert len(rows) == FILES
    assert set(before) <= {row["run"] for row in rows}, "a finished item was done again"


def test_kill_loses_nothing_that_was_finished(started, whorl, folder, little):
    process = started()
    workers = children(process.pid)
    process.kill()
    process.communicate(timeout=30)
    wait_until_gone(workers)
    with Workspace.open() as workspace:
        before = {row.id for row in workspace.runs()}
    assert 0 < len(before) < FILES
    rows = whorl("identify", folder, *little, "--json", "-", "--workers", 1).rows
    assert {row["status"] for row in rows} == {"ok"}
    assert len(rows) == FILES
    assert before <= {row["run"] for row in rows}, "a finished item was done again"
    with Workspace.open() as workspace:
        assert len(workspace.runs()) == FILES


def test_output_that_is_closed_ends_quietly(folder, little):
    command = f"{sys.executable} -m whorl identify {folder} {little[0]} {little[1]} --only --json - --workers 1 | head -n 1"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert json.loads(found.stdout)["status"] == "ok"
    assert "Traceback" not in found.stderr
    assert "Exception" not in found.stderr
