"""``whorl catalogue import``: collections of structures go in, and every entry that does not is accounted for."""

from __future__ import annotations

import csv
import re
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages
from whorl.core.errors import UsageError

if TYPE_CHECKING:
    from whorl.catalogues import ImportReport

_INTERRUPTED = 130
_NOTHING = 3
#: seconds between two updates of the progress
_REFRESH = 0.2


def import_(
    name: Annotated[str, typer.Argument(help="Name you will type after --catalogue.")],
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE...", help="Folders, .zip and .tar.gz archives, JSON exports, CIFs.")
    ],
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.csv", help="Write what became of every entry.")
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes; one per core by default.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")] = False,
) -> int:
    """Import a collection of CIFs: a database dump, an export, an archive.

    Structures are kept in your whorl folder; sources are only read, and not needed again. The same command adds what is new.
    """
    from whorl.catalogues import import_structures
    from whorl.catalogues.sources import expected, open_sources
    from whorl.cli.progress import Display

    if report is not None and report.suffix.lower() != ".csv":
        raise UsageError(f"--report {report}: unknown suffix", remedy="Name it .csv.")
    total = None if quiet else expected(open_sources(sources))
    with Display(1, show=not quiet) as display:
        shown = 0.0

        def progress(done: int) -> None:
            nonlocal shown
            if time.monotonic() - shown > _REFRESH:
                shown = time.monotonic()
                display.stage("reading", done, max(done, total or 0))

        try:
            found = import_structures(name, sources, workers=workers, progress=progress)
        except KeyboardInterrupt:
            display.stop()
            messages.error("interrupted: what was read is kept. The same command goes on from there.")
            return _INTERRUPTED
    _say(found, quiet=quiet)
    if report is not None:
        _write(found, report)
        messages.say(f"Written {report}")
    if not found.went_in:
        return _NOTHING
    try:
        _prepare(name, quiet=quiet)
    except KeyboardInterrupt:
        messages.error("interrupted: all structures are in. What a search needs beside them is computed by the first one.")
        return _INTERRUPTED
    return 0


def _prepare(name: str, *, quiet: bool) -> None:
    """Compute what a search needs of every structure, so that the first one does not wait for it."""
    from whorl.catalogues import open_catalogue
    from whorl.cli.progress import Display
    from whorl.techniques.pdf.index import load_index

    with Display(1, show=not quiet) as display:
        load_index(open_catalogue(name), "x-ray", progress=lambda done, total: display.stage("preparing searches", done, total))


def _say(found: ImportReport, *, quiet: bool) -> None:
    """Show how many structures went in, and why others did not."""
    from whorl.cli.words import table

    counts = found.counts
    parts = [f"{counts[status]} {word}" for status, word in _STATUS.items() if counts[status]]
    messages.out(
        f"{found.name}: {_many(found.went_in, 'structure')} of the sources in it ({', '.join(parts) or 'nothing read'})"
    )
    if quiet:
        return
    if found.entries:
        repeats = f", {found.aliases} of which repeat others" if found.aliases else ""
        messages.say(f"  the catalogue holds {_many(found.entries, 'structure')}{repeats}")
    groups: Counter[str] = Counter()
    example: dict[str, str] = {}
    for skipped in found.skipped:
        group = in_general(skipped.reason)
        groups[group] += 1
        example.setdefault(group, f"{skipped.path}: {skipped.reason}")
    if groups:
        rows = [[str(count), group, example[group][:100]] for group, count in groups.most_common()]
        messages.say(table(["entries", "left out because", "for example"], rows, right=(0,)))
    if found.ignored:
        messages.say(f"  {_many(found.ignored, 'file')} of other kinds left alone")
    if found.entries:
        messages.say(f"  search it with: whorl identify FILE --catalogue {found.name}")


_STATUS = {"added": "new", "changed": "changed", "known": "known before", "failed": "cannot be used", "refused": "refused"}


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def in_general(reason: str) -> str:
    """Leave out of a reason what differs between entries: line, names, numbers, remedy.

    Examples
    --------
    >>> in_general("line 7: unknown element 'Qq'. Use chemical symbols.")
    'unknown element'
    >>> in_general("unit cell (1e+06, 5, 5, 90, 90, 90) has an absurd length. Lengths are 1 to 1000 angstrom.")
    'unit cell has an absurd length'
    """
    text = re.sub(r"^line \d+: ", "", reason)
    text = re.sub(r"'[^']*'|\"[^\"]*\"|\([^)]*\)", "", text)
    return " ".join(re.split(r"\. |: ", text)[0].rstrip(".").split())


def _write(found: ImportReport, path: Path) -> None:
    from whorl.core.atomic import atomic
    from whorl.report.tables import neutral

    head = ("entry", "status", "name", "formula", "space_group", "family", "same_as", "remark")
    with atomic(path, "w") as stream:
        writer = csv.writer(stream)
        writer.writerow(head)
        for row in found.rows:
            cells = (getattr(row, column) for column in head)
            writer.writerow(["" if cell is None else neutral(str(cell)) for cell in cells])
