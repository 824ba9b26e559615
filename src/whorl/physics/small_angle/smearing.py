r"""Smearing of a small-angle curve by the instrument, as one matrix: I_s(q_i) = sum_j W_ij I(q_j).

A pinhole instrument sees around each nominal q a distribution of q that is nearly Gaussian, of standard deviation dQ (Barker &
Pedersen, J. Appl. Cryst. 28, 105 (1995), doi:10.1107/S0021889894010095); it is cut at q - 2.5 dQ and q + 3 dQ, as in sasmodels.
A slit of half length L along the weak direction and half width w along the other gives

.. math::
    I_s(q) = \frac{1}{2 w L} \int_{-w}^{w} dv \int_0^{L} du \; I\left(\sqrt{(q + v)^2 + u^2}\right)

(Lake, Acta Cryst. 23, 191 (1967), doi:10.1107/S0365110X67002440). The model is computed where the integrals need it, no more:
on a grid whose step is a fifth of the resolution where that is coarser than the step of the data, and at three or five points
of a Gauss rule around each datum where it is finer. Grids are integrated through local polynomials: of q^2 I for a pinhole, of
I in q^2 for a slit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: where the Gaussian of a pinhole is cut, standard deviations below and above q
CUT = (2.5, 3.0)
#: the least q that is computed, as a part of the nominal q: models need q > 0
FLOOR = 0.02
#: steps of the calculation grid: per standard deviation, and per q
_PER_SIGMA, _PER_Q = 5.0, 20.0
#: points of the grid that one value is interpolated from
_NEAR = 6
#: relative widths below which a point is sharp
_SHARP = 1e-5


@dataclass(frozen=True)
class Smearing:
    """Where a model is computed, and how the measured curve follows from it.

    Attributes
    ----------
    q : array, shape (m,)
        Where the model is to be computed, 1/angstrom, positive, increasing.
    matrix : sparse or dense matrix, shape (n, m), optional
        Weights, each row of sum 1; `None` where there is no smearing.

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.3, 100)
    >>> smearing = Smearing.pinhole(q, 0.1 * q)
    >>> smeared = smearing.apply(np.exp(-((30 * smearing.q) ** 2) / 3))
    >>> bool(smeared[60] > np.exp(-((30 * q[60]) ** 2) / 3))
    True
    """

    q: Array
    matrix: Any = None

    def apply(self, intensity: Array) -> Array:
        """Smear intensities at ``q``, shape (m,) or (m, k), to those at the nominal q, shape (n,) or (n, k)."""
        return intensity if self.matrix is None else np.asarray(self.matrix @ intensity)

    @classmethod
    def none(cls, q: Array) -> Smearing:
        """No smearing: the model is computed at q, shape (n,)."""
        return cls(_checked(q))

    @classmethod
    def pinhole(cls, q: Array, sigma: Array | float) -> Smearing:
        """Gaussian resolution.

        Parameters
        ----------
        q : array, shape (n,)
            Nominal q, 1/angstrom, positive, in any order.
        sigma : array, shape (n,), or float
            Standard deviation of q, 1/angstrom; a point with 0 or NaN is sharp.

        Raises
        ------
        UsageError
            If q is not positive, or the shapes differ.
        """
        q = _checked(q)
        sigma = _width_of(sigma, q, "sigma")
        return cls(q) if not np.any(sigma > _SHARP * q) else _around(q, sigma, "gauss")

    @classmethod
    def slit(cls, q: Array, length: float, width: float = 0.0) -> Smearing:
        """Slit of half length ``length`` and half width ``width``, 1/angstrom, either of which may be 0; q: shape (n,).

        Raises
        ------
        UsageError
            If q is not positive, or a size is negative.

        Examples
        --------
        >>> q = np.geomspace(1e-4, 1e-2, 200)
        >>> smearing = Smearing.slit(q, 0.1)
        >>> steep = smearing.apply(smearing.q**-4.0)  # an infinite slit makes q^-3 of q^-4
        >>> round(float(np.log(steep[100] / steep[0]) / np.log(q[100] / q[0])), 3)
        -3.0
        """
        q = _checked(q)
        if length < 0 or width < 0:
            raise UsageError(
                "a slit has a negative size", where="slit", remedy="Give half length and half width in 1/angstrom."
            )
        outer = _around(q, np.full_like(q, width), "box") if width > _SHARP * q.min() else cls(q)
        return outer if length <= _SHARP * q.min() else outer.after(_along(outer.q, length))

    @classmethod
    def of(
        cls, q: Array, sigma: Array | float | None = None, slit_length: float | None = None, slit_width: float | None = None
    ) -> Smearing:
        """Smearing by what is known: a Gaussian resolution, a slit, both, or neither.

        Parameters
        ----------
        q : array, shape (n,)
            Nominal q, 1/angstrom.
        sigma : array, shape (n,), or float, optional
            Standard deviation of q, 1/angstrom.
        slit_length, slit_width : float, optional
            Half length and half width of the slit, 1/angstrom.

        Examples
        --------
        >>> Smearing.of(np.array([0.01, 0.02])).matrix is None
        True
        """
        pinhole = cls.none(q) if sigma is None else cls.pinhole(q, sigma)
        if not slit_length and not slit_width:
            return pinhole
        return pinhole.after(cls.slit(pinhole.q, slit_length or 0.0, slit_width or 0.0))

    def after(self, inner: Smearing) -> Smearing:
        """Smear by ``inner``, whose nominal q are this one's ``q``, and then by this one."""
        if self.matrix is None or inner.matrix is None:
            return inner if self.matrix is None else self
        return Smearing(inner.q, self.matrix @ inner.matrix)


