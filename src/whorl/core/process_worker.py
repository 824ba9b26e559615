"""The child's side of the process pool: take items from a pipe, send outcomes back, never outlive the parent.

What travels through the pipe is pickled by `multiprocessing`; both ends are this program, and nothing of it is ever stored.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle  # only through the pipe between our own processes
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.reduction import ForkingPickler
from typing import Any

from whorl.core.errors import WhorlError
from whorl.core.outcome import Outcome, attempt, name_of

#: messages to the parent: (READY, ""), (BROKEN, why the function cannot be loaded), (OUTCOME, Outcome)
READY, BROKEN, OUTCOME = "ready", "broken", "outcome"

#: set to 1 in every worker, so that workers times threads never exceeds the cores
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def pack(value: Any) -> bytes:
    """Pickle a value for the pipe."""
    return bytes(ForkingPickler.dumps(value))


def work(connection: Connection[Any, Any], function: bytes) -> None:
    """Serve one pipe until its other end closes.

    Parameters
    ----------
    connection : Connection
        Receives lists of (index, pickled item); sends pickled messages.
    function : bytes
        Pickled function; it is loaded once, so that what it caches serves all items of this worker.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what it means
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    try:
        call = _load(function)
    except BaseException as error:  # noqa: BLE001 - importing the user's module may raise anything
        connection.send_bytes(pack((BROKEN, f"{type(error).__name__}: {error}")))
        return
    connection.send_bytes(pack((READY, "")))
    try:
        while True:
            for index, item in connection.recv():
                connection.send_bytes(_outcome_bytes(call, index, item))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _outcome_bytes(call: Callable[[Any], Any], index: int, packed: bytes) -> bytes:
    outcome = attempt(_load, index, packed)
    if outcome.ok:
        outcome = attempt(call, index, outcome.value)
    try:
        return pack((OUTCOME, outcome))
    except Exception as error:  # noqa: BLE001 - pickling runs the code of the result
        refused = WhorlError(
            f"the result cannot be sent between processes ({type(error).__name__}: {error})",
            where=name_of(None, index),
            remedy="Return plain data, or use one worker.",
        )
        return pack((OUTCOME, Outcome(index, error=refused, traceback=outcome.traceback, seconds=outcome.seconds)))


def _load(data: bytes) -> Any:
    return pickle.loads(data)  # noqa: S301 - our own pipe


def _leave_with_parent() -> None:
    """End this process when the parent is gone (kill -9 leaves it no time to say so)."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
