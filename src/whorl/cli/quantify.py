"""``whorl quantify``: phases by measured references or a trained model, small-angle curves without any; with intervals."""

from __future__ import annotations

import json as _json
import shlex
import sys
from contextlib import ExitStack
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages, options
from whorl.core.errors import UsageError

if TYPE_CHECKING:
    from whorl.cli.batch import Outputs
    from whorl.core.errors import WhorlError
    from whorl.core.verdict import Verdict

_SAY_EVERY = 1000  # frames


def quantify(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Measured data: files, quoted patterns, folders, series.")
    ],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME|FOLDER",
            help="Model made by `whorl train pd-quantify`; of small-angle curves the name of a form factor: sphere.",
        ),
    ] = None,
    references: Annotated[
        str | None,
        typer.Option("--references", metavar="TABLE|FOLDER", help="Measured patterns of pure phases: a CSV table or a folder."),
    ] = None,
    rir: Annotated[
        str | None, typer.Option("--rir", metavar="TABLE", help="Reference intensity ratios; by default the CSV beside them.")
    ] = None,
    standard: Annotated[
        str | None,
        typer.Option(
            "--standard", metavar="NAME=FRACTION", help="Reference that was weighed in, and its weight fraction in the mixture."
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="NAME", help="Leave out this reference, or group of them.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Take these references or groups alone.")
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            "--method",
            metavar="NAMES",
            help="Of a small-angle curve: all, or some of guinier, porod, kratky, invariant, unified, distances, sizes, peaks.",
        ),
    ] = None,
    contrast: Annotated[
        float | None,
        typer.Option("--contrast", metavar="NUMBER", help="Difference of scattering length densities, 1e-6/angstrom^2."),
    ] = None,
    kernel: Annotated[
        str, typer.Option("--kernel", metavar="MODEL", help="Model of the particles whose sizes are distributed.")
    ] = "sphere",
    level: Annotated[float, typer.Option("--level", help="Probability that an interval holds the truth.")] = 0.9,
    keep: Annotated[bool, typer.Option("--keep", help="Keep every pattern as a run, one by one.")] = False,
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
    quiet: options.Quiet = False,
) -> None:
    """Quantify: phases by measured references or by a trained model; small-angle curves without a model.

    References explain a pattern as a sum of measured patterns of pure phases, whatever their structure. A model answers
    thousands of frames in a minute, and keeps none of them as a run without --keep; nor are frames of small-angle series kept.
    """
    from whorl.cli.batch import Outputs, run_batch
    from whorl.tasks.quantify_form_factor import is_form_factor
    from whorl.tasks.quantify_recipes import ByModel, ByReferences
    from whorl.tasks.weighed_in import read_standard

    limits, settings = options.read_range(range), options.read_settings(set)
    outputs = Outputs(
        report=report, json=json, csv=csv, xlsx=xlsx, curves=curves, workers=workers, workspace=workspace, no_cache=no_cache,
        quiet=quiet,
    )  # fmt: skip
    if model is None and references is None and (method is not None or _small_angle(files, settings)):
        if rir or standard or exclude or only:
            raise UsageError("--rir, --standard, --exclude and --only are for --references", remedy="Leave them out.")
        from whorl.cli.quantify_curves import run_curves
        from whorl.tasks.quantify_recipes import ByCurve

        made = ByCurve(method or "all", contrast, kernel, limits, settings, level)
        raise typer.Exit(run_curves(made, files, outputs, keep=keep, named=method is not None))
    if method is not None or contrast is not None or kernel != "sphere":
        raise UsageError("--method, --contrast and --kernel are for small-angle curves alone", remedy="Leave them out.")
    if model is not None and references is None and is_form_factor(model):
        if rir or standard or exclude or only:
            raise UsageError("--rir, --standard, --exclude and --only are for --references", remedy="Leave them out.")
        from whorl.cli.quantify_curves import run_curves
        from whorl.tasks.quantify_recipes import ByFormFactor

        raise typer.Exit(run_curves(ByFormFactor(model, limits, settings, level), files, outputs, keep=keep, named=True))
    if (model is None) == (references is None):
        raise UsageError("neither or both of --model and --references", remedy="Name one of them.")
    if references is not None:
        recipe = ByReferences(
            references,
            rir,
            None if standard is None else read_standard(standard),
            tuple(exclude or ()),
            tuple(only or ()),
            limits,
            settings,
            level,
        )
        raise typer.Exit(run_batch(recipe, files, outputs))
    assert model is not None
    if rir or standard or exclude or only or limits:
        raise UsageError("--rir, --standard, --exclude, --only and --range are for --references", remedy="Leave them out.")
    if keep or report or curves or workspace:
        raise typer.Exit(run_batch(ByModel(model, settings, level), files, outputs))
    raise typer.Exit(_stream(files, model, settings, level, outputs))


