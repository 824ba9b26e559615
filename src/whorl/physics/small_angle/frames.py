r"""Detector frames of small-angle scattering: their centre, harmonics of rings, and what stands out of both on any scale.

The centre is where the frame equals itself turned by 180 degrees, which small-angle patterns do: the mean squared difference
under all shifts comes from three correlations. Rings about it are expanded in even harmonics of the azimuth. What rings do not
hold (spots, streaks, shadows) is looked for with the isotropic undecimated wavelet transform (starlet; Starck & Murtagh,
Astronomical Image and Data Analysis, Springer (2002), doi:10.1007/978-3-662-04906-8).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: least part of the good pixels that must meet each other when the frame is turned
_OVERLAP = 0.25
#: counts that a pixel is smoothed over before frames are compared, about, over 4 pi
_COUNTS = 30.0
_SPLINE = np.array([1, 4, 6, 4, 1]) / 16


def inversion_centre(counts: Array, good: Mask) -> tuple[float, float]:
    """Find the row and column about which a frame is its own inverse, to half a pixel.

    Parameters
    ----------
    counts : array, shape (rows, columns)
    good : array of bool, shape (rows, columns)

    Examples
    --------
    >>> y, x = np.mgrid[:60, :50]
    >>> disc = 50 * np.exp(-((y - 22) ** 2 + (x - 30) ** 2) / 80)
    >>> inversion_centre(np.random.default_rng(1).poisson(disc).astype(float), np.ones(disc.shape, dtype=bool))
    (22.0, 30.0)
    """
    from scipy.ndimage import gaussian_filter
    from scipy.signal import fftconvolve

    weight = good.astype(np.float64)
    held = np.where(good, counts, 0.0)
    dense = float(np.sum(held * gaussian_filter(held, 4.0)) / max(float(held.sum()), 1e-9))  # counts a pixel where counts are
    width = float(np.clip(np.sqrt(_COUNTS / max(dense, 1e-9)), 1.5, min(counts.shape) / 16))
    near = np.maximum(gaussian_filter(weight, width), 1e-3)
    values = np.where(good, np.sqrt(np.maximum(gaussian_filter(held, width), 0) / near), 0.0)
    meet = fftconvolve(weight, weight)
    squares = fftconvolve(values**2 * weight, weight)
    cross = fftconvolve(values * weight, values * weight)
    both = meet > _OVERLAP * good.sum()
    # relative to the mean square of the pixels that meet, so that dark corners are no centre
    off = np.where(both, (squares - cross) / np.maximum(squares, 1e-9), np.inf)
    row, column = np.unravel_index(int(np.argmin(off)), off.shape)
    return float(row) / 2, float(column) / 2


def starlet(values: Array, scales: int) -> list[Array]:
    """Wavelet coefficients on growing scales and the smooth rest, arrays of the shape of ``values``; their sum is ``values``.

    Examples
    --------
    >>> image = np.random.default_rng(2).normal(size=(32, 32))
    >>> bool(np.allclose(sum(starlet(image, 3)), image))
    True
    """
    from scipy.ndimage import convolve1d

    out = []
    for scale in range(scales):
        kernel = np.zeros(4 * 2**scale + 1)
        kernel[:: 2**scale] = _SPLINE
        smooth = convolve1d(convolve1d(values, kernel, axis=0, mode="reflect"), kernel, axis=1, mode="reflect")
        out.append(values - smooth)
        values = smooth
    return [*out, values]


def starlet_noise(scales: int) -> Array:
    """Standard deviation of the coefficients of unit white noise on each scale, shape (scales,)."""
    size = 8 * 2**scales + 1
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1.0
    return np.array([np.sqrt(np.sum(part**2)) for part in starlet(impulse, scales)[:-1]])


def ring_harmonics(counts: Array, ring: NDArray[np.int64], angle: Array, orders: tuple[int, ...]) -> tuple[Array, ...]:
    """Coefficients of the harmonics of each ring, least squares over its pixels, and how uncertain counts of one make them.

    Parameters
    ----------
    counts, angle : array, shape (k,)
        Of the good pixels; angle in radian.
    ring : array of int, shape (k,)
        0 ... rings - 1, each ring with one pixel or more.
    orders : tuple of int
        Those beside 0; each has a cosine and a sine.

    Returns
    -------
    value, unit : array, shape (rings, 1 + 2 orders)
        ``unit`` times the square root of the counts that a pixel of the ring lets expect is the standard uncertainty.
    total, pixels : array, shape (rings,)
        Counts and pixels of each ring.
    """
    rings = int(ring.max()) + 1
    basis = np.stack([np.ones_like(angle), *(f(m * angle) for m in orders for f in (np.cos, np.sin))], axis=1)
    k = basis.shape[1]
    normal = np.empty((rings, k, k))
    right = np.empty((rings, k))
    for i in range(k):
        right[:, i] = np.bincount(ring, counts * basis[:, i], rings)
        for j in range(i + 1):
            normal[:, i, j] = normal[:, j, i] = np.bincount(ring, basis[:, i] * basis[:, j], rings)
    pixels = normal[:, 0, 0]
    # rings too small, or seen through too small an angle, for their harmonics: those are held at 0 by a weak prior
    normal += np.eye(k) * np.where(np.arange(k) == 0, 0.0, 0.25)[None, None, :]
    inverse = np.linalg.inv(normal)
    value = np.einsum("rij,rj->ri", inverse, right)
    return value, np.sqrt(np.einsum("rii->ri", inverse)), right[:, 0], pixels
