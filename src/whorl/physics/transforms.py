r"""Sine transforms between r and Q, band limits included.

Conventions of this package (reduced total scattering, as in Farrow & Billinge, Acta Cryst. A 65, 232 (2009),
doi:10.1107/S0108767309009714):

.. math::
    F(Q) = Q\,[S(Q) - 1] = \int_0^\infty G(r) \sin(Qr)\,dr, \qquad
    G(r) = \frac{2}{\pi} \int_{Q_{min}}^{Q_{max}} F(Q) \sin(Qr)\,dQ .

Both are computed as type-I discrete sine transforms on r_n = n dr and Q_k = k pi / (N dr), n, k = 1 ... N-1. A signal sampled
at dQ repeats with the period 2 N dr in r; what leaks in from the first image is the termination ripple of the last peaks, of
relative size 1e-3 when N dr exceeds the range of interest by a third.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dst, next_fast_len

Array = NDArray[np.float64]


def band_weights(q: Array, qmin: float, qmax: float) -> Array:
    """Quadrature weights (in units of the step) of the integral over qmin..qmax on the uniform grid ``q``.

    The integrand is taken as linear inside each cell, so an edge that falls between two nodes is shared between them.

    Parameters
    ----------
    q : array, shape (n,)
        Uniform grid that starts one step above 0 (1/angstrom); the node at 0 carries F = 0.
    qmin, qmax : float
        Band (1/angstrom).

    Returns
    -------
    array, shape (n,)
        Weights; their sum times the step is qmax - qmin, short of what falls outside the grid.

    Examples
    --------
    >>> q = np.arange(1, 101) * 0.1
    >>> round(float(band_weights(q, 1.03, 5.27).sum() * 0.1), 12)
    4.24
    """
    step = q[1] - q[0]
    return _ramp_integral((qmax - q) / step) - _ramp_integral((qmin - q) / step)


def _ramp_integral(t: Array) -> Array:
    """Integral of the hat function of half width 1 from -infinity to t."""
    t = np.clip(t, -1.0, 1.0)
    return np.where(t < 0, 0.5 * (1 + t) ** 2, 1.0 - 0.5 * (1 - t) ** 2)


def fast_length(n: int) -> int:
    """Smallest length >= n that transforms fast: a power of two when one lies within 4 %.

    Examples
    --------
    >>> fast_length(4000), fast_length(3001)
    (4096, 3072)
    """
    power = 1 << (n - 1).bit_length()
    if power <= 1.04 * n:
        return power
    return int(next_fast_len(n, real=True))


@dataclass(frozen=True)
class SineGrid:
    """A uniform r grid and its conjugate Q grid.

    Parameters
    ----------
    dr : float
        Step in r (angstrom).
    n : int
        Number of intervals: r runs over n-1 interior points dr ... (n-1) dr, Q over as many steps of pi / (n dr).

    Examples
    --------
    >>> grid = SineGrid.covering(30.0, 0.02)
    >>> grid.length >= 40, abs(grid.dq - np.pi / grid.length) < 1e-15
    (True, True)
    """

    dr: float
    n: int

    @classmethod
    def covering(cls, r_max: float, dr: float, *, margin: float = 1.34) -> SineGrid:
        """Choose a grid that covers ``r_max`` with room for the first image, at a length fast to transform."""
        return cls(dr, fast_length(int(np.ceil(r_max * margin / dr))))

    @property
    def length(self) -> float:
        """Extent n dr (angstrom)."""
        return self.n * self.dr

    @property
    def dq(self) -> float:
        """Step in Q (1/angstrom)."""
        return float(np.pi / self.length)

    @cached_property
    def r(self) -> Array:
        """Interior r points, shape (n-1,), angstrom."""
        return np.arange(1, self.n, dtype=np.float64) * self.dr

    @cached_property
    def q(self) -> Array:
        """Interior Q points, shape (n-1,), 1/angstrom."""
        return np.arange(1, self.n, dtype=np.float64) * self.dq

    def to_q(self, g: Array) -> Array:
        """F(Q) of G(r) by the trapezoid rule; last axis of shape (n-1,)."""
        return np.asarray(dst(g, type=1, axis=-1) * (0.5 * self.dr))

    def to_r(self, f: Array) -> Array:
        """G(r) of F(Q), all Q of the grid; last axis of shape (n-1,)."""
        return np.asarray(dst(f, type=1, axis=-1) * (self.dq / np.pi))

    def band(self, qmin: float, qmax: float | None) -> Array:
        """Weights of the band qmin..qmax on this grid's Q, shape (n-1,); ``None`` or 0 leaves the upper end open."""
        top = qmax or 2 * float(self.q[-1])
        return band_weights(self.q, qmin, top)


def interpolation(x: Array, x0: float, step: float, n: int) -> tuple[NDArray[np.int64], Array]:
    """Six-point Lagrange interpolation from a uniform grid: first node and six weights for each x.

    For a signal band-limited to Q the error is below 5e-3 (Q step)^6, 1e-4 at Q = 25/angstrom and a step of 0.02 angstrom.

    Parameters
    ----------
    x : array, shape (m,)
        Points wanted, inside the grid.
    x0, step : float
        First node and step of the grid.
    n : int
        Number of nodes.

    Returns
    -------
    first : int array, shape (m,)
    weights : array, shape (m, 6)

    Examples
    --------
    >>> first, w = interpolation(np.array([0.5]), 0.0, 0.02, 100)
    >>> nodes = (first[0] + np.arange(6)) * 0.02
    >>> bool(abs(w[0] @ np.sin(10 * nodes) - np.sin(5.0)) < 1e-6)
    True
    """
    t = (np.asarray(x, dtype=np.float64) - x0) / step
    first = np.clip(np.floor(t).astype(np.int64) - 2, 0, n - 6)
    u = t - first
    weights = np.ones((t.size, 6))
    for j in range(6):
        for k in range(6):
            if k != j:
                weights[:, j] *= (u - k) / (j - k)
    return first, weights
