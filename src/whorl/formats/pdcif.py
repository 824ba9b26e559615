"""pdCIF: a measured powder profile in a CIF, as points or as counts over a range, with wavelength, probe and temperature.

Items of the powder dictionary (Toby, International Tables for Crystallography G, chapter 3.3 (2005),
doi:10.1107/97809553602060000733). Uncertainties are those in brackets behind the intensities; ``_pd_proc_ls_weight`` is not
taken, because authors put other things there. Calculated profiles are no measurements.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, StructureError
from whorl.core.measurement import Measurement
from whorl.formats import cif, files, powderheader
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind
from whorl.formats.text import decode

Array = NDArray[np.float64]
#: intensities in the order in which they are wanted: as counted before processed, whole before net
_INTENSITIES = (
    "meas_counts_total", "meas_intensity_total", "proc_intensity_total", "meas_counts_net", "meas_intensity_net",
    "proc_intensity_net",
)  # fmt: skip
_PROFILE = re.compile(rb"_pd_(?:meas|proc)[_.](?:counts|intensity)_(?:total|net)\b", re.IGNORECASE)
_ESD = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?:\((\d+(?:\.\d*)?)\))?$")
_MISSING = ("?", ".")


@dataclass(frozen=True)
class PdCif:
    """The reader of powder profiles in CIFs."""

    key: str = "pdcif"
    suffixes: tuple[str, ...] = (".cif", ".rtv", ".pdcif")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the items of a measured profile in a CIF."""
        return 0.97 if cif.READER.sniff(head, path) > 0 and _PROFILE.search(head) else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the first measured profile of the file (see `whorl.formats.read`)."""
        refuse_kind(kind, path, given=("powder", "tof"))
        data = files.content(path, max_bytes=max_bytes)
        notes: list[str] = []
        blocks = _blocks(data, path, notes)
        found = [(block, tag) for block in blocks if (tag := _intensity(block))]
        if not found:
            raise PatternError(
                "a CIF without a measured powder profile",
                where=path,
                remedy="Give a CIF with _pd_meas_counts_total or _pd_proc_intensity_total, or use it as a structure.",
            )
        if len(found) > 1:
            notes.append(f"{len(found)} measured profiles in the file; the first, {found[0][0].name!r}, was read")
        block, tag = found[0]
        where = f"{path}, block {block.name}"
        settings = _settings(block, [b for b in blocks if b is not block and not _simulated(b)], notes)
        settings |= {"intensity": "counts"} if tag == "meas_counts_total" else {}
        scan, own = _scan(block, tag, settings, where, notes)
        settings["header"] = {"block": str(block.name)}
        return measurement_of([scan], own, settings, Source.of(path, data, self.key), notes, sort=sort)


READER = PdCif()


def holds_profile(path: str) -> bool:
    """Say whether a file names a measured powder profile anywhere."""
    try:
        return _PROFILE.search(files.content(path)) is not None
    except PatternError:
        return False


def _blocks(data: bytes, path: str, notes: list[str]) -> list[Any]:
    text = decode(data, path).replace("\r\n", "\n").replace("\r", "\n")
    try:
        return list(cif.document_of(text, path, notes))
    except StructureError as error:
        raise PatternError(error.what, where=error.where, remedy=error.remedy) from error


def _values(block: Any, tag: str) -> list[str]:
    """Values of ``_pd_...`` in a loop, in the old spelling or that of the second dictionary language."""
    category, _, rest = tag.partition("_")
    for name in (f"_pd_{tag}", f"_pd_{category}.{rest}"):
        column = block.find_loop(name)
        if len(column) > 1:
            return list(column)
    return []


def _said(block: Any, *tags: str) -> str:
    """First value of the items that is stated, without quotes; empty when there is none."""
    for tag in tags:
        for name in (tag, re.sub(r"^(_[a-z]+_[a-z]+)_", r"\1.", tag)):
            value = block.find_value(name)
            if value is not None and value.strip().strip("'\"; \n") not in ("", *_MISSING):
                return str(value).strip().strip("'\"; \n")
    return ""


def _intensity(block: Any) -> str:
    """Name the measured intensity that the block lists, empty when it lists none."""
    for tag in _INTENSITIES:
        values = _values(block, tag)
        if sum(value not in _MISSING for value in values) > 1:
            return tag
    return ""


def _simulated(block: Any) -> bool:
    return bool(_values(block, "calc_intensity_total") or _values(block, "calc_intensity_net"))


def _column(block: Any, tag: str, where: str) -> tuple[Array, Array] | None:
    """Values and their uncertainties (NaN where there is none), ``None`` when the block does not list them."""
    words = _values(block, tag)
    if not words or all(word in _MISSING for word in words):
        return None
    values, sigma = np.full(len(words), np.nan), np.full(len(words), np.nan)
    for i, word in enumerate(words):
        match = _ESD.match(word)
        if match is None:
            if word in _MISSING:
                continue
            raise PatternError(f"{word[:40]!r} is not a number (_pd_{tag}, point {i + 1})", where=where, remedy="Correct it.")
        values[i] = float(match[1])
        if match[2]:
            digits = match[1].lower().partition("e")[0].partition(".")[2]
            sigma[i] = float(match[2]) * (1.0 if "." in match[2] else 10.0 ** -len(digits))
    return values, sigma


def _scan(block: Any, tag: str, settings: dict[str, Any], where: str, notes: list[str]) -> tuple[Scan, str]:
    """Give the profile and its kind."""
    found = _column(block, tag, where)
    assert found is not None
    y, sigma = found
    x, kind = _axis(block, tag, y.size, settings, where, notes)
    keep = np.isfinite(x) & np.isfinite(y)
    if not keep.all():
        notes.append(f"{int((~keep).sum())} points without a measured value were left out")
    good = np.isfinite(sigma[keep]) & (sigma[keep] > 0)
    return Scan(x[keep], y[keep], sigma[keep] if keep.any() and good.mean() > 0.9 else None), kind


def _axis(block: Any, tag: str, size: int, settings: dict[str, Any], where: str, notes: list[str]) -> tuple[Array, str]:
    listed: list[tuple[str, str, Callable[[Array], Array]]] = [
        ("proc_2theta_corrected", "powder", np.asarray),
        ("meas_2theta_corrected", "powder", np.asarray),
        ("meas_2theta_scan", "powder", np.asarray),
        ("meas_time_of_flight", "tof", np.asarray),
        ("proc_time_of_flight", "tof", np.asarray),
    ]
    if tag.startswith("meas"):
        listed.insert(0, listed.pop(2))
    for name, kind, turned in listed:
        column = _column(block, name, where)
        if column is not None and column[0].size == size:
            return turned(column[0]), kind
    ranges = ("meas", "proc") if tag.startswith("meas") else ("proc", "meas")
    tried: list[str] = []
    for part in ranges:
        ends = [cif.number(_said(block, f"_pd_{part}_2theta_range_{end}")) for end in ("min", "max", "inc")]
        if None in ends:
            continue
        low, high, step = (float(v) for v in ends if v is not None)
        if step > 0 and size > 1 and abs((high - low) / step + 1 - size) <= max(1.0, 0.001 * size):
            return np.linspace(low, high, size), "powder"
        tried.append(f"{low:g} to {high:g} at {step:g}")
    column = _column(block, "proc_d_spacing", where)
    if column is not None and column[0].size == size and "wavelength" in settings:
        notes.append(f"d was turned into 2theta with the stated wavelength {settings['wavelength']:g} angstrom")
        sine = settings["wavelength"] / (2 * column[0])
        return np.degrees(2 * np.arcsin(np.where(np.abs(sine) < 1, sine, np.nan))), "powder"
    raise PatternError(
        f"{size} intensities do not fit the range {' or '.join(tried)}" if tried else "the profile has no 2theta",
        where=where,
        remedy="Add _pd_meas_2theta_range_min, _max and _inc, or list _pd_meas_2theta_scan.",
    )


def _settings(block: Any, others: list[Any], notes: list[str]) -> dict[str, Any]:
    """Read what the block of the profile states, or else the other blocks when they say one thing."""
    settings: dict[str, Any] = {}

    def first(read: Callable[[Any], dict[str, Any]]) -> None:
        own = read(block)
        if not own:
            told = [found for found in map(read, others) if found]
            own = told[0] if told and all(found == told[0] for found in told) else {}
        settings.update({key: value for key, value in own.items() if key not in settings})

    for read in (_radiation, _wavelengths, _source, _sample):
        first(read)
    del notes
    return settings


def _radiation(block: Any) -> dict[str, Any]:
    probe = _said(block, "_diffrn_radiation_probe").lower()
    kind = " ".join(_types(block)).replace("\\a", "alpha")
    found: dict[str, Any] = {}
    if probe in ("x-ray", "neutron", "electron"):
        found["radiation"] = probe
    found |= {key: value for key, value in powderheader.from_title(kind, []).items() if key != "wavelength"}
    if "anode" in found:
        found |= {"radiation": "x-ray", "source": "lab"}
        if re.search(r"alpha\s*(?:~\s*1|_?1)", kind) and not re.search(r"alpha\s*(?:~\s*2|_?2)", kind):
            found["line_ratio"] = 0.0  # a monochromator lets the first line through alone
    return found


def _types(block: Any) -> list[str]:
    column = block.find_values("_diffrn_radiation_type")
    return [str(value).strip("'\" ;\n") for value in column if value not in _MISSING]


def _wavelengths(block: Any) -> dict[str, Any]:
    lines = [cif.number(value) for value in block.find_values("_diffrn_radiation_wavelength")]
    weights = [cif.number(value) for value in block.find_values("_diffrn_radiation_wavelength_wt")]
    values = [value for value in lines if value is not None and 0.05 < value < 20]
    if not values:
        value = cif.number(_said(block, "_pd_proc_wavelength"))
        return {"wavelength": value} if value is not None and 0.05 < value < 20 else {}
    if len(values) < 2 or len(values) != len(lines):
        return {"wavelength": values[0]}
    order = np.argsort(values[:2])
    first, second = values[order[0]], values[order[1]]
    if not 0 < second / first - 1 < 0.02:
        return {"wavelength": values[0]}
    found = {"wavelength": first, "wavelength2": second}
    if len(weights) >= 2 and weights[order[0]] and weights[order[1]]:
        ratio = float(weights[order[1]] or 0) / float(weights[order[0]] or 1)
        found |= {"line_ratio": round(ratio, 6)} if 0.05 < ratio <= 1 else {}
    return found


def _source(block: Any) -> dict[str, Any]:
    text = f"{_said(block, '_diffrn_source')} {_said(block, '_diffrn_source_type')}".lower()
    found: dict[str, Any] = {}
    for word, source in (("synchrotron", "synchrotron"), ("spallation", "spallation"), ("reactor", "reactor"), ("tube", "lab")):
        if word in text:
            found["source"] = source
            break
    mode, shape = _said(block, "_pd_spec_mount_mode").lower(), _said(block, "_pd_spec_shape").lower()
    if mode == "transmission":
        found["geometry"] = "debye-scherrer" if shape == "cylinder" else "transmission"
    elif mode == "reflection" and shape != "cylinder":
        found["geometry"] = "bragg-brentano"
    seconds = cif.number(_said(block, "_pd_meas_step_count_time"))
    if seconds:
        found["counting_time"] = seconds
    return found


def _sample(block: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    temperature = cif.number(_said(block, "_diffrn_ambient_temperature"))
    if temperature is not None and 0 < temperature < 4000:
        found["temperature"] = temperature
    formula = _said(block, "_chemical_formula_sum")
    if formula:
        found["composition"] = formula
    return found
