"""Quantify small-angle curves by a named model: its parameters straight from each curve, with intervals."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from whorl.core.errors import PatternError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.provenance import provenance
from whorl.core.verdict import Candidate, Verdict
from whorl.techniques import room_of

TECHNIQUE = "sas"


def is_form_factor(name: str) -> bool:
    """Tell whether a text names a model of small-angle scattering, and not a trained model or a folder.

    Examples
    --------
    >>> is_form_factor("core_shell_sphere"), is_form_factor("catalyst"), is_form_factor("./sphere")
    (True, False, False)
    """
    return bool(room_of(TECHNIQUE, "tell").is_model(name))


def quantify_form_factor(
    measurement: Measurement,
    model: str,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
) -> Verdict:
    """Tell the parameters of a model from one frame.

    Parameters
    ----------
    measurement : Measurement
        One frame of kind "sas".
    model : str
        Name of a model or composite: "sphere", "sphere@hardsphere".
    range : (low, high), optional
        q to use, 1/angstrom.
    settings : mapping, optional
        Overrides of what the file states of the instrument.
    level : float
        Probability that an interval holds the truth: 0.5, 0.683, 0.8, 0.9, 0.95 or 0.99.

    Returns
    -------
    Verdict
        ``parameters`` holds those that a fit would refine, without intervals where the model does not explain the curve.

    Raises
    ------
    WhorlError
        If the measurement, the model or a setting cannot be used.
    """
    if measurement.frames != 1:
        raise PatternError("this is a series", where=measurement.path, remedy="Use quantify_form_factor_series.")
    found = room_of(TECHNIQUE, "tell").tell([measurement.frame(0)], model, range=range, settings=settings, level=level)
    started = time.perf_counter()
    (answer,) = found
    if isinstance(answer, WhorlError):
        raise answer
    return _verdict(measurement, measurement.path, model, answer, started, _record(model, level), curves=True)


def quantify_form_factor_series(
    measurement: Measurement,
    model: str,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
) -> Iterator[Verdict]:
    """Tell the parameters of a model from all frames, in order; a frame that cannot be used gives a verdict that says why.

    See Also
    --------
    quantify_form_factor : the parameters.
    """
    count = measurement.frames
    names = [measurement.path] if count == 1 else [f"{measurement.path}#{n}" for n in np.arange(count)]
    frames = (replace(measurement.frame(n), path=name) for n, name in enumerate(names))
    record = _record(model, level)
    started = time.perf_counter()
    found = room_of(TECHNIQUE, "tell").tell(frames, model, range=range, settings=settings, level=level)
    for name, answer in zip(names, found, strict=True):
        if isinstance(answer, WhorlError):
            yield Verdict.failed("quantify", name, answer.as_dict(), technique=TECHNIQUE, sha256=measurement.sha256)
        else:
            yield _verdict(measurement, name, model, answer, started, record, curves=False)
        started = time.perf_counter()


def quantify_form_factor_files(
    files: Sequence[str | os.PathLike[str]],
    model: str,
    *,
    on_error: Callable[[WhorlError], None] | None = None,
    **more: Any,
) -> Iterator[Verdict]:
    """Tell the parameters of a model from every frame of files; a file that cannot be read gives a verdict that says why.

    See Also
    --------
    quantify_form_factor : ``more``.
    """
    from whorl.formats import read
    from whorl.formats.steering import steering, without_steering
    from whorl.tasks.inputs import split_frame

    settings = dict(more.pop("settings", None) or {})
    for file in dict.fromkeys(os.fspath(f) for f in files):
        path, frame = split_frame(file)
        try:
            measurement = read(path, settings=steering(settings))
            if frame is not None:
                measurement = replace(measurement.frame(frame), path=file)
            yield from quantify_form_factor_series(measurement, model, settings=without_steering(settings), **more)
        except WhorlError as error:
            if on_error is not None:
                on_error(error)
            yield Verdict.failed("quantify", file, error.as_dict())


def weights() -> str:
    """Hash of the network that is asked."""
    return str(room_of(TECHNIQUE, "parameters").ParameterNetwork.open().card.sha256)


def _record(model: str, level: float) -> Any:
    return provenance(parameters={"model": model, "weights": weights(), "level": level})


def _verdict(
    measurement: Measurement, name: str, model: str, answer: Any, started: float, record: Any, *, curves: bool
) -> Verdict:
    from whorl import __version__

    candidate = Candidate(
        rank=1,
        group=1,
        name=model,
        kind="form_factor",
        formula="",
        source=room_of(TECHNIQUE, "parameters").SHIPPED_MODEL,
        probability=1.0,
        rw=answer.rw,
        evidence=float("nan"),
        parameters={},
        phases=answer.phases,
        curve=answer.curve if curves else None,
    )
    return Verdict(
        whorl=__version__,
        task="quantify",
        file=name,
        sha256=measurement.sha256,
        technique=TECHNIQUE,
        candidates=[candidate],
        parameters=answer.estimates,
        assumptions=answer.assumptions,
        warnings=answer.warnings,
        provenance=record,
        seconds=round(time.perf_counter() - started, 5),
    )