def _small_angle(files: list[str], settings: dict[str, float | str]) -> bool:
    """Tell whether the first file that can be read is a small-angle curve."""
    from whorl.cli.expand import expand
    from whorl.core.errors import WhorlError
    from whorl.tasks.inputs import list_items, load

    for item in list_items(expand(files)[:3]):
        try:
            return load(item, settings=settings).kind == "sas"
        except WhorlError:
            continue
    return False


def _stream(files: list[str], model: str, settings: dict[str, float | str], level: float, outputs: Outputs) -> int:
    """Quantify by a model as fast as it goes, keeping nothing; give the exit code."""
    from whorl.cli.batch import check_outputs
    from whorl.cli.expand import expand
    from whorl.report import TableWriter
    from whorl.tasks.quantify import quantify_files

    check_outputs(outputs)
    codes: list[int] = []
    words = ["--model", model, *(["--level", f"{level:g}"] if level != 0.9 else [])]
    words += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    done = failed = 0
    with ExitStack() as stack:
        tables = [stack.enter_context(TableWriter(path)) for path in outputs.tables()]

        def noted(error: WhorlError) -> None:
            codes.append(error.exit_code)

        workers = outputs.workers or 2
        found = quantify_files(expand(files), model, settings=settings, level=level, workers=workers, on_error=noted)
        for verdict in (_repeatable(v, words) for v in found):
            for writer in tables:
                writer.append(verdict)
            if outputs.json == "-":
                sys.stdout.write(_json.dumps(verdict.to_json_dict(), ensure_ascii=True, allow_nan=False) + "\n")
            elif not outputs.quiet or verdict.error is not None:
                _show(verdict, done)
            done += 1
            failed += verdict.error is not None
            if not outputs.quiet and done % _SAY_EVERY == 0:
                messages.say(f"  {done} patterns")
    if not outputs.quiet:
        to = messages.say if outputs.json == "-" else messages.out
        if done > 1:
            to(f"\n{done - failed} of {done} done" + (f", {failed} failed" if failed else ""))
        for path in outputs.tables():
            to(f"Written {Path(path)}")
    return 0 if not failed else 4 if all(code == 4 for code in codes) else 3


def _repeatable(verdict: Verdict, words: list[str]) -> Verdict:
    """Write the command that gives the verdict again into its provenance."""
    if verdict.provenance is None:
        return verdict
    command = shlex.join(["whorl", "quantify", verdict.file, *words])
    return verdict.model_copy(update={"provenance": verdict.provenance.model_copy(update={"command": command})})


def _show(verdict: Verdict, before: int) -> None:
    """Say a verdict: the first in full, further ones in a line."""
    from whorl.cli import words

    if verdict.error is not None:
        messages.error(words.failure(verdict))
    elif before == 0:
        messages.out(words.full(verdict))
    else:
        phases = [p for p in verdict.candidates[0].phases if isfinite(p.weight_fraction.value)]
        shares = ", ".join(f"{p.formula} {100 * p.weight_fraction.value:.1f} %" for p in phases) or "no phase is seen"
        messages.out(f"{verdict.file}: {shares}" + ("  [see warnings]" if verdict.warnings else ""))
