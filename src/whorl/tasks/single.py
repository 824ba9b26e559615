"""One input through one recipe: what the Python API calls.

A measurement in memory is kept as the text that reads back the same.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from whorl.core.errors import PatternError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.provenance import sha256_file
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.tasks import keep
from whorl.tasks.batch import run_files
from whorl.tasks.inputs import Item, list_items
from whorl.tasks.recipes import Recipe
from whorl.techniques.protocol import Progress


def run_one(
    recipe: Recipe,
    source: str | os.PathLike[str] | Measurement,
    *,
    workspace: Workspace | None,
    resume: bool = True,
    progress: Progress | None = None,
) -> Verdict:
    """Run a recipe on one file or one measurement, in this process.

    Parameters
    ----------
    recipe : Recipe
    source : path or Measurement
        One curve; ``"series.nxs#3"`` names a frame.
    workspace : Workspace, optional
        Keeps the input and the result, and gives a result that it has.
    resume : bool
        False computes anew.
    progress : callable, optional
        Called with (stage, done, total).

    Raises
    ------
    WhorlError
        If the input cannot be used.
    """
    if isinstance(source, Measurement):
        return _measurement(recipe, source, workspace, progress)
    items = list_items([source])
    if len(items) != 1:
        raise PatternError(
            f"this is a series of {len(items)} frames",
            where=os.fspath(source),
            remedy=f"Name one as {os.fspath(source)}#0, or use identify_many.",
        )
    problem: list[WhorlError] = []
    for verdict in run_files(
        recipe, items, workspace=workspace, workers=1, resume=resume, progress=progress, on_error=problem.append
    ):
        if problem:
            raise problem[0]
        return verdict
    raise KeyboardInterrupt


def _measurement(recipe: Recipe, measurement: Measurement, workspace: Workspace | None, progress: Progress | None) -> Verdict:
    if measurement.frames != 1:
        raise PatternError(
            f"this is a series of {measurement.frames} frames",
            where=measurement.path or "measurement",
            remedy="Take one with measurement.frame(i).",
        )
    found = recipe.run(measurement, progress=progress)
    name = measurement.path or f"measurement.{measurement.kind}"
    from whorl.formats import write_measurement

    with tempfile.TemporaryDirectory(prefix="whorl-") as folder:
        suffix = measurement.kind if measurement.kind in ("gr", "fq", "sq", "iq") else "nxs"
        copy = Path(folder, f"measurement.{suffix}")
        write_measurement(measurement.frame(0), copy)
        verdict = keep.labelled(found, recipe, Item(name, None, sha256_file(copy)), measurement)
        if verdict.provenance is not None:
            verdict.provenance.parameters["format"] = None
        if workspace is None:
            return verdict
        workspace.keep_input(copy)
        return keep.save(workspace, verdict, key=f"memory {verdict.sha256}", extra=recipe.extra())
