r"""Powder indexing: the lattices that explain the angles of the first lines, in all crystal systems, best first.

Trial lattices come from `whorl.physics.indexing_trials`. They are ranked by the evidence of the observed positions, and carry
the figures of merit of `whorl.physics.indexing_merit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.physics.indexing_lines import CENTRINGS, POINTS, SYSTEMS, all_lines, cell_of, determinant, template
from whorl.physics.indexing_merit import deviations, merits, q_of, slope_of
from whorl.physics.indexing_screen import evidence, refine
from whorl.physics.indexing_trials import QUICK, THOROUGH, Progress, search

Array = NDArray[np.float64]

_MERIT = 20  # lines that the figures of merit are of
_DOUBT = 0.08  # probability that a line is spurious, where nothing is known of it
_FEW = 6  # lines that get indices, at least
#: centrings of a system's conventional cells, indices into `CENTRINGS`
_CENTRINGS = ((0, 4, 5), (0, 6), (0, 4), (0, 1, 2, 3, 4, 5), (0, 1, 3, 4), (0,))


@dataclass(frozen=True)
class Lattice:
    """A lattice that explains the lines.

    Parameters
    ----------
    system : str
        Crystal system of the lattice: "cubic", "hexagonal" (rhombohedral lattices are hexagonal with centring R), "tetragonal",
        "orthorhombic", "monoclinic", "triclinic".
    centring : str
        P, A, B, C, I, F or R.
    form : array, shape (6,)
        Reciprocal form, 1/angstrom^2.
    cell : array, shape (6,)
        a, b, c (angstrom), alpha, beta, gamma (degree).
    volume : float
        Of this cell, angstrom^3.
    evidence : float
        Log evidence relative to lines strewn at random.
    merit : float
        M_n of de Wolff.
    figure : float
        F_n of Smith and Snyder.
    zero_shift : float
        Added to the true two-theta in the measurement, degree.
    indexed : array of bool, shape (n,)
        Which of the lines used it explains.
    calculated : int
        N_n.
    derivative_of : int
        Place in the list of a better lattice of which it is a sub- or superlattice; -1 when of none.
    """

    system: str
    centring: str
    form: Array
    cell: Array
    volume: float
    evidence: float
    merit: float
    figure: float
    zero_shift: float
    indexed: NDArray[np.bool_]
    calculated: int
    derivative_of: int = -1


@dataclass(frozen=True)
class _Lines:
    """Angles, largest deviations (degree), doubts, and the places of the lines that get indices."""

    angles: Array
    allowance: Array
    doubt: Array
    core: NDArray[np.intp]

    def cut(self) -> _Lines:
        """The lines up to the last one that gets indices."""
        end = int(self.core[-1]) + 1
        return _Lines(self.angles[:end], self.allowance[:end], self.doubt[:end], self.core)

    def table(self, wavelength: float) -> Array:
        """Of the lines that get indices Q, its slope, its largest deviation, doubt: shape (4, n)."""
        angles = self.angles[self.core]
        slope = slope_of(angles, wavelength)
        return np.array([q_of(angles, wavelength), slope, slope * self.allowance[self.core], self.doubt[self.core]])


def index_lines(
    two_theta: Array, wavelength: float, *, tolerance: float | Array = 0.04, doubt: Array | None = None, trusted: float = 0.25,
    systems: Sequence[str] = SYSTEMS, missed: int = 2,
    zero: float = 0.03, enough: float = np.inf, largest: float = 4000.0, thorough: bool = True,
    progress: Progress | None = None, top: int = 20,
) -> list[Lattice]:  # fmt: skip
    """Lattices that explain the first lines of a powder pattern, best first.

    Parameters
    ----------
    two_theta : array, shape (k,)
        Angles of the lines, degree, increasing; the first 30 are used.
    wavelength : float
        angstrom.
    tolerance : float or array, shape (k,)
        Largest deviation of an indexed line, degree.
    doubt : array, shape (k,), optional
        Probability that a line is no line of the lattice (see `doubt_of`); 0.08 for all by default. Lines above
        ``trusted`` get no indices in the search, where there are enough others, but are weighed in the evidence.
    trusted : float
    systems : sequence of str
        Crystal systems to try, from `SYSTEMS`.
    missed : int
        Of the first 20 lines, how many may remain without an index (fewer of fewer lines).
    zero : float
        Standard deviation of a zero shift of the goniometer, degree; 0 when there is none.
    enough : float
        Systems of lower symmetry are left out once a lattice that indexes all lines has a figure of merit M_n of that much.
    largest : float
        Largest volume of a primitive cell, angstrom^3.
    thorough : bool
        Give indices to combinations of more lines. Without it an orthorhombic, monoclinic or triclinic lattice of which weak
        lines are missing may escape, in a tenth of the time.
    progress : callable, optional
        Told the system, how much of it is done, of how much; when it gives True the search ends with what it has.
    top : int
        Most lattices to give.

    Raises
    ------
    UsageError
        An unknown system, a wavelength that is not positive, or angles that do not increase from above 0 to below 180.

    Examples
    --------
    >>> n = np.array([3, 4, 8, 11, 12, 16, 19, 20])
    >>> angles = np.degrees(2 * np.arcsin(1.5406 / 2 / 5.64 * np.sqrt(n)))
    >>> best = index_lines(angles, 1.5406, systems=["cubic", "tetragonal"])[0]
    >>> best.system, best.centring, round(float(best.cell[0]), 3)
    ('cubic', 'F', 5.64)
    """
    angles = np.asarray(two_theta, dtype=np.float64)
    if not wavelength > 0.0:
        raise UsageError(f"a wavelength of {wavelength}", remedy="Give it in angstrom.")
    if angles.size and (np.any(np.diff(angles) <= 0.0) or angles[0] <= 0.0 or angles[-1] >= 180.0):
        raise UsageError("the angles do not increase between 0 and 180 degrees", remedy="Sort them and drop repeated ones.")
    unknown = [s for s in systems if s not in SYSTEMS]
    if unknown:
        raise UsageError(f"no crystal system {unknown[0]!r}", remedy=f"Choose from {', '.join(SYSTEMS)}.")
    if angles.size < 3:
        return []
    effort = THOROUGH if thorough else QUICK
    allowance = np.broadcast_to(np.asarray(tolerance, dtype=np.float64), angles.shape).copy()
    doubts = np.full(angles.size, _DOUBT) if doubt is None else np.asarray(doubt, dtype=np.float64).copy()
    core = np.flatnonzero(doubts <= trusted)
    core = (core if core.size >= _FEW else np.arange(angles.size))[: effort.lines]
    used = _Lines(angles, allowance, doubts, core).cut()
    missed = min(missed, core.size // 5)
    found: list[Lattice] = []
    for name in SYSTEMS:
        if name not in systems or core.size < (3, 4, 4, 6, 8, 10)[SYSTEMS.index(name)]:
            continue
        rows, stopped = search(
            SYSTEMS.index(name), used.table(wavelength), used.angles[core], float(used.allowance[core].max()), missed=missed,
            zero=zero, largest=largest, progress=progress, effort=effort,
        )  # fmt: skip
        rows = _with_sublattices(rows, SYSTEMS.index(name), used, wavelength, zero)
        found += [lattice for row in rows for lattice in _judge(row, SYSTEMS.index(name), used, wavelength)]
        found = _distinct(found, used.angles, wavelength, float(used.allowance.max()))[: 2 * top]
        if stopped or any(f.merit >= enough and f.indexed[used.core].all() for f in found):
            break
    return found[:top]


def _with_sublattices(rows: Array, system: int, used: _Lines, wavelength: float, zero: float) -> Array:
    """The trial lattices, and the best of them with axes halved: lines of a dominant zone may have led to twice an axis."""
    q, slope, deviation, _ = used.table(wavelength)
    halves = [(1, 1, 2), (2, 2, 1), (2, 2, 2)] if system < 3 else list(product((1, 2), repeat=3))[1:]
    out = [rows]
    for row in rows[np.argsort(-rows[:, 0])][:6]:
        for x, y, z in halves if system else [(2, 2, 2)]:
            new = row.copy()
            new[1:7] *= (x * x, y * y, z * z, y * z, x * z, x * y)
            form = new[1:7]
            count, shift = refine(form, template(system), q, slope, deviation, 1.0, system, q.size, zero, float(row[7]))
            if count > 0.8 * q.size and np.all(form[:3] > 0.0) and determinant(form) > 0.0:
                new[7] = shift
                out.append(new[None])
    return np.concatenate(out)


def _judge(row: Array, system: int, used: _Lines, wavelength: float) -> list[Lattice]:
    """A trial lattice with each centring that its indexed lines allow: exact line counts, merits, evidence."""
    form, shift = row[1:7].copy(), float(row[7])
    true, doubt, core = used.angles - shift, used.doubt, used.core
    angles, allowance = used.angles, used.allowance
    q, slope = q_of(true, wavelength), slope_of(true, wavelength)
    limit = q[-1] + allowance[-1] * slope[-1]
    most = float(allowance.max())
    out = []
    for centring in _CENTRINGS[system]:
        lines = all_lines(form, limit, system, centring, 2e-5)
        merit, figure, _ = merits(true[core[:_MERIT]], wavelength, lines, tolerance=most)
        indexed = merits(true, wavelength, lines, tolerance=most)[2]
        if indexed.sum() < 3 or np.sum((1.0 - doubt)[indexed]) < 0.7 * np.sum(1.0 - doubt):
            continue
        off = deviations(q, lines) / slope
        value = evidence(off, doubt, float(lines.size), float(angles[-1]), most, template(system).shape[0])
        volume = 1.0 / np.sqrt(determinant(form))
        lattice = Lattice(
            SYSTEMS[system], CENTRINGS[centring], form, cell_of(form), float(volume), float(value), merit, figure, shift,
            indexed, lines.size,
        )  # fmt: skip
        out.append(lattice)
    return out


def _distinct(found: list[Lattice], angles: Array, wavelength: float, tolerance: float) -> list[Lattice]:
    """Best first, each lattice once, sub- and superlattices marked."""
    limit = float(q_of(angles[-1:], wavelength)[0])
    kept: list[tuple[Lattice, Array]] = []
    for lattice in sorted(found, key=lambda f: -f.evidence):
        lines = all_lines(lattice.form, limit, SYSTEMS.index(lattice.system), CENTRINGS.index(lattice.centring), 2e-5)
        primitive = lattice.volume / POINTS[lattice.centring]
        same, parent = False, -1
        for place, (other, theirs) in enumerate(kept):
            ratio = primitive / (other.volume / POINTS[other.centring])
            if abs(ratio - 1.0) < 0.01 and _share(lines, theirs, wavelength, tolerance) > 0.97:
                same = True
                break
            whole = max(ratio, 1.0 / ratio)
            if parent < 0 and abs(whole - round(whole)) < 0.02 * whole and round(whole) > 1:
                fewer, more = (theirs, lines) if ratio > 1.0 else (lines, theirs)
                if _share(fewer, more, wavelength, tolerance) > 0.97:
                    parent = place
        if not same:
            kept.append((replace(lattice, derivative_of=parent), lines))
    return [lattice for lattice, _ in kept]


def _share(lines: Array, others: Array, wavelength: float, tolerance: float) -> float:
    """Share of lines that have one of the others within half of the tolerance."""
    if lines.size == 0 or others.size == 0:
        return 0.0
    sine = np.clip(0.5 * wavelength * np.sqrt(lines), 1e-6, 0.9999)
    slope = slope_of(2.0 * np.degrees(np.arcsin(sine)), wavelength)
    return float(np.mean(np.abs(deviations(lines, others)) < 0.5 * tolerance * slope))
