"""A pool of spawned processes that survives what its workers do not.

Every worker has its own pipe, so the parent knows which item a dead worker had in hand: that item fails with a clear error,
the worker is replaced, the rest goes on. `concurrent.futures` gives up the whole pool in that case, and its workers outlive a
killed parent. Items are handed out one by one until their cost is known; short ones then travel in batches of about 0.1 s.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle  # only through the pipe between our own processes
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, TypeVar

from whorl.core.errors import UsageError, WhorlError
from whorl.core.executor import usable_cores
from whorl.core.outcome import Cancel, Listener, Outcome, Tracker, name_of
from whorl.core.process_worker import BROKEN, OUTCOME, READY, THREAD_VARIABLES, pack, work

T = TypeVar("T")
R = TypeVar("R")

_BATCH_SECONDS = 0.1
_BATCH_ITEMS = 256
_POLL_SECONDS = 0.2  # how soon a cancel is noticed
_STARTS = 3  # workers that may die in a row before they are ready
_environment = threading.Lock()


class ProcessExecutor:
    """Run items in spawned processes, one thread each.

    Parameters
    ----------
    workers : int, optional
        As many as there are usable cores by default.

    Examples
    --------
    >>> sorted(outcome.value for outcome in ProcessExecutor(2).run(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = usable_cores() if workers is None else workers
        if self.workers < 1:
            raise UsageError(f"{workers} workers", remedy="Use 1 or more.")

    def run(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        on_event: Listener | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[Outcome[R]]:
        """Yield outcomes as they finish (see `whorl.core.executor.Executor.run`).

        Raises
        ------
        UsageError
            If ``function`` cannot be sent to another process.
        WhorlError
            If no worker process can start.
        """
        try:
            packed = pack(function)
        except Exception as error:
            raise UsageError(
                f"the function cannot be sent to worker processes ({error})",
                remedy="Use a function at the top of a module, or one worker.",
            ) from error
        listed = list(items)
        return _Run(packed, listed, min(self.workers, len(listed)), Tracker(len(listed), on_event), cancel).outcomes()


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection[Any, Any]
    ready: bool = False
    hand: deque[int] = field(default_factory=deque)  # items sent and not answered, the first is being worked on


class _Run:
    """One call of `ProcessExecutor.run`."""

    def __init__(self, function: bytes, items: Sequence[Any], workers: int, tracker: Tracker, cancel: Cancel | None) -> None:
        self.function = function
        self.items = items
        self.size = workers
        self.tracker = tracker
        self.cancel = cancel
        self.waiting = deque(range(len(items)))
        self.team: list[_Worker] = []
        self.mean: float | None = None  # seconds per item, recent ones count more
        self.failed_starts = 0

    def outcomes(self) -> Iterator[Outcome[Any]]:
        try:
            while self.tracker.done < self.tracker.total:
                if self.cancel is not None and self.cancel.cancelled:
                    return
                self._hire()
                for worker in self.team:
                    if worker.ready and not worker.hand:
                        yield from self._hand_out(worker)
                yield from self._collect()
        finally:
            self._dismiss()

    def _hire(self) -> None:
        while len(self.team) < min(self.size, len(self.waiting) + sum(bool(worker.hand) for worker in self.team)):
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.get_context("spawn").Process(target=work, args=(theirs, self.function), daemon=True)
            with _start_environment():
                process.start()
            theirs.close()
            self.team.append(_Worker(process, ours))

    def _hand_out(self, worker: _Worker) -> Iterator[Outcome[Any]]:
        """Send a worker its next items; those that cannot travel fail here."""
        batch: list[tuple[int, bytes]] = []
        for _ in range(min(self._batch_size(), len(self.waiting))):
            index = self.waiting.popleft()
            self.tracker.started(index)
            try:
                batch.append((index, pack(self.items[index])))
            except Exception as error:  # noqa: BLE001 - pickling runs the code of the item
                refused = WhorlError(
                    f"the item cannot be sent to a worker process ({error})",
                    where=name_of(self.items[index], index),
                    remedy="Give plain data, or use one worker.",
                )
                yield self._ended(Outcome(index, error=refused))
        if not batch:
            return
        try:
            worker.pipe.send(batch)
        except OSError:  # it died while idle: no item is to blame
            self.waiting.extendleft(index for index, _ in reversed(batch))
            worker.ready = False
        else:
            worker.hand.extend(index for index, _ in batch)

    def _batch_size(self) -> int:
        if self.mean is None:
            return 1
        fair = ceil(len(self.waiting) / (2 * self.size))
        return max(1, min(int(_BATCH_SECONDS / max(self.mean, 1e-6)), fair, _BATCH_ITEMS))

    def _collect(self) -> Iterator[Outcome[Any]]:
        """Wait for messages and deaths; yield what has ended."""
        if not self.team:
            return
        happened = wait([x for worker in self.team for x in (worker.pipe, worker.process.sentinel)], timeout=_POLL_SECONDS)
        for worker in [worker for worker in self.team if worker.pipe in happened or worker.process.sentinel in happened]:
            dead = worker.process.sentinel in happened
            try:
                while worker.pipe.poll():
                    yield from self._receive(worker, worker.pipe.recv_bytes())
            except (EOFError, OSError):
                dead = True
            if dead:
                yield from self._bury(worker)

    def _receive(self, worker: _Worker, data: bytes) -> Iterator[Outcome[Any]]:
        try:
            kind, content = pickle.loads(data)  # noqa: S301 - our own pipe
        except Exception as error:  # noqa: BLE001 - unpickling runs the code of the result
            lost = WhorlError(
                f"the result cannot be read ({type(error).__name__}: {error})",
                where=name_of(self.items[worker.hand[0]], worker.hand[0]),
                remedy="Return plain data, or use one worker.",
            )
            kind, content = OUTCOME, Outcome(worker.hand[0], error=lost)
        if kind == READY:
            worker.ready, self.failed_starts = True, 0
        elif kind == BROKEN:
            raise UsageError(
                f"a worker process cannot load the function ({content})",
                remedy="Use a function at the top of a module that can be imported, or one worker.",
            )
        else:
            worker.hand.popleft()
            self.mean = content.seconds if self.mean is None else 0.8 * self.mean + 0.2 * content.seconds
            yield self._ended(content)

    def _bury(self, worker: _Worker) -> Iterator[Outcome[Any]]:
        """Take a dead worker out; the item it had in hand has failed, the rest of its batch waits again."""
        self.team.remove(worker)
        worker.process.join(5)
        code = worker.process.exitcode
        worker.pipe.close()
        if not worker.ready and not worker.hand:
            self.failed_starts += 1
            if self.failed_starts >= _STARTS:
                raise WhorlError(
                    f"worker processes do not start ({_how(code)})",
                    remedy='In a script, put the call under: if __name__ == "__main__": or use one worker.',
                )
        if worker.hand:
            index = worker.hand.popleft()
            self.waiting.extendleft(reversed(worker.hand))
            killed = WhorlError(
                f"the worker process died on this item ({_how(code)})",
                where=name_of(self.items[index], index),
                remedy="If memory ran out, use fewer workers; else run this item alone with --debug.",
            )
            yield self._ended(Outcome(index, error=killed))

    def _ended(self, outcome: Outcome[Any]) -> Outcome[Any]:
        self.tracker.ended(outcome)
        return outcome

    def _dismiss(self) -> None:
        """Stop all workers: idle ones see their pipe close, busy ones are terminated."""
        for worker in self.team:
            worker.pipe.close()
            if worker.hand or not worker.ready:
                worker.process.terminate()
        for worker in self.team:
            for stop in (worker.process.terminate, worker.process.kill):
                worker.process.join(2)
                if worker.process.is_alive():
                    stop()
            worker.process.join()
            worker.process.close()
        self.team.clear()


def _how(code: int | None) -> str:
    """Say how a process ended."""
    if code is None or code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        name = signal.Signals(-code).name
        return f"killed by {name}" + (", as when memory runs out" if name == "SIGKILL" else "")
    return f"killed by signal {-code}"


@contextmanager
def _start_environment() -> Iterator[None]:
    """Let a child start with one thread per library and deaf to Ctrl-C until it has its own handler.

    The libraries read these variables when they are imported, which in a spawned child may happen before any line of ours.
    """
    resource_tracker.ensure_running()  # multiprocessing's own helper; starting it with a child would undo the mask below
    with _environment:
        old = {name: os.environ.get(name) for name in THREAD_VARIABLES}
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if hasattr(signal, "pthread_sigmask") else None
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        try:
            yield
        finally:
            for name, value in old.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value
            if mask is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
