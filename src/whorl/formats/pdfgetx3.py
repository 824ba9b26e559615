r"""PDFgetX3 and xPDFsuite: an INI block, ``#### start data``, ``#L r($\AA$)  G($\AA^{-2}$)``.

The header's ``dataformat`` (``Qnm``, ``QA``, ``twotheta``) speaks of the input file, never of the columns below.
Juhas, Davis, Farrow, Billinge, J. Appl. Cryst. 46, 560 (2013), doi:10.1107/S0021889813005190.
"""

from __future__ import annotations

from whorl.formats.columntext import ColumnText

READER = ColumnText(
    key="pdfgetx3",
    suffixes=(".gr", ".fq", ".sq", ".iq"),
    clues=((b"version = pdfgetx3", 0.95), (b"xpdfsuite configuration", 0.95), (b"outputtype", 0.8), (b"rpoly", 0.7)),
)
