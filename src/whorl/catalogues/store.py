"""One SQLite file of entries and their structures: numbers and text, no code.

Tables: ``entry`` (the row of `base.Entry`, the structure as JSON, the coordinates as raw float64), ``file`` (what was seen in a
user's folder, with what is wrong with it) and ``meta`` (version of this layout, content hash).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from whorl.catalogues.base import Entry

#: raise when the layout of the tables changes: older files are made again
LAYOUT = "1"

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
  key TEXT PRIMARY KEY, rank INTEGER, name TEXT, kind TEXT, formula TEXT, family TEXT, elements TEXT, space_group INTEGER,
  atoms INTEGER, size REAL, source TEXT, alias_of TEXT NOT NULL DEFAULT '', structure TEXT NOT NULL, coordinates BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS file (
  path TEXT PRIMARY KEY, modified INTEGER, bytes INTEGER, key TEXT,
  sha256 TEXT NOT NULL DEFAULT '', problem TEXT NOT NULL DEFAULT '');
"""
_COLUMNS = "key, name, kind, formula, family, elements, space_group, atoms, size, source, alias_of"


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
    connection.executemany(
        f"INSERT OR REPLACE INTO entry ({_COLUMNS}, rank, structure, coordinates)"  # noqa: S608 - a constant of this file
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                entry.key,
                entry.name,
                entry.kind,
                entry.formula,
                entry.family,
                " ".join(sorted(entry.elements)),
                entry.space_group,
                entry.atoms,
                entry.size,
                entry.source,
                entry.alias_of,
                rank,
                text,
                raw,
            )
            for rank, entry, text, raw in rows
        ),
    )


def list_entries(connection: sqlite3.Connection, catalogue: str) -> list[Entry]:
    """Read all rows in their order."""
    query = f"SELECT {_COLUMNS} FROM entry ORDER BY rank, key"  # noqa: S608 - a constant of this file
    return [
        Entry(key, catalogue, name, kind, formula, family, frozenset(elements.split()), group, atoms, size, source, alias)
        for key, name, kind, formula, family, elements, group, atoms, size, source, alias in connection.execute(query)
    ]


def get_structure(connection: sqlite3.Connection, key: str) -> tuple[str, bytes] | None:
    """Read the structure (JSON) and the coordinates of a key, or ``None``."""
    row = connection.execute("SELECT structure, coordinates FROM entry WHERE key = ?", (key,)).fetchone()
    return None if row is None else (str(row[0]), bytes(row[1]))
