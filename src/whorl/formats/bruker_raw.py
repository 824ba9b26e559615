"""Siemens and Bruker ``.raw``: versions 1 (``RAW ``) and 2 (``RAW2``) of DIFFRAC-AT, 3 (``RAW1.01``) and 4 (``RAW4.00``).

Offsets after the descriptions in xylib (bruker_raw.cpp: DIFFRAC-AT manual, appendix B; DIFFRAC-plus XCH manual, appendix A),
GSAS-II (G2pwd_BrukerRAW) and OpenReadout (docs on X-ray diffraction), which agree. Version 4 is a chain of records of (kind,
length); a record of kind 0 or 160 is the header of a range, followed by the records of its drives and the intensities.
Neither version says whether its intensities are counts or a rate, so nothing is said here either.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files
from whorl.formats.binary import Fields, tube
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind

_MAGIC = {b"RAW1.01": 3, b"RAW1.02": 3, b"RAW4.00": 4, b"RAW2": 2, b"RAW ": 1}
#: codes of version 3 for scans of something else than 2theta: rocking curve, chi, phi, x, y, z
_OTHER_TYPES = {3: "theta", 4: "chi", 5: "phi", 6: "x", 7: "y", 8: "z"}
_HEADER_1, _HEADER_2, _HEADER_3, _HEADER_4 = 156, 256, 712, 61
_RANGE_4 = 160


@dataclass(frozen=True)
class BrukerRaw:
    """The reader of Bruker's binary files."""

    key: str = "bruker-raw"
    suffixes: tuple[str, ...] = (".raw",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the magic string; that of version 1 asks for binary content too."""
        del path
        version = _version(head)
        return 0.99 if version > 1 or (version == 1 and b"\x00" in head[:40]) else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the ranges over 2theta (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        version = _version(data)
        if not version:
            raise PatternError(
                "no RAW file of Bruker", where=path, remedy="Give a file that begins with RAW, RAW1.01 or RAW4.00."
            )
        notes: list[str] = []
        found = _READ[version](Fields(data, path), notes)
        if not found.scans:
            what = f"only scans over {', '.join(sorted(set(found.other)))}" if found.other else "no measured range"
            raise PatternError(f"{what} in the file, none over 2theta", where=path, remedy="Give a powder pattern.")
        if found.other:
            notes.append(f"{len(found.other)} scans over {', '.join(sorted(set(found.other)))} were left out")
        settings = found.settings
        header = {"version": str(version)} | {k: v[:500] for k, v in found.header.items() if v}
        source = Source.of(path, data, self.key)
        return measurement_of(found.scans, "powder", settings | {"header": header}, source, notes, sort=sort)


READER = BrukerRaw()


@dataclass
class _Found:
    """What the file states, its scans over 2theta, and the names of what other scans ran over."""

    settings: dict[str, Any]
    header: dict[str, str]
    scans: list[Scan]
    other: list[str]


def _version(data: bytes) -> int:
    return next((version for magic, version in _MAGIC.items() if data.startswith(magic)), 0)


def _timed(settings: dict[str, Any], seconds: float) -> dict[str, Any]:
    return settings | ({"counting_time": round(seconds, 6)} if 0 < seconds < 1e7 else {})


def _line(fields: Fields, start: float, step: float, count: int, at: int, stride: int = 4) -> Scan:
    if not (step > 0 and -180 < start < 180):
        raise PatternError(
            f"a scan from {start:g} at steps of {step:g}", where=fields.path, remedy="The file is damaged: copy it again."
        )
    y = fields.array(at, count, stride=stride)
    return Scan(np.asarray(start + step * np.arange(count), dtype=np.float64), y)


def _version_1(fields: Fields, notes: list[str]) -> _Found:
    del notes
    settings = tube(fields.f32(72), fields.f32(76), 0.0, "")
    settings = _timed(settings, fields.f32(8))
    scans: list[Scan] = []
    at, more = 0, 1
    while more:
        at += 0 if not scans or fields.data[at : at + 4] == b"RAW " else -4  # early files do not repeat the magic
        count = fields.u32(at + 4)
        more = fields.u32(at + 152)
        scans.append(_line(fields, fields.f32(at + 24), fields.f32(at + 12), count, at + _HEADER_1))
        at += _HEADER_1 + 4 * count
    return _Found(settings, {"sample": fields.text(40, 32)}, scans, [])


def _version_2(fields: Fields, notes: list[str]) -> _Found:
    del notes
    settings = tube(fields.f32(190), fields.f32(194), fields.f32(198), fields.text(188, 2))
    scans: list[Scan] = []
    at = _HEADER_2
    for _ in range(fields.u16(4)):
        size, count = fields.u16(at), fields.u16(at + 2)
        if size < 48:
            raise PatternError(
                f"a range header of {size} bytes", where=fields.path, remedy="The file is damaged: copy it again."
            )
        if not scans:
            settings = _timed(settings, fields.f32(at + 8))
        scan = _line(fields, fields.f32(at + 16), fields.f32(at + 12), count, at + size)
        kelvin = fields.u16(at + 46)
        scans.append(Scan(scan.x, scan.y, coordinates={"temperature": float(kelvin)} if kelvin else {}))
        at += size + 4 * count
    return _Found(settings, {"started": fields.text(168, 20)}, scans, [])


def _version_3(fields: Fields, notes: list[str]) -> _Found:
    settings = tube(fields.f64(624), fields.f64(632), fields.f64(648), fields.text(608, 4), fields.f64(616))
    radius = fields.f32(564)
    if 50 <= radius <= 2000:
        settings["radius"] = round(radius, 3)
    header = {"started": f"{fields.text(16, 10)} {fields.text(26, 10)}".strip(), "sample": fields.text(326, 60)}
    found = _Found(settings, header, [], [])
    at = _HEADER_3
    for number in range(fields.u32(12)):
        size, count = fields.u32(at), fields.u32(at + 4)
        varying, record, extra = fields.u32(at + 248), fields.u32(at + 252), fields.u32(at + 256)
        stride = record if varying and 4 <= record <= 64 else 4
        if not 260 <= size <= 4096:
            raise PatternError(
                f"a range header of {size} bytes", where=fields.path, remedy="The file is damaged: copy it again."
            )
        data = at + size + extra
        code = fields.u32(at + 196)
        if code in _OTHER_TYPES:
            found.other.append(_OTHER_TYPES[code])
        else:
            if stride != 4:
                notes.append(f"range {number + 1}: records of {stride} bytes, of which the intensity was read")
            if not found.scans:
                found.settings = _timed(found.settings, fields.f32(at + 192))
            found.scans.append(_line(fields, fields.f64(at + 16), fields.f64(at + 176), count, data, stride))
        at = data + stride * count
    return found


def _version_4(fields: Fields, notes: list[str]) -> _Found:
    found = _Found({}, {"started": f"{fields.text(12, 12)} {fields.text(24, 10)}".strip()}, [], [])
    at = _HEADER_4
    while at + 8 <= len(fields.data):
        kind = fields.u32(at)
        if kind in (0, 160):
            at = _range_4(fields, at, found, notes)
            continue
        size = fields.u32(at + 4)
        if size < 8:
            raise PatternError(f"a record of {size} bytes", where=fields.path, remedy="The file is damaged: copy it again.")
        if kind == 10 and size > 36:
            name, value = fields.text(at + 12, 24), fields.text(at + 36, size - 36)
            if name in ("SAMPLEID", "COMMENT", "CREATOR") and value:
                found.header[{"SAMPLEID": "sample"}.get(name, name.lower())] = value
        elif kind == 30 and size >= 120:
            alpha1, alpha2, ratio = (fields.f64(at + k) for k in (80, 88, 104))
            found.settings |= tube(alpha1, alpha2, ratio, fields.text(at + 116, 4), fields.f64(at + 72))
        at += size
    return found


def _range_4(fields: Fields, at: int, found: _Found, notes: list[str]) -> int:
    """Read the range whose header begins at ``at``; give the place behind it."""
    name = fields.text(at + 32, 24)
    start, step, count = fields.f64(at + 72), fields.f64(at + 80), fields.u32(at + 88)
    record, extra = fields.u32(at + 136), fields.u32(at + 140)
    data = at + _RANGE_4 + extra
    if record < 4 or record % 4 or record > 1024:
        raise PatternError(f"records of {record} bytes", where=fields.path, remedy="The file is damaged: copy it again.")
    drives: dict[str, float] = {}
    moving = ""
    here = at + _RANGE_4
    while here + 8 <= data:
        kind, size = fields.u32(here), max(fields.u32(here + 4), 8)
        if kind == 50 and size >= 64:
            drive = fields.text(here + 12, 24)
            drives[drive] = fields.f64(here + 56)
            if fields.u32(here + 8) and abs(drives[drive] - start) < 1e-6:
                moving = moving or drive
        here += size
    end = data + record * count
    if end > len(fields.data):
        fields.array(data, count, stride=record)  # raises the error of a file that is cut off
    low = name.lower()
    coupled = "coupled" in low or "detector" in low or "psd" in low
    if moving not in ("", "2Theta", "TwoTheta", "Theta") or (moving in ("", "Theta") and not coupled):
        found.other.append(moving or name or "unknown")
        return end
    if moving == "Theta" and "2Theta" in drives and abs(drives["2Theta"] - start) > 1e-3:
        start, step = drives["2Theta"], 2 * step  # theta is the drive that is scanned, and 2theta follows it twice as fast
        notes.append("the scan is stated over theta; 2theta is twice as far")
    if record != 4:
        notes.append(f"records of {record} bytes, of which the intensity was read")
    found.scans.append(_line(fields, start, step, count, data, record))
    return end


_READ = {1: _version_1, 2: _version_2, 3: _version_3, 4: _version_4}
