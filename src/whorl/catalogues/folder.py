"""A folder of structure files as a catalogue: parsed once into an index on disk, brought up to date at every opening.

A file is parsed again when its modification time or size changed, and its entry vanishes with it. A file that cannot be read
is remembered with the reason and skipped. The index is a store of its own and the folder itself is never written to. Files
are parsed outside of any transaction and written in batches, so several processes may open the same catalogue at once and a
kill loses one batch at most.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path

from whorl.catalogues import settling, store
from whorl.catalogues.base import Entry, select
from whorl.catalogues.examine import row_of
from whorl.catalogues.records import from_record
from whorl.core.errors import CatalogueError, WhorlError
from whorl.core.hypothesis import Cluster, Crystal

#: endings of the files that are read, lower case
SUFFIXES = frozenset({".cif", ".xyz"})
#: files parsed between two writes of the index
BATCH = 100


@dataclass(frozen=True)
class AddReport:
    """What bringing a folder up to date did.

    ``added``, ``changed``, ``removed`` count files since the last look; ``entries`` counts what the catalogue holds now and
    ``aliases`` how many of them repeat an earlier one; ``skipped`` lists every file that could not be used.
    """

    name: str
    folder: Path
    added: int
    changed: int
    removed: int
    entries: int
    aliases: int
    skipped: tuple[store.Skipped, ...]


class FolderCatalogue:
    """The structures of a folder and its subfolders.

    Parameters
    ----------
    name : str
        Name of the catalogue.
    folder : Path
        Where the CIF and XYZ files are.
    index : Path
        File of the index. If it cannot be written, a temporary one is used and the folder is parsed at every opening.

    Raises
    ------
    CatalogueError
        If the folder is not there.
    """

    def __init__(self, name: str, folder: Path, index: Path) -> None:
        self.name = name
        self.folder = folder
        self._index = _usable(index, self)
        self._reader = store.Reader(self._index, name)
        self.report = self.refresh()

    def refresh(self) -> AddReport:
        """Bring the index up to date with the folder and say what changed."""
        if not self.folder.is_dir():
            raise CatalogueError(
                f"its folder {self.folder} is not there",
                where=f"catalogue {self.name}",
                remedy=f"Bring the folder back, or forget it with `whorl catalogue remove {self.name}`.",
            )
        above = len(self.folder.parts)
        found = {_text("/".join(path.parts[above:])): path for path in _structure_files(self.folder)}
        with self._open() as connection:
            known = {
                str(path): (int(modified), int(size))
                for path, modified, size in connection.execute("SELECT path, modified, bytes FROM file")
            }
            gone = known.keys() - found.keys()
            stale = [(key, path, stat) for key, path in found.items() if (stat := _stat(path)) != known.get(key)]
            with connection:
                _forget(connection, gone)
            for start in range(0, len(stale), BATCH):
                parsed = [self._parse(key, path, stat) for key, path, stat in stale[start : start + BATCH]]
                with connection:
                    _forget(connection, {row.key for row in parsed})
                    _write(connection, parsed)
            if gone or stale or not settling.is_settled(connection):
                settling.settle(connection)
            return self._report(connection, known.keys(), {key for key, _, _ in stale}, len(gone))

    def entries(
        self,
        *,
        elements: Collection[str] | None = None,
        formula: str | None = None,
        space_group: int | None = None,
        family: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> list[Entry]:
        """List the rows that pass every filter given (see `base.select`), in the order of the files' paths."""
        with self._told():
            rows = self._reader.entries()
        return select(rows, elements=elements, formula=formula, space_group=space_group, family=family, size=size)

    def load(self, key: str) -> Crystal | Cluster:
        """Give the structure of a key (the file's path in the folder).

        Raises
        ------
        CatalogueError
            If there is no such key.
        """
        with self._told():
            found = self._reader.structure(key)
        if found is None:
            raise CatalogueError(
                f"no entry {key!r}",
                where=f"catalogue {self.name}",
                remedy=f"List the keys with `whorl catalogue show {self.name}`.",
            )
        return from_record(*found)

    @property
    def skipped(self) -> tuple[store.Skipped, ...]:
        """Files that could not be used, with the reason."""
        with self._told(), self._reader.open() as connection:
            return store.list_skipped(connection)

    @property
    def content_hash(self) -> str:
        """SHA-256 over the paths and contents of the files that are entries."""
        with self._told():
            return self._reader.meta("content_hash")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._told(), store.connect(self._index) as connection:
            yield connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what to do when the index fails."""
        try:
            yield
        except sqlite3.Error as error:
            raise CatalogueError(
                f"its index cannot be used ({error})",
                where=f"catalogue {self.name}, {self._index}",
                remedy="Delete that file: it is made again from the folder.",
            ) from error

    def _parse(self, key: str, path: Path, stat: tuple[int, int]) -> _Parsed:
        try:
            structure = read_structure(path)
            row = row_of(replace(structure, name=_text(structure.name), source=_text(str(path))), key, self.name)
            with path.open("rb") as stream:
                digest = file_digest(stream, "sha256").hexdigest()
            return _Parsed(key, stat, digest, row, "")
        except WhorlError as error:
            return _Parsed(key, stat, "", None, f"{error.what}. {error.remedy}".strip())
        except Exception as error:  # noqa: BLE001 - no file, whatever it holds, may stop the others
            return _Parsed(key, stat, "", None, f"cannot be read ({type(error).__name__}: {error})")

    def _report(self, connection: sqlite3.Connection, known: Collection[str], stale: Collection[str], gone: int) -> AddReport:
        changed = len(set(stale) & set(known))
        entries, aliases = connection.execute("SELECT COUNT(*), COALESCE(SUM(alias_of != ''), 0) FROM entry").fetchone()
        return AddReport(
            self.name, self.folder, len(stale) - changed, changed, gone, entries, aliases, store.list_skipped(connection)
        )


@dataclass(frozen=True)
class _Parsed:
    key: str
    stat: tuple[int, int]
    digest: str
    row: store.Row | None
    problem: str


def read_structure(path: Path) -> Crystal | Cluster:
    """Read a structure file (the package `whorl.formats` is loaded only when a file has to be read)."""
    from whorl.formats import read_structure as read

    return read(path)


def _structure_files(folder: Path) -> list[Path]:
    """Files with a known ending, hidden ones and hidden folders left out, in the order of their paths."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(root, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES]
    return sorted(found)


