"""Run one function over many items: one after the other, in processes, or on a cluster, always in the same words.

An executor yields an `Outcome` per item as it finishes, in any order. A failing item is an outcome with an error and stops no
other. Ctrl-C stops the workers at once and goes on to the caller, who keeps what was yielded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from whorl.core.errors import UsageError
from whorl.core.outcome import Cancel, Event, Listener, Outcome, Tracker, attempt

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Whatever can run a function over items."""

    def run(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        on_event: Listener | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[Outcome[R]]:
        """Yield the outcome of ``function(item)`` for each item as it finishes.

        Parameters
        ----------
        function : callable
            For other processes it must be importable (a function of a module, not a lambda), as must what it returns.
        items : iterable
        on_event : callable, optional
            Called with each `Event` while outcomes are being drawn.
        cancel : Cancel, optional
            After ``cancel.cancel()`` the iteration ends; items that had not finished give no outcome.

        Raises
        ------
        UsageError
            If the function cannot be sent to the workers.
        """
        ...


class SerialExecutor:
    """One item after the other, in this process.

    Examples
    --------
    >>> [outcome.value for outcome in SerialExecutor().run(abs, [-1, 2])]
    [1, 2]
    """

    def run(
        self,
        function: Callable[[T], R],
        items: Iterable[T],
        *,
        on_event: Listener | None = None,
        cancel: Cancel | None = None,
    ) -> Iterator[Outcome[R]]:
        """Yield outcomes in the order of the items (see `Executor.run`)."""
        listed = list(items)
        tracker = Tracker(len(listed), on_event)
        for index, item in enumerate(listed):
            if cancel is not None and cancel.cancelled:
                return
            tracker.started(index)
            outcome = attempt(function, index, item)
            tracker.ended(outcome)
            yield outcome


def usable_cores() -> int:
    """Give the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_executor(workers: int | None, n_items: int, address: str | None = None) -> Executor:
    """Choose the executor for a job.

    Parameters
    ----------
    workers : int, optional
        Processes; as many as there are cores by default.
    n_items : int
        More workers than items are not made; for one item none is.
    address : str, optional
        Of a dask scheduler, ``"tcp://host:8786"``; the ``scale`` extra is needed.

    Raises
    ------
    UsageError
        If ``workers`` is below 1 or the address is not one.
    MissingExtraError
        If an address is given and dask is not installed.

    Examples
    --------
    >>> type(choose_executor(8, 1)).__name__, choose_executor(8, 3).workers
    ('SerialExecutor', 3)
    """
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers", remedy="Use 1 or more.")
    if address is not None:
        from whorl.core.dask_executor import DaskExecutor

        return DaskExecutor(address)
    count = min(workers or usable_cores(), n_items)
    if count <= 1:
        return SerialExecutor()
    from whorl.core.process_pool import ProcessExecutor

    return ProcessExecutor(count)


__all__ = ["Cancel", "Event", "Executor", "Outcome", "SerialExecutor", "choose_executor", "usable_cores"]
