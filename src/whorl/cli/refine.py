"""``whorl refine``: least squares against structures the user names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whorl.cli import options
from whorl.core.errors import UsageError


def refine(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Measured data: a file, a quoted pattern, a folder.")],
    structures: Annotated[
        list[str],
        typer.Argument(metavar="STRUCTURE", help="CIF or XYZ files or catalogue entries; several are the phases of a mixture."),
    ],
    fix: Annotated[
        list[str] | None, typer.Option("--fix", metavar="NAME=VALUE", help="Hold a parameter: --fix delta2=0.")
    ] = None,
    size: Annotated[
        bool | None, typer.Option("--size/--no-size", help="Crystals are particles, or bulk; the data decide by default.")
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option("--shape", metavar="NAME", help="Shape of the particles: sphere, spheroid, lognormal, shell, core-shell."),
    ] = None,
    free: Annotated[
        list[str] | None,
        typer.Option("--free", metavar="NAME", help="Refine what is held by default: --free transparency --free occ_Ni1."),
    ] = None,
    tie: Annotated[
        list[str] | None,
        typer.Option("--tie", metavar="EQUATION", help="A parameter that follows others: --tie 'occ_Li2 = 1 - occ_Ni1'."),
    ] = None,
    restrain: Annotated[
        list[str] | None,
        typer.Option(
            "--restrain",
            metavar="QUANTITY",
            help="A parameter, bond length or angle known within limits: --restrain 'Co1-O1 = 1.92 +- 0.02'.",
        ),
    ] = None,
    standard: Annotated[
        str | None,
        typer.Option(
            "--standard",
            metavar="PHASE=FRACTION",
            help="Phase that was weighed in (name, formula or number) and its weight fraction: gives the amorphous share.",
        ),
    ] = None,
    series: Annotated[
        bool,
        typer.Option("--series", help="Inputs are frames of one experiment: each starts from where the one before ended."),
    ] = False,
    backward: Annotated[bool, typer.Option("--backward", help="With --series: from the last frame to the first.")] = False,
    first: Annotated[
        int | None,
        typer.Option("--first", metavar="N", min=0, help="With --series: begin at frame N, counted from 0, towards both ends."),
    ] = None,
    coordinate: Annotated[
        str | None,
        typer.Option(
            "--coordinate", metavar="FILE[:COLUMN]", help="With --series: table of the time or temperature of frames."
        ),
    ] = None,
    range: options.Range = None,
    set: options.Set = None,
    report: options.Report = None,
    json: options.Json = None,
    csv: options.Csv = None,
    xlsx: options.Xlsx = None,
    curves: options.Curves = None,
    export: options.Export = None,
    write_instrument: Annotated[
        Path | None,
        typer.Option("--write-instrument", metavar="FILE", help="Of a standard: write the instrument, for --set @FILE."),
    ] = None,
    workers: options.Workers = None,
    workspace: options.Place = None,
    no_cache: options.NoCache = False,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Refine structures against measured data by least squares."""
    limits, settings, fixed = options.read_range(range), options.read_settings(set), options.read_numbers(fix, "--fix")
    from whorl.cli.batch import Outputs, run_batch
    from whorl.tasks.hypotheses import find
    from whorl.tasks.recipes import Refine
    from whorl.tasks.weighed_in import read_standard

    recipe = Refine(
        structures=tuple(find(text) for text in structures), sources=tuple(structures), range=limits, settings=settings,
        fixed=fixed, size=size, shape=shape, free=tuple(free or ()), ties=tuple(tie or ()), restraints=tuple(restrain or ()),
        standard=None if standard is None else read_standard(standard),
    )  # fmt: skip
    outputs = Outputs(
        report=report, json=json, csv=csv, xlsx=xlsx, curves=curves, workers=workers, workspace=workspace, no_cache=no_cache,
        strict=strict, quiet=quiet, export=export, instrument=write_instrument,
    )  # fmt: skip
    if series:
        from whorl.cli.series import Series, run_series

        raise typer.Exit(run_series(recipe, [file], outputs, Series(backward=backward, first=first, coordinate=coordinate)))
    if backward or first is not None or coordinate is not None:
        raise UsageError("--backward, --first and --coordinate belong to --series", remedy="Add --series.")
    raise typer.Exit(run_batch(recipe, [file], outputs))