def _text(path: str) -> str:
    """Give a path as text that can be stored, bytes that are no UTF-8 written out."""
    return path.encode("utf-8", "backslashreplace").decode()


def _stat(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:  # vanished since it was listed, or a dangling link
        return (0, -1)
    return (stat.st_mtime_ns, stat.st_size)


def _forget(connection: sqlite3.Connection, paths: Collection[str]) -> None:
    for table, column in (("entry", "key"), ("file", "path")):
        statement = f"DELETE FROM {table} WHERE {column} = ?"  # noqa: S608 - names from the line above
        connection.executemany(statement, [(path,) for path in paths])
    if paths:
        settling.unsettle(connection)


def _write(connection: sqlite3.Connection, parsed: Collection[_Parsed]) -> None:
    store.put_rows(connection, [(0, one.row) for one in parsed if one.row is not None])
    connection.executemany(
        "INSERT OR REPLACE INTO file (path, origin, modified, bytes, key, sha256, problem) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(one.key, one.key, *one.stat, one.key if one.row else None, one.digest, one.problem) for one in parsed],
    )


def _usable(index: Path, owner: object) -> Path:
    """Give ``index`` when it can be opened and written, a fresh one when it is damaged, else a temporary file."""
    for attempt in (1, 2):
        try:
            index.parent.mkdir(parents=True, exist_ok=True)
            with store.connect(index) as connection, connection:
                for table in ("entry", "file", "meta"):
                    connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608 - names from the line above
                connection.execute("INSERT OR REPLACE INTO meta VALUES ('opened', 'yes')")
        except (sqlite3.OperationalError, OSError):
            break
        except sqlite3.DatabaseError:
            if attempt == 1:
                for ending in ("", "-wal", "-shm"):
                    with suppress(OSError):
                        index.with_name(index.name + ending).unlink(missing_ok=True)
        else:
            return index
    folder = tempfile.TemporaryDirectory(prefix="whorl-index-")
    weakref.finalize(owner, folder.cleanup)
    return Path(folder.name) / index.name
