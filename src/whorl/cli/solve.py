"""``whorl solve``: the structure of a geometry that explains the data, and the others that explain it as well."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages, options
from whorl.cli.batch import Batch, Outputs
from whorl.core.errors import UsageError

if TYPE_CHECKING:
    from whorl.cli.progress import Display
    from whorl.core.verdict import Verdict
    from whorl.report import TableWriter


def solve(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Measured data: files, quoted patterns, folders.")],
    geometry: Annotated[
        list[str],
        typer.Option(
            "--geometry",
            metavar="NAME|TOML",
            help="micelle, vesicle, fibril, nanoparticle-assembly, oriented-ellipsoids, oriented-cylinders, or your own file.",
        ),
    ],
    gene: Annotated[
        list[str] | None,
        typer.Option(
            "--gene", metavar="NAME=LOW:HIGH", help="Where a number of the geometry is searched; NAME=VALUE holds it."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=WORD", help="A choice that is not left to the data: distribution=gaussian."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write scatterers (.xyz) and the ensemble of solutions (.csv)."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all random numbers.")] = 0,
    effort: Annotated[str, typer.Option("--effort", metavar="full|quick", help="How thoroughly to search.")] = "full",
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
    """Reconstruct a structure from its scattering: sizes, layers, packing, with all solutions that explain the data as well.

    A search that is interrupted goes on where it was when the same command is given again.
    """
    limits, settings = options.read_range(range), options.read_settings(set)
    from whorl.tasks.solve_recipe import Solve, read_span
    from whorl.techniques.sas.solve import oriented

    spans = dict(read_span(word) for word in gene or ())
    chosen = {name: str(value) for name, value in options.read_settings(option, "--option").items()}
    outputs = Outputs(
        report=report, json=json, csv=csv, xlsx=xlsx, curves=curves, workers=workers, workspace=workspace, no_cache=no_cache,
        strict=strict, quiet=quiet,
    )  # fmt: skip
    if any(name in oriented.KEYS for name in geometry):
        if len(geometry) > 1 or len(files) > 1 or settings or chosen or report or curves or csv or xlsx:
            raise UsageError(
                "a pattern in two dimensions is solved alone",
                remedy="Give one file and one geometry, with --gene, --range, --out, --json, --seed and --effort only.",
            )
        raise typer.Exit(_pattern(files[0], geometry[0], spans, limits, seed, effort, out, json))
    recipe = Solve(tuple(geometry), spans, chosen, limits, settings, seed, effort)
    raise typer.Exit(_run(recipe, files, outputs, out))


def _run(recipe: object, files: Sequence[str], outputs: Outputs, out: Path | None) -> int:
    import shlex

    from whorl.cli.batch import check_outputs
    from whorl.cli.expand import expand
    from whorl.core.workspace import Workspace
    from whorl.tasks.inputs import list_items
    from whorl.tasks.solve_recipe import Solve

    assert isinstance(recipe, Solve)
    check_outputs(outputs)
    items = list_items(expand(files))
    beside = [] if out is None else ["--out", str(out)]
    command = shlex.join(["whorl", "solve", *files, *recipe.arguments(), *beside, *outputs.arguments()])
    with Workspace.open(outputs.workspace) as workspace:
        return _Solving(recipe, items, outputs, command, workspace, out).run()


class _Solving(Batch):
    """A batch whose structures and ensembles are written beside its other outputs."""

    def __init__(
        self, recipe: object, items: object, outputs: Outputs, command: str, workspace: object, out: Path | None
    ) -> None:
        super().__init__(recipe, items, outputs, command, workspace)  # type: ignore[arg-type]
        self.out = out

    def _take(self, verdict: Verdict, tables: Sequence[TableWriter], display: Display) -> None:
        if self.out is not None and verdict.error is None:
            from whorl.report.solutions import write_solutions

            verdict = write_solutions(verdict, self.out)
        super()._take(verdict, tables, display)

    def _show(self, verdict: Verdict) -> None:
        super()._show(verdict)
        if verdict.error is None and not self.many and self.outputs.json != "-" and not self.outputs.quiet:
            messages.out(intervals(verdict))


def _pattern(
    path: str,
    geometry: str,
    spans: dict[str, tuple[float, float]],
    limits: tuple[float, float] | None,
    seed: int,
    effort: str,
    out: Path | None,
    json: str | None,
) -> int:
    """Solve a pattern in two dimensions, and say and write the answer."""
    import json as _json
    import sys

    from whorl.cli import words
    from whorl.core.atomic import write_atomic
    from whorl.report.solutions import write_solutions
    from whorl.tasks.solve_pattern import solve_pattern

    verdict = solve_pattern(path, geometry, spans=spans, range=limits, seed=seed, effort=effort)
    if out is not None:
        verdict = write_solutions(verdict, out)
    text = _json.dumps(verdict.to_json_dict(), ensure_ascii=True, allow_nan=False) + "\n"
    if json == "-":
        sys.stdout.write(text)
        return 0
    if json is not None:
        write_atomic(json, text)
    messages.out(words.full(verdict))
    messages.out(intervals(verdict))
    return 0


def intervals(verdict: Verdict) -> str:
    """Set what was found in a table with its intervals, and the files written."""
    from whorl.cli.words import table
    from whorl.report.notation import format_interval

    level = next((q.level for q in verdict.parameters.values()), 0.9)
    rows = [
        [name, "" if q.interval is None else format_interval(*q.interval), q.unit] for name, q in verdict.parameters.items()
    ]
    text = "\n" + table(["gene", f"{level:.0%} interval", "unit"], rows)
    for file in verdict.structures:
        text += f"\nWritten {file.path}  ({file.meaning})"
    return text
