r"""Integrals of a curve: the invariant and what follows from it, with the parts that were not measured.

.. math::
    Q = \int_0^\infty q^2 (I - b)\, dq = 2 \pi^2 \phi (1 - \phi) \Delta\rho^2

(Porod, Kolloid-Z. 124, 83 (1951), doi:10.1007/BF01512792), the Porod volume V = 2 pi^2 I(0) / Q, the correlation length
l = pi int q (I - b) dq / Q, the volume of correlation V_c = I(0) / int q (I - b) dq (Rambo & Tainer, Nature 496, 477 (2013),
doi:10.1038/nature12070), and the surface to volume ratio of the particles pi K / Q, which needs no absolute scale.

Below the first point the curve is continued by Guinier's law, or by a constant where there is none; beyond the last by the
power law where there is a clear one, else by q^-4 and a background fitted to the last factor of 2 in q. What these add is
uncertain by a half of itself where the law is only assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.physics.small_angle.curves.guinier import Guinier
from whorl.physics.small_angle.curves.porod import Porod, tail
from whorl.physics.small_angle.curves.uncertain import Absent, Uncertain

Array = NDArray[np.float64]

#: from the invariant, 1/cm angstrom^-3, to (1e-6 angstrom^-2)^2
TO_CONTRAST = 1e4
_ASSUMED = 0.5
#: exponents below are those of masses, which go on beyond the curve as they are; uncertainty of one that says little
_MASS, _VAGUE = 3.3, 0.3


@dataclass(frozen=True)
class Invariants:
    """Integrals over a curve.

    Attributes
    ----------
    invariant : Uncertain
        Q, in the unit of the intensity times angstrom^-3.
    first : Uncertain
        int q (I - b) dq, times angstrom^-2.
    low_share, high_share : float
        Shares of Q below the first and beyond the last point.
    background : float
    """

    invariant: Uncertain
    first: Uncertain
    low_share: float
    high_share: float
    background: float


def invariants(
    q: Array, intensity: Array, sigma: Array, *, guinier: Guinier | None = None, porod: Porod | None = None
) -> Invariants:
    """Integrate a curve, continued on both sides.

    Parameters
    ----------
    q, intensity, sigma : array, shape (n,)
    guinier : Guinier, optional
        Continues the curve to q = 0, and replaces an upturn at low q.
    porod : Porod, optional
        Continues it to high q, and gives the background.

    Raises
    ------
    Absent
        If the integral is not positive by more than its noise.

    Examples
    --------
    >>> q = np.geomspace(0.002, 0.6, 600)
    >>> x = q * 60
    >>> curve = 100 * 9 * (np.sin(x) - x * np.cos(x)) ** 2 / x**6
    >>> found = invariants(q, curve, 0.01 * curve)
    >>> bool(abs(2 * np.pi**2 * 100 / found.invariant.value / (4 / 3 * np.pi * 60**3) - 1) < 0.05)
    True
    """
    power, constant, b = _continued(q, intensity, sigma, porod)
    begin = guinier.first if guinier is not None and (guinier.skipped or guinier.upturn) else 0
    clean = intensity
    if guinier is not None and guinier.upturn:
        replaced = slice(0, guinier.last + 1)
        clean = np.concatenate([guinier.law(q[replaced]), intensity[guinier.last + 1 :]])
    q, y, s = q[begin:], clean[begin:] - b.value, sigma[begin:]
    totals = []
    for k in (2, 1):
        w = _trapezoid(q) * q**k
        measured = Uncertain(float(w @ y), float(np.sqrt(w**2 @ s**2)))
        by_background = (float(q[-1]) ** (k + 1)) / (k + 1) * b.sigma
        low = _low(float(q[0]), float(y[0]), k, guinier)
        high = _high(float(q[-1]), k, power, constant)
        value = measured.value + low.value + high.value
        doubt = float(np.sqrt(measured.sigma**2 + by_background**2 + low.sigma**2 + high.sigma**2))
        if guinier is not None and guinier.upturn:
            doubt = float(np.hypot(doubt, abs(float(w @ (intensity[begin:] - clean[begin:])))))
        totals.append((Uncertain(value, doubt), low.value, high.value))
    (invariant, low_part, high_part), (first, _, _) = totals
    if not invariant.value > 2 * invariant.sigma:
        raise Absent(
            "the invariant is not known: its integral is no larger than its uncertainty (background, or too short a curve)"
        )
    return Invariants(invariant, first, low_part / invariant.value, high_part / invariant.value, b.value)


def _continued(q: Array, intensity: Array, sigma: Array, porod: Porod | None) -> tuple[float, Uncertain, Uncertain]:
    """Exponent and constant of the law beyond the last point, and the background."""
    if porod is not None and abs(porod.exponent.value - 4) < 2 * porod.exponent.sigma + 0.1 and porod.exponent.sigma < _VAGUE:
        return 4.0, porod.fourth, porod.fourth_background
    if porod is not None and porod.exponent.value < _MASS and porod.exponent.sigma < _VAGUE:
        return porod.exponent.value, porod.constant, porod.background
    constant, b = tail(q, intensity, sigma)
    other = b.value if porod is None else porod.background.value
    return 4.0, constant.widened(_ASSUMED * constant.value), b.widened(0.5 * (other - b.value))


def _trapezoid(q: Array) -> Array:
    """Weights of the trapezoidal rule, shape (n,)."""
    step = np.diff(q)
    w = np.zeros(q.size)
    w[:-1] += step / 2
    w[1:] += step / 2
    return w


def _low(q: float, y: float, k: int, guinier: Guinier | None) -> Uncertain:
    if guinier is None:
        flat = y * q ** (k + 1) / (k + 1)
        return Uncertain(flat, _ASSUMED * abs(flat))
    x = np.linspace(0, q, 65)[1:]
    value = float(np.sum(guinier.law(x) * x**k) * (x[1] - x[0])) - 0.5 * float(guinier.law(x[-1:])[0] * q**k * (x[1] - x[0]))
    return Uncertain(value, abs(value) * guinier.i0.sigma / guinier.i0.value)


def _high(q: float, k: int, power: float, constant: Uncertain) -> Uncertain:
    if power <= k + 1.05:
        return Uncertain(0.0, 0.0)
    value = constant.times(q ** (k + 1 - power) / (power - k - 1))
    return value.widened(_ASSUMED * abs(value.value) if power != 4.0 else 0.1 * abs(value.value))


def porod_volume(i0: Uncertain, found: Invariants) -> Uncertain:
    """Give 2 pi^2 I(0) / Q, angstrom^3."""
    value = 2 * np.pi**2 * i0.value / found.invariant.value
    relative = np.hypot(i0.sigma / i0.value, found.invariant.sigma / found.invariant.value)
    return Uncertain(float(value), float(abs(value) * relative))


def correlation_length(found: Invariants) -> Uncertain:
    """Give pi int q (I - b) dq / Q, angstrom."""
    value = np.pi * found.first.value / found.invariant.value
    relative = np.hypot(found.first.sigma / found.first.value, found.invariant.sigma / found.invariant.value)
    return Uncertain(float(value), float(abs(value) * relative))


def correlation_volume(i0: Uncertain, found: Invariants) -> Uncertain:
    """Give I(0) / int q (I - b) dq, angstrom^2."""
    value = i0.value / found.first.value
    return Uncertain(value, abs(value) * float(np.hypot(i0.sigma / i0.value, found.first.sigma / found.first.value)))


def surface_to_volume(found: Invariants, porod: Porod) -> Uncertain:
    """Give pi K / Q, of two phases with sharp interfaces (1 - phi) times surface over volume of the particles; 1/angstrom."""
    value = np.pi * porod.fourth.value / found.invariant.value
    relative = np.hypot(porod.fourth.sigma / porod.fourth.value, found.invariant.sigma / found.invariant.value)
    return Uncertain(float(value), float(abs(value) * relative))


def volume_fraction(found: Invariants, contrast: float) -> Uncertain:
    """Volume fraction of the minority phase, of a curve in 1/cm and a contrast in 1e-6/angstrom^2.

    Raises
    ------
    Absent
        If no fraction gives this invariant.

    Examples
    --------
    >>> phi, contrast = 0.2, 3.0
    >>> q = 2 * np.pi**2 * phi * (1 - phi) * contrast**2 / TO_CONTRAST
    >>> round(volume_fraction(Invariants(Uncertain(q, 0.0), Uncertain(1.0, 0.0), 0.0, 0.0, 0.0), contrast).value, 6)
    0.2
    """
    product = found.invariant.times(TO_CONTRAST / (2 * np.pi**2 * contrast**2))
    if product.value > 0.25:
        raise Absent(f"phi (1 - phi) would be {product.value:.3g}, above 1/4: the contrast or the absolute scale is wrong")
    value = 0.5 - (0.25 - product.value) ** 0.5
    return Uncertain(value, product.sigma / max(1 - 2 * value, 1e-3))
