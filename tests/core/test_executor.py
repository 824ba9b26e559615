"""Every item has its outcome; what fails, dies or is interrupted stops nothing else and leaves nobody behind."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whorl.core.errors import MissingExtraError, PatternError, UsageError, WhorlError
from whorl.core.executor import Cancel, SerialExecutor, choose_executor, usable_cores
from whorl.core.outcome import Outcome, Tracker
from whorl.core.process_pool import ProcessExecutor


@pytest.fixture(params=["serial", "processes"])
def executor(request):
    return SerialExecutor() if request.param == "serial" else ProcessExecutor(2)


def by_index(outcomes):
    return {outcome.index: outcome for outcome in outcomes}


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Wait for a process that is not our child to end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_each_item_has_one_outcome(executor, jobs):
    items = [float(x) for x in range(300)]
    found = by_index(executor.run(jobs.square, items))
    assert [found[i].value for i in range(300)] == [x * x for x in items]
    assert all(outcome.ok and outcome.seconds >= 0 for outcome in found.values())
    assert list(executor.run(jobs.square, [])) == []


def test_failures_stay_with_their_items(executor, jobs):
    found = by_index(executor.run(jobs.picky, range(8)))
    assert sorted(i for i, outcome in found.items() if outcome.ok) == [0, 1, 6, 7]
    error = found[2].error
    assert isinstance(error, PatternError)
    assert (error.what, error.where, error.remedy) == ("r is not increasing", "Pt.gr, line 31", "Sort the file.")
    assert found[2].traceback == ""
    assert "ZeroDivisionError" in found[3].error.what
    assert "jobs_of_tests.py" in found[3].traceback
    assert "SystemExit" in found[4].error.what
    assert found[5].error.what == "out of memory"
    with pytest.raises(PatternError):
        found[2].unwrap()
    assert found[7].unwrap() == 49


def test_an_unexpected_error_names_the_file(executor):
    (outcome,) = executor.run(math.sqrt, ["data/Pt.gr"])
    assert outcome.error.where == "data/Pt.gr"


def test_events_add_up(executor, jobs):
    events = []
    list(executor.run(jobs.picky, range(6), on_event=events.append))
    kinds = [event.kind for event in events]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {"started": 6, "finished": 2, "failed": 4, "progress": 6}
    assert sorted(event.index for event in events if event.kind == "started") == list(range(6))
    last = events[-1]
    assert (last.kind, last.done, last.failed, last.total, last.seconds_left) == ("progress", 6, 4, 6, 0.0)
    assert [event.done for event in events if event.kind == "progress"] == [1, 2, 3, 4, 5, 6]


def test_rate_and_time_left():
    now, events = [10.0], []
    tracker = Tracker(5, events.append, clock=lambda: now[0])
    tracker.started(0)
    assert events[-1].seconds_left is None
    for second, index in ((12.0, 0), (14.0, 1)):
        now[0] = second
        tracker.ended(Outcome(index))
    assert events[-1].rate == 0.5
    assert events[-1].seconds_left == 6.0


def test_cancel_ends_the_run_and_keeps_what_is_finished(executor, jobs):
    token = Cancel()
    found = []
    for outcome in executor.run(jobs.nap, [0.01] * 400, cancel=token):
        found.append(outcome)
        if len(found) == 3:
            token.cancel()
    assert 3 <= len(found) < 400
    assert all(outcome.ok for outcome in found)


def test_cancel_stops_a_long_item(jobs, tmp_path):
    token = Cancel()

    def listen(event):
        token.cancel()

    assert list(ProcessExecutor(2).run(jobs.write_pid_and_sleep, [str(tmp_path)] * 2, on_event=listen, cancel=token)) == []
    assert all(gone(int(path.name)) for path in tmp_path.iterdir())


def test_a_killed_worker_costs_one_item(jobs):
    found = by_index(ProcessExecutor(2).run(jobs.deadly, range(40)))
    assert sorted(found) == list(range(40))
    assert [i for i, outcome in found.items() if not outcome.ok] == [3]
    assert "killed by SIGKILL" in found[3].error.what
    assert "fewer workers" in found[3].error.remedy
    assert found[39].value == 39**2


def test_workers_use_one_thread_and_the_parent_is_left_alone(jobs, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    for outcome in ProcessExecutor(2).run(jobs.threads, range(2)):
        assert set(outcome.value.values()) == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "NUMBA_NUM_THREADS" not in os.environ


def test_what_cannot_travel(jobs):
    with pytest.raises(UsageError, match="cannot be sent to worker processes"):
        ProcessExecutor(2).run(lambda x: x, [1, 2])
    found = by_index(ProcessExecutor(2).run(jobs.unpicklable, [0, 1, 2]))
    assert "result cannot be sent" in found[1].error.what
    assert found[2].value == 2
    found = by_index(ProcessExecutor(2).run(jobs.square, [1.0, lambda: None, 2.0]))
    assert "item cannot be sent" in found[1].error.what
    assert found[2].value == 4.0


def test_a_function_the_workers_cannot_import(tmp_path, monkeypatch):
    (tmp_path / "soon_gone.py").write_text("def f(x):\n    return x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import soon_gone  # type: ignore[import-not-found]

    (tmp_path / "soon_gone.py").unlink()
    with pytest.raises(UsageError, match=r"cannot load the function \(ModuleNotFoundError"):
        list(ProcessExecutor(2).run(soon_gone.f, [1, 2]))


def script(tmp_path, text) -> Path:
    path = tmp_path / "script.py"
    path.write_text(text)
    return path


def test_a_script_without_guard_is_told_so(tmp_path):
    path = script(
        tmp_path,
        "from whorl.core.process_pool import ProcessExecutor\n"
        "def f(x):\n    return x\n"
        "try:\n    list(ProcessExecutor(1).run(f, [1]))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n    raise SystemExit(3)\n",
    )
    run = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 3
    assert "if __name__" in run.stdout


def test_ctrl_c_stops_the_children_and_reaches_the_caller(tmp_path, jobs):
    path = script(
        tmp_path,
        "import signal, sys\n"
        f"sys.path.insert(0, {str(Path(jobs.__file__).parent)!r})\n"
        "import jobs_of_tests\n"
        "from whorl.core.process_pool import ProcessExecutor\n"
        "if __name__ == '__main__':\n"
        "    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start background jobs deaf to it\n"
        "    try:\n"
        f"        for o in ProcessExecutor(2).run(jobs_of_tests.write_pid_and_sleep, [{str(tmp_path / 'pids')!r}] * 4): pass\n"
        "    except KeyboardInterrupt:\n"
        "        print('interrupted', flush=True)\n"
        "        raise SystemExit(130)\n",
    )
    (tmp_path / "pids").mkdir()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, path], start_new_session=True, **pipes) as process:
        try:
            pids = wait_for(tmp_path / "pids", 2)
            os.killpg(process.pid, signal.SIGINT)  # the whole group, as the terminal does
            out, err = process.communicate(timeout=240)
        finally:
            process.kill()
    assert (process.returncode, out.strip(), err) == (130, b"interrupted", b"")
    assert all(gone(pid) for pid in pids)


def test_children_do_not_outlive_a_killed_parent(tmp_path, jobs):
    path = script(
        tmp_path,
        "import sys\n"
        f"sys.path.insert(0, {str(Path(jobs.__file__).parent)!r})\n"
        "import jobs_of_tests\n"
        "from whorl.core.process_pool import ProcessExecutor\n"
        "if __name__ == '__main__':\n"
        f"    list(ProcessExecutor(2).run(jobs_of_tests.write_pid_and_sleep, [{str(tmp_path / 'pids')!r}] * 4))\n",
    )
    (tmp_path / "pids").mkdir()
    process = subprocess.Popen([sys.executable, path])
    try:
        pids = wait_for(tmp_path / "pids", 2)
    finally:
        process.kill()
        process.wait()
    assert all(gone(pid) for pid in pids)


def wait_for(folder: Path, n: int) -> list[int]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pids = [int(path.name) for path in folder.iterdir()]
        if len(pids) >= n:
            return pids
        time.sleep(0.05)
    raise AssertionError(f"only {len(pids)} of {n} workers started")


def test_choice():
    assert isinstance(choose_executor(None, 1), SerialExecutor)
    assert isinstance(choose_executor(1, 100), SerialExecutor)
    assert isinstance(choose_executor(None, 0), SerialExecutor)
    assert choose_executor(3, 100).workers == 3
    assert ProcessExecutor().workers == usable_cores()
    for workers in (0, -1):
        with pytest.raises(UsageError, match="workers"):
            choose_executor(workers, 3)
    with pytest.raises(UsageError, match="address of a scheduler"):
        choose_executor(2, 3, "localhost")


def test_dask_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"whorl\[scale\]"):
        choose_executor(2, 3, "tcp://127.0.0.1:8786")


def test_dask_cluster(jobs):
    distributed = pytest.importorskip("distributed", reason="dask is not installed (the scale extra)")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, protocol="inproc://"
    ) as cluster:
        found = by_index(choose_executor(None, 10, cluster.scheduler_address).run(jobs.picky, range(10)))
        assert sorted(found) == list(range(10))
        assert found[9].value == 81
        assert isinstance(found[2].error, PatternError)
        token = Cancel()
        token.cancel()
        assert list(choose_executor(None, 10, cluster.scheduler_address).run(jobs.picky, [1], cancel=token)) == []


def test_errors_keep_their_class_between_processes(jobs):
    (outcome,) = ProcessExecutor(1).run(jobs.picky, [2])
    assert type(outcome.error) is PatternError
    assert outcome.error.exit_code == WhorlError.exit_code
