"""From a small-angle curve, or several, to a `Measurement`: the same for every format.

Points without a positive uncertainty are masked; uncertainties and resolutions are never made up. Curves on one grid are a
series; of others one is chosen, and what else there is is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.measurement import KINDS, Measurement
from whorl.formats.powder import Source
from whorl.formats.sasclean import cleaned, said_of
from whorl.formats.sascurve import SasCurve

Array = NDArray[np.float64]


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
    said_of(tidy, settings, notes)
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
