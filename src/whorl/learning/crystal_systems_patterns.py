"""Powder patterns of sticks as a laboratory measures them, and the peaks that the search finds in them.

What real peak lists suffer from arises here as it does there: lines that overlap are found as one, weak ones drown in the noise
or under the tails of strong ones, the K-alpha doublet, asymmetric feet and left-over K-beta lines are taken for lines of the
crystal, angles are off by the zero error of the goniometer and the height of the sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import WhorlError
from whorl.physics.peak_groups import add_peaks
from whorl.techniques.pd.peaks import spacings

Array = NDArray[np.float64]

#: K-alpha 2 over K-alpha 1, wavelength and share (Int. Tables C (1999), 4.2.2); K-beta over K-alpha 1, copper
_SECOND, _SHARE, _BETA = 1.544426 / 1.540598, 0.5, 1.392234 / 1.540598
_LINES = 60  # lines that a pattern goes to: the features look at fewer
_SAME = 0.002  # degree, within which sticks are one
#: feet of the axial divergence: how much of a line, at which multiples of half the squared divergence (radian)
_FEET = ((0.7, 0.0), (0.2, 0.8), (0.1, 2.0))


def measured(
    two_theta: Array, intensity: Array, wavelength: float, rng: np.random.Generator, *, tube: bool = True
) -> tuple[Array, Array]:
    """Peaks that a search finds in a simulated measurement of sticks.

    Parameters
    ----------
    two_theta, intensity : array, shape (n,)
        Of the reflections, degree and any unit.
    wavelength : float
        angstrom.
    rng : Generator
    tube : bool
        Radiation of a tube: a doublet, most often.

    Returns
    -------
    two_theta, intensity : array, shape (k,)
        Of the peaks found, increasing; empty where there are none.

    Examples
    --------
    >>> rng = np.random.default_rng(2)
    >>> angle, height = measured(np.array([30.0, 41.0, 55.0]), np.array([90.0, 100.0, 40.0]), 1.5406, rng)
    >>> bool(np.all(np.abs(angle[np.argsort(-height)[:3]] - np.array([41.0, 30.0, 55.0])) < 0.3))
    True
    """
    scale = wavelength / 1.5406
    fwhm = np.exp(rng.uniform(np.log(0.05), np.log(0.25))) * max(scale, 0.3)
    first = rng.uniform(3.0, 12.0) * scale
    shift = rng.normal(0.0, 0.03) * scale
    height = rng.normal(0.0, 0.04) * scale
    angle, area = _merged(two_theta, intensity, _SAME)
    angle, area = angle[angle > first], area[angle > first]
    if angle.size < 2:
        return np.zeros(0), np.zeros(0)
    angle, area = _enough(angle, area, fwhm)
    end = float(angle[-1]) + 4.0 * fwhm
    angle = angle + shift + height * np.cos(np.radians(0.5 * angle))
    double = tube and rng.random() < 0.85
    share = _SHARE if double else 0.0
    x = np.arange(first, end, fwhm / rng.uniform(5.0, 12.0))
    y = _profile(x, angle, area, fwhm, share, rng)
    if tube and rng.random() < 0.1:  # what a filter lets through
        sine = _BETA * np.sin(np.radians(0.5 * angle))
        y += _profile(x, np.degrees(2.0 * np.arcsin(sine)), area * rng.uniform(0.003, 0.015), fwhm, 0.0, rng)
    top = float(y.max())
    counts = np.exp(rng.uniform(np.log(5e2), np.log(1e5)))
    level = np.exp(rng.uniform(np.log(2e-3), np.log(0.15)))
    decay = rng.uniform(5.0, 30.0) * scale
    expected = counts * (y / top + level * (1.0 + rng.uniform(0.0, 3.0) * np.exp(-(x - first) / decay)))
    noisy = rng.poisson(expected).astype(np.float64)
    sigma = np.sqrt(np.maximum(noisy, 1.0)) if rng.random() < 0.5 else None
    try:
        found = spacings(
            x, noisy, sigma, wavelengths=[wavelength, wavelength * _SECOND] if double else [wavelength], ratio=share
        )
    except WhorlError:
        return np.zeros(0), np.zeros(0)
    order = np.argsort(found.two_theta)
    return found.two_theta[order], found.intensity[order]


def _merged(two_theta: Array, intensity: Array, width: float) -> tuple[Array, Array]:
    """Sticks nearer to each other than ``width`` as one, by increasing angle."""
    order = np.argsort(two_theta)
    x, y = two_theta[order], intensity[order]
    group = np.concatenate([[0], np.cumsum(np.diff(x) > width)]).astype(np.int64) if x.size else np.zeros(0, dtype=np.int64)
    area = np.bincount(group, y)
    kept = area > 1e-6 * area.max(initial=0.0)
    return (np.bincount(group, x * y) / np.maximum(area, 1e-300))[kept], area[kept]


def _enough(angle: Array, area: Array, fwhm: float) -> tuple[Array, Array]:
    """The lines up to the last of the first that can be seen and told apart."""
    seen = angle[area > 1e-3 * area.max()]
    apart = np.flatnonzero(np.concatenate([[True], np.diff(seen) > 0.6 * fwhm]))
    if apart.size <= _LINES:
        return angle, area
    kept = angle <= seen[apart[_LINES]]
    return angle[kept], area[kept]


def _profile(x: Array, angle: Array, area: Array, fwhm: float, share: float, rng: np.random.Generator) -> Array:
    """Pseudo-Voigt lines with widths that grow with the angle and feet that axial divergence gives at low ones."""
    tangent = np.tan(np.radians(0.5 * angle))
    width = np.hypot(fwhm, fwhm * rng.uniform(0.0, 0.8) * tangent)
    eta = np.full(angle.size, rng.uniform(0.2, 0.9))
    divergence = rng.uniform(0.0, 0.045)  # S/L = H/L
    spread = np.degrees(0.5 * divergence**2) / np.tan(np.radians(np.maximum(angle, 3.0)))
    y = np.zeros_like(x)
    for part, place in _FEET:
        add_peaks(x, y, angle - place * spread, part * area, width, eta, _SECOND, share)
    return y
