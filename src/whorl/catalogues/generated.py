"""Catalogues whose content is made by a program: made once, kept in the cache, made again when the program changes.

The file in the cache is named by the catalogue, the package version and a hash of the sources that make the content, is
written beside its final place and moved there in one step, and is only ever read afterwards. So two processes may build at
once, a kill leaves no half file under the final name, and a disk that cannot be written only costs the time to build.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock

from whorl.catalogues import store
from whorl.catalogues.base import Entry, select
from whorl.catalogues.home import cache
from whorl.catalogues.records import from_record, to_entry, to_record
from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import Cluster, Crystal

Builder = Callable[[], Iterable[tuple[str, Crystal | Cluster]]]


class GeneratedCatalogue:
    """A catalogue that a builder makes and the cache keeps.

    Parameters
    ----------
    name : str
        Name of the catalogue.
    builder : callable
        Yields (key, hypothesis), best-known entries first.
    sources : collection of path
        Files whose content decides what the builder makes.
    """

    def __init__(self, name: str, builder: Builder, sources: Collection[Path]) -> None:
        self.name = name
        self._builder = builder
        self._sources = tuple(sources)
        self._lock = Lock()
        self._content: tuple[list[Entry], dict[str, tuple[str, bytes]], str] | None = None

    def __getstate__(self) -> dict[str, object]:
        """Travel to other processes without the content and the lock."""
        return {"name": self.name, "_builder": self._builder, "_sources": self._sources}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Arrive without content; it is read from the cache at the first question."""
        self.__dict__.update(state)
        self._lock = Lock()
        self._content = None

    def entries(
        self,
        *,
        elements: Collection[str] | None = None,
        formula: str | None = None,
        space_group: int | None = None,
        family: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> list[Entry]:
        """List the rows that pass every filter given (see `base.select`)."""
        rows = self._all()[0]
        return select(rows, elements=elements, formula=formula, space_group=space_group, family=family, size=size)

    def load(self, key: str) -> Crystal | Cluster:
        """Give the hypothesis of a key.

        Raises
        ------
        CatalogueError
            If there is no such key.
        """
        found = self._all()[1].get(key)
        if found is None:
            raise CatalogueError(
                f"no entry {key!r}",
                where=f"catalogue {self.name}",
                remedy=f"List the keys with `whorl catalogue show {self.name}`.",
            )
        return from_record(*found)

    @property
    def content_hash(self) -> str:
        """SHA-256 over keys, structures and coordinates."""
        return self._all()[2]

    @property
    def cache_file(self) -> Path:
        """Where the content is kept, named by what it is made from."""
        from whorl import __version__

        digest = sha256(f"{store.LAYOUT} {__version__}".encode())
        for source in self._sources:
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
        return cache() / f"{self.name}-{__version__}-{digest.hexdigest()[:20]}.sqlite"

    def _all(self) -> tuple[list[Entry], dict[str, tuple[str, bytes]], str]:
        with self._lock:
            if self._content is None:
                path = self.cache_file
                self._content = self._read(path) or self._build(path)
            return self._content

    def _read(self, path: Path) -> tuple[list[Entry], dict[str, tuple[str, bytes]], str] | None:
        """Content of the cache file; ``None`` when there is none or it is damaged."""
        if not path.is_file():
            return None
        try:
            with store.connect(f"{path}", read_only=True) as connection:
                rows = store.list_entries(connection, self.name)
                found = connection.execute("SELECT key, structure, coordinates FROM entry")
                structures = {str(key): (str(text), bytes(raw)) for key, text, raw in found}
                content_hash = store.get_meta(connection, "content_hash")
        except (sqlite3.Error, OSError):
            return None
        return (rows, structures, content_hash) if rows and content_hash else None

    def _build(self, path: Path) -> tuple[list[Entry], dict[str, tuple[str, bytes]], str]:
        digest = sha256()
        rows: list[Entry] = []
        structures: dict[str, tuple[str, bytes]] = {}
        for key, hypothesis in self._builder():
            record = to_record(hypothesis)
            rows.append(to_entry(hypothesis, key, self.name))
            structures[key] = record
            digest.update(key.encode() + b"\0" + record[0].encode() + record[1])
        content_hash = digest.hexdigest()
        with suppress(OSError, sqlite3.Error):
            self._keep(path, rows, structures, content_hash)
        return rows, structures, content_hash

    def _keep(self, path: Path, rows: list[Entry], structures: dict[str, tuple[str, bytes]], content_hash: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{self.name}-", suffix=".part", dir=path.parent)
        os.close(handle)
        try:
            with store.connect(name) as connection:
                with connection:
                    store.put(connection, ((i, row, *structures[row.key]) for i, row in enumerate(rows)))
                    store.set_meta(connection, "content_hash", content_hash)
                connection.execute("PRAGMA journal_mode=DELETE")  # one file, readable where nothing can be written
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
