"""From the columns of a small-angle curve to a `Measurement`: the repairs and checks that are the same for every format.

Negative intensities are data and stay. Left out, and said so, are points without a number, points at q of 0 or less, and exact
zeros behind a beam stop or in a gap of the detector. Points without a positive uncertainty are masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import KINDS, Measurement
from whorl.formats.powder import Source

Array = NDArray[np.float64]
_FEW = 20
_GAP_ZEROS = 3
_RUNS = 8
#: part of the first maximum below which a point is in the shadow of the beam stop
_DARK = 0.2


@dataclass(frozen=True)
class SasCurve:
    """One curve as a file gives it, q in 1/angstrom.

    Parameters
    ----------
    q, intensity : array, shape (n,)
    sigma : array, shape (n,), optional
        Standard uncertainty of the intensity.
    resolution : array, shape (n,), optional
        Standard deviation of q, 1/angstrom.
    good : array of bool, shape (n,), optional
        Points that the file does not mark as unusable.
    settings : mapping
        What the file says of this curve.
    title : str
    """

    q: Array
    intensity: Array
    sigma: Array | None = None
    resolution: Array | None = None
    good: NDArray[np.bool_] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""

    def take(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> SasCurve:
        """Give the chosen points."""
        return replace(
            self,
            q=self.q[keep],
            intensity=self.intensity[keep],
            sigma=None if self.sigma is None else self.sigma[keep],
            resolution=None if self.resolution is None else self.resolution[keep],
            good=None if self.good is None else self.good[keep],
        )


def refuse_other_kind(asked: str | None, path: str) -> None:
    """Refuse a kind of signal that a small-angle file cannot hold; ``None`` is any.

    Raises
    ------
    UsageError
        If ``asked`` is no kind, or another than that of small-angle scattering.
    """
    if asked in (None, "sas"):
        return
    if asked not in KINDS:
        raise UsageError(f"unknown kind of signal {asked!r}", remedy=f"Use one of {', '.join(KINDS)}.")
    raise UsageError(
        f"the file holds small-angle scattering, not {KINDS[str(asked)][1]}",
        where=path,
        remedy="Use kind='sas' or leave it out.",
    )


def measurement_of(curve: SasCurve, source: Source, notes: list[str], *, sort: bool = False) -> Measurement:
    """Give the measurement of one curve.

    Raises
    ------
    PatternError
        If no q or no intensity is positive, or the points are in no order.

    Examples
    --------
    >>> q = np.array([0.0, 0.01, 0.02, 0.03, 0.04])
    >>> notes: list[str] = []
    >>> m = measurement_of(SasCurve(q, np.array([0.0, 5.0, 4.0, np.nan, -0.1])), Source("a.dat", "", "columns"), notes)
    >>> m.x.tolist(), m.signal.tolist(), notes[:2]
    ([0.01, 0.02, 0.04], [5.0, 4.0, -0.1], ['1 point without a number was left out', '1 point at q of 0 or less was left out'])
    """
    tidy = cleaned(curve, source.path, notes, sort=sort)
    sigma, good = _uncertainty(tidy, notes)
    settings = {name: value for name, value in tidy.settings.items() if name != "header"}
    if "header" in tidy.settings:  # keep it last: it is long
        settings["header"] = tidy.settings["header"]
    _say(tidy, settings, notes)
    return Measurement(
        "sas",
        tidy.q,
        tidy.intensity,
        sigma=sigma,
        mask=good,
        resolution=_resolution(tidy, notes),
        settings=settings,
        path=source.path,
        sha256=source.sha256,
        format=source.format,
        notes=tuple(notes),
    )


def as_written(curve: SasCurve, settings: Mapping[str, Any], source: Source, notes: list[str]) -> Measurement:
    """Give the measurement of a curve that whorl wrote: nothing needs repair."""
    return Measurement(
        "sas",
        curve.q,
        curve.intensity,
        sigma=curve.sigma,
        resolution=curve.resolution,
        settings=settings,
        path=source.path,
        sha256=source.sha256,
        format=source.format,
        notes=tuple(notes),
    )


def with_settings(curve: SasCurve, settings: Mapping[str, Any]) -> SasCurve:
    """Give a curve with settings beside its own."""
    return replace(curve, settings=dict(settings) | dict(curve.settings))


def series_of(
    curves: list[SasCurve], source: Source, notes: list[str], coordinates: Mapping[str, Array] | None = None
) -> Measurement | None:
    """Give the series that curves on one grid, in one unit and with one slit make, ``None`` when they do not make one."""
    first = curves[0]
    alike = all(
        c.q.size == first.q.size
        and np.allclose(c.q, first.q, rtol=1e-6, atol=0)
        and all(c.settings.get(n) == first.settings.get(n) for n in ("intensity", "slit_length", "slit_width"))
        and (c.sigma is None) == (first.sigma is None)
        for c in curves
    )
    units = {c.settings.get("intensity") for c in curves}
    if len(units) > 1:
        notes.append("intensities per cm and on an arbitrary scale stand in one file: they are no series, and not comparable")
    stacked = np.array([c.intensity for c in curves]) if alike else np.empty(0)
    usable = alike and bool(np.all(np.isfinite(stacked)) and np.all(first.q > 0) and np.all(np.diff(first.q) > 0))
    if not usable:
        return None
    sigma = None if first.sigma is None else np.array([c.sigma for c in curves])
    good = None
    if sigma is not None and not (np.isfinite(sigma) & (sigma > 0)).all():
        good = np.all(np.isfinite(sigma) & (sigma > 0), axis=0)
        if good.mean() < 0.5:
            sigma, good = None, None
        else:
            notes.append(f"{int((~good).sum())} points without a positive uncertainty in every frame are masked")
            sigma = np.where(good, sigma, np.inf)
    settings = {k: v for k, v in first.settings.items() if all(c.settings.get(k) == v for c in curves)}
    notes.append(f"{len(curves)} data sets on one grid were read as a series")
    return Measurement(
        "sas",
        first.q,
        stacked,
        sigma=sigma,
        mask=good,
        resolution=_resolution(first, notes),
        settings=settings,
        coordinates=coordinates or {"entry": np.arange(1.0, len(curves) + 1)},
        path=source.path,
        sha256=source.sha256,
        format=source.format,
        notes=tuple(notes),
    )


def stacked(curve: SasCurve) -> list[SasCurve]:
    """Part curves on one grid that stand one below the other; empty when there is one curve or the grids differ.

    Examples
    --------
    >>> q = np.tile([0.1, 0.2, 0.3, 0.4, 0.5], 2)
    >>> [c.intensity.tolist() for c in stacked(SasCurve(q, np.arange(10.0)))]
    [[0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0, 9.0]]
    """
    ends = np.flatnonzero(np.diff(curve.q) < 0) + 1
    count = ends.size + 1
    if count < 2 or curve.q.size % count or curve.q.size // count < 5:
        return []
    rows = np.arange(curve.q.size).reshape(count, -1)
    grid = curve.q[rows]
    if not np.all(ends == rows[1:, 0]) or not np.allclose(grid, grid[0], rtol=1e-6, atol=0):
        return []
    return [curve.take(row) for row in rows]


def chosen(titles: list[str], entry: Any, path: str, notes: list[str], *, default: int = 0) -> int:
    """Give the number, from 0, of the data set that was asked for; the default and what else there is are said.

    Raises
    ------
    UsageError
        If there is none of that number or name.
    """
    listed = ", ".join(f"{i + 1} {title}".strip() for i, title in enumerate(titles[:12])) + (
        ", ..." if len(titles) > 12 else ""
    )
    if entry is None:
        if len(titles) > 1:
            notes.append(f"data set {default + 1} of {len(titles)} was read; choose with entry= one of: {listed}")
        return default
    name = str(entry).strip()
    if name in titles:
        return titles.index(name)
    number = name.removesuffix(".0")
    if number.isdecimal() and 1 <= int(number) <= len(titles):
        return int(number) - 1
    raise UsageError(f"no data set {name}", where=path, remedy=f"Choose one of: {listed}.")


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


def _uncertainty(curve: SasCurve, notes: list[str]) -> tuple[Array | None, NDArray[np.bool_] | None]:
    """Accept uncertainties that are positive for most points; never invent one."""
    good = np.ones(curve.q.size, dtype=np.bool_) if curve.good is None else curve.good.copy()
    sigma = curve.sigma
    if sigma is not None:
        stated = np.isfinite(sigma) & (sigma > 0)
        if stated.mean() < 0.5:
            notes.append("the uncertainties are zero or negative for most points and were left out")
            sigma = None
        elif not stated.all():
            count = int((~stated).sum())
            notes.append(f"{count} point{'s' if count > 1 else ''} without a positive uncertainty masked")
            sigma = np.where(stated, sigma, np.inf)
            good &= stated
    return sigma, None if good.all() else good


def _resolution(curve: SasCurve, notes: list[str]) -> Array | None:
    width = curve.resolution
    if width is None or not np.any(width):
        return None
    if not np.all(np.isfinite(width)) or np.any(width < 0):
        notes.append("the resolutions of q are not all numbers of 0 or more and were left out")
        return None
    if np.median(width / curve.q) > 1:
        notes.append("the resolutions of q are larger than q for most points")
    return width


def _say(curve: SasCurve, settings: Mapping[str, Any], notes: list[str]) -> None:
    """Note what a reader of the answer should know of the points."""
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
