"""Functions that tests send to other processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from whorl.core.errors import PatternError
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace


def save_many(folder: str, worker: int, n: int) -> None:
    """Fill a workspace together with others."""
    with Workspace.open(folder, timeout=60) as opened:
        opened.start_batch("b", task="identify")
        for i in range(n):
            opened.keep_input(f"{i}".encode())
            verdict = Verdict(whorl="0", task="identify", file=f"{worker}-{i}")
            opened.save(verdict, key=f"{i}", item=("b", f"{worker}-{i}"))


def square(x: float) -> float:
    """Square, or fail in the ways an item can fail."""
    return x * x


def picky(x: int) -> int:
    """Fail on some numbers, each in its own way."""
    if x == 2:
        raise PatternError("r is not increasing", where="Pt.gr, line 31", remedy="Sort the file.")
    if x == 3:
        return 1 // (x - 3)
    if x == 4:
        raise SystemExit(7)
    if x == 5:
        raise MemoryError
    return x * x


def deadly(x: int) -> int:
    """Die of SIGKILL on number 3, as the kernel does it when memory runs out."""
    if x == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x * x


def unpicklable(x: int) -> object:
    """Give something no pipe can carry."""
    return (lambda: None) if x == 1 else x


def nap(seconds: float) -> int:
    """Sleep and say in which process."""
    time.sleep(seconds)
    return os.getpid()


def threads(_: int) -> dict[str, str | None]:
    """Tell how many threads the numerical libraries may use."""
    return {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def write_pid_and_sleep(folder: str) -> None:
    """Tell the process id through a file, then work for a long time."""
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)


def touch_and_name(path: str) -> str:
    """Leave one line per call, so that a test can count how often an item was worked on."""
    with Path(path).open("a") as stream:
        stream.write("x\n")
    time.sleep(0.05)
    return sys.intern(Path(path).name)