def _checked(q: Array) -> Array:
    q = np.asarray(q, dtype=float)
    if q.ndim != 1 or not len(q) or not np.all(np.isfinite(q)) or q.min() <= 0:
        raise UsageError("q is not a list of positive numbers", where="smearing", remedy="Leave out points at q <= 0.")
    return q


def _width_of(width: Array | float, q: Array, name: str) -> Array:
    width = np.asarray(width, dtype=float)
    if width.ndim and width.shape != q.shape:
        raise UsageError(
            f"{name} has {width.size} values, q has {q.size}", where="smearing", remedy="Give one width per point."
        )
    return np.broadcast_to(np.nan_to_num(np.maximum(width, 0.0), nan=0.0), q.shape).astype(float)


@lru_cache(maxsize=8)
def _rule(kind: str, points: int) -> tuple[Array, Array]:
    """Gauss rule of a cut Gaussian or of a box: offsets in widths and weights, shape (points,), by Golub & Welsch."""
    x, w = np.polynomial.legendre.leggauss(150)
    if kind == "box":
        x, w = np.polynomial.legendre.leggauss(points)
        return x, w / 2
    low, high = -CUT[0], CUT[1]
    x = (low + high) / 2 + (high - low) / 2 * x
    w = w * np.exp(-(x**2) / 2)
    w /= w.sum()
    before, now, norm = np.zeros_like(x), np.ones_like(x), 1.0
    diagonal, beside = np.zeros(points), np.zeros(points)
    for k in range(points):  # recurrence of the orthogonal polynomials (Stieltjes)
        diagonal[k] = w @ (x * now**2)
        before, now = now, (x - diagonal[k]) * now - norm * before
        norm = float(np.sqrt(w @ now**2))
        beside[k] = norm
        now = now / norm
    offsets, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    return offsets, vectors[0] ** 2


