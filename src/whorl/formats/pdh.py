"""PDH, the small-angle format of Anton Paar's SAXSquant and of the Graz programs: fixed header, q, intensity, uncertainty.

Layout: a title; key words, the first of them ``SAXS``; eight integers, the first of them the count of points; twice five
numbers, of which the second is the distance from sample to detector (mm), the fourth the factor of normalisation and the fifth
the wavelength (nm); then the points. An XML part behind them (``fileinfo``) states the units of the columns and the length of
the slit. q is in 1/nm unless that part says otherwise.
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
from whorl.formats import files, sas, sasunits
from whorl.formats.powder import Source
from whorl.formats.sascurve import SasCurve
from whorl.formats.steering import checked
from whorl.formats.style import is_numeric_row
from whorl.formats.text import lines_of
from whorl.formats.xmltree import Node, number, tree_of

Array = NDArray[np.float64]
_KEYWORD = re.compile(rb"^[^\n\r]*(?:\r\n|\r|\n)\s*SAXS\b[^\n\r]*(?:\r\n|\r|\n)\s*\d+(?:\s+-?\d+){7}\s*(?:\r|\n)")
_HEADER = 5


@dataclass(frozen=True)
class Pdh:
    """The reader of PDH."""

    key: str = "pdh"
    suffixes: tuple[str, ...] = (".pdh",)
    steered_by: tuple[str, ...] = ("q_unit",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the key word and the eight integers; the suffix when there is no more than that."""
        if _KEYWORD.match(head.removeprefix(b"\xef\xbb\xbf")):
            return 0.98
        return 0.5 if path.suffix.lower() in self.suffixes and head.strip() else 0.0

    def read(
        self,
        path: str,
        *,
        kind: str | None = None,
        sort: bool = False,
        max_bytes: int = files.MAX_BYTES,
        settings: Mapping[str, Any] | None = None,
    ) -> Measurement:
        """Read the curve (see `whorl.formats.read`)."""
        sas.refuse_other_kind(kind, path)
        asked = checked(settings, self.steered_by, path)
        data = files.content(path, max_bytes=max_bytes)
        lines = lines_of(data, path)
        numbers = _head(lines, path)
        at = next((i for i, line in enumerate(lines) if line.lstrip().startswith("<?xml")), None)
        at = at if at is not None else next((i for i, line in enumerate(lines) if line.lstrip().startswith("<fileinfo")), None)
        info = None if at is None else _info("\n".join(lines[at:]), path)
        values = _points(lines[_HEADER:at], int(numbers[0][0]), path)
        notes: list[str] = []
        factor, stated = _unit(info, asked, notes), {} if info is None else _stated(info, notes)
        found: dict[str, Any] = {"radiation": "x-ray"}
        wavelength = 10 * numbers[1][4]
        if 0.05 < wavelength < 40:
            found["wavelength"] = round(float(wavelength), 9)
        title = lines[0].strip()[:500]
        header = {"title": title} if title else {}
        if numbers[1][1] > 0:
            header["distance_mm"] = f"{numbers[1][1]:g}"
        sigma = values[:, 2] if values.shape[1] > 2 and np.any(values[:, 2] > 0) else None
        curve = SasCurve(
            values[:, 0] * factor,
            values[:, 1],
            sigma,
            settings=found | stated | ({"header": header} if header else {}),
            title=title,
        )
        return sas.measurement_of(curve, Source.of(path, data, self.key), notes, sort=sort)


READER = Pdh()


def _head(lines: list[str], path: str) -> list[list[float]]:
    """Read the three lines of numbers of the header."""
    found: list[list[float]] = []
    for i, least in ((2, 1), (3, 5), (4, 5)):
        row = lines[i] if i < len(lines) else ""
        if not _plain(row) or len(row.split()) < least:
            raise PatternError(
                f"the header of a PDH file has numbers here, not {row.strip()[:40]!r}",
                where=f"{path}, line {i + 1}",
                remedy="Export it again, or pass format='columns' if it is a file of plain columns.",
            )
        found.append([float(word.replace("D", "e").replace("d", "e")) for word in row.split()])
    return found


def _plain(row: str) -> bool:
    """Say whether a row holds numbers with white space between them and nothing else."""
    return is_numeric_row(row) and not set(row) & set(",;\"'")


def _points(rows: list[str], count: int, path: str) -> Array:
    filled = [(i, row) for i, row in enumerate(rows) if row.strip()]
    kept: list[list[float]] = []
    for i, row in filled[:count]:
        words = row.split()
        if not _plain(row) or len(words) < 2:
            raise PatternError(
                f"{row.strip()[:40]!r} is no point of q and intensity",
                where=f"{path}, line {i + _HEADER + 1}",
                remedy="Correct or remove the line, or export the file again.",
            )
        kept.append([float(word.replace("D", "e").replace("d", "e")) for word in words[:3]])
    if len(kept) < count or len(kept) < 2:
        raise PatternError(
            f"{len(kept)} points where the header says {count}", where=path, remedy="The file may be cut off: export it again."
        )
    width = min(map(len, kept))
    return np.array([row[:width] for row in kept])


def _info(text: str, path: str) -> Node | None:
    """Parse the part of XML behind the points; what is broken there does no harm to them."""
    try:
        return tree_of(text.encode(), path)
    except PatternError:
        return None


def _unit(info: Node | None, asked: Mapping[str, Any], notes: list[str]) -> float:
    if "q_unit" in asked:
        factor = sasunits.asked_q_factor(asked["q_unit"])
        notes.append(f"q was taken in {asked['q_unit']}, as asked")
        return factor
    for column in [] if info is None else info.all("column"):
        if column.attributes.get("key") == "X":
            unit = _value(column, "unit")
            factor_stated = sasunits.q_factor(unit)
            if factor_stated is not None:
                notes.append(f"q in {unit.replace('_', '')} was turned into 1/angstrom")
                return factor_stated
            if unit and unit != "none":
                raise PatternError(f"the axis is in {unit!r}", remedy="Export the curve over q, or pass q_unit=1/nm.")
    notes.append("q was taken in 1/nm, as PDH has it; if it is 1/angstrom, pass q_unit=1/angstrom")
    return 0.1


def _stated(info: Node, notes: list[str]) -> dict[str, Any]:
    """Scale of the intensity, temperature and length of the slit from the part of XML."""
    found: dict[str, Any] = {}
    for column in info.all("column"):
        if column.attributes.get("key") == "Y":
            said = sasunits.intensity_unit(_value(column, "unit").replace("u_m", "um"))
            if said is not None:
                found["intensity"] = "absolute" if said == ("absolute", 1.0) else "arbitrary"
    for parameter in info.all("parameter"):
        value, unit = number(_value(parameter, "value")), _value(parameter, "unit")
        if value is None:
            continue
        name = parameter.attributes.get("key", "")
        if name == "Temperature" and unit == "degC":
            found["temperature"] = round(value + 273.15, 6)
        elif name == "CounterSlitLength" and value > 0 and (length := sasunits.q_factor(unit)) is not None:
            notes.append(
                f"the counter slit is {value * length:.4g} 1/angstrom long, by the file; if the curve is smeared by the line "
                "of a Kratky camera, state its half length as slit_length"
            )
    return found


def _value(node: Node, key: str) -> str:
    return next((v.text.strip() for v in node.all("value") if v.attributes.get("key") == key), "")
