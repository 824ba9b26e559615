"""A line ``start step end title`` and then intensities alone, several a line: free format of FullProf, DBWS and their kin.

FullProf calls it the format of INSTRM = 0 (Rodriguez-Carvajal, Physica B 192, 55 (1993), doi:10.1016/0921-4526(93)90108-I).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files, powderheader
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind
from whorl.formats.text import lines_of

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_FIRST = re.compile(rf"^\s*({_NUMBER})[\s,]+({_NUMBER})[\s,]+({_NUMBER})(?:[\s,]+(.*))?$")
_ROW = re.compile(rf"^\s*{_NUMBER}(?:[\s,]+{_NUMBER})*\s*$")
_COMMENTS = ("#", "!", "COMM")


@dataclass(frozen=True)
class Stepped:
    """The reader of intensities at even steps."""

    key: str = "stepped"
    suffixes: tuple[str, ...] = (".dat", ".dbw", ".rit", ".xra")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score a first line of start, step and end, with rows of at least five intensities behind it."""
        del path
        rows = [row for row in head.decode("latin-1").splitlines() if row.strip() and not row.startswith(_COMMENTS)]
        first = _first(rows)
        if first is None or len(rows) < first + 3:
            return 0.0
        return 0.85 if min(len(row.split()) for row in rows[first + 1 : first + 3]) >= 5 else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the pattern (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        lines = lines_of(data, path)
        rows = [(i + 1, line) for i, line in enumerate(lines) if line.strip() and not line.startswith(_COMMENTS)]
        first = _first([line for _, line in rows])
        ends = None if first is None else _ends(rows[first][1])
        if first is None or ends is None:
            raise PatternError(
                "no line with start, step and end of the scan", where=path, remedy="Give '10.0 0.02 120.0' on the first line."
            )
        start, step, end, title = ends
        values: list[float] = []
        for number, line in rows[first + 1 :]:
            if not _ROW.match(line):
                word = next((w for w in line.replace(",", " ").split() if not re.fullmatch(_NUMBER, w)), line)
                raise PatternError(f"{word[:40]!r} is not a number", where=f"{path}, line {number}", remedy="Correct the line.")
            values += map(float, line.replace(",", " ").split())
        expected = round((end - start) / step) + 1
        if not expected - 1 <= len(values) <= expected + 10:
            raise PatternError(
                f"{len(values)} intensities for {expected} steps from {start:g} to {end:g}",
                where=path,
                remedy="The file may be cut off: copy or export it again.",
            )
        notes = [f"{len(values)} intensities at steps of {step:g} degrees from {start:g}"]
        count = min(len(values), expected)
        scan = Scan(np.asarray(start + step * np.arange(count), dtype=np.float64), np.array(values[:count]))
        words = [line for line in lines if line.startswith(_COMMENTS)] + [line for _, line in rows[:first]]
        settings = powderheader.from_title(title, notes) | powderheader.settings_of(words, notes)
        if title:
            settings["header"] = {"title": title[:200]}
        return measurement_of([scan], "powder", settings, Source.of(path, data, self.key), notes, sort=sort)


READER = Stepped()


def _first(rows: list[str]) -> int | None:
    """Index of the line of start, step and end among the first ones, rows of numbers behind it."""
    for i, row in enumerate(rows[:12]):
        if _ends(row) is not None and all(_ROW.match(line) for line in rows[i + 1 : i + 3]):
            return i
    return None


def _ends(line: str) -> tuple[float, float, float, str] | None:
    """Read start, step, end and title, ``None`` when the numbers cannot be those."""
    match = _FIRST.match(line)
    if match is None:
        return None
    start, step, end = (float(match[k]) for k in (1, 2, 3))
    return (start, step, end, (match[4] or "").strip()) if 0 < step <= 1 and -10 < start < end <= 180 else None
