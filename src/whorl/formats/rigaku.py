"""Rigaku ``.ras`` (text between ``*RAS_INT_START`` and ``*RAS_INT_END``) and ``.rasx`` (the same in a zip archive).

Rows are 2theta, intensity and the factor of the attenuator; a ``.rasx`` holds ``DataN/ProfileN.txt`` and the conditions in
``DataN/MesurementConditionsN.xml``. Names of the header after GSAS-II (G2pwd_rigaku) and the documentation of OpenReadout on
X-ray diffraction. Whether the intensities are corrected for the attenuator is not stated: where the factor changes, the way
that makes the pattern continuous is taken, and said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files, powderheader
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind
from whorl.formats.text import lines_of
from whorl.formats.xmltree import number, tree_of
from whorl.formats.zipbox import Box

Array = NDArray[np.float64]
_KEY = re.compile(r"^\*([A-Z0-9_]+)\s+\"?(.*?)\"?\s*$")
#: what names of the axis contain; the last is a theta of Shift-JIS
_TWO_THETA = ("twotheta", "2theta", "2-theta", "2θ", "2\x83")
_OTHER = ("omega", "chi", "phi", "theta", "psi", "x", "y", "z", "ttheta")
#: elements of the conditions -> names of the header of a .ras
_ELEMENTS = {
    "TargetName": "HW_XG_TARGET_NAME", "WavelengthKalpha1": "HW_XG_WAVE_LENGTH_ALPHA1",
    "WavelengthKalpha2": "HW_XG_WAVE_LENGTH_ALPHA2", "WaveType": "WAVE_TYPE", "AxisName": "MEAS_SCAN_AXIS_X_INTERNAL",
    "IntensityUnit": "MEAS_SCAN_UNIT_Y", "Step": "MEAS_SCAN_STEP", "Speed": "MEAS_SCAN_SPEED",
    "SpeedUnit": "MEAS_SCAN_SPEED_UNIT", "SampleName": "FILE_SAMPLE", "StartTime": "MEAS_SCAN_START_TIME",
}  # fmt: skip


@dataclass(frozen=True)
class Ras:
    """The reader of Rigaku's text files."""

    key: str = "ras"
    suffixes: tuple[str, ...] = (".ras",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the marks of the format."""
        del path
        text = head.replace(b"\x00", b"")
        return 0.99 if b"*RAS_DATA_START" in text or b"*RAS_HEADER_START" in text else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the scans over 2theta (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        parts = _parts(lines_of(data, path), path)
        return _measurement(parts, Source.of(path, data, self.key), sort=sort)


@dataclass(frozen=True)
class Rasx:
    """The reader of Rigaku's archives."""

    key: str = "rasx"
    suffixes: tuple[str, ...] = (".rasx",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the name of the first members of the archive."""
        if not head.startswith(b"PK\x03\x04"):
            return 0.0
        return 0.99 if b"MesurementConditions" in head or path.suffix.lower() in self.suffixes else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the scans over 2theta (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        box = Box.of(data, path, 4 * max_bytes)
        found = [(int(m[1]), name) for name in box.names if (m := re.search(r"Profile(\d+)\.txt$", name))]
        if not found:
            raise PatternError("no Profile*.txt in the archive", where=path, remedy="Give a .rasx file of a powder scan.")
        parts: list[_Part] = []
        for which, name in sorted(found):
            place = f"{path}, {name}"
            rows = list(enumerate(lines_of(box.read(name), place), 1))
            conditions = next((n for n in box.names if re.search(rf"Me?a?surementConditions{which}\.xml$", n)), None)
            header: dict[str, str] = {}
            if conditions is not None:
                root = tree_of(box.read(conditions), f"{path}, {conditions}")
                header = {key: root.said(element) for element, key in _ELEMENTS.items() if root.said(element)}
            parts.append(_Part(header, _rows(rows, place), place))
        return _measurement(parts, Source.of(path, data, self.key), sort=sort)


READER = Ras()
ARCHIVE = Rasx()


@dataclass(frozen=True)
class _Part:
    """One scan: its header, its rows of two or three columns, and its place for errors."""

    header: Mapping[str, str]
    rows: Array
    place: str

    def said(self, *names: str) -> str:
        return next((self.header[name].strip() for name in names if self.header.get(name, "").strip()), "")


def _parts(lines: list[str], path: str) -> list[_Part]:
    parts: list[_Part] = []
    header: dict[str, str] = {}
    begun = 0
    for i, line in enumerate(lines):
        text = line.strip()
        if text == "*RAS_HEADER_START":
            header = {}
        elif text == "*RAS_INT_START":
            begun = i + 1
        elif text == "*RAS_INT_END" and begun:
            rows = list(enumerate(lines[begun:i], begun + 1))
            parts.append(_Part(header, _rows(rows, path), path))
            announced = number(header.get("MEAS_DATA_COUNT", ""))
            if announced is not None and announced != len(parts[-1].rows):
                raise PatternError(
                    f"{len(parts[-1].rows)} points where the header announces {announced:g}",
                    where=f"{path}, line {begun + 1}",
                    remedy="The file is damaged: export it again.",
                )
            begun = 0
        elif not begun and (match := _KEY.match(text)) is not None:
            header[match[1]] = match[2]
    if begun:
        raise PatternError(
            "no *RAS_INT_END behind the data", where=path, remedy="The file is cut off: copy or export it again."
        )
    if not parts:
        raise PatternError("no *RAS_INT_START, so no data", where=path, remedy="The file may be cut off: export it again.")
    return parts


def _rows(lines: list[tuple[int, str]], place: str) -> Array:
    rows: list[list[float]] = []
    for at, line in lines:
        words = line.split()
        if not words or words[0].startswith(("*", "#")):
            continue
        values = [number(word) for word in words[:3]]
        if len(values) < 2 or None in values:
            raise PatternError(f"{line.strip()[:40]!r} is no row of numbers", where=f"{place}, line {at}", remedy="Correct it.")
        rows.append([float(v) for v in values if v is not None])
    if not rows:
        return np.empty((0, 2))
    width = min(map(len, rows))
    return np.array([row[:width] for row in rows])


def _measurement(parts: list[_Part], source: Source, *, sort: bool) -> Measurement:
    notes: list[str] = []
    scans: list[Scan] = []
    used: list[_Part] = []
    other: list[str] = []
    plain = True
    for part in parts:
        axis = part.said("MEAS_SCAN_AXIS_X_INTERNAL", "MEAS_SCAN_AXIS_X")
        low = axis.lower().replace(" ", "")
        if not any(word in low for word in _TWO_THETA) and low in _OTHER:
            other.append(axis)
            continue
        if axis and not any(word in low for word in _TWO_THETA):
            notes.append(f"the axis is called {axis[:40]!r} and was taken as 2theta")
        y, corrected = _attenuated(part.rows, notes)
        plain = plain and corrected
        scans.append(Scan(part.rows[:, 0], y))
        used.append(part)
    if not scans:
        raise PatternError(
            f"only scans over {', '.join(sorted(set(other)))} in the file, none over 2theta",
            where=source.path,
            remedy="Give a powder pattern.",
        )
    if other:
        notes.append(f"{len(other)} scans over {', '.join(sorted(set(other)))} were left out")
    settings = _settings(used[0], notes)
    if not plain and settings.get("intensity") == "counts":
        del settings["intensity"]
    return measurement_of(scans, "powder", settings, source, notes, sort=sort)


def _attenuated(rows: Array, notes: list[str]) -> tuple[Array, bool]:
    """Give the intensities without the attenuator, and whether they are as stored."""
    y = rows[:, 1]
    if rows.shape[1] < 3 or np.all(rows[:, 2] == 1) or np.any(rows[:, 2] <= 0):
        return y, True
    factors = rows[:, 2]
    switch = np.flatnonzero(factors[1:] != factors[:-1])
    times = y * factors

    def jump(values: Array) -> float:
        pairs = np.maximum(values[switch], 1), np.maximum(values[switch + 1], 1)
        return float(np.median(np.abs(np.log(pairs[0] / pairs[1])))) if switch.size else 0.0

    if switch.size and jump(y) < jump(times):
        notes.append("the factors of the attenuator are in the intensities already: without them the pattern has no steps")
        return y, True
    notes.append(f"the intensities were multiplied by the factors of the attenuator (up to {factors.max():g})")
    return times, False


def _settings(part: _Part, notes: list[str]) -> dict[str, Any]:
    lines = [f'{name} "{value}"' for name, value in part.header.items()]
    settings: dict[str, Any] = {"radiation": "x-ray"} if part.said("HW_XG_TARGET_NAME", "HW_XG_WAVE_LENGTH_ALPHA1") else {}
    settings |= powderheader.settings_of(lines, notes)
    if "anode" in settings:
        settings["source"] = "lab"
    if part.said("WAVE_TYPE").lower() in ("ka1", "kα1"):
        settings.pop("wavelength2", None)
    unit = part.said("MEAS_SCAN_UNIT_Y").lower()
    if unit in ("counts", "cps"):
        settings["intensity"] = "counts" if unit == "counts" else "rate"
    step, speed = number(part.said("MEAS_SCAN_STEP")), number(part.said("MEAS_SCAN_SPEED"))
    if step and speed and speed > 0 and "min" in part.said("MEAS_SCAN_SPEED_UNIT").lower():
        settings["counting_time"] = round(60 * step / speed, 6)
    header = {"sample": part.said("FILE_SAMPLE"), "started": part.said("MEAS_SCAN_START_TIME")}
    header = {key: value[:500] for key, value in header.items() if value}
    return settings | ({"header": header} if header else {})
