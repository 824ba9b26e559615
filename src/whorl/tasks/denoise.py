"""Denoise: a short exposure to the estimate of the long one, with the uncertainty of every value."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.core.provenance import provenance
from whorl.core.verdict import Candidate, Curve, Estimate, Verdict
from whorl.techniques import room_of, technique_for

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Denoised:
    """What `denoise` gives.

    Attributes
    ----------
    measurement : Measurement
        The estimate, with its standard uncertainty as ``sigma``, on the points of the input.
    verdict : Verdict
        What was done, how much less uncertain the estimate is, what to mind; the one candidate has both curves.
    """

    measurement: Measurement
    verdict: Verdict


def denoise(
    measurement: Measurement,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Denoised:
    """Denoise one curve, or all curves of a series with what they have in common.

    Parameters
    ----------
    measurement : Measurement
        Of a technique that has a way to.
    range : (low, high), optional
        Part of the axis.
    settings : mapping, optional
        Overrides of what the file states of the instrument.

    Raises
    ------
    WhorlError
        If the measurement cannot be used, or its technique cannot denoise.
    """
    started = time.perf_counter()
    technique = technique_for(measurement.kind)
    room = room_of(technique.key, "denoise")
    found = room.denoise(measurement, range=range, settings=settings)
    names = {"gain": "1", "effective_parameters": "1", "scatter_factor": "1"}
    parameters = {
        name: Estimate.model_construct(value=float(value), sigma=None, unit=names.get(name, "1"), at_limit=False, interval=None)
        for name, value in found.figures.items()
    }
    out = found.measurement
    first = out.frame(0)
    axis = measurement.axis
    symbol = _signal_label(measurement)
    observed = measurement.frame(0).signal[np.isin(measurement.x, out.x)]
    curve = Curve(first.x, observed, first.signal, axis.label, symbol)
    misfit = float(np.sqrt(np.sum(curve.difference**2) / max(np.sum(curve.observed**2), 1e-300)))
    candidate = Candidate(
        rank=1,
        group=1,
        name="estimate without noise",
        kind="curve",
        formula="",
        source=found.method,
        probability=1.0,
        rw=misfit,
        evidence=float("nan"),
        parameters=dict(parameters),
        curve=curve,
    )
    from whorl import __version__

    given = {"range": range, "settings": dict(settings or {})}
    verdict = Verdict(
        whorl=__version__,
        task="denoise",
        file=measurement.path or f"measurement.{measurement.kind}",
        sha256=measurement.sha256,
        technique=technique.key,
        candidates=[candidate],
        parameters=parameters,
        assumptions=list(found.assumptions),
        warnings=list(found.warnings),
        provenance=provenance(parameters=given),
        seconds=round(time.perf_counter() - started, 4),
    )
    return Denoised(out, verdict)


def denoise_file(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    force: bool = False,
) -> Denoised:
    """Denoise a file, and write the estimate with its uncertainty if a name is given.

    Parameters
    ----------
    file : path
        ``"series.nxs#3"`` names one frame.
    out : path, optional
        Never the input.
    force : bool
        Replace ``out`` where it exists.

    See Also
    --------
    denoise : the other parameters.

    Raises
    ------
    UsageError
        If ``out`` is the input, or exists.
    """
    from whorl.formats import read, write_measurement
    from whorl.tasks.inputs import split_frame

    path, frame = split_frame(os.fspath(file))
    if out is not None:
        _free(Path(out), Path(path), force=force)
    measurement = read(path)
    if frame is not None:
        measurement = measurement.frame(frame)
    found = denoise(measurement, range=range, settings=settings)
    if out is not None:
        write_measurement(found.measurement, out)
    return found


def _free(out: Path, source: Path, *, force: bool) -> None:
    """Refuse to write over the input, and without leave over anything."""
    if not out.exists():
        return
    if source.exists() and out.samefile(source):
        raise UsageError("this is the input itself", where=str(out), remedy="Choose another name: the data stay as measured.")
    if not force:
        raise UsageError("the file exists", where=str(out), remedy="Choose another name, or replace it with --force.")


def _signal_label(measurement: Measurement) -> str:
    from whorl.core.measurement import KINDS

    if measurement.kind not in KINDS:
        raise PatternError(f"unknown kind {measurement.kind!r}")
    _, name, unit = KINDS[measurement.kind]
    stated = measurement.settings.get("intensity")
    return f"{name} ({'1/cm' if stated == 'absolute' else unit})"
