"""The workspace: every input by its hash, every run with its parameters and results, none ever changed or lost.

Layout of the folder (``$WHORL_HOME``, else ``~/.whorl``)::

    whorl.sqlite                    index of the runs and of batches (can be made anew from runs/)
    inputs/ab/abcd...ef.gr          bytes of an input under their SHA-256
    runs/20261121T010203Z-a1b2c3/   verdict.json, run.json, curves.npz, structures/NAME.cif, extra/NAME
    partial/                        runs being written; what a kill left there is removed after a day

A run is written whole in ``partial/``, flushed to the disk, renamed into ``runs/`` under the write lock of the index, and its
row is committed last. Whatever fails before the commit leaves the workspace as it was.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from numpy.typing import ArrayLike

from whorl.core import stored
from whorl.core.atomic import sync_folder, write_atomic, write_error
from whorl.core.database import INSTEAD, Database
from whorl.core.errors import PatternError, WorkspaceError
from whorl.core.provenance import run_id, sha256_bytes, sha256_file
from whorl.core.stored import StoredRun
from whorl.core.verdict import Verdict

_DAY = 86400.0
_COLUMNS = (
    "id key task technique file sha256 status time version seconds best rw probability".split()  # as in run.json
)


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the list of runs; ``best``, ``rw`` and ``probability`` belong to the first candidate."""

    id: str
    key: str
    task: str
    technique: str
    file: str
    sha256: str
    status: str
    time: str
    version: str
    seconds: float
    best: str
    rw: float | None
    probability: float | None


