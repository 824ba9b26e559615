"""``whorl show``: what was found before."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated

import typer

from whorl.cli import messages, options
from whorl.core.errors import UsageError


def show(
    run: Annotated[str, typer.Argument(metavar="RUN|last|list", help="Id of a run, or the end of it; or the list.")] = "list",
    report: options.Report = None,
    export: options.Export = None,
    json: Annotated[bool, typer.Option("--json", help="Show the JSON object of the run.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Runs in the list.")] = 20,
    file: Annotated[str | None, typer.Option("--file", help="List the runs of this file only.")] = None,
    workspace: options.Place = None,
) -> None:
    """Show a kept run, or the list of runs; write its report again with --report, files for other programs with --export."""
    from whorl.core.workspace import Workspace

    with Workspace.open(workspace) as opened:
        if run == "list":
            if export is not None:
                raise UsageError("--export belongs to one run", remedy="Name the run, or last.")
            _list(opened, limit, file)
        else:
            _show(opened, run, report, json)
            if export is not None:
                from whorl.tasks.export import export_run

                for path in export_run(run, export, workspace=opened):
                    (messages.say if json else messages.out)(f"Written {path}")


def _list(workspace: object, limit: int, file: str | None) -> None:
    from whorl.cli.words import table
    from whorl.core.workspace import Workspace
    from whorl.report.notation import format_fixed, format_probability

    assert isinstance(workspace, Workspace)
    rows = workspace.runs(limit, file=file)
    if not rows:
        messages.say(f"No runs in {workspace.folder} yet.")
        return
    cells = [
        [
            row.id,
            row.task,
            row.best if row.status == "ok" else "error",
            format_fixed(row.rw, 3),
            format_probability(row.probability),
            row.file,
        ]
        for row in rows
    ]
    messages.out(table(["run", "task", "answer", "Rw", "probability", "file"], cells, right=(3, 4)))


def _show(workspace: object, run: str, report: Path | None, as_json: bool) -> None:
    from whorl.cli.words import full
    from whorl.core.workspace import Workspace
    from whorl.tasks.keep import restore

    assert isinstance(workspace, Workspace)
    verdict = restore(workspace.load(run))
    if as_json:
        messages.out(json_module.dumps(verdict.to_json_dict(), ensure_ascii=True, allow_nan=False))
    else:
        messages.out(full(verdict))
        command = verdict.provenance.command if verdict.provenance is not None else ""
        messages.out(f"\nRun     {verdict.run}  ({verdict.provenance.time if verdict.provenance else ''})")
        if command:
            messages.out(f"Command {command}")
    if report is not None:
        from whorl.report import write_report
        from whorl.tasks.replay import measurement_of

        measurement = measurement_of(verdict, workspace) if verdict.status == "ok" else None
        path = write_report(verdict, report, measurement=measurement)
        (messages.say if as_json else messages.out)(f"Written {path}")
