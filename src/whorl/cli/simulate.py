"""``whorl simulate``: the measurement that a structure would give."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from whorl.cli import messages, options
from whorl.core.errors import UsageError

#: ends and step of the axis by technique
_DEFAULTS = {"pdf": (0.01, 30.0, 0.01), "pd": (10.0, 80.0, 0.02)}
_MOST_POINTS = 1_000_000


def simulate(
    structure: Annotated[
        str, typer.Argument(metavar="STRUCTURE", help="A CIF or XYZ file, or a catalogue entry such as 'Ni (fcc)'.")
    ],
    technique: Annotated[str, typer.Option("--technique", help="What is measured: pdf, pd.")] = "pdf",
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Of a PDF qmin, qmax, qdamp, u_iso, diameter, ...; of a powder wavelength=Cu, size, ...",
        ),
    ] = None,
    range: Annotated[
        str | None, typer.Option("--range", metavar="LOW:HIGH", help="Axis; by default 0.01:30 angstrom, or 10:80 degrees.")
    ] = None,
    step: Annotated[float | None, typer.Option("--step", help="Step of the axis.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it here (.gr, .xye, .nxs); columns to standard output by default."),
    ] = None,
) -> None:
    """Simulate the measurement that a structure would give."""
    low, high, usual = _DEFAULTS.get(technique, _DEFAULTS["pdf"])
    limits, settings = options.read_range(range) or (low, high), options.read_settings(set)
    step = usual if step is None else step
    if not 0 < step < limits[1] - limits[0]:
        raise UsageError(f"--step {step:g} does not fit into {limits[0]:g}:{limits[1]:g}", remedy="Give a smaller one above 0.")
    count = round((limits[1] - limits[0]) / step) + 1
    if count > _MOST_POINTS:
        raise UsageError(f"{count} points are too many", remedy=f"Use a larger --step (at most {_MOST_POINTS} points).")
    import numpy as np

    from whorl.formats import write_measurement
    from whorl.formats.whorltext import text_of
    from whorl.tasks.hypotheses import find
    from whorl.tasks.simulate import simulate as run

    axis = np.round(limits[0] + step * np.arange(count), 10)
    found = run(find(structure), technique=technique, settings=settings, x=axis)
    if out is None:
        sys.stdout.write(text_of(found))
        return
    write_measurement(found, out)
    messages.say(f"Written {out}")
