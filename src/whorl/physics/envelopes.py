r"""What a finite particle does to G(r): the fraction of pairs at distance r that it still holds.

Sphere of diameter D: gamma(r) = 1 - 3r/2D + (r/D)^3 / 2 for r < D (Guinier & Fournet, 1955; Howell, Proffen & Conradson,
Phys. Rev. B 73, 094107 (2006), doi:10.1103/PhysRevB.73.094107). Spheroid: the orientation average of the sphere formula
with the chord of each direction, by Gauss-Legendre quadrature (Lei et al., Phys. Rev. B 80, 024118 (2009),
doi:10.1103/PhysRevB.80.024118). Lognormal diameters: the volume-weighted mean of gamma over the number distribution, i.e.
weights D^3 p(D), by quadrature in ln D. Spherical shell: the indicator of a shell is that of the outer sphere less that of
the inner one, so its pairs are those of the outer sphere, less twice those between the two, plus those of the inner one;
the number of pairs at distance r is the volume that two spheres share when their centres are r apart (the lens of two
caps).
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Single = NDArray[np.float32]


def sphere(r: Array, diameter: float) -> tuple[Array, Array]:
    """gamma(r) of a sphere and its derivative with respect to the diameter, each of the shape of ``r``.

    Examples
    --------
    >>> value, _ = sphere(np.array([0.0, 10.0, 20.0]), 20.0)
    >>> value.tolist()
    [1.0, 0.3125, 0.0]
    """
    x = np.minimum(r / diameter, 1.0)
    return 1 - 1.5 * x + 0.5 * x**3, np.where(x < 1, 1.5 * (x - x**3) / diameter, 0.0)


def spheroid(r: Array, equatorial: float, polar: float, *, points: int = 24) -> tuple[Array, Array, Array]:
    """gamma(r) of a spheroid with the given diameters and its derivatives with respect to them, each of the shape of ``r``.

    Along a direction at angle theta to the axis, a spheroid is a sphere of diameter (sin^2/De^2 + cos^2/Dp^2)^(-1/2) in the
    metric that makes it round.

    Examples
    --------
    >>> r = np.linspace(0, 25, 6)
    >>> bool(np.allclose(spheroid(r, 20.0, 20.0)[0], sphere(r, 20.0)[0]))
    True
    """
    node, weight = np.polynomial.legendre.leggauss(points)
    cos2 = (0.5 * (node + 1)) ** 2
    weight = 0.5 * weight
    local = ((1 - cos2) / equatorial**2 + cos2 / polar**2) ** -0.5
    value = np.zeros_like(r, dtype=np.float64)
    by_e = np.zeros_like(value)
    by_p = np.zeros_like(value)
    for d, c2, w in zip(local, cos2, weight, strict=True):
        g, slope = sphere(r, float(d))
        value += w * g
        by_e += w * slope * d**3 * (1 - c2) / equatorial**3
        by_p += w * slope * d**3 * c2 / polar**3
    return value, by_e, by_p


def lognormal_spheres(r: Array, median: float, spread: float, *, points: int = 32) -> tuple[Array, Array, Array]:
    """gamma(r) of spheres with lognormal diameters and its derivatives with respect to the median and ``spread``.

    Parameters
    ----------
    r : array
        angstrom.
    median : float
        Median diameter of the number distribution (angstrom).
    spread : float
        Standard deviation of ln D.

    Examples
    --------
    >>> r = np.linspace(0, 25, 6)
    >>> bool(np.allclose(lognormal_spheres(r, 20.0, 1e-4)[0], sphere(r, 20.0)[0], atol=1e-3))
    True
    """
    node, weight = np.polynomial.hermite_e.hermegauss(points)
    weight = weight / weight.sum()
    # D^3 p(D) of a lognormal is again a lognormal, of median  m exp(3 s^2): sample that one directly
    diameters = median * np.exp(3 * spread**2 + spread * node)
    value = np.zeros_like(r, dtype=np.float64)
    by_median = np.zeros_like(value)
    by_spread = np.zeros_like(value)
    for d, z, w in zip(diameters, node, weight, strict=True):
        g, slope = sphere(r, float(d))
        value += w * g
        by_median += w * slope * d / median
        by_spread += w * slope * d * (6 * spread + z)
    return value, by_median, by_spread


def common_volume(r: Array, first: float, second: float) -> tuple[Array, Array, Array]:
    """Volume that two spheres of the given radii share at a distance ``r`` of their centres, with derivatives by the radii.

    Two caps of heights that add up to R1 + R2 - r: pi (R1 + R2 - r)^2 [r^2 + 2 r (R1 + R2) - 3 (R1 - R2)^2] / 12 r; the
    smaller sphere where it lies inside the larger one, and 0 where they are apart.

    Examples
    --------
    >>> value, _, _ = common_volume(np.array([0.5, 2.0, 9.0]), 3.0, 2.0)
    >>> bool(np.isclose(value[0], 4 / 3 * np.pi * 2.0**3)), bool(value[1] < value[0]), float(value[2])
    (True, True, 0.0)
    """
    r = np.asarray(r, dtype=np.float64)
    total, difference = first + second, first - second
    inside = r <= abs(difference)
    apart = r >= total
    safe = np.where(inside | apart, total or 1.0, r)
    rest = total - safe
    bracket = safe**2 + 2 * safe * total - 3 * difference**2
    front = np.pi / (12 * safe)
    by_total = front * (2 * rest * bracket + 2 * safe * rest**2)
    by_difference = -6 * front * rest**2 * difference
    smaller = min(first, second)
    whole, slope = 4 / 3 * np.pi * smaller**3, 4 * np.pi * smaller**2

    def piecewise(lens: Array, engulfed: float) -> Array:
        return np.where(apart, 0.0, np.where(inside, engulfed, lens))

    return (
        piecewise(front * rest**2 * bracket, whole),
        piecewise(by_total + by_difference, slope if first <= second else 0.0),
        piecewise(by_total - by_difference, slope if second < first else 0.0),
    )


def shell(r: Array, inner: float, outer: float) -> tuple[Array, Array, Array]:
    """gamma(r) of a spherical shell and its derivatives by its two diameters (angstrom), each of the shape of ``r``.

    Parameters
    ----------
    r : array
        angstrom.
    inner, outer : float
        Diameters, 0 <= inner < outer.

    Examples
    --------
    >>> r = np.linspace(0, 25, 6)
    >>> bool(np.allclose(shell(r, 0.0, 20.0)[0], sphere(r, 20.0)[0]))
    True
    """
    small, large = 0.5 * inner, 0.5 * outer
    volume = 4 / 3 * np.pi * (large**3 - small**3)
    of_large, by_large, _ = common_volume(r, large, large)
    between, large_between, small_between = common_volume(r, large, small)
    of_small, by_small, _ = common_volume(r, small, small)
    if inner == 0.0:
        of_small, by_small = np.zeros_like(of_small), np.zeros_like(by_small)
    value = (of_large - 2 * between + of_small) / volume
    # both spheres of a pair grow with the diameter, and a radius grows by half of it
    by_inner = (by_small - small_between + value * 2 * np.pi * small**2) / volume
    by_outer = (by_large - large_between - value * 2 * np.pi * large**2) / volume
    return value, by_inner, by_outer


@njit(cache=True, nogil=True)
def best_blend(n: Single, s: Single, c: Single, own: float) -> tuple[Array, Array]:
    """Power of data that the best envelope of a pattern, or the best blend of two, explains.

    Parameters
    ----------
    n : array, shape (rows, envelopes, shifts), single precision
        Products of each pattern under each envelope with the data.
    s : array, shape (rows, pairs, shifts), single precision
        Products of the pattern under one envelope and another; pairs (0,0), (0,1) ... (1,1) ...
    c : array, shape (k, rows, envelopes, shifts), single precision
        Products with k orthonormal curves that are taken off.
    own : float
        Part of its power that must be left to a pattern beside those curves.

    Returns
    -------
    best, which : array, shape (rows, shifts)
        Power explained, and the number of the envelope, fractional for a blend.

    Examples
    --------
    >>> n, s = np.array([[[0.6], [0.2]]], np.float32), np.array([[[1.0], [0.0], [1.0]]], np.float32)
    >>> best, which = best_blend(n, s, np.zeros((0, 1, 2, 1), np.float32), 0.0)
    >>> best.round(3).tolist(), which.round(3).tolist()
    ([[0.4]], [[0.25]])
    """
    rows, count, shifts = n.shape
    best = np.zeros((rows, shifts))
    which = np.zeros((rows, shifts))
    data = np.zeros(count)
    square = np.zeros((count, count))
    for i in range(rows):
        for j in range(shifts):
            pair = 0
            for a in range(count):
                data[a] = n[i, a, j]
                for b in range(a, count):
                    value = np.float64(s[i, pair, j])
                    for g in range(c.shape[0]):
                        value -= np.float64(c[g, i, a, j]) * np.float64(c[g, i, b, j])
                    if a == b and c.shape[0] > 0 and value <= own * s[i, pair, j]:
                        data[a] = 0.0  # what looks like the phases found before has nothing of its own to explain
                    square[a, b] = value
                    pair += 1
            most = 0.0
            place = 0.0
            for a in range(count):
                gain = max(data[a], 0.0) ** 2 / max(square[a, a], 1e-12)
                if gain > most:
                    most, place = gain, float(a)
            for a in range(count):
                for b in range(a + 1, count):
                    determinant = square[a, a] * square[b, b] - square[a, b] ** 2
                    if determinant <= 1e-4 * square[a, a] * square[b, b]:
                        continue
                    ca = (data[a] * square[b, b] - data[b] * square[a, b]) / determinant
                    cb = (data[b] * square[a, a] - data[a] * square[a, b]) / determinant
                    gain = ca * data[a] + cb * data[b]
                    if ca > 0 and cb > 0 and gain > most:
                        most, place = gain, a + (b - a) * cb / (ca + cb)
            best[i, j] = most
            which[i, j] = place
    return best, which
