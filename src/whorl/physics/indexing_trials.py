r"""Trial lattices from small indices given to a few lines.

For every system as many lines as the form has parameters are given all small indices in turn, and the form follows from linear
equations (the method of Werner, Eriksson & Westdahl, J. Appl. Cryst. 18, 367 (1985), doi:10.1107/S0021889885010512). The
indices are exhaustive up to a change of basis: in a monoclinic lattice any two lines of the zone h0l that span it, or a
sublattice of it of index 2 to 4, serve as axes; in a triclinic one three lines are the axes and the sums of two of them give
the angles. The forms of one choice of lines are written to a table, which `whorl.physics.indexing_screen` goes through: one
compiled screen serves all systems.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.indexing_lines import MULTIPLICITY, SYSTEMS, template
from whorl.physics.indexing_screen import screen

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Progress = Callable[[str, int, int], bool | None]

_MERIT = 20  # lines that the usual volume is judged by
_NOTHING = -30.0  # evidence of a place in the table that is free
#: indices n of (n00) and m, l of (m0l) of the two lines of a monoclinic zone
_BASES = np.array([[1, 0, 1], [2, 0, 1], [1, 0, 2], [2, 0, 2], [1, 1, 2]], dtype=np.float64)


@dataclass(frozen=True)
class Effort:
    """How far the search goes; tuples over the crystal systems."""

    lines: int  # observed lines used
    kept: int  # trial lattices kept per system
    seen: tuple[float, ...]  # least share of a lattice's lines that is observed, which bounds the volume
    indices: int  # greatest sum of the small indices
    axial: int  # lines that get indices in cubic, hexagonal and tetragonal lattices
    pairs: tuple[int, int, int]  # lines among which the second that gets indices is: orthorhombic, monoclinic, triclinic
    others: tuple[int, int, int]  # the same for the further ones


THOROUGH = Effort(30, 48, (0.04, 0.06, 0.06, 0.1, 0.2, 0.35), 5, 10, (7, 11, 15), (14, 14, 26))
QUICK = Effort(24, 16, (0.06, 0.1, 0.1, 0.2, 0.35, 0.5), 4, 7, (5, 8, 8), (9, 11, 14))


def search(
    system: int, lines: Array, angles: Array, allowance: float, *, missed: int, zero: float, largest: float,
    progress: Progress | None, effort: Effort,
) -> tuple[Array, bool]:  # fmt: skip
    """Trial lattices of one system.

    Parameters
    ----------
    system : int
        Place in `whorl.physics.indexing_lines.SYSTEMS`.
    lines : array, shape (4, n)
        Of the lines that get indices Q, dQ/d(two-theta), largest deviation of Q, doubt.
    angles : array, shape (n,)
        Degree.
    allowance : float
        Largest deviation of any line, degree.
    missed, zero, largest, progress
        As in `whorl.physics.indexing.index_lines`.
    effort : Effort

    Returns
    -------
    array, shape (k, 9)
        Evidence, form, zero shift, volume.
    bool
        Whether the search was stopped.
    """
    q = lines[0]
    best = np.full((effort.kept, 9), _NOTHING)
    usual = min(q.size, _MERIT) * MULTIPLICITY[system] / (2.0944 * q[min(q.size, _MERIT) - 1] ** 1.5)
    least = 5.0 if system < 3 else 0.25 * usual
    bounds = np.array([least, min(usual / effort.seen[system], largest * (4.0 if system < 4 else 2.0)), MULTIPLICITY[system]])
    free, reach = template(system), float(angles[-1])
    codes = _codes(system, effort.indices)
    firsts = 1 if system < 3 else effort.indices - 1 + (missed if effort is THOROUGH else missed // 2)
    stopped = False
    for start in range(firsts):
        if system < 3:
            tables = _axial(system, q, codes, effort.axial + (2 if system == 0 else 0))
        else:
            makers = (_orthorhombic, _monoclinic, _triclinic)
            tables = makers[system - 3](q, codes, effort.pairs[system - 3], effort.others[system - 3], start)
        for forms, lowest in tables:
            screen(forms, lowest, free, lines, system, missed, bounds, reach, allowance, zero, best)
        if progress and progress(SYSTEMS[system], start + 1, firsts):
            stopped = True
            break
    return best[best[:, 0] > _NOTHING], stopped


def _codes(system: int, most: int) -> Array:
    """Small indices as factors of the form's parameters in Q."""
    if system == 0:
        return np.array([[n] for n in range(1, 36) if n not in {7, 15, 23, 28, 31}], dtype=np.float64)
    if system == 1:
        return np.array(
            [(m, l * l) for m in (0, 1, 3, 4, 7, 9, 12) for l in range(2 * most) if m + l and m * l <= 8 * most],
            dtype=np.float64,
        )
    if system == 2:
        return np.array(
            [(m, l * l) for m in (0, 1, 2, 4, 5, 8, 9, 10) for l in range(2 * most - 2) if m + l and m * l <= 8 * most],
            dtype=np.float64,
        )
    if system == 3:
        some = [(h, k, l) for h in range(3) for k in range(4) for l in range(5) if 0 < h + k + l <= most]
        return np.array([(h * h, k * k, l * l) for h, k, l in some], dtype=np.float64)
    some = [(h, k, l) for k in range(3) for h in range(3) for l in range(-2, 3) if (h > 0 or l >= 0) and (k > 0 or h * l)]
    return np.array([(h * h, l * l, h * l, k * k) for h, k, l in some if h + abs(l) + k <= most], dtype=np.float64)


