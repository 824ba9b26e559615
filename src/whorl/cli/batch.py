"""What `identify` and `refine` share: run a recipe over inputs, show and write the answers as they come, end with a code."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.cli import messages
from whorl.cli.expand import expand
from whorl.core.errors import UsageError

if TYPE_CHECKING:
    from whorl.cli.progress import Display
    from whorl.core.verdict import Verdict
    from whorl.core.workspace import Workspace
    from whorl.report import TableWriter
    from whorl.tasks.batch import Hook
    from whorl.tasks.inputs import Item
    from whorl.tasks.recipes import Recipe


@dataclass(frozen=True)
class Outputs:
    """Where answers go, and how the batch is run."""

    report: Path | None = None
    json: str | None = None
    csv: Path | None = None
    xlsx: Path | None = None
    curves: Path | None = None
    workers: int | None = None
    workspace: Path | None = None
    no_cache: bool = False
    strict: bool = False
    quiet: bool = False
    export: Path | None = None
    instrument: Path | None = None

    def tables(self) -> list[Path]:
        """Paths of the tables to write."""
        written = None if self.json in (None, "-") else Path(str(self.json))
        return [path for path in (written, self.csv, self.xlsx) if path is not None]

    def arguments(self) -> list[str]:
        """Words of the command line that ask for the same files."""
        words: list[str] = []
        for option, value in (
            ("--report", self.report), ("--json", self.json), ("--csv", self.csv), ("--xlsx", self.xlsx),
            ("--curves", self.curves), ("--export", self.export),
            ("--write-instrument", self.instrument), ("--workspace", self.workspace),
        ):  # fmt: skip
            words += [] if value is None else [option, str(value)]
        return words


def run_batch(recipe: Recipe, words: Sequence[str], outputs: Outputs, *, series: bool = False) -> int:
    """Run a recipe over what the user named; give the exit code.

    With ``series`` the inputs are frames of one experiment, which share their candidates.
    """
    from whorl.core.workspace import Workspace
    from whorl.tasks.inputs import list_items
    from whorl.tasks.recipes import Identify

    check_outputs(outputs)
    items = list_items(expand(words))
    command = shlex.join(["whorl", recipe.task, *words, *recipe.arguments(), *outputs.arguments()])
    with Workspace.open(outputs.workspace) as workspace:
        if series:
            from whorl.tasks.series import shared

            assert isinstance(recipe, Identify)
            try:
                recipe = shared(recipe, _first_look(recipe, items, outputs, workspace))
            except KeyboardInterrupt:
                messages.say("interrupted in the first look at the series; the frames done are kept")
                return 130
        return Batch(recipe, items, outputs, command, workspace).run()


def _first_look(recipe: Recipe, items: Sequence[Item], outputs: Outputs, workspace: Workspace) -> list[Verdict]:
    """Identify the frames of a series one by one, without writing anything but the workspace."""
    from whorl.cli.progress import Display
    from whorl.tasks.batch import run_files

    with Display(len(items), show=not outputs.quiet) as display:
        return [
            _slim(verdict)
            for verdict in run_files(
                recipe,
                items,
                workspace=workspace,
                workers=outputs.workers,
                resume=not outputs.no_cache,
                progress=display.stage,
                on_event=display.told,
            )
        ]


class Batch:
    """One call of `run_batch`."""

    def __init__(self, recipe: Recipe, items: Sequence[Item], outputs: Outputs, command: str, workspace: object) -> None:
        self.recipe = recipe
        self.items = items
        self.outputs = outputs
        self.command = command
        self.workspace = workspace
        self.order = {item.name: i for i, item in enumerate(items)}
        self.many = len(items) > 1
        self.prefix = _common_folder(items) if self.many else ""
        self.verdicts: dict[int, Verdict] = {}
        self.kept = 0
        self.codes: set[int] = set()

    def run(self) -> int:
        """Do it; give the exit code."""
        from whorl.cli.progress import Display

        with ExitStack() as stack:
            tables = self._tables(stack)
            display = stack.enter_context(Display(len(self.items), show=not self.outputs.quiet))
            try:
                for verdict in self._verdicts(display):
                    self._take(verdict, tables, display)
            except KeyboardInterrupt:
                display.stop()
                self._interrupted()
                return 130
        self._finish()
        return self._code()

    def _tables(self, stack: ExitStack) -> list[TableWriter]:
        from whorl.report import TableWriter

        return [stack.enter_context(TableWriter(path)) for path in self.outputs.tables()]

    def _verdicts(self, display: Display) -> Iterator[Verdict]:
        from whorl.core.workspace import Workspace
        from whorl.tasks.batch import run_files

        assert isinstance(self.workspace, Workspace)
        return run_files(
            self.recipe,
            self.items,
            workspace=self.workspace,
            workers=self.outputs.workers,
            resume=not self.outputs.no_cache,
            hook=self._hook(),
            progress=display.stage,
            on_event=display.told,
            on_traceback=lambda text: messages.say(text) if messages.debug else None,
            on_error=lambda error: self.codes.add(error.exit_code),
        )

    def _hook(self) -> Hook | None:
        """What is written of each answer where it is made: its page, files for other programs."""
        from whorl.cli.exporting import exporter, instrument_writer, joined

        pages = None
        if self.outputs.report is not None:
            from whorl.cli.pages import page_writer

            self.outputs.report.mkdir(parents=True, exist_ok=True)
            pages = self.writer = page_writer(self.outputs.report, self.items)
        instrument = instrument_writer(self.outputs.instrument, self.recipe, self.items)
        return joined([pages, exporter(self.outputs.export, self.recipe, self.items), instrument])

    def _take(self, verdict: Verdict, tables: Sequence[TableWriter], display: Display) -> None:
        """Show a verdict and write it to the tables."""
        for writer in tables:
            writer.append(verdict)
        if self.outputs.json == "-":
            sys.stdout.write(json.dumps(verdict.to_json_dict(), ensure_ascii=True, allow_nan=False) + "\n")
            sys.stdout.flush()
        display.pause()
        self._show(verdict)
        display.go_on()
        self.verdicts[self.order[verdict.file]] = _slim(verdict) if self.many else verdict

    def _show(self, verdict: Verdict) -> None:
        from whorl.cli import words

        if verdict.error is not None:
            messages.error(words.failure(verdict))
        elif self.outputs.json == "-" or self.outputs.quiet:
            return
        elif self.many:
            messages.out(words.line(verdict, verdict.file.removeprefix(self.prefix)))
        else:
            messages.out(words.full(verdict))

    def _finish(self) -> None:
        """Write what needs all verdicts, and say where everything is."""
        found = [self.verdicts[i] for i in sorted(self.verdicts)]
        paths: list[Path] = []
        if self.outputs.report is not None:
            paths.append(self._report(found))
        if self.outputs.curves is not None:
            from whorl.report import write_curves

            paths.append(write_curves(found, self.outputs.curves))
        if self.outputs.quiet:
            return
        to = messages.say if self.outputs.json == "-" else messages.out
        if self.many:
            to(self._summary(found))
        elif found and found[0].run:
            to(f"\nRun     {found[0].run}  ({found[0].seconds:.1f} s; whorl show {found[0].run})")
        for path in [*paths, *self.outputs.tables(), *(p for p in (self.outputs.export, self.outputs.instrument) if p)]:
            to(f"Written {path}")

    def _report(self, found: Sequence[Verdict]) -> Path:
        from whorl.cli.pages import write_index

        writer = self.writer
        if not self.many:
            page = writer.page(found[0])
            if page is None:  # an input without an answer has its page too
                from whorl.report import write_report

                page = write_report(found[0], writer.folder)
            return page
        return write_index(writer, self.items, found, self.command)

    def _summary(self, found: Sequence[Verdict]) -> str:
        failed = sum(v.status == "error" for v in found)
        none = sum(v.status == "ok" and v.task == "identify" and v.is_none for v in found)
        parts = [f"{len(found) - failed} of {len(self.items)} done"]
        parts += [f"{none} with none of these"] if none else []
        parts += [f"{failed} failed"] if failed else []
        return f"\n{', '.join(parts)}"

    def _interrupted(self) -> None:
        done = sum(v.status == "ok" for v in self.verdicts.values())
        if self.many:
            again = "The same command without --no-cache" if self.outputs.no_cache else "The same command"
            messages.error(f"interrupted: {done} of {len(self.items)} are done and kept. {again} goes on from there.")
        else:
            messages.error("interrupted")

    def _code(self) -> int:
        if any(v.status == "error" for v in self.verdicts.values()):
            return 4 if self.codes == {4} else 3
        if self.outputs.strict and any(v.is_none for v in self.verdicts.values()):
            return 1
        return 0


def _common_folder(items: Sequence[Item]) -> str:
    """Give the folder that all inputs are in, with its slash: what lines need not repeat."""
    folders = {str(Path(item.path).parent) for item in items}
    return f"{folders.pop()}/" if len(folders) == 1 else ""


def _slim(verdict: Verdict) -> Verdict:
    """Drop what a page over many inputs does not show: structures, and curves of all but the best candidate."""
    slim = [
        c.model_copy(update={"structures": (), "curve": c.curve if i == 0 else None}) for i, c in enumerate(verdict.candidates)
    ]
    return verdict.model_copy(update={"candidates": slim})


def check_outputs(outputs: Outputs) -> None:
    """Refuse names of output files before hours of work, not after."""
    for path, option, suffixes in (
        (outputs.csv, "--csv", (".csv",)),
        (outputs.xlsx, "--xlsx", (".xlsx",)),
        (outputs.curves, "--curves", (".csv", ".h5", ".hdf5", ".nxs")),
        (None if outputs.json in (None, "-") else Path(str(outputs.json)), "--json", (".json", ".jsonl")),
    ):
        if path is not None and path.suffix.lower() not in suffixes:
            raise UsageError(f"{option} {path}: unknown suffix", remedy=f"Name it {' or '.join(suffixes)}.")
    paths = [path.resolve() for path in [*outputs.tables(), *([outputs.curves] if outputs.curves else [])]]
    if len(set(paths)) < len(paths):
        raise UsageError("two outputs have the same file name", remedy="Give each its own.")
    if outputs.report is not None and outputs.report.exists() and not outputs.report.is_dir():
        raise UsageError(f"--report {outputs.report} is a file", remedy="Name a folder.")
