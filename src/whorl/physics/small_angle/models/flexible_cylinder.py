r"""Worm-like chain with excluded volume and a round cross-section: micelles, polymers, fibrils that bend.

I(q) = V (rho - rho_s)^2 [2 J_1(q R) / (q R)]^2 S(q; L, b) for a contour length L and a Kuhn length b (twice the persistence
length). S is method 3 with excluded volume of Pedersen & Schurtenberger (Macromolecules 29, 7602 (1996),
doi:10.1021/ma9607630), an interpolation of simulated chains, as corrected by Chen, Butler & Magid (Langmuir 22, 6539 (2006),
doi:10.1021/la0530440):

* L > 4 b: up to q b = 3.1 the Debye function of the swollen chain goes over into a series in (q R_g)^{-1/0.585}; beyond,
  a_1 (q b)^{-4.12} + a_2 (q b)^{-4.42} + pi / (q L), whose a_1 and a_2 continue value and slope;
* shorter chains: the Debye function of the short chain, continued at q b = max(1.9 b / R_g, 3) with powers 5.36 and 5.62.
  (sasmodels 1.1.0 takes the first number as 1.9 / R_g, with R_g in angstrom, and leaves this curve where L < 3 b.)

The interpolation jumps by a few per cent at L = 4 b and at L = 10 b.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import j1

from whorl.physics.small_angle.averages import TO_CM, Size, as_sizes
from whorl.physics.small_angle.model import Model
from whorl.physics.small_angle.models.gauss_coil import debye
from whorl.physics.small_angle.models.parts import density, length, solvent
from whorl.physics.small_angle.models.rows import extent

Array = NDArray[np.float64]

_STEP = 1e-30  # of the imaginary part that gives derivatives


def _rg2(ratio: float, b: float) -> float:
    """Mean square radius of gyration of a long swollen chain of L / b = ratio."""
    return float((1 + (ratio / 3.12) ** 2 + (ratio / 8.67) ** 3) ** (0.176 / 3) * ratio * b**2 / 6)


def _rg2_short(ratio: float, b: float) -> float:
    """The same with the ends of a stiff chain."""
    t = 2 * ratio
    if t < 0.1:  # a series, where the differences below lose their digits
        return float(_rg2(ratio, b) * t / 4 * (1 - t / 5 * (1 - t / 6 * (1 - t / 7))))
    return float(_rg2(ratio, b) * (1 - 3 / t + 6 / t**2 + 6 / t**3 * np.expm1(-t)))


def _continued(y: Array, low: Callable[[Array], Array], at: float, powers: tuple[float, float], ratio: float) -> Array:
    """Powers of y = q b beyond ``at`` that meet a function in value and slope, beside the rod's pi / (q L)."""
    there = low(np.array([at + 1j * _STEP]))[0] - np.pi / (at + 1j * _STEP) / ratio
    value, slope = there.real, there.imag / _STEP
    p, r = powers
    second = (at * slope + p * value) / (p - r)
    return np.asarray((value - second) * (at / y) ** p + second * (at / y) ** r + np.pi / (y * ratio))


def _long(y: Array, ratio: float, *, guarded: bool) -> Array:
    """Below q b = 3.1, for L > 4 b; y = q b, real or complex. Guarded: without the series where it would rise."""
    swollen = _rg2(ratio, 1.0)

    def parts(y: Array) -> tuple[Array, Array]:
        x = y * np.sqrt(swollen)
        weight = (1 + np.tanh((x - 1.523) / 0.1477)) / 2
        z = x ** (-1 / 0.585)
        return debye(x**2) * (1 - weight), weight * z * (1.22 + z * (0.4288 - 1.651 * z))

    chain, series = parts(y)
    x2 = y**2 * swollen
    factor = 3.06 * ratio**-0.44 if ratio > 10 else 1.0
    stiff = factor / ratio * (4 - np.exp(-x2) * (11 + 7 / x2) + 7 / x2) / 15
    if guarded:
        ahead = np.add(*parts(1.05 * y))
        series = np.where(ahead < chain + series, series, 0.0)
    return np.asarray(stiff + chain + series)


def worm(q: Array, length: float, kuhn_length: float) -> Array:
    """Form factor of an infinitely thin chain, shape (n,), 1 at q = 0; lengths in angstrom."""
    ratio = length / kuhn_length
    y = np.maximum(q * kuhn_length, 1e-4 * min(1.0, 1 / ratio))
    if ratio > 4:
        out = _long(np.minimum(y, 3.1), ratio, guarded=True)
        far = y > 3.1
        out[far] = _continued(y[far], lambda y: _long(y, ratio, guarded=False), 3.1, (4.12, 4.42), ratio)
        return out
    short = _rg2_short(ratio, 1.0)
    at = max(1.9 / np.sqrt(short), 3.0)
    out = debye(np.minimum(y, at) ** 2 * short)
    far = y > at
    out[far] = _continued(y[far], lambda y: debye(y**2 * short), at, (5.36, 5.62), ratio)
    return out


def flexible_cylinder(q: Array, length: float, kuhn_length: float, radius: Size, sld: float, sld_solvent: float) -> Array:
    """Intensity at a volume fraction of 1, 1/cm.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, positive.
    length, kuhn_length : float
        Contour length and Kuhn length, angstrom.
    radius : float or Sizes
        Of the cross-section, angstrom; several radii add their intensities by number weights, as in sasmodels.
    sld, sld_solvent : float
        1e-6/angstrom^2.

    Examples
    --------
    >>> flexible_cylinder(np.array([0.001]), 1000.0, 100.0, 20.0, 1.0, 6.3).round(2)
    array([3509.22])
    """
    sizes = as_sizes(radius)
    x = np.maximum(np.outer(q, sizes.values), 1e-6)
    section = (2 * j1(x) / x) ** 2 @ (sizes.weights * sizes.values**2)
    return np.asarray(TO_CM * np.pi * length * (sld - sld_solvent) ** 2 * section * worm(q, length, kuhn_length))


MODEL = Model(
    "flexible_cylinder",
    "worm-like chain",
    "chain",
    flexible_cylinder,
    (
        density("sld", 1.0, (0.5, 8), "of the chain"),
        solvent(6.3),
        length("radius", 20.0, (4, 200), "of the cross-section"),
        extent("kuhn_length", 100.0, (20, 3000), "twice the persistence length", within=("radius", 2.0, 200.0)),
        extent("length", 1000.0, (100, 30000), "along the contour", within=("kuhn_length", 3.0, 300.0)),
    ),
    "Pedersen & Schurtenberger, Macromolecules 29, 7602 (1996), doi:10.1021/ma9607630; "
    "Chen, Butler & Magid, Langmuir 22, 6539 (2006), doi:10.1021/la0530440",
    particle=False,
)
