"""PDFgui, PDFfit2 and diffpy: fitted (``.fgr``) and calculated (``.cgr``) G(r) with ``# key = value`` lines.

``type = X`` or ``stype = N`` is the radiation. The columns of a fit are r, the *calculated* G(r), two columns of zeros and the
difference to the measurement. Farrow et al., J. Phys.: Condens. Matter 19, 335219 (2007), doi:10.1088/0953-8984/19/33/335219.
"""

from __future__ import annotations

from typing import Any

from whorl.formats.columntext import ColumnText
from whorl.formats.header import Header, radiation_of


def _interpret(head: Header, settings: dict[str, Any]) -> None:
    radiation = radiation_of(head.pairs.get("type", ""))
    if radiation is not None:
        settings.setdefault("radiation", radiation)
        settings.get("header", {}).pop("type", None)


READER = ColumnText(
    key="pdfgui",
    suffixes=(".fgr", ".cgr", ".gr"),
    clues=((b"pdfgui", 0.75), (b"# type = ", 0.6), (b"# stype = ", 0.6), (b"pdffit2", 0.6)),
    interpret=_interpret,
)
