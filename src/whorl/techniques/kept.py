"""What a technique keeps of each entry of a catalogue for retrieval: computed once, on disk by the hash of its structure.

One file per technique and catalogue. An entry that is added or changed costs its own computation and no other; the file is
written in one step, every few seconds of a long computation, so that an interrupted one goes on where it was.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Generic, TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from whorl import __version__
from whorl.catalogues.base import Catalogue, Entry
from whorl.catalogues.home import index_file
from whorl.core.atomic import write_atomic
from whorl.core.errors import WhorlError

T = TypeVar("T")

WRITE_EVERY = 20.0  # seconds
STALE = 1000  # rows of vanished entries that are kept


class Kept(Generic[T]):
    """Rows of the entries of catalogues, one for each structure.

    Parameters
    ----------
    technique : str
        Key, for the name of the file.
    about : str
        What rows depend on beside the structure: a change of it makes all of them anew.
    compute : callable
        (catalogue, entry) to row; never raises.
    pack : callable
        Rows by name to arrays for `numpy.savez`.
    unpack : callable
        The stored arrays to rows by name; may raise any of the errors of broken data.
    """

    def __init__(
        self,
        technique: str,
        about: str,
        compute: Callable[[Catalogue, Entry], T],
        pack: Callable[[Mapping[str, T]], dict[str, NDArray[Any]]],
        unpack: Callable[[Any], dict[str, T]],
    ) -> None:
        self._technique, self._about = technique, about
        self._compute, self._pack, self._unpack = compute, pack, unpack
        self._files: dict[Path, tuple[tuple[int, int], dict[str, T]]] = {}

    def rows(
        self, catalogue: Catalogue, entries: Sequence[Entry], progress: Callable[[int, int], None] | None = None
    ) -> list[T]:
        """Rows of entries of a catalogue, computed where the file does not hold them."""
        path = index_file(self._technique, catalogue.name)
        known = self._known(path)
        content = catalogue.content_hash
        names = [self._digest(entry, content) for entry in entries]
        missing = [(name, entry) for name, entry in zip(names, entries, strict=True) if name not in known]
        if missing:
            known = dict(known)
            try:
                written = time.monotonic()
                for number, (name, entry) in enumerate(missing):
                    known[name] = self._compute(catalogue, entry)
                    if progress:
                        progress(number + 1, len(missing))
                    if time.monotonic() - written > WRITE_EVERY:
                        self._write(path, known)
                        written = time.monotonic()
            finally:
                if len(known) > len(names) + STALE:
                    wanted = set(names)
                    known = {name: row for name, row in known.items() if name in wanted}
                self._write(path, known)
        return [known[name] for name in names]

    def _digest(self, entry: Entry, content: str) -> str:
        """Name of a row: any change of the structure, or of how rows are made, changes it."""
        about = f"{self._about}:{__version__}:{entry.digest or f'{content}:{entry.key}'}"
        return blake2b(about.encode(), digest_size=12).hexdigest()

    def _known(self, path: Path) -> dict[str, T]:
        """Rows of a file; none when it is not there or not whole (a kill, a full disk)."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if path in self._files and self._files[path][0] == stamp:
                return self._files[path][1]
            # opened here, since numpy does not close a file that it refuses
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                rows = self._unpack(stored)
        except (OSError, EOFError, ValueError, KeyError, TypeError, IndexError, BadZipFile, zlib.error):
            return {}
        self._files[path] = (stamp, rows)
        return rows

    def _write(self, path: Path, rows: Mapping[str, T]) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **self._pack(rows))  # type: ignore[arg-type]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, buffer.getvalue())
        except (OSError, WhorlError):
            return  # an index that cannot be written costs time, not the answer
