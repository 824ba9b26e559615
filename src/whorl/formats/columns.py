"""Plain columns of numbers, with whatever header: the reader of last resort for text."""

from __future__ import annotations

from whorl.formats.columntext import ColumnText
from whorl.formats.kinds import ANGLES, SUFFIXES
from whorl.formats.sastext import MARKS

READER = ColumnText(
    key="columns",
    suffixes=(*SUFFIXES, ".dat", ".txt", ".csv", ".tsv", *ANGLES, ".asc", ".abs", ".sub"),
    clues=((b"", 0.1), *((mark, 0.95) for mark in MARKS)),
)
