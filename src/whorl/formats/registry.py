"""The formats whorl knows: one line each. To add one, write its file beside these and name it here."""

from __future__ import annotations

from pathlib import Path

from whorl.core.errors import PatternError, StructureError, UsageError
from whorl.formats import (
    brml,
    bruker_raw,
    cansas,
    cif,
    columns,
    gsas,
    images,
    nexus,
    opxrd,
    pdcif,
    pdfgetn,
    pdfgetx2,
    pdfgetx3,
    pdfgui,
    pdh,
    rigaku,
    sesans,
    stepped,
    stoe,
    stru,
    whorltext,
    xrdml,
    xyz,
)
from whorl.formats.base import MeasurementReader, StructureReader
from whorl.formats.files import head_of, refuse_binary

#: readers of measured data; on equal scores the first one reads
MEASUREMENTS: tuple[MeasurementReader, ...] = (
    nexus.READER,
    whorltext.READER,
    cansas.READER,
    pdh.READER,
    sesans.READER,
    images.READER,
    xrdml.READER,
    bruker_raw.READER,
    stoe.READER,
    brml.READER,
    rigaku.READER,
    rigaku.ARCHIVE,
    gsas.READER,
    pdcif.READER,
    opxrd.READER,
    stepped.READER,
    pdfgetx3.READER,
    pdfgetx2.READER,
    pdfgetn.READER,
    pdfgui.READER,
    columns.READER,
)
#: readers of structures
STRUCTURES: tuple[StructureReader, ...] = (cif.READER, xyz.READER, stru.READER)


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
    other = max(STRUCTURES, key=lambda reader: reader.sniff(head, Path(path)))
    if other.sniff(head, Path(path)) > 0.9:
        if other.key == "cif" and pdcif.holds_profile(path):
            return pdcif.READER
        raise PatternError(
            f"this is a structure ({other.key}), not a measured pattern",
            where=path,
            remedy="Use it where a structure is asked for, or pass format= if it is a pattern.",
        )
    return max(MEASUREMENTS, key=lambda reader: reader.sniff(head, Path(path)))


def structure_reader(path: str, key: str | None) -> StructureReader:
    """Choose the reader of a structure: the one named, or the one that is most sure.

    Raises
    ------
    UsageError
        If no reader has that name.
    StructureError
        If the file cannot be opened or is no structure.
    """
    names = ", ".join(r.key for r in STRUCTURES)
    if key is not None:
        for reader in STRUCTURES:
            if reader.key == key:
                return reader
        raise UsageError(f"unknown format {key!r}", where=path, remedy=f"Use one of {names}.")
    head = head_of(path, StructureError)
    refuse_binary(head, path, StructureError)
    best = max(STRUCTURES, key=lambda reader: reader.sniff(head, Path(path)))
    if best.sniff(head, Path(path)) <= 0:
        if not head.strip():
            raise StructureError("the file holds nothing but white space", where=path, remedy="Export it again.")
        raise StructureError("this is no structure that whorl knows", where=path, remedy=f"Give one of: {names}.")
    return best
