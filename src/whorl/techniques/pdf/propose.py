r"""Cheap candidates, best first: correlation of the measured G(r) with every catalogue entry over ln r.

A change of length scale (thermal expansion, a solid solution, the unknown bond length of a metal cluster) shifts a pattern
along ln r without changing it. For every entry and all shifts at once, the best non-negative combination of its template
under a few particle-size envelopes is found in closed form: the scale and the size need no search. What is left over, as a
part of the signal, is the score. All entries of a catalogue take part in a few matrix products.

For the further phases of a mixture, the phases found so far are projected out of the signal and of the templates, so that an
entry is judged by what it explains beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import overload

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import NON_METALS, Catalogue, Entry
from whorl.physics import envelopes
from whorl.techniques.crystal_freedom import cell_spread
from whorl.techniques.pdf.index import Block, Index
from whorl.techniques.pdf.metals import bond_length
from whorl.techniques.pdf.prepare import SLOW_Q, PdfSignal, slow_curves
from whorl.techniques.pdf.templates import DX, OPEN, POINTS, REFERENCE_BOND, WINDOW, LogGrid, Single

Array = NDArray[np.float64]

_DIAMETERS = (1e6, 40.0, 20.0, 12.0)
_BOND_SHIFT = 0.08
_BOND_SPREAD = 0.03
_HALF_NYQUIST_TESTIFIES = 0.25
_TOGETHER = 2048  # entries compared at a time
_LEAST_LEFT = 1e-4
#: part of a template's power that must be its own, not that of the phases found before
_OWN = 0.02


@dataclass(frozen=True)
class Row:
    """A catalogue entry with the index that holds its template."""

    catalogue: Catalogue
    entry: Entry
    index: Index

    @property
    def open(self) -> bool:
        """True for a cluster whose bond length is open."""
        return self.index.place[self.entry.key][0] == OPEN

    @property
    def density(self) -> float:
        """Number density, 1/angstrom^3; 0 for clusters."""
        return self.index.density[self.entry.key]


@dataclass(frozen=True)
class Group:
    """Rows whose templates lie in one block, all crystals or all clusters.

    Attributes
    ----------
    numbers : int array, shape (n,)
        Of the rows among all.
    places : int array, shape (n,)
        Of their templates in the block.
    spread : array, shape (n,)
        Of the prior of ln(scale), elements not known.
    """

    rows: tuple[Row, ...]
    numbers: NDArray[np.int64]
    places: NDArray[np.int64]
    spread: Array
    block: Block
    cluster: bool

    @property
    def grid(self) -> LogGrid:
        """Grid of the templates."""
        return self.block.grid


class Rows(Sequence[Row]):
    """Rows with what many measurements ask of them, worked out once."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, number: int) -> Row: ...

    @overload
    def __getitem__(self, number: slice) -> tuple[Row, ...]: ...

    def __getitem__(self, number: int | slice) -> Row | tuple[Row, ...]:
        return self._rows[number]

    @cached_property
    def groups(self) -> list[Group]:
        """The rows block by block."""
        found: dict[tuple[int, LogGrid, bool], list[int]] = {}
        for number, row in enumerate(self._rows):
            grid = row.index.place[row.entry.key][0]
            found.setdefault((id(row.index), grid, row.entry.kind == "cluster"), []).append(number)
        out = []
        for (_, grid, cluster), numbers in found.items():
            rows = tuple(self._rows[n] for n in numbers)
            places = np.array([row.index.place[row.entry.key][1] for row in rows], dtype=np.int64)
            spread = np.array([_scale_spread(row, None) for row in rows])
            out.append(Group(rows, np.array(numbers, dtype=np.int64), places, spread, rows[0].index.blocks[grid], cluster))
        return out


@dataclass(frozen=True)
class Proposal:
    """A candidate worth refining.

    Attributes
    ----------
    row : Row
    merit : float
        Log evidence of the coarse match; differences count.
    misfit : float
        Estimate of R_w on the window.
    zoom : float
        Factor on the entry's lengths (crystals, clusters in angstrom) or bond length in angstrom (open clusters).
    diameter : float or None
        Particle size the match suggests, angstrom; ``None`` for a large crystal or a cluster.
    element : str or None
        Element put on an open cluster.
    """

    row: Row
    merit: float
    misfit: float
    zoom: float
    diameter: float | None
    element: str | None


