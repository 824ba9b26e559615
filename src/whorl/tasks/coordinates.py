"""What changed from frame to frame, from a table that was kept beside the frames."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.tasks.inputs import Item

Array = NDArray[np.float64]


def read_coordinate(text: str, items: Sequence[Item]) -> tuple[str, Array]:
    """Read the coordinate of each frame.

    Parameters
    ----------
    text : str
        ``table.csv`` or ``table.csv:Temperature``: columns parted by commas, semicolons, tabs or blanks. Without a name it is
        the last column that holds numbers in every row that is used. Rows are found by the first column, where it holds the
        names of the files, the numbers at their ends or the numbers of the frames; else they are taken in order.
    items : sequence of Item
        The frames in their order.

    Returns
    -------
    label : str
    values : array, shape (frames,)

    Raises
    ------
    UsageError
        If the table cannot be read, has no such column, or no row for a frame.
    """
    file, column = _parted(text)
    head, rows = _table(file)
    chosen = _rows(rows, items, file)
    names = head or [f"column {k + 1}" for k in range(len(rows[0]))]
    if column:
        if column not in names:
            raise UsageError(f"no column {column!r}", where=file, remedy=f"Columns are {', '.join(names)}.")
        candidates = [names.index(column)]
    else:
        candidates = list(range(len(names) - 1, -1, -1))
    for k in candidates:
        values = [_number(row[k]) if k < len(row) else None for row in chosen]
        if all(v is not None for v in values):
            return names[k], np.array(values, dtype=np.float64)
    raise UsageError("a frame has no number there", where=file, remedy="Name a column that has one for every frame.")


def _parted(text: str) -> tuple[str, str]:
    """Path and name of the column; a drive letter is no path of its own."""
    if Path(text).exists():
        return text, ""
    file, mark, column = text.rpartition(":")
    return (file, column) if mark and len(file) > 1 else (text, "")


def _table(file: str) -> tuple[list[str], list[list[str]]]:
    try:
        lines = [line for line in Path(file).read_text(encoding="utf-8-sig", errors="replace").splitlines() if line.strip()]
    except OSError as error:
        raise UsageError(f"the table cannot be read ({error.strerror})", where=file, remedy="Check the path.") from error
    lines = [line for line in lines if not line.startswith("#")]
    mark = next((m for m in (",", ";", "\t") if lines and m in lines[0]), None)
    rows = [line.split() for line in lines] if mark is None else list(csv.reader(lines, delimiter=mark))
    rows = [[cell.strip() for cell in row] for row in rows]
    if not rows:
        raise UsageError("the table is empty", where=file, remedy="Give one row for each frame.")
    titled = all(_number(cell) is None for cell in rows[0])
    if titled and len(rows) == 1:
        raise UsageError("the table holds nothing but its head", where=file, remedy="Give one row for each frame.")
    return (rows[0], rows[1:]) if titled else ([], rows)


def _rows(rows: Sequence[list[str]], items: Sequence[Item], file: str) -> list[list[str]]:
    """The row of each frame."""
    by_key = {row[0]: row for row in rows if row}
    numbers = {value: row for row in rows if row and (value := _number(row[0])) is not None}
    for keys, known in (
        ([Path(item.path).name for item in items], by_key),
        ([Path(item.path).stem for item in items], by_key),
        ([_last_number(item) for item in items], numbers),
    ):
        if all(key in known for key in keys):
            return [known[key] for key in keys]  # type: ignore[index]
    if len(rows) == len(items):
        return list(rows)
    raise UsageError(
        f"{len(rows)} rows for {len(items)} frames, and the first column does not name them",
        where=file,
        remedy="Put the names of the files, or their numbers, into the first column.",
    )


def _last_number(item: Item) -> float | None:
    """Number of the frame, or at the end of the file's name."""
    if item.frame is not None:
        return float(item.frame)
    found = re.findall(r"\d+", Path(item.path).stem)
    return float(found[-1]) if found else None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
