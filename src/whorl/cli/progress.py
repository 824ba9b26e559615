"""The progress of a batch, or of the stages of one item: a bar on a terminal, nothing when standard error goes to a file."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from whorl.core.outcome import Event


class Display:
    """A progress bar on standard error.

    Parameters
    ----------
    total : int
        Number of inputs; for one, its stages are shown.
    show : bool
        False shows nothing. Nothing is shown either where standard error is no terminal.
    """

    def __init__(self, total: int, *, show: bool = True) -> None:
        self.total = total
        self._bar: Any = None
        self._row: Any = None
        self._shown = show and sys.stderr.isatty()

    def __enter__(self) -> Self:
        if self._shown:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn

            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
            more = TextColumn("{task.fields[note]}")
            self._bar = Progress(*columns, more, console=Console(stderr=True), transient=True, redirect_stdout=False)
            self._row = self._bar.add_task("files" if self.total > 1 else "starting", total=self.total, note="")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stage(self, name: str, done: int, total: int) -> None:
        """Show a stage of a single item."""
        if self._bar is not None:
            self._bar.update(self._row, description=name, completed=done, total=total)

    def told(self, event: Event) -> None:
        """Show how far a batch is, its rate and the time left."""
        if self._bar is None or self.total < 2:
            return
        self._bar.update(self._row, completed=event.done, total=event.total, note=note(event))

    def pause(self) -> None:
        """Take the bar away, so that lines can be written."""
        if self._bar is not None:
            self._bar.stop()

    def go_on(self) -> None:
        """Show the bar again."""
        if self._bar is not None:
            self._bar.start()

    def stop(self) -> None:
        """Take the bar away for good."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def note(event: Event) -> str:
    """Say rate, time left and failures of a batch.

    Examples
    --------
    >>> from whorl.core.outcome import Event
    >>> note(Event("progress", None, done=30, failed=1, total=90, rate=0.5, seconds_left=120.0))
    '0.5/s, 2:00 left, 1 failed'
    """
    parts = []
    if event.rate > 0:
        parts.append(f"{event.rate:.2g}/s" if event.rate < 10 else f"{event.rate:.0f}/s")
    if event.seconds_left is not None and event.done < event.total:
        minutes, seconds = divmod(round(event.seconds_left), 60)
        hours, minutes = divmod(minutes, 60)
        parts.append((f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}") + " left")
    if event.failed:
        parts.append(f"{event.failed} failed")
    return ", ".join(parts)
