"""``whorl train``: make a model anew from its committed recipe."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from whorl.cli import messages, options

_SAY_EVERY = 30.0  # seconds between two lines where there is no terminal for a bar


def train(
    card: Annotated[str | None, typer.Argument(metavar="CARD", help="Model to train; without it, all are listed.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all randomness; the recipe's by default.")] = None,
    cases: Annotated[int | None, typer.Option("--cases", min=1, help="Training cases; the recipe says of what.")] = None,
    set: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Setting of the recipe, such as catalogue=FOLDER.")
    ] = None,
    phases: Annotated[
        list[str] | None,
        typer.Option(
            "--phases", metavar="STRUCTURE", help="A phase of a set to train for: a CIF, or catalogue/key; repeat it."
        ),
    ] = None,
    range: Annotated[
        str | None, typer.Option("--range", metavar="LOW:HIGH", help="Range of the axis to train for, such as 15:90.")
    ] = None,
    catalogue: Annotated[
        str | None,
        typer.Option("--catalogue", metavar="NAME|FOLDER", help="Catalogue, or folder of structures, to train for."),
    ] = None,
    elements: Annotated[
        str | None, typer.Option("--elements", metavar="Li,Co,O", help="Narrow the catalogue to these elements.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="Write the model here; ~/.whorl/models/CARD by default.")
    ] = None,
    quiet: options.Quiet = False,
) -> None:
    """Train a model on simulated data: weights and card, the same for the same seed.

    Interrupt it at any time; where the recipe can, the same command goes on where it was.
    """
    from whorl.learning.registry import find_trainer, list_trainers

    if card is None:
        from whorl.cli.words import table

        rows = [[t.name, t.summary, f"{t.cases} {t.meaning_of_cases}"] for t in map(find_trainer, list_trainers())]
        messages.out(table(["card", "what it makes", "cases by default"], rows))
        return
    from whorl.cli.progress import Display
    from whorl.learning.registry import train as run

    trainer = find_trainer(card)
    settings = options.read_settings(set)
    if phases:
        settings["phases"] = ";".join(phases)
    if range is not None:
        low, high = options.read_range(range) or (0.0, 0.0)
        settings["range"] = f"{low:g}:{high:g}"
    settings |= {k: v for k, v in (("catalogue", catalogue), ("elements", elements)) if v is not None}
    if not quiet:
        messages.say(f"{card}: {trainer.summary}; {cases or trainer.cases} {trainer.meaning_of_cases}")
    try:
        with Display(1, show=not quiet) as display:
            lines = _Lines(show=not quiet and not sys.stderr.isatty())

            def told(stage: str, done: int, total: int) -> None:
                display.stage(stage, done, total)
                lines.stage(stage, done, total)

            found = run(card, seed=seed, cases=cases, settings=settings, out=out, progress=told)
    except KeyboardInterrupt:
        messages.say("  the same command goes on where it was" if trainer.resumes else "  nothing was kept")
        raise
    messages.out(f"{found.card.name}: {found.path} ({found.path.stat().st_size / 1e6:.1f} MB)")
    if not quiet:
        from whorl.cli.models import describe

        messages.say(describe(found))


class _Lines:
    """The progress in lines, now and then, for a log."""

    def __init__(self, *, show: bool) -> None:
        self._shown = show
        self._said = time.monotonic()

    def stage(self, name: str, done: int, total: int) -> None:
        """Say how far a stage is."""
        if self._shown and time.monotonic() - self._said > _SAY_EVERY:
            self._said = time.monotonic()
            messages.say(f"  {name}: {done}/{total}")
