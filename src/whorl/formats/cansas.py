"""canSAS 1-D XML, versions 1.0 and 1.1: every SASdata of every SASentry, with units, uncertainties, resolution and slit.

The format is documented by the canSAS 1D working group (http://www.cansas.org/formats/canSAS1d/1.1/doc/): ``Idata`` holds ``Q``
and ``I`` with their units, and may hold ``Idev``, ``Qdev`` (standard deviations), ``dQw`` and ``dQl`` (width and length of a
slit), ``Qmean`` and ``Shadowfactor``. Data sets on one grid are a series; of others the first is read unless ``entry`` names
another.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import cansas_write, files, sas, sasmeta, sasunits
from whorl.formats.powder import Source
from whorl.formats.sascurve import SasCurve
from whorl.formats.steering import checked
from whorl.formats.xmltree import Node, number, tree_of

Array = NDArray[np.float64]
_COLUMNS = ("Q", "I", "Idev", "Qdev", "dQw", "dQl", "Shadowfactor")


@dataclass(frozen=True)
class Cansas:
    """The reader of canSAS XML."""

    key: str = "cansas"
    suffixes: tuple[str, ...] = (".xml", ".cansas", ".sasxml")
    steered_by: tuple[str, ...] = ("q_unit", "entry")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the root element; UTF-16 is understood."""
        del path
        return 0.99 if b"SASroot" in (plain := head.replace(b"\x00", b"")) and b"<" in plain else 0.0

    def read(
        self,
        path: str,
        *,
        kind: str | None = None,
        sort: bool = False,
        max_bytes: int = files.MAX_BYTES,
        settings: Mapping[str, Any] | None = None,
    ) -> Measurement:
        """Read the data sets (see `whorl.formats.read`)."""
        sas.refuse_other_kind(kind, path)
        asked = checked(settings, self.steered_by, path)
        data = files.content(path, max_bytes=max_bytes)
        files.refuse_binary(data, path)
        root = tree_of(data, path)
        if root.name != "SASroot":
            raise PatternError(f"the root of the XML is {root.name!r}, not 'SASroot'", where=path, remedy="Give a canSAS file.")
        source = Source.of(path, data, self.key)
        sets = [(entry, part) for entry in root.all("SASentry") for part in entry.all("SASdata")]
        if not sets:
            raise PatternError("no SASdata in the file", where=path, remedy="Export the curve again.")
        whorls = _whorls_note(sets[0][0])
        titles = [_title(entry, part, len(sets)) for entry, part in sets]
        notes: list[str] = []
        if len(sets) > 1 and "entry" not in asked:
            said: list[str] = []
            curves = [_curve(e, p, f"{path}, data set {k + 1}", asked, said) for k, (e, p) in enumerate(sets)]
            coordinates = _coordinates(whorls, len(curves))
            notes += dict.fromkeys(said)
            found = sas.series_of(curves, source, notes, coordinates)
            if found is not None:
                return found if whorls is None else found.with_settings(**whorls["settings"])
            notes = [note for note in notes if note not in said]
        chosen = sas.chosen(titles, asked.get("entry"), path, notes)
        curve = _curve(*sets[chosen], f"{path}, data set {chosen + 1}", asked, notes)
        if whorls is not None:
            return sas.as_written(curve, whorls["settings"], source, notes)
        return sas.measurement_of(curve, source, notes, sort=sort)


READER = Cansas()


def _title(entry: Node, part: Node, sets: int) -> str:
    own = part.attributes.get("name", "").strip()
    title = entry.said("Title") or entry.attributes.get("name", "").strip()
    return " ".join(word for word in ((title, own) if sets > 1 else (title,)) if word)[:60]


