"""``--export FOLDER``: files for journals and other programs beside the answers, written where the answers are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict

if TYPE_CHECKING:
    from whorl.cli.pages import PageWriter
    from whorl.tasks.batch import Hook
    from whorl.tasks.inputs import Item
    from whorl.tasks.recipes import Refine


@dataclass(frozen=True)
class Exporter:
    """Writes the files of a refinement; sent to the workers.

    Parameters
    ----------
    places : PageWriter
        Folders of inputs that have one name.
    recipe : Refine
    many : bool
        Each input has a folder of its own.
    """

    places: PageWriter
    recipe: Refine
    many: bool

    def __call__(self, verdict: Verdict, measurement: Measurement) -> None:
        """Write the files."""
        from whorl.tasks.export import export, origin_of

        folder = self.places.home(verdict.file) / origin_of(verdict, measurement).name if self.many else self.places.folder
        export(self.recipe, verdict, measurement, folder)


@dataclass(frozen=True)
class InstrumentWriter:
    """Writes the instrument that the refinement of a standard shows; sent to the workers."""

    path: Path

    def __call__(self, verdict: Verdict, measurement: Measurement) -> None:
        """Write the file."""
        del measurement
        from whorl.formats import write_instrument
        from whorl.techniques.pd.standard import instrument_of

        best = verdict.best
        write_instrument(self.path, instrument_of(verdict), source=f"{best.name if best else ''}, {verdict.file}")


def instrument_writer(path: Path | None, recipe: object, items: Sequence[Item]) -> Hook | None:
    """Make the hook that writes an instrument file, where one is named.

    Raises
    ------
    UsageError
        If there are several inputs, the task is no refinement, or the file is not named ``.json``.
    """
    from whorl.tasks.recipes import Refine

    if path is None:
        return None
    if not isinstance(recipe, Refine) or len(items) != 1:
        raise UsageError("--write-instrument takes one refinement of a standard", remedy="Name one file of data.")
    if path.suffix.lower() != ".json":
        raise UsageError(f"--write-instrument {path}: unknown suffix", remedy="Name it .json.")
    return InstrumentWriter(path)


@dataclass(frozen=True)
class Hooks:
    """Several hooks as one."""

    hooks: tuple[Hook, ...]

    def __call__(self, verdict: Verdict, measurement: Measurement) -> None:
        """Call each."""
        for hook in self.hooks:
            hook(verdict, measurement)


def joined(hooks: Sequence[Hook | None]) -> Hook | None:
    """Make one hook of those there are."""
    found = tuple(hook for hook in hooks if hook is not None)
    return None if not found else found[0] if len(found) == 1 else Hooks(found)


def exporter(folder: Path | None, recipe: object, items: Sequence[Item]) -> Hook | None:
    """Make the hook that exports, where a folder is named.

    Raises
    ------
    UsageError
        If the folder is a file, or the task is no refinement.
    """
    from whorl.tasks.recipes import Refine

    if folder is None:
        return None
    if not isinstance(recipe, Refine):
        raise UsageError("--export is for refinements", remedy="Use whorl refine.")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--export {folder} is a file", remedy="Name a folder.")
    from whorl.cli.pages import page_writer

    return Exporter(page_writer(folder, items), recipe, len(items) > 1)
