r"""Peak shapes of powder patterns, summed over reflections, with derivatives.

The shape is the pseudo-Voigt of Thompson, Cox & Hastings (J. Appl. Cryst. 20, 79 (1987), doi:10.1107/S0021889887087090):
Gaussian and Lorentzian widths g and l (full widths at half maximum) give the width H and the Lorentzian share eta,

.. math::
    H^5 = g^5 + 2.69269 g^4 l + 2.42843 g^3 l^2 + 4.47163 g^2 l^3 + 0.07842 g l^4 + l^5, \quad
    \eta = 1.36603 \tfrac{l}{H} - 0.47719 \tfrac{l^2}{H^2} + 0.11116 \tfrac{l^3}{H^3}

Axial divergence (Finger, Cox & Jephcoat, J. Appl. Cryst. 27, 892 (1994), doi:10.1107/S0021889894004218) spreads a peak to the
low angles of cos(2 phi) = cos(2 theta) sqrt(1 + h^2), with h the height over the radius L, from 0 to (S + H)/L. In that
variable the weight of the paper's eq. 12 has no singularity, W(h) / ((1 + h^2) sin 2 phi), W being 2 min(S, H) up to |S - H|
and S + H - h beyond, and a few Gauss-Legendre points make one peak a handful of symmetrical ones.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: half the range of a Lorentzian peak, in full widths, when it is the highest of the pattern, and the least range of any
_REACH, _LEAST_REACH = 30.0, 4.0
_GAUSS = 4 * np.log(2.0)
_GAUSS_REACH = 3.3  # full widths beyond which a Gaussian is below 1e-13


@njit(cache=True, nogil=True, inline="always")
def _width(g, l):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """H, eta and their derivatives with respect to g and l."""
    g2, l2 = g * g, l * l
    g3, l3 = g2 * g, l2 * l
    g4, l4 = g3 * g, l3 * l
    fifth = g4 * g + 2.69269 * g4 * l + 2.42843 * g3 * l2 + 4.47163 * g2 * l3 + 0.07842 * g * l4 + l4 * l
    h = fifth**0.2
    slope = 0.2 * h / fifth
    h_g = slope * (5 * g4 + 4 * 2.69269 * g3 * l + 3 * 2.42843 * g2 * l2 + 2 * 4.47163 * g * l3 + 0.07842 * l4)
    h_l = slope * (2.69269 * g4 + 2 * 2.42843 * g3 * l + 3 * 4.47163 * g2 * l2 + 4 * 0.07842 * g * l3 + 5 * l4)
    q = l / h
    eta = q * (1.36603 + q * (-0.47719 + q * 0.11116))
    eta_q = 1.36603 + q * (-2 * 0.47719 + q * 3 * 0.11116)
    return h, eta, h_g, h_l, -eta_q * q / h * h_g, eta_q * (1 - q * h_l) / h


@njit(cache=True, nogil=True, inline="always")
def _reach(h, eta, area, highest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Half the range over which a peak is summed: until its Lorentzian tail is 3e-4 of the highest peak of the pattern."""
    share = area / (h * highest) if highest > 0 else 1.0
    return h * max(_LEAST_REACH, _REACH * np.sqrt(min(max(eta * share, 0.0), 1.0)))


@njit(cache=True, nogil=True)
def _highest(area, g, l):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    top = 0.0
    for k in range(area.size):
        h = _width(g[k], l[k])[0]
        top = max(top, area[k] / h)
    return top


