"""``whorl replay``: run a kept run again and compare."""

from __future__ import annotations

from typing import Annotated

import typer

from whorl.cli import messages, options

_MOST_LINES = 40


def replay(
    run: Annotated[str, typer.Argument(metavar="RUN|last", help="Id of a run, or the end of it.")],
    workspace: options.Place = None,
    quiet: options.Quiet = False,
) -> None:
    """Run a kept run again from its kept input and say whether the answer is identical; exit with 1 if not."""
    from whorl.cli.progress import Display
    from whorl.core.workspace import Workspace
    from whorl.tasks.replay import replay as again

    with Workspace.open(workspace) as opened, Display(1, show=not quiet) as display:
        found = again(run, workspace=opened, progress=display.stage)
    name = f"{found.kept.run} ({found.kept.task} {found.kept.file})"
    if found.identical:
        messages.out(f"{name}: identical")
    else:
        messages.out(f"{name}: {len(found.differences)} values differ")
        for difference in found.differences[:_MOST_LINES]:
            messages.out(f"  {difference}")
        if len(found.differences) > _MOST_LINES:
            messages.out(f"  ... and {len(found.differences) - _MOST_LINES} more")
    for reason in found.reasons:
        messages.out(f"  note: {reason}")
    raise typer.Exit(0 if found.identical else 1)
