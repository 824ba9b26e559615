"""From the numbers and settings of a powder reader to a `Measurement`: the checks that are the same for every format.

One scan becomes one curve. Several scans on one axis become a series with the coordinate ``scan``; scans that follow one
another become one pattern; of scans that do neither the longest is read. Counts are never turned into uncertainties here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import KINDS, Measurement
from whorl.formats.axis import Points, increasing, trimmed

Array = NDArray[np.float64]
#: kinds of signal that the readers of powder diffraction give
POWDER_KINDS = ("powder", "tof", "peaks")
_FEW = 100


@dataclass(frozen=True)
class Scan:
    """One scan of a file.

    Parameters
    ----------
    x, y : array, shape (n,)
        Axis (degree or microsecond) and intensity.
    sigma : array, shape (n,), optional
    coordinates : mapping of float
        What differs from scan to scan: temperature, time.
    """

    x: Array
    y: Array
    sigma: Array | None = None
    coordinates: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """Where a measurement comes from: file, hash and reader."""

    path: str
    sha256: str
    format: str

    @classmethod
    def of(cls, path: str, data: bytes, format: str) -> Source:
        """Hash the bytes of a file."""
        return cls(path, hashlib.sha256(data).hexdigest(), format)


def refuse_kind(asked: str | None, path: str, *, given: Sequence[str] = ("powder",)) -> None:
    """Refuse a kind of signal that a powder format cannot hold; ``None`` is any.

    Raises
    ------
    UsageError
        If ``asked`` is no kind, or another than the format gives.
    """
    if asked is None or asked in given:
        return
    if asked not in KINDS:
        raise UsageError(f"unknown kind of signal {asked!r}", remedy=f"Use one of {', '.join(KINDS)}.")
    raise UsageError(
        f"the file holds {KINDS[given[0]][1]}, not {KINDS[asked][1]}",
        where=path,
        remedy=f"Use kind={given[0]!r} or leave it out.",
    )


def measurement_of(
    scans: Sequence[Scan], kind: str, settings: dict[str, Any], source: Source, notes: list[str], *, sort: bool = False
) -> Measurement:
    """Give the measurement that the scans of a file make.

    Raises
    ------
    PatternError
        If there is no usable scan, the axis is out of order or out of range, or the signal is zero throughout.

    Examples
    --------
    >>> x = np.linspace(10, 80, 141)
    >>> notes: list[str] = []
    >>> m = measurement_of([Scan(x, 100 + x), Scan(x, 200 + x)], "powder", {}, Source("a.raw", "", "raw"), notes)
    >>> m.frames, m.coordinates["scan"].tolist(), notes
    (2, [1.0, 2.0], ['2 scans on one axis were read as a series'])
    """
    filled = [scan for scan in scans if scan.x.size >= 2]
    if not filled:
        points = max((scan.x.size for scan in scans), default=0)
        raise PatternError(f"the scan is empty ({points} point(s))", where=source.path, remedy="Measure or export it again.")
    if len(filled) < len(scans):
        notes.append(f"{len(scans) - len(filled)} empty scans were left out")
    ordered = [_ordered(scan, kind, source.path, notes, sort=sort) for scan in filled]
    if len(ordered) == 1:
        return _one(ordered[0], kind, settings, source, notes)
    alike = max(([b for b in ordered if same_axis(a.x, b.x)] for a in ordered), key=len)
    if 2 * len(alike) > len(ordered) and len(alike) > 1:
        if len(alike) < len(ordered):
            notes.append(f"{len(ordered) - len(alike)} scans on other axes than the series were left out")
        return _series(alike, kind, settings, source, notes)
    ordered.sort(key=lambda scan: float(scan.x[0]))
    if all(a.x[-1] < b.x[0] for a, b in pairwise(ordered)) and _alike(ordered):
        notes.append(f"{len(ordered)} scans that follow one another were joined")
        sigma = (
            None if any(s.sigma is None for s in ordered) else np.concatenate([s.sigma for s in ordered if s.sigma is not None])
        )
        x, y = (np.concatenate([getattr(s, name) for s in ordered]) for name in ("x", "y"))
        return curve(x, y, sigma, kind, settings, source, notes)
    longest = max(ordered, key=lambda scan: scan.x.size)
    notes.append(f"{len(ordered)} scans on different axes; the one of {longest.x.size} points was read")
    return _one(longest, kind, settings, source, notes)


def _one(scan: Scan, kind: str, settings: dict[str, Any], source: Source, notes: list[str]) -> Measurement:
    """Give one scan; its number and when it began say nothing of it alone."""
    own = {key: value for key, value in scan.coordinates.items() if key not in ("time", "bank")}
    return curve(scan.x, scan.y, scan.sigma, kind, settings | own, source, notes)


def same_axis(a: Array, b: Array) -> bool:
    """Say whether two scans have the same points, to a tenth of a step.

    Examples
    --------
    >>> a = np.linspace(10, 80, 141)
    >>> same_axis(a, a + 0.01), same_axis(a, a + 0.2), same_axis(a, a[1:])
    (True, False, False)
    """
    return a.size == b.size and float(np.abs(a - b).max()) < 0.1 * float(np.median(np.diff(b)))


def curve(
    x: Array, y: Array, sigma: Array | None, kind: str, settings: dict[str, Any], source: Source, notes: list[str]
) -> Measurement:
    """Give one curve after the checks that all formats share; ``x`` increases."""
    keep = x > 0
    if not keep.all() and keep.sum() >= 2:
        notes.append(f"{int((~keep).sum())} points at or below {KINDS[kind][0].symbol} = 0 were left out")
        x, y, sigma = x[keep], y[keep], None if sigma is None else sigma[keep]
    check(kind, x, y, settings, source.path, notes)
    sigma, mask = usable_sigma(y, sigma, notes)
    return Measurement(
        kind,
        x,
        y,
        sigma=sigma,
        mask=mask,
        settings=settings,
        path=source.path,
        sha256=source.sha256,
        format=source.format,
        notes=tuple(notes),
    )


def check(kind: str, x: Array, y: Array, settings: dict[str, Any], path: str, notes: list[str]) -> None:
    """Refuse what is no pattern of the kind, and note what is doubtful.

    Raises
    ------
    PatternError
        If the angle runs beyond 180 degrees or no intensity is positive.

    Examples
    --------
    >>> notes: list[str] = []
    >>> check("powder", np.linspace(10, 80, 30), np.ones(30), {}, "a.xy", notes)
    >>> notes
    ['only 30 points']
    """
    if x.size < 2:  # `Measurement` refuses it
        return
    if kind == "powder":
        _in_range(x, path, notes)
    if x.size < _FEW and kind != "peaks":
        notes.append(f"only {x.size} points")
    _look_at_signal(y, settings, path, notes)


def usable_sigma(y: Array, sigma: Array | None, notes: list[str]) -> tuple[Array | None, NDArray[np.bool_] | None]:
    """Accept uncertainties when they are positive where there is intensity; mask the points that have none.

    Examples
    --------
    >>> sigma, mask = usable_sigma(np.array([0.0, 4.0, 9.0]), np.array([0.0, 2.0, 3.0]), [])
    >>> sigma.tolist(), mask.tolist()
    ([inf, 2.0, 3.0], [False, True, True])
    """
    if sigma is None:
        return None, None
    if not np.any(sigma):
        notes.append("the column of uncertainties is zero throughout and was left out")
        return None, None
    good = np.isfinite(sigma) & (sigma > 0)
    counted = y != 0
    if np.any(sigma[np.isfinite(sigma)] < 0) or (counted.any() and good[counted].mean() < 0.9):
        notes.append("the column of uncertainties holds values that are not positive and was left out")
        return None, None
    if good.all():
        return sigma, None
    notes.append(f"{int((~good).sum())} points without a positive uncertainty are masked")
    return np.where(good, sigma, np.inf), good


def _ordered(scan: Scan, kind: str, path: str, notes: list[str], *, sort: bool) -> Scan:
    points = Points(scan.x, scan.y, scan.sigma, np.arange(1, scan.x.size + 1))
    points = trimmed(points, path, notes, place="point")
    if np.all(np.diff(points.x) < 0):
        points = points.take(slice(None, None, -1))
        notes.append("the scan ran downwards and was turned round")
    points = increasing(points, path, notes, sort=sort, symbol=KINDS[kind][0].symbol, place="point")
    return replace(scan, x=points.x, y=points.y, sigma=points.sigma)


def _series(scans: list[Scan], kind: str, settings: dict[str, Any], source: Source, notes: list[str]) -> Measurement:
    names = [key for key in scans[0].coordinates if all(key in scan.coordinates for scan in scans)]
    coordinates = {"scan": np.arange(1.0, len(scans) + 1)}
    coordinates |= {key: np.array([scan.coordinates[key] for scan in scans]) for key in names}
    notes.append(f"{len(scans)} scans on one axis were read as a series")
    sigma = None if any(s.sigma is None for s in scans) else np.array([s.sigma for s in scans])
    signal = np.array([scan.y for scan in scans])
    check(kind, scans[0].x, signal, settings, source.path, notes)
    return Measurement(
        kind,
        scans[0].x,
        signal,
        sigma=sigma,
        settings={key: value for key, value in settings.items() if key not in coordinates},
        coordinates=coordinates,
        path=source.path,
        sha256=source.sha256,
        format=source.format,
        notes=tuple(notes),
    )


def _alike(scans: list[Scan]) -> bool:
    """Say whether neighbouring scans may be one pattern: no wide gap, and the same level where they meet."""
    for a, b in pairwise(scans):
        step = max(float(np.median(np.diff(a.x))), float(np.median(np.diff(b.x))))
        left, right = float(np.median(a.y[-20:])), float(np.median(b.y[:20]))
        if b.x[0] - a.x[-1] > 5 * step or not 0.5 < (left + 1) / (right + 1) < 2:
            return False
    return True


def _in_range(x: Array, path: str, notes: list[str]) -> None:
    if x[-1] > 180:
        raise PatternError(
            f"2theta runs to {x[-1]:g}, beyond 180 degrees",
            where=path,
            remedy="If these are times of flight, pass kind='tof'; if hundredths of a degree, divide them by 100.",
        )
    if x[-1] < 0.5:
        notes.append(f"2theta ends at {x[-1]:g} degrees, which is very low: is it in degrees?")
    step = np.diff(x)
    usual = float(np.median(step))
    other = np.abs(step - usual) > 0.2 * usual + 2e-4
    if other.mean() > 0.02:
        notes.append(f"the step is not the same throughout ({step.min():.4g} to {step.max():.4g} degrees)")
    elif other.any() and step.max() > 5 * usual:
        notes.append(f"a gap of {step.max():.4g} degrees in the data")


def _look_at_signal(y: Array, settings: dict[str, Any], path: str, notes: list[str]) -> None:
    if not np.any(y):
        raise PatternError("the intensity is zero throughout", where=path, remedy="Measure or export it again.")
    flat = _flat_top(y)
    if flat:
        notes.append(f"{flat} points side by side hold the largest intensity, {y.max():g}: the detector may be saturated")
    negative = int(np.sum(y < 0))
    if negative == y.size or not np.any(y > 0):
        raise PatternError(
            "no intensity is positive", where=path, remedy="Give the intensity as counted, or as positive numbers."
        )
    if negative:
        notes.append(f"{negative} negative intensities: they are no counts (a background was subtracted?)")
        if settings.get("intensity") == "counts":
            del settings["intensity"]
    elif settings.get("intensity") == "counts" and not np.array_equal(y, np.round(y)):
        notes.append("the file speaks of counts, but they are not whole numbers")
        del settings["intensity"]


def _flat_top(y: Array) -> int:
    """Count the points side by side that hold the maximum, 0 when they are few or no peak."""
    if y.ndim != 1 or y.max() < max(1000.0, 10 * float(np.median(y))):
        return 0
    ends = np.flatnonzero(np.diff(np.concatenate([[0], y == y.max(), [0]]).astype(np.int8)))
    longest = int(np.max(ends[1::2] - ends[::2]))
    return longest if longest >= 4 else 0
