"""Tables of many verdicts, written while the batch runs: CSV, XLSX, JSON lines.

A killed batch keeps its finished rows: CSV and JSON lines are flushed row by row, and a table can be taken up again with
``resume=True``. Text that a spreadsheet would run as a formula is neutralised in CSV by an apostrophe, as OWASP advises ("CSV
Injection"); XLSX cells are typed, so that text stays text.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from whorl.core.errors import UsageError
from whorl.core.verdict import Verdict
from whorl.report.rows import Cell, Row, flat_row, ordered
from whorl.report.storage import cannot_write, write_whole


class _Sink(Protocol):
    """What one file format does with rows as they come."""

    def append(self, verdict: Verdict) -> None: ...
    def close(self) -> None: ...


class TableWriter:
    """A table of verdicts, one row per file, in the format that the suffix names.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.xlsx`` or ``.json`` / ``.jsonl`` (one verdict per line).
    resume : bool
        Keep the rows of an existing CSV or JSON lines file (a last line cut off by a kill is dropped) and go on behind them;
        otherwise the file is replaced.

    Raises
    ------
    UsageError
        If the suffix is unknown, or ``resume`` is asked of XLSX.
    WhorlError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "t.csv"
    >>> with TableWriter(path) as table:
    ...     table.append(Verdict(whorl="0", task="identify", file="=cmd.gr"))
    >>> path.read_text().splitlines()[1][:12]
    "'=cmd.gr,ok,"
    """

    def __init__(self, path: str | Path, *, resume: bool = False) -> None:
        self.path = Path(path)
        kinds: dict[str, type[_Csv | _Lines | _Xlsx]] = {".csv": _Csv, ".json": _Lines, ".jsonl": _Lines, ".xlsx": _Xlsx}
        kind = kinds.get(self.path.suffix.lower())
        if kind is None:
            raise UsageError(
                f"no table can be written as {self.path.suffix!r}", where=str(path), remedy=f"Use {', '.join(kinds)}."
            )
        if resume and kind is _Xlsx:
            raise UsageError(
                "an XLSX table cannot be resumed", where=str(path), remedy="Use .csv or .jsonl for resumable batches."
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._sink: _Sink = kind(self.path, resume)
        except OSError as reason:
            raise cannot_write(self.path, reason) from reason

    def append(self, verdict: Verdict) -> None:
        """Add the row of a verdict."""
        try:
            self._sink.append(verdict)
        except OSError as reason:
            raise cannot_write(self.path, reason) from reason

    def close(self) -> None:
        """Finish the file; closing twice does no harm."""
        try:
            self._sink.close()
        except OSError as reason:
            raise cannot_write(self.path, reason) from reason

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close, whatever happened: finished rows stay after an interruption too."""
        self.close()


def neutral(text: str) -> str:
    """Make text harmless to a spreadsheet that opens a CSV file.

    Examples
    --------
    >>> neutral("=1+1"), neutral("Pt (fcc)"), neutral("-2")
    ("'=1+1", 'Pt (fcc)', "'-2")
    """
    flat = text.encode("utf-8", "replace").decode().replace("\r", " ").replace("\n", " ")
    return f"'{flat}" if flat.lstrip()[:1] in {"=", "+", "-", "@", "\t", "|"} or flat[:1] == "\t" else flat


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return neutral(cell)
    return f"{cell:.10g}" if isinstance(cell, float) else str(cell)


def _csv_line(cells: list[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(cells)
    return stream.getvalue()


def _whole_lines(path: Path) -> str:
    """Text of a file up to its last complete line."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text[: text.rfind("\n") + 1]


class _Csv:
    """Comma-separated values (RFC 4180), UTF-8. A parameter seen for the first time widens the table: the file is rewritten."""

    def __init__(self, path: Path, resume: bool) -> None:
        self._path = path
        kept = _whole_lines(path) if resume else ""
        self._columns: list[str] = next(csv.reader(io.StringIO(kept)), []) if kept else []
        write_whole(path, kept)
        self._stream = path.open("a", encoding="utf-8", newline="")

    def append(self, verdict: Verdict) -> None:
        row = flat_row(verdict)
        columns = ordered(self._columns, row)
        if columns != self._columns:
            self._widen(columns)
        self._stream.write(_csv_line([_csv_cell(row.get(c)) for c in self._columns]))
        self._stream.flush()

    def _widen(self, columns: list[str]) -> None:
        self._stream.close()
        old = list(csv.DictReader(io.StringIO(self._path.read_text(encoding="utf-8"))))
        lines = [_csv_line([neutral(c) for c in columns])] + [_csv_line([r.get(c) or "" for c in columns]) for r in old]
        write_whole(self._path, "".join(lines))
        self._columns = columns
        self._stream = self._path.open("a", encoding="utf-8", newline="")

    def close(self) -> None:
        self._stream.close()


class _Lines:
    """One verdict per line, in the published JSON schema."""

    def __init__(self, path: Path, resume: bool) -> None:
        write_whole(path, _whole_lines(path) if resume else "")
        self._stream = path.open("a", encoding="utf-8", newline="\n")

    def append(self, verdict: Verdict) -> None:
        text = json.dumps(verdict.to_json_dict(), ensure_ascii=False, allow_nan=False)
        self._stream.write(text.encode("utf-8", "replace").decode() + "\n")
        self._stream.flush()

    def close(self) -> None:
        self._stream.close()


class _Xlsx:
    """A workbook, written when the table is closed."""

    def __init__(self, path: Path, resume: bool) -> None:
        del resume
        self._path = path
        self._rows: list[Row] = []
        self._columns: list[str] = []
        self._open = True
        path.open("ab").close()  # a folder that cannot be written shows itself before the batch, not after it

    def append(self, verdict: Verdict) -> None:
        row = flat_row(verdict)
        self._columns = ordered(self._columns, row)
        self._rows.append(row)

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        from xlsxwriter import Workbook

        part = self._path.with_name(f".{self._path.name}.part")
        book = Workbook(str(part), {"strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True})
        sheet = book.add_worksheet("whorl")
        bold = book.add_format({"bold": True, "bottom": 1})
        sheet.freeze_panes(1, 1)
        for j, name in enumerate(self._columns):
            sheet.write_string(0, j, name, bold)
            sheet.set_column(j, j, 28 if name in {"file", "best"} else max(9, min(len(name) + 2, 22)))
        for i, row in enumerate(self._rows, 1):
            for j, name in enumerate(self._columns):
                cell = row.get(name)
                if isinstance(cell, str) and cell:
                    sheet.write_string(i, j, cell.encode("utf-8", "replace").decode()[:32767])
                elif isinstance(cell, int | float):
                    sheet.write_number(i, j, cell)
        if self._columns:
            sheet.autofilter(0, 0, max(len(self._rows), 1), len(self._columns) - 1)
        book.close()
        part.replace(self._path)
