r"""Cylinders whose radii and lengths are distributed independently: two tables and one integral in place of a double sum.

The square of the amplitude is a product of a function of the component of q across the axis and one of that along it, so that
the means over the two distributions can be taken first:

.. math::
    \langle F^2 \rangle = \int_0^1 d\mu\; A\!\left(q \sqrt{1-\mu^2}\right) B(q \mu), \quad
    A(s) = \sum_i w_i \pi^2 R_i^4 \left(\frac{2 J_1(s R_i)}{s R_i}\right)^2, \quad
    B(c) = \sum_j w_j L_j^2 \left(\frac{\sin(c L_j / 2)}{c L_j / 2}\right)^2

(the cylinder of Fournet, Bull. Soc. Fr. Mineral. Cristallogr. 74, 39 (1951)). A and B are tabulated once for all q. Beyond
c L / 2 = 60 the sine squared is taken as its mean, one half.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import TO_CM, Sizes

Array = NDArray[np.float64]

_STEP = 0.04  # of the tables, in s R and c L / 2
_FAR = 60.0
_NODES, _SHARES = (np.asarray(a) for a in np.polynomial.legendre.leggauss(6))


def spread_cylinders(q: Array, radii: Sizes, lengths: Sizes) -> Array:
    """Intensity of cylinders at a volume fraction and a contrast (1e-6/angstrom^2) of 1, shape (n,), 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    radii, lengths : Sizes
        Angstrom, number weights.

    Examples
    --------
    >>> one = Sizes(np.array([20.0]), np.ones(1)), Sizes(np.array([400.0]), np.ones(1))
    >>> spread_cylinders(np.array([1e-6]), *one).round(4)  # the volume times 1e-4
    array([50.2655])
    """
    from scipy.special import j1

    radius, length = radii.mean(), lengths.mean()
    across = _STEP * np.arange(int(np.max(q) * radius / _STEP) + 5)
    y = np.outer(across, radii.values / radius)
    disc = np.where(y < 1e-4, 1.0, 2 * j1(y) / np.maximum(y, 1e-4))
    a = (disc**2 @ (radii.weights * np.pi**2 * radii.values**4)) * (1 + across**2) ** 1.5
    along = _STEP * np.arange(int(_FAR / _STEP) + 5)
    b = np.sinc(np.outer(along, lengths.values / length) / np.pi) ** 2 @ (lengths.weights * lengths.values**2) * (1 + along**2)
    found = _average(np.ascontiguousarray(q, dtype=np.float64), radius, length, a, b, _NODES, _SHARES)
    return np.asarray(TO_CM * found / (np.pi * radii.mean(2) * length))


@njit(cache=True, nogil=True, error_model="numpy")
def _read(table: Array, place: float) -> float:
    """Cubic through four points of a table of unit step, even about its first point."""
    k = min(int(place), table.size - 3)
    t = place - k
    before = table[k - 1] if k > 0 else table[1]
    return float(
        -t * (t - 1) * (t - 2) / 6 * before
        + (t + 1) * (t - 1) * (t - 2) / 2 * table[k]
        - (t + 1) * t * (t - 2) / 2 * table[k + 1]
        + (t + 1) * t * (t - 1) / 6 * table[k + 2]
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _product(q: float, mu: float, sine: float, radius: float, length: float, a: Array, b: Array) -> float:
    x = q * radius * sine
    y = q * length * mu / 2
    one = _read(a, x / _STEP) / (1 + x * x) ** 1.5
    two = _read(b, y / _STEP) / (1 + y * y) if y < _FAR else 2.0 / (q * mu) ** 2
    return float(one * two)


@njit(cache=True, nogil=True, error_model="numpy")
def _average(q: Array, radius: float, length: float, a: Array, b: Array, nodes: Array, shares: Array) -> Array:
    """Mean over orientations by panels of six nodes, none longer than half an oscillation of A or B."""
    out = np.zeros(q.size)
    half = np.sqrt(0.5)
    for i in range(q.size):
        x, y = q[i] * radius, q[i] * length / 2
        total = 0.0
        mu = 0.0
        while mu < half:  # directions nearer to the equator, over the cosine
            step = min(0.2, 1.5 / x * np.sqrt(1 - mu * mu) / max(mu, 1e-3))
            step = min(step, 1.5 / y) if mu * y < _FAR else min(step, 0.3 * mu)
            end = min(mu + step, half)
            for k in range(nodes.size):
                m = 0.5 * (mu + end) + 0.5 * (end - mu) * nodes[k]
                total += 0.5 * (end - mu) * shares[k] * _product(q[i], m, np.sqrt(1 - m * m), radius, length, a, b)
            mu = end
        sine = 0.0
        while sine < half:  # nearer to the pole, over the sine
            step = min(0.2, 1.5 / x)
            if half * y < _FAR:
                step = min(step, 1.5 / y / max(sine, 1e-3))
            end = min(sine + step, half)
            for k in range(nodes.size):
                s = 0.5 * (sine + end) + 0.5 * (end - sine) * nodes[k]
                m = np.sqrt(1 - s * s)
                total += 0.5 * (end - sine) * shares[k] * s / m * _product(q[i], m, s, radius, length, a, b)
            sine = end
        out[i] = total
    return out
