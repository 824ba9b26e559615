"""``whorl refine --series``: frames refined one after the other, and one table and page over all of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.cli import messages
from whorl.cli.batch import Batch, Outputs, check_outputs
from whorl.cli.expand import expand
from whorl.core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from whorl.cli.progress import Display
    from whorl.core.verdict import Verdict
    from whorl.report import TableWriter
    from whorl.tasks.inputs import Item
    from whorl.tasks.recipes import Refine


@dataclass(frozen=True)
class Series:
    """How a series is refined: from its end, from a frame in the middle, against what.

    Parameters
    ----------
    backward : bool
    first : int, optional
        Frame that is refined first, counted from 0.
    coordinate : str, optional
        As `whorl.tasks.coordinates.read_coordinate` takes it.
    """

    backward: bool = False
    first: int | None = None
    coordinate: str | None = None

    def arguments(self) -> list[str]:
        """Words of the command line that ask for the same."""
        words = ["--backward"] if self.backward else []
        words += [] if self.first is None else ["--first", str(self.first)]
        return words + ([] if self.coordinate is None else ["--coordinate", self.coordinate])


def run_series(recipe: Refine, words: Sequence[str], outputs: Outputs, series: Series) -> int:
    """Refine what the user named as frames of one experiment; give the exit code."""
    from whorl.core.workspace import Workspace
    from whorl.tasks.inputs import list_items
    from whorl.tasks.start import Start

    check_outputs(outputs)
    items = list_items(expand(words))
    if len(items) < 2:
        raise UsageError("a series of one frame", where=words[0], remedy="Name a pattern or a folder, or leave --series out.")
    asked = replace(recipe, start=Start())
    command = shlex.join(["whorl", recipe.task, *words, *asked.arguments(), *series.arguments(), *outputs.arguments()])
    with Workspace.open(outputs.workspace) as workspace:
        return _Series(asked, items, outputs, command, workspace, series).run()


class _Series(Batch):
    """One call of `run_series`."""

    def __init__(
        self, recipe: Refine, items: Sequence[Item], outputs: Outputs, command: str, workspace: object, series: Series
    ) -> None:
        super().__init__(recipe, items, outputs, command, workspace)
        self.series = series
        self.label, self.coordinate = self._coordinate()

    def _coordinate(self) -> tuple[str, NDArray[np.float64] | None]:
        if self.series.coordinate is not None:
            from whorl.tasks.coordinates import read_coordinate

            return read_coordinate(self.series.coordinate, self.items)
        from whorl.cli.pages import coordinate

        return coordinate(self.items)

    def _tables(self, stack: ExitStack) -> list[TableWriter]:
        """Only lines of JSON are written as frames finish; the tables are in the order of the series, and come last."""
        from whorl.report import TableWriter

        written = [path for path in self.outputs.tables() if path not in (self.outputs.csv, self.outputs.xlsx)]
        return [stack.enter_context(TableWriter(path)) for path in written]

    def _verdicts(self, display: Display) -> Iterator[Verdict]:
        from whorl.core.workspace import Workspace
        from whorl.tasks.recipes import Refine
        from whorl.tasks.sequence import refine_series

        assert isinstance(self.workspace, Workspace)
        assert isinstance(self.recipe, Refine)
        return refine_series(
            self.recipe,
            self.items,
            workspace=self.workspace,
            backward=self.series.backward,
            first=self.series.first,
            workers=self.outputs.workers,
            resume=not self.outputs.no_cache,
            hook=self._hook(),
            on_event=display.told,
            on_traceback=lambda text: messages.say(text) if messages.debug else None,
            on_error=lambda error: self.codes.add(error.exit_code),
        )

    def _finish(self) -> None:
        self._sequence()
        super()._finish()

    def _interrupted(self) -> None:
        self._sequence()
        super()._interrupted()

    def _sequence(self) -> None:
        """Write the tables of what is done."""
        from whorl.report.sequence_table import write_sequence

        done = sorted(self.verdicts)
        at = None if self.coordinate is None else self.coordinate[done]
        for path in (self.outputs.csv, self.outputs.xlsx):
            if path is not None and done:
                write_sequence([self.verdicts[i] for i in done], path, coordinate=at, label=self.label)

    def _report(self, found: Sequence[Verdict]) -> Path:
        from whorl.cli.pages import write_index

        return write_index(self.writer, self.items, found, self.command, given=(self.label, self.coordinate))
