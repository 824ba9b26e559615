"""The formats whorl knows: one line each. To add one, write its file beside these and name it here."""

from __future__ import annotations

from pathlib import Path

from whorl.core.errors import UsageError
from whorl.formats import columns, pdfgetn, pdfgetx2, pdfgetx3, pdfgui
from whorl.formats.base import MeasurementReader
from whorl.formats.files import head_of

#: readers of measured data; on equal scores the first one reads
MEASUREMENTS: tuple[MeasurementReader, ...] = (
    pdfgetx3.READER,
    pdfgetx2.READER,
    pdfgetn.READER,
    pdfgui.READER,
    columns.READER,
)


def measurement_reader(path: str, key: str | None) -> MeasurementReader:
    """Choose the reader of a file: the one named, or the one that is most sure.

    Raises
    ------
    UsageError
        If no reader has that name.
    PatternError
        If the file cannot be opened.
    """
    if key is not None:
        for reader in MEASUREMENTS:
            if reader.key == key:
                return reader
        names = ", ".join(r.key for r in MEASUREMENTS)
        raise UsageError(f"unknown format {key!r}", where=path, remedy=f"Use one of {names}.")
    head = head_of(path)
    return max(MEASUREMENTS, key=lambda reader: reader.sniff(head, Path(path)))
