"""What candidates predict beyond the range that was measured, so that extending it can be weighed like counting longer."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from whorl.core.errors import WhorlError
from whorl.core.verdict import Candidate
from whorl.tasks.simulate import simulate

Array = NDArray[np.float64]

#: points of the simulation in an independent one
_FINE = 4


def predicted(
    candidate: Candidate, technique: str, settings: Mapping[str, Any], x: Array, net: Array, wanted: Array, width: float
) -> Array:
    """Intensity above the background that a candidate's refined structures give beyond the measured range.

    Parameters
    ----------
    candidate : Candidate
        With its structures.
    technique : str
    settings : mapping
        Of the measurement.
    x, net : array, shape (n,)
        Measured places, and the candidate's intensity above the background there: it sets the scale of each structure.
    wanted : array, shape (k,)
        Places beyond.
    width : float
        Between independent points.

    Returns
    -------
    array, shape (k,)
        Zero where a structure cannot be simulated.
    """
    known = import_module(f"whorl.techniques.{technique}.instrument").SETTINGS
    given = {k: v for k, v in settings.items() if k in known and v is not None}
    places = np.concatenate([x, wanted])
    axis = np.arange(max(places.min() - width, 0.5 * width), places.max() + width, width / _FINE)
    columns = []
    for structure in candidate.structures:
        try:
            pattern = simulate(structure, technique=technique, settings=given, x=axis).signal
        except WhorlError:
            continue
        smooth = np.convolve(pattern, np.ones(2 * _FINE) / (2 * _FINE), mode="same")  # peaks are two points wide
        columns.append(np.interp(places, axis, smooth))
    if not columns:
        return np.zeros(wanted.size)
    table = np.column_stack(columns)
    size = np.maximum(np.linalg.norm(table[: x.size], axis=0), 1e-300)
    amounts, _ = nnls(table[: x.size] / size, np.maximum(net, 0.0))
    return np.asarray(table[x.size :] @ (amounts / size))
