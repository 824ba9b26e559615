"""Spacings of a powder pattern: its peaks as d with uncertainties, what indexing and searches by peak list start from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.physics.peak_search import Peaks, find_peaks

Array = NDArray[np.float64]

_HALF_DEGREE = np.pi / 360.0


@dataclass(frozen=True)
class Spacings:
    """Lattice spacings, largest first; every array has shape (k,).

    Parameters
    ----------
    d, d_sigma : array
        angstrom. The uncertainty is that of the peak fit, without any error of the zero point or of the wavelength.
    intensity : array
        Peak areas (first spectral line) over the largest, 0 to 1.
    fwhm : array
        Full width at half maximum, degree.
    significance : array
        Of the peak search.
    two_theta : array
        Degree, in the first wavelength.
    """

    d: Array
    d_sigma: Array
    intensity: Array
    fwhm: Array
    significance: Array
    two_theta: Array

    def __len__(self) -> int:
        return int(self.d.size)


def spacing(two_theta: Array, wavelength: float) -> Array:
    """Spacing (angstrom) of Bragg's law, d = wavelength / (2 sin theta), for angles in degree.

    Examples
    --------
    >>> spacing(np.array([60.0]), 1.5).round(6)
    array([1.5])
    """
    return np.asarray(wavelength / (2.0 * np.sin(np.asarray(two_theta) * _HALF_DEGREE)), dtype=np.float64)


def spacings(
    two_theta: Array, signal: Array, sigma: Array | None = None, *, wavelengths: Sequence[float], ratio: float = 0.5,
    threshold: float = 6.0,
) -> Spacings:  # fmt: skip
    """Peaks of a pattern as spacings.

    Parameters
    ----------
    two_theta, signal : array, shape (n,)
        Degree and intensity.
    sigma : array, shape (n,), optional
        Standard uncertainties; estimated when not given.
    wavelengths : sequence of one or two floats
        angstrom: a single line, or the two of a K-alpha doublet, the stronger first.
    ratio : float
        Intensity of the second line over that of the first.
    threshold : float
        Least significance of a peak, `whorl.physics.peak_search.find_peaks`.

    Raises
    ------
    UsageError
        No wavelength, more than two, or one that is not positive.
    PatternError
        The pattern cannot be searched.

    Examples
    --------
    >>> x = np.arange(20.0, 60.0, 0.02)
    >>> y = 10.0 + 900.0 * np.exp(-4 * np.log(2) * ((x - 38.18) / 0.2) ** 2)
    >>> found = spacings(x, np.random.default_rng(3).poisson(y).astype(float), wavelengths=[1.5406])
    >>> found.d.round(2)
    array([2.36])
    """
    if len(wavelengths) not in {1, 2} or min(wavelengths) <= 0.0:
        raise UsageError(f"wavelengths {list(wavelengths)}", remedy="Give one positive wavelength, or the two of a doublet.")
    double = len(wavelengths) == 2
    peaks = find_peaks(
        two_theta, signal, sigma, wavelength_ratio=wavelengths[1] / wavelengths[0] if double else 1.0,
        second_share=ratio if double else 0.0, threshold=threshold,
    )  # fmt: skip
    return from_peaks(peaks, wavelengths[0])


def from_peaks(peaks: Peaks, wavelength: float) -> Spacings:
    """Turn fitted peaks into spacings; peaks at or beyond backscattering are left out."""
    kept = (peaks.position > 0.0) & (peaks.position < 180.0)
    angle = peaks.position[kept]
    d = spacing(angle, wavelength)
    d_sigma = d * peaks.position_sigma[kept] * _HALF_DEGREE / np.tan(angle * _HALF_DEGREE)
    area = peaks.area[kept]
    return Spacings(
        d=d,
        d_sigma=np.asarray(d_sigma, dtype=np.float64),
        intensity=area / area.max() if area.size else area,
        fwhm=peaks.fwhm[kept],
        significance=peaks.significance[kept],
        two_theta=angle,
    )
