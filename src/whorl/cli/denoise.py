"""``whorl denoise``: a short exposure to the estimate of the long one, with its uncertainty."""

from __future__ import annotations

import json as _json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages, options
from whorl.core.errors import UsageError

if TYPE_CHECKING:
    from whorl.core.verdict import Verdict


def denoise(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A curve, a series (all its frames), or a detector frame of counts.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write the estimate with its sigma: .dat, .nxs; of a frame .npz."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace --out if it exists; never the input.")] = False,
    range: Annotated[
        str | None, typer.Option("--range", metavar="LOW:HIGH", help="Part of the axis to use, such as 0.005:0.3.")
    ] = None,
    set: options.Set = None,
    centre: Annotated[
        str | None,
        typer.Option(
            "--centre", metavar="ROW,COLUMN", help="Beam centre of a frame, pixels; found from its symmetry by default."
        ),
    ] = None,
    mask: Annotated[
        Path | None, typer.Option("--mask", metavar="FILE", help="Of a frame: an image (.npy, .tif), 0 where not to be used.")
    ] = None,
    report: options.Report = None,
    json: options.Json = None,
    quiet: options.Quiet = False,
) -> None:
    """Estimate what a long exposure would have measured, with the uncertainty of every value.

    Nothing is assumed of the sample. A curve is smoothed as far as its points allow and no further; frames of a series
    borrow from each other; pixels of a detector frame (.npy, .tif, .h5) borrow from their ring. The input is never changed.
    """
    from whorl.formats.frames import is_frame
    from whorl.tasks import denoise as task
    from whorl.tasks.inputs import split_frame

    limits, settings = options.read_range(range), options.read_settings(set)
    if json is not None and json != "-" and Path(json).exists() and Path(json).samefile(split_frame(file)[0]):
        raise UsageError("this is the input itself", where=json, remedy="Choose another name.")
    if is_frame(split_frame(file)[0]) or centre is not None or mask is not None:
        if limits is not None or settings:
            raise UsageError("--range and --set are for curves", remedy="Leave them out, or give a curve.")
        frame = task.denoise_frame_file(file, out, mask=mask, centre=_pair(centre), force=force)
        verdict = frame.verdict
        if report is not None:
            from whorl.report.denoised import write_frame_report

            page = write_frame_report(verdict, report, frame.counts, frame.mask, frame.found.intensity)
    else:
        found = task.denoise_file(file, out, range=limits, settings=settings, force=force)
        verdict = found.verdict
        if report is not None:
            from whorl.report.denoised import write_curve_report

            page = write_curve_report(verdict, report, found.source, found.measurement)
    _say(verdict, json, quiet=quiet)
    if not quiet:
        for path in [*([out] if out is not None else []), *([page] if report is not None else [])]:
            messages.say(f"Written {path}")


def _say(verdict: Verdict, json: str | None, *, quiet: bool) -> None:
    """Write the JSON where it is asked for, and words for people."""
    line = _json.dumps(verdict.to_json_dict(), ensure_ascii=True, allow_nan=False) + "\n"
    if json == "-":
        sys.stdout.write(line)
        return
    if json is not None:
        from whorl.core.atomic import write_atomic

        write_atomic(json, line)
    if quiet:
        return
    figures = {name: q.value for name, q in verdict.parameters.items()}
    messages.out(f"{verdict.file}: uncertainty {figures['gain']:.3g} times smaller ({verdict.candidates[0].source})")
    rest = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items() if name != "gain")
    if rest:
        messages.out(f"  {rest}")
    for title, texts in (("Warnings", verdict.warnings), ("Assumed", verdict.assumptions)):
        if texts:
            messages.out("\n".join(["", title, *(f"  - {text}" for text in texts)]))


def _pair(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        row, column = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--centre {text} is no pixel", remedy="Write row and column: --centre 512.5,400.") from None
    return row, column
