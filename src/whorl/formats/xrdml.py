"""XRDML, the XML of Malvern Panalytical's diffractometers: every scan over 2theta of the file, with tube, optics and times.

Facts of the schema (http://www.xrdml.com/XRDMeasurement/2.3 and its predecessors): ``counts`` (schema 2) are raw and are to
be multiplied by ``beamAttenuationFactors``; ``intensities`` (schema 1) are corrected already. Positions are the two ends of an
even grid or a list. Several scans on one axis are a series with the coordinates ``scan``, ``time`` (s since the first began)
and ``temperature`` (kelvin) as far as stated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind
from whorl.formats.xmltree import Node, number, numbers, tree_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Xrdml:
    """The reader of XRDML."""

    key: str = "xrdml"
    suffixes: tuple[str, ...] = (".xrdml",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the root element; UTF-16 is understood."""
        del path
        return 0.99 if b"<xrdMeasurements" in head.replace(b"\x00", b"") else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the scans over 2theta (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        files.refuse_binary(data, path)
        root = tree_of(data, path)
        if root.name != "xrdMeasurements":
            raise PatternError(
                f"the root of the XML is {root.name!r}, not 'xrdMeasurements'", where=path, remedy="Give an XRDML file."
            )
        notes: list[str] = []
        scans, first = _scans(root, path, notes)
        settings = _settings(root, first, notes)
        settings |= _of_scan(scans)
        return measurement_of([s.scan for s in scans], "powder", settings, Source.of(path, data, self.key), notes, sort=sort)


READER = Xrdml()


@dataclass(frozen=True)
class _Found:
    scan: Scan
    intensity: str
    counting_time: float | None


def _scans(root: Node, path: str, notes: list[str]) -> tuple[list[_Found], Node]:
    """Read the scans over 2theta and name the measurement that holds the first."""
    found: list[_Found] = []
    first: Node | None = None
    other: list[str] = []
    begun: datetime | None = None
    for measurement in root.all("xrdMeasurement"):
        for scan in measurement.all("scan"):
            points = scan.child("dataPoints")
            x = _positions(points, path) if points is not None else None
            if points is None or x is None:
                other.append(scan.attributes.get("scanAxis", "unknown"))
                continue
            first = measurement if first is None else first
            start = _time(scan.said("startTimeStamp"))
            begun = begun or start
            found.append(_read(points, x, _seconds(begun, start) | _temperature(scan), path, len(found) + 1, notes))
    if first is None:
        what = f"only scans over {', '.join(sorted(set(other)))}" if other else "no scan"
        raise PatternError(f"{what} in the file, none over 2theta", where=path, remedy="Give a powder pattern.")
    if other:
        notes.append(f"{len(other)} scans over {', '.join(sorted(set(other)))} were left out")
    return found, first


def _positions(points: Node, path: str) -> Array | None:
    """Give the angles of a scan, ``None`` when 2theta does not move."""
    axis = next((p for p in points.all("positions") if p.attributes.get("axis") == "2Theta"), None)
    signal = points.find("counts") or points.find("intensities")
    if axis is None or signal is None or axis.child("commonPosition") is not None:
        return None
    listed = axis.child("listPositions")
    if listed is not None:
        return numbers(listed.text, path)
    start, end = axis.number("startPosition"), axis.number("endPosition")
    if start is None or end is None:
        raise PatternError("2theta has neither ends nor a list of positions", where=path, remedy="Export the file again.")
    return np.linspace(start, end, len(signal.text.split())) if start != end else None


def _read(points: Node, x: Array, coordinates: dict[str, float], path: str, which: int, notes: list[str]) -> _Found:
    raw = points.find("counts")
    signal = raw or points.find("intensities")
    assert signal is not None
    where = f"{path}, scan {which}"
    y = numbers(signal.text, where)
    if y.size != x.size:
        raise PatternError(
            f"{y.size} intensities at {x.size} positions", where=where, remedy="The file may be damaged: export it again."
        )
    factors = _factors(points, y.size, where)
    if factors is not None and raw is not None:
        y = y * factors
        notes.append(f"scan {which}: counts behind an attenuator were multiplied by its factor (up to {factors.max():g})")
    if raw is not None and (points.find("divergenceCorrections") or points.find("commonDivergenceCorrection")):
        notes.append(f"scan {which}: corrections for the divergence slit are stated; the counts are without them")
    unit = signal.attributes.get("unit", "counts").lower()
    intensity = "counts" if unit == "counts" else "rate" if unit in ("cps", "counts/s") else ""
    return _Found(Scan(x, y, coordinates=coordinates), "" if factors is not None else intensity, _counting_time(points, where))


def _factors(points: Node, size: int, where: str) -> Array | None:
    """Attenuation factors of the points, ``None`` when they are all one or none is stated."""
    common = points.number("commonBeamAttenuationFactor")
    listed = points.find("beamAttenuationFactors")
    if listed is None:
        return None if common in (None, 1.0) else np.full(size, common)
    factors = numbers(listed.text, where)
    if factors.size not in (1, size):
        raise PatternError(f"{factors.size} attenuation factors for {size} points", where=where, remedy="Export it again.")
    return None if np.all(factors == 1) else np.broadcast_to(factors, (size,)).astype(np.float64)


def _counting_time(points: Node, where: str) -> float | None:
    common = points.number("commonCountingTime")
    listed = points.find("countingTimes")
    if common is not None or listed is None:
        return common
    times = numbers(listed.text, where)
    return float(times[0]) if times.size and np.ptp(times) < 1e-3 * times[0] else None


def _temperature(scan: Node) -> dict[str, float]:
    """Mean temperature (kelvin) of a scan measured in a stage."""
    for node in scan.all("nonAmbientValues"):
        if node.attributes.get("type", "").lower().startswith("temp"):
            values = [
                v for v in map(number, re.findall(r"[^\s<>]+", " ".join(c.text for c in node.children) or node.text)) if v
            ]
            if values:
                celsius = node.attributes.get("unit", "K").strip("°").upper().startswith("C")
                return {"temperature": float(np.mean(values)) + (273.15 if celsius else 0.0)}
    return {}


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _seconds(begun: datetime | None, start: datetime | None) -> dict[str, float]:
    if begun is None or start is None or (begun.tzinfo is None) != (start.tzinfo is None):
        return {}
    return {"time": (start - begun).total_seconds()}


def _of_scan(scans: list[_Found]) -> dict[str, Any]:
    """Settings that all scans share."""
    shared: dict[str, Any] = {}
    times = {s.counting_time for s in scans}
    if len(times) == 1 and None not in times:
        shared["counting_time"] = times.pop()
    said = {s.intensity for s in scans}
    if len(said) == 1 and "" not in said:
        shared["intensity"] = said.pop()
    return shared


def _settings(root: Node, measurement: Node, notes: list[str]) -> dict[str, Any]:
    settings: dict[str, Any] = {"radiation": "x-ray"} if measurement.find("xRayTube") is not None else {}
    settings |= _wavelengths(measurement, notes)
    anode = measurement.said("incidentBeamPath", "xRayTube", "anodeMaterial")
    if anode:
        settings |= {"anode": anode, "source": "lab"}
    mode = measurement.attributes.get("sampleMode", "").lower()
    if mode in ("reflection", "transmission"):
        settings["geometry"] = "bragg-brentano" if mode == "reflection" else "transmission"
    slit = _slit(measurement.find("incidentBeamPath", "divergenceSlit"))
    if slit:
        settings["divergence_slit"] = slit
    radius = measurement.number("incidentBeamPath", "radius")
    if radius:
        settings["radius"] = radius
    header = {
        "sample": root.said("sample", "id"),
        "name": root.said("sample", "name"),
        "filter": measurement.said("filter", "material"),
        "monochromator": measurement.said("monochromator", "crystal"),
        "started": measurement.said("scan", "header", "startTimeStamp"),
    }
    header = {key: value[:500] for key, value in header.items() if value}
    return settings | ({"header": header} if header else {})


def _wavelengths(measurement: Node, notes: list[str]) -> dict[str, float]:
    used = measurement.find("usedWavelength")
    alpha1, alpha2 = (used.number(name) if used is not None else None for name in ("kAlpha1", "kAlpha2"))
    if used is None or not alpha1:
        return {}
    intended = used.attributes.get("intended", "").lower().replace("-", "").replace(" ", "")
    if intended == "kbeta":
        beta = used.number("kBeta")
        return {"wavelength": beta} if beta else {}
    crystal = measurement.said("incidentBeamPath", "monochromator", "crystal") or (
        "a crystal" if measurement.find("incidentBeamPath", "monochromator") is not None else ""
    )
    if crystal and intended == "kalpha1":
        notes.append(f"K-alpha 1 alone: the file states it behind {crystal} in the incident beam")
        return {"wavelength": alpha1}
    ratio = used.number("ratioKAlpha2KAlpha1")
    if not alpha2 or not ratio:
        return {"wavelength": alpha1}
    return {"wavelength": alpha1, "wavelength2": alpha2, "line_ratio": ratio}


def _slit(slit: Node | None) -> str:
    """Say whether the divergence slit is fixed or keeps the irradiated length, empty when it is not said."""
    if slit is None:
        return ""
    kind = slit.attributes.get("type", "").lower()
    if kind.startswith("automatic") or slit.find("irradiatedLength") is not None:
        return "automatic"
    return "fixed" if kind.startswith("fixed") or slit.find("angle") is not None else ""
