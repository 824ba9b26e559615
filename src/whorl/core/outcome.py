"""What an executor gives back: outcomes of items, events on the way, and the token that cancels."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Generic, Literal, TypeVar

from whorl.core.errors import WhorlError

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """Result of one item, or why there is none.

    Parameters
    ----------
    index : int
        Place of the item in the sequence that was given.
    value : optional
        What the function returned; ``None`` when it failed.
    error : WhorlError, optional
        Why it failed; an unexpected exception is wrapped.
    traceback : str
        Text of the stack of an unexpected exception, for ``--debug``.
    seconds : float
        Time the item took.

    Examples
    --------
    >>> attempt(lambda x: 1 / x, 0, 0.0).error.what
    'unexpected ZeroDivisionError: float division by zero'
    """

    index: int
    value: R | None = None
    error: WhorlError | None = None
    traceback: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """True when there is a value."""
        return self.error is None

    def unwrap(self) -> R:
        """Give the value or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


def attempt(function: Callable[[T], R], index: int, item: T) -> Outcome[R]:
    """Call ``function(item)`` and turn whatever it raises into an outcome; only Ctrl-C goes through."""
    start = time.perf_counter()
    try:
        value = function(item)
    except WhorlError as error:
        return Outcome(index, error=error, seconds=time.perf_counter() - start)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - one bad item, SystemExit included, must not stop the others
        return Outcome(index, error=wrapped(error, item, index), traceback=_stack(error), seconds=time.perf_counter() - start)
    return Outcome(index, value, seconds=time.perf_counter() - start)


def wrapped(error: BaseException, item: Any, index: int) -> WhorlError:
    """Turn an exception that no one expected into an error with place and remedy."""
    where = name_of(item, index)
    if isinstance(error, MemoryError):
        return WhorlError("out of memory", where=where, remedy="Use fewer workers, or close other programs.")
    text = str(error).splitlines()[0] if str(error) else ""
    what = f"unexpected {type(error).__name__}" + (f": {text}" if text else "")
    return WhorlError(what, where=where, remedy="Run with --debug to see where, and report it with the file.")


def name_of(item: Any, index: int) -> str:
    """Name an item for messages: its path, or its number counted from 1."""
    return str(item) if isinstance(item, (str, PurePath)) else f"item {index + 1}"


def _stack(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    ``index`` is the item's (``None`` for ``"progress"``); ``rate`` is in items per second since the first item was started,
    ``seconds_left`` the time for the rest at that rate, ``None`` before the first result.
    """

    kind: Literal["started", "finished", "failed", "progress"]
    index: int | None
    done: int
    failed: int
    total: int
    rate: float = 0.0
    seconds_left: float | None = None
    message: str = ""


Listener = Callable[[Event], None]


class Tracker:
    """Counts what is done and tells a listener.

    Parameters
    ----------
    total : int
        Number of items.
    listener : callable, optional
        Called with each `Event`, in the thread that iterates over the outcomes.
    clock : callable
        Seconds since some fixed moment.
    """

    def __init__(self, total: int, listener: Listener | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = total
        self.done = 0
        self.failed = 0
        self._listener = listener
        self._clock = clock
        self._start: float | None = None

    def started(self, index: int) -> None:
        """Note that an item is being worked on."""
        if self._start is None:
            self._start = self._clock()
        self._tell("started", index)

    def ended(self, outcome: Outcome[Any]) -> None:
        """Note an outcome, then tell the progress."""
        self.done += 1
        self.failed += not outcome.ok
        self._tell("finished" if outcome.ok else "failed", outcome.index, str(outcome.error) if outcome.error else "")
        self._tell("progress", None)

    def _tell(self, kind: Literal["started", "finished", "failed", "progress"], index: int | None, message: str = "") -> None:
        if self._listener is None:
            return
        elapsed = 0.0 if self._start is None else self._clock() - self._start
        rate = self.done / elapsed if elapsed > 0 else 0.0
        left = (self.total - self.done) / rate if rate > 0 else None
        self._listener(Event(kind, index, self.done, self.failed, self.total, rate, left, message))


class Cancel:
    """A token that any thread may use to end a run: running items are stopped, finished ones are kept.

    Examples
    --------
    >>> token = Cancel()
    >>> token.cancel()
    >>> token.cancelled
    True
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the run to end."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """True once `cancel` was called."""
        return self._event.is_set()
