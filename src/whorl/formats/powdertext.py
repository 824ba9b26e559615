"""Text columns over a scattering angle, a time of flight or a lattice spacing: what is special about them.

The third column is the uncertainty in ``.xye`` and where a label says so; elsewhere only when it behaves like one. Several
numbered columns of intensity are a series. Positions far apart are a list of peaks, which Bragg's law turns into spacings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import KINDS, Measurement
from whorl.formats import labels, peaks, powderheader
from whorl.formats.axis import Points, increasing
from whorl.formats.plausible import is_peak_list, is_uncertainty
from whorl.formats.powder import Source, curve
from whorl.formats.table import Table

Array = NDArray[np.float64]
_COUNTS = ("counts", "count", "cts")
_RATES = ("cps", "counts/s", "count/s", "cts/s", "c/s", "counts per second", "s-1")
_ARBITRARY = ("a.u.", "a. u.", "au", "arb. units", "arb.units", "arb", "arbitrary", "arbitrary units", "rel", "%", "normalised")


@dataclass(frozen=True)
class Columns:
    """Which column is what: indices of axis, signal and uncertainty, and how that is known."""

    x: int
    y: int
    sigma: int | None
    width: int = 2
    labelled: bool = False
    guessed: bool = False
    index: bool = False


@dataclass
class PowderText:
    """A text file of powder diffraction, its table read and its columns chosen."""

    path: str
    table: Table
    named: labels.Labels | None
    columns: Columns
    settings: dict[str, Any]
    notes: list[str]
    asked: bool = False

    def measurement(self, kind: str, points: Points, source: Source, *, sort: bool) -> Measurement:
        """Give the measurement; ``kind`` is one of `powder.POWDER_KINDS`."""
        if "whorl settings:" not in "\n".join(self.table.header):  # else they are complete
            found = powderheader.settings_of(self.table.header, self.notes)
            found = {k: v for k, v in found.items() if kind == "tof" or k not in ("difc", "difa", "tzero")}
            if not 0.05 < self.settings.get("wavelength", 1.0) < 20:
                wrong = self.settings.pop("wavelength")
                if "wavelength" not in found:
                    self.notes.append(f"the wavelength {wrong:g} angstrom is not plausible and was not taken")
            if "anode" in found:  # 'Radiation: Cu' has been understood after all
                self.notes[:] = [n for n in self.notes if not n.startswith(("header: radiation =", "header: wavelength ="))]
            self.settings |= found | self._intensity(kind)
        self.settings["header"] = self.settings.pop("header", {})  # keep it last: it is long
        if not self.settings["header"]:
            del self.settings["header"]
        if self.columns.index:
            self.notes.append("the first column is an index and was left out")
        axis = self.named.axis if self.named is not None else ""
        if kind == "peaks":
            return peaks.of_columns(points, axis, self.settings, source, self.notes)
        if kind == "powder" and axis in ("angle", "") and not self.asked and is_peak_list(points.x):
            return self._peaks(points, source)
        points = self._in_inside_units(points, kind, axis)
        if points.x.size > 1 and np.all(np.diff(points.x) < 0):
            points = points.take(slice(None, None, -1))
            self.notes.append("the scan ran downwards and was turned round")
        frames = self._frames()
        if frames and np.all(np.diff(points.x) > 0) and points.x.size == self.table.values.shape[0]:
            return self._series(kind, points, frames, source)
        points = increasing(points, self.path, self.notes, sort=sort, symbol=KINDS[kind][0].symbol)
        sigma = self._sigma(points)
        return curve(points.x, points.y, sigma, kind, self.settings, source, self.notes)

    def _peaks(self, points: Points, source: Source) -> Measurement:
        """Give the list of peaks; their spacings as listed when there is no wavelength to turn angles into them."""
        listed = self.named.spacing_column() if self.named is not None and self.columns.labelled else None
        if "wavelength" in self.settings or listed is None or points.x.size != self.table.values.shape[0]:
            return peaks.of_columns(points, "angle", self.settings, source, self.notes)
        spacings = Points(self.table.values[:, listed], points.y, None, points.lines)
        return peaks.of_columns(spacings, "d", self.settings, source, self.notes)

    def _intensity(self, kind: str) -> dict[str, str]:
        """Say what the label calls the unit of the intensity."""
        if self.named is None or self.columns.y >= len(self.named.names) or kind == "peaks":
            return {}
        unit = self.named.units[self.columns.y].lower().strip()
        name = self.named.names[self.columns.y]
        if unit in _RATES or name == "cps":
            return {"intensity": "rate"}
        if unit in _COUNTS or (name in _COUNTS and not unit):
            return {"intensity": "counts"}
        return {"intensity": "arbitrary"} if unit in _ARBITRARY else {}

    def _sigma(self, points: Points) -> Array | None:
        """Accept the column of uncertainties where label or suffix say so, or where it behaves like one."""
        columns = self.columns
        if columns.width > 2 and columns.sigma is None:
            self.notes.append(f"columns {columns.x + 1} and {columns.y + 1} of {columns.width} were read")
        if points.sigma is None or not columns.guessed:
            return points.sigma
        if Path(self.path).suffix.lower() == ".xye" or "whorl settings:" in "\n".join(self.table.header):
            return points.sigma
        if is_uncertainty(points.y, points.sigma):
            self.notes.append("the third column was taken as the standard uncertainty: it grows with the intensity as one does")
            return points.sigma
        self.notes.append("the third column does not behave like an uncertainty of the second and was left out")
        return None

    def _in_inside_units(self, points: Points, kind: str, axis: str) -> Points:
        """Turn radians, milliseconds or Q into degrees and microseconds."""
        unit = self.named.units[self.columns.x].lower() if self.named is not None and self.columns.labelled else ""
        name = self.named.names[self.columns.x] if self.named is not None and self.columns.labelled else ""
        if kind == "powder" and axis == "angle" and (unit.startswith("rad") or name.endswith("_rad")):
            self.notes.append("2theta in radians was turned into degrees")
            return Points(np.degrees(points.x), points.y, points.sigma, points.lines)
        if kind == "tof" and unit.startswith(("ms", "millisec")):
            self.notes.append("the time of flight in milliseconds was turned into microseconds")
            return Points(1000 * points.x, points.y, points.sigma, points.lines)
        if kind == "powder" and axis in ("Q", "d"):
            return self._angle_of(points, axis, unit)
        return points

    def _angle_of(self, points: Points, axis: str, unit: str) -> Points:
        wavelength = self.settings.get("wavelength")
        if wavelength is None:
            raise PatternError(
                f"the axis is {axis} and the wavelength is not stated, so there is no 2theta",
                where=self.path,
                remedy="Add a line '# wavelength = 0.7093' to the header, or give the data over 2theta.",
            )
        q = points.x * (0.1 if "nm" in unit else 1.0) if axis == "Q" else 2 * np.pi / np.maximum(points.x, 1e-12)
        sine = q * wavelength / (4 * np.pi)
        good = sine < 1
        self.notes.append(f"{axis} was turned into 2theta with the stated wavelength {wavelength:g} angstrom")
        return Points(np.degrees(2 * np.arcsin(sine[good])), points.y[good], None, points.lines[good])

    def _frames(self) -> list[int]:
        """Columns that are the frames of a series: three or more of the name of the first with a number behind it."""
        if self.named is None or not self.columns.labelled:
            return []
        stem = re.match(r"^(.*?)_?\d+$", self.named.names[self.columns.y])
        if stem is None:
            return []
        pattern = re.compile(re.escape(stem[1]) + r"_?\d+$")
        found = [i for i in range(self.columns.y, self.columns.width) if pattern.match(self.named.names[i])]
        return found if len(found) >= 3 else []

    def _series(self, kind: str, points: Points, frames: list[int], source: Source) -> Measurement:
        assert self.named is not None
        numbers = [float(re.search(r"\d+$", self.named.names[i])[0]) for i in frames]  # type: ignore[index]
        signal = np.ascontiguousarray(self.table.values[:, frames].T)
        keep = points.x > 0
        self.notes.append(f"{len(frames)} numbered columns were read as a series")
        return Measurement(
            kind,
            points.x[keep],
            signal[:, keep],
            settings=self.settings,
            coordinates={"column": np.array(numbers)},
            path=source.path,
            sha256=source.sha256,
            format=source.format,
            notes=tuple(self.notes),
        )
