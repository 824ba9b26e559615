"""One SQLite file of entries and their structures: numbers and text, no code.

Tables: ``entry`` (the row of `base.Entry`, the structure as JSON, the coordinates as raw float64, what repeated structures are
recognised by), ``file`` (what was seen of a user's files, by the file it came from, with what is wrong with it or was decided)
and ``meta`` (version of this layout, content hash).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from whorl.catalogues.base import Entry

#: raise when the layout of the tables changes: older files are made again
LAYOUT = "2"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
  key TEXT PRIMARY KEY, rank INTEGER, name TEXT, kind TEXT, formula TEXT, family TEXT, elements TEXT, space_group INTEGER,
  atoms INTEGER, size REAL, source TEXT, alias_of TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '', cell_spread REAL,
  structure TEXT NOT NULL, coordinates BLOB NOT NULL, likeness TEXT NOT NULL DEFAULT '', measures BLOB NOT NULL DEFAULT x'');
CREATE TABLE IF NOT EXISTS file (
  path TEXT PRIMARY KEY, origin TEXT NOT NULL, modified INTEGER, bytes INTEGER, key TEXT,
  sha256 TEXT NOT NULL DEFAULT '', problem TEXT NOT NULL DEFAULT '', notes TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS file_origin ON file (origin);
"""
_COLUMNS = "key, name, kind, formula, family, elements, space_group, atoms, size, source, alias_of, digest, cell_spread"


@dataclass(frozen=True)
class Row:
    """An entry with its structure (JSON, raw coordinates) and what repeated structures are recognised by (see `aliases`)."""

    entry: Entry
    text: str
    raw: bytes
    likeness: str = ""
    measures: bytes = b""


@dataclass(frozen=True)
class Skipped:
    """A file that is no entry: its path in the folder or the source, and why."""

    path: str
    reason: str


@contextmanager
def connect(path: Path | str, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """Open a store and close it at the end; tables are made unless ``read_only``.

    A path that cannot be written raises `sqlite3.OperationalError`.
    """
    if read_only:
        connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True, timeout=30.0)
    else:
        connection = sqlite3.connect(path, timeout=30.0)
    with closing(connection):
        if not read_only:
            prepare(connection)
        yield connection


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, and drop those of another layout."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_TABLES)
    with connection:
        if get_meta(connection, "layout") not in {"", LAYOUT}:
            for table in ("meta", "entry", "file"):
                connection.execute(f"DROP TABLE {table}")
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
        set_meta(connection, "layout", LAYOUT)


def get_meta(connection: sqlite3.Connection, name: str) -> str:
    """Read a word about the store, empty when it was never set."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def set_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Write a word about the store, unless it is there already (a reader then never waits for a writer)."""
    if get_meta(connection, name) != value:
        connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def put(connection: sqlite3.Connection, rows: Iterable[tuple[int, Entry, str, bytes]]) -> None:
    """Write entries with their rank, structure and coordinates; an equal key is replaced."""
    put_rows(connection, ((rank, Row(entry, text, raw)) for rank, entry, text, raw in rows))


def put_rows(connection: sqlite3.Connection, rows: Iterable[tuple[int, Row]]) -> None:
    """Write rows with their rank; an equal key is replaced."""
    connection.executemany(
        f"INSERT OR REPLACE INTO entry ({_COLUMNS}, rank, structure, coordinates, likeness, measures)"  # noqa: S608 - a constant
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                row.entry.key,
                row.entry.name,
                row.entry.kind,
                row.entry.formula,
                row.entry.family,
                " ".join(sorted(row.entry.elements)),
                row.entry.space_group,
                row.entry.atoms,
                row.entry.size,
                row.entry.source,
                row.entry.alias_of,
                row.entry.digest,
                row.entry.cell_spread,
                rank,
                row.text,
                row.raw,
                row.likeness,
                row.measures,
            )
            for rank, row in rows
        ),
    )


def list_entries(connection: sqlite3.Connection, catalogue: str) -> list[Entry]:
    """Read all rows in their order."""
    query = f"SELECT {_COLUMNS} FROM entry ORDER BY rank, key"  # noqa: S608 - a constant of this file
    sets: dict[str, frozenset[str]] = {}
    found = []
    for key, name, kind, formula, family, elements, *rest in connection.execute(query):
        if elements not in sets:
            sets[elements] = frozenset(elements.split())
        found.append(Entry(key, catalogue, name, kind, formula, family, sets[elements], *rest))
    return found


def get_structure(connection: sqlite3.Connection, key: str) -> tuple[str, bytes] | None:
    """Read the structure (JSON) and the coordinates of a key, or ``None``."""
    row = connection.execute("SELECT structure, coordinates FROM entry WHERE key = ?", (key,)).fetchone()
    return None if row is None else (str(row[0]), bytes(row[1]))


def list_skipped(connection: sqlite3.Connection) -> tuple[Skipped, ...]:
    """Read which files are no entries, with the reason, in the order of their paths."""
    rows = connection.execute("SELECT path, problem FROM file WHERE problem != '' ORDER BY path")
    return tuple(Skipped(str(path), str(problem)) for path, problem in rows)


class Reader:
    """Reads a store through one connection that stays open, and keeps the rows until the content changes.

    May be used by several threads; in another process it opens a connection of its own.

    Parameters
    ----------
    path : Path
    catalogue : str
        Name that the rows get.
    """

    def __init__(self, path: Path, catalogue: str) -> None:
        self.path = path
        self.catalogue = catalogue
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._rows: tuple[str, list[Entry]] | None = None

    def __getstate__(self) -> tuple[Path, str]:
        """Travel to other processes without the connection and the rows."""
        return self.path, self.catalogue

    def __setstate__(self, state: tuple[Path, str]) -> None:
        """Arrive closed."""
        self.__init__(*state)  # type: ignore[misc]

    def __del__(self) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection; the next question opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Give the connection, to one thread at a time."""
        with self._lock:
            if self._connection is None:
                address = f"{self.path.absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(address, uri=True, timeout=30.0, check_same_thread=False)
            yield self._connection

    def meta(self, name: str) -> str:
        """Read a word about the store."""
        with self.open() as connection:
            return get_meta(connection, name)

    def entries(self) -> list[Entry]:
        """Read all rows, from memory while the content hash is the same."""
        with self.open() as connection:
            content = get_meta(connection, "content_hash")
            if self._rows is None or self._rows[0] != content or not content:
                self._rows = (content, list_entries(connection, self.catalogue))
            return self._rows[1]

    def structure(self, key: str) -> tuple[str, bytes] | None:
        """Read the structure (JSON) and the coordinates of a key, or ``None``."""
        with self.open() as connection:
            return get_structure(connection, key)
