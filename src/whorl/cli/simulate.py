"""``whorl simulate``: the measurement that a structure would give."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages, options
from whorl.core.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: ends and step of the axis by technique
#: axis where none is asked for; of techniques that are not here, the technique's own
_DEFAULTS = {"pdf": (0.01, 30.0, 0.01), "pd": (10.0, 80.0, 0.02)}
_MOST_POINTS = 1_000_000
#: points between the ends, equally far in the logarithm, of a technique whose axis is logarithmic
_POINTS = 256


def simulate(
    structure: Annotated[
        str,
        typer.Argument(metavar="STRUCTURE", help="A CIF or XYZ file, a catalogue entry ('Ni (fcc)'), a model (sphere)."),
    ],
    technique: Annotated[str, typer.Option("--technique", help="What is measured: pdf, pd, sas.")] = "pdf",
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Of a PDF qmin, qmax, u_iso, ...; of a powder wavelength=Cu, ...; of small angles radius, dq, ...",
        ),
    ] = None,
    range: Annotated[
        str | None,
        typer.Option("--range", metavar="LOW:HIGH", help="Axis; by default 0.01:30 angstrom, 10:80 degrees, q of 0.002:0.5."),
    ] = None,
    step: Annotated[float | None, typer.Option("--step", help="Step of the axis.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write it here (.gr, .xye, .nxs); columns to standard output by default."),
    ] = None,
) -> None:
    """Simulate the measurement that a structure would give."""
    limits, settings = options.read_range(range), options.read_settings(set)
    from whorl.formats import write_measurement
    from whorl.formats.whorltext import text_of
    from whorl.tasks.hypotheses import find
    from whorl.tasks.simulate import simulate as run

    found = run(find(structure), technique=technique, settings=settings, x=_axis(technique, limits, step))
    if out is None:
        sys.stdout.write(text_of(found))
        return
    write_measurement(found, out)
    messages.say(f"Written {out}")


def _axis(technique: str, limits: tuple[float, float] | None, step: float | None) -> NDArray[np.float64] | None:
    """Axis that is asked for; none where neither its ends nor its step are, and the technique has one of its own."""
    import numpy as np

    if technique not in _DEFAULTS:
        if limits is None and step is None:
            return None
        if limits is None:
            raise UsageError("--step without --range", remedy="Give both, or neither.")
        if step is None:
            return np.geomspace(*limits, _POINTS)
    low, high, usual = _DEFAULTS.get(technique, (0.0, 0.0, 0.0))
    low, high = limits or (low, high)
    step = usual if step is None else step
    if not 0 < step < high - low:
        raise UsageError(f"--step {step:g} does not fit into {low:g}:{high:g}", remedy="Give a smaller one above 0.")
    count = round((high - low) / step) + 1
    if count > _MOST_POINTS:
        raise UsageError(f"{count} points are too many", remedy=f"Use a larger --step (at most {_MOST_POINTS} points).")
    return np.asarray(np.round(low + step * np.arange(count), 10))