class Workspace:
    """Where inputs and runs are kept; safe for many processes and threads at once. Made by `Workspace.open`.

    Examples
    --------
    >>> import tempfile
    >>> from whorl.core.verdict import Verdict
    >>> with tempfile.TemporaryDirectory() as folder, Workspace.open(folder) as workspace:
    ...     run = workspace.save(Verdict(whorl="0.1.0", task="identify", file="Pt.gr"), key="k1")
    ...     workspace.find("k1") == run, workspace.load("last").verdict.file
    (True, 'Pt.gr')
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self._database = database

    @classmethod
    def open(cls, folder: str | Path | None = None, *, timeout: float = 10.0) -> Workspace:
        """Open a workspace, made when absent.

        Parameters
        ----------
        folder : str or Path, optional
            ``$WHORL_HOME`` by default, else ``~/.whorl``.
        timeout : float
            Seconds to wait while another process holds the lock.

        Raises
        ------
        WorkspaceError
            If the folder cannot be written, or its index is locked, damaged or made by a newer version.
        """
        home = Path(folder if folder is not None else os.environ.get("WHORL_HOME") or Path.home() / ".whorl").expanduser()
        home = Path(os.path.abspath(home))  # noqa: PTH100 - resolve() would hide the name the user knows
        with _writing(home):
            for name in ("inputs", "runs", "partial"):
                (home / name).mkdir(parents=True, exist_ok=True)
            if not os.access(home, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied", str(home))
        workspace = cls(home, Database(home / "whorl.sqlite", timeout=timeout))
        if workspace._database.created:
            workspace.reindex()
        workspace._sweep()
        return workspace

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes as a folder; the other side opens its own connection."""
        return _reopen, (str(self.folder), self._database.timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the index; a later call opens it again."""
        self._database.close()

    # inputs

    def keep_input(self, source: str | Path | bytes, *, suffix: str = "") -> str:
        """Keep the bytes of an input, once, and give their SHA-256.

        Parameters
        ----------
        source : path or bytes
        suffix : str
            Of the kept file (".gr"), so that a reader knows it again; by default that of the path.

        Raises
        ------
        PatternError
            If the file cannot be read.
        WorkspaceError
            If the copy cannot be written.
        """
        if isinstance(source, bytes):
            digest, data = sha256_bytes(source), source
        else:
            suffix = suffix or Path(source).suffix
            digest, data = sha256_file(source), None
        if self._kept(digest) is not None:
            return digest
        if data is None:
            data = _read(Path(source))  # type: ignore[arg-type]
            digest = sha256_bytes(data)  # what is kept decides, should the file have changed meanwhile
        name = digest + (suffix.lower() if stored.is_plain_suffix(suffix) else "")
        target = self.folder / "inputs" / digest[:2] / name
        with _writing(target):
            target.parent.mkdir(exist_ok=True)
            write_atomic(target, data, kind=WorkspaceError)
            target.chmod(0o444)
        return digest

    def input_path(self, sha256: str) -> Path:
        """Path of a kept input.

        Raises
        ------
        WorkspaceError
            If no input of that hash was kept.
        """
        path = self._kept(sha256)
        if path is None:
            raise WorkspaceError(
                f"no input with hash {sha256[:12]}... is kept", where=str(self.folder), remedy="Give the file itself."
            )
        return path

    def _kept(self, sha256: str) -> Path | None:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            return None
        return next(iter(sorted((self.folder / "inputs" / sha256[:2]).glob(f"{sha256}*"))), None)

    # runs

    def find(self, key: str) -> str | None:
        """Id of the latest run that ended well under a cache key, ``None`` when there is none."""
        rows = self._database.rows("SELECT id FROM runs WHERE key = ? AND status = 'ok' ORDER BY number DESC", (key,))
        return next((str(row["id"]) for row in rows if self._is_there(row["id"])), None)

    def save(
        self,
        verdict: Verdict,
        *,
        key: str,
        curves: Mapping[str, Mapping[str, ArrayLike]] | None = None,
        structures: Mapping[str, str] | None = None,
        extra: Mapping[str, bytes] | None = None,
        item: tuple[str, str] | None = None,
    ) -> str:
        """Keep a run, whole or not at all, and give its id.

        Parameters
        ----------
        verdict : Verdict
            Kept with ``run`` set to the id; the object itself is not changed.
        key : str
            Cache key (`whorl.core.provenance.cache_key`).
        curves : mapping of name to mapping of field to array, optional
            For each candidate or frame its arrays: ``{"Pt (fcc)": {"x": (n,), "observed": (n,), "calculated": (n,)}}``.
        structures : mapping of file name to text, optional
            CIF and XYZ files.
        extra : mapping of file name to bytes, optional
        item : (batch key, item key), optional
            Marks the item of a batch in the same transaction, so that a kill cannot part the two.

        Raises
        ------
        WorkspaceError
            If the disk is full, the index locked, ...; earlier runs stay as they are.
        UsageError
            If a file name is a path or an array cannot be kept.
        """
        files = stored.files(curves or {}, structures or {}, extra or {})
        now = datetime.now(UTC)
        with _writing(self.folder):
            name, partial = self._claim(now, key)
            try:
                final = verdict.model_copy(update={"run": name})
                row = _row(final, name, key, now)
                files |= {stored.VERDICT: stored.verdict_bytes(final), stored.ROW: json.dumps(row).encode()}
                stored.write_files(partial, files)
                with self._database.transaction() as index:
                    _insert(index, row)
                    if item is not None:
                        _mark(index, *item, verdict.status, name)
                    partial.rename(self._run_folder(name))
                    sync_folder(self.folder / "runs")
            except BaseException:
                self._forget(name, partial)
                raise
        return name

    def load(self, run: str) -> StoredRun:
        """Give a run by its id, by a prefix or the last digits of it that no other run shares, or by ``"last"``.

        Raises
        ------
        WorkspaceError
            If there is no such run, more than one, or its folder is damaged.
        """
        if run == "last":
            rows = self._database.rows("SELECT id FROM runs ORDER BY number DESC LIMIT 1")
        else:
            like = "SELECT id FROM runs WHERE substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1 LIMIT 5"
            rows = self._database.rows("SELECT id FROM runs WHERE id = ?", (run,)) or (
                self._database.rows(like, (run,)) if run else []
            )
        if not rows:
            raise WorkspaceError(f"no run {run!r}", where=str(self.folder), remedy="List the runs with: whorl show.")
        if len(rows) > 1:
            names = ", ".join(str(row["id"]) for row in rows)
            raise WorkspaceError(f"more than one run {run!r}: {names}", where=str(self.folder), remedy="Give more of the id.")
        return stored.read_run(self._run_folder(rows[0]["id"]))

    def runs(self, limit: int | None = 50, *, task: str | None = None, file: str | None = None) -> list[RunRow]:
        """List runs, newest first; ``file`` is a path as it was given or a bare file name."""
        where: list[str] = ["1"]
        values: list[str] = []
        if task is not None:
            where, values = [*where, "task = ?"], [*values, task]
        if file is not None:
            where, values = [*where, "(file = ? OR substr(file, -length(?)) = ?)"], [*values, file, f"/{file}", f"/{file}"]
        rows = self._database.rows(
            f"SELECT {', '.join(_COLUMNS)} FROM runs WHERE {' AND '.join(where)} ORDER BY number DESC LIMIT ?",  # noqa: S608 - our own words
            (*values, -1 if limit is None else limit),
        )
        return [RunRow(*row) for row in rows]

    def reindex(self) -> int:
        """Enter runs that lie in ``runs/`` but not in the index (lost or moved aside); give their number."""
        known = {row["id"] for row in self._database.rows("SELECT id FROM runs")}
        rows = []
        for folder in sorted(path for path in (self.folder / "runs").iterdir() if path.name not in known):
            with suppress(OSError, ValueError, KeyError, TypeError):
                row = json.loads((folder / stored.ROW).read_bytes())
                if row["id"] == folder.name and set(row) == set(_COLUMNS):
                    rows.append(row)
        if rows:
            with self._database.transaction() as index:
                for row in sorted(rows, key=lambda row: str(row["time"])):
                    _insert(index, row, ignore=True)
        return len(rows)

    # batches

    def start_batch(self, key: str, *, task: str, command: str = "") -> None:
        """Enter a batch with its task and command line, unless it is there from an earlier start."""
        with self._database.transaction() as index:
            _enter_batch(index, key, task, command)

    def mark_item(self, batch: str, item: str, *, run: str, status: str = "ok") -> None:
        """Enter the run of one item of a batch (for one found in the cache; `save` marks its own)."""
        with self._database.transaction() as index:
            _mark(index, batch, item, status, run)

    def finished(self, batch: str, *, status: str = "ok") -> dict[str, str]:
        """Item key to run id of the items of a batch that ended with ``status`` and whose runs are still there."""
        rows = self._database.rows("SELECT item, run FROM items WHERE batch = ? AND status = ?", (batch, status))
        return {row["item"]: row["run"] for row in rows if self._is_there(row["run"])}

    def _run_folder(self, name: str) -> Path:
        return self.folder / "runs" / name

    def _is_there(self, name: str) -> bool:
        return (self._run_folder(name) / stored.VERDICT).is_file()

    def _claim(self, now: datetime, key: str) -> tuple[str, Path]:
        """Give a name that no run has and its folder in ``partial/``; making the folder is what reserves the name."""
        for attempt in range(1000):
            name = run_id(now, key, attempt=attempt)
            partial = self.folder / "partial" / name
            try:
                partial.mkdir()
            except FileExistsError:
                continue
            if not self._run_folder(name).exists():
                return name, partial
            partial.rmdir()
        raise WorkspaceError("no free name for a run", where=str(self.folder), remedy="Try again in a second.")

    def _forget(self, name: str, partial: Path) -> None:
        """Remove what a failed `save` wrote; the run folder goes only if its row is not committed."""
        shutil.rmtree(partial, ignore_errors=True)
        with suppress(WorkspaceError):
            if not self._database.rows("SELECT 1 FROM runs WHERE id = ?", (name,)):
                shutil.rmtree(self._run_folder(name), ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what killed processes left in ``partial/`` more than a day ago."""
        with suppress(OSError):
            for path in (self.folder / "partial").iterdir():
                if time.time() - path.stat().st_mtime > _DAY:
                    shutil.rmtree(path, ignore_errors=True)


def _reopen(folder: str, timeout: float) -> Workspace:
    return Workspace.open(folder, timeout=timeout)


def _row(verdict: Verdict, name: str, key: str, now: datetime) -> dict[str, Any]:
    best = verdict.best
    return {
        "id": name,
        "key": key,
        "task": verdict.task,
        "technique": verdict.technique,
        "file": verdict.file,
        "sha256": verdict.sha256,
        "status": verdict.status,
        "time": now.isoformat(timespec="microseconds"),
        "version": verdict.whorl,
        "seconds": stored.finite(verdict.seconds) or 0.0,
        "best": best.name if best else "",
        "rw": stored.finite(best.rw) if best else None,
        "probability": stored.finite(best.probability) if best else None,
    }


def _insert(index: Any, row: Mapping[str, Any], *, ignore: bool = False) -> None:
    places = ", ".join(f":{column}" for column in _COLUMNS)
    verb = "INSERT OR IGNORE" if ignore else "INSERT"
    index.execute(f"{verb} INTO runs ({', '.join(_COLUMNS)}) VALUES ({places})", dict(row))


def _enter_batch(index: Any, key: str, task: str, command: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    index.execute("INSERT OR IGNORE INTO batches VALUES (?, ?, ?, ?)", (key, task, command, now))


def _mark(index: Any, batch: str, item: str, status: str, run: str) -> None:
    _enter_batch(index, batch, "", "")
    index.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?)", (batch, item, status, run))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PatternError(
            f"the file cannot be read ({error.strerror or error})", where=str(path), remedy="Check the path."
        ) from error


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(error, error.filename or path, kind=WorkspaceError, instead=INSTEAD) from error
