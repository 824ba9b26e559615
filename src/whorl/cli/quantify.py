"""``whorl quantify``: amounts, cells and sizes of known phases by a trained model, with intervals."""

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

if TYPE_CHECKING:
    from whorl.core.errors import WhorlError
    from whorl.core.verdict import Verdict

_SAY_EVERY = 1000  # frames


def quantify(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Measured data: files, quoted patterns, folders, series.")
    ],
    model: Annotated[str, typer.Option("--model", metavar="NAME|FOLDER", help="Model made by `whorl train pd-quantify`.")],
    level: Annotated[float, typer.Option("--level", help="Probability that an interval holds the truth.")] = 0.9,
    set: options.Set = None,
    json: options.Json = None,
    csv: options.Csv = None,
    xlsx: options.Xlsx = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Threads.")] = 2,
    quiet: options.Quiet = False,
) -> None:
    """Quantify the phases of a trained model in measured data: weight fractions, cells, crystallite sizes.

    Thousands of frames of a series take a minute. Results go to the files that are asked for; the workspace keeps none.
    """
    from whorl.cli.batch import Outputs, check_outputs
    from whorl.cli.expand import expand
    from whorl.report import TableWriter
    from whorl.tasks.quantify import quantify_files

    settings = options.read_settings(set)
    outputs = Outputs(json=json, csv=csv, xlsx=xlsx, quiet=quiet)
    check_outputs(outputs)
    codes: list[int] = []
    words = ["--model", model, *(["--level", f"{level:g}"] if level != 0.9 else [])]
    words += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    done = failed = 0
    with ExitStack() as stack:
        tables = [stack.enter_context(TableWriter(path)) for path in outputs.tables()]

        def noted(error: WhorlError) -> None:
            codes.append(error.exit_code)

        found = quantify_files(expand(files), model, settings=settings, level=level, workers=workers, on_error=noted)
        for verdict in (_repeatable(v, words) for v in found):
            for writer in tables:
                writer.append(verdict)
            if json == "-":
                sys.stdout.write(_json.dumps(verdict.to_json_dict(), ensure_ascii=True, allow_nan=False) + "\n")
            elif not quiet or verdict.error is not None:
                _show(verdict, done)
            done += 1
            failed += verdict.error is not None
            if not quiet and done % _SAY_EVERY == 0:
                messages.say(f"  {done} patterns")
    if not quiet:
        to = messages.say if json == "-" else messages.out
        if done > 1:
            to(f"\n{done - failed} of {done} done" + (f", {failed} failed" if failed else ""))
        for path in outputs.tables():
            to(f"Written {Path(path)}")
    raise typer.Exit(0 if not failed else 4 if all(code == 4 for code in codes) else 3)


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
        messages.out(table(verdict))
    else:
        phases = [p for p in verdict.candidates[0].phases if isfinite(p.weight_fraction.value)]
        shares = ", ".join(f"{p.formula} {100 * p.weight_fraction.value:.1f} %" for p in phases) or "no phase is seen"
        messages.out(f"{verdict.file}: {shares}" + ("  [see warnings]" if verdict.warnings else ""))


def table(verdict: Verdict) -> str:
    """Set the parameters of a verdict in a table with their intervals, what to mind and what was assumed behind it."""
    from whorl.cli import words
    from whorl.report.notation import format_quantity

    phases = [p.name for p in verdict.candidates[0].phases]
    rows = []
    for name, quantity in verdict.parameters.items():
        number, _, bare = name.partition(":")
        ends = "" if quantity.interval is None else f"{quantity.interval[0]:.6g} to {quantity.interval[1]:.6g}"
        known = isfinite(quantity.value)
        rows.append([phases[int(number) - 1], bare, format_quantity(quantity) if known else "not seen", ends])
    level = next(iter(verdict.parameters.values())).level
    lines = [f"{verdict.file}: Rw {verdict.candidates[0].rw:.3f}", ""]
    lines.append(words.table(["phase", "parameter", "value", f"{level:.0%} interval"], rows))
    for title, texts in (("Warnings", verdict.warnings), ("Assumed", verdict.assumptions)):
        if texts:
            lines += ["", title, *(f"  - {text}" for text in texts)]
    return "\n".join(lines)
