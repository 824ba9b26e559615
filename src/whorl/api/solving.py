"""`solve` and `solve_pattern`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from whorl.api.given import Place, Source, workspace_of
from whorl.core.verdict import Verdict
from whorl.techniques.protocol import Progress

Span = float | tuple[float, float]


def solve(
    source: Source,
    geometry: str | Sequence[str],
    *,
    genes: Mapping[str, Span] | None = None,
    options: Mapping[str, str] | None = None,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
    effort: str = "full",
    workspace: Place = None,
    cached: bool = True,
    progress: Progress | None = None,
) -> Verdict:
    """Reconstruct the structure behind a measurement.

    Parameters
    ----------
    source : path or Measurement
        One curve.
    geometry : str or sequence of str
        ``"micelle"``, ``"vesicle"``, ``"fibril"``, ``"nanoparticle-assembly"``, or a TOML file; several are ranked.
    genes : mapping, optional
        Numbers of the geometry: a value to hold one, (low, high) to search it there.
    options : mapping, optional
        Choices that are not left to the data: ``{"distribution": "gaussian"}``.
    range, settings, workspace, cached, progress
        As in `identify`.
    seed : int
        Of all random numbers; the same seed gives the same bits.
    effort : str
        ``"full"`` or ``"quick"``.

    Returns
    -------
    Verdict
        ``parameters`` with intervals, ``solutions`` (the ensemble), scatterers in ``candidates[0].structures``.

    Raises
    ------
    WhorlError
        If the measurement, a geometry, a gene or an option cannot be used.
    """
    from whorl.tasks.single import run_one
    from whorl.tasks.solve_recipe import Solve

    names = (geometry,) if isinstance(geometry, str) else tuple(geometry)
    recipe = Solve(names, _spans(genes), dict(options or {}), range, dict(settings or {}), seed, effort)
    return run_one(recipe, source, workspace=workspace_of(workspace), resume=cached, progress=progress)


def solve_pattern(
    source: Any,
    geometry: str,
    *,
    genes: Mapping[str, Span] | None = None,
    range: tuple[float, float] | None = None,
    seed: int = 0,
    effort: str = "full",
    progress: Progress | None = None,
) -> Verdict:
    """Reconstruct oriented particles from a pattern in two dimensions.

    Parameters
    ----------
    source : path or Pattern2D
        Text of qx, qy, I (and its uncertainty), ``.npz`` or HDF5 with these names, or a
        `whorl.techniques.sas.solve.pattern.Pattern2D`.
    geometry : str
        ``"oriented-ellipsoids"`` or ``"oriented-cylinders"``.
    range : (float, float), optional
        q to use, 1/angstrom.
    genes, seed, effort, progress
        As in `solve`.

    Raises
    ------
    WhorlError
        If the pattern, the geometry or a gene cannot be used.
    """
    from whorl.tasks.solve_pattern import solve_pattern as task

    given = os.fspath(source) if isinstance(source, os.PathLike) else source
    return task(given, geometry, spans=_spans(genes), range=range, seed=seed, effort=effort, progress=progress)


def _spans(genes: Mapping[str, Span] | None) -> dict[str, tuple[float, float]]:
    return {
        name: (float(v), float(v)) if isinstance(v, int | float) else (float(v[0]), float(v[1]))
        for name, v in (genes or {}).items()
    }
