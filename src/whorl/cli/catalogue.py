"""``whorl catalogue``: what can be found, and how to add structures of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whorl.cli import imports, messages

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, add, import, show or remove catalogues.")

_MOST_SKIPPED = 20


@app.command("list")
def list_() -> None:
    """List all catalogues."""
    from whorl.catalogues import list_catalogues
    from whorl.cli.words import table

    rows = []
    for c in list_catalogues():
        where = "built in" if c.folder is None else "imported" if c.imported else str(c.folder)
        rows.append([c.name, str(c.entries), str(c.skipped) if c.skipped else "", where])
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


app.command("import")(imports.import_)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A catalogue, or a folder of CIF and XYZ files.")],
    elements: Annotated[str | None, typer.Option("--elements", metavar="Li,Co,O", help="Only entries made of these.")] = None,
    family: Annotated[str | None, typer.Option("--family", help="Only this prototype or shape: spinel, decahedron.")] = None,
) -> None:
    """List the entries of a catalogue, and the files it had to skip."""
    from whorl.catalogues import FolderCatalogue, ImportedCatalogue, describe, open_catalogue
    from whorl.tasks.recipe_parts import known_elements

    found = open_catalogue(name)
    entries = found.entries(elements=known_elements(elements), family=family)
    for entry in entries:
        messages.out(f"{entry.key}  {describe(entry)}")
    messages.say(f"{len(entries)} entries")
    if isinstance(found, FolderCatalogue | ImportedCatalogue):
        for skipped in found.skipped:
            messages.say(f"  skipped {skipped.path}: {skipped.reason}")


@app.command()
def remove(name: Annotated[str, typer.Argument(help="A catalogue that you added.")]) -> None:
    """Forget a catalogue; structure files stay where they are, imported structures are deleted."""
    from whorl.catalogues import remove as forget
    from whorl.catalogues.registry import is_imported

    imported = is_imported(name)
    forget(name)
    messages.out(f"{name}: forgotten; {'its sources' if imported else 'its files'} stay where they are")
