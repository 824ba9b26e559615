"""``whorl suggest``: what to measure next, and when to stop."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from whorl.cli import messages, options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whorl.lab import Advice


def suggest(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Powder patterns of one sample so far: counts; several passes add up.")
    ],
    elements: Annotated[
        str | None, typer.Option("--elements", metavar="Li,Co,O", help="Elements the sample may hold; others are left out.")
    ] = None,
    catalogue: Annotated[
        list[str] | None,
        typer.Option("--catalogue", metavar="NAME|FOLDER", help="Search this too: a catalogue, or a folder of CIF files."),
    ] = None,
    only: Annotated[bool, typer.Option("--only", help="Search nothing but the catalogues given.")] = False,
    proposer: Annotated[
        str | None,
        typer.Option("--proposer", metavar="MODEL", help="Ask this network for phases too: a trained model, or its folder."),
    ] = None,
    range: options.Range = None,
    set: options.Set = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", min=0, help="Time a point was counted, where the file does not say.")
    ] = None,
    limits: Annotated[
        str | None, typer.Option("--limits", metavar="LOW:HIGH", help="Angles in reach: extending the range is weighed too.")
    ] = None,
    budget: Annotated[float | None, typer.Option("--budget", min=0, help="Seconds that are left.")] = None,
    point_time: Annotated[float, typer.Option("--point-time", min=0, help="Seconds the motors take for each point.")] = 0.0,
    range_time: Annotated[float, typer.Option("--range-time", min=0, help="Seconds to drive to a range.")] = 0.0,
    at_once: Annotated[int, typer.Option("--at-once", min=1, help="Points counted at the same time by a strip.")] = 1,
    smallest: Annotated[
        float,
        typer.Option("--smallest", metavar="SHARE", help="Line not to be overlooked, as part of the strongest."),
    ] = 0.04,
    least: Annotated[
        float, typer.Option("--least", metavar="NATS", help="Stop where all the time left is expected to tell less.")
    ] = 0.05,
    json: options.Json = None,
    workspace: options.Place = None,
    quiet: options.Quiet = False,
) -> None:
    """Say which ranges of a powder pattern to measure again, how finely and how long, or that it is enough."""
    part, settings, reach = options.read_range(range), options.read_settings(set), options.read_range(limits)
    from whorl.core.workspace import Workspace
    from whorl.lab import Cost, advise
    from whorl.tasks.inputs import list_items, load
    from whorl.tasks.recipe_parts import known_elements
    from whorl.tasks.recipes import Identify

    recipe = Identify(
        elements=known_elements(elements),
        catalogues=tuple(catalogue or ()),
        only=only,
        range=part,
        settings=settings,
        proposer=proposer or "",
    )
    passes = [load(item, settings=settings) for item in list_items(files)]
    with Workspace.open(workspace) as opened:
        advice = advise(
            passes,
            recipe,
            seconds=seconds,
            cost=Cost(point_time, range_time, at_once),
            budget=budget,
            limits=reach,
            smallest=smallest,
            least=least,
            workspace=opened,
        )
    if json is not None:
        _write(json, files, advice)
    if json != "-" and not quiet:
        messages.out(_said(advice))


def _write(path: str, files: Sequence[str], advice: Advice) -> None:
    import json as json_module
    from pathlib import Path

    from whorl import __version__
    from whorl.report.storage import write_whole

    best = advice.verdict.best
    record = {
        "whorl": __version__,
        "task": "suggest",
        "files": list(files),
        "answer": None if best is None else best.name,
        "probability": None if best is None else best.probability,
        "none_probability": advice.verdict.none_probability,
        "run": advice.verdict.run,
        "plan": advice.plan.as_dict(),
    }
    text = json_module.dumps(record, allow_nan=False) + "\n"
    if path == "-":
        sys.stdout.write(text)
    else:
        write_whole(Path(path), text)


def _said(advice: Advice) -> str:
    from whorl.cli.words import headline, table

    plan = advice.plan
    lines = [headline(advice.verdict), ""]
    if plan.stop:
        return "\n".join([*lines, f"Stop: {plan.reason}."])
    lines += [f"Measure {plan.reason} ({plan.seconds:.3g} s, {plan.gain:.2f} nats expected):", ""]
    rows = [[f"{r.low:.3f}", f"{r.high:.3f}", f"{r.step:g}", f"{r.seconds:g}", str(r.points)] for r in plan.ranges]
    lines.append(table(["from", "to", "step", "s a point", "points"], rows, right=(0, 1, 2, 3, 4)))
    return "\n".join(lines)
