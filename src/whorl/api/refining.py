"""`refine` and `refine_many`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from whorl.api.given import Given, Place, Source, structure, workspace_of
from whorl.core.hypothesis import Hypothesis
from whorl.core.verdict import Verdict
from whorl.tasks import recipes
from whorl.tasks.batch import run_files
from whorl.tasks.recipe_parts import checked_range
from whorl.tasks.single import run_one
from whorl.techniques.protocol import Progress


def refine(
    source: Source,
    structures: Given | Sequence[Given],
    *,
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
    progress: Progress | None = None,
) -> Verdict:
    """Refine structures against a measurement by least squares.

    Parameters
    ----------
    source : path or Measurement
        One curve.
    structures : Crystal, Cluster, path or catalogue entry, or several
        Several are the phases of one mixture.
    range, settings, workspace, cached, progress
        As in `identify`.
    fixed : mapping, optional
        Parameters to hold, by name: ``{"delta2": 0.0}``.
    size : bool, optional
        Crystals are particles of finite size (True), bulk (False), or what the data decide.
    shape : str, optional
        Shape of the particles: ``"sphere"``, ``"spheroid"`` or ``"lognormal"`` spheres (of a powder pattern only the last).
    free : sequence of str
        Parameters to refine that are held by default: ``["transparency", "occ_Ni1"]``.
    ties : sequence of str
        Parameters that follow others: ``["occ_Li2 = 1 - occ_Ni1"]``.
    restraints : sequence of str
        Parameters, bond lengths (angstrom) and angles (degrees) known beside the data: ``["Co1-O1 = 1.92 +- 0.02"]``.
    standard : (str, float), optional
        Phase that was weighed in, by name, formula or number, and its weight fraction: gives the amorphous share.

    Returns
    -------
    Verdict
        With one candidate.

    Raises
    ------
    WhorlError
        If the measurement, a structure or a parameter cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from whorl import simulate
    >>> nickel = simulate("Ni (fcc)", qmax=25.0, x=np.arange(1, 1501) * 0.01)
    >>> fit = refine(nickel, "Ni (fcc)", size=False, workspace=False)
    >>> fit.candidates[0].rw < 0.01
    True
    """
    recipe = refinement(
        structures, range=range, settings=settings, fixed=fixed, size=size, shape=shape, free=free, ties=ties,
        restraints=restraints, standard=standard,
    )  # fmt: skip
    return run_one(recipe, source, workspace=workspace_of(workspace), resume=cached, progress=progress)


def refine_many(
    files: Sequence[str | os.PathLike[str]],
    structures: Given | Sequence[Given],
    *,
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
    """Refine the same structures against many files in processes (see `refine` and `identify_many`)."""
    recipe = refinement(
        structures, range=range, settings=settings, fixed=fixed, size=size, shape=shape, free=free, ties=ties,
        restraints=restraints, standard=standard,
    )  # fmt: skip
    return run_files(recipe, files, workspace=workspace_of(workspace), workers=workers, resume=cached)


def refinement(
    structures: Given | Sequence[Given],
    *,
    range: tuple[float, float] | None,
    settings: Mapping[str, Any] | None,
    fixed: Mapping[str, float] | None,
    **asked: Any,
) -> recipes.Refine:
    """Make the recipe of what a caller asks (see `refine`)."""
    more: dict[str, Any] = {n: tuple(v) if n in ("free", "ties", "restraints") else v for n, v in asked.items()}
    given = [structures] if isinstance(structures, str | os.PathLike | Hypothesis) else list(structures)
    return recipes.Refine(
        structures=tuple(structure(s) for s in given),
        sources=tuple(s.name if isinstance(s, Hypothesis) else os.fspath(s) for s in given),
        range=checked_range(range),
        settings=dict(settings or {}),
        fixed=dict(fixed or {}),
        **more,
    )
