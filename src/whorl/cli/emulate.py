"""``whorl emulate``: curves of a model by a trained surrogate, or by the exact model where that was not trained."""

from __future__ import annotations

import csv
import json as _json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages, options
from whorl.core.errors import PatternError, UsageError

if TYPE_CHECKING:
    from whorl.core.measurement import Measurement

_MOST = 100_000


def emulate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name of a model: cylinder, fcc_paracrystal, ...")],
    params: Annotated[
        list[str] | None,
        typer.Option("--params", metavar="NAME=VALUE", help="Parameter of the model: radius=20, radius_pd=0.1; repeat it."),
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--table", metavar="FILE", help="CSV with a column for each parameter, one curve a row.")
    ] = None,
    range: Annotated[str, typer.Option("--range", metavar="LOW:HIGH", help="q, 1/angstrom.")] = "0.005:0.3",
    points: Annotated[int, typer.Option("--points", min=2, help="Points, equally far in ln q.")] = 256,
    surrogate: Annotated[
        str,
        typer.Option("--surrogate", metavar="auto|off|only", help="off: the exact model; only: fail where it is not trained."),
    ] = "auto",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write here: .dat for a curve, .nxs for several.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace --out if it exists.")] = False,
    json: options.Json = None,
    quiet: options.Quiet = False,
) -> None:
    """Compute curves of a model in microseconds by its surrogate, with the error that this has.

    Outside of what the surrogate was trained for the exact model is computed, and it is said so. Intensities are in 1/cm at a
    volume fraction of 1.
    """
    import numpy as np

    from whorl.tasks.emulate import emulate as run

    low, high = options.read_range(range) or (0.0, 0.0)
    if low <= 0:
        raise UsageError(f"--range {range}: q has to be positive", remedy="Begin above 0, as in 0.005:0.3.")
    if points > _MOST:
        raise UsageError(f"{points} points are too many", remedy=f"Ask for {_MOST} at most.")
    if out is not None and out.exists() and not force:
        raise UsageError("the file exists", where=str(out), remedy="Choose another name, or pass --force to replace it.")
    values: dict[str, object] = dict(options.read_numbers(params, "--params"))
    if table is not None:
        values |= _columns(table)
    found = run(model, np.geomspace(low, high, points), values, surrogate=surrogate)  # type: ignore[arg-type]
    line = _json.dumps(found.verdict.to_json_dict(), ensure_ascii=True, allow_nan=False) + "\n"
    if json == "-":
        sys.stdout.write(line)
    elif json is not None:
        from whorl.core.atomic import write_atomic

        write_atomic(json, line)
    if not quiet:
        for text in (*found.verdict.assumptions, *found.verdict.warnings):
            messages.say(f"  {text}")
    if out is not None:
        from whorl.formats import write_measurement

        write_measurement(found.measurement, out)
        if not quiet:
            messages.say(f"Written {out}")
    elif json != "-":
        sys.stdout.write(_text(found.measurement))


def _text(measurement: Measurement) -> str:
    """Columns: q, and a column for each curve."""
    rows = measurement.signal.reshape(measurement.frames, -1)
    lines = ["# q(A^-1)" + "  I(1/cm)" * len(rows)]
    lines += [" ".join(f"{value:.8g}" for value in row) for row in zip(measurement.x, *rows, strict=True)]
    return "\n".join(lines) + "\n"


def _columns(path: Path) -> dict[str, list[float]]:
    """Numbers of a CSV table by the name of the column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PatternError(f"the table cannot be read ({why})", where=str(path), remedy="Check the path.") from error
    if not rows or not rows[0]:
        raise PatternError(
            "the table has no rows", where=str(path), remedy="A first line of names, then a line for each curve."
        )
    found: dict[str, list[float]] = {str(name).strip(): [] for name in rows[0]}
    for number, row in enumerate(rows, 2):
        for name, text in row.items():
            try:
                found[str(name).strip()].append(float(text))
            except (TypeError, ValueError):
                raise PatternError(
                    f"{text!r} is no number", where=f"{path}, line {number}", remedy=f"Give a number for {name}."
                ) from None
    return found
