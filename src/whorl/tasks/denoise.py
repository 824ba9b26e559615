"""Denoise: a short exposure to the estimate of the long one, with the uncertainty of every value."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
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
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Denoised:
    """What `denoise` gives.

    Attributes
    ----------
    measurement : Measurement
        The estimate, with its standard uncertainty as ``sigma``, on the points of the input.
    verdict : Verdict
        What was done, how much less uncertain the estimate is, what to mind; the one candidate has both curves.
    source : Measurement
        The input.
    """

    measurement: Measurement
    verdict: Verdict
    source: Measurement


@dataclass(frozen=True)
class DenoisedImage:
    """What `denoise_frame` gives.

    Attributes
    ----------
    found
        What the technique gives: ``intensity`` and ``sigma``, shape (rows, columns), ``centre``, ``orders``, ``gain``...
    counts, mask : array, shape (rows, columns)
        The input.
    verdict : Verdict
    """

    found: Any
    counts: Array
    mask: Mask
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
    out = found.measurement
    first = out.frame(0)
    axis = measurement.axis
    symbol = _signal_label(measurement)
    observed = measurement.frame(0).signal[np.isin(measurement.x, out.x)]
    curve = Curve(first.x, observed, first.signal, axis.label, symbol)
    verdict = _verdict(
        measurement.path or f"measurement.{measurement.kind}",
        measurement.sha256,
        technique.key,
        found.figures,
        found.method,
        curve,
        found.assumptions,
        found.warnings,
        started,
        {"range": range, "settings": dict(settings or {})},
    )
    return Denoised(out, verdict, measurement)


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


def denoise_frame(
    counts: Array,
    *,
    mask: Mask | None = None,
    centre: tuple[float, float] | None = None,
    technique: str = "sas",
    path: str = "",
    sha256: str = "",
) -> DenoisedImage:
    """Denoise a detector frame of counts.

    Parameters
    ----------
    counts : array, shape (rows, columns)
        As recorded.
    mask : array of bool, shape (rows, columns), optional
        True where a pixel is to be used.
    centre : (row, column), optional
        Of the beam; found from the pattern's symmetry by default.
    technique : str
        That the pattern is of.

    Raises
    ------
    WhorlError
        If the frame cannot be used.
    """
    started = time.perf_counter()
    found = room_of(technique, "denoise_frame").denoise_frame(counts, mask, centre)
    good = np.isfinite(counts) if mask is None else np.asarray(mask, dtype=bool) & np.isfinite(counts)
    y, x = np.indices(counts.shape)
    ring = np.round(np.hypot(y - found.centre[0], x - found.centre[1])).astype(np.int64)[good]
    pixels = np.bincount(ring)
    seen = pixels > 0
    means = [np.bincount(ring, a[good])[seen] / pixels[seen] for a in (np.asarray(counts, dtype=np.float64), found.intensity)]
    radius = np.flatnonzero(seen).astype(np.float64)
    curve = Curve(radius, means[0], means[1], "radius (pixel)", "mean counts of a ring (1)")
    figures = {
        "gain": found.gain, "centre_row": found.centre[0], "centre_column": found.centre[1],
        "harmonics": float(len(found.orders)), "detail": found.detail,
    }  # fmt: skip
    said = ["counts are as recorded: Poisson distributed, nothing subtracted"]
    said.append("beam centre: given" if centre is not None else "beam centre: where the frame is its own inverse")
    verdict = _verdict(path or "frame", sha256, technique, figures, "rings, harmonics, wavelets", curve, said, [], started)
    return DenoisedImage(found, np.asarray(counts, dtype=np.float64), good, verdict)


def denoise_frame_file(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str] | None = None,
    *,
    mask: str | os.PathLike[str] | None = None,
    centre: tuple[float, float] | None = None,
    force: bool = False,
) -> DenoisedImage:
    """Denoise a detector frame in a file, and write the estimate if a name is given.

    Parameters
    ----------
    file : path
        ``"stack.h5#3"`` names one frame.
    out : path, optional
        ``.npz``; never the input.
    mask : path, optional
        An image that is 0 where pixels are not to be used.

    See Also
    --------
    denoise_frame : the other parameters.
    """
    from whorl.core.provenance import sha256_file
    from whorl.formats.frames import read_frame, write_estimate
    from whorl.tasks.inputs import split_frame

    path, number = split_frame(os.fspath(file))
    if out is not None:
        _free(Path(out), Path(path), force=force)
        if Path(out).suffix.lower() != ".npz":
            raise UsageError("a denoised frame is written as .npz", where=os.fspath(out), remedy="Name it so.")
    counts, good = read_frame(path, number)
    if mask is not None:
        chosen, _ = read_frame(mask)
        if chosen.shape != counts.shape:
            raise PatternError(f"a mask of shape {chosen.shape} for a frame of {counts.shape}", where=os.fspath(mask))
        good = good & (chosen > 0)
    found = denoise_frame(counts, mask=good, centre=centre, path=os.fspath(file), sha256=sha256_file(path))
    if out is not None:
        write_estimate(out, found.found.intensity, found.found.sigma)
    return found


def _figures(values: Mapping[str, float]) -> dict[str, Estimate]:
    return {
        name: Estimate.model_construct(value=float(value), sigma=None, unit="1", at_limit=False, interval=None)
        for name, value in values.items()
    }


def _verdict(
    file: str,
    sha256: str,
    technique: str,
    figures: Mapping[str, float],
    method: str,
    curve: Curve,
    assumptions: Sequence[str],
    warnings: Sequence[str],
    started: float,
    given: Mapping[str, Any] | None = None,
) -> Verdict:
    from whorl import __version__

    misfit = float(np.sqrt(np.sum(curve.difference**2) / max(float(np.sum(curve.observed**2)), 1e-300)))
    candidate = Candidate(
        rank=1,
        group=1,
        name="estimate without noise",
        kind="curve",
        formula="",
        source=method,
        probability=1.0,
        rw=misfit,
        evidence=float("nan"),
        parameters={},
        curve=curve,
    )
    return Verdict(
        whorl=__version__,
        task="denoise",
        file=file,
        sha256=sha256,
        technique=technique,
        candidates=[candidate],
        parameters=_figures(figures),
        assumptions=list(assumptions),
        warnings=list(warnings),
        provenance=provenance(parameters=dict(given or {})),
        seconds=round(time.perf_counter() - started, 4),
    )


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
