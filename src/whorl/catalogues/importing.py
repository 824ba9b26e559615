"""The import of collections: what is new is read in worker processes and kept in batches, so that an interrupted one goes on.

A text that was imported before under the same key with the same content is not read again. Nothing is unpacked to disk.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from whorl.catalogues import settling, store
from whorl.catalogues.archive import Limits
from whorl.catalogues.examine import Failed, Found, Text, examine
from whorl.catalogues.imported import STORE
from whorl.catalogues.sources import Source
from whorl.core.errors import CatalogueError
from whorl.core.executor import choose_executor

#: texts in memory at a time: bytes and number
_ROUND_BYTES, _ROUND_TEXTS = 64 << 20, 20_000
#: texts whose structures are written together
_BATCH = 200
#: fewer texts than this are read in this process: a worker takes a second to start
_FEW = 200

Progress = Callable[[int], None]


@dataclass(frozen=True)
class ImportedRow:
    """One line of the report: what became of a structure or a text of the sources.

    ``status`` is "added", "changed", "known" (imported before, unchanged), "failed" (cannot be used) or "refused" (not read at
    all); ``same_as`` the key of the structure that it repeats; ``remark`` the reason, or what had to be decided.
    """

    entry: str
    status: str
    name: str = ""
    formula: str = ""
    space_group: int | None = None
    family: str = ""
    same_as: str = ""
    remark: str = ""


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    Attributes
    ----------
    name : str
        Of the catalogue.
    rows : tuple of ImportedRow
        One for each structure found in the sources, and for each text that gave none.
    ignored : int
        Files of other kinds, left alone.
    entries, aliases : int
        What the catalogue holds now, and how many of them repeat another.
    """

    name: str
    rows: tuple[ImportedRow, ...]
    ignored: int
    entries: int
    aliases: int

    @property
    def counts(self) -> Counter[str]:
        """Number of rows by status."""
        return Counter(row.status for row in self.rows)

    @property
    def went_in(self) -> int:
        """Structures of the sources that the catalogue holds."""
        return sum(row.status in ("added", "changed", "known") for row in self.rows)

    @property
    def skipped(self) -> tuple[store.Skipped, ...]:
        """What did not go in, with the reason."""
        return tuple(store.Skipped(row.entry, row.remark) for row in self.rows if row.status in ("failed", "refused"))