def _axial(system: int, q: Array, codes: Array, lines: int) -> Iterator[tuple[Array, Index]]:
    """Cubic, tetragonal and hexagonal forms; ``codes`` (c, 1 or 2) are the factors of the parameters in Q."""
    free = template(system)
    top = min(lines, q.size)
    for i in range(top):
        if system == 0:
            yield q[i] / codes[:, :1] * free, np.full(len(codes), i)
            continue
        for j in range(i + 1, top):
            forms = _two(q[i], q[j], codes) @ free
            yield forms, np.full(len(forms), i)


def _two(first: float, second: float, codes: Array) -> Array:
    """Positive parameters (k, 2) for which two lines have any two of the codes."""
    u, v = codes[:, None, :], codes[None, :, :]
    det = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    safe = np.where(det == 0.0, 1.0, det)
    a = (first * v[..., 1] - second * u[..., 1]) / safe
    b = (second * u[..., 0] - first * v[..., 0]) / safe
    good = (det != 0.0) & (a > 0.0) & (b > 0.0)
    return np.stack([a[good], b[good]], axis=-1)


def _orthorhombic(q: Array, codes: Array, pairs: int, lines: int, start: int) -> Iterator[tuple[Array, Index]]:
    """Orthorhombic forms (A > B > C) with line ``start`` the first of three; ``codes`` (c, 3) are h^2, k^2, l^2."""
    table = np.zeros((len(codes) ** 3, 6))
    for j in range(start + 1, min(pairs, q.size)):
        for k in range(j + 1, min(lines, q.size)):
            count = _three(q[start], q[j], q[k], codes, table)
            yield table[:count], np.full(count, start)


@njit(cache=True)
def _three(first: float, second: float, third: float, codes: Array, table: Array) -> int:
    """Orthorhombic forms for which three lines have any three of the codes, into ``table``; gives their number."""
    c = codes.shape[0]
    count = 0
    for u in range(c):
        for v in range(c):
            x0 = codes[u, 1] * codes[v, 2] - codes[u, 2] * codes[v, 1]
            x1 = codes[u, 2] * codes[v, 0] - codes[u, 0] * codes[v, 2]
            x2 = codes[u, 0] * codes[v, 1] - codes[u, 1] * codes[v, 0]
            if x0 == 0.0 and x1 == 0.0 and x2 == 0.0:
                continue
            for w in range(c):
                y0, y1, y2 = codes[w, 0], codes[w, 1], codes[w, 2]
                det = x0 * y0 + x1 * y1 + x2 * y2
                if det == 0.0:
                    continue
                a = (first * (codes[v, 1] * y2 - codes[v, 2] * y1) + second * (y1 * codes[u, 2] - y2 * codes[u, 1])
                     + third * x0) / det  # fmt: skip
                b = (first * (codes[v, 2] * y0 - codes[v, 0] * y2) + second * (y2 * codes[u, 0] - y0 * codes[u, 2])
                     + third * x1) / det  # fmt: skip
                if b <= 0.0 or a < b:
                    continue
                e = (first * (codes[v, 0] * y1 - codes[v, 1] * y0) + second * (y0 * codes[u, 1] - y1 * codes[u, 0])
                     + third * x2) / det  # fmt: skip
                if e <= 0.0 or b < e:
                    continue
                table[count, 0], table[count, 1], table[count, 2] = a, b, e
                count += 1
    return count


