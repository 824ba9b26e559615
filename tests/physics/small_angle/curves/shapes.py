"""Curves of particles whose sizes are known in closed form, and noise as counting makes it."""

from __future__ import annotations

import numpy as np
from scipy.special import j1


def amplitude(x):
    """Amplitude of a sphere."""
    return 3 * (np.sin(x) - x * np.cos(x)) / x**3


def sphere(q, radius=50.0):
    """I / I(0) and Rg."""
    return amplitude(q * radius) ** 2, radius * 0.6**0.5


def shell(q, radius=40.0):
    """Thin shell."""
    return (np.sin(q * radius) / (q * radius)) ** 2, radius


def chain(q, rg=45.0):
    """Gaussian chain (Debye)."""
    u = (q * rg) ** 2
    return 2 * (np.expm1(-u) + u) / u**2, rg


def ellipsoid(q, radius=30.0, aspect=2.0):
    """Ellipsoid of revolution."""
    mu, weight = np.polynomial.legendre.leggauss(48)
    mu, weight = (mu + 1) / 2, weight / 2
    r = radius * np.sqrt((1 - mu**2) + aspect**2 * mu**2)
    return amplitude(np.outer(q, r)) ** 2 @ weight, radius * np.sqrt((2 + aspect**2) / 5)


def cylinder(q, radius=14.0, half=40.0):
    """Cylinder."""
    mu, weight = np.polynomial.legendre.leggauss(64)
    mu, weight = (mu + 1) / 2, weight / 2
    across = np.outer(q, np.sqrt(1 - mu**2) * radius)
    along = np.sinc(np.outer(q, mu * half) / np.pi)
    return ((2 * j1(across) / across) ** 2 * along**2) @ weight, np.sqrt(radius**2 / 2 + (2 * half) ** 2 / 12)


SHAPES = {"sphere": sphere, "shell": shell, "chain": chain, "ellipsoid": ellipsoid, "cylinder": cylinder}


def sigma_of(curve, level=0.01):
    """Uncertainties of a curve of I(0) = 1: counts and what the background adds."""
    return level * np.sqrt(np.maximum(curve, 0)) + 0.02 * level + 0.002 * curve


def spread_spheres(q, mean, width, count=41):
    """Intensity of spheres of a Gaussian number distribution over I(0), its Rg, mean volume and surface over volume."""
    s = np.linspace(1 - 3 * width, 1 + 3 * width, count)
    n = np.exp(-0.5 * ((s - 1) / width) ** 2)
    r = mean * s
    curve = (amplitude(np.outer(q, r)) ** 2 * r**6) @ n / (n @ r**6)
    return curve, np.sqrt(0.6 * (n @ r**8) / (n @ r**6)), 4 / 3 * np.pi * (n @ r**6) / (n @ r**3), 3 * (n @ r**2) / (n @ r**3)


def lognormal(mean, relative, x):
    """Density over ln R of a log-normal distribution with a mean and a relative standard deviation."""
    s2 = np.log1p(relative**2)
    return np.exp(-((x - np.log(mean) + s2 / 2) ** 2) / (2 * s2)) / np.sqrt(2 * np.pi * s2)