def _around(q: Array, sigma: Array, kind: str) -> Smearing:
    """Average over a window around each q: by points of its own where the window is narrow beside the steps, else by a grid."""
    step = _steps(q)
    ratio = sigma / step
    rows_of: list[Index] = []
    at: list[Array] = []
    weights: list[Array] = []
    for low, high, points in ((-1.0, 0.0, 1), (0.0, 0.1, 3), (0.1, 1.0, 5)):
        rows = np.flatnonzero((ratio <= 0) if points == 1 else (ratio > max(low, 0)) & (ratio < high) & (ratio >= low))
        offsets, parts = _rule(kind, points)
        place = np.zeros(1) if points == 1 else offsets
        at.append(_positive(q[rows, None] + sigma[rows, None] * place, q[rows, None]).ravel())
        weights.append(np.broadcast_to(parts, (len(rows), points)).ravel())
        rows_of.append(np.repeat(rows, points))
    columns = [np.arange(sum(map(len, at)))]
    coarse = np.flatnonzero(ratio >= 1)
    if len(coarse):
        grid = _grid(q[coarse], sigma[coarse], kind)
        offsets, parts = _rule(kind, 34)
        nodes = _positive(q[coarse, None] + sigma[coarse, None] * offsets, q[coarse, None])
        first, local = _near(grid, nodes.ravel())
        columns.append((len(columns[0]) + first[:, None] + np.arange(_NEAR)).ravel())
        weights.append((np.tile(parts, len(coarse))[:, None] * local).ravel())
        rows_of.append(np.repeat(coarse, _NEAR * len(offsets)))
        at.append(grid)
    placed = np.concatenate(columns)
    return _sparse(len(q), np.concatenate(at), np.concatenate(rows_of), placed, np.concatenate(weights))


def _steps(q: Array) -> Array:
    """Distance of each point to the next, shape (n,), the wider of both sides; q in any order."""
    if len(q) == 1:
        return np.full(1, np.inf)
    order = np.argsort(q)
    gaps = np.maximum(np.diff(q[order]), 1e-12 * q.max())
    out = np.empty_like(q)
    out[order] = np.maximum(np.r_[gaps[:1], gaps], np.r_[gaps, gaps[-1:]])
    return out


def _positive(at: Array, q: Array) -> Array:
    """Fold negative q back (the pattern is symmetric) and stay above a part of the nominal q."""
    return np.maximum(np.abs(at), FLOOR * q)


