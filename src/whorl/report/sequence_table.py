"""A refined series as one table: a row for each frame with its coordinate, misfit, and every parameter with its sigma.

What is held has a value and no sigma. CSV (RFC 4180, UTF-8) or a workbook, by the suffix.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.verdict import Verdict
from whorl.report.frames import series_table
from whorl.report.rows import Cell
from whorl.report.storage import cannot_write, write_whole
from whorl.report.tables import neutral

Array = NDArray[np.float64]


def write_sequence(
    verdicts: Sequence[Verdict], path: str | Path, *, coordinate: Array | None = None, label: str = "frame"
) -> Path:
    """Write the table of a series.

    Parameters
    ----------
    verdicts : sequence of Verdict
        One per frame, in the order of the series.
    path : str or Path
        ``.csv`` or ``.xlsx``.
    coordinate : array, shape (frames,), optional
        What changed from frame to frame; the frame number when not given.
    label : str
        Such as ``"temperature (kelvin)"``.

    Raises
    ------
    UsageError
        If the suffix is unknown, or there is not one coordinate per frame.
    WhorlError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> frames = [Verdict(whorl="0.1.0", task="refine", file=f"{k}.xy") for k in range(2)]
    >>> path = write_sequence(frames, Path(tempfile.mkdtemp(), "a.csv"), coordinate=np.array([300.0, 310.0]), label="T (K)")
    >>> path.read_text().splitlines()[1]
    '0,0.xy,300,ok,,,'
    """
    path = Path(path)
    rows = sequence_rows(verdicts, coordinate, label)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        stream = io.StringIO()
        csv.writer(stream, lineterminator="\n").writerows([[_text(cell) for cell in row] for row in rows])
        return write_whole(path, stream.getvalue())
    if suffix == ".xlsx":
        return _workbook(rows, path)
    raise UsageError(f"no table can be written as {path.suffix!r}", where=str(path), remedy="Use .csv or .xlsx.")


def sequence_rows(verdicts: Sequence[Verdict], coordinate: Array | None = None, label: str = "frame") -> list[list[Cell]]:
    """Head and rows of the table of a series.

    Columns: number, file, coordinate, status, Rw, reduced chi-squared, remarks; then each parameter, weight fractions first,
    and its sigma.
    """
    table = series_table(verdicts, coordinate, label)
    names = [n for n in table.columns if n not in ("Rw", "none of these")]
    names.sort(key=lambda n: not n.startswith("fraction of "))
    position = [] if coordinate is None else [label]
    head: list[Cell] = ["number", "file", *position, "status", "Rw", "reduced_chi_squared", "notes"]
    for name in names:
        unit = table.columns[name].unit
        head += [name if unit in ("", "1") else f"{name} ({unit})", f"{name} sigma"]
    rows = [head]
    for i, verdict in enumerate(verdicts):
        best = verdict.best
        notes = list(best.notes) if best is not None else []
        if verdict.error is not None:
            notes.append(verdict.error.what)
        row: list[Cell] = [i, verdict.file, *([] if coordinate is None else [float(table.coordinate[i])]), verdict.status]
        quality = None if best is None or best.quality is None else best.quality.reduced_chi_squared
        row += [None if best is None else _finite(best.rw), quality, "; ".join(notes)]
        for name in names:
            column = table.columns[name]
            row += [_finite(float(column.values[i])), _finite(float(column.sigmas[i]))]
        rows.append(row)
    return rows


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return neutral(cell)
    return f"{cell:.10g}" if isinstance(cell, float) else str(cell)


def _workbook(rows: Sequence[Sequence[Cell]], path: Path) -> Path:
    from xlsxwriter import Workbook

    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with Workbook(str(part), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
            sheet = book.add_worksheet("series")
            bold = book.add_format({"bold": True})
            for i, row in enumerate(rows):
                for j, cell in enumerate(row):
                    if isinstance(cell, str):
                        sheet.write_string(i, j, cell, bold if i == 0 else None)
                    elif cell is not None:
                        sheet.write_number(i, j, cell)
            sheet.freeze_panes(1, 2)
        part.replace(path)
    except OSError as reason:
        raise cannot_write(path, reason) from reason
    return path
