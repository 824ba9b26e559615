"""``whorl quantify`` of small-angle curves: single ones kept as runs, series and maps as fast as they go."""

from __future__ import annotations

import json as _json
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from whorl.cli import messages

if TYPE_CHECKING:
    from whorl.cli.batch import Outputs
    from whorl.core.measurement import Measurement
    from whorl.core.verdict import Verdict
    from whorl.tasks.quantify_recipes import ByCurve, ByFormFactor

_SAY_EVERY = 1000  # frames
_SHOWN = 20  # frames, after which no line is said of each


def run_curves(recipe: ByCurve | ByFormFactor, files: list[str], outputs: Outputs, *, keep: bool, named: bool) -> int:
    """Quantify curves; give the exit code. Series are streamed unless they are to be kept."""
    from whorl.cli.batch import check_outputs, run_batch
    from whorl.cli.expand import expand
    from whorl.core.errors import WhorlError
    from whorl.formats import read
    from whorl.formats.steering import steering

    found = expand(files)
    series: Measurement | None = None
    if len(found) == 1 and "#" not in found[0]:
        try:
            series = read(found[0], settings=steering(recipe.settings))
        except WhorlError:
            series = None  # the batch says why
    if series is None or series.frames == 1 or keep:
        return run_batch(recipe, files, outputs)
    check_outputs(outputs)
    return _stream(recipe, series, files, outputs, named=named)


def _stream(recipe: ByCurve | ByFormFactor, series: Measurement, files: list[str], outputs: Outputs, *, named: bool) -> int:
    from whorl.cli import words
    from whorl.report import TableWriter

    arguments = recipe.arguments() if named else recipe.arguments()[2:]
    command = shlex.join(["whorl", "quantify", *files, *arguments, *outputs.arguments()])
    done: list[Verdict] = []
    with ExitStack() as stack:
        tables = [stack.enter_context(TableWriter(path)) for path in outputs.tables()]
        told = _told(recipe, series, named=named)
        for verdict in told:
            for writer in tables:
                writer.append(verdict)
            if outputs.json == "-":
                sys.stdout.write(_json.dumps(verdict.to_json_dict(), ensure_ascii=True, allow_nan=False) + "\n")
            elif not outputs.quiet and (len(done) < _SHOWN or verdict.error is not None):
                messages.out(words.line(verdict) if done else words.full(verdict))
            done.append(verdict)
            if not outputs.quiet and len(done) % _SAY_EVERY == 0:
                messages.say(f"  {len(done)} frames")
    paths = [*outputs.tables(), *_pages(done, series, outputs, command)]
    failed = sum(v.error is not None for v in done)
    if not outputs.quiet:
        to = messages.say if outputs.json == "-" else messages.out
        to(f"\n{len(done) - failed} of {len(done)} done" + (f", {failed} failed" if failed else ""))
        for path in paths:
            to(f"Written {path}")
    return 3 if failed == len(done) else 0


def _told(recipe: ByCurve | ByFormFactor, series: Measurement, *, named: bool) -> Iterator[Verdict]:
    """Verdicts of the frames, by a model or without one."""
    from whorl.formats.steering import without_steering
    from whorl.tasks.quantify_curve import quantify_curve_series
    from whorl.tasks.quantify_form_factor import quantify_form_factor_series
    from whorl.tasks.quantify_recipes import ByFormFactor

    settings = without_steering(recipe.settings)
    if isinstance(recipe, ByFormFactor):
        return quantify_form_factor_series(
            series, recipe.form_factor, range=recipe.range, settings=settings, level=recipe.level
        )
    return quantify_curve_series(
        series,
        recipe.method if named else "",
        range=recipe.range,
        settings=settings,
        contrast=recipe.contrast,
        kernel=recipe.kernel,
        level=recipe.level,
    )


def _pages(done: list[Verdict], series: Measurement, outputs: Outputs, command: str) -> list[Path]:
    """Write the page over all frames: maps where they have positions, else the course of the quantities."""
    if outputs.report is None:
        return []
    from whorl.tasks.maps import has_positions

    name = Path(series.path).name
    if has_positions(series.coordinates):
        from whorl.report.maps import write_map_report

        return [write_map_report(done, series.coordinates, outputs.report, title=name, command=command)]
    from whorl.report import write_series_report

    label, values = next(iter(series.coordinates.items()), ("frame", None))
    return [
        write_series_report(
            done,
            outputs.report,
            measurements=[series],
            coordinate=values,
            coordinate_label=label,
            title=name,
            stem="index",
            command=command,
        )
    ]
