"""`refine_series` and `export`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from whorl.api.given import Given, Place, workspace_of
from whorl.api.refining import refinement
from whorl.core.errors import UsageError
from whorl.core.verdict import Verdict
from whorl.core.workspace import Workspace
from whorl.tasks import sequence
from whorl.tasks.export import export_run


def refine_series(
    files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    structures: Given | Sequence[Given],
    *,
    backward: bool = False,
    first: int | None = None,
    chain: int = sequence.CHAIN,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    fixed: Mapping[str, float] | None = None,
    size: bool | None = None,
    shape: str | None = None,
    free: Sequence[str] = (),
    ties: Sequence[str] = (),
    restraints: Sequence[str] = (),
    standard: tuple[str, float] | None = None,
    workspace: Place = None,
    cached: bool = True,
    workers: int | None = None,
) -> Iterator[Verdict]:
    """Refine the frames of one experiment, each from where the one before ended; verdicts come as they finish.

    A phase that does not stand out in a frame is held at the cell, size and atoms it had last, which then have no uncertainty
    in the verdict; its amount is refined. Finished frames are kept: the same call, made again after a stop, goes on where it
    was. In a script, call it under ``if __name__ == "__main__":``.

    Parameters
    ----------
    files : path, or several
        In the order of the series; a file of many frames gives verdicts named ``file#frame``.
    structures : Crystal, Cluster, path or catalogue entry, or several
        The phases that there are in any frame.
    backward : bool
        From the last frame to the first.
    first : int, optional
        Frame to begin with, counted from 0; the series goes from there to both of its ends.
    chain : int
        Frames refined one behind the other before the next chain begins; chains go on side by side.
    range, settings, fixed, size, shape, free, ties, restraints, standard
        As in `refine`.
    workspace, cached, workers
        As in `identify_many`.

    Raises
    ------
    WhorlError
        If a structure or a parameter cannot be used. A file that cannot be used gives a verdict with ``status == "error"``.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from whorl import simulate, write_measurement
    >>> folder = Path(tempfile.mkdtemp())
    >>> for k in (0, 1):
    ...     frame = simulate("NiO (rock salt)", "pd", x=np.arange(30.0, 80.0, 0.05), wavelength="Cu", zoom=1 + 0.001 * k)
    ...     write_measurement(frame, folder / f"{k}.nxs")
    >>> files = [folder / "0.nxs", folder / "1.nxs"]
    >>> found = list(refine_series(files, "NiO (rock salt)", workspace=False, workers=1))
    >>> round(found[1].best.parameters["a"].value / found[0].best.parameters["a"].value, 4)
    1.001
    """
    recipe = refinement(
        structures, range=range, settings=settings, fixed=fixed, size=size, shape=shape, free=free, ties=ties,
        restraints=restraints, standard=standard,
    )  # fmt: skip
    given = [files] if isinstance(files, str | os.PathLike) else list(files)
    return sequence.refine_series(
        recipe,
        given,
        workspace=workspace_of(workspace),
        backward=backward,
        first=first,
        length=chain,
        workers=workers,
        resume=cached,
    )


def export(
    run: Verdict | str, folder: str | os.PathLike[str], *, workspace: Workspace | str | os.PathLike[str] | None = None
) -> list[Path]:
    """Write a refinement of a powder pattern for journals and other programs.

    Parameters
    ----------
    run : Verdict or str
        Of `refine`, or the id of a kept run, or ``"last"``.
    folder : path
        Gets a CIF of the pattern and of all phases, and the folders ``gsas2`` and ``topas``.
    workspace : Workspace or folder, optional
        Where the run was kept; the user's own by default.

    Returns
    -------
    list of Path

    Raises
    ------
    WhorlError
        If the run is not kept, is no refinement, or the folder cannot be written.
    """
    name = run if isinstance(run, str) else run.run
    if not name:
        raise UsageError("this answer was not kept", remedy="Refine with a workspace: leave workspace=False out.")
    place = workspace_of(workspace)
    assert place is not None
    return export_run(name, folder, workspace=place)
