"""A batch that is killed in the middle goes on where it was, and no finished item is done twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from whorl.core.errors import UsageError
from whorl.core.resume import resumable
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace

BATCH = """
import sys
sys.path.insert(0, {folder!r})
import jobs_of_tests
from whorl.core.process_pool import ProcessExecutor
from whorl.core.resume import resumable
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace

if __name__ == "__main__":
    paths = {paths!r}
    with Workspace.open({home!r}) as workspace:
        workspace.start_batch("b", task="identify")
        plan = resumable(paths, paths, workspace, "b")
        for outcome in ProcessExecutor(2).run(jobs_of_tests.touch_and_name, plan.items):
            path = paths[plan.indices[outcome.index]]
            verdict = Verdict(whorl="0", task="identify", file=outcome.unwrap())
            workspace.save(verdict, key=path, item=("b", path))
    print(len(plan.done), len(plan.items))
"""


def save(workspace, key, *, batch="b", file="a"):
    return workspace.save(Verdict(whorl="0", task="identify", file=file), key=key, item=(batch, key))


def test_kill_9_and_resume(tmp_path, jobs):
    paths = [str(tmp_path / f"{i:02}.gr") for i in range(40)]
    script = tmp_path / "batch.py"
    script.write_text(BATCH.format(folder=str(Path(jobs.__file__).parent), paths=paths, home=str(tmp_path / "home")))
    process = subprocess.Popen([sys.executable, script])
    with Workspace.open(tmp_path / "home", timeout=30) as workspace:
        try:
            deadline = time.monotonic() + 60
            while len(workspace.finished("b")) < 5:
                assert time.monotonic() < deadline, "the batch does not move"
                assert process.poll() is None, "the batch ended too early to be killed"
                time.sleep(0.02)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(0.3)  # its workers notice
        finished = workspace.finished("b")
        assert 5 <= len(finished) < 40
        worked_on = {path: Path(path).read_text().count("x") for path in paths if Path(path).exists()}

        again = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120)
        assert again.stdout.split() == [str(len(finished)), str(40 - len(finished))]
        final = workspace.finished("b")
        assert sorted(final) == paths
        assert {key: final[key] for key in finished} == finished
        for path in paths:
            times = Path(path).read_text().count("x")
            if path in finished:
                assert times == 1
            else:
                assert times == worked_on.get(path, 0) + 1
        assert all(workspace.load(run).verdict.file == Path(path).name for path, run in final.items())
        third = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120)
        assert third.stdout.split() == ["40", "0"]


def test_failed_items_are_tried_again_and_the_cache_is_used(tmp_path):
    with Workspace.open(tmp_path) as workspace:
        for batch in ("b", "earlier"):
            workspace.start_batch(batch, task="identify")
        first = save(workspace, "k0")
        workspace.save(Verdict.failed("identify", "x", {"where": "", "what": "w", "remedy": "r"}), key="k1", item=("b", "k1"))
        other = save(workspace, "k2", batch="earlier")
        plan = resumable("abcda", ["k0", "k1", "k2", "k3", "k3"], workspace, "b")
        assert plan.done == {0: first, 2: other}
        assert (plan.indices, plan.items) == ((1, 3), ("b", "d"))
        plan = resumable("abcd", ["k0", "k1", "k2", "k3"], workspace, "b", cached=False)
        assert plan.done == {0: first}
        with pytest.raises(UsageError, match="1 keys for 2 items"):
            resumable("ab", ["k0"], workspace, "b")