def run_import(
    name: str,
    folder: Path,
    sources: Sequence[Source],
    *,
    workers: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Import sources into the catalogue whose file of records is in ``folder``; Ctrl-C keeps what went in and goes through.

    Parameters
    ----------
    name : str
        Of the catalogue.
    folder : Path
    sources : sequence of Source
    workers : int, optional
        Processes; as many as there are cores by default.
    limits : Limits, optional
        What an archive may hold.
    progress : callable, optional
        Called with the number of texts that are done.

    Raises
    ------
    CatalogueError
        If the file of records cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with store.connect(folder / STORE) as connection:
            job = _Import(connection, workers, limits or Limits(), progress)
            try:
                job.read(sources)
            finally:
                job.end()
            report = job.report(name)
            with suppress(sqlite3.Error):  # one file, readable where nothing can be written; not while another process reads
                connection.execute("PRAGMA busy_timeout=0")
                connection.execute("PRAGMA journal_mode=DELETE")
    except (sqlite3.Error, OSError) as error:
        raise CatalogueError(
            f"its file cannot be written ({error})",
            where=f"catalogue {name}, {folder / STORE}",
            remedy="Check the disk, or set WHORL_HOME to a folder with room; then import again.",
        ) from error
    return report


class _Import:
    """One call of `run_import`."""

    def __init__(self, connection: sqlite3.Connection, workers: int | None, limits: Limits, progress: Progress | None) -> None:
        self.connection = connection
        self.workers = workers
        self.limits = limits
        self.progress = progress
        self.known: dict[str, str] = dict(connection.execute("SELECT origin, MAX(sha256) FROM file GROUP BY origin"))
        self.status: dict[str, str] = {}  # by the key of the text
        self.twice: list[str] = []
        self.ignored = 0
        self.done = 0
        self.hand: list[tuple[Text, str, Sequence[Found | Failed]]] = []  # read and not yet written, with the hash of the text

    def read(self, sources: Sequence[Source]) -> None:
        """Read all sources, in rounds of limited size."""
        waiting: list[tuple[Text, str]] = []
        size = 0
        for source in sources:
            with self.connection:  # what an archive as a whole was refused for holds no longer
                self._forget(f"{source.label}/{source.path.name}")
            for piece in source.pieces(self.limits):
                key = piece.name if source.kind == "cif" else f"{source.label}/{piece.name}"
                text = Text(key, f"{source.path.name}: {piece.name}", piece.data or b"")
                if piece.data is None and not piece.reason:
                    self.ignored += 1
                elif key in self.status:
                    self.twice.append(key)
                elif piece.data is None:
                    self.status[key] = "refused"
                    self._take(text, "", [Failed(key, piece.reason)])
                elif self.known.get(key) == (content := sha256(piece.data).hexdigest()):
                    self.status[key] = "known"
                    self._step()
                else:
                    self.status[key] = "changed" if self.known.get(key) else "added"
                    waiting.append((text, content))
                    size += len(piece.data)
                if size > _ROUND_BYTES or len(waiting) >= _ROUND_TEXTS:
                    self._round(waiting)
                    waiting, size = [], 0
        self._round(waiting)

    def end(self) -> None:
        """Write what is in hand, and what follows from it."""
        self._write()
        if not settling.is_settled(self.connection):
            settling.settle(self.connection)

    def report(self, name: str) -> ImportReport:
        """Say what became of everything."""
        query = (
            "SELECT f.path, f.origin, f.problem, f.notes, e.name, e.formula, e.space_group, e.family, e.alias_of"
            " FROM file f LEFT JOIN entry e ON e.key = f.key ORDER BY f.path"
        )
        rows = [ImportedRow(key, "refused", remark="its name occurs twice") for key in self.twice]
        for path, origin, problem, notes, title, formula, group, family, alias in self.connection.execute(query):
            status = self.status.get(origin)
            if status is None:
                continue
            if problem:
                rows.append(ImportedRow(path, "refused" if status == "refused" else "failed", remark=problem))
            else:
                rows.append(ImportedRow(path, status, title, formula, group, family, alias, notes))
        entries, aliases = self.connection.execute("SELECT COUNT(*), COALESCE(SUM(alias_of != ''), 0) FROM entry").fetchone()
        return ImportReport(name, tuple(rows), self.ignored, entries, aliases)

    def _round(self, waiting: Sequence[tuple[Text, str]]) -> None:
        workers = 1 if len(waiting) < _FEW and self.workers is None else self.workers
        executor = choose_executor(workers, len(waiting))
        for outcome in executor.run(examine, [text for text, _ in waiting]):
            text, content = waiting[outcome.index]
            failed = [Failed(text.key, outcome.error.what)] if outcome.error is not None else []
            self._take(text, content, outcome.value or failed)

    def _take(self, text: Text, content: str, results: Sequence[Found | Failed]) -> None:
        self.hand.append((text, content, results))
        self._step()
        if len(self.hand) >= _BATCH:
            self._write()

    def _step(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done)

    def _write(self) -> None:
        hand, self.hand = self.hand, []
        if not hand:
            return
        with self.connection:
            settling.unsettle(self.connection)
            for text, _, _ in hand:
                self._forget(text.key)
            rows = [one.row for _, _, results in hand for one in results if isinstance(one, Found)]
            store.put_rows(self.connection, ((0, row) for row in rows))
            self.connection.executemany(
                "INSERT OR REPLACE INTO file (path, origin, modified, bytes, key, sha256, problem, notes)"
                " VALUES (?, ?, 0, ?, ?, ?, ?, ?)",
                (line for text, content, results in hand for line in _lines(text, content, results)),
            )

    def _forget(self, origin: str) -> None:
        if origin in self.known:
            query = "DELETE FROM entry WHERE key IN (SELECT key FROM file WHERE origin = ?)"
            self.connection.execute(query, (origin,))
            self.connection.execute("DELETE FROM file WHERE origin = ?", (origin,))


def _lines(text: Text, content: str, results: Iterable[Found | Failed]) -> Iterable[tuple[object, ...]]:
    """Give what the table of files says of a text: a line for each structure in it."""
    for one in results:
        if isinstance(one, Found):
            key = one.row.entry.key
            yield key, text.key, len(text.data), key, content, "", "; ".join(one.notes)
        else:
            yield one.key, text.key, len(text.data), None, content, one.reason, ""
