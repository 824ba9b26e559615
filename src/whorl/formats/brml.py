"""Bruker ``.brml``: a zip archive with ``ExperimentN/RawDataN.xml``, one ``Datum`` of comma-separated numbers a point.

The columns are named by the ``DataViews`` of the route: axes by their ``FieldDefinitions``, the recording by its view; files
without views hold time, absorber, 2theta, theta, counts. A detector that stands still gives one ``Datum`` of many channels on
the axis ``ScaleAxes``. Names of the elements after the documentation of OpenReadout on X-ray diffraction and the importer of
GSAS-II (G2pwd_BrukerBRML); wavelengths are in angstrom.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files
from whorl.formats.binary import tube
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind
from whorl.formats.xmltree import Node, number, tree_of
from whorl.formats.zipbox import Box

Array = NDArray[np.float64]
_RAW = re.compile(r"(?:^|/)RawData(\d+)\.xml$")


@dataclass(frozen=True)
class Brml:
    """The reader of Bruker's archives."""

    key: str = "brml"
    suffixes: tuple[str, ...] = (".brml",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the names of the first members of the archive, or the suffix."""
        if not head.startswith(b"PK\x03\x04"):
            return 0.0
        return 0.99 if b"experimentCollection" in head or b"RawData" in head or path.suffix.lower() in self.suffixes else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the measured scans over 2theta (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        box = Box.of(data, path, 4 * max_bytes)
        names = sorted((int(m[1]), name) for name in box.names if (m := _RAW.search(name)))
        if not names:
            raise PatternError("no RawData*.xml in the archive", where=path, remedy="Give a .brml file of a measurement.")
        notes: list[str] = []
        scans: list[Scan] = []
        other: list[str] = []
        settings: dict[str, Any] = {}
        for _, name in names:
            place = f"{path}, {name}"
            root = tree_of(box.read(name), place)
            for route in _routes(root):
                scan = _scan(route, place, notes)
                if scan is None:
                    other.append(_name(route))
                    continue
                settings = settings or (_settings(root, box, path) | _of_route(route))
                scans.append(scan)
        if not scans:
            what = f"only scans over {', '.join(sorted(set(other)))}" if other else "no measured points"
            raise PatternError(f"{what} in the file, none over 2theta", where=path, remedy="Give a powder pattern.")
        if other:
            notes.append(f"{len(other)} scans over {', '.join(sorted(set(other)))} were left out")
        if "header" in settings:  # keep it last: it is long
            settings["header"] = settings.pop("header")
        return measurement_of(scans, "powder", settings, Source.of(path, data, self.key), list(dict.fromkeys(notes)), sort=sort)


READER = Brml()


def _routes(root: Node) -> list[Node]:
    """Routes with points: the measured ones when the file says which they are."""
    routes = [route for route in root.all("DataRoute") if route.child("Datum") is not None]
    measured = [route for route in routes if route.attributes.get("RouteFlag", "Measured") == "Measured"]
    return measured or routes


def _name(route: Node) -> str:
    information = route.child("ScanInformation")
    given = information.attributes if information is not None else {}
    return given.get("VisibleName") or given.get("ScanName") or "an unknown axis"


@dataclass
class _Columns:
    """Columns of a Datum: those of the axes by name, of time and absorber, and of the recording."""

    axes: dict[str, int]
    time: int | None = None
    absorber: int | None = None
    first: int = 0
    length: int = 1


def _columns(route: Node) -> _Columns | None:
    columns = _Columns({})
    recorded = False
    for view in route.all("RawDataView"):
        start, length = number(view.attributes.get("Start", "")), number(view.attributes.get("Length", "1"))
        if start is None or length is None:
            continue
        logic = view.attributes.get("LogicName", "")
        if logic == "MeasuredTime":
            columns.time = int(start)
        elif logic == "AbsorptionFactor":
            columns.absorber = int(start)
        for k, field in enumerate(view.all("FieldDefinitions")):
            columns.axes[field.attributes.get("AxisId") or field.attributes.get("FieldName", "")] = int(start) + k
        if not recorded and (view.attributes.get("type", "").startswith("Recorded") or view.child("Recording") is not None):
            columns.first, columns.length, recorded = int(start), max(int(length), 1), True
    return columns if recorded else None


def _scan(route: Node, place: str, notes: list[str]) -> Scan | None:
    """Read the points of a route, ``None`` when they are not over 2theta."""
    rows = [node.text.split(",") for node in route.children if node.name == "Datum"]
    width = min(map(len, rows))
    columns = _columns(route)
    if columns is None:
        if width < 5:
            raise PatternError(
                f"{width} numbers a point and no word on what they are", where=place, remedy="Export the scan as .xy."
            )
        columns = _Columns({"TwoTheta": 2}, 0, 1, 4)
    if columns.first + columns.length > width or max(columns.axes.values(), default=0) >= width:
        raise PatternError(f"{width} numbers a point, fewer than the views name", where=place, remedy="Export it again.")
    try:
        table = np.array([[float(word) for word in row[:width]] for row in rows])
    except ValueError:
        raise PatternError("a point holds something that is no number", where=place, remedy="Export it again.") from None
    if columns.length > 1:
        return _still(route, table[:, columns.first : columns.first + columns.length])
    axis = next((columns.axes[name] for name in ("TwoTheta", "2Theta") if name in columns.axes), None)
    if axis is None or (len(rows) > 1 and np.ptp(table[:, axis]) == 0):
        return None
    _note_counting(table, columns, notes)
    return Scan(table[:, axis], table[:, columns.first])


def _note_counting(table: Array, columns: _Columns, notes: list[str]) -> None:
    if columns.absorber is not None and np.ptp(table[:, columns.absorber]) > 0:
        top = table[:, columns.absorber].max()
        notes.append(f"an absorber moved during the scan (factor up to {top:g}); the counts are as stored")
    if columns.time is not None:
        times = table[:, columns.time]
        if times.min() > 0 and np.ptp(times) > 0.05 * times.min():
            notes.append(
                f"the counting time is not the same throughout ({times.min():g} to {times.max():g} s): counts as stored"
            )


def _still(route: Node, table: Array) -> Scan | None:
    """Read a detector that stands still: channels on a stated axis, the exposures added."""
    for info in route.all("ScaleAxisInfo"):
        name = info.attributes.get("AxisId", "") + info.attributes.get("AxisName", "")
        start, step = info.number("Start"), info.number("Increment")
        if "TwoTheta" in name and "Relative" not in name and start is not None and step:
            return Scan(np.linspace(start, start + step * (table.shape[1] - 1), table.shape[1]), table.sum(axis=0))
    return None


def _of_route(route: Node) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    base = next((n.attributes.get("Base", "") for r in route.all("Recording") for n in r.all("Unit")), "")
    if base.lower() == "counts":
        settings["intensity"] = "counts"
    seconds = route.number("ScanInformation", "TimePerStep")
    if seconds:
        settings["counting_time"] = seconds
    return settings


def _settings(root: Node, box: Box, path: str) -> dict[str, Any]:
    """Tube and goniometer, from the raw data or the container beside them."""
    settings = _tube(root)
    for name in box.names:
        if settings:
            break
        if name.endswith(("MeasurementContainer.xml", "DataContainer.xml", "InstructionContainer.xml")):
            settings = _tube(tree_of(box.read(name), f"{path}, {name}"))
    header = {"started": root.said("TimeStampStarted")}
    info = next((n.attributes.get("Value", "") for n in root.all("InfoItem") if n.attributes.get("Name") == "SampleName"), "")
    header["sample"] = info
    header = {key: value[:500] for key, value in header.items() if value}
    return settings | ({"header": header} if header else {})


def _tube(root: Node) -> dict[str, Any]:
    values = [
        root.number(name) or 0.0 for name in ("WaveLengthAlpha1", "WaveLengthAlpha2", "WaveLengthRatio", "WaveLengthAverage")
    ]
    node = root.find("WaveLengthAlpha1")
    scale = 10.0 if node is not None and node.attributes.get("Unit", "").lower() in ("nm", "nanometer") else 1.0
    found = tube(values[0] * scale, values[1] * scale, values[2], root.said("TubeMaterial"), values[3] * scale)
    radius = root.number("Radius")
    if found and radius and 50 <= radius <= 2000:
        found["radius"] = radius
    return found