def _monoclinic(q: Array, codes: Array, pairs: int, lines: int, start: int) -> Iterator[tuple[Array, Index]]:
    """Monoclinic forms in which line ``start`` is (n00); ``codes`` (c, 4) are h^2, l^2, hl, k^2 of the lines for B and E."""
    top = min(lines, q.size)
    table = np.zeros((top * (top - 1) // 2 * len(codes) ** 2, 6))
    lowest = np.zeros(len(table), dtype=np.int64)
    for j in range(min(pairs, q.size)):
        for base in _BASES:
            # where the two axes have only changed names there is nothing new
            if j != start and not (j < start and base[0] == base[2] and base[1] == 0.0):
                count = _zone(q, start, j, base, codes, top, table, lowest)
                yield table[:count], lowest[:count]


@njit(cache=True)
def _zone(q: Array, i: int, j: int, base: Array, codes: Array, top: int, table: Array, lowest: Index) -> int:
    """Monoclinic forms with lines i and j in the zone h0l and two others of any codes; gives their number."""
    n, m, l = base[0], base[1], base[2]
    a = q[i] / (n * n)
    # q_j = m^2 A + l^2 C + m l E; the two others give B and E
    c0, ce = (q[j] - m * m * a) / (l * l), -m / l
    count = 0
    for s in range(top - 1):
        for t in range(s + 1, top):
            if (s - i) * (s - j) * (t - i) * (t - j) == 0:
                continue
            for u in range(codes.shape[0]):
                e1 = codes[u, 2] + codes[u, 1] * ce
                r1 = q[s] - codes[u, 0] * a - codes[u, 1] * c0
                for v in range(codes.shape[0]):
                    e2 = codes[v, 2] + codes[v, 1] * ce
                    det = codes[u, 3] * e2 - codes[v, 3] * e1
                    if abs(det) < 1e-9:
                        continue
                    r2 = q[t] - codes[v, 0] * a - codes[v, 1] * c0
                    b = (r1 * e2 - r2 * e1) / det
                    if b <= 0.0:
                        continue
                    e = (codes[u, 3] * r2 - codes[v, 3] * r1) / det
                    c = c0 + ce * e
                    if c <= 0.0 or e < 0.0 or e > 1.9 * np.sqrt(a * c):
                        continue  # the mirror image of another one, or flat
                    table[count, 0], table[count, 1], table[count, 2], table[count, 4] = a, b, c, e
                    lowest[count] = min(i, j, s)
                    count += 1
    return count


def _triclinic(q: Array, _: Array, pairs: int, lines: int, start: int) -> Iterator[tuple[Array, Index]]:
    """Triclinic forms in which line ``start`` is (100) and two later ones (010) and (001)."""
    some = q[: min(lines, q.size)]
    for j in range(start + 1, min(pairs, q.size)):
        for k in range(j + 1, min(pairs, q.size)):
            angles = []
            for one, two in ((q[j], q[k]), (q[start], q[k]), (q[start], q[j])):
                values = np.abs(some - one - two)
                angles.append(values[values <= 1.9 * np.sqrt(one * two)])
            d, e, f, sign = (x.ravel() for x in np.meshgrid(*angles, np.array([1.0, -1.0]), indexing="ij"))
            axes = np.broadcast_to(np.array([q[start], q[j], q[k]]), (d.size, 3))
            yield np.ascontiguousarray(np.column_stack([axes, d, e, sign * f])), np.full(d.size, start)
