r"""Lines of a reciprocal lattice: the nearest to a value of Q = 1/d^2, all of them up to a limit, cells and their volume.

A lattice is its reciprocal quadratic form g = (A, B, C, D, E, F), 1/angstrom^2,

.. math:: Q_{hkl} = A h^2 + B k^2 + C l^2 + D k l + E h l + F h k .
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Systems in the order in which a form needs more parameters, and those parameters.
SYSTEMS = ("cubic", "hexagonal", "tetragonal", "orthorhombic", "monoclinic", "triclinic")
PARAMETERS = (1, 2, 2, 3, 4, 6)
#: Number of reflections (Friedel pairs as one) that share a line, at general positions.
MULTIPLICITY = (24.0, 12.0, 8.0, 4.0, 2.0, 1.0)
CENTRINGS = ("P", "A", "B", "C", "I", "F", "R")
#: lattice points of a conventional cell
POINTS = {"P": 1, "A": 2, "B": 2, "C": 2, "I": 2, "F": 4, "R": 3}

_TEMPLATES = np.zeros((6, 6, 6))
_TEMPLATES[0, 0, :3] = 1.0  # cubic: A = B = C
_TEMPLATES[1, 0, [0, 1, 5]] = 1.0  # hexagonal: A = B = F
_TEMPLATES[1, 1, 2] = 1.0
_TEMPLATES[2, 0, :2] = 1.0
_TEMPLATES[2, 1, 2] = 1.0
_TEMPLATES[3, [0, 1, 2], [0, 1, 2]] = 1.0
_TEMPLATES[4, [0, 1, 2, 3], [0, 1, 2, 4]] = 1.0  # monoclinic, b unique
_TEMPLATES[5] = np.eye(6)


def template(system: int) -> Array:
    """Rows of the form that each free parameter of a system adds, shape (parameters, 6)."""
    return _TEMPLATES[system, : PARAMETERS[system]].copy()


@njit(cache=True)
def determinant(g: Array) -> float:
    """Determinant of the reciprocal metric: 1 / V^2."""
    d, e, f = 0.5 * g[3], 0.5 * g[4], 0.5 * g[5]
    return float(g[0] * (g[1] * g[2] - d * d) - f * (f * g[2] - d * e) + e * (f * d - g[1] * e))


@njit(cache=True)
def squared_axes(g: Array) -> tuple[float, float, float]:
    """a^2, b^2, c^2 of the direct cell, angstrom^2."""
    d, e, f = 0.5 * g[3], 0.5 * g[4], 0.5 * g[5]
    det = determinant(g)
    return (g[1] * g[2] - d * d) / det, (g[0] * g[2] - e * e) / det, (g[0] * g[1] - f * f) / det


@njit(cache=True)
def allowed(h: int, k: int, l: int, centring: int) -> bool:
    """Whether a centring (index into `CENTRINGS`) lets a reflection be; R is the obverse setting."""
    if centring == 0:
        return True
    if centring == 1:
        return (k + l) % 2 == 0
    if centring == 2:
        return (h + l) % 2 == 0
    if centring == 3:
        return (h + k) % 2 == 0
    if centring == 4:
        return (h + k + l) % 2 == 0
    if centring == 5:
        return (h + k) % 2 == 0 and (k + l) % 2 == 0
    return (-h + k + l) % 3 == 0


@njit(cache=True)
def nearest(g: Array, axes: tuple[float, float, float], q: float, system: int, found: Index) -> float:
    """Q of the reflection nearest to ``q``; its indices go to ``found`` (3,)."""
    hmax = int(np.sqrt(q * axes[0] * 1.02) + 1e-9)
    kmax = int(np.sqrt(q * axes[1] * 1.02) + 1e-9)
    best, value = 1e300, 0.0
    low = -kmax if system == 5 else 0
    c = g[2]
    for h in range(hmax + 1):
        top = min(h, kmax) if system <= 2 else kmax
        for k in range(low if h > 0 else 0, top + 1):
            rest = g[0] * h * h + g[1] * k * k + g[5] * h * k
            b = g[3] * k + g[4] * h
            disc = b * b - 4.0 * c * (rest - q)
            root = np.sqrt(disc) if disc > 0.0 else 0.0
            for sign in range(2):
                l = int(np.rint((-b + (root if sign == 0 else -root)) / (2.0 * c)))
                if sign == 1 and system <= 3:
                    break
                if h == 0 and k == 0 and l == 0:
                    continue
                calculated = rest + b * l + c * l * l
                off = abs(calculated - q)
                if off < best:
                    best, value = off, calculated
                    found[0], found[1], found[2] = h, k, l
    return value


@njit(cache=True)
def _fill(g: Array, limit: float, top: Index, system: int, centring: int, out: Array) -> int:
    """Q of the reflections up to ``limit`` in the order of their indices, as far as ``out`` goes; gives their number."""
    size = 0
    orthogonal = system <= 3
    hmax, kmax, lmax = top[0], top[1], top[2]
    for h in range(hmax + 1):
        for k in range(-kmax if system == 5 and h > 0 else 0, (min(h, kmax) if system <= 2 else kmax) + 1):
            for l in range(0 if orthogonal and centring != 6 else -lmax, lmax + 1):
                there = allowed(h, k, l, centring) or (centring == 6 and allowed(k, h, l, centring))  # khl is on the same line
                if (h == 0 and k == 0 and l <= 0) or not there:
                    continue
                q = g[0] * h * h + g[1] * k * k + g[2] * l * l + g[3] * k * l + g[4] * h * l + g[5] * h * k
                if q <= limit and size < out.size:
                    out[size] = q
                    size += 1
    return size


@njit(cache=True)
def _thin(lines: Array, merge: float) -> int:
    """Keep, in place, those of sorted lines that are further than ``merge`` (relative) from the last kept one."""
    count = 0
    for i in range(lines.size):
        if count == 0 or lines[i] - lines[count - 1] > merge * lines[i]:
            lines[count] = lines[i]
            count += 1
    return count


def all_lines(form: Array, limit: float, system: int, centring: int, merge: float, most: int = 6000) -> Array:
    """Distinct lines of a lattice.

    Parameters
    ----------
    form : array, shape (6,)
        Reciprocal form, 1/angstrom^2.
    limit : float
        Largest Q, 1/angstrom^2.
    system, centring : int
        Places in `SYSTEMS` and `CENTRINGS`.
    merge : float
        Lines closer than this, relative to Q, are one.
    most : int
        Reflections that are looked at.

    Returns
    -------
    array, shape (n,)
        Q, increasing, 1/angstrom^2.

    Examples
    --------
    >>> all_lines(form_of(np.array([5.0, 5.0, 5.0, 90.0, 90.0, 90.0])), 0.17, 0, 4, 1e-6).round(3).tolist()
    [0.08, 0.16]
    """
    top = np.sqrt(limit * np.array(squared_axes(form))).astype(np.int64)
    out = np.empty(most)
    lines = np.sort(out[: _fill(form, limit, top, system, centring, out)])
    return lines[: _thin(lines, merge)]


def cell_of(g: Array) -> Array:
    """Direct cell a, b, c (angstrom), alpha, beta, gamma (degree) of a reciprocal form.

    Examples
    --------
    >>> cell_of(np.array([0.04, 0.04, 0.01, 0.0, 0.0, 0.04])).round(3).tolist()
    [5.774, 5.774, 10.0, 90.0, 90.0, 120.0]
    """
    d, e, f = 0.5 * g[3], 0.5 * g[4], 0.5 * g[5]
    direct = np.linalg.inv(np.array([[g[0], f, e], [f, g[1], d], [e, d, g[2]]]))
    lengths = np.sqrt(np.diag(direct))
    cosines = np.array([direct[1, 2], direct[0, 2], direct[0, 1]]) / lengths[[1, 0, 0]] / lengths[[2, 2, 1]]
    return np.concatenate([lengths, np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))])


def form_of(cell: Array) -> Array:
    """Reciprocal form (6,) of a direct cell, the inverse of `cell_of`.

    Examples
    --------
    >>> form_of(np.array([5.0, 5.0, 10.0, 90.0, 90.0, 90.0])).round(6).tolist()
    [0.04, 0.04, 0.01, 0.0, 0.0, 0.0]
    """
    from whorl.physics.symmetry import metric_tensor

    m = np.linalg.inv(metric_tensor(np.asarray(cell, dtype=np.float64)))
    return np.array([m[0, 0], m[1, 1], m[2, 2], 2.0 * m[1, 2], 2.0 * m[0, 2], 2.0 * m[0, 1]])
