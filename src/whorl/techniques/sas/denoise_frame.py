r"""A detector frame of counts to the frame that a long exposure would give, pixel by pixel with its uncertainty.

Counts are Poisson distributed, most pixels of a short exposure hold none, and yet all pixels of a ring about the beam see the
same q. The estimate borrows in three steps: rings, expanded in even harmonics of the azimuth as far as the counts show any;
neighbouring rings, by the spline that smooths curves (`whorl.techniques.sas.denoise_curve`); and neighbouring pixels, where
wavelets of the residual stand out of Poisson noise on any scale. What no counts support is not drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.physics.small_angle.frames import inversion_centre, ring_harmonics, starlet, starlet_noise
from whorl.techniques.sas.denoise_curve import envelope_of, smooth_quotient

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ORDERS = (2, 4, 6, 8)
_SCALES = 5
#: standard deviations that a wavelet coefficient must stand out by: about one false in 10^6 of normal noise
_SIGNIFICANT = 5.0
#: counts under a wavelet from which its noise is near enough to normal
_ENOUGH = 20.0
_FEWEST_COUNTS = 50
#: part of the envelope below which no ring is taken to fall
_LEAST = 0.01
#: pixels about the centre
_INNER = 3.0
#: of a squared deviation that speaks for a harmonic
_BOUND = 9.0
#: of neighbouring rings, in ln(radius + 1)
_NEAR = 0.03


@dataclass(frozen=True)
class DenoisedFrame:
    """The estimate of a frame without counting noise.

    Attributes
    ----------
    intensity, sigma : array, shape (rows, columns)
        Expected counts of a pixel and their standard uncertainty; masked pixels have the value of their ring.
    centre : (row, column)
        About which rings are; given or found.
    orders : tuple of int
        Harmonics of the azimuth that the counts show, beside 0.
    detail : float
        Part of the pixels with structure that rings do not hold.
    gain : float
        Median ratio of the uncertainty of a pixel's counts to that of the estimate.
    """

    intensity: Array
    sigma: Array
    centre: tuple[float, float]
    orders: tuple[int, ...]
    detail: float
    gain: float


def denoise_frame(counts: Array, mask: Mask | None = None, centre: tuple[float, float] | None = None) -> DenoisedFrame:
    """Estimate a frame without its counting noise.

    Parameters
    ----------
    counts : array, shape (rows, columns)
        Counts as recorded, not corrected, not negative where they are used.
    mask : array of bool, shape (rows, columns), optional
        True where a pixel is to be used.
    centre : (row, column), optional
        Of the beam; by default found from the pattern's inversion symmetry.

    Raises
    ------
    PatternError
        If it is no image, holds too few counts, or values that are no counts.

    Examples
    --------
    >>> y, x = np.mgrid[:80, :80]
    >>> truth = 5 * np.exp(-((y - 40) ** 2 + (x - 40) ** 2) / 300) + 0.05
    >>> found = denoise_frame(np.random.default_rng(1).poisson(truth), centre=(40.0, 40.0))
    >>> bool(np.sqrt(np.mean((found.intensity - truth) ** 2 / truth)) < 0.2), found.orders
    (True, ())
    """
    counts = np.asarray(counts, dtype=np.float64)
    if counts.ndim != 2 or min(counts.shape) < 8:
        raise PatternError(
            f"an array of shape {counts.shape} is no frame", where="frame", remedy="Give rows and columns of counts."
        )
    good = np.isfinite(counts) if mask is None else np.asarray(mask, dtype=bool) & np.isfinite(counts)
    if mask is not None and good.shape != counts.shape:
        raise PatternError("mask and frame differ in shape", where="frame", remedy="Give one flag per pixel.")
    if np.any(counts[good] < 0):
        remedy = "Mask gaps, and give counts as recorded: nothing subtracted."
        raise PatternError("negative counts", where="frame", remedy=remedy)
    if counts[good].sum() < _FEWEST_COUNTS:
        raise PatternError(f"{counts[good].sum():g} counts", where="frame", remedy=f"At least {_FEWEST_COUNTS} are needed.")
    middle = inversion_centre(counts, good) if centre is None else centre
    rings, spread, orders = _rings(counts, good, middle)
    if centre is None:
        spread = np.sqrt(spread**2 + _centre_variance(rings, good))
    detail, noise, part = _detail(counts, good, rings)
    mean = np.maximum(rings + detail, 0.0)
    sigma = np.sqrt(spread**2 + noise**2)
    gain = float(np.median(np.sqrt(np.maximum(mean, 1e-12))[good] / sigma[good]))
    return DenoisedFrame(mean, sigma, middle, orders, part, gain)


def _rings(counts: Array, good: Mask, centre: tuple[float, float]) -> tuple[Array, Array, tuple[int, ...]]:
    """Smooth rings with the harmonics that show, their uncertainty, and the orders."""
    row, column = np.mgrid[: counts.shape[0], : counts.shape[1]]
    dy, dx = row - centre[0], column - centre[1]
    radius, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    place = np.round(radius).astype(np.int64)
    seen = np.unique(place[good])
    number = np.searchsorted(seen, place[good])
    value, unit, total, pixels = ring_harmonics(counts[good], number, angle[good], _ORDERS)
    at = np.bincount(number, radius[good]) / pixels
    u = np.log(at + 1.0)
    # what a ring lets expect comes from its neighbours: one that happens to be empty is not certain
    weight = np.exp(-0.5 * ((u[:, None] - u[None, :]) / _NEAR) ** 2)
    expected = (weight @ total + 0.5) / (weight @ pixels)
    envelope = envelope_of(u, value[:, 0], unit[:, 0] * np.sqrt(expected))
    first = smooth_quotient(u, value[:, 0], unit[:, 0] * np.sqrt(expected), envelope, dq=None, q=at).mean * envelope
    expected = np.maximum(first, _LEAST * envelope)
    sigma = unit * np.sqrt(expected)[:, None]
    # bounded: a count where hardly any is expected is rare, and says nothing of harmonics
    chi2 = np.sum(np.minimum((value[:, 1:] / sigma[:, 1:]) ** 2, _BOUND), axis=0)
    rings = value.shape[0]
    shown = [m for i, m in enumerate(_ORDERS) if chi2[2 * i] + chi2[2 * i + 1] > 2 * rings + 5 * np.sqrt(4 * rings)]
    mean, variance = np.zeros(counts.shape), np.zeros(counts.shape)
    columns = [(0, np.ones_like(angle))]
    inside = radius**2 / (radius**2 + _INNER**2)  # a smooth image has no harmonic at its centre
    for i, m in enumerate(_ORDERS):
        if m in shown or i == 0:  # the first takes part with its doubt even where it does not show
            columns += [(1 + 2 * i, inside * np.cos(m * angle)), (2 + 2 * i, inside * np.sin(m * angle))]
    for index, wave in columns:
        found = smooth_quotient(u, value[:, index], sigma[:, index], envelope, dq=None, q=at)
        curve, doubt = found.mean * envelope, found.sigma * envelope
        mean += np.interp(radius, at, curve) * wave
        variance += (np.interp(radius, at, doubt) * wave) ** 2
    floor = _LEAST * np.interp(radius, at, envelope)
    return np.maximum(mean, floor), np.sqrt(variance), tuple(shown)


def _centre_variance(rings: Array, good: Mask) -> Array:
    """Variance that a centre found from the counts adds: its steps of half a pixel, and twice the bound of Cramer and Rao."""
    out = np.zeros(rings.shape)
    for axis in (0, 1):
        slope = np.asarray(np.gradient(rings, axis=axis))
        known = float(np.sum(slope[good] ** 2 / rings[good]))
        out += slope**2 * (0.5**2 / 12 + 2 / max(known, 1e-9))
    return out


def _detail(counts: Array, good: Mask, rings: Array) -> tuple[Array, Array, float]:
    """What stands out of the rings, its uncertainty, and the part of the pixels where something does."""
    root = np.sqrt(rings)
    off = np.where(good, (counts - rings) / root, 0.0)
    scales = int(np.clip(np.log2(min(counts.shape)) - 3, 1, _SCALES))
    level = starlet_noise(scales)
    parts = starlet(off, scales)[:-1]
    total, variance = np.zeros(counts.shape), np.zeros(counts.shape)
    found = np.zeros(counts.shape, dtype=bool)
    for scale, (part, noise) in enumerate(zip(parts, level, strict=True)):
        enough = rings * (3 * 2**scale) ** 2 > _ENOUGH
        stands = good & enough & (np.abs(part) > _SIGNIFICANT * noise)
        total += np.where(stands, part, 0.0)
        variance += np.where(stands, noise**2, 0.0)
        found |= stands
    return total * root, np.sqrt(variance) * root, float(np.mean(found[good]))
