"""What to measure next: stretches of the axis, step and time, by the information expected for each second; and when to stop.

The axis is cut into tiles of a few widths of a peak. Time is given out in portions, each to the tile where a second is expected
to tell most (`whorl.lab.gain`), until what a pass may take is given out. It ends where all the time that is left would tell
less than the least worth having: the alternatives are settled and a phase whose strongest line reaches the least height of
interest would have been seen; or nothing that can be counted settles them.

The scheme of alternating between counting and identification, with ranges chosen where candidates differ, is that of Szymanski
et al. (npj Comput. Mater. 9, 31 (2023), doi:10.1038/s41524-023-00984-y), there with a fixed threshold of a network's
confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.lab.gain import information
from whorl.lab.opinion import emphasis
from whorl.lab.passes import Cost, Range
from whorl.lab.scene import Scene, scene_of

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: information that is none; what a pass leaves to learn, in parts of what stops it
_NOTHING, _REST = 1e-3, 0.5
#: portions that a tile is given at most, and the largest, as part of a pass
_PORTIONS, _PART = 40, 0.1
#: time that the end is judged by where there is no budget: times what was counted so far
_AHEAD = 10.0
#: steps wanted within the width of a peak at half maximum
_STEPS = 5.0
#: rivals that are named, and their least probability
_NAMED, _RIVAL = 3, 0.02


@dataclass(frozen=True)
class Plan:
    """What to do next.

    Attributes
    ----------
    stop : bool
        Nothing more is worth its time.
    reason : str
        Why, in words.
    ranges : tuple of Range
        To be counted, in order; empty with ``stop``.
    seconds : float
        Time these take, overheads included.
    gain : float
        Information expected of them, nats.
    within_reach : float
        Information expected of all the time that is left.
    unseen : float
        Probability of a line that no candidate explains.
    """

    stop: bool
    reason: str
    ranges: tuple[Range, ...] = ()
    seconds: float = 0.0
    gain: float = 0.0
    within_reach: float = 0.0
    unseen: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "stop": self.stop,
            "reason": self.reason,
            "ranges": [{"low": r.low, "high": r.high, "step": r.step, "seconds": r.seconds} for r in self.ranges],
            "seconds": self.seconds,
            "gain": self.gain,
            "within_reach": self.within_reach,
            "unseen": self.unseen,
        }


def suggest_measurement(
    measurement: Measurement,
    verdict: Verdict,
    *,
    seconds: float | Array | None = None,
    cost: Cost | None = None,
    budget: float | None = None,
    smallest: float = 0.04,
    least: float = 0.05,
    finest: float | None = None,
    limits: tuple[float, float] | None = None,
) -> Plan:
    """Say which ranges to measure again, at what step and how long, or to stop.

    Parameters
    ----------
    measurement : Measurement
        What was counted so far: counts, or rates with sigma.
    verdict : Verdict
        Of `whorl.identify` on that measurement, with its curves.
    seconds : float or array, shape (n,), optional
        Time each point was counted; without it that of the file, or that which rates and their sigma imply, or 1.
    cost : Cost, optional
        What counting takes beside the counting itself.
    budget : float, optional
        Time that is left, s, overheads included; without it, ten times what was counted.
    smallest : float
        Height of a line that must not be overlooked, relative to the strongest.
    least : float
        Information below which all the time left is not worth it, nats.
    finest : float, optional
        Finest step of the instrument; that of the measurement by default.
    limits : (low, high), optional
        What the instrument can reach: extending the range is weighed too. Without it, only what was measured is measured again.

    Returns
    -------
    Plan

    Raises
    ------
    UsageError
        If the verdict has no curves.
    """
    if not 0 < smallest < 1 or least <= 0:
        remedy = "Give a part of the strongest line, and a number above 0."
        raise UsageError(f"smallest {smallest:g}, least {least:g}", remedy=remedy)
    if verdict.best is None or verdict.best.curve is None:
        raise UsageError("the verdict carries no curves", remedy="Take it straight from identify.")
    scene = scene_of(measurement, verdict, seconds, smallest, limits)
    cost = cost or Cost()
    spent = float(np.sum(scene.seconds))
    spent /= cost.at_once
    left = _AHEAD * spent if budget is None else budget
    ends = np.append(scene.x[scene.edges[:-1]] - 0.5 * scene.width, scene.x[-1] + 0.5 * scene.width)
    shares = _give_out(scene, cost, left, spent, least, emphasis(verdict.opinion, verdict.best, ends))
    unseen = scene.unseen.posterior()[0]
    if shares.reach < least or not np.any(shares.first > 0):
        return Plan(True, _why_stop(verdict, scene, left, unseen), within_reach=shares.reach, unseen=unseen)
    ranges = _ranges(scene, shares.first, finest or measurement.step, measurement.step)
    took = sum(cost.seconds(r) for r in ranges)
    return Plan(False, _why_go_on(verdict, scene, shares), tuple(ranges), took, shares.gain, shares.reach, unseen)


@dataclass(frozen=True)
class _Shares:
    """Seconds a point given to each tile in the next pass, what they are expected to tell, and all that is left would."""

    first: Array
    gain: float
    reach: float
    by_alternatives: float


def _give_out(scene: Scene, cost: Cost, left: float, spent: float, least: float, weight: Array) -> _Shares:
    """Give out the time that is left in portions, each where a second tells most; the first of it is the next pass.

    What a tile tells counts ``weight`` times in the choice. A pass takes no more than was spent so far, nor more than it needs
    to leave less than ``least`` to learn.
    """
    tile_of: Index = np.repeat(np.arange(scene.tiles), np.diff(scene.edges))
    points = scene.points
    usual = float(scene.seconds.sum() / scene.counts[scene.seconds > 0].sum())
    cap = min(spent, left)
    portion = np.full(scene.tiles, usual)
    each = points * (portion / cost.at_once + cost.point)
    given = np.zeros(scene.tiles)
    used, now, by_bin = 0.0, 0.0, np.zeros(scene.x.size)
    passes: list[tuple[Array, float, float]] = []
    for _ in range(_PORTIONS * scene.tiles):
        alone, unseen = _tile_gains(scene, given, portion, tile_of)
        gains = (alone - now) + (unseen - np.add.reduceat(by_bin, scene.edges[:-1]))
        price = each + cost.range * (given == 0)
        price = np.where(used + price <= left, price, np.inf)
        best = int(np.argmax(weight * gains / price))
        if not np.isfinite(price[best]) or gains[best] / price[best] * (left - used) < _NOTHING:
            break
        given[best] += portion[best]
        used += float(price[best])
        now, by_bin = scene.gain(given[tile_of] * scene.counts)
        if used <= cap * 1.0001 or not passes:
            passes.append((given.copy(), now + float(by_bin.sum()), now))
        # longer and longer where it was worth it, within a part of the pass
        portion[best] = max(usual, min(given[best], _PART * cap * cost.at_once / points[best]))
        each[best] = points[best] * (portion[best] / cost.at_once + cost.point)
    reach = now + float(by_bin.sum())
    if not passes:
        return _Shares(given, 0.0, reach, 0.0)
    first, gain, by_alternatives = next((p for p in passes if p[1] > reach - _REST * least), passes[-1])
    return _Shares(first, gain, reach, by_alternatives)


def _tile_gains(scene: Scene, given: Array, portion: Array, tile_of: Index) -> tuple[Array, Array]:
    """Information on the alternatives if one tile alone got a portion more, and on unseen lines within each tile if it did."""
    extra = given[tile_of] * scene.counts
    more = (given + portion)[tile_of] * scene.counts
    before = scene.alternatives.distance(extra / scene.rate)
    after = scene.alternatives.distance(more / scene.rate)
    changes = np.add.reduceat(after - before, scene.edges[:-1], axis=-1)
    whole = before.sum(axis=-1)
    told = information(scene.alternatives.chances, whole[None] + np.moveaxis(changes, -1, 0))
    lines = scene.unseen.information(more / scene.rate)
    return told, np.asarray(np.add.reduceat(lines, scene.edges[:-1]), dtype=np.float64)


def _ranges(scene: Scene, seconds: Array, finest: float, measured: float) -> list[Range]:
    """Neighbouring tiles of about the same time joined to ranges, with a step that resolves the peaks."""
    wanted = 2 * scene.width / _STEPS
    step = finest
    if measured > finest * 1.01:
        step = finest * max(int(np.floor(min(wanted, measured) / finest + 1e-6)), 1)
    times = _levelled(seconds)
    out: list[Range] = []
    start = 0
    for tile in range(1, scene.tiles + 1):
        if tile < scene.tiles and times[tile] == times[start]:
            continue
        if times[start] > 0:
            first, last = scene.edges[start], scene.edges[tile] - 1
            low = max(float(scene.x[first] - 0.5 * scene.width), scene.limits[0])
            high = min(float(scene.x[last] + 0.5 * scene.width), scene.limits[1])
            part = slice(start, tile)
            given = float(seconds[part] @ scene.points[part]) or float(times[part] @ scene.points[part])
            count = max((high - low) / step, 1.0)
            out.append(Range(round(low, 4), round(high, 4), round(step, 6), float(f"{given / count:.3g}")))
        start = tile
    return out


def _levelled(seconds: Array) -> Array:
    """Times of tiles in steps of a factor of two, with single gaps filled: instruments lose time with every range."""
    used = seconds > 0
    if not np.any(used):
        return seconds
    unit = float(seconds[used].min())
    level = np.where(used, np.round(np.log2(np.maximum(seconds, unit) / unit)), -1.0)
    level[1:-1] = np.maximum(level[1:-1], np.minimum(level[:-2], level[2:]))
    return np.where(level >= 0, unit * 2.0**level, 0.0)


def _why_stop(verdict: Verdict, scene: Scene, left: float, unseen: float) -> str:
    assert verdict.best is not None
    chances = scene.alternatives.chances
    if unseen > 0.5:
        return "a line that no candidate explains is there; counting longer would not change that"
    if chances[0] < 1 - _RIVAL:
        rivals = _rivals(scene)
        names = " or ".join(rivals)
        return f"{left:.3g} s more would hardly tell {verdict.best.name} from {names}: their patterns are too much alike"
    return f"{verdict.best.name} is settled, and a phase of the least height of interest would have been seen"


def _why_go_on(verdict: Verdict, scene: Scene, shares: _Shares) -> str:
    assert verdict.best is not None
    rivals = _rivals(scene)
    if scene.unseen.posterior()[0] > 0.5 and shares.by_alternatives < 0.5 * shares.gain:
        return "to find what a line belongs to that no candidate explains"
    if rivals and shares.by_alternatives > 0.5 * shares.gain:
        return f"to tell {verdict.best.name} from {' or '.join(rivals)}"
    return "to see whether a line is there that no candidate explains"


def _rivals(scene: Scene) -> list[str]:
    chances = scene.alternatives.chances
    return [c.name for c, p in zip(scene.rivals[1:], chances[1:], strict=True) if p > _RIVAL][:_NAMED]
