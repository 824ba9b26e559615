"""``whorl catalogue``: what can be found, and how to add structures of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whorl.cli import messages

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, add, show or remove catalogues of structures.")

_MOST_SKIPPED = 20


@app.command("list")
def list_() -> None:
    """List all catalogues."""
    from whorl.catalogues import list_catalogues
    from whorl.cli.words import table

    rows = [
        [c.name, str(c.entries), str(c.skipped) if c.skipped else "", "built in" if c.folder is None else str(c.folder)]
        for c in list_catalogues()
    ]
    messages.out(table(["catalogue", "entries", "skipped files", "where"], rows, right=(1, 2)))


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Name you will type after --catalogue.")],
    folder: Annotated[Path, typer.Argument(help="Folder of CIF and XYZ files; they stay where they are.")],
) -> None:
    """Make a folder of CIF and XYZ files a catalogue, or bring it up to date."""
    from whorl.catalogues import add_folder

    report = add_folder(name, folder)
    aliases = f", {report.aliases} of them repeat another" if report.aliases else ""
    messages.out(f"{report.name}: {report.entries} structures from {report.folder}{aliases}")
    for skipped in report.skipped[:_MOST_SKIPPED]:
        messages.say(f"  skipped {skipped.path}: {skipped.reason}")
    if len(report.skipped) > _MOST_SKIPPED:
        messages.say(f"  ... and {len(report.skipped) - _MOST_SKIPPED} more files skipped")
    if not report.entries:
        messages.say("  nothing to search yet: put CIF or XYZ files into the folder")
    else:
        messages.say(f"  search it with: whorl identify FILE --catalogue {report.name}")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A catalogue, or a folder of CIF and XYZ files.")],
    elements: Annotated[str | None, typer.Option("--elements", metavar="Li,Co,O", help="Only entries made of these.")] = None,
    family: Annotated[str | None, typer.Option("--family", help="Only this prototype or shape: spinel, decahedron.")] = None,
) -> None:
    """List the entries of a catalogue, and the files it had to skip."""
    from whorl.catalogues import FolderCatalogue, describe, open_catalogue
    from whorl.tasks.recipes import known_elements

    found = open_catalogue(name)
    entries = found.entries(elements=known_elements(elements), family=family)
    for entry in entries:
        messages.out(f"{entry.key}  {describe(entry)}")
    messages.say(f"{len(entries)} entries")
    if isinstance(found, FolderCatalogue):
        for skipped in found.skipped:
            messages.say(f"  skipped {skipped.path}: {skipped.reason}")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A catalogue that you added.")]) -> None:
    """Forget a catalogue; the structure files stay where they are."""
    from whorl.catalogues import remove as forget

    forget(name)
    messages.out(f"{name}: forgotten; its files stay where they are")
