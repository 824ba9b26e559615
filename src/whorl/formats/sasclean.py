"""Small-angle points put in order: what is no measured point is left out, q increases, and what looks odd is said.

Negative intensities are data and stay. Left out are points without a number, points at q of 0 or less, and exact zeros behind a
beam stop or in a gap of the detector. Several detector settings one below the other are sorted; two curves are not mixed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.formats.sascurve import SasCurve

Array = NDArray[np.float64]
_FEW = 20
_GAP_ZEROS = 3
_RUNS = 8
#: part of the first maximum below which a point is in the shadow of the beam stop
_DARK = 0.2


def cleaned(curve: SasCurve, path: str, notes: list[str], *, sort: bool = False) -> SasCurve:
    """Leave out what is no measured point and put the rest in order of q.

    Raises
    ------
    PatternError
        If nothing usable is left.
    """
    curve = _without(curve, ~(np.isfinite(curve.q) & np.isfinite(curve.intensity)), "without a number", notes)
    if curve.q.size and np.all(curve.q <= 0):
        raise PatternError(
            "no q is positive", where=path, remedy="Is it log q, or another column? Export q in 1/angstrom or 1/nm."
        )
    curve = _without(curve, curve.q <= 0, "at q of 0 or less", notes)
    curve = _ordered(curve, path, notes, sort=sort)
    if curve.q.size < 2:
        raise PatternError(f"{curve.q.size} usable point(s)", where=path, remedy="Measure or export it again.")
    if not np.any(curve.intensity > 0):
        raise PatternError(
            "no intensity is positive",
            where=path,
            remedy="Too much background was subtracted, or this is another column: reduce the data again.",
        )
    curve = _without_zeros(curve, notes)
    if curve.q.size < 2:
        raise PatternError(f"{curve.q.size} usable point(s)", where=path, remedy="Measure or export it again.")
    return curve


def _without(curve: SasCurve, bad: NDArray[np.bool_], what: str, notes: list[str]) -> SasCurve:
    count = int(bad.sum())
    if not count:
        return curve
    notes.append(f"{count} point{'s' if count > 1 else ''} {what} {'were' if count > 1 else 'was'} left out")
    return curve.take(~bad)


def _ordered(curve: SasCurve, path: str, notes: list[str], *, sort: bool) -> SasCurve:
    """Sort by q. Several detector settings below each other are usual; two curves below each other are not one."""
    step = np.diff(curve.q)
    if np.all(step > 0):
        return curve
    if np.all(step < 0):
        notes.append("q falls in the file; the points were turned round")
        return curve.take(np.arange(curve.q.size)[::-1])
    ends = np.flatnonzero(step < 0)
    if ends.size and not sort:
        if ends.size + 1 > max(_RUNS, 0.2 * curve.q.size) and curve.q.size > _FEW:
            raise PatternError(
                f"q falls {ends.size} times along the file, so its points are in no order",
                where=path,
                remedy="Sort the file or pass sort=True; if it is an image, the columns are Qx, Qy and the intensity.",
            )
        _refuse_two_curves(curve, ends, path)
    if ends.size:
        notes.append(f"the points were sorted by q ({ends.size + 1} stretches of the file)")
    return _averaged(curve.take(np.argsort(curve.q, kind="stable")), notes)


def _refuse_two_curves(curve: SasCurve, ends: NDArray[np.int64], path: str) -> None:
    starts, stops = np.r_[0, ends + 1], np.r_[ends + 1, curve.q.size]
    first = curve.q[starts[0] : stops[0]]
    for a, b in zip(starts[1:], stops[1:], strict=True):
        q = curve.q[a:b]
        if min(q.size, first.size) < 5:
            continue
        both = min(q[-1], first[-1]) - max(q[0], first[0])
        if both < 0.8 * max(q[-1] - q[0], first[-1] - first[0]):
            continue
        one = curve.intensity[starts[0] : stops[0]]
        other = np.interp(first, q, curve.intensity[a:b])
        scale = np.median(np.abs(one))
        if np.median(np.abs(other - one)) > 0.2 * scale:
            raise PatternError(
                "two different curves stand one below the other",
                where=path,
                remedy="Give each a file of its own, or pass sort=True to take them as one.",
            )


def _averaged(curve: SasCurve, notes: list[str]) -> SasCurve:
    """Average the points of equal q (mean; uncertainty by propagation)."""
    q, first, counts = np.unique(curve.q, return_index=True, return_counts=True)
    if q.size == curve.q.size:
        return curve
    notes.append(f"{curve.q.size - q.size} points were averaged with others of the same q")

    def mean(values: Array) -> Array:
        return np.add.reduceat(values, first) / counts

    return replace(
        curve,
        q=q,
        intensity=mean(curve.intensity),
        sigma=None if curve.sigma is None else np.sqrt(np.add.reduceat(curve.sigma**2, first)) / counts,
        resolution=None if curve.resolution is None else mean(curve.resolution),
        good=None if curve.good is None else np.logical_and.reduceat(curve.good, first),
    )


def _without_zeros(curve: SasCurve, notes: list[str]) -> SasCurve:
    """Leave out exact zeros before the first and behind the last intensity, and stretches of them among large ones."""
    zero = curve.intensity == 0
    if not zero.any():
        return curve
    filled = np.flatnonzero(~zero)
    out = np.zeros(zero.size, dtype=np.bool_)
    out[: filled[0]] = True
    if zero.size - 1 - filled[-1] >= _GAP_ZEROS:
        out[filled[-1] + 1 :] = True
    for a, b in pairwise(filled.tolist()):
        if b - a > _GAP_ZEROS and min(curve.intensity[a], curve.intensity[b]) > 0.01 * np.median(curve.intensity[~zero]):
            out[a + 1 : b] = True
    return _without(curve, out, "of intensity 0 (beam stop, gap or end of the detector)", notes)


def said_of(curve: SasCurve, settings: Mapping[str, Any], notes: list[str]) -> None:
    """Note what a reader of the answer should know of the points: few, gaps, a beam stop, a range far from small angles."""
    q, y = curve.q, curve.intensity
    if q.size < _FEW:
        notes.append(f"only {q.size} points: little can be told from them; measure or bin more finely")
    if q.size >= _FEW:
        jump = np.diff(np.log(q))
        typical = np.maximum(np.r_[jump[0], jump[:-1]], np.r_[jump[1:], jump[-1]])
        gaps = np.flatnonzero((jump > 5 * typical) & (jump > 0.1))
        if gaps.size:
            k = int(gaps[0])
            notes.append(f"no points between q = {q[k]:.4g} and {q[k + 1]:.4g} 1/angstrom: a gap of the detectors?")
    top = _shadow(q, y)
    if top:
        notes.append(
            f"the intensity climbs steeply over the first {top + 1} points: the shadow of the beam stop? "
            f"Cut it off with range={q[top]:.3g}:{q[-1]:.3g}"
        )
    if q[-1] > 6 and "wavelength" not in settings:
        notes.append(f"q reaches {q[-1]:.3g} 1/angstrom, far beyond small angles; if its unit is another, pass q_unit=1/nm")


def _shadow(q: Array, y: Array) -> int:
    """Give the point where the climb out of the shadow of a beam stop ends, 0 when there is none.

    Behind the edge of a beam stop the curve goes on as it would have been; a peak falls as steeply as it rose.
    """
    if q.size < _FEW:
        return 0
    top = int(np.argmax(y[: max(8, q.size // 8)]))
    dark = np.flatnonzero(y[:top] < _DARK * y[top])
    if not dark.size or y[top] <= 0 or y[top : 2 * top + 3].max() > 1.3 * y[top]:
        return 0
    mirrored = 2 * q[top] - q[dark[-1]]
    if mirrored > q[-1] or np.log(q[top] / q[dark[-1]]) > 1:
        return 0
    behind = y[(q > q[top]) & (q <= mirrored)]
    return top if behind.size and np.median(behind) > 0.6 * y[top] and behind[-1] > 0.5 * y[top] else 0
