"""PDFgetN: ``#S 1 - PDF from PDFgetN``, columns ``r G(r) dr dG(r)``, perhaps the whole reduction history; always neutrons.

Peterson, Gutmann, Proffen, Billinge, J. Appl. Cryst. 33, 1192 (2000), doi:10.1107/S0021889800007123.
"""

from __future__ import annotations

from typing import Any

from whorl.formats.columntext import ColumnText
from whorl.formats.composition import from_fractions
from whorl.formats.header import Header


def _interpret(head: Header, settings: dict[str, Any]) -> None:
    settings.setdefault("radiation", "neutron")
    rows = [row for row in head.after("Element relAtomNum") if len(row) == 6]
    composition = from_fractions([(row[0], row[1]) for row in rows])
    if composition:
        settings.setdefault("composition", composition)
    temperature = head.pairs.get("t", "")
    if "temperature" not in settings and any("PDFgetN" in line and " T=" in line for line in head.lines):
        try:
            settings["temperature"] = float(temperature)
        except ValueError:
            return
        settings.get("header", {}).pop("t", None)


READER = ColumnText(
    key="pdfgetn",
    suffixes=(".gr", ".soq", ".sq"),
    clues=((b"pdf from pdfgetn", 0.97), (b"pdfgetn", 0.9), (b"prep=gsas", 0.9), (b"##### vanadium", 0.9)),
    interpret=_interpret,
)
