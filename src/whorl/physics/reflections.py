r"""Bragg reflections of a lattice: which there are, how many are equivalent, and where they stand.

A reflection h is systematically absent when an operation (R, t) with h R = h turns its phase, exp(2 pi i h.t) != 1. Reflections
are equivalent under the rotations of the Laue group, h -> +-h R; of each set one is listed with its multiplicity, the number of
members, so that a sum over the list with multiplicities is the sum over the whole sphere. 1/d^2 = h G* h with G* the inverse
of the metric tensor (Giacovazzo, Fundamentals of Crystallography, 3rd ed. (2011), ch. 2 and 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Reflections:
    """Independent reflections, by increasing 1/d^2.

    Attributes
    ----------
    hkl : array of int, shape (n, 3)
    multiplicity : array, shape (n,)
    """

    hkl: Index
    multiplicity: Array

    def inverse_d2(self, metric: Array) -> Array:
        """1/d^2 of each reflection in a cell of that metric tensor (angstrom^2), 1/angstrom^2, shape (n,)."""
        return inverse_d2(self.hkl, metric)


def inverse_d2(hkl: Index, metric: Array) -> Array:
    """1/d^2 = h G* h, 1/angstrom^2, shape (n,).

    Parameters
    ----------
    hkl : array, shape (n, 3)
    metric : array, shape (3, 3)
        Metric tensor of the direct cell, angstrom^2.

    Examples
    --------
    >>> inverse_d2(np.array([[1, 1, 1]]), np.eye(3) * 16.0).tolist()
    [0.1875]
    """
    h = np.asarray(hkl, dtype=np.float64)
    return np.asarray(np.einsum("ni,ni->n", h @ np.linalg.inv(metric), h))


def inverse_d2_derivatives(hkl: Index, metric: Array, metric_slopes: Array) -> Array:
    """Derivatives of 1/d^2 with respect to parameters of the cell, shape (p, n): d(G*) = -G* dG G*.

    Parameters
    ----------
    hkl : array, shape (n, 3)
    metric : array, shape (3, 3)
    metric_slopes : array, shape (p, 3, 3)
        Derivatives of the metric tensor.
    """
    inverse = np.linalg.inv(metric)
    u = np.asarray(hkl, dtype=np.float64) @ inverse
    return np.asarray(-np.einsum("ni,pij,nj->pn", u, metric_slopes, u))


def reflections(metric: Array, rotations: Array, translations: Array, d_min: float) -> Reflections:
    """List the independent reflections with d >= d_min that are not systematically absent.

    Parameters
    ----------
    metric : array, shape (3, 3)
        Metric tensor, angstrom^2.
    rotations, translations : array, shapes (m, 3, 3) and (m, 3)
        All operations of the space group, centring included, on fractional coordinates: x' = R x + t.
    d_min : float
        angstrom

    Examples
    --------
    >>> r = reflections(np.eye(3) * 16.0, np.eye(3)[None], np.zeros((1, 3)), 3.9)
    >>> r.hkl.tolist(), r.multiplicity.tolist()
    ([[0, 0, 1], [0, 1, 0], [1, 0, 0]], [2.0, 2.0, 2.0])
    """
    reciprocal = np.linalg.inv(metric)
    limits = np.floor(np.sqrt(np.diag(metric)) / d_min + 1e-9).astype(np.int64)
    turns = np.ascontiguousarray(np.round(rotations).astype(np.int64))
    shifts = np.ascontiguousarray(translations, dtype=np.float64)
    room = int(np.prod(2 * limits + 1)) // 2 + 1
    hkl = np.empty((room, 3), dtype=np.int64)
    multiplicity = np.empty(room)
    count = _enumerate(reciprocal, limits, turns, shifts, 1 / d_min**2, hkl, multiplicity)
    hkl, multiplicity = hkl[:count].copy(), multiplicity[:count].copy()
    order = np.argsort(inverse_d2(hkl, metric), kind="stable")
    return Reflections(hkl[order], multiplicity[order])


@njit(cache=True, nogil=True)
def _enumerate(reciprocal, limits, turns, shifts, most, hkl, multiplicity):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill hkl and multiplicity; of each set of equivalents the one that comes last in the order of (h, k, l) is kept."""
    big = 2 * max(limits[0], limits[1], limits[2]) + 3
    count = 0
    for h in range(limits[0] + 1):
        for k in range(-limits[1] if h > 0 else 0, limits[1] + 1):
            for l in range(-limits[2] if h > 0 or k > 0 else 1, limits[2] + 1):
                s = (
                    h * h * reciprocal[0, 0]
                    + k * k * reciprocal[1, 1]
                    + l * l * reciprocal[2, 2]
                    + 2 * (h * k * reciprocal[0, 1] + h * l * reciprocal[0, 2] + k * l * reciprocal[1, 2])
                )
                if s > most * (1 + 1e-12):
                    continue
                own = (h * big + k) * big + l
                same = 0
                listed = True
                for m in range(turns.shape[0]):
                    h2 = h * turns[m, 0, 0] + k * turns[m, 1, 0] + l * turns[m, 2, 0]
                    k2 = h * turns[m, 0, 1] + k * turns[m, 1, 1] + l * turns[m, 2, 1]
                    l2 = h * turns[m, 0, 2] + k * turns[m, 1, 2] + l * turns[m, 2, 2]
                    code = (h2 * big + k2) * big + l2
                    if code > own or -code > own:
                        listed = False
                        break
                    if code in (own, -own):
                        same += 1
                        if code == own:
                            phase = h * shifts[m, 0] + k * shifts[m, 1] + l * shifts[m, 2]
                            if abs(phase - np.round(phase)) > 1e-3:
                                listed = False
                                break
                if listed:
                    hkl[count, 0], hkl[count, 1], hkl[count, 2] = h, k, l
                    multiplicity[count] = 2.0 * turns.shape[0] / same
                    count += 1
    return count
