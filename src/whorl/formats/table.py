"""Find the block of numbers in a text file and read it: fast when it is clean, line by line when it is not.

The block is what follows a ``start data`` mark, or else the longest run of rows of numbers. Comment lines and blank lines may
stand inside. A line that is neither, with the data going on behind it, is an error that names the line.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.formats.style import add_missing_e, is_numeric_row, normalise, paired

_COMMENT = ("#", "!", "%", ";", "//", "'", '"', "*")
_INLINE = ("#", "!", "%", "//")
_COMMENTED = re.compile(r"\n[ \t]*;")
_LEADING = 5
_HEADER = 5000
_REPAIR = "Correct or remove the line, or export the file again."


@dataclass(frozen=True)
class Table:
    """The numbers of a file and what stands around them.

    Parameters
    ----------
    values : array, shape (rows, columns)
    lines : array of int, shape (rows,)
        Line of each row in the file, from 1.
    header : list of str
        Lines before the first row.
    notes : list of str
    separator : str
        ``";"`` when semicolons stand between the columns, else empty.
    """

    values: NDArray[np.float64]
    lines: NDArray[np.int64]
    header: list[str]
    notes: list[str] = field(default_factory=list)
    separator: str = ""


def read_table(lines: list[str], where: str) -> Table:
    """Find and read the block of numbers.

    Parameters
    ----------
    lines : list of str
    where : str
        The file's name, for errors.

    Raises
    ------
    PatternError
        If there is no block of numbers, or it is broken; names the line.

    Examples
    --------
    >>> table = read_table(["# r, Gr", "0.1, 2", "0.2, 3D0"], "a.gr")
    >>> table.values.tolist(), table.lines.tolist()
    ([[0.1, 2.0], [0.2, 3.0]], [2, 3])
    """
    begin = _after_mark(lines)
    first = next((i for i in range(begin, len(lines)) if _is_row(lines[i].strip())), None)
    if first is None and begin:
        begin = 0
        first = next((i for i in range(len(lines)) if _is_row(lines[i].strip())), None)
    if first is None:
        if not any(line.strip() for line in lines):
            raise PatternError("the file holds nothing but white space", where=where, remedy="Export it again.")
        raise PatternError(
            "no row of numbers in the text", where=where, remedy="Two columns are needed: the axis and the signal."
        )
    table = _clean(lines, first, where) or _careful(lines, begin, where)
    return replace(table, separator=";" if ";" in lines[int(table.lines[0]) - 1] else "")


def _is_row(line: str) -> bool:
    """Say whether a stripped line is a row of numbers that is not commented out; quotes in pairs are no comment."""
    if not line or (line[0] in "#!%;/*"):
        return False
    if line[0] in "\"'" and line.count(line[0]) % 2:
        return False
    return is_numeric_row(line)


def _after_mark(lines: list[str]) -> int:
    """Index of the line after the last ``start data`` mark among the first lines, 0 when there is none."""
    return next((i + 1 for i in range(min(len(lines), _HEADER) - 1, -1, -1) if "start data" in lines[i]), 0)


def _clean(lines: list[str], first: int, where: str) -> Table | None:
    """Read the rest of the file as one uniform block, ``None`` when it is not one."""
    body = lines[first:]
    text = "\n".join(body)
    if any(mark in text for mark in ("_", "#", "'", '"')) or (";" in text and _COMMENTED.search(text)):
        return None
    try:
        block, notes = normalise(text, where)
    except PatternError:  # a comma of a word, as in a Fortran format, is no decimal comma
        return None
    if not block.isascii():
        return None
    rows = block.split("\n")
    filled = [k for k, row in enumerate(rows) if row and not row.isspace()]
    if len(filled) != len(rows):
        rows = [rows[k] for k in filled]
    try:
        values = np.loadtxt(rows, dtype=np.float64, comments=None, ndmin=2)
    except ValueError:  # a word, or rows of different length
        return None
    width = values.shape[1]
    if width < 2 or (width >= 4 and not notes and "," in text and not _increases(values)):
        return None
    return Table(values, np.array(filled, dtype=np.int64) + first + 1, lines[:first], notes)


def _increases(values: NDArray[np.float64]) -> bool:
    return bool(np.all(np.diff(values[:, 0]) > 0))


@dataclass
class _Run:
    rows: list[str] = field(default_factory=list)
    at: list[int] = field(default_factory=list)

    def x(self, index: int) -> float:
        """First number of a row, whatever the style (0 when it cannot be told)."""
        try:
            return float(normalise(self.rows[index], "")[0].split()[0])
        except (ValueError, PatternError):
            return 0.0


def _careful(lines: list[str], begin: int, where: str) -> Table:
    runs, others = _runs(lines, begin)
    longest = max(range(len(runs)), key=lambda k: len(runs[k].rows))
    run = runs[longest]
    notes: list[str] = []
    _refuse_gap(lines, runs, longest, others, where)
    after = [i for i in others if i > run.at[-1]] + [r.at[0] for r in runs[longest + 1 :]]
    if after:
        notes.append(f"what follows the data from line {min(after) + 1} on was not read")
    block, more = normalise("\n".join(run.rows), where)
    notes += more
    rows = [row.split() for row in block.split("\n")]
    if not more and "," in "".join(run.rows[:50]):
        again = paired("\n".join(run.rows))
        axis = [float(row[0]) if row[0].lstrip("+-").isdigit() else np.nan for row in rows]
        if again is not None and not np.all(np.diff(axis) > 0):
            rows = [row.split() for row in again.split("\n")]
            notes.append("commas both separate and mark decimals")
    at = run.at
    lead = _leading(rows)
    if lead:
        notes.append(f"the numbers of line {at[0] + 1} were taken as part of the header")
        rows, at = rows[lead:], at[lead:]
    rows = _square(rows, at, where, notes)
    return Table(_floats(rows, at, where), np.array(at, dtype=np.int64) + 1, lines[: at[0]], notes)


def _runs(lines: list[str], begin: int) -> tuple[list[_Run], list[int]]:
    """Split lines into runs of numeric rows and the indices of lines that are neither numbers, comments nor blank."""
    runs = [_Run()]
    others: list[int] = []
    for i in range(begin, len(lines)):
        line = lines[i].strip()
        if not line:
            continue
        if _is_row(line):
            runs[-1].rows.append(line)
            runs[-1].at.append(i)
            continue
        if line.startswith(_COMMENT):
            if line.startswith("#S ") and runs[-1].rows:  # the next scan of a SPEC-like file
                runs.append(_Run())
            continue
        short = line
        for mark in _INLINE:
            short = short.split(mark, 1)[0]
        if short != line and is_numeric_row(short):
            runs[-1].rows.append(short.strip())
            runs[-1].at.append(i)
            continue
        others.append(i)
        if runs[-1].rows:
            runs.append(_Run())
    return [run for run in runs if run.rows], others


def _refuse_gap(lines: list[str], runs: list[_Run], k: int, others: list[int], where: str) -> None:
    """Raise when the data go on behind a line that is no row of numbers."""
    run = runs[k]
    if k + 1 < len(runs) and runs[k + 1].x(0) > run.x(-1) and len(run.rows) > 1:
        gap = [i for i in others if run.at[-1] < i < runs[k + 1].at[0]]
        if gap:
            _not_numbers(lines, gap[0], where)
    if k and len(runs[k - 1].rows) >= _LEADING and runs[k - 1].x(-1) < run.x(0):
        gap = [i for i in others if runs[k - 1].at[-1] < i < run.at[0]]
        if 0 < len(gap) <= 2:
            _not_numbers(lines, gap[0], where)


def _not_numbers(lines: list[str], index: int, where: str) -> None:
    text = lines[index].strip()
    bad = next((t for t in text.replace(",", " ").replace(";", " ").split() if not is_numeric_row(t)), text)
    raise PatternError(f"{bad[:40]!r} is not a number", where=f"{where}, line {index + 1}", remedy=_REPAIR)


def _leading(rows: list[list[str]]) -> int:
    """Count the rows at the start that are numbers of the header (a point count, an index) rather than data."""
    usual = Counter(map(len, rows)).most_common(1)[0][0]
    lead = next(i for i, row in enumerate(rows) if len(row) == usual)
    return lead if lead <= _LEADING and all(len(row) < usual for row in rows[:lead]) else 0


def _square(rows: list[list[str]], at: list[int], where: str, notes: list[str]) -> list[list[str]]:
    """Make all rows equally long by leaving out surplus zeros, or name the first row that differs."""
    counts = Counter(map(len, rows))
    least = min(counts)
    if len(counts) == 1:
        if least < 2:
            raise PatternError(
                "only one column of numbers",
                where=f"{where}, line {at[0] + 1}",
                remedy="Two are needed: the axis and the signal.",
            )
        return rows
    if least >= 2 and all(float(v) == 0 for row in rows for v in row[least:] if _finite(v)):
        notes.append(f"rows have {least} to {max(counts)} columns; the surplus ones are zero and were left out")
        return [row[:least] for row in rows]
    usual = counts.most_common(1)[0][0]
    k = next(k for k, row in enumerate(rows) if len(row) != usual)
    raise PatternError(
        f"{len(rows[k])} {'column' if len(rows[k]) == 1 else 'columns'} where the other lines have {usual}",
        where=f"{where}, line {at[k] + 1}",
        remedy="The file may be cut off: export it again, or correct the line.",
    )


def _finite(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _floats(rows: list[list[str]], at: list[int], where: str) -> NDArray[np.float64]:
    try:
        return np.array(list(map(float, chain.from_iterable(rows)))).reshape(len(rows), -1)
    except ValueError:
        values = [[_float(v, at[k], where) for v in row] for k, row in enumerate(rows)]
        return np.array(values, dtype=np.float64)


def _float(text: str, index: int, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return float(add_missing_e(text))
    except ValueError:
        raise PatternError(f"{text[:40]!r} is not a number", where=f"{where}, line {index + 1}", remedy=_REPAIR) from None
