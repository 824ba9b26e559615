r"""Peaks of a powder pattern: a noise-aware search over widths, then profile fits.

The search filters the pattern with the negative second derivative of Gaussians of every width between the resolution and
``widest`` (`whorl.physics.peak_filter`). A peak is a maximum of the significance over position *and* width above a threshold
which rises where counts are so few that noise is skewed (Cornish & Fisher, Rev. Inst. Int. Stat. 5, 307 (1938),
doi:10.2307/1400905). A structure that keeps growing up to the largest width is an amorphous hump, not a peak. What is found is
fitted in groups (`whorl.physics.peak_groups`), and the search is repeated on what the fits leave over. The second line of a
K-alpha doublet belongs to the profile, so it is not reported as a peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.physics.backgrounds import running_mean, snip
from whorl.physics.peak_filter import maxima_of, responses, scatter
from whorl.physics.peak_groups import add_peaks, fit_group, peak_value, second_line
from whorl.physics.peak_noise import noise, quantum_of

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_GROWTH = 1.5  # ratio of neighbouring filter widths
_FINEST = 2.2  # narrowest filter: FWHM in points
_BEST = 2.0  # the filter of greatest significance is that much wider than the peak: sqrt(5) for a Gaussian in white noise
_MISFIT = 0.04  # part of a fitted profile that its shape may be wrong by, when the rest is searched again
_LARGEST_GROUP = 14


@dataclass(frozen=True)
class Peaks:
    """Peaks by increasing position; every array has shape (k,).

    Parameters
    ----------
    position, position_sigma : array
        Two-theta of the first spectral line and its standard uncertainty, degree.
    height, height_sigma : array
        Height of the first line above the background, unit of the signal.
    area, area_sigma : array
        Area of the first line, unit of the signal times degree.
    fwhm, fwhm_sigma : array
        Full width at half maximum, degree.
    significance : array
        Response of the search filter over its standard uncertainty.
    background : array, shape (n,)
        The background below the pattern that was searched.
    sigma : array, shape (n,)
        The standard uncertainties used (estimated from the pattern where none were given).
    """

    position: Array
    position_sigma: Array
    height: Array
    height_sigma: Array
    area: Array
    area_sigma: Array
    fwhm: Array
    fwhm_sigma: Array
    significance: Array
    background: Array
    sigma: Array

    def __len__(self) -> int:
        return int(self.position.size)


class _Search:
    """The state of one search on a uniform grid: what was found so far, and the fits."""

    def __init__(
        self, x: Array, y: Array, sigma: Array, gain: Array, widths: Array, widest: float, threshold: float,
        line: tuple[float, float],
    ) -> None:  # fmt: skip
        self.x, self.y, self.sigma, self.gain, self.widths = x, y, sigma, gain, widths
        self.step = (x[-1] - x[0]) / (x.size - 1)
        self.threshold = threshold
        self.ratio, self.share = line
        self.correlated: Array | None = None
        self.widest = widest
        self.table = np.empty((0, 9))  # position, its sigma, area, its sigma, fwhm, its sigma, eta, significance, chi2
        self.rest = y

    def look(self, *, fresh: bool) -> Array:
        """Candidates in what the fits have left: rows (position, area, fwhm, significance)."""
        variance = self.sigma**2
        if not fresh:
            variance = variance + (_MISFIT * running_mean(np.maximum(self.y - self.rest, 0.0), 1)) ** 2
        found, skewness = responses(self.rest, variance, self.gain * self.sigma**2, self.widths)
        if self.correlated is None:
            self.correlated = np.array([scatter(r, w) for r, w in zip(found, self.widths, strict=True)])
        found /= self.correlated[:, None]
        z = self.threshold
        critical = z + np.minimum(skewness, 3.0) * (z * z - 1.0) / 6.0
        rows: list[tuple[float, float, float, float]] = []
        maxima = maxima_of(found, critical, self.widths, _BEST * self.widest / self.step)
        if fresh and maxima:
            strong = maxima[: max(3, len(maxima) // 3)]
            usual = float(np.percentile([self.widths[i] for _, i, _ in strong], 40.0))
            fit = np.abs(np.log(self.widths / usual)) < 1.3 * np.log(_GROWTH)
            keep = [m for m in maxima if fit[m[1]]]
            maxima = keep or maxima
        for value, i, at in maxima:
            width = max(self.widths[i] / _BEST, 1.0) * self.step
            position = self.x[at]
            height = max(self.rest[max(0, at - 1) : at + 2].mean(), 1e-6 * self.sigma[at])
            if any(abs(position - other) < 0.6 * max(width, wide) for other, _, wide, _ in rows):
                continue
            if self.share > 0.0 and self._covered(rows, position, height, width):
                continue
            near = np.abs(self.table[:, 0] - position) < 0.45 * self.table[:, 4]
            if near.any():
                continue
            rows.append((position, height * width * 1.2, width, value))
        return np.array(rows).reshape(-1, 4)

    def _covered(self, rows: list[tuple[float, float, float, float]], position: float, height: float, width: float) -> bool:
        """Whether a maximum lies at the second line of a peak found before and is no higher than that line."""
        for at, area, wide, _ in rows:
            there = second_line(at, self.ratio)
            if there - at > 0.4 * wide and abs(there - position) < 0.5 * max(width, wide):
                return height < 1.5 * self.share * area / (1.2 * wide)
        return False

    def fit(self, new: Array) -> None:
        """Fit old and new peaks together, group by group."""
        start = np.concatenate(
            [self.table[:, (0, 2, 4, 7)], new] if new.size else [self.table[:, (0, 2, 4, 7)]],
        )
        start = start[np.argsort(start[:, 0])]
        rows = [self._fit_one(start[group]) for group in _groups(start[:, 0], start[:, 2])]
        self.table = np.concatenate(rows) if rows else np.empty((0, 9))
        self._leave()

    def split(self) -> None:
        """Try two peaks where one is much wider than its neighbours and its group is badly fitted."""
        t = self.table
        if len(t) < 5:
            return
        clear = np.flatnonzero(t[:, 7] > 2.0 * self.threshold)
        clear = clear if clear.size > 4 else np.arange(len(t))
        rows = []
        for group in _groups(t[:, 0], t[:, 4]):
            part = t[group]
            for j in np.argsort(-part[:, 4])[:3]:
                near = clear[np.argsort(np.abs(t[clear, 0] - part[j, 0]))[:15]]
                usual = float(np.median(t[near, 4]))
                if part[j, 8] < 2.0 or part[j, 4] < 1.25 * usual or len(part) > _LARGEST_GROUP:
                    continue
                two = np.repeat(part[j : j + 1], 2, axis=0)
                two[:, 0] += 0.5 * part[j, 4] * np.array([-0.6, 0.6])
                two[:, 2] *= 0.5
                two[:, 4] = usual
                start = np.concatenate([np.delete(part, j, axis=0), two])
                trial = self._fit_one(start[np.argsort(start[:, 0])][:, (0, 2, 4, 7)])
                if trial[0, 8] < 0.6 * part[0, 8] and np.all(trial[:, 2] > 4.0 * trial[:, 3]):
                    part = trial
                    break
            rows.append(part)
        self.table = np.concatenate(rows)
        self._leave()

    def _leave(self) -> None:
        """What the fits leave over."""
        model = np.zeros_like(self.y)
        t = self.table
        add_peaks(self.x, model, t[:, 0].copy(), t[:, 2].copy(), t[:, 4].copy(), t[:, 6].copy(), self.ratio, self.share)
        self.rest = self.y - model

    def _fit_one(self, start: Array) -> Array:
        k = len(start)
        far = second_line(start[-1, 0], self.ratio) if self.share > 0.0 else start[-1, 0]
        low = int(np.searchsorted(self.x, start[0, 0] - 2.5 * start[0, 2]))
        high = int(np.searchsorted(self.x, (far if np.isfinite(far) else start[-1, 0]) + 2.5 * start[-1, 2]))
        low, high = max(0, min(low, self.x.size - 6)), min(self.x.size, max(high, low + 6))
        part = slice(low, high)
        offset = 2.0 * float(np.median(self.sigma[part])) + 0.02 * float(np.max(np.abs(self.y[part])))
        narrow, wide = 0.7 * self.step, 1.5 * self.widest
        widths = np.clip(start[:, 2], 1.5 * narrow, 0.6 * wide)
        p, cov, chi2 = fit_group(
            self.x[part], self.y[part], self.sigma[part], start[:, 0].copy(), start[:, 1].copy(), widths, 0.5, offset,
            narrow, wide, self.ratio, self.share,
        )  # fmt: skip
        errors = np.sqrt(np.maximum(np.diag(cov), 0.0) * max(chi2, 1.0))
        out = np.empty((k, 9))
        out[:, 0], out[:, 1] = p[:k], errors[:k]
        out[:, 2], out[:, 3] = p[k : 2 * k], errors[k : 2 * k]
        out[:, 4], out[:, 5] = p[2 * k : 3 * k], errors[2 * k : 3 * k] * p[2 * k : 3 * k]
        out[:, 6] = p[3 * k]
        out[:, 7] = start[:, 3]
        out[:, 8] = chi2
        return out

    def prune(self) -> bool:
        """Drop peaks that are not there or are part of another one; says whether any was dropped."""
        t = self.table
        at = np.clip(np.searchsorted(self.x, t[:, 0]), 0, self.x.size - 1)
        points = np.maximum(t[:, 4] / self.step, 1.0)
        good = (t[:, 2] > 3.0 * t[:, 3]) & (t[:, 2] / t[:, 4] * np.sqrt(points) > 3.0 * self.sigma[at])
        good &= t[:, 4] < 1.2 * self.widest
        good &= (t[:, 0] >= self.x[0]) & (t[:, 0] <= self.x[-1])
        for j in np.flatnonzero(np.diff(t[:, 0]) < 0.5 * np.maximum(t[1:, 4], t[:-1, 4])):  # one peak of another shape
            good[j if t[j, 7] < t[j + 1, 7] else j + 1] = False
        self.table = t[good]
        return not bool(good.all())


def _groups(positions: Array, widths: Array) -> list[slice]:
    """Runs of peaks (sorted) that overlap, none larger than what one fit takes."""
    if positions.size == 0:
        return []
    gaps = np.diff(positions) - 2.0 * (widths[1:] + widths[:-1])
    cuts = [0, *(np.flatnonzero(gaps > 0.0) + 1).tolist(), positions.size]
    out: list[slice] = []
    pending = list(pairwise(cuts))[::-1]
    while pending:
        a, b = pending.pop()
        if b - a <= _LARGEST_GROUP:
            out.append(slice(a, b))
            continue
        third = max(1, (b - a) // 4)
        cut = a + third + int(np.argmax(gaps[a + third - 1 : b - third]))
        pending.extend([(cut, b), (a, cut)])
    return out


def _uniform(x: Array, *columns: Array) -> tuple[Array, list[Array]]:
    """The pattern on even steps: as it is where the steps agree to 2 %, interpolated otherwise.

    Points interpolated between two measured ones share their noise, so the uncertainties (the last column) grow by the square
    root of the number that do.
    """
    steps = np.diff(x)
    typical = float(np.median(steps))
    if steps.max() < 1.02 * typical and steps.min() > 0.98 * typical:
        return x, list(columns)
    n = int(min((x[-1] - x[0]) / max(float(np.percentile(steps, 10.0)), 1e-6) + 1.5, 40_000))
    grid = np.linspace(x[0], x[-1], max(n, 5))
    out = [np.interp(grid, x, c) for c in columns]
    out[-1] *= np.sqrt(np.maximum(np.interp(grid, 0.5 * (x[1:] + x[:-1]), steps) / (grid[1] - grid[0]), 1.0))
    return grid, out


def find_peaks(
    two_theta: Array, signal: Array, sigma: Array | None = None, *, wavelength_ratio: float = 1.0, second_share: float = 0.0,
    threshold: float = 6.0, widest: float = 2.0, passes: int = 3,
) -> Peaks:  # fmt: skip
    """Find and fit the peaks of a powder pattern.

    Parameters
    ----------
    two_theta : array, shape (n,)
        Degree, increasing; steps may change along the pattern.
    signal : array, shape (n,)
        Intensity; negative values are allowed.
    sigma : array, shape (n,), optional
        Standard uncertainties. Estimated from the pattern when not given. Values that are not positive and finite are
        replaced by the estimate.
    wavelength_ratio, second_share : float
        Wavelength of the second spectral line over that of the first, and its share of the intensity relative to the first:
        1.544426 / 1.540598 and 0.5 for copper K-alpha. A share of 0 is a single line.
    threshold : float
        Least significance of a peak. With 6, one pattern of noise in some thousands has a false peak.
    widest : float
        Largest FWHM that is a peak, degree.
    passes : int
        How often the remainder is searched again.

    Returns
    -------
    Peaks

    Raises
    ------
    PatternError
        Fewer than 10 points, arrays of different length, values that are not finite, or angles that do not increase.

    Examples
    --------
    >>> x = np.arange(20.0, 40.0, 0.02)
    >>> y = 50.0 + 900.0 * np.exp(-4 * np.log(2) * ((x - 31.007) / 0.15) ** 2)
    >>> found = find_peaks(x, np.random.default_rng(2).poisson(y).astype(float))
    >>> len(found), bool(abs(found.position[0] - 31.007) < 0.005), bool(abs(found.fwhm[0] - 0.15) < 0.015)
    (1, True, True)
    """
    x = np.ascontiguousarray(two_theta, dtype=np.float64)
    y = np.ascontiguousarray(signal, dtype=np.float64)
    if x.size < 10:
        raise PatternError(f"a pattern of {x.size} points", remedy="A peak search needs 10 points or more.")
    if x.shape != y.shape or (sigma is not None and np.shape(sigma) != x.shape):
        raise PatternError("angles, intensities and uncertainties differ in length", remedy="Give one of each per point.")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise PatternError("the pattern holds values that are not finite", remedy="Mask these points.")
    if not np.all(np.diff(x) > 0.0):
        raise PatternError("two-theta does not increase", remedy="Sort the pattern and merge points at one angle.")
    span_of = (x[-1] - x[0]) / 3.0
    wide = max(3, int(2.0 * min(widest, span_of) / float(np.median(np.diff(x)))))
    estimate = noise(y, snip(y, wide, smoothing=max(1, min(6, x.size // 200))))
    given = np.full(x.size, np.nan) if sigma is None else np.asarray(sigma, dtype=np.float64)
    known = np.isfinite(given) & (given > 0.0)
    grid, (values, deviation) = _uniform(x, y, np.where(known, given, estimate))
    step = (grid[-1] - grid[0]) / (grid.size - 1)
    span = float(np.clip(min(widest, span_of) / step, 2.0 * _FINEST, 0.25 * grid.size + 2.0 * _FINEST))
    largest = min(1.5 * _GROWTH * _BEST * span, 0.6 * grid.size)
    count = max(2, int(np.log(largest / _FINEST) / np.log(_GROWTH)) + 1)
    widths: Array = _FINEST * _GROWTH ** np.arange(count, dtype=np.float64)  # the last ones are for humps
    base = snip(values, max(3, int(2.0 * span)), smoothing=max(1, min(6, grid.size // 200)))
    if not known.any():
        threshold *= 1.0 + 2.0 / np.sqrt(x.size)  # the noise of a short pattern is not well known
    level = np.maximum(base, 0.25 * deviation)
    quantum = quantum_of(y)
    gain: Array = (
        np.full(grid.size, quantum) if quantum else np.where(base > 0.0, deviation**2 / np.maximum(level, values), 0.0)
    )
    search = _Search(grid, values - base, deviation, gain, widths, span * step, threshold, (wavelength_ratio, second_share))
    for turn in range(passes):
        new = search.look(fresh=turn == 0)
        if not new.size:
            break
        search.fit(new)
        search.split()
        if search.prune():
            search.fit(np.empty((0, 4)))
    return _result(search, x, grid, base, deviation)


def _result(search: _Search, x: Array, grid: Array, base: Array, deviation: Array) -> Peaks:
    t = search.table
    unit = np.array([peak_value(0.0, 0.0, w, e, 1.0, 0.0) for w, e in t[:, (4, 6)]])
    height = t[:, 2] * unit
    return Peaks(
        position=t[:, 0].copy(),
        position_sigma=t[:, 1].copy(),
        height=height,
        height_sigma=t[:, 3] * unit,
        area=t[:, 2].copy(),
        area_sigma=t[:, 3].copy(),
        fwhm=t[:, 4].copy(),
        fwhm_sigma=t[:, 5].copy(),
        significance=t[:, 7].copy(),
        background=np.interp(x, grid, base),
        sigma=np.interp(x, grid, deviation),
    )
