"""STOE WinXPOW ``.raw`` (``RAW_1.06Powdat``): one range of counts over 2theta.

Layout, little endian, in blocks of 512 bytes, after the reader of Chemotion's converter-app (stoe_raw_reader, from a notebook
by R. Dockhorn, https://orcid.org/0000-0002-5268-5430): the wavelength at 0x142, length of the data and of the file in blocks at
0x1DA and 0x1DC; the data fill the last blocks, and the block before them is the header of the range: number of points at -0x1DE
from the data, start, end and step of 2theta at -0x1D4, smallest and largest count at -0x188. A layout in which these do not
agree with each other is refused. The second wavelength at 0x146 comes without a ratio, and behind the usual primary
monochromator there is none, so it is not taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files
from whorl.formats.binary import Fields, tube
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind

_MAGIC = b"RAW_1.06Powdat"
_BLOCK = 512


@dataclass(frozen=True)
class Stoe:
    """The reader of STOE's powder files."""

    key: str = "stoe"
    suffixes: tuple[str, ...] = (".raw",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the magic string, of other versions too: they are refused by name."""
        del path
        return 0.99 if head.startswith(b"RAW_1.") else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the range (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        if not data.startswith(_MAGIC):
            raise PatternError(
                f"{data[:14].decode('latin-1')!r} is not the version of STOE's format that is known (RAW_1.06Powdat)",
                where=path,
                remedy="Export it from WinXPOW as .xy or CIF.",
            )
        fields = Fields(data, path)
        notes: list[str] = []
        scan = _scan(fields)
        settings = tube(fields.f32(0x142), 0.0, 0.0, "") | {"intensity": "counts"}
        header = {"started": fields.text(0x10, 16), "title": fields.text(0x20, 0x100)}
        settings |= {"header": {key: value for key, value in header.items() if value}}
        return measurement_of([scan], "powder", settings, Source.of(path, data, self.key), notes, sort=sort)


READER = Stoe()


def _scan(fields: Fields) -> Scan:
    blocks, total = fields.u16(0x1DA), fields.u16(0x1DC)
    at = (total - blocks) * _BLOCK
    if not 0 < blocks < total or at < 2 * _BLOCK:
        raise _unknown(fields, f"{blocks} of {total} blocks hold data")
    count = fields.u16(at - 0x1DE)
    start, end, step = (fields.f32(at - 0x1D4 + 4 * k) for k in (0, 2, 4))
    y = fields.array(at, count, "<u4")
    if count < 2 or step <= 0 or abs((end - start) / step + 1 - count) > 1.5:
        raise _unknown(fields, f"{count} points from {start:g} to {end:g} at steps of {step:g}")
    low, high = fields.u32(at - 0x188), fields.u32(at - 0x184)
    if high and (y.min() != low or y.max() != high):
        raise _unknown(fields, f"counts from {y.min():g} to {y.max():g} where the header says {low} to {high}")
    return Scan(np.linspace(start, end, count), y)


def _unknown(fields: Fields, what: str) -> PatternError:
    return PatternError(
        f"the parts of this STOE file do not agree ({what})", where=fields.path, remedy="Export it from WinXPOW as .xy or CIF."
    )
