"""The room of small-angle scattering that estimates curves without their noise, for the task of that name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.techniques.sas.denoise_curve import denoise_curve
from whorl.techniques.sas.denoise_series import denoise_frames
from whorl.techniques.sas.prepare import SasSignal, prepare

Array = NDArray[np.float64]

#: of the points, above which their number is too small for what they show
_FULL = 0.7
#: scatter over stated uncertainty that is said
_MORE, _LESS = 1.15, 0.8
#: frames from which a series is treated as one
_SERIES = 6
#: of a frame's misfit: it is not like the others
_UNLIKE = 1.3


@dataclass(frozen=True)
class Cleaned:
    """What the task is told.

    Attributes
    ----------
    measurement : Measurement
        The estimate with its uncertainty, on the points used.
    figures : dict of str to float
        What was gained.
    method : str
    assumptions, warnings : tuple of str
    """

    measurement: Measurement
    figures: dict[str, float]
    method: str
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def denoise(
    measurement: Measurement,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Cleaned:
    """Estimate a curve, or the curves of a series, without noise.

    Parameters
    ----------
    measurement : Measurement
        Of kind ``"sas"``.
    range : (low, high), optional
        q to use, 1/angstrom.
    settings : mapping, optional
        Overrides of what the file says.

    Raises
    ------
    WhorlError
        If the measurement or a setting cannot be used.
    """
    if measurement.frames == 1:
        return _one(measurement, prepare(_flat(measurement), range=range, settings=settings))
    signals = [prepare(measurement.frame(i), range=range, settings=settings) for i in np.arange(measurement.frames).tolist()]
    x = signals[0].x
    for signal in signals[1:]:
        x = x[np.isin(x, signal.x)]
    if x.size < 8:
        raise PatternError(
            f"the frames have {x.size} usable points in common",
            where=measurement.path or "series",
            remedy="Denoise them singly.",
        )
    return _series(measurement, signals, x)


def _flat(measurement: Measurement) -> Measurement:
    return measurement if measurement.signal.ndim == 1 else measurement.frame(0)


def _one(measurement: Measurement, signal: SasSignal) -> Cleaned:
    found = denoise_curve(signal.x, signal.y, signal.sigma, signal.dq, stated=signal.absolute)
    warnings = list(signal.warnings)
    if found.parameters > _FULL * signal.x.size:
        warnings.append(
            f"the data do not support smoothing: {found.parameters:.0f} of {signal.x.size} points show features of their own; "
            "the estimate is hardly better than the points"
        )
    if signal.absolute and found.factor > _MORE and np.any(found.noise > 1.01 * signal.sigma):
        warnings.append(
            f"the points scatter {found.factor:.2g} times as much as their stated uncertainty; the estimate's is widened for it"
        )
    if signal.absolute and found.factor < _LESS:
        warnings.append(
            f"the points scatter only {found.factor:.2g} times their stated uncertainty, as after smoothing or rebinning; "
            "the stated one is used"
        )
    if found.correlation > 4 / np.sqrt(signal.x.size):
        warnings.append(
            f"the noise of neighbouring points is not independent (correlation {found.correlation:.2g}): the estimate is less "
            "certain than it says"
        )
    figures = {"gain": found.gain, "effective_parameters": found.parameters, "scatter_factor": found.factor}
    out = _made(measurement, signal, found.intensity, found.sigma)
    return Cleaned(out, figures, "adaptive spline", _assumed(signal), tuple(warnings))


def _series(measurement: Measurement, signals: list[SasSignal], x: Array) -> Cleaned:
    first = signals[0]
    rows = [np.isin(s.x, x) for s in signals]
    y = np.array([s.y[k] for s, k in zip(signals, rows, strict=True)])
    sigma = np.array([s.sigma[k] for s, k in zip(signals, rows, strict=True)])
    dq = None if first.dq is None else first.dq[rows[0]]
    warnings = list(dict.fromkeys(w for s in signals for w in s.warnings))
    if len(signals) < _SERIES:
        found = [denoise_curve(x, a, s, dq, stated=first.absolute) for a, s in zip(y, sigma, strict=True)]
        figures = {"gain": float(np.median([f.gain for f in found])), "effective_parameters": sum(f.parameters for f in found)}
        mean, spread = np.array([f.intensity for f in found]), np.array([f.sigma for f in found])
        return Cleaned(_made(measurement, first, mean, spread, x), figures, "adaptive spline", _assumed(first), tuple(warnings))
    joint = denoise_frames(x, y, sigma, dq)
    unlike = np.flatnonzero(joint.misfit > _UNLIKE * max(1.0, float(np.median(joint.misfit))))
    if unlike.size:
        named = ", ".join(str(i) for i in unlike[:8]) + (" ..." if unlike.size > 8 else "")
        warnings.append(f"what frames share does not describe these: {named}; look at them singly (FILE#N)")
    figures = {"gain": joint.gain, "effective_parameters": joint.parameters, "components": float(joint.rank)}
    said = (*_assumed(first), f"frames borrow from each other: each is a sum of {joint.rank} components that all share")
    out = _made(measurement, first, joint.intensity, joint.sigma, x)
    return Cleaned(out, figures, "shared components, adaptive spline", said, tuple(warnings))


def _assumed(signal: SasSignal) -> tuple[str, ...]:
    limit = "the stated resolution limits how fast it bends" if signal.dq is not None else "no resolution is stated to limit it"
    return (*signal.assumptions, f"the estimate is of the curve as it is smeared; {limit}")


def _made(measurement: Measurement, signal: SasSignal, mean: Array, sigma: Array, x: Array | None = None) -> Measurement:
    """The estimate as a measurement, with all that the file says of the instrument."""
    axis = signal.x if x is None else x
    keep = np.isin(measurement.x, axis)
    resolution = None if measurement.resolution is None else measurement.resolution[keep]
    notes = (*measurement.notes, "denoised by whorl: an estimate, whose points are not independent")
    return replace(measurement, x=axis, signal=mean, sigma=sigma, mask=None, resolution=resolution, sha256="", notes=notes)
