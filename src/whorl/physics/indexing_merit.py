r"""Figures of merit of lines calculated for observed ones, and how far an observed line is to be trusted.

The figures are those of de Wolff (J. Appl. Cryst. 1, 108 (1968), doi:10.1107/S002188986800508X) and of Smith & Snyder (J. Appl.
Cryst. 12, 60 (1979), doi:10.1107/S002188987901178X),

.. math::
    M_n = \frac{Q_n}{2 \langle |\Delta Q| \rangle N_n}, \qquad F_n = \frac{1}{\langle |\Delta 2\theta| \rangle} \frac{n}{N_n},

with N_n the number of lines that the lattice, with its centring, allows up to the n-th observed one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_HALF_DEGREE = np.pi / 360.0


def doubt_of(intensity: Array) -> Array:
    """Probability that a peak belongs to another phase or another wavelength, from its intensity relative to the strongest.

    A rule of thumb: 2 % for peaks above a tenth of the strongest, in inverse proportion to the intensity below, 60 % at most.

    Examples
    --------
    >>> doubt_of(np.array([200.0, 10.0, 2.0, 0.2])).round(2)
    array([0.02, 0.04, 0.2 , 0.6 ])
    """
    relative = np.asarray(intensity, dtype=np.float64) / max(float(np.max(intensity, initial=0.0)), 1e-300)
    return np.asarray(np.clip(0.002 / np.maximum(relative, 1e-6), 0.02, 0.6), dtype=np.float64)


def q_of(two_theta: Array, wavelength: float) -> Array:
    """Q = 1/d^2 (1/angstrom^2) of angles in degree.

    Examples
    --------
    >>> q_of(np.array([60.0]), 1.0).round(6)
    array([1.])
    """
    return np.asarray((2.0 * np.sin(np.asarray(two_theta) * _HALF_DEGREE) / wavelength) ** 2, dtype=np.float64)


def slope_of(two_theta: Array, wavelength: float) -> Array:
    """Derivative of Q by two-theta, 1/angstrom^2 per degree."""
    return np.asarray(4.0 / wavelength**2 * np.sin(np.asarray(two_theta) * 2.0 * _HALF_DEGREE) * _HALF_DEGREE)


def merits(two_theta: Array, wavelength: float, lines: Array, *, tolerance: float) -> tuple[float, float, NDArray[np.bool_]]:
    """Figures of merit M_n and F_n of calculated lines for observed angles.

    Parameters
    ----------
    two_theta : array, shape (n,)
        Observed, degree, increasing.
    wavelength : float
        angstrom.
    lines : array, shape (N,)
        Calculated Q up to the last observed line, increasing, 1/angstrom^2.
    tolerance : float
        Largest deviation of an indexed line, degree. Lines that are not indexed do not count.

    Returns
    -------
    merit, figure : float
    indexed : array of bool, shape (n,)

    Examples
    --------
    >>> lines = 0.03 * np.arange(1, 6)
    >>> angles = np.degrees(2 * np.arcsin(1.54 / 2 * np.sqrt(lines * np.array([1.001, 0.999, 1.001, 0.999, 1.001]))))
    >>> m, f, indexed = merits(angles, 1.54, lines, tolerance=0.1)
    >>> round(m), int(indexed.sum())  # 0.15 / (2 * 9e-5 * 5)
    (167, 5)
    """
    q, slope = q_of(two_theta, wavelength), slope_of(two_theta, wavelength)
    if lines.size == 0:
        return 0.0, 0.0, np.zeros(q.size, dtype=bool)
    off = deviations(q, lines)
    indexed = np.abs(off) <= tolerance * slope
    if not indexed.any():
        return 0.0, 0.0, indexed
    count = max(int(np.sum(lines <= q[-1] + tolerance * slope[-1])), 1)
    error = max(float(np.mean(np.abs(off[indexed]))), 1e-9)
    angle = max(float(np.mean(np.abs(off[indexed] / slope[indexed]))), 1e-6)
    return float(q[-1] / (2.0 * error * count)), float(indexed.sum() / (angle * count)), indexed


def deviations(q: Array, lines: Array) -> Array:
    """Difference of each Q (n,) from the nearest of some lines (N,), which increase; 1/angstrom^2."""
    place = np.searchsorted(lines, q)
    below, above = lines[np.maximum(place - 1, 0)], lines[np.minimum(place, lines.size - 1)]
    return np.where(np.abs(q - below) < np.abs(q - above), q - below, q - above)
