"""Solve a pattern in two dimensions: oriented particles, searched as `whorl.tasks.solve` searches curves."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from whorl.core.errors import UsageError
from whorl.core.provenance import provenance, sha256_bytes
from whorl.core.verdict import Verdict
from whorl.tasks.recipes import command_of
from whorl.tasks.solve import EFFORTS, solve_problems, verdict_of
from whorl.tasks.solve_recipe import Solve
from whorl.tasks.solve_search import Checkpoint
from whorl.techniques import room_of
from whorl.techniques.protocol import Progress

_TECHNIQUE = "sas"


def solve_pattern(
    source: Any,
    geometry: str,
    *,
    spans: Mapping[str, tuple[float, float]] | None = None,
    range: tuple[float, float] | None = None,
    seed: int = 0,
    effort: str = "full",
    progress: Progress | None = None,
) -> Verdict:
    """Reconstruct oriented particles.

    Parameters
    ----------
    source : path or Pattern2D
    geometry : str
        "oriented-ellipsoids" or "oriented-cylinders".
    range : (low, high), optional
        q to use, 1/angstrom.
    spans, seed, effort, progress
        As for `whorl.tasks.solve.solve`.

    Raises
    ------
    WhorlError
        If the pattern, the geometry or a span cannot be used.
    """
    started = time.perf_counter()
    if effort not in EFFORTS:
        raise UsageError(f"effort {effort!r}", remedy=f"Use one of {', '.join(EFFORTS)}.")
    room = room_of(_TECHNIQUE, "solve.oriented")
    reading = room_of(_TECHNIQUE, "solve.pattern")
    pattern = reading.read_pattern(source) if isinstance(source, str | os.PathLike) else source
    if range is not None:
        pattern = pattern.within(*range)
    problem = room.pattern_problem(pattern, geometry, dict(spans or {}))
    found = solve_problems([problem], seed, EFFORTS[effort], Checkpoint(None), progress)
    verdict = verdict_of(
        [found],
        file=pattern.path,
        sha256=sha256_bytes(pattern.qx.tobytes() + pattern.qy.tobytes() + pattern.intensity.tobytes()),
        technique=_TECHNIQUE,
        seed=seed,
        started=started,
    )
    recipe = Solve((geometry,), dict(spans or {}), range=range, seed=seed, effort=effort)
    record = provenance(command_of(recipe, pattern.path), recipe.as_dict(), seed)
    return verdict.model_copy(update={"provenance": record})
