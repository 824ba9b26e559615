r"""Peaks of ordered phases: where they are, how wide, and which lattice their positions belong to.

A peak is a maximum of the intensity from which the curve falls on both sides by five standard deviations and by a twentieth,
or, on a slope, what stands out as clearly of the course that clipping in ln I over ln q leaves (SNIP: Ryan et al., Nucl.
Instrum. Methods B 34, 396 (1988), doi:10.1016/0168-583X(88)90063-8). It is refined as a Gaussian or a Lorentzian over a
straight line. The oscillations of a form factor have maxima too: sharp ones alone are compared with lattices. d = 2 pi / q; the
correlation length of a Lorentzian of the full width w is 2 / w.

The squares of the positions of a phase are in the ratios of its reflections (Kaasgaard & Drummond, Phys. Chem. Chem. Phys. 8,
4957 (2006), doi:10.1039/b609510k):

    lamellar 1:4:9..., hexagonal 1:3:4:7:9..., Im3m 2:4:6:8..., Pn3m 2:3:4:6:8:9..., Ia3d 6:8:14:16..., Fd3m 3:8:11:12...,
    Fm3m 3:4:8:11:12..., Pm3n 2:4:5:6:8...

Each phase is fitted to all positions with each peak as its first, and compared by its likelihood: positions within their
uncertainties, reflections of the phase in the range that are not there cost a little, peaks that it does not have cost much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain

Array = NDArray[np.float64]

_CLEAR = 5.0
_WIDEST = 1.2  # full width over position
#: full width over position of the peaks that clipping looks for, and of those of a lattice
_NARROW = 0.15
_SHARP = 0.2
_HIGH = 0.05  # least prominence
_GRID = 0.01  # of ln q
_HALF = 2.3548  # full width over standard deviation
#: positions are not better known than to this part (calibration, distortion of the lattice)
_ACCURACY = 0.006

PHASES: dict[str, tuple[int, ...]] = {
    "lamellar": (1, 4, 9, 16, 25, 36),
    "hexagonal": (1, 3, 4, 7, 9, 12, 13, 16),
    "cubic Im3m": (2, 4, 6, 8, 10, 12, 14, 16),
    "cubic Pn3m": (2, 3, 4, 6, 8, 9, 10, 11),
    "cubic Ia3d": (6, 8, 14, 16, 20, 22, 24, 26),
    "cubic Fd3m": (3, 8, 11, 12, 16, 19, 24, 27),
    "cubic Fm3m": (3, 4, 8, 11, 12, 16, 19, 20),
    "cubic Pm3n": (2, 4, 5, 6, 8, 10, 12, 13),
}


@dataclass(frozen=True)
class Peak:
    """A peak: position and full width at half maximum (1/angstrom), height, spacing d (angstrom), and its shape."""

    q: Uncertain
    width: Uncertain
    height: Uncertain
    spacing: Uncertain
    shape: str


@dataclass(frozen=True)
class Lattice:
    """A phase that peaks belong to.

    Attributes
    ----------
    phase : str
    parameter : Uncertain
        Repeat distance or lattice parameter, angstrom.
    probability : float
        Among the phases compared and none of them.
    orders : tuple of int
        h^2 + k^2 + l^2 (or its like) of each peak; 0 for a peak that is not of the phase.
    """

    phase: str
    parameter: Uncertain
    probability: float
    orders: tuple[int, ...]


def find_peaks(q: Array, intensity: Array, sigma: Array, *, most: int = 12) -> tuple[Peak, ...]:
    """Find and refine the peaks of a curve, from low to high q.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    most : int
        Peaks at most, the clearest.

    Raises
    ------
    Absent
        If there is none.

    Examples
    --------
    >>> q = np.linspace(0.02, 0.3, 300)
    >>> curve = 0.001 * q**-2 + 5 * np.exp(-0.5 * ((q - 0.1) / 0.004) ** 2)
    >>> [round(peak.spacing.value, 1) for peak in find_peaks(q, curve, 0.02 * curve)]
    [62.8]
    """
    found: list[Peak] = []
    for start, stop in [*_maxima(intensity, sigma), *_bumps(intensity - _course(q, intensity, sigma), sigma)]:
        peak = _refined(q, intensity, sigma, start, stop)
        if peak is not None and all(abs(peak.q.value - p.q.value) > 0.5 * max(peak.width.value, p.width.value) for p in found):
            found.append(peak)
    if not found:
        raise Absent("no peak stands out of the curve")
    found.sort(key=lambda p: -p.height.value / max(p.height.sigma, 1e-300))
    return tuple(sorted(found[:most], key=lambda p: p.q.value))


def _course(q: Array, intensity: Array, sigma: Array) -> Array:
    """The smooth course of a curve under its peaks, shape (n,)."""
    x = np.arange(np.log(q[0]), np.log(q[-1]) + _GRID, _GRID)
    floor = np.maximum(np.median(sigma), 1e-12 * np.max(np.abs(intensity)))
    shift = max(0.0, -float(np.min(intensity))) + float(floor)
    y = np.interp(x, np.log(q), np.log(np.maximum(intensity + shift, 0.1 * floor)))
    noise = np.interp(x, np.log(q), sigma / np.maximum(intensity + shift, sigma))
    width = int(np.clip(np.median(noise) ** 2 * 400, 1, 15))
    y = np.convolve(np.pad(y, width, mode="edge"), np.ones(2 * width + 1) / (2 * width + 1), mode="valid")
    for m in range(int(_NARROW / _GRID), 0, -1):  # from wide to narrow
        middle = 0.5 * (y[: -2 * m] + y[2 * m :])
        y[m:-m] = np.minimum(y[m:-m], middle)
    return np.asarray(np.exp(np.interp(np.log(q), x, y)) - shift)


def _maxima(intensity: Array, sigma: Array) -> list[tuple[int, int]]:
    """First and last point about the clear maxima of the intensity, from where it has risen to where it has fallen half way."""
    n = intensity.size
    smooth = np.convolve(np.pad(intensity, 1, mode="edge"), np.ones(3) / 3, mode="valid")
    out = []
    for k in range(2, n - 2):
        if smooth[k] < smooth[k - 1] or smooth[k] <= smooth[k + 1]:
            continue
        left = k
        while left > 0 and smooth[left - 1] <= smooth[k]:
            left -= 1
        right = k
        while right < n - 1 and smooth[right + 1] <= smooth[k]:
            right += 1
        feet = left + int(np.argmin(smooth[left : k + 1])), k + int(np.argmin(smooth[k : right + 1]))
        drop = float(smooth[k] - max(smooth[feet[0]], smooth[feet[1]]))
        noise = float(np.hypot(sigma[k], np.max(sigma[list(feet)]))) / 3**0.5
        if drop < _CLEAR * noise or drop < _HIGH * abs(smooth[k]):
            continue
        half = smooth[k] - 0.5 * drop
        start = next((j for j in range(k, feet[0] - 1, -1) if smooth[j] < half), feet[0])
        stop = next((j for j in range(k, feet[1] + 1) if smooth[j] < half), feet[1])
        out.append((start, stop))
    return out


def _bumps(over: Array, sigma: Array) -> list[tuple[int, int]]:
    """First and last point of the stretches that stand out and have their highest point inside."""
    n = over.size
    smooth = np.convolve(np.pad(over / sigma, 2, mode="edge"), np.ones(5), mode="valid") / np.sqrt(5)
    out = []
    k = 0
    while k < n:
        if smooth[k] <= _CLEAR:
            k += 1
            continue
        end = k
        while end + 1 < n and smooth[end + 1] > 0.25 * smooth[k : end + 1].max():
            end += 1
        top = k + int(np.argmax(over[k : end + 1]))
        if 1 < top < n - 2 and k < top < end and np.sqrt(np.sum((over[k : end + 1] / sigma[k : end + 1]) ** 2)) > 2 * _CLEAR:
            out.append((k, end))
        k = end + 1
    return out


def _refined(q: Array, intensity: Array, sigma: Array, start: int, stop: int) -> Peak | None:
    span = max(int(0.7 * (stop - start)), 3)
    part = slice(max(start - span, 0), min(stop + span + 1, q.size))
    x, y, s = q[part], intensity[part], sigma[part]
    if x.size < 7:
        return None
    top = start + int(np.argmax(intensity[start : stop + 1]))
    guess = np.array([q[top], 0.5 * (q[stop] - q[start]) + 1e-9])
    best: tuple[float, Peak] | None = None
    for shape in ("gauss", "lorentz"):
        peak = _shaped(x, y, s, guess, shape)
        if peak is not None and (best is None or peak[0] < best[0]):
            best = peak
    return None if best is None else best[1]


def _columns(x: Array, s: Array, p: Array, shape: str) -> Array:
    """A peak of unit height, a constant and a slope, over sigma; shape (n, 3)."""
    u = (x - p[0]) / p[1]
    line = np.exp(-0.5 * (u * _HALF) ** 2) if shape == "gauss" else 1 / (1 + 4 * u**2)
    return np.stack([line, np.ones(x.size), x / x[-1]], axis=1) / s[:, None]


def _shaped(x: Array, y: Array, s: Array, guess: Array, shape: str) -> tuple[float, Peak] | None:
    """Reduced chi-squared and peak of a shape."""

    def residual(p: Array) -> Array:
        a = _columns(x, s, p, shape)
        return np.asarray(a @ np.linalg.lstsq(a, y / s, rcond=None)[0] - y / s)

    low = np.array([x[0], 0.5 * float(np.min(np.diff(x)))])
    high = np.array([x[-1], float(x[-1] - x[0])])
    fit = least_squares(residual, np.clip(guess, low * 1.001, high * 0.999), bounds=(low, high), max_nfev=60)
    a = _columns(x, s, fit.x, shape)
    linear = np.linalg.lstsq(a, y / s, rcond=None)[0]
    chi2 = float(fit.fun @ fit.fun) / max(x.size - 5, 1)
    moves = np.diag(1e-5 * fit.x)
    by = [(_columns(x, s, fit.x + m, shape) - _columns(x, s, fit.x - m, shape)) @ linear / (2 * np.max(m)) for m in moves]
    jacobian = np.column_stack([*by, a])
    size = np.sqrt(np.sum(jacobian**2, axis=0)) + 1e-300
    covariance = np.linalg.pinv((jacobian / size).T @ (jacobian / size)) / np.outer(size, size) * max(chi2, 1.0)
    doubt = np.sqrt(np.maximum(np.diag(covariance), 0))
    height, position, width = float(linear[0]), float(fit.x[0]), float(fit.x[1])
    under = float(linear[1] + linear[2] * position / x[-1])
    if (
        height < max(_CLEAR * doubt[2], _HIGH * under)
        or width > _WIDEST * position
        or not x[0] + 0.5 * width < position < x[-1]
    ):
        return None
    spacing = 2 * np.pi / position
    return chi2, Peak(
        Uncertain(position, float(doubt[0])), Uncertain(width, float(doubt[1])), Uncertain(height, float(doubt[2])),
        Uncertain(spacing, spacing * float(doubt[0]) / position), shape,
    )  # fmt: skip


def assign_phase(peaks: tuple[Peak, ...], last: float) -> tuple[Lattice, ...]:
    """Compare the phases that the positions of peaks may belong to, the most probable first.

    Parameters
    ----------
    peaks : tuple of Peak
        Two at least.
    last : float
        Largest q measured.

    Raises
    ------
    Absent
        If there are fewer than two peaks, or none of the phases explains them.

    Examples
    --------
    >>> none = Uncertain(0.0, 0.0)
    >>> peaks = tuple(Peak(Uncertain(0.1 * k**0.5, 1e-4), none, none, none, "gauss") for k in (1, 3, 4))
    >>> found = assign_phase(peaks, 0.3)[0]
    >>> found.phase, round(found.parameter.value, 1)
    ('hexagonal', 72.6)
    """
    if len(peaks) < 2:
        raise Absent("one peak does not tell a phase")
    if float(np.median([p.width.value / p.q.value for p in peaks])) > _SHARP:
        raise Absent("the maxima are too broad for those of a lattice")
    places = np.array([p.q.value for p in peaks])
    doubts = np.hypot([p.q.sigma for p in peaks], _ACCURACY * places)
    merits, fits = [], []
    for phase, squares in PHASES.items():
        best = max((_tried(np.array(squares, dtype=float), places, doubts, last, k) for k in (0, 1)), key=lambda t: t[0])
        merits.append(best[0])
        fits.append((phase, *best[1:]))
    # none of them: positions anywhere in the range
    nothing = -len(peaks) * float(np.log(_range(last, float(places[0])) / np.median(doubts)))
    merit = np.array([*merits, nothing])
    probability = np.exp(merit - merit.max())
    probability /= probability.sum()
    out = []
    for (phase, unit, unit_sigma, orders), p in zip(fits, probability[:-1], strict=True):
        factor = {"lamellar": 1.0, "hexagonal": 2 / 3**0.5}.get(phase, 1.0)
        a = 2 * np.pi * factor / unit
        out.append(Lattice(phase, Uncertain(float(a), float(a * unit_sigma / unit)), float(p), orders))
    out.sort(key=lambda lattice: -lattice.probability)
    if out[0].probability < 0.05 or sum(o > 0 for o in out[0].orders) < 2:
        raise Absent("the positions of the peaks are in the ratios of none of the phases known")
    return tuple(out)


def _range(last: float, first: float) -> float:
    return max(last - first, 1e-9)


def _tried(
    squares: Array, places: Array, doubts: Array, last: float, offset: int
) -> tuple[float, float, float, tuple[int, ...]]:
    """Log likelihood of a phase whose reflection ``offset`` is the first peak; its unit q and the order of each peak."""
    roots = np.sqrt(squares)
    unit = places[0] / roots[offset]
    for _ in range(3):
        index = np.array([int(np.argmin(np.abs(places[j] - unit * roots))) for j in range(places.size)])
        off = places - unit * roots[index]
        fits = np.abs(off) < 4 * doubts
        if fits.sum() < 2:
            break
        w = (1 / doubts[fits]) ** 2
        r = roots[index[fits]]
        unit = float(np.sum(w * r * places[fits]) / np.sum(w * r * r))
    off = places - unit * roots[index]
    fits = np.abs(off) < 4 * doubts
    orders = [int(squares[index[j]]) if fits[j] else 0 for j in range(places.size)]
    lone = float(np.log(_range(last, float(places[0])) / np.median(doubts)))
    expected = int(np.sum(unit * roots < last))
    missing = max(expected - len({o for o in orders if o}), 0)
    merit = (
        -0.5 * float(np.sum((off[fits] / doubts[fits]) ** 2)) - lone * (int((~fits).sum()) + 1) - 0.9 * missing - 0.7 * offset
    )
    r = roots[index[fits]] if fits.any() else roots[:1]
    d = doubts[fits] if fits.any() else doubts[:1]
    return merit, unit, float(1 / np.sqrt(np.sum(r * r / d**2))), tuple(orders)
