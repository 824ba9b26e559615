"""The index of a catalogue: the templates of its entries, computed once and kept on disk.

Templates are kept by the hash of what they were computed from, in one file per catalogue. An entry that is added or changed
costs its own template and no other; the file is written in one step, every few seconds of a long computation, so that an
interrupted one goes on where it was.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from whorl import __version__
from whorl.catalogues.base import Catalogue, Entry, Selection
from whorl.catalogues.home import index_file
from whorl.core.atomic import write_atomic
from whorl.core.errors import WhorlError
from whorl.techniques.pdf.signatures import REACH, REACH_BONDS, signature
from whorl.techniques.pdf.templates import CLOSED, OPEN, LogGrid, Single, grid_of, template

RADIATIONS = ("x-ray", "neutron")
_LAYOUT = 1  # raise when the arrays change meaning
_WRITE_EVERY = 20.0  # seconds
_STALE = 1000  # templates of vanished entries that are kept


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
_files: dict[Path, tuple[tuple[int, int], dict[str, _Row]]] = {}
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
        rows = _rows(catalogue, entries, progress)
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


def _rows(catalogue: Catalogue, entries: Sequence[Entry], progress: Callable[[int, int], None] | None) -> list[_Row]:
    path = index_file("pdf", catalogue.name)
    known = _known(path)
    content = catalogue.content_hash
    names = [_digest(entry, content) for entry in entries]
    missing = [(name, entry) for name, entry in zip(names, entries, strict=True) if name not in known]
    if missing:
        known = dict(known)
        try:
            written = time.monotonic()
            for number, (name, entry) in enumerate(missing):
                known[name] = _compute(catalogue, entry)
                if progress:
                    progress(number + 1, len(missing))
                if time.monotonic() - written > _WRITE_EVERY:
                    _write(path, known)
                    written = time.monotonic()
        finally:
            if len(known) > len(names) + _STALE:
                wanted = set(names)
                known = {name: row for name, row in known.items() if name in wanted}
            _write(path, known)
    return [known[name] for name in names]


def _compute(catalogue: Catalogue, entry: Entry) -> _Row:
    try:
        found = signature(catalogue.load(entry.key))
    except WhorlError:
        return _Row(0.0, None)
    if not found.distance.size:
        return _Row(0.0, None)
    return _Row(found.density, grid_of(found), tuple(template(found, radiation) for radiation in RADIATIONS))


def _digest(entry: Entry, content: str) -> str:
    """Name of what is kept of an entry: any change of the structure, or of how templates are made, changes it."""
    about = f"{_LAYOUT}:{__version__}:{REACH}:{REACH_BONDS}:{entry.digest or f'{content}:{entry.key}'}"
    return blake2b(about.encode(), digest_size=12).hexdigest()


def _known(path: Path) -> dict[str, _Row]:
    """Rows of a file; none when it is not there or not whole (a kill, a full disk)."""
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if path in _files and _files[path][0] == stamp:
            return _files[path][1]
        # opened here, since numpy does not close a file that it refuses
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            rows = _unpacked(stored)
    except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, BadZipFile, zlib.error):
        return {}
    _files[path] = (stamp, rows)
    return rows


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


def _write(path: Path, rows: dict[str, _Row]) -> None:
    arrays: dict[str, NDArray[Any]] = {"without": np.array([n for n, r in rows.items() if r.grid is None], dtype="U24")}
    for label, grid in (("closed", CLOSED), ("open", OPEN)):
        part = [(name, row) for name, row in rows.items() if row.grid == grid]
        arrays[f"{label}_names"] = np.array([name for name, _ in part], dtype="U24")
        arrays[f"{label}_density"] = np.array([row.density for _, row in part], dtype=np.float64)
        arrays[f"{label}_has"] = np.array([[s is not None for s in row.shapes] for _, row in part], dtype=bool).reshape(-1, 2)
        empty = np.zeros(grid.r.size, dtype=np.float16)
        for k, radiation in enumerate(RADIATIONS):
            arrays[f"{label}_{radiation}"] = _stack((row.shapes[k] for _, row in part), empty)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, buffer.getvalue())
    except (OSError, WhorlError):
        return  # an index that cannot be written costs time, not the answer


def _stack(shapes: Iterable[NDArray[np.float16] | None], empty: NDArray[np.float16]) -> NDArray[np.float16]:
    return np.array([empty if s is None else s for s in shapes], dtype=np.float16).reshape(-1, empty.size)
