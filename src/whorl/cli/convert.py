"""``whorl convert``: a measurement or a structure from one file format to another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from whorl.cli import messages, options
from whorl.core.errors import UsageError

_STRUCTURES = (".cif", ".xyz", ".extxyz")


def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="A measurement (file, or file#frame) or a structure.")],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="Its suffix chooses the format: .gr .xye .nxs .dat .xml, .cif .xyz.")
    ],
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace OUT if it exists.")] = False,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="How IN is read: q_unit=1/nm, entry=2, sector=0:15, poni=FILE."),
    ] = None,
) -> None:
    """Convert a measurement (.gr .fq .sq .iq .xy .xye .dat .nxs .xml) or a structure (.cif .xyz) to another format."""
    if target.exists() and not force:
        same = Path(source).exists() and target.samefile(source)
        remedy = "Choose another name." if same else "Choose another name, or pass --force to replace it."
        raise UsageError("the file exists" if not same else "this is the input itself", where=str(target), remedy=remedy)
    if target.suffix.lower() in _STRUCTURES:
        from whorl.core.hypothesis import Cluster, Crystal
        from whorl.formats import write_structure
        from whorl.tasks.hypotheses import find

        structure = find(source)
        assert isinstance(structure, Crystal | Cluster)
        write_structure(structure, target)
    else:
        from whorl.formats import read, write_measurement
        from whorl.tasks.inputs import split_frame

        path, frame = split_frame(source)
        measurement = read(path, settings=options.read_settings(set))
        write_measurement(measurement if frame is None else measurement.frame(frame), target)
        for note in measurement.notes:
            messages.say(f"{path}: {note}")
    messages.say(f"Written {target}")
