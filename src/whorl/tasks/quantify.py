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
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.provenance import provenance
from whorl.core.verdict import Candidate, Curve, Estimate, Phase, Quantity, Verdict
from whorl.formats import read
from whorl.models.inference import open_model
from whorl.tasks.inputs import split_frame
from whorl.techniques.pd.estimate import Estimates
from whorl.techniques.pd.quantifier import Block, Quantifier
from whorl.techniques.pd.quantify import smoothed_weights
from whorl.trust.conformal import LEVELS, Conformal

Array = NDArray[np.float64]

#: misfit beyond noise, as a part of the pattern without its background, above which no interval is given
GROSS = 0.2
_BLOCK = 128  # patterns at a time
_EDGE = 0.01  # of the bounds, within which a value is at its limit
_UNITS = {"fraction": "1", "scale": "arbitrary", "size": "angstrom"}


@dataclass(frozen=True)
class Answer:
    """Values of b patterns with the ends of their intervals, in the order of the reported quantities; sizes in angstrom.

    Attributes
    ----------
    names, units : tuple of str
    value, sigma, low, high : array, shape (b, q)
        Not a number where nothing is known: cell and size of a phase that is not seen, fractions where none is, intervals of a
        gross misfit.
    at_limit : array of bool, shape (b, q)
    unusual, gross : array of bool, shape (b,)
        The misfit is larger than in 999 of 1000 simulated measurements; than any interval could allow for.
    estimates : Estimates
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    value: Array
    sigma: Array
    low: Array
    high: Array
    at_limit: NDArray[np.bool_]
    unusual: NDArray[np.bool_]
    gross: NDArray[np.bool_]
    estimates: Estimates


def answer(quantifier: Quantifier, found: Estimates, *, level: float = 0.9) -> Answer:
    """Put intervals around estimates.

    Parameters
    ----------
    quantifier : Quantifier
    found : Estimates
    level : float
        Probability that an interval holds the truth, one of `whorl.trust.conformal.LEVELS`.

    Raises
    ------
    UsageError
        If the level is none of these.
    """
    phases, given = quantifier.phases, found.reported
    value, sigma = given.value.copy(), given.sigma.copy()
    half = np.empty_like(value)
    for q, name in enumerate(given.names):
        table = Conformal.from_dict(quantifier.calibration["quantities"][name])
        half[:, q] = table.factor(given.difficulty[:, q], level) * sigma[:, q]
    low, high = value - half, value + half
    at_limit = np.zeros(value.shape, dtype=np.bool_)
    units = []
    for q, (name, kind, j) in enumerate(zip(given.names, given.kinds, given.phase, strict=True)):
        bare = name.split(":")[-1]
        units.append(_UNITS.get(kind, "angstrom" if bare in "abc" else "degree"))
        if kind in ("fraction", "scale"):
            low[:, q] = np.maximum(low[:, q], 0.0)
            high[:, q] = np.minimum(high[:, q], 1.0 if kind == "fraction" else np.inf)
            continue
        k = phases.names.index(name)
        reach = phases.upper[k] - phases.lower[k]
        at_limit[:, q] = np.minimum(value[:, q] - phases.lower[k], phases.upper[k] - value[:, q]) < _EDGE * reach
        if kind == "size":
            value[:, q] = np.exp(-value[:, q])
            low[:, q], high[:, q] = np.exp(-high[:, q]), np.exp(-low[:, q])
            sigma[:, q] *= value[:, q]
        for column in (value, sigma, low, high):
            column[~found.seen[:, j], q] = np.nan
    empty = ~found.seen.any(axis=1)  # shares of nothing
    for q in [n for n, kind in enumerate(given.kinds) if kind == "fraction"]:
        for column in (value, sigma, low, high):
            column[empty, q] = np.nan
    refined = found.refined
    unusual = found.unusual
    beyond = np.sqrt(np.maximum(1 - float(quantifier.calibration["chi2"]["50"]) / np.maximum(refined.chi2, 1e-9), 0.0))
    gross = unusual & ~(beyond * refined.misfit <= GROSS)
    low[gross], high[gross] = np.nan, np.nan
    return Answer(given.names, tuple(units), value, sigma, low, high, at_limit, unusual, gross, found)


def quantify(
    measurement: Measurement,
    model: str | Quantifier,
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
        Name of a trained model, the folder it is in, or one that is opened.
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
    model: str | Quantifier,
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
    quantifier = model if isinstance(model, Quantifier) else Quantifier(open_model(model))
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
    model: str | Quantifier,
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
    quantifier = model if isinstance(model, Quantifier) else Quantifier(open_model(model))
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

    def __init__(self, quantifier: Quantifier, measurement: Measurement, block: Block, level: float, *, curves: bool) -> None:
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
        misfit = self._misfit(told, first)
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

    def _misfit(self, told: Answer, first: int) -> list[float]:
        """Rw of each pattern."""
        refined = told.estimates.refined
        count = len(refined.chi2)
        y, variance = self.block.y[first : first + count], self.block.variance[first : first + count]
        freedom = y.shape[1] - self.quantifier.phases.free.size - refined.factors.shape[1]
        power = np.sum(y**2 * smoothed_weights(variance), axis=1)
        found: list[float] = np.sqrt(refined.chi2 * max(freedom, 1) / np.maximum(power, 1e-300)).tolist()
        return found

    def _candidate(self, told: Answer, row: int, frame: int, parameters: Mapping[str, Estimate], rw: float) -> Candidate:
        refined = told.estimates.refined
        curve = None
        if self.curves:
            x = self.block.x
            calculated = self.quantifier.phases.calculated(x, refined.values[row : row + 1], refined.factors[row : row + 1])
            unit = self.block.signal.unit
            curve = Curve(x, self.block.y[frame], calculated[0], "2theta (degree)", f"intensity ({unit})")
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


@lru_cache(maxsize=2)
def opened(model: str) -> Any:
    """Open a trained model, once for the frames that follow each other."""
    return Quantifier(open_model(model))
