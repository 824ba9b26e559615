"""The workspace's index: one SQLite file in write-ahead mode, opened safely by many processes and threads at once.

Every failure of SQLite comes out as a `WorkspaceError` that says what to do. The schema has a version (``PRAGMA
user_version``); a new version is one more entry in `MIGRATIONS`, applied in one transaction when an older workspace is opened.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from whorl.core.errors import WorkspaceError

#: statements that lead from schema version i to i + 1
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, task TEXT NOT NULL,
            technique TEXT NOT NULL, file TEXT NOT NULL, sha256 TEXT NOT NULL, status TEXT NOT NULL, time TEXT NOT NULL,
            version TEXT NOT NULL, seconds REAL NOT NULL, best TEXT NOT NULL, rw REAL, probability REAL)""",
        "CREATE INDEX runs_key ON runs (key, status, number)",
        "CREATE INDEX runs_file ON runs (file, number)",
        "CREATE INDEX runs_task ON runs (task, number)",
        "CREATE TRIGGER runs_keep BEFORE DELETE ON runs BEGIN SELECT RAISE(ABORT, 'runs are kept'); END",
        "CREATE TRIGGER runs_fixed BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'runs do not change'); END",
        "CREATE TABLE batches (key TEXT PRIMARY KEY, task TEXT NOT NULL, command TEXT NOT NULL, time TEXT NOT NULL)",
        """CREATE TABLE items (
            batch TEXT NOT NULL REFERENCES batches (key), item TEXT NOT NULL, status TEXT NOT NULL, run TEXT NOT NULL,
            PRIMARY KEY (batch, item))""",
    ),
)

#: how another workspace is chosen, for remedies
INSTEAD = "--workspace FOLDER or WHORL_HOME"


class Database:
    """One connection per process to a SQLite file, shared by its threads.

    Parameters
    ----------
    path : Path
        The file; made when absent.
    timeout : float
        Seconds to wait while another process holds the lock.

    Raises
    ------
    WorkspaceError
        If the file is locked, damaged, read-only or made by a newer version.
    """

    def __init__(self, path: Path, *, timeout: float) -> None:
        self.path = path
        self.timeout = timeout
        self._lock = threading.RLock()
        self._open: list[tuple[int, sqlite3.Connection]] = []
        weakref.finalize(self, _close, self._open)
        with self._lock, self._explained():
            self._connect()

    @property
    def created(self) -> bool:
        """True when opening has made the schema (a new or an emptied file)."""
        return self._created

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock for the block; commit when it ends well, else undo all of it."""
        with self._lock, self._explained():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # SQLite has undone it itself when the disk was full
                    connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Give all rows of a query."""
        with self._lock, self._explained():
            return self._connection().execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Close the connection; the next call opens it again."""
        with self._lock:
            _close(self._open)

    def _connection(self) -> sqlite3.Connection:
        if not self._open or self._open[-1][0] != os.getpid():
            self._connect()
        return self._open[-1][1]

    def _connect(self) -> None:
        deadline = time.monotonic() + self.timeout
        while True:
            connection = sqlite3.connect(self.path, timeout=self.timeout, isolation_level=None, check_same_thread=False)
            try:
                self._created = self._prepare(connection)
            except BaseException as error:
                connection.close()
                # the change to write-ahead mode does not wait for the lock by itself
                if not (isinstance(error, sqlite3.Error) and _code(error) in _LOCKED and time.monotonic() < deadline):
                    raise
                time.sleep(0.02)
            else:
                # SQLite forbids touching a connection after a fork: a parent's stays in the list, unused
                self._open.append((os.getpid(), connection))
                return

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")  # on file systems without shared memory SQLite keeps its journal
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        found = _version(connection)
        if found > len(MIGRATIONS):
            raise WorkspaceError(
                f"made by a newer whorl (format {found}, this one knows {len(MIGRATIONS)})",
                where=str(self.path),
                remedy=f"Update whorl or use another workspace ({INSTEAD}).",
            )
        if found == len(MIGRATIONS):
            return False
        connection.execute("BEGIN IMMEDIATE")
        try:
            found = _version(connection)  # another process may have been faster
            for statements in MIGRATIONS[found:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        return found == 0

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explain(error, self.path, self.timeout) from error


def _close(held: list[tuple[int, sqlite3.Connection]]) -> None:
    mine = [connection for pid, connection in held if pid == os.getpid()]
    held[:] = [entry for entry in held if entry[0] != os.getpid()]
    for connection in mine:
        with suppress(sqlite3.Error):
            connection.close()


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REFUSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


def _code(error: sqlite3.Error) -> int:
    """Primary result code of SQLite (the extended one has more bits)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _explain(error: sqlite3.Error, path: Path, timeout: float) -> WorkspaceError:
    code = _code(error)
    if code in _LOCKED:
        what = f"locked by another process for more than {timeout:g} s"
        remedy = f"Wait for the other run to end, or use another workspace ({INSTEAD})."
    elif code in _DAMAGED:
        what = f"the index of the workspace is damaged ({error})"
        remedy = f"Move {path.name} and its -wal and -shm files aside; it is made anew from the folder runs beside it."
    elif code in _REFUSED:
        what, remedy = "the workspace cannot be written", f"Choose a folder you may write to ({INSTEAD})."
    elif code == sqlite3.SQLITE_FULL:
        what, remedy = "the disk is full", f"Free some space or use another workspace ({INSTEAD})."
    else:
        what, remedy = f"SQLite reports: {error}", f"Check the disk, or use another workspace ({INSTEAD})."
    return WorkspaceError(what, where=str(path), remedy=remedy)
