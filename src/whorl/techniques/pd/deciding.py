"""Where two fits of a powder pattern can differ: the pattern cut into its peaks, with the reflections of either fit there.

Peaks that overlap are one stretch: the cuts are the lowest points between neighbouring maxima of whatever is highest there, the
data or one of the two models, and a cut counts where it is well below both maxima.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from whorl.fitting.problem import Fit
from whorl.physics.backgrounds import running_mean
from whorl.techniques.pd.residual import model_of
from whorl.techniques.protocol import Region

Array = NDArray[np.float64]

#: how far a maximum rises above its surroundings: in parts of its own height, of the highest of all, in standard deviations
_RISES, _LEAST, _SURE = 0.25, 0.003, 4.0
#: half width of a stretch without neighbours, in widths of the peaks
_REACH = 2.5
#: reflections named, and their least height beside the highest of the same phase within the stretch
_NAMED, _TELLING = 3, 0.05
#: least area of a reflection that is marked, of the phase's largest
_MARKED = 1e-4


def regions(first: Fit, second: Fit) -> list[Region]:
    """Peaks and groups of overlapping peaks of the data and of either model.

    Parameters
    ----------
    first, second : Fit
        Of one signal.

    Returns
    -------
    list of Region
        In order of the angle, none overlapping, each with the reflections of both fits ("NiO 2 0 0"), the strongest first.
    """
    x, fwhm = first.problem.x, model_of(first).signal.fwhm
    if x.size != second.problem.x.size:
        return []
    step = float(np.median(np.diff(x)))
    highest = np.maximum(np.maximum(first.problem.observed, first.calculated), second.calculated)
    smooth = running_mean(np.maximum(highest, 0.0), max(int(0.25 * fwhm / step), 0))
    cuts = _cuts(smooth, _SURE / np.sqrt(np.maximum(first.problem.weights, 1e-300)), max(int(fwhm / step), 1))
    lines = [_lines(fit) for fit in (first, second)]
    out = []
    for top, left, right in cuts:
        low, high = _trimmed(smooth, x, left, top, right, _REACH * fwhm)
        found = [_named(known, low, high) for known in lines]
        out.append(Region(low, high, found[0], found[1]))
    return out


def marks(fit: Fit) -> tuple[Array, ...]:
    """Angles of the reflections of each phase of a fit (first spectral line, shifts included), for marks in a plot, degrees."""
    problem = model_of(fit)
    low, high = problem.signal.range
    out = []
    for number, phase in enumerate(problem.phases):
        place, area = (a[: len(phase.indices)] for a in problem.reflections(fit.values, number))
        seen = (place >= low) & (place <= high) & (area > _MARKED * float(area.max(initial=0.0)))
        out.append(np.sort(place[seen]))
    return tuple(out)


def _cuts(height: Array, noise: Array, distance: int) -> list[tuple[int, int, int]]:
    """Maxima that stand on their own, each with the lowest points on either side, as indices."""
    least = _LEAST * float(height.max(initial=0.0))
    tops, found = find_peaks(height, prominence=max(least, 1e-300), distance=distance)
    tops = tops[found["prominences"] > np.maximum(_RISES * height[tops], noise[tops])]
    if tops.size == 0:
        return []
    between = [int(a + np.argmin(height[a : b + 1])) for a, b in pairwise(tops)]
    ends = [0, *between, height.size - 1]
    return [(int(top), ends[i], ends[i + 1]) for i, top in enumerate(tops)]


def _trimmed(height: Array, x: Array, left: int, top: int, right: int, reach: float) -> tuple[float, float]:
    """Ends of a stretch without the flat parts between it and its neighbours."""
    inside = np.flatnonzero(height[left : right + 1] > 0.1 * height[top]) + left
    low = max(float(x[left]), float(x[inside[0]]) - 0.5 * reach)
    high = min(float(x[right]), float(x[inside[-1]]) + 0.5 * reach)
    return low, high


def _lines(fit: Fit) -> list[tuple[str, Array, Array, NDArray[np.int64]]]:
    """Of each phase: its name, and the places, areas and hkl of its reflections in the first spectral line."""
    problem = model_of(fit)
    out = []
    for number, phase in enumerate(problem.phases):
        place, area = problem.reflections(fit.values, number)
        hkl = phase.indices
        out.append((phase.crystal.name, place[: len(hkl)], area[: len(hkl)] * float(fit.factors[number]), hkl))
    return out


def _named(lines: list[tuple[str, Array, Array, NDArray[np.int64]]], low: float, high: float) -> tuple[str, ...]:
    found: list[tuple[float, str]] = []
    for name, place, area, hkl in lines:
        inside = np.flatnonzero((place >= low) & (place <= high))
        found += [(float(area[k]), f"{name} {' '.join(str(int(v)) for v in hkl[k])}") for k in inside]
    top = max((area for area, _ in found), default=0.0)
    best = sorted((f for f in found if f[0] > _TELLING * top), reverse=True)
    return tuple(text for _, text in best[:_NAMED])
