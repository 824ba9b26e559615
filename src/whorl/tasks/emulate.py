"""Emulate: curves of a model in microseconds by a surrogate, where it is trusted; by the exact model elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from whorl.core.measurement import Measurement
from whorl.core.provenance import provenance
from whorl.core.verdict import Estimate, Verdict
from whorl.techniques import KINDS, room_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Emulation:
    """What `emulate` gives.

    Attributes
    ----------
    measurement : Measurement
        The curve, or the curves as the frames of a series.
    by_surrogate : array of bool, shape (m,)
        Whether a curve is the surrogate's.
    error : tuple of float, optional
        Relative error of the surrogate, as its card states it: median, 95th percentile, largest.
    verdict : Verdict
    """

    measurement: Measurement
    by_surrogate: NDArray[np.bool_]
    error: tuple[float, ...] | None
    verdict: Verdict


def emulate(
    model: str,
    x: Array,
    values: Mapping[str, ArrayLike],
    *,
    technique: str = "sas",
    surrogate: str = "auto",
    settings: Mapping[str, Any] | None = None,
) -> Emulation:
    """Compute curves of a model.

    Parameters
    ----------
    model : str
        Name of a model of the technique.
    x : array, shape (n,)
        Axis, in the technique's unit.
    values : mapping of str to float or array, shape (m,)
        Parameters by name; defaults where there is none.
    technique : str
    surrogate : str
        "auto"; "off": the exact model; "only": an error where the surrogate is not trusted.
    settings : mapping, optional
        Of the technique's way to emulate.

    Raises
    ------
    WhorlError
        If the technique cannot emulate, or the model, a parameter or the axis cannot be used.
    """
    from whorl import __version__

    started = time.perf_counter()
    found = room_of(technique, "emulate").emulate(model, x, values, surrogate=surrogate, **dict(settings or {}))
    used = int(np.count_nonzero(found.by_surrogate))
    count = len(found.by_surrogate)
    said = [f"{used} of {count} curves by the surrogate, {count - used} by the exact model"]
    if found.error is not None:
        said.append(
            f"relative error of the surrogate: median {found.error.median:.2g}, 95 % of points below {found.error.p95:.2g}, "
            f"largest {found.error.worst:.2g}"
        )
    figures = {} if found.error is None else {"error_median": found.error.median, "error_p95": found.error.p95}
    figures |= {"curves": float(count), "by_surrogate": float(used)}
    curves = found.intensity[0] if count == 1 else found.intensity
    stated = {"intensity": "absolute"} if technique == "sas" else {}
    note = "computed by whorl: " + said[0]
    verdict = Verdict(
        whorl=__version__,
        task="emulate",
        file=model,
        technique=technique,
        parameters={
            name: Estimate.model_construct(value=float(v), sigma=None, unit="1", at_limit=False, interval=None)
            for name, v in figures.items()
        },
        assumptions=said,
        warnings=[f"the exact model was used: {found.reason}"] if found.reason and surrogate == "auto" else [],
        provenance=provenance(parameters={"model": model, "surrogate": surrogate, "curves": count}),
        seconds=round(time.perf_counter() - started, 6),
    )
    measurement = Measurement(KINDS[technique][0], found.q, curves, settings=stated, notes=(note,))
    return Emulation(measurement, found.by_surrogate, None if found.error is None else tuple(found.error), verdict)
