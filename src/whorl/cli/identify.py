"""``whorl identify``: which structures explain the data."""

from __future__ import annotations

from typing import Annotated

import typer

from whorl.cli import options


def identify(
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Measured data: files, quoted patterns, folders.")],
    elements: Annotated[
        str | None, typer.Option("--elements", metavar="Li,Co,O", help="Elements the sample may hold; others are left out.")
    ] = None,
    catalogue: Annotated[
        list[str] | None,
        typer.Option(
            "--catalogue", metavar="NAME|FOLDER", help="Search this too: a catalogue, or a folder of CIF and XYZ files."
        ),
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="Search nothing but the catalogues given.")] = False,
    top: Annotated[int, typer.Option("--top", min=1, help="Candidates to show.")] = 5,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="CATALOGUE/KEY", help="Refine this entry in any case, alone and beside others."),
    ] = None,
    proposer: Annotated[
        str | None,
        typer.Option("--proposer", metavar="MODEL", help="Ask this network for phases too: a trained model, or its folder."),
    ] = None,
    series: Annotated[
        bool, typer.Option("--series", help="The files are frames of one experiment: what explains one takes part in all.")
    ] = False,
    range: options.Range = None,
    set: options.Set = None,
    report: options.Report = None,
    json: options.Json = None,
    csv: options.Csv = None,
    xlsx: options.Xlsx = None,
    curves: options.Curves = None,
    workers: options.Workers = None,
    workspace: options.Place = None,
    no_cache: options.NoCache = False,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Find the structures that explain measured data, ranked, refined, with the probability of none of these.

    Built-in catalogues (elements, compounds, nanoparticles) are searched together with the given ones.
    """
    limits, settings = options.read_range(range), options.read_settings(set)
    from whorl.cli.batch import Outputs, run_batch
    from whorl.tasks.recipe_parts import known_elements
    from whorl.tasks.recipes import Identify

    recipe = Identify(
        elements=known_elements(elements),
        catalogues=tuple(catalogue or ()),
        only=only,
        top=top,
        range=limits,
        settings=settings,
        also=tuple(also or ()),
        proposer=proposer or "",
    )
    outputs = Outputs(
        report=report, json=json, csv=csv, xlsx=xlsx, curves=curves, workers=workers, workspace=workspace, no_cache=no_cache,
        strict=strict, quiet=quiet,
    )  # fmt: skip
    raise typer.Exit(run_batch(recipe, files, outputs, series=series))
