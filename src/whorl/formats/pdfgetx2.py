"""PDFgetX2: ``History written``, a long block of settings, columns ``r(A) G(r) d_r d_Gr``; always X-rays.

Qiu, Thompson, Billinge, J. Appl. Cryst. 37, 678 (2004), doi:10.1107/S0021889804011744.
"""

from __future__ import annotations

from typing import Any

from whorl.formats.columntext import ColumnText
from whorl.formats.composition import from_fractions
from whorl.formats.header import Header


def _interpret(head: Header, settings: dict[str, Any]) -> None:
    settings.setdefault("radiation", "x-ray")
    rows = [row for row in head.after("L symbol valence fractions") if len(row) >= 3]
    composition = from_fractions([(row[0], row[2]) for row in rows])
    if composition:
        settings.setdefault("composition", composition)


READER = ColumnText(
    key="pdfgetx2",
    suffixes=(".gr", ".fq", ".sq", ".iq"),
    clues=((b"get_xpdf", 0.96), (b".pdfgetx2", 0.96), (b"sqgr_optimization", 0.96)),
    interpret=_interpret,
)
