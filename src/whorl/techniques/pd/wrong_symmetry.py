"""Structures whose cell does not have the symmetry that they state: a wrong symbol in a file."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from whorl.core.hypothesis import Crystal

_SAME = 0.01  # by which the metric tensor may differ from itself turned, relative


def contradicted(crystals: Iterable[Crystal]) -> list[str]:
    """Say which crystals' cells are not what a rotation of their space group leaves as it is.

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> cell = (4.6, 4.6, 2.96, 90, 90, 90)
    >>> wrong = Crystal("wrong", cell=cell, sites=(Site("Ti", (0, 0, 0)),), space_group="F m -3 m")
    >>> contradicted([wrong])
    ['wrong: its cell does not have the symmetry F m -3 m that its file states; the answer for it means nothing']
    """
    out = []
    for crystal in crystals:
        rotations, _ = crystal.symmetry
        metric = np.asarray(crystal.metric)
        largest = float(np.max(np.diag(metric)))
        if any(np.max(np.abs(r.T @ metric @ r - metric)) > _SAME * largest for r in np.asarray(rotations, dtype=np.float64)):
            stated = f"{crystal.name}: its cell does not have the symmetry {crystal.space_group} that its file states"
            out.append(f"{stated}; the answer for it means nothing")
    return out