def log_correlation(
    signal: PdfSignal,
    rows: Sequence[Row],
    *,
    elements: frozenset[str] | None = None,
    given: Sequence[Array] = (),
    prior: Array | None = None,
    most: int | None = None,
    always: Collection[int] = (),
) -> list[Proposal]:
    """Score all entries; best first.

    Parameters
    ----------
    signal : PdfSignal
    rows : sequence of Row
    elements : frozenset of str, optional
        Elements of the sample as the user gives them; the file's composition is used as a hint otherwise.
    given : sequence of arrays, shape (n,)
        G(r) of phases found before, on the signal's points: entries are scored by what they explain beside them.
    prior : array, shape (rows,), optional
        Log prior of each row: with it the ``most`` promising are chosen.
    most : int, optional
        Proposals returned at most.
    always : collection of int
        Numbers of rows whose proposals are returned in any case.
    """
    metals = sorted((elements or signal.elements_hint) - NON_METALS)
    known = metals[0] if len(metals) == 1 else None
    matcher = _Matcher(signal, given)
    scored: list[tuple[float, Callable[[], Proposal]]] = []
    wanted: list[Proposal] = []
    for group in (rows if isinstance(rows, Rows) else Rows(rows)).groups:
        merit, make = matcher.match(group, element=known if group.grid == OPEN else None)
        order = merit if prior is None else merit + prior[group.numbers]
        scored += [(float(order[i]), partial(make, i)) for i in np.argsort(-order, kind="stable")[:most]]
        wanted += [make(i) for n in always for i in np.flatnonzero(group.numbers == n).tolist()]
    scored.sort(key=lambda pair: -pair[0])
    found = [make() for _, make in scored[:most]]
    chosen = {id(p.row) for p in found}
    return sorted([*found, *(p for p in wanted if id(p.row) not in chosen)], key=lambda p: -p.merit)


class _Matcher:
    """A signal, prepared to be compared with blocks of templates."""

    def __init__(self, signal: PdfSignal, given: Sequence[Array]) -> None:
        self._signal = signal
        r = np.exp(np.log(WINDOW[0]) + DX * np.arange(POINTS))
        inside = (r >= signal.range[0]) & (r <= signal.range[1])
        data = np.where(inside, np.interp(r, signal.r, signal.g), 0.0)
        power = float(np.sum(np.where(inside, r, 0.0) * data**2))
        weight = np.where(inside, r, 0.0) / max(power, 1e-300)  # dr = r d(ln r); then the signal has power 1
        slow = _orthonormal(list(np.where(inside, slow_curves(r).T, 0.0)), weight)
        basis = _orthonormal([np.where(inside, np.interp(r, signal.r, g), 0.0) for g in given], weight, slow)
        for curve in [*slow, *basis]:
            data = data - float(np.sum(weight * curve * data)) * curve
        self._left = float(np.sum(weight * data**2))
        qmax = signal.instrument.qmax or 25.0
        width = min(WINDOW[1], signal.range[1]) - max(WINDOW[0], signal.range[0])
        self._testify = 0.5 * _HALF_NYQUIST_TESTIFIES * max(width, 0.0) * qmax / np.pi
        gamma = [envelopes.sphere(r, d)[0] for d in _DIAMETERS]
        count = len(_DIAMETERS)
        self._pairs = [(a, b) for a in range(count) for b in range(a, count)]
        self._numerator = [weight * data * g for g in gamma]
        self._square = [weight * gamma[a] * gamma[b] for a, b in self._pairs]
        self._shadow = [[weight * curve * g for g in gamma] for curve in basis]

    def match(self, group: Group, *, element: str | None) -> tuple[Array, Callable[[int], Proposal]]:
        """Score the rows of a group: the merit of each, shape (rows,), and what makes the proposal of one."""
        rows, grid, cluster = group.rows, group.grid, group.cluster
        bond = bond_length(element) if element and _on_the_grid(element) else None
        centre = float(np.log(bond / REFERENCE_BOND)) if bond else 0.0
        zoom = float(np.exp(centre))
        instrument = self._signal.instrument
        qmax = instrument.qmax * zoom if instrument.qmax else None
        shapes = group.block.cut(group.places, max(instrument.qmin, SLOW_Q) * zoom, qmax)
        shift = (grid.steps - np.arange(2 * grid.steps + 1)) * DX  # a template moved by k is the entry at this ln(scale)
        columns = np.flatnonzero(np.abs(shift - centre) <= _BOND_SHIFT) if bond else np.arange(shift.size)
        shift = shift[columns]
        spread = (np.full(len(rows), _BOND_SPREAD) if bond else group.spread)[:, None]
        # Student's t with three degrees of freedom: a wrong detector distance shifts all lengths by a per cent now and then
        penalty = 2.0 * np.log1p(((shift[None, :] - centre) / spread) ** 2 / 3.0)
        parts = []
        for start in range(0, len(rows), _TOGETHER):
            part = slice(start, start + _TOGETHER)
            explained, which = self._explained(shapes[part], columns, cluster=cluster)
            share = explained / max(self._left, 1e-12)
            merit = -self._testify * np.log(np.maximum(1 - share, _LEAST_LEFT)) - penalty[part]
            best = np.argmax(merit, axis=1)
            lines = np.arange(best.size)
            scale = np.exp(shift[best] - DX * _between(merit, best))
            parts.append((merit[lines, best], explained[lines, best], which[lines, best], scale))
        merits, gains, kinds, scales = (np.concatenate(column) for column in zip(*parts, strict=True))

        def make(i: int) -> Proposal:
            return Proposal(
                rows[i],
                float(merits[i]),
                float(np.sqrt(max(self._left - gains[i], _LEAST_LEFT))),
                float(scales[i]) * (REFERENCE_BOND if grid == OPEN else 1.0),
                None if cluster else _mean_diameter(float(kinds[i])),
                element,
            )

        return merits, make

    def _explained(self, shapes: Single, columns: NDArray[np.int64], *, cluster: bool) -> tuple[Array, Array]:
        """Part of the signal's power explained at each shift, and the (fractional) index of the envelope that does it."""
        count = 1 if cluster else len(_DIAMETERS)
        n = _slide(shapes, self._numerator[:count], columns)
        s = _slide(shapes**2, [k for (_, b), k in zip(self._pairs, self._square, strict=True) if b < count], columns)
        shadows = [_slide(shapes, kernels[:count], columns) for kernels in self._shadow]
        c = np.array(shadows) if shadows else np.zeros((0, *n.shape), dtype=np.float32)
        best, which = envelopes.best_blend(n, s, c, _OWN)
        return np.clip(best, 0.0, self._left), which