def _curve(entry: Node, part: Node, where: str, asked: Mapping[str, Any], notes: list[str]) -> SasCurve:
    columns, units = _columns(part, where)
    factor = sasmeta.factor_of_q(units.get("Q", ""), asked.get("q_unit"), where, notes)
    said = sasunits.intensity_unit(units.get("I", ""))
    scale = 1.0 if said is None else said[1]
    if scale != 1:
        notes.append(f"the intensity in {units['I']} was turned into 1/cm")
    settings: dict[str, Any] = {} if said is None else {"intensity": said[0]}
    widths = {}
    for name in ("Qdev", "dQw", "dQl"):
        if name in columns:
            own = sasunits.q_factor(units[name]) if units.get(name) and "q_unit" not in asked else None
            widths[name] = columns[name] * (factor if own is None else own)
    settings |= sasmeta.slit_of("slit_width", widths.get("dQw"), notes)
    settings |= sasmeta.slit_of("slit_length", widths.get("dQl"), notes)
    settings |= _around(entry)
    shadow = columns.get("Shadowfactor")
    good = None
    if shadow is not None and np.any(shadow < 0.98) and not np.all(shadow < 0.98):
        good = ~(shadow < 0.98)
        notes.append(f"{int((~good).sum())} points in the shadow of the beam stop, by the file, are masked")
    sigma = columns.get("Idev")
    return SasCurve(
        columns["Q"] * factor,
        columns["I"] * scale,
        None if sigma is None else sigma * scale,
        widths.get("Qdev"),
        good,
        settings,
        entry.said("Title"),
    )


def _columns(part: Node, where: str) -> tuple[dict[str, Array], dict[str, str]]:
    """Gather the columns of an SASdata and their units; a value that is missing at some points is NaN there."""
    points = [node for node in part.children if node.name == "Idata"]
    if not points:
        raise PatternError("no Idata in the data set", where=where, remedy="Export the curve again.")
    units: dict[str, str] = {}
    rows: dict[str, list[float]] = {name: [] for name in _COLUMNS}
    for point in points:
        held = {node.name: node for node in point.children}
        for name in _COLUMNS:
            node = held.get(name)
            if node is None:
                rows[name].append(np.nan)
                continue
            units.setdefault(name, node.attributes.get("unit", ""))
            rows[name].append(_value(node.text, where))
    columns = {name: np.array(values) for name, values in rows.items()}
    found = {name: values for name, values in columns.items() if name in ("Q", "I") or np.any(np.isfinite(values))}
    if not (np.isfinite(columns["Q"]).any() and np.isfinite(columns["I"]).any()):
        raise PatternError("no numbers of Q and I in the data set", where=where, remedy="Export the curve again.")
    return found, units


def _value(text: str, where: str) -> float:
    value = number(text)
    if value is not None:
        return value
    if text.strip().lower().strip("+-") in ("", "nan", "inf", "infinity", "nan(ind)", "1.#ind", "1.#qnan", "1.#inf"):
        return float("nan")
    raise PatternError(f"{text.strip()[:40]!r} is not a number", where=where, remedy="Export the file again.")


def _around(entry: Node) -> dict[str, Any]:
    """Settings from the sample and the instrument of an entry."""

    def with_unit(*path: str) -> tuple[float, str] | None:
        node = entry.find(*path)
        value = None if node is None else number(node.text)
        return None if node is None or value is None else (value, node.attributes.get("unit", ""))

    found = sasmeta.quantities(
        entry.said("SASsource", "radiation"),
        with_unit("SASsource", "wavelength"),
        with_unit("SASsample", "thickness"),
        with_unit("SASsample", "temperature"),
    )
    header = {
        "title": entry.said("Title"),
        "run": entry.said("Run"),
        "sample": entry.said("SASsample", "ID"),
        "instrument": entry.said("SASinstrument", "name"),
    }
    header = {name: text[:500] for name, text in header.items() if text}
    return found | ({"header": header} if header else {})


def _whorls_note(entry: Node) -> dict[str, Any] | None:
    """Give the settings that whorl's own writer left in the note."""
    text = entry.said("SASnote")
    if not text.startswith(cansas_write.MARK):
        return None
    try:
        found = json.loads(text[len(cansas_write.MARK) :])
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("settings"), dict) else None


def _coordinates(whorls: dict[str, Any] | None, frames: int) -> dict[str, Array] | None:
    if whorls is None or not isinstance(whorls.get("coordinates"), dict):
        return None
    try:
        found = {str(name): np.asarray(values, dtype=np.float64) for name, values in whorls["coordinates"].items()}
    except (TypeError, ValueError):
        return None
    return found if found and all(values.shape == (frames,) for values in found.values()) else None
