"""Files of a refinement for journals and other programs, made from its answer.

The answer holds the values of all that was refined, so the fit is there again after one evaluation of the model, without a
search. What files there are is the technique's: the room ``export`` of its flat.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from whorl.core.atomic import write_atomic
from whorl.core.errors import UsageError, WhorlError, WorkspaceError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.fitting.problem import Fit
from whorl.formats.powder_refinement import Origin
from whorl.tasks.recipes import Refine, recipe_from
from whorl.tasks.replay import measurement_of
from whorl.tasks.start import Start, phase_of
from whorl.techniques import room_of, technique_for
from whorl.techniques.restrained import Known

#: misfit of the fit made again beside the one that was kept
_SAME = 1e-3


def export_run(run: str, folder: str | os.PathLike[str], *, workspace: Workspace, stem: str = "") -> list[Path]:
    """Write the files of a kept refinement.

    Parameters
    ----------
    run : str
        Id of the run, a part of it that no other has, or ``"last"``.
    folder : path
        Made where it is not there.
    workspace : Workspace
    stem : str
        Start of the names of the files; that of the measured file by default.

    Returns
    -------
    list of Path

    Raises
    ------
    WorkspaceError
        If the run or its input is not there, or its fit cannot be made again.
    UsageError
        If it is no refinement, or its technique has no files for others.
    """
    stored = workspace.load(run)
    verdict = stored.verdict
    if verdict.task != "refine" or verdict.best is None:
        raise UsageError(
            f"a run of {verdict.task!r} without a refinement cannot be exported",
            where=stored.id,
            remedy="Refine the structures it found: whorl refine FILE STRUCTURE... --export FOLDER.",
        )
    measurement = measurement_of(verdict, workspace)
    if measurement is None:
        raise WorkspaceError("the measured data are not kept", where=stored.id, remedy="Refine the file again.")
    parameters = verdict.provenance.parameters if verdict.provenance is not None else {}
    recipe = recipe_from("refine", parameters.get("recipe", {}), stored.extra)
    assert isinstance(recipe, Refine)
    return export(recipe, verdict, measurement, folder, stem=stem)


def export(
    recipe: Refine, verdict: Verdict, measurement: Measurement, folder: str | os.PathLike[str], *, stem: str = ""
) -> list[Path]:
    """Write the files of a refinement.

    Parameters
    ----------
    recipe : Refine
        That gave the verdict; of a series, that of its frames.
    verdict : Verdict
    measurement : Measurement
        One frame.
    folder : path
    stem : str
        Start of the names of the files.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    WhorlError
        If there is no fit, it cannot be made again, or the folder cannot be written.
    """
    made = room_of(verdict.technique, "export")
    fit = fitted(recipe, verdict, measurement)
    texts: Mapping[str, str] = made.files(
        fit, origin_of(verdict, measurement), stem or _stem(verdict.file), restraints=len(recipe.restraints)
    )
    written = []
    for name, text in texts.items():
        path = Path(folder, name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WhorlError(
                f"cannot be written ({error.strerror})", where=str(path.parent), remedy="Choose a folder you may write to."
            ) from error
        write_atomic(path, text)
        written.append(path)
    return written


def fitted(recipe: Refine, verdict: Verdict, measurement: Measurement) -> Fit:
    """Make the fit behind the first candidate of a verdict again, at the values that it has.

    Raises
    ------
    WorkspaceError
        If its misfit is another one: the data, the structures or whorl are not what they were.
    """
    best = verdict.best
    if best is None:
        raise UsageError("there is no fit", where=verdict.file, remedy="Refine the file again.")
    technique = technique_for(measurement.kind)
    signal = technique.prepare(measurement, range=recipe.range, settings=recipe.settings)
    end = Start().after(verdict)
    held = {
        name: value
        for name, value in end.values.items()
        if recipe.start is not None and phase_of(name) in end.held and not name.endswith(":scale")
    }
    start = {"size": recipe.size, "shape": recipe.shape, "free": recipe.free, "values": end.values}
    fixed = {**recipe.fixed, **held}
    trials = technique.trials(signal, recipe.structures, start=start, effort="full", fixed=fixed)
    known = Known.read(recipe.ties, recipe.restraints)
    fits = [known.solve(problem, start=first, max_iterations=0, passes=1) for problem, first in trials]
    found = min(fits, key=lambda fit: abs(fit.rw - best.rw), default=None)
    if found is None or abs(found.rw - best.rw) > _SAME * best.rw:
        now = "nothing" if found is None else f"Rw {found.rw:.5f}"
        raise WorkspaceError(
            f"the refinement of Rw {best.rw:.5f} gives {now} when it is made again", where=verdict.file, remedy="Refine again."
        )
    return found


def origin_of(verdict: Verdict, measurement: Measurement) -> Origin:
    """What was measured and who refined it."""
    record = verdict.provenance
    temperature = measurement.settings.get("temperature")
    return Origin(
        name=_stem(verdict.file),
        file=Path(verdict.file).name,
        sha256=verdict.sha256,
        software=f"whorl {verdict.whorl}",
        date="" if record is None else record.time,
        command="" if record is None else record.command,
        run=verdict.run,
        temperature=float(temperature) if isinstance(temperature, int | float) else None,
    )


def _stem(file: str) -> str:
    """A name for files from that of the measured one, with its frame."""
    name = Path(file.replace("\\", "/")).name
    path, mark, frame = name.rpartition("#")
    base = f"{Path(path).stem}-{frame}" if mark and frame.isdecimal() else Path(name).stem
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in base).strip("._") or "refinement"