def _grid(q: Array, sigma: Array, kind: str) -> Array:
    """Grid over the windows of q, its step a fifth of the width there, increasing, without what no window needs."""
    order = np.argsort(q)
    q, sigma = q[order], sigma[order]
    below, above = CUT if kind == "gauss" else (1.0, 1.0)
    low = np.maximum(q - below * sigma, FLOOR * q)
    high = np.maximum(q + above * sigma, np.abs(q - below * sigma))
    fine = np.geomspace(low.min(), high.max(), 2000)
    step = np.minimum(np.interp(fine, q, sigma) / _PER_SIGMA, fine / _PER_Q)
    count = np.r_[0.0, np.cumsum(np.diff(fine) * (1 / step[1:] + 1 / step[:-1]) / 2)]
    grid = np.interp(np.linspace(0, count[-1], max(int(np.ceil(count[-1])) + 1, 8)), count, fine)
    started, ended = np.searchsorted(np.sort(low), grid, "right"), np.searchsorted(np.sort(high), grid, "left")
    needed = started > ended
    for shift in range(1, _NEAR // 2 + 1):  # the neighbours that interpolation needs
        needed[shift:] |= needed[:-shift]
        needed[:-shift] |= needed[shift:]
    return np.asarray(grid[needed] if needed.sum() >= 8 else grid)


def _near(grid: Array, x: Array) -> tuple[Index, Array]:
    """Lagrange weights for I of the grid points around each x, interpolating x^2 I: first index (k,), weights (k, 6)."""
    first = np.clip(np.searchsorted(grid, x) - _NEAR // 2, 0, len(grid) - _NEAR)
    nodes = grid[first[:, None] + np.arange(_NEAR)]
    away = x[:, None] - nodes
    out = np.empty_like(nodes)
    for k in range(_NEAR):
        others = [j for j in range(_NEAR) if j != k]
        out[:, k] = (nodes[:, k] / x) ** 2
        for j in others:
            out[:, k] *= away[:, j] / (nodes[:, k] - nodes[:, j])
    return first, out


def _along(q: Array, length: float) -> Smearing:
    """Average along a slit of half length ``length``: points of its own where q hardly changes along it, else by a grid."""
    narrow = np.hypot(q, length) - q < _steps(q)
    rows, wide = np.flatnonzero(narrow), np.flatnonzero(~narrow)
    t, parts = np.polynomial.legendre.leggauss(5)
    own = np.hypot(q[rows, None], length * (1 + t) / 2).ravel()
    grid, weights = _parabolas(q[wide], length, _steps(q)[wide]) if len(wide) else (np.zeros(0), np.zeros((0, 0)))
    if not len(rows):
        return Smearing(grid, weights)
    at, column = np.nonzero(weights)
    return _sparse(
        len(q),
        np.concatenate([own, grid]),
        np.concatenate([np.repeat(rows, 5), wide[at]]),
        np.concatenate([np.arange(len(own)), len(own) + column]),
        np.concatenate([np.tile(parts / 2, len(rows)), weights[at, column]]),
    )


def _sparse(n: int, where: Array, rows: Index, columns: Index, weights: Array) -> Smearing:
    """Smearing of n points from weights at rows and columns, those at the same place added; columns are points ``where``."""
    from scipy.sparse import coo_matrix

    order = np.argsort(where, kind="stable")
    place_of = np.empty(len(where), dtype=np.int64)
    place_of[order] = np.arange(len(where))
    return Smearing(where[order], coo_matrix((weights, (rows, place_of[columns])), shape=(n, len(where))).tocsr())


def _parabolas(q: Array, length: float, steps: Array) -> tuple[Array, Array]:
    """Grid of q, shape (m,), and weights (n, m) of the mean along a slit: parabolas of I in q^2, exactly integrated over u."""
    far = float(np.hypot(q.max(), length))
    order = np.argsort(q)
    fine = np.geomspace(q.min(), far, 2000)
    step = np.interp(fine, q[order], np.minimum(steps, q)[order]) / 3
    step = np.clip(step * np.maximum(fine / q.max(), 1.0) ** 2, 0.003 * fine, 0.03 * fine)  # coarser beyond the data
    count = np.r_[0.0, np.cumsum(np.diff(fine) * (1 / step[1:] + 1 / step[:-1]) / 2)]
    pairs = max(int(np.ceil(count[-1] / 2)), 2)
    grid = np.interp(np.linspace(0, count[-1], 2 * pairs + 1), count, fine)
    grid[0], grid[-1] = q.min(), far
    matrix = np.zeros((len(q), len(grid)))
    for rows in np.array_split(order, max(len(q) // 24, 1)):  # blocks that stay in the cache, without what lies below their q
        first = 2 * max((int(np.searchsorted(grid, q[rows].min())) - 1) // 2, 0)
        matrix[rows, first:] = _moments(q[rows], grid[first:] ** 2, length)
    return grid, matrix / length


def _moments(q: Array, y: Array, length: float) -> Array:
    """Integrals over u of the parabolas through pairs of intervals of y = q^2, as weights, shape (n, m)."""
    a, b, c = y[:-2:2], y[1::2], y[2::2]
    square = np.clip(y[None, ::2] - q[:, None] ** 2, 0.0, length**2)
    power = np.sqrt(square)
    first = np.diff(power)
    third = np.diff(np.multiply(power, square, out=power)) / 3
    fifth = np.diff(np.multiply(power, square, out=power)) / 5
    middle = b - q[:, None] ** 2  # y - b = u^2 - middle
    linear = third - middle * first
    parabola = fifth - middle * (third + linear)
    out = np.zeros((len(q), len(y)))
    out[:, :-2:2] = (parabola - (c - b) * linear) / ((a - b) * (a - c))
    out[:, 1::2] = (parabola - (a - b + c - b) * linear + (a - b) * (c - b) * first) / ((b - a) * (b - c))
    out[:, 2::2] += (parabola - (a - b) * linear) / ((c - a) * (c - b))
    return out
