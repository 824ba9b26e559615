"""A verdict and the workspace: what is kept of it beside its JSON, and how it comes back whole.

Curves of all candidates go to ``curves.npz``, the structures of all candidates exactly to ``extra/structures.json``, and those
of the best candidate also to ``structures/`` as CIF or XYZ, for people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whorl.core.hypothesis import Cluster, Crystal, Hypothesis
from whorl.core.measurement import Measurement
from whorl.core.provenance import provenance
from whorl.core.stored import StoredRun
from whorl.core.verdict import Candidate, Curve, Verdict
from whorl.core.workspace import Workspace
from whorl.tasks import hypotheses
from whorl.tasks.inputs import Item
from whorl.tasks.recipes import Recipe, command_of

STRUCTURES = "structures.json"


def save(
    workspace: Workspace,
    verdict: Verdict,
    *,
    key: str,
    item: tuple[str, str] | None = None,
    extra: Mapping[str, bytes] | None = None,
) -> Verdict:
    """Keep a verdict with its curves and structures; give it with the id of its run.

    Parameters
    ----------
    workspace : Workspace
    verdict : Verdict
    key : str
        Cache key.
    item : (batch key, item key), optional
        As for `Workspace.save`.
    extra : mapping of file name to bytes, optional
        What a replay needs.
    """
    files = dict(extra or {})
    rows = [[c.rank, hypotheses.dump(c.structures).decode()] for c in verdict.candidates if c.structures]
    if rows:
        files[STRUCTURES] = json.dumps(rows).encode()
    run = workspace.save(verdict, key=key, curves=_curves(verdict), structures=_texts(verdict.best), extra=files, item=item)
    return verdict.model_copy(update={"run": run})


def restore(run: StoredRun) -> Verdict:
    """Give the verdict of a kept run with its curves and structures, as it was when it was made."""
    found: dict[int, tuple[Hypothesis, ...]] = {}
    if STRUCTURES in run.extra:
        found = {rank: hypotheses.load(text.encode()) for rank, text in json.loads(run.extra[STRUCTURES])}
    candidates = [
        c.model_copy(update={"structures": found.get(c.rank, ()), "curve": _curve(run.curves.get(str(c.rank)))})
        for c in run.verdict.candidates
    ]
    return run.verdict.model_copy(update={"candidates": candidates})


def labelled(verdict: Verdict, recipe: Recipe, item: Item, measurement: Measurement | None) -> Verdict:
    """Write into a verdict which input it belongs to and all that repeats it."""
    record = verdict.provenance or provenance()
    parameters: dict[str, Any] = dict(record.parameters) | {"recipe": recipe.as_dict()}
    if measurement is not None:
        parameters |= {"kind": measurement.kind, "format": measurement.format}
    if item.frame is not None:
        parameters["frame"] = item.frame
    full = provenance(command_of(recipe, item.name), parameters, record.seed, record.catalogues)
    full = full.model_copy(update={"time": record.time or full.time})
    return verdict.model_copy(update={"file": item.name, "sha256": item.sha256, "provenance": full})


def _curves(verdict: Verdict) -> dict[str, dict[str, ArrayLike]]:
    found: dict[str, dict[str, ArrayLike]] = {}
    for c in verdict.candidates:
        if c.curve is not None:
            labels = np.array([c.curve.x_label, c.curve.y_label, c.curve.scale])
            found[str(c.rank)] = {
                "x": c.curve.x, "observed": c.curve.observed, "calculated": c.curve.calculated, "labels": labels,
            }  # fmt: skip
            found[str(c.rank)] |= {f"marks{i}": places for i, places in enumerate(c.curve.marks)}
    return found


def _curve(fields: Mapping[str, Any] | None) -> Curve | None:
    if fields is None:
        return None
    marks = tuple(fields[f"marks{i}"] for i in range(sum(name.startswith("marks") for name in fields)))
    x_label, y_label, *scale = (str(label) for label in fields["labels"])
    drawn: Any = scale[0] if scale else "linear"
    return Curve(fields["x"], fields["observed"], fields["calculated"], x_label, y_label, marks, drawn)


def _texts(best: Candidate | None) -> dict[str, str]:
    from whorl.formats.cif_write import cif_text
    from whorl.formats.xyz_write import xyz_text

    texts: dict[str, str] = {}
    for number, structure in enumerate(best.structures if best is not None else (), 1):
        if isinstance(structure, Crystal):
            texts[f"{number}.cif"] = cif_text(structure)
        elif isinstance(structure, Cluster):
            texts[f"{number}.xyz"] = xyz_text(structure)
    return texts
