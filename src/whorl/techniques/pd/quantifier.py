"""A trained model of a fixed set of phases, ready to be asked about powder patterns, many at a time.

The file of the weights holds, beside the network, the phases, the instrument and the number of Gauss-Newton steps.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Curve
from whorl.models.card import Card, ModelError
from whorl.models.inference import Model
from whorl.techniques.pd.estimate import Estimates, estimate
from whorl.techniques.pd.noise import uncertainty
from whorl.techniques.pd.prepare import PdSignal, prepare
from whorl.techniques.pd.quantify import PhaseSet, smoothed_weights

Array = NDArray[np.float64]

#: name of the text in the file of the weights
METADATA = "quantify"
#: relative difference of wavelengths that are the same
_SAME_WAVELENGTH = 5e-4
_COARSE = 2.0  # steps of the network's grid in one of the data, from which peaks are poorly sampled
_SHORT = 0.01  # of the range that may be missing at either end


@dataclass(frozen=True)
class Block:
    """Patterns on one axis, ready to be estimated.

    Attributes
    ----------
    x : array, shape (n,)
        2 theta, degrees.
    y, variance : array, shape (b, n)
    signal : PdSignal
        The strongest of them as it would be refined: what was assumed and what is odd.
    """

    x: Array
    y: Array
    variance: Array
    signal: PdSignal


class Quantifier:
    """A model that quantifies powder patterns.

    Parameters
    ----------
    model : Model
        Opened by `whorl.models.inference.open_model`.

    Attributes
    ----------
    card : Card
    phases : PhaseSet
    grid : array
        2 theta that the network knows, degrees.
    calibration : mapping
        Of each reported quantity, the factors of its interval; of the misfit, what is usual.

    Raises
    ------
    ModelError
        If the model is of another kind.
    """

    def __init__(self, model: Model) -> None:
        self.card: Card = model.card
        text = getattr(model, "metadata", {}).get(METADATA)
        if text is None or self.card.grid is None or self.card.task != "quantify":
            raise ModelError(
                "this model does not quantify powder patterns",
                where=self.card.name,
                remedy="Train one: whorl train pd-quantify.",
            )
        record = json.loads(text)
        self._model = model
        self.phases = PhaseSet.from_dict(record["set"])
        self.steps = int(record["steps"])
        self.calibration: Mapping[str, Any] = record["calibration"]
        grid = self.card.grid
        self.grid: Array = np.asarray(grid.start + grid.step * np.arange(grid.count), dtype=np.float64)

    def prepare(self, measurement: Measurement, *, settings: Mapping[str, Any] | None = None) -> Block:
        """Make the frames of a measurement ready, all at once.

        Parameters
        ----------
        measurement : Measurement
            One frame or a series.
        settings : mapping, optional
            Overrides of what the file says.

        Raises
        ------
        PatternError
            If the axis, the range or the wavelength does not fit the model.
        """
        given = dict(settings or {})
        where = measurement.path or "pattern"
        assumed = []
        if not {"wavelength", "anode"} & {*given, *(k for k, v in measurement.settings.items() if v is not None)}:
            given["wavelength"] = self.phases.instrument.wavelength
            given.setdefault("source", self.phases.instrument.source)
            assumed.append(f"wavelength: {self.phases.instrument.wavelength:g} (the model's: the file does not state one)")
        # a corner of a tomogram is empty: the frame of most intensity speaks for the series
        first = measurement.frame(int(np.argmax(np.atleast_2d(measurement.signal).sum(axis=1))))
        signal = prepare(first, range=(float(self.grid[0]) - 1e-6, float(self.grid[-1]) + 1e-6), settings=given)
        self._check(signal, where)
        keep = measurement.used & (measurement.x >= signal.x[0] - 1e-9) & (measurement.x <= signal.x[-1] + 1e-9)
        x = measurement.x[keep]
        y = np.atleast_2d(measurement.signal)[:, keep]
        if measurement.sigma is not None:
            sigma = np.atleast_2d(measurement.sigma)[:, keep]
            middle = np.array([np.median(row[row > 0]) if np.any(row > 0) else 1.0 for row in sigma])
            variance = np.maximum(sigma, 0.1 * middle[:, None]) ** 2
        elif signal.absolute:
            variance = np.maximum(y, 1.0)
        else:
            variance = np.array([uncertainty(row, None).sigma ** 2 for row in y])
        x, y, variance = _joined(x, y, variance, float(self.grid[1] - self.grid[0]))
        lines = tuple(line for line in signal.assumptions if not (assumed and line.startswith("wavelength")))
        return Block(x, y, variance, replace(signal, assumptions=(*assumed, *lines)))

    def _check(self, signal: PdSignal, where: str) -> None:
        mine, its = self.phases.instrument, signal.instrument
        if mine.radiation != its.radiation or abs(its.wavelength / mine.wavelength - 1) > _SAME_WAVELENGTH:
            raise PatternError(
                f"measured with {its.radiation} of {its.wavelength:g} angstrom, the model is for {mine.radiation} of "
                f"{mine.wavelength:g}",
                where=where,
                remedy="Use a model trained for this instrument, or correct the header with --set wavelength=...",
            )
        span = float(self.grid[-1] - self.grid[0])
        if signal.x[0] > self.grid[0] + _SHORT * span or signal.x[-1] < self.grid[-1] - _SHORT * span:
            raise PatternError(
                f"the pattern goes from {signal.x[0]:g} to {signal.x[-1]:g} degrees, the model needs {self.grid[0]:g} to "
                f"{self.grid[-1]:g}",
                where=where,
                remedy="Train a model for this range: whorl train pd-quantify --range ...",
            )
        if float(np.median(np.diff(signal.x))) > _COARSE * float(self.grid[1] - self.grid[0]):
            raise PatternError(
                "the steps are too wide for the model's peaks", where=where, remedy="Train a model with --set step=... or w=..."
            )

    def estimate(self, block: Block, part: slice = slice(None)) -> Estimates:
        """Estimate the parameters of a block's patterns, or of a part of them."""
        return estimate(
            self.phases,
            self._model.predict,
            self.grid,
            block.x,
            block.y[part],
            block.variance[part],
            steps=self.steps,
            usual=float(self.calibration["chi2"]["99.9"]),
        )

    def misfit(self, block: Block, first: int, found: Estimates) -> list[float]:
        """Rw of patterns of a block that were estimated, of which the first has the number ``first``."""
        refined = found.refined
        count = len(refined.chi2)
        y, variance = block.y[first : first + count], block.variance[first : first + count]
        freedom = y.shape[1] - self.phases.free.size - refined.factors.shape[1]
        power = np.sum(y**2 * smoothed_weights(variance), axis=1)
        rw: list[float] = np.sqrt(refined.chi2 * max(freedom, 1) / np.maximum(power, 1e-300)).tolist()
        return rw

    def curve(self, block: Block, frame: int, found: Estimates, row: int) -> Curve:
        """Observed and calculated pattern of a frame of a block, estimated in a row."""
        refined = found.refined
        calculated = self.phases.calculated(block.x, refined.values[row : row + 1], refined.factors[row : row + 1])
        return Curve(block.x, block.y[frame], calculated[0], "2theta (degree)", f"intensity ({block.signal.unit})")


def _joined(x: Array, y: Array, variance: Array, step: float) -> tuple[Array, Array, Array]:
    """Neighbouring points averaged where the data are finer than the grid of the network."""
    group = int(step / float(np.median(np.diff(x))) + 0.3)
    if group < 2:
        return x, y, variance
    count = x.size // group * group
    mean = [a[..., :count].reshape(*a.shape[:-1], -1, group).mean(axis=-1) for a in (x, y, variance)]
    return mean[0], mean[1], mean[2] / group
