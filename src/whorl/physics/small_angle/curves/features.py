r"""What a curve shows along q: power laws, Guinier knees, plateaus, background.

The slope s(q) = d ln I / d ln q is that of straight lines fitted locally to ln I over ln q, over 0.07 decades (Cleveland, J.
Am. Stat. Assoc. 74, 829 (1979), doi:10.1080/01621459.1979.10481038). Its extremes cut the curve: where the slope is steepest
lies a power law, where it is flattest a power law or, above -0.6, a plateau; so does a power law where the slope stays as it
is on the way between two extremes. On the way down from a flat stretch to a steep one lies a knee (of Guinier's kind); the flat
stretch in which a falling curve ends is its background. Extremes that differ by less than 0.4 or by less than the noise of the
slope are none: the least pronounced pair of a maximum and a minimum is removed first, until all that are left are pronounced
(persistence; Edelsbrunner, Letscher & Zomorodian, Discrete Comput. Geom. 28, 511 (2002), doi:10.1007/s00454-002-2885-2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.curves.uncertain import Uncertain

Array = NDArray[np.float64]
Kind = Literal["power law", "knee", "plateau", "background"]

_PER_DECADE = 40
_WIDTH = 0.07 * float(np.log(10))
_FLAT = 0.6
#: differences of slopes that tell stretches apart
_DIFFERENT = 0.4
_CLEAR = 3.0
#: part of a stretch's neighbourhood that belongs to it: up to this share of the way to the next slope
_SHARE = 0.25
_SHORT = 0.05 * float(np.log(10))
#: slope per factor e in q, below which it stays as it is, and over which length that makes a stretch
_STEADY = 0.6
_CALM = 0.2 * float(np.log(10))
#: slope at the end of a curve whose background shows
_LEVELS_OFF = 1.3
#: a background is at most this much above the lowest point of the curve
_LOWEST = 4.0


@dataclass(frozen=True)
class Feature:
    """A stretch of a curve.

    Attributes
    ----------
    kind : str
        "power law", "knee", "plateau", "background".
    low, high : float
        Its ends, 1/angstrom.
    slope : Uncertain
        Mean d ln I / d ln q, and its scatter along the stretch.
    size : float
        Of a knee: Rg as Guinier's law before a power law has it, angstrom; 0 of others.
    """

    kind: Kind
    low: float
    high: float
    slope: Uncertain
    size: float = 0.0


@dataclass(frozen=True)
class LocalSlope:
    """Smoothed curve and slope on an even grid of ln q, arrays of shape (m,); the slope has a standard uncertainty."""

    x: Array
    y: Array
    slope: Array
    doubt: Array


def local_slope(q: Array, intensity: Array, sigma: Array) -> LocalSlope | None:
    """Smooth a curve in ln I over ln q; nothing where less than eight stretches of 1/40 decade stand out of the noise.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.5, 200)
    >>> found = local_slope(q, q**-3.0, 0.01 * q**-3.0)
    >>> bool(np.abs(found.slope[3:-3] + 3).max() < 0.05)
    True
    """
    decades = float(np.log10(q[-1] / q[0]))
    x = np.linspace(np.log(q[0]), np.log(q[-1]), max(int(_PER_DECADE * decades), 12))
    step = x[1] - x[0]
    cell = np.clip(np.round((np.log(q) - x[0]) / step).astype(int), 0, x.size - 1)
    w = 1 / sigma**2
    weight = np.bincount(cell, w, x.size)
    filled = weight > 0
    total = np.where(filled, weight, 1.0)
    mean = np.bincount(cell, w * intensity, x.size) / total
    centre = np.bincount(cell, w * np.log(q), x.size) / total
    error = 1 / np.sqrt(total)
    clear = filled & (mean > 2 * error)
    if clear.sum() < 8:
        return None
    at, value, relative = centre[clear], np.log(mean[clear]), error[clear] / mean[clear]
    kernel = np.exp(-0.5 * ((x[:, None] - at[None, :]) / _WIDTH) ** 2) / (relative**2 + 0.02**2)
    off = at[None, :] - x[:, None]
    s0, s1, s2 = kernel.sum(axis=1), (kernel * off).sum(axis=1), (kernel * off**2).sum(axis=1)
    t0, t1 = kernel @ value, (kernel * off) @ value
    det = s0 * s2 - s1**2
    safe = np.where(det > 1e-9 * s0 * s2 + 1e-300, det, np.inf)
    slope = (s0 * t1 - s1 * t0) / safe
    y = (s2 * t0 - s1 * t1) / safe
    by_slope = (s0[:, None] * off - s1[:, None]) * kernel / safe[:, None]
    doubt = np.sqrt(np.maximum((by_slope**2) @ relative**2, 0))
    known = np.array([np.sum(np.abs(at - v) < 1.5 * _WIDTH) >= 3 for v in x])
    doubt = np.where(known & np.isfinite(safe), doubt, np.inf)
    first, last = np.flatnonzero(known)[[0, -1]] if known.any() else (0, 0)
    if last - first < 8:
        return None
    part = slice(int(first), int(last) + 1)
    return LocalSlope(x[part], y[part], slope[part], doubt[part])


def find_features(q: Array, intensity: Array, sigma: Array) -> tuple[Feature, ...]:
    """Cut a curve into power laws, knees, plateaus and background, from low to high q.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)

    Examples
    --------
    >>> q = np.geomspace(0.001, 0.5, 300)
    >>> curve = 100 / (1 + (q * 50) ** 2) ** 2 + 1e-2
    >>> [feature.kind for feature in find_features(q, curve, 0.01 * curve)]
    ['plateau', 'knee', 'power law', 'background']
    """
    found = local_slope(q, intensity, sigma)
    if found is None:
        return ()
    s, x = found.slope, found.x
    doubt = np.where(np.isfinite(found.doubt), found.doubt, 10.0)
    turns = _with_steps(x, s, doubt, _extremes(s, doubt))
    out: list[Feature] = []
    for j, k in enumerate(turns):
        left = turns[j - 1] if j else None
        right = turns[j + 1] if j + 1 < len(turns) else None
        begin, end = _reach(s, k, left, right)
        steep = _is_minimum(s, turns, j)
        level = Uncertain(float(np.mean(s[begin : end + 1])), float(np.std(s[begin : end + 1])))
        kind: Kind = "plateau" if level.value > -_FLAT and not (steep and level.value < -_FLAT) else "power law"
        if x[end] - x[begin] >= _SHORT and end > begin and np.median(doubt[begin : end + 1]) < 1.0:
            out.append(Feature(kind, float(np.exp(x[begin])), float(np.exp(x[end])), level))
        if right is not None and s[right] < s[k] - _DIFFERENT:
            next_begin = _reach(s, right, k, turns[j + 2] if j + 2 < len(turns) else None)[0]
            out += _knee(x, s, end, next_begin)
    return _ended(_once(out), found)


def _once(found: list[Feature]) -> list[Feature]:
    """Join neighbours of one kind that overlap and have one slope: a curve that is one power law throughout."""
    out: list[Feature] = []
    for feature in found:
        before = out[-1] if out else None
        alike = before is not None and before.kind == feature.kind != "knee" and feature.low < before.high
        if alike and before is not None and abs(before.slope.value - feature.slope.value) < _DIFFERENT:
            mean = Uncertain(0.5 * (before.slope.value + feature.slope.value), max(before.slope.sigma, feature.slope.sigma))
            out[-1] = replace(before, high=max(before.high, feature.high), slope=mean)
        else:
            out.append(feature)
    return out


def _extremes(s: Array, doubt: Array) -> list[int]:
    """Positions of the maxima and minima of the slope that count, with the ends of the curve; in order."""
    turns = [0, *(k for k in range(1, s.size - 1) if (s[k] - s[k - 1]) * (s[k + 1] - s[k]) < 0), s.size - 1]
    while len(turns) > 2:
        jumps = np.abs(np.diff(s[turns])) / np.maximum(
            _DIFFERENT, _CLEAR * np.array([np.hypot(doubt[a], doubt[b]) for a, b in pairwise(turns)])
        )
        least = int(np.argmin(jumps))
        if jumps[least] >= 1:
            break
        if least == 0:
            del turns[1]
        elif least == len(turns) - 2:
            del turns[-2]
        else:
            del turns[least : least + 2]
    return turns


def _with_steps(x: Array, s: Array, doubt: Array, turns: list[int]) -> list[int]:
    """Add the middles of stretches between two extremes over which the slope stays as it is."""
    change = np.abs(np.gradient(s, x))
    out = set(turns)
    for a, b in pairwise(turns):
        mean = abs(s[b] - s[a]) / max(float(x[b] - x[a]), 1e-9)
        calm = change[a : b + 1] < min(0.5 * mean, _STEADY)
        edges = np.flatnonzero(np.diff(np.concatenate([[0], calm.astype(int), [0]])))
        for first, after in zip(edges[::2], edges[1::2], strict=True):
            low, high = a + int(first), a + int(after) - 1
            middle = (low + high) // 2
            apart = min(abs(s[middle] - s[a]), abs(s[middle] - s[b]))
            if x[high] - x[low] >= _CALM and apart > max(_DIFFERENT, _CLEAR * doubt[middle]):
                out.add(middle)
    return sorted(out)


def _is_minimum(s: Array, turns: list[int], j: int) -> bool:
    """Tell whether the slope is steeper here than at the neighbours."""
    around = [s[turns[i]] for i in (j - 1, j + 1) if 0 <= i < len(turns)]
    return bool(around) and all(s[turns[j]] < v for v in around)


def _reach(s: Array, k: int, left: int | None, right: int | None) -> tuple[int, int]:
    """First and last point about an extreme that belong to its stretch."""
    begin, end = k, k
    if left is not None:
        limit = _near(abs(s[left] - s[k]))
        while begin > left and abs(s[begin - 1] - s[k]) <= limit:
            begin -= 1
    if right is not None:
        limit = _near(abs(s[right] - s[k]))
        while end < right and abs(s[end + 1] - s[k]) <= limit:
            end += 1
    return begin, end


def _near(difference: float) -> float:
    return max(0.2, _SHARE * difference)


def _knee(x: Array, s: Array, begin: int, end: int) -> list[Feature]:
    """The bend between the end of a flatter stretch and the beginning of a steeper one."""
    if end <= begin:
        begin, end = end, begin
    low, high = x[begin], x[end]
    if high - low < 2 * _SHORT:
        low, high = 0.5 * (low + high) - _SHORT, 0.5 * (low + high) + _SHORT
    middle = begin + int(np.argmin(np.gradient(s[begin : end + 1]))) if end - begin > 1 else (begin + end) // 2
    slope = Uncertain(float(np.mean(s[begin : end + 1])), float(np.std(s[begin : end + 1])))
    # of Guinier's law the slope is -2 (q Rg)^2 / 3; half way down to a power law of -4 it is at q Rg = 1.7
    return [Feature("knee", float(np.exp(low)), float(np.exp(high)), slope, float(1.7 / np.exp(x[middle])))]


def _ended(found: list[Feature], curve: LocalSlope) -> tuple[Feature, ...]:
    """Call the flat stretch in which a falling curve ends its background."""
    level = np.exp(curve.y)
    for j in range(len(found) - 1, 0, -1):
        feature, before = found[j], found[j - 1]
        steepest = min(f.slope.value for f in found[:j])
        flat = feature.slope.value > (-_LEVELS_OFF if j == len(found) - 1 else -_FLAT)
        inside = (curve.x >= np.log(feature.low)) & (curve.x <= np.log(feature.high))
        lowest = float(np.median(level[inside])) < _LOWEST * float(level.min())
        if feature.kind != "knee" and flat and lowest and steepest < feature.slope.value - 1 and before.kind != "plateau":
            found[j] = replace(feature, kind="background")
            return tuple(found[: j + 1])
    return tuple(found)
