"""Scatterers placed at random, evenly over the volume of a part: a spherical shell, a tube, an ellipsoid; and closed forms.

The amplitude of a part is that of its scatterers on average, divided by their number: 1 at q = 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.scatterers.mixture import sphere_form

Array = NDArray[np.float64]


def in_shell(rng: np.random.Generator, count: int, inner: float, outer: float) -> Array:
    """Points between two concentric spheres, shape (count, 3).

    Examples
    --------
    >>> r = np.linalg.norm(in_shell(np.random.default_rng(1), 100, 20.0, 30.0), axis=1)
    >>> bool(r.min() >= 20), bool(r.max() <= 30)
    (True, True)
    """
    direction = rng.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    return np.asarray(direction * np.cbrt(rng.uniform(inner**3, outer**3, count))[:, None])


def in_tube(rng: np.random.Generator, count: int, inner: float, outer: float, length: float) -> Array:
    """Points between two coaxial cylinders along z, centred, shape (count, 3)."""
    radius = np.sqrt(rng.uniform(inner**2, outer**2, count))
    angle = rng.uniform(0, 2 * np.pi, count)
    z = rng.uniform(-0.5, 0.5, count) * length
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), z])


def in_ellipsoid(rng: np.random.Generator, count: int, equatorial: float, polar: float) -> Array:
    """Points in an ellipsoid of revolution about z, shape (count, 3)."""
    return np.asarray(in_shell(rng, count, 0.0, 1.0) * np.array([equatorial, equatorial, polar]))


def shell_amplitude(q: Array, inner: Array, outer: Array) -> Array:
    """Mean amplitude of spherical shells of radii (k,), at q (m,): shape (k, m).

    Examples
    --------
    >>> shell_amplitude(np.array([1e-6]), np.array([10.0]), np.array([20.0])).round(9)
    array([[1.]])
    """
    inner, outer = np.atleast_1d(inner), np.atleast_1d(outer)
    a, b = inner[:, None] ** 3, outer[:, None] ** 3
    whole = b * sphere_form(np.outer(outer, q)) - a * sphere_form(np.outer(inner, q))
    return np.asarray(whole / np.maximum(b - a, 1e-300))


def disk_form(x: Array) -> Array:
    """Amplitude of a disk in its plane over its area, 2 J1(x) / x, for x = qR.

    Examples
    --------
    >>> bool(np.allclose(disk_form(np.array([0.0, 3.831705970207512])), [1, 0], atol=1e-12))
    True
    """
    from scipy.special import j1

    x = np.asarray(x, dtype=np.float64)
    safe = np.where(x < 1e-6, 1.0, x)
    return np.asarray(np.where(x < 1e-6, 1 - x**2 / 8, 2 * j1(safe) / safe))


def ring_amplitude(q: Array, inner: Array, outer: Array) -> Array:
    """Mean amplitude of the cross-sections of tubes of radii (k,), at q (m,) across the axis: shape (k, m)."""
    inner, outer = np.atleast_1d(inner), np.atleast_1d(outer)
    a, b = inner[:, None] ** 2, outer[:, None] ** 2
    whole = b * disk_form(np.outer(outer, q)) - a * disk_form(np.outer(inner, q))
    return np.asarray(whole / np.maximum(b - a, 1e-300))


def rod_factor(q: Array, length: float) -> Array:
    """Orientation average of a thin rod, P(q) = 2 Si(qL)/(qL) - sinc^2(qL/2), shape (m,) (Neugebauer, 1943).

    Times the square of the amplitude of a cross-section of radius R it is the intensity of a cylinder of length L, too low by
    less than 0.5 R/L of it down to a twentieth of I(0), and by more near the minima of the cross-section
    (T. Neugebauer, Ann. Phys. 434, 509 (1943), doi:10.1002/andp.19434340802).

    Examples
    --------
    >>> rod_factor(np.array([1e-6]), 100.0).round(9)
    array([1.])
    """
    from scipy.special import sici

    x = np.maximum(np.asarray(q) * length, 1e-9)
    return np.asarray(2 * sici(x)[0] / x - np.sinc(x / (2 * np.pi)) ** 2)
