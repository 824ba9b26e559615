r"""Rules to average over orientations, with as many points as the size of the particle asks for.

The square of the amplitude of a body with points up to a distance d of its centre holds spherical harmonics up to degree
l = 2 q d and, past that, ever less (the waves exp(i q r) do: Rayleigh's expansion, j_l(2 q d) falls faster than exponentially
for l > 2 q d). Gauss's rule with N points in the cosine u of the polar angle integrates degrees below 2 N exactly, so N = q d
and a margin suffice; by symmetry only the N / 2 points with u > 0 are visited. In the azimuth equidistant points do the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_LARGEST_GAUSS = 1024  # points with u > 0; rules above are made of panels
_PANEL = 32
_PANELS_COST = 2.5  # points that panels need for one of the Gauss rule


class Rules(NamedTuple):
    """Rules of increasing size, one after another in the arrays: rule k takes the points start[k] to start[k + 1].

    Attributes
    ----------
    reach : array, shape (k,)
        Largest q d for which a rule is good.
    start : array of int, shape (k + 1,)
    cosine, sine, weight : array, shape (sum of sizes,)
        Of the polar angle, from 0 to 90 degrees; the weights of a rule add up to 1.
    """

    reach: Array
    start: Index
    cosine: Array
    sine: Array
    weight: Array

    def points(self, reach: float) -> slice:
        """Where the points of the rule for q d = ``reach`` are."""
        k = int(np.searchsorted(self.reach, reach))
        return slice(int(self.start[k]), int(self.start[k + 1]))


def _size(reach: float) -> float:
    """Points with u > 0 that q d = ``reach`` needs: half of q d, and a margin that grows as the tail of j_l does."""
    return 0.5 * reach + 2.0 * float(np.cbrt(reach)) + 3.0


def _reach(size: float) -> float:
    """Q d that a rule of a size is good for: the inverse of `_size`."""
    low, high = 0.0, 2.0 * size
    for _ in range(40):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _size(middle) <= size else (low, middle)
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def _gauss(half: int) -> tuple[Array, Array]:
    """Nodes u > 0 and weights (sum 1) of Gauss's rule with 2 ``half`` points on [-1, 1], by Newton's method."""
    n = 2 * half
    nodes, weights = np.empty(half), np.empty(half)
    for i in range(half):
        u = np.cos(np.pi * (i + 0.75) / (n + 0.5))
        slope = 1.0
        for _ in range(20):
            before, value = 1.0, u
            for degree in range(2, n + 1):
                before, value = value, ((2 * degree - 1) * u * value - (degree - 1) * before) / degree
            slope = n * (before - u * value) / (1.0 - u * u)
            step = value / slope
            u -= step
            if abs(step) < 1e-14:
                break
        nodes[i] = u
        weights[i] = 2.0 / ((1.0 - u * u) * slope * slope)
    return nodes, weights


@lru_cache(maxsize=64)
def _kept(half: int) -> tuple[Array, Array]:
    """`_gauss`, computed once."""
    nodes, weights = _gauss(half)
    return nodes, weights


def _panels(count: int) -> tuple[Array, Array]:
    """Nodes in u and weights (sum 1 nearly) of equal panels of the polar angle, each with Gauss's rule."""
    x, w = np.polynomial.legendre.leggauss(_PANEL)
    width = np.pi / 2 / count
    theta = (width * (np.arange(count)[:, None] + (x + 1) / 2)).ravel()
    return np.cos(theta), np.tile(w * width / 2, count) * np.sin(theta)


@lru_cache(maxsize=4)
def _rules(largest: int) -> Rules:
    half = [4, 6, 8, 10, 12, 14, 16, 20, 24, 28]
    while half[-1] < largest:
        after = half[-1] * 1.15
        if half[-1] <= _LARGEST_GAUSS < after:  # a rule of panels must reach further than the last one of Gauss
            after = 1.05 * _PANELS_COST * _LARGEST_GAUSS if half[-1] == _LARGEST_GAUSS else _LARGEST_GAUSS
        half.append(int(after))
    reach, start, cosine, weight = [], [0], [], []
    for points in half:
        gauss = points <= _LARGEST_GAUSS
        u, w = _kept(points) if gauss else _panels(-(-points // _PANEL))
        cosine.append(u)
        weight.append(w)
        start.append(start[-1] + u.size)
        effective = points if gauss else points / _PANELS_COST
        reach.append(_reach(effective))
    u = np.concatenate(cosine)
    return Rules(np.array(reach), np.array(start), u, np.sqrt((1 - u) * (1 + u)), np.concatenate(weight))


@lru_cache(maxsize=16)
def _azimuths(largest: int) -> Rules:
    points = np.unique(np.geomspace(6, largest, max(int(np.log(largest / 6) / 0.15), 2)).astype(np.int64))
    phi = np.concatenate([np.pi / 2 * (np.arange(n) + 0.5) / n for n in points])
    reach = np.array([_reach(float(n)) for n in points])
    return Rules(reach, np.concatenate([[0], np.cumsum(points)]), np.cos(phi), np.sin(phi), np.repeat(1.0 / points, points))


def azimuths(reach: float) -> Rules:
    """Give rules for the azimuth, from 0 to 90 degrees, of which the largest is good up to q d = ``reach``.

    Examples
    --------
    >>> given = azimuths(20.0)
    >>> points = slice(given.start[-2], given.start[-1])
    >>> float(round(given.weight[points] @ np.cos(20 * given.cosine[points]), 8))  # J_0(20)
    0.16702466
    """
    return _azimuths(2 ** int(np.ceil(np.log2(max(_size(reach), 8.0)))))


def rules(reach: float) -> Rules:
    """Give rules of which the largest is good up to q d = ``reach``.

    Examples
    --------
    >>> given = rules(100.0)
    >>> k = int(np.searchsorted(given.reach, 100.0))
    >>> points = slice(given.start[k], given.start[k + 1])
    >>> x = 100.0 * given.cosine[points]
    >>> exact = 0.015658183  # of the mean of (sin x / x)^2 over orientations: (Si(2a) - sin(a)^2 / a) / a
    >>> bool(abs(given.weight[points] @ (np.sin(x) / x) ** 2 / exact - 1) < 1e-6)
    True
    """
    need = _size(reach)
    for largest in (64, 256, _LARGEST_GAUSS):
        if need <= largest:
            return _rules(largest)
    largest = 4 * _LARGEST_GAUSS
    while largest < need * _PANELS_COST:
        largest *= 4
    return _rules(largest)
