"""The state of knowledge of a scan that a plan is made from: candidates, noise and what is left of the data, in bins.

A bin is an independent point, half the width of a peak; some bins are a tile, the unit in which time is given out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Verdict
from whorl.lab.beyond import predicted
from whorl.lab.gain import Alternatives, Unseen, information
from whorl.lab.passes import is_counts, times_of
from whorl.physics.backgrounds import running_mean, snip
from whorl.trust import probability

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: bins of a tile: independent points, of which a peak has two in its width at half maximum
_TILE = 12
#: by which models are wrong, of their intensity
_MODEL_ERROR = 0.06
#: prior probability of a phase that no candidate has; at most, whatever the verdict says of none of these
_UNSEEN, _MOST_UNSEEN = 0.1, 0.9


@dataclass(frozen=True)
class Scene:
    """The state of knowledge in bins of independent points.

    ``edges`` are those of the tiles, as indices of bins; ``counts`` the points in each bin, ``seconds`` their time together.
    """

    x: Array
    limits: tuple[float, float]
    width: float
    counts: Array
    seconds: Array
    rate: Array
    edges: Index
    alternatives: Alternatives
    unseen: Unseen
    rivals: list[Candidate] = field(default_factory=list)

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return self.edges.size - 1

    @property
    def points(self) -> Array:
        """Points in each tile."""
        return np.add.reduceat(self.counts, self.edges[:-1])

    def gain(self, extra: Array) -> tuple[float, Array]:
        """Information on the alternatives, and on unseen lines in each bin, from ``extra`` seconds in each bin."""
        precision = extra / self.rate
        distance = self.alternatives.distance(precision).sum(axis=-1)
        return float(information(self.alternatives.chances, distance)), self.unseen.information(precision)


def scene_of(
    measurement: Measurement,
    verdict: Verdict,
    seconds: float | Array | None,
    smallest: float,
    limits: tuple[float, float] | None,
) -> Scene:
    """Put a measurement and its verdict into bins; arguments as in `whorl.lab.adaptive.suggest_measurement`."""
    best = verdict.best
    assert best is not None
    assert best.quality is not None
    low, high = best.quality.range
    width = (high - low) / max(best.quality.independent_points, 4.0)
    inside = (measurement.x >= low) & (measurement.x <= high) & measurement.used
    x, y = measurement.x[inside], measurement.frame(0).signal[inside]
    time = times_of(measurement, seconds)[inside]
    scale = 1.0
    if is_counts(measurement):
        y, scale = y / time, 1 / float(np.median(time))
    bins = np.minimum(((x - low) / width).astype(np.int64), int(np.ceil((high - low) / width)) - 1)
    places, of = np.unique(bins, return_inverse=True)
    counts = np.bincount(of).astype(np.float64)
    total = np.asarray(np.bincount(of, time), dtype=np.float64)

    def binned(values: Array) -> Array:
        return np.asarray(np.bincount(of, values * time) / total)

    rivals = [c for c in verdict.candidates if c.curve is not None]
    curves = np.array([binned(np.interp(x, c.curve.x, c.curve.calculated)) * scale for c in rivals if c.curve is not None])
    ground = snip(curves[0], max(_TILE, 4))
    left = binned(y) - curves[0]
    ends = (float(x[0]), float(x[-1]))
    centres = low + (places + 0.5) * width
    seen = _Part(centres, counts, total, np.maximum(curves - ground, 0.0), curves, left - _slow(left))
    parts = [seen]
    if limits is not None:
        parts = _beyond(seen, ground, rivals, measurement, verdict.technique, limits, width)
        ends = (min(ends[0], limits[0]), max(ends[1], limits[1]))
    whole = _Part(*(np.concatenate(column, axis=-1) for column in zip(*(p.columns for p in parts), strict=True)))
    sizes = np.cumsum([0, *(p.x.size for p in parts)])
    edges = np.unique(np.concatenate([np.append(np.arange(a, b, _TILE), b) for a, b in pairwise(sizes)])).astype(np.int64)
    expected = np.maximum(whole.curves[0] + np.maximum(whole.left, 0.0), whole.curves[0])
    rate = np.maximum(running_mean(expected, 1), 1e-3 * float(np.abs(whole.curves[0]).max()) + 1e-12)
    noise = np.where(whole.seconds > 0, rate / np.where(whole.seconds > 0, whole.seconds, 1.0), np.inf)
    chances = np.array([max(c.probability, 1e-12) for c in rivals])
    alternatives = Alternatives(
        chances / chances.sum(),
        (whole.curves[:, None, :] - whole.curves[None, :, :]) ** 2,
        (_MODEL_ERROR * whole.net.max(axis=0)) ** 2,
        noise,
        probability.calibration(verdict.technique).temper.fraction,
    )
    none = float(np.clip(verdict.none_probability or 0.0, _UNSEEN, _MOST_UNSEEN))
    height = smallest * float(seen.net[0].max(initial=1e-12))
    unseen = Unseen(none, height, whole.left, noise, whole.net[0])
    return Scene(whole.x, ends, width, whole.counts, whole.seconds, rate, edges, alternatives, unseen, rivals)


@dataclass(frozen=True)
class _Part:
    """Bins of a part of the axis: centres, points, seconds, curves above the background and whole, what is left of the data."""

    x: Array
    counts: Array
    seconds: Array
    net: Array
    curves: Array
    left: Array

    @property
    def columns(self) -> tuple[Array, ...]:
        """All arrays."""
        return self.x, self.counts, self.seconds, self.net, self.curves, self.left


def _beyond(
    seen: _Part,
    ground: Array,
    rivals: list[Candidate],
    measurement: Measurement,
    technique: str,
    limits: tuple[float, float],
    width: float,
) -> list[_Part]:
    """The measured part between what candidates predict on either side, up to the limits of the instrument."""
    before = np.arange(seen.x[0] - width, limits[0], -width)[::-1]
    after = np.arange(seen.x[-1] + width, limits[1], width)
    wanted = np.concatenate([before, after])
    nets = np.array(
        [
            predicted(c, technique, measurement.settings, seen.x, net, wanted, width)
            for c, net in zip(rivals, seen.net, strict=True)
        ]
    )
    points = max(width / measurement.step, 1.0)

    def part(x: Array, net: Array, level: float) -> _Part:
        zero = np.zeros(x.size)
        return _Part(x, np.full(x.size, points), zero, net, net + level, zero)

    k = before.size
    return [part(before, nets[:, :k], float(ground[0])), seen, part(after, nets[:, k:], float(ground[-1]))]


def _slow(values: Array) -> Array:
    """What of a residual is background: its running median over some tiles."""
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(values, size=min(3 * _TILE, max(values.size // 2 * 2 - 1, 1)), mode="nearest"))
