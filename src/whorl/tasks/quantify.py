"""Quantify: measured data straight to the parameters of known phases, by a trained model and a few steps of refinement.

Every value comes with an interval that held the truth in the stated share of simulated measurements kept apart
(`whorl.trust.conformal`). Those hold for measurements like the simulated ones; one that the refined model does not explain is
told apart by its misfit: its uncertainties grow with it, and where it is gross no interval is given.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.provenance import provenance
from whorl.core.verdict import Candidate, Estimate, Phase, Quantity, Verdict
from whorl.formats import read
from whorl.models.inference import open_model
from whorl.tasks.inputs import split_frame
from whorl.tasks.intervals import Answer, answer
from whorl.techniques import room_of
from whorl.trust.conformal import LEVELS

Array = NDArray[np.float64]

_BLOCK = 128  # patterns at a time


def quantify(
    measurement: Measurement,
    model: Any,
    *,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
    curves: bool = True,
) -> Verdict:
    """Quantify one frame.

    Parameters
    ----------
    measurement : Measurement
        One frame.
    model : str or Quantifier
        Name of a trained model, the folder it is in, or one that `opened` gave.
    settings : mapping, optional
        Overrides of what the file states of the instrument.
    level : float
        Probability that an interval holds the truth.
    curves : bool
        Give the calculated pattern too.

    Raises
    ------
    WhorlError
        If the measurement, the model or a setting cannot be used.
    """
    if measurement.frames != 1:
        raise PatternError("this is a series", where=measurement.path, remedy="Use quantify_series.")
    (verdict,) = quantify_series(measurement, model, settings=settings, level=level, workers=1, curves=curves)
    return verdict


def quantify_series(
    measurement: Measurement,
    model: Any,
    *,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
    workers: int = 2,
    curves: bool = False,
) -> Iterator[Verdict]:
    """Quantify all frames of a measurement, in order, and yield a verdict for each.

    Parameters
    ----------
    workers : int
        Threads; the work is done outside the interpreter's lock.

    See Also
    --------
    quantify : the other parameters.
    """
    quantifier = opened(model) if isinstance(model, str | os.PathLike) else model
    _known_level(level)
    started = time.perf_counter()
    block = quantifier.prepare(measurement, settings=settings)
    parts = [slice(at, min(at + _BLOCK, len(block.y))) for at in range(0, len(block.y), _BLOCK)]
    describe = _Describer(quantifier, measurement, block, level, curves=curves)
    with ThreadPoolExecutor(workers) as pool:
        for part, found in zip(parts, pool.map(lambda p: quantifier.estimate(block, p), parts), strict=True):
            told = answer(quantifier, found, level=level)
            now = time.perf_counter()
            seconds, started = (now - started) / (part.stop - part.start), now
            yield from describe.verdicts(told, part.start, seconds)


def quantify_files(
    files: Sequence[str | os.PathLike[str]],
    model: Any,
    *,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
    workers: int = 2,
    on_error: Callable[[WhorlError], None] | None = None,
) -> Iterator[Verdict]:
    """Quantify files, and the frames of files that hold a series, in the order given.

    A file that cannot be used gives a verdict with the error, and the others go on.

    Parameters
    ----------
    files : sequence of path
        ``"series.nxs#3"`` names one frame.
    on_error : callable, optional
        Called with the error behind a verdict of status ``"error"``.

    See Also
    --------
    quantify : the other parameters.

    Raises
    ------
    WhorlError
        If the model or the level cannot be used.
    """
    quantifier = opened(model) if isinstance(model, str | os.PathLike) else model
    _known_level(level)
    for file in dict.fromkeys(os.fspath(f) for f in files):
        path, frame = split_frame(file)
        try:
            measurement = read(path)
            if frame is not None:
                measurement = replace(measurement.frame(frame), path=file)
            yield from quantify_series(measurement, quantifier, settings=settings, level=level, workers=workers)
        except WhorlError as error:
            if on_error is not None:
                on_error(error)
            yield Verdict.failed("quantify", file, error.as_dict())


class _Describer:
    """Turns rows of an answer into verdicts."""

    def __init__(self, quantifier: Any, measurement: Measurement, block: Any, level: float, *, curves: bool) -> None:
        from whorl import __version__

        self.quantifier, self.measurement, self.block, self.level, self.curves = quantifier, measurement, block, level, curves
        self.version = __version__
        crystals = quantifier.phases.crystals
        self.phases = [(c.name, c.formula) for c in crystals]
        self.name = " + ".join(name for name, _ in self.phases)
        self.formula = " + ".join(formula for _, formula in self.phases)
        card = quantifier.card
        self.provenance = provenance(
            parameters={"model": card.name, "weights": card.sha256, "level": level, "phases": [c.name for c in crystals]},
            seed=card.training.seed,
        )

    def verdicts(self, told: Answer, first: int, seconds: float) -> Iterator[Verdict]:
        """Give the verdicts of the patterns of an answer, of which the first has the number ``first`` in the block."""
        m = self.measurement
        columns = [a.tolist() for a in (told.value, told.sigma, told.low, told.high, told.at_limit)]
        misfit = self.quantifier.misfit(self.block, first, told.estimates)
        warned = list(self.block.signal.warnings)
        for row, (values, sigmas, lows, highs, limits) in enumerate(zip(*columns, strict=True)):
            parameters = {}
            rows = zip(told.names, told.units, values, sigmas, lows, highs, limits, strict=True)
            for name, unit, value, sigma, low, high, limit in rows:
                known = value == value  # noqa: PLR0124 - not a number
                parameters[name] = Estimate.model_construct(
                    value=value,
                    sigma=sigma if known else None,
                    unit=unit,
                    at_limit=limit and known,
                    interval=(low, high) if isfinite(low) and isfinite(high) else None,
                    level=self.level,
                )
            yield Verdict(
                whorl=self.version,
                task="quantify",
                file=m.path if m.frames == 1 else f"{m.path}#{first + row}",
                sha256=m.sha256,
                technique=self.quantifier.card.technique,
                candidates=[self._candidate(told, row, first + row, parameters, misfit[row])],
                parameters=parameters,
                assumptions=list(self.block.signal.assumptions),
                warnings=warned + self._warnings(told, row),
                provenance=self.provenance,
                seconds=round(seconds, 5),
            )

    def _candidate(self, told: Answer, row: int, frame: int, parameters: Mapping[str, Estimate], rw: float) -> Candidate:
        curve = None
        if self.curves:
            curve = self.quantifier.curve(self.block, frame, told.estimates, row)
        shares = (parameters[f"{j}:weight_fraction"] for j in range(1, len(self.phases) + 1))
        return Candidate(
            rank=1,
            group=1,
            name=self.name,
            kind="crystal",
            formula=self.formula,
            source=self.quantifier.card.name,
            probability=1.0,
            rw=rw,
            evidence=float("nan"),
            parameters={},
            phases=[
                Phase.model_construct(
                    name=name, formula=formula, weight_fraction=Quantity.model_construct(value=s.value, sigma=s.sigma)
                )
                for (name, formula), s in zip(self.phases, shares, strict=True)
            ],
            curve=curve,
        )

    def _warnings(self, told: Answer, row: int) -> list[str]:
        out = []
        chi2 = float(told.estimates.refined.chi2[row])
        if told.gross[row]:
            out.append(
                f"reduced chi-squared {chi2:.3g}: the phases of the model do not explain this pattern; no intervals are given"
            )
        elif told.unusual[row]:
            out.append(
                f"reduced chi-squared {chi2:.3g}, more than in 999 of 1000 simulated patterns: intervals are widened for it, "
                "and their coverage is not assured"
            )
        absent = [c.name for c, seen in zip(self.quantifier.phases.crystals, told.estimates.seen[row], strict=True) if not seen]
        if absent:
            out.append(f"not seen: {', '.join(absent)}")
        limits = [name for name, hit in zip(told.names, told.at_limit[row], strict=True) if hit]
        limits = [name for name in limits if np.isfinite(told.value[row, told.names.index(name)])]
        if limits:
            out.append(f"at the limit of what the model was trained for: {', '.join(limits)}")
        return out


def _known_level(level: float) -> None:
    if not any(abs(level - known) < 1e-9 for known in LEVELS):
        known = ", ".join(f"{v:g}" for v in LEVELS)
        raise UsageError(f"level {level:g} was not calibrated", where="quantify", remedy=f"Choose one of {known}.")


def opened(model: str | os.PathLike[str]) -> Any:
    """Open a trained model with the technique that it is of, once for the frames that follow each other.

    Raises
    ------
    WhorlError
        If there is no such model, or it does not quantify.
    """
    found: Any = open_model(os.fspath(model))
    return _of(found)


@lru_cache(maxsize=2)
def _of(model: Any) -> Any:
    return room_of(model.card.technique, "quantifier").Quantifier(model)