def _orthonormal(curves: Sequence[Array], weight: Array, others: Sequence[Array] = ()) -> list[Array]:
    """Gram-Schmidt under the weight, beside others that are orthonormal already; curves that add nothing are left out."""
    out: list[Array] = []
    for curve in curves:
        size = float(np.sqrt(np.sum(weight * curve**2)))
        rest = curve
        for other in [*others, *out]:
            rest = rest - float(np.sum(weight * other * rest)) * other
        length = float(np.sqrt(np.sum(weight * rest**2)))
        if length > 1e-3 * max(size, 1e-300):
            out.append(rest / length)
    return out


def _slide(shapes: Single, kernels: Sequence[Array], columns: NDArray[np.int64]) -> Single:
    """Inner products of the templates with kernels of the window's length, for the shifts named; (rows, kernels, shifts)."""
    matrix = np.zeros((shapes.shape[1], len(kernels), columns.size), dtype=np.float32)
    for i, kernel in enumerate(kernels):
        for j, first in enumerate(columns):
            matrix[first : first + POINTS, i, j] = kernel
    return np.asarray((shapes @ matrix.reshape(shapes.shape[1], -1)).reshape(len(shapes), len(kernels), columns.size))


def _between(merit: Array, best: NDArray[np.int64]) -> Array:
    """Offset of each row's maximum from its highest point, in steps, by a parabola; shape (rows,)."""
    rows = np.arange(best.size)
    inner = np.clip(best, 1, merit.shape[1] - 2)
    left, top, right = (merit[rows, inner + k] for k in (-1, 0, 1))
    bend = left - 2 * top + right
    bent = (bend < 0) & (best == inner) & np.isfinite(bend)
    return np.asarray(np.where(bent, np.clip(0.5 * (left - right) / np.where(bent, bend, -1.0), -0.5, 0.5), 0.0))


def _scale_spread(row: Row, bond: float | None) -> float:
    """Spread of the prior of ln(scale)."""
    if row.open:
        return _BOND_SPREAD if bond else np.inf
    if row.entry.kind == "cluster":
        return _BOND_SPREAD
    return row.entry.cell_spread or cell_spread(len(row.entry.elements))


def _on_the_grid(element: str) -> bool:
    """Whether the shifts tried hold the bond of an element: the large alkali and alkaline earth metals are left to the data."""
    bond = bond_length(element)
    return bond is not None and abs(np.log(bond / REFERENCE_BOND)) <= OPEN.steps * DX


def _mean_diameter(mixed: float) -> float | None:
    """Particle size that an envelope, or a blend of two, stands for."""
    inverse = np.interp(mixed, range(len(_DIAMETERS)), [1 / d for d in _DIAMETERS])
    return float(1 / inverse) if inverse > 1 / 200.0 else None
