"""Quantify a small-angle curve without a model: named quantities with intervals, validity in words, and the fitted curve."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.provenance import provenance
from whorl.core.verdict import Candidate, Curve, Estimate, Verdict
from whorl.tasks.assemble import finish
from whorl.techniques import room_of, technique_for

Array = NDArray[np.float64]


#: mean squared deviation in units of noise and one per cent of the intensity, from which a curve is no description
_NO_FIT = 100.0


def quantify_curve(
    measurement: Measurement,
    method: str = "all",
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    contrast: float | None = None,
    kernel: str = "sphere",
    level: float = 0.9,
) -> Verdict:
    """Describe one frame.

    Parameters
    ----------
    measurement : Measurement
        One frame.
    method : str
        "all", or some of "guinier", "porod", "kratky", "invariant", "unified", "distances", "sizes", "peaks", with commas.
    range : (low, high), optional
        Part of the axis to use, in its unit.
    settings : mapping, optional
        Overrides of what the file states of the instrument.
    contrast : float, optional
        Difference of the scattering length densities, 1e-6/angstrom^2, which turns absolute intensities into volume fractions.
    kernel : str
        Model of the particles of the size distribution.
    level : float
        Probability that an interval holds the truth.

    Returns
    -------
    Verdict
        ``parameters`` holds the quantities ("guinier:rg"); what cannot be had is left out; the notes of the candidate say why.

    Raises
    ------
    WhorlError
        If the measurement, a method or a setting cannot be used.
    """
    from whorl import __version__

    started = time.perf_counter()
    if measurement.frames != 1:
        raise PatternError("this is a series", where=measurement.path, remedy="Name its frames one by one.")
    level = known_level(level)
    key = technique_for(measurement.kind).key
    found = _described(key, measurement, method, range=range, settings=settings, contrast=contrast, kernel=kernel)
    words = room_of(key, "model_free_words")
    curve = fitted(found)
    verdict = Verdict(
        whorl=__version__,
        task="quantify",
        file=measurement.path,
        sha256=measurement.sha256,
        technique=key,
        candidates=[_candidate(curve, [], _closest(found))],
        parameters=words.estimates(found, level),
        assumptions=[*found.signal.assumptions, *_assumed(found)],
        warnings=words.warnings(found),
    )
    verdict.candidates[0].notes[:] = words.notes(found)
    return finish(verdict, started)


def _described(key: str, measurement: Measurement, method: str, **more: Any) -> Any:
    return room_of(key, "model_free").describe(measurement, method, **more)


def known_level(level: float) -> float:
    """Check the probability of an interval.

    Raises
    ------
    UsageError
        If it is none.
    """
    if not 0 < level < 1:
        raise UsageError(f"level {level:g}", where="quantify", remedy="Give a probability between 0 and 1, such as 0.9.")
    return float(level)


def _assumed(found: Any) -> list[str]:
    out = []
    if "sizes" in found.methods and "sizes" in found.found:
        out.append(f"sizes: dilute particles of one shape ({found.kernel})")
    if found.contrast:
        out.append(f"contrast: {found.contrast:g} 1e-6/angstrom^2 (given)")
    return out


def fitted(found: Any) -> Curve | None:
    """Data and the best description of them that covers the whole curve: sizes, distances or levels, whatever fits best."""
    name = _closest(found)
    if name is None:
        return None
    calculated = found.found[name].calculated
    unit = "1/cm" if found.absolute else "arbitrary"
    return Curve(found.q, found.intensity, calculated, "Q (1/angstrom)", f"I(Q) ({unit})", scale="log")


def _closest(found: Any) -> str | None:
    """Name of the method whose curve is closest to the data over all points."""
    misfits = {}
    for name in ("distances", "sizes", "unified"):
        told = found.found.get(name)
        if told is not None and told.calculated.size == found.q.size:
            deviation = (found.intensity - told.calculated) / np.hypot(found.sigma, 0.01 * np.abs(found.intensity))
            misfits[name] = float(np.mean(deviation**2))
    best = min(misfits, key=lambda name: misfits[name]) if misfits else None
    return best if best is not None and misfits[best] < _NO_FIT else None


_NAMES = {"distances": "pair distances", "sizes": "size distribution", "unified": "unified fit", None: "without a model"}


def _candidate(curve: Curve | None, notes: list[str], name: str | None = None) -> Candidate:
    rw = float("nan")
    if curve is not None:
        weight = 1 / np.maximum(np.abs(curve.calculated), 1e-3 * float(np.abs(curve.calculated).max())) ** 2
        rw = float(np.sqrt(np.sum(weight * curve.difference**2) / np.sum(weight * curve.observed**2)))
    return Candidate(
        rank=1, group=1, name=_NAMES[name], kind="description", formula="", probability=1.0, rw=rw, evidence=float("nan"),
        parameters={}, notes=notes, curve=curve,
    )  # fmt: skip


def quantify_curve_series(
    measurement: Measurement,
    method: str = "",
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    contrast: float | None = None,
    kernel: str = "sphere",
    level: float = 0.9,
) -> Iterator[Verdict]:
    """Describe all frames of a measurement, in order; a frame that cannot be used gives a verdict that says why.

    Without ``method`` the quick ones are taken, a few milliseconds a frame.

    See Also
    --------
    quantify_curve : the parameters.
    """
    from whorl import __version__

    level = known_level(level)
    key = technique_for(measurement.kind).key
    room, words = room_of(key, "model_free"), room_of(key, "model_free_words")
    methods = room.known_methods(method) if method else room.QUICK
    record = provenance(parameters={"method": ",".join(methods), "level": level})
    for frame in _frames(measurement):
        started = time.perf_counter()
        try:
            found = room.describe(frame, methods, range=range, settings=settings, contrast=contrast, kernel=kernel)
        except WhorlError as error:
            yield Verdict.failed("quantify", frame.path, error.as_dict(), technique=key, sha256=measurement.sha256)
            continue
        yield Verdict(
            whorl=__version__,
            task="quantify",
            file=frame.path,
            sha256=measurement.sha256,
            technique=key,
            candidates=[_candidate(None, words.notes(found))],
            parameters=words.estimates(found, level),
            assumptions=list(found.signal.assumptions),
            warnings=words.warnings(found),
            provenance=record,
            seconds=round(time.perf_counter() - started, 5),
        )


def _frames(measurement: Measurement) -> Iterator[Measurement]:
    from dataclasses import replace

    if measurement.frames == 1:
        yield measurement.frame(0)
        return
    for number in np.arange(measurement.frames).tolist():
        yield replace(measurement.frame(number), path=f"{measurement.path}#{number}")


def quantify_curve_files(
    files: Sequence[str | os.PathLike[str]],
    method: str = "",
    *,
    on_error: Callable[[WhorlError], None] | None = None,
    **more: Any,
) -> Iterator[Verdict]:
    """Describe every frame of files, in order; a file that cannot be read gives a verdict that says why.

    See Also
    --------
    quantify_curve : ``more``.
    """
    from whorl.formats import read
    from whorl.formats.steering import steering, without_steering
    from whorl.tasks.inputs import split_frame

    settings = dict(more.pop("settings", None) or {})
    for file in files:
        path, frame = split_frame(os.fspath(file))
        try:
            measurement = read(path, settings=steering(settings))
            if frame is not None:
                from dataclasses import replace

                measurement = replace(measurement.frame(frame), path=os.fspath(file))
            single = measurement.frames == 1 and not method
            yield from quantify_curve_series(
                measurement, "all" if single else method, settings=without_steering(settings), **more
            )
        except WhorlError as error:
            if on_error is not None:
                on_error(error)
            yield Verdict.failed("quantify", os.fspath(file), error.as_dict())


def table_of(verdicts: Sequence[Verdict]) -> dict[str, list[Estimate | None]]:
    """Quantities of many frames by name, one entry a frame."""
    names = list(dict.fromkeys(name for v in verdicts for name in v.parameters))
    return {name: [v.parameters.get(name) for v in verdicts] for name in names}
