"""The index of a catalogue: the templates of its entries, computed once and kept on disk (`whorl.techniques.kept`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue, Entry, Selection
from whorl.core.errors import WhorlError
from whorl.techniques.kept import Kept
from whorl.techniques.pdf.signatures import REACH, REACH_BONDS, signature
from whorl.techniques.pdf.templates import CLOSED, OPEN, LogGrid, Single, grid_of, template

RADIATIONS = ("x-ray", "neutron")
_LAYOUT = 1  # raise when the arrays change meaning


@dataclass
class _Row:
    """What is kept of one entry: number density (1/angstrom^3), grid (none when it has no pairs), templates by radiation."""

    density: float
    grid: LogGrid | None
    shapes: tuple[NDArray[np.float16] | None, ...] = ()


@dataclass
class Block:
    """Templates of some entries on one grid.

    Attributes
    ----------
    grid : LogGrid
    shapes : array, shape (n, stored points)
        One row per entry, single precision.
    """

    grid: LogGrid
    shapes: Single
    _cut: dict[tuple[float, float | None], Single] = field(default_factory=dict)

    def cut(self, rows: NDArray[np.int64], qmin: float, qmax: float | None) -> Single:
        """Templates of some rows with the band cut, shape (rows, ``grid.count``); the last of all rows are remembered."""
        key = (round(qmin, 3), None if qmax is None else round(qmax, 3))
        band = self.grid.band(*key)
        if 2 * rows.size < len(self.shapes) and key not in self._cut:
            return np.asarray(self.shapes[rows] @ band)
        whole = self._cut.get(key)
        if whole is None:
            whole = np.asarray(self.shapes @ band)
            self._cut = {key: whole}
        return whole if rows.size == len(whole) and bool(np.all(np.diff(rows) == 1)) else whole[rows]


@dataclass
class Index:
    """Templates of a catalogue for one radiation.

    Attributes
    ----------
    blocks : dict of LogGrid to Block
    place : dict of str to (LogGrid, int)
        Grid and row of each entry that has a template, by its key.
    density : dict of str to float
        Number density by key, 1/angstrom^3; 0 for clusters.
    """

    blocks: dict[LogGrid, Block]
    place: dict[str, tuple[LogGrid, int]]
    density: dict[str, float]


_lock = Lock()
_built: dict[tuple[str, str, str], Index] = {}


def load_index(catalogue: Catalogue, radiation: str, *, progress: Callable[[int, int], None] | None = None) -> Index:
    """Templates of all entries of a catalogue, from disk where they were computed before.

    Parameters
    ----------
    catalogue : Catalogue
    radiation : str
        "x-ray" or "neutron".
    progress : callable, optional
        Called with (done, total) for the entries that have to be computed.

    Returns
    -------
    Index
        An entry whose structure cannot be used (one atom only, say) is not in it.
    """
    if isinstance(catalogue, Selection):
        catalogue = catalogue.whole
    identity = (catalogue.name, catalogue.content_hash, radiation)
    with _lock:
        if identity in _built:
            return _built[identity]
        entries = [e for e in catalogue.entries() if not e.alias_of]
        rows = _KEPT.rows(catalogue, entries, progress)
        found = _assemble(entries, rows, RADIATIONS.index(radiation))
        for key in [k for k in _built if k[0] == catalogue.name and k[2] == radiation]:
            del _built[key]
        _built[identity] = found
        return found


def _assemble(entries: Sequence[Entry], rows: Sequence[_Row], which: int) -> Index:
    place: dict[str, tuple[LogGrid, int]] = {}
    density: dict[str, float] = {}
    shapes: dict[LogGrid, list[NDArray[np.float16]]] = {CLOSED: [], OPEN: []}
    for entry, row in zip(entries, rows, strict=True):
        shape = row.shapes[which] if row.grid is not None else None
        if row.grid is not None and shape is not None:
            place[entry.key] = (row.grid, len(shapes[row.grid]))
            density[entry.key] = row.density
            shapes[row.grid].append(shape)
    blocks = {grid: Block(grid, np.array(part, dtype=np.float32)) for grid, part in shapes.items() if part}
    return Index(blocks, place, density)


def _compute(catalogue: Catalogue, entry: Entry) -> _Row:
    try:
        found = signature(catalogue.load(entry.key))
    except WhorlError:
        return _Row(0.0, None)
    if not found.distance.size:
        return _Row(0.0, None)
    return _Row(found.density, grid_of(found), tuple(template(found, radiation) for radiation in RADIATIONS))


def _unpacked(stored: Any) -> dict[str, _Row]:
    out: dict[str, _Row] = {name: _Row(0.0, None) for name in stored["without"].tolist()}
    for label, grid in (("closed", CLOSED), ("open", OPEN)):
        names, density, has = (stored[f"{label}_{k}"] for k in ("names", "density", "has"))
        shapes = [stored[f"{label}_{radiation}"] for radiation in RADIATIONS]
        if any(s.shape != (names.size, grid.r.size) for s in shapes):
            raise ValueError("templates of another grid")
        for i, name in enumerate(names.tolist()):
            row = tuple(s[i] if has[i, k] else None for k, s in enumerate(shapes))
            out[name] = _Row(float(density[i]), grid, row)
    return out


def _packed(rows: Mapping[str, _Row]) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"without": np.array([n for n, r in rows.items() if r.grid is None], dtype="U24")}
    for label, grid in (("closed", CLOSED), ("open", OPEN)):
        part = [(name, row) for name, row in rows.items() if row.grid == grid]
        arrays[f"{label}_names"] = np.array([name for name, _ in part], dtype="U24")
        arrays[f"{label}_density"] = np.array([row.density for _, row in part], dtype=np.float64)
        arrays[f"{label}_has"] = np.array([[s is not None for s in row.shapes] for _, row in part], dtype=bool).reshape(-1, 2)
        empty = np.zeros(grid.r.size, dtype=np.float16)
        for k, radiation in enumerate(RADIATIONS):
            arrays[f"{label}_{radiation}"] = _stack((row.shapes[k] for _, row in part), empty)
    return arrays


def _stack(shapes: Iterable[NDArray[np.float16] | None], empty: NDArray[np.float16]) -> NDArray[np.float16]:
    return np.array([empty if s is None else s for s in shapes], dtype=np.float16).reshape(-1, empty.size)


_KEPT = Kept("pdf", f"{_LAYOUT}:{REACH}:{REACH_BONDS}", _compute, _packed, _unpacked)
