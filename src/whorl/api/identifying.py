"""`identify` and `identify_many`."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from whorl.api.given import Names, Place, Source, names, workspace_of
from whorl.core.verdict import Verdict
from whorl.tasks import recipes
from whorl.tasks.batch import run_files
from whorl.tasks.recipe_parts import checked_range, known_elements
from whorl.tasks.series import shared
from whorl.tasks.single import run_one
from whorl.techniques.protocol import Progress


def identify(
    source: Source,
    *,
    catalogues: Names = None,
    only: bool = False,
    elements: Collection[str] | str | None = None,
    top: int = 5,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    also: Sequence[str] = (),
    proposer: str | os.PathLike[str] = "",
    workspace: Place = None,
    cached: bool = True,
    progress: Progress | None = None,
) -> Verdict:
    """Find the structures that explain a measurement.

    Parameters
    ----------
    source : path or Measurement
        One curve.
    catalogues : name or folder, or several, optional
        Searched together with the built-in catalogues.
    only : bool
        Search nothing but ``catalogues``.
    elements : collection of str, or text, optional
        Elements the sample may hold: ``["Li", "Co", "O"]``, ``"Li,Co,O"``.
    top : int
        Candidates returned.
    range : (low, high), optional
        Part of the axis to fit (angstrom for a pair distribution function).
    settings : mapping, optional
        Overrides of what the file states of the instrument (``qmin``, ``qmax``, ``qdamp``, ``qbroad`` in 1/angstrom,
        ``radiation``).
    also : sequence of str
        Entries refined in any case, alone and as further phases: ``"compounds/NiO-rock-salt"``.
    proposer : str or path
        A network (`whorl train pd-phases`) to be asked for phases too: a model's name, or its folder.
    workspace : Workspace, folder, None or False
        Where the input and the answer are kept: the user's own by default; False keeps nothing.
    cached : bool
        Give the answer that the workspace has, if it has one.
    progress : callable, optional
        Called with (stage, done, total).

    Returns
    -------
    Verdict

    Raises
    ------
    WhorlError
        If the measurement, a catalogue or a parameter cannot be used; it says what, where, and what to do.

    Examples
    --------
    >>> from whorl import simulate
    >>> import numpy as np
    >>> nickel = simulate("Ni (fcc)", qmax=25.0, x=np.arange(1, 1501) * 0.01)
    >>> verdict = identify(nickel, catalogues="elements", only=True, elements=["Ni", "Cu"], workspace=False)
    >>> verdict.candidates[0].name
    'Ni (fcc)'
    """
    recipe = recipes.Identify(
        elements=known_elements(elements),
        catalogues=names(catalogues),
        only=only,
        top=top,
        range=checked_range(range),
        settings=dict(settings or {}),
        also=tuple(also),
        proposer=os.fspath(proposer),
    )
    return run_one(recipe, source, workspace=workspace_of(workspace), resume=cached, progress=progress)


def identify_many(
    files: Sequence[str | os.PathLike[str]],
    *,
    catalogues: Names = None,
    only: bool = False,
    elements: Collection[str] | str | None = None,
    top: int = 5,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    also: Sequence[str] = (),
    proposer: str | os.PathLike[str] = "",
    series: bool = False,
    workspace: Place = None,
    cached: bool = True,
    workers: int | None = None,
) -> Iterator[Verdict]:
    """Identify many files in processes; verdicts come as they finish (see `identify`).

    A file that cannot be used gives a verdict with ``status == "error"``. Finished ones are kept: the same call, made again
    after a stop, goes on where it was. In a script, call it under ``if __name__ == "__main__":``.

    Parameters
    ----------
    files : sequence of path
        The frames of a series are verdicts of their own, named ``file#frame``.
    series : bool
        The files are frames of one experiment: what explains one of them takes part in all others.
    workers : int, optional
        Processes; as many as there are cores by default.
    """
    recipe = recipes.Identify(
        elements=known_elements(elements),
        catalogues=names(catalogues),
        only=only,
        top=top,
        range=checked_range(range),
        settings=dict(settings or {}),
        also=tuple(also),
        proposer=os.fspath(proposer),
    )
    place = workspace_of(workspace)
    if series:
        recipe = shared(recipe, run_files(recipe, files, workspace=place, workers=workers, resume=cached))
    return run_files(recipe, files, workspace=place, workers=workers, resume=cached)