@njit(cache=True, nogil=True)
def pattern(x, centre, area, g, l, start, shift, weight):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Sum of peaks on an axis, each made of several of one shape.

    Parameters
    ----------
    x : array, shape (n,)
        Increasing.
    centre, area, g, l : array, shape (k,)
        Position, area, Gaussian and Lorentzian full widths at half maximum, in the unit of ``x``.
    start : array of int, shape (k + 1,)
        First of each peak's parts.
    shift, weight : array, shape (parts,)
        Position of each part beside the peak's, and its share of the area.

    Returns
    -------
    array, shape (n,)
        Area per unit of ``x``.
    """
    out = np.zeros(x.size)
    highest = _highest(area, g, l)
    for k in range(centre.size):
        h, eta = _width(g[k], l[k])[:2]
        reach = _reach(h, eta, area[k], highest)
        lorentz = area[k] * eta * 2 / (np.pi * h)
        gauss = area[k] * (1 - eta) * np.sqrt(_GAUSS / np.pi) / h
        for part in range(start[k], start[k + 1]):
            place = centre[k] + shift[part]
            share = weight[part]
            for i in range(np.searchsorted(x, place - reach), x.size):
                u = (x[i] - place) / h
                if u * h > reach:
                    break
                value = lorentz / (1 + 4 * u * u)
                if abs(u) < _GAUSS_REACH:
                    value += gauss * np.exp(-_GAUSS * u * u)
                out[i] += share * value
    return out


@njit(cache=True, nogil=True)
def pattern_slopes(x, centre, area, g, l, start, shift, weight, changes, of, d_area, d_centre, d_g, d_l, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Add the derivatives of `pattern` with respect to parameters to ``out``.

    Parameters
    ----------
    x, centre, area, g, l, start, shift, weight
        As in `pattern`.
    changes : array, shape (2, parts)
        Derivatives of ``shift`` and ``weight`` with respect to the parameter of the last row of ``out``; of no columns where
        there is no such parameter.
    of : array of int, shape (p,)
        Row of ``out`` of each parameter.
    d_area, d_centre, d_g, d_l : array, shape (p, k)
        Derivatives of the peaks' properties with respect to each parameter.
    out : array, shape (rows, n)
    """
    highest = _highest(area, g, l)
    count = of.size
    active = np.empty(count, dtype=np.int64)
    pa, pc, pg, pl = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    local = np.empty((5, x.size))
    moving = changes.shape[1] > 0
    for k in range(centre.size):
        h, eta, h_g, h_l, eta_g, eta_l = _width(g[k], l[k])
        reach = _reach(h, eta, area[k], highest)
        low, high = shift[start[k]], shift[start[k]]
        for part in range(start[k], start[k + 1]):
            low, high = min(low, shift[part]), max(high, shift[part])
        first = np.searchsorted(x, centre[k] + low - reach)
        last = np.searchsorted(x, centre[k] + high + reach)
        if first >= last:
            continue
        used = 0
        shaped = False
        for p in range(count):
            by_h = h_g * d_g[p, k] + h_l * d_l[p, k]
            by_eta = eta_g * d_g[p, k] + eta_l * d_l[p, k]
            if d_area[p, k] != 0 or d_centre[p, k] != 0 or by_h != 0 or by_eta != 0:
                active[used] = of[p]
                pa[used] = d_area[p, k]
                pc[used] = d_centre[p, k] * area[k] / h
                pg[used] = by_h * area[k] / h
                pl[used] = by_eta * area[k]
                shaped = shaped or pc[used] != 0 or pg[used] != 0 or pl[used] != 0
                used += 1
        if used == 0 and not moving:
            continue
        local[:, first:last] = 0.0
        lorentz0 = 2 / (np.pi * h)
        gauss0 = np.sqrt(_GAUSS / np.pi) / h
        for part in range(start[k], start[k + 1]):
            place = centre[k] + shift[part]
            share = weight[part]
            for i in range(np.searchsorted(x, place - reach), last):
                u = (x[i] - place) / h
                if u * h > reach:
                    break
                lorentz = lorentz0 / (1 + 4 * u * u)
                gauss = gauss0 * np.exp(-_GAUSS * u * u) if abs(u) < _GAUSS_REACH else 0.0
                value = eta * lorentz + (1 - eta) * gauss
                local[0, i] += share * value
                if shaped or moving:
                    # derivative with respect to u of the shape at constant height factor
                    by_u = -(eta * lorentz * 8 * u / (1 + 4 * u * u) + (1 - eta) * gauss * 2 * _GAUSS * u)
                    local[1, i] += share * by_u
                    local[2, i] += share * (-value - u * by_u)
                    local[3, i] += share * (lorentz - gauss)
                    if moving:
                        local[4, i] += area[k] * (changes[1, part] * value - share * changes[0, part] * by_u / h)
        for j in range(used):
            row = active[j]
            if pc[j] == 0 and pg[j] == 0 and pl[j] == 0:
                for i in range(first, last):
                    out[row, i] += pa[j] * local[0, i]
            else:
                for i in range(first, last):
                    out[row, i] += pa[j] * local[0, i] - pc[j] * local[1, i] + pg[j] * local[2, i] + pl[j] * local[3, i]
        if moving:
            row = out.shape[0] - 1
            for i in range(first, last):
                out[row, i] += local[4, i]


@lru_cache(maxsize=8)
def _nodes(count: int) -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return (nodes + 1) / 2, weights / 2


def axial_divergence(two_theta: Array, sample: float, slit: float, count: int) -> tuple[Array, Array]:
    """Shifts and weights of the peaks that together make one spread by axial divergence.

    Parameters
    ----------
    two_theta : array, shape (k,)
        degrees, 0 to 180.
    sample, slit : float
        Half heights of sample and receiving slit, divided by the radius of the diffractometer: S/L and H/L.
    count : int
        Gauss-Legendre points.

    Returns
    -------
    shift, weight : array, shape (count, k)
        Degrees, towards low angles below 90 and high angles above; weights that sum to 1.

    Examples
    --------
    >>> shift, weight = axial_divergence(np.array([10.0]), 0.02, 0.02, 6)
    >>> bool(np.all(shift < 0)), round(float(weight.sum()), 12)
    (True, 1.0)
    """
    node, gl = _nodes(count)
    most = sample + slit
    if most <= 0:
        return np.zeros((1, len(two_theta))), np.ones((1, len(two_theta)))
    flat = abs(sample - slit)
    parts = [(0.0, flat), (flat, most)] if flat > 1e-6 * most else [(0.0, most)]
    h = np.concatenate([low + (high - low) * node for low, high in parts])
    w = np.concatenate([(high - low) * gl for low, high in parts])
    w = w * np.where(h < flat, 2 * min(sample, slit), most - h) / (1 + h * h)
    angle = np.radians(np.asarray(two_theta, dtype=np.float64))
    turned = np.arccos(np.clip(np.cos(angle)[None, :] * np.sqrt(1 + h * h)[:, None], -1.0, 1.0))
    weight = w[:, None] / np.maximum(np.sin(turned), 1e-3)
    return np.degrees(turned - angle[None, :]), weight / weight.sum(axis=0)
