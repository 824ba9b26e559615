"""Passes of a scan, and what they give together: counts and seconds add up point by point, rates follow with their sigma."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import Measurement
from whorl.physics.backgrounds import running_mean

Array = NDArray[np.float64]

#: places closer than this part of the step are one point
_SAME = 0.05
#: neighbours on either side whose mean says how uncertain a point is: of few counts, one point alone says it badly
_NEIGHBOURS = 2


@dataclass(frozen=True)
class Range:
    """A stretch of the axis to count: ends and step in the unit of the axis, seconds for each point.

    Examples
    --------
    >>> Range(20.0, 21.0, 0.02, 3.0).points
    51
    """

    low: float
    high: float
    step: float
    seconds: float

    def __post_init__(self) -> None:
        if not (self.low < self.high and self.step > 0 and self.seconds > 0):
            raise UsageError(
                f"range {self.low:g} to {self.high:g}, step {self.step:g}, {self.seconds:g} s",
                remedy="Give the lower end first, and a step and a time above zero.",
            )

    @property
    def points(self) -> int:
        """Number of points."""
        return int(np.floor((self.high - self.low) / self.step + 1e-6)) + 1


@dataclass(frozen=True)
class Cost:
    """What counting takes beside the counting itself.

    Parameters
    ----------
    point : float
        Seconds the motors take for each point.
    range : float
        Seconds to drive to a range and to start there.
    at_once : int
        Points that are counted at the same time: 1 for a point detector, more for a strip.
    """

    point: float = 0.0
    range: float = 0.0
    at_once: int = 1

    def seconds(self, wanted: Range) -> float:
        """Time that a range takes; a strip has to sweep in and out.

        Examples
        --------
        >>> Cost(range=5.0).seconds(Range(20.0, 21.0, 0.02, 1.0))
        56.0
        >>> Cost(at_once=100).seconds(Range(20.0, 21.0, 0.02, 1.0))
        1.5
        """
        return self.range + (wanted.points + self.at_once - 1) * (wanted.seconds / self.at_once + self.point)


@dataclass(frozen=True)
class Pass:
    """What an instrument gives for some ranges: places, counts and seconds of each point, arrays of shape (n,)."""

    x: Array
    counts: Array
    seconds: Array


@dataclass
class Record:
    """All that was counted so far, point by point.

    Parameters
    ----------
    step : float
        Finest step of the instrument: places nearer to each other than a small part of it are one point.
    settings : mapping
        What is known of the instrument (see `whorl.core.measurement.Measurement`).
    """

    step: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""
    _points: dict[int, tuple[float, float, float]] = field(default_factory=dict)

    def add(self, more: Pass) -> None:
        """Add the counts of a pass; at points that were counted before, counts and seconds add up."""
        unit = self.step * 2 * _SAME
        for x, counts, seconds in zip(more.x.tolist(), more.counts.tolist(), more.seconds.tolist(), strict=True):
            if seconds <= 0:
                continue
            key = round(x / unit)
            near = next((k for k in (key, key - 1, key + 1) if k in self._points), key)
            place, c, t = self._points.get(near, (x, 0.0, 0.0))
            self._points[near] = (place, c + counts, t + seconds)

    @property
    def total_seconds(self) -> float:
        """Counting time of all points together."""
        return float(sum(t for _, _, t in self._points.values()))

    def arrays(self) -> tuple[Array, Array, Array]:
        """Places, counts and seconds in order of the place, shape (n,) each."""
        table = np.array(sorted(self._points.values()), dtype=np.float64).reshape(-1, 3)
        return table[:, 0], table[:, 1], table[:, 2]

    def measurement(self) -> Measurement:
        """Rates (counts/s) with their standard uncertainty.

        The variance of a rate is that of a Poisson number over the seconds squared, with the rate it is expected to have taken
        from the point and its neighbours: the root of the number that was counted itself would give low points too much weight.

        Raises
        ------
        PatternError
            If fewer than two points were counted.
        """
        x, counts, seconds = self.arrays()
        if x.size < 2:
            raise PatternError(f"{x.size} point(s) counted", where=self.path, remedy="Measure a range first.")
        expected = running_mean(counts, _NEIGHBOURS) / running_mean(seconds, _NEIGHBOURS)
        floor = 1.0 / (2 * _NEIGHBOURS + 1) / seconds
        sigma = np.sqrt(np.maximum(expected, floor) / seconds)
        stated = {k: v for k, v in self.settings.items() if k != "counting_time"} | {"intensity": "rate"}
        return Measurement("powder", x, counts / seconds, sigma, settings=stated, path=self.path)


def merged(passes: Iterable[Pass], step: float, settings: Mapping[str, Any] | None = None) -> Measurement:
    """One measurement of several passes that differ in range, step and time.

    Parameters
    ----------
    passes : iterable of Pass
    step : float
        Finest step.
    settings : mapping, optional

    Examples
    --------
    >>> x = np.array([20.0, 20.1, 20.2])
    >>> both = [Pass(x, np.array([4.0, 9.0, 4.0]), np.full(3, 1.0)), Pass(x[1:2], np.array([27.0]), np.array([3.0]))]
    >>> merged(both, 0.1).signal.tolist()
    [4.0, 9.0, 4.0]
    """
    record = Record(step, settings or {})
    for one in passes:
        record.add(one)
    return record.measurement()


def is_counts(measurement: Measurement) -> bool:
    """Tell whether the signal is numbers of counts: whole, none negative, and not said to be anything else."""
    stated = measurement.settings.get("intensity", "counts")
    y = measurement.frame(0).signal
    return bool(stated == "counts" and measurement.sigma is None and np.all(y >= 0) and np.all(np.abs(y - np.round(y)) < 1e-6))


def times_of(measurement: Measurement, seconds: float | Array | None = None) -> Array:
    """Seconds that each point was counted, shape (n,).

    Parameters
    ----------
    measurement : Measurement
        Counts, or rates with sigma: a rate r with the variance v took r/v seconds.
    seconds : float or array, shape (n,), optional
        As known otherwise; that of the file by default, or 1: times are then multiples of that of a point.

    Raises
    ------
    PatternError
        If the signal is neither counts nor has sigma: how uncertain a longer measurement would be cannot be said.
    """
    n = measurement.x.size
    if seconds is not None:
        return np.broadcast_to(np.asarray(seconds, dtype=np.float64), (n,)).copy()
    if is_counts(measurement):
        return np.full(n, float(measurement.settings.get("counting_time") or 1.0))
    sigma = measurement.frame(0).sigma
    if sigma is None or not np.all(sigma > 0):
        raise PatternError(
            "neither counts nor values with their uncertainty",
            where=measurement.path or "measurement",
            remedy="Give the counts as they were measured, or say how long a point was counted.",
        )
    level = running_mean(np.maximum(measurement.frame(0).signal, 0.0), _NEIGHBOURS)
    return np.asarray(np.maximum(level, 1e-6 * float(level.max(initial=1e-300))) / sigma**2)


def pass_of(measurement: Measurement, seconds: float | None = None) -> Pass:
    """A measurement as a pass of a scan; arguments and errors as in `times_of`."""
    time = times_of(measurement, seconds)
    signal = measurement.frame(0).signal
    counts = signal if is_counts(measurement) else np.maximum(signal, 0.0) * time
    used = measurement.used
    return Pass(measurement.x[used], counts[used], time[used])
