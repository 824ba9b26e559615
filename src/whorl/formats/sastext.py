"""Small-angle curves in text columns, from whatever instrument: recognised by header, labels or the run of the numbers.

Columns as the facilities write them (ISIS, NIST, ILL with GRASP, APS, SSRL, synchrotron SAXS): q, intensity, its standard
uncertainty, standard deviation of q; NIST adds the mean q and the shadow factor of the beam stop, and writes the half length of
a slit as a negative constant in place of the resolution (Kline, J. Appl. Cryst. 39, 895 (2006), doi:10.1107/S0021889806035059).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import image2d, sas, saslabels, sasunits
from whorl.formats.header import Header
from whorl.formats.powder import Source
from whorl.formats.sascurve import SasCurve
from whorl.formats.table import Table

Array = NDArray[np.float64]

#: words of a header -> (unit of q as this program writes it, radiation, whether the intensity is per cm)
_PROGRAMS: tuple[tuple[str, str, str, bool], ...] = (
    (r"grasp v\.", "1/A", "neutron", False),
    (r"\(f12\.5,2e16\.6\)|^\s*(?:loq|sans2d|larmor|zoom)\s.*(?:workspace|sample)", "1/A", "neutron", True),
    (r"the [46] columns are", "1/A", "neutron", False),
    (r"abs parameters[^\n]*tstand", "1/A", "neutron", True),
    (r"mon cnt\s+lambda", "1/A", "neutron", False),
    (r"data created by sasview|sasview \d", "1/A", "", False),
)
#: bytes that only headers of these programs hold, lower case
MARKS = (b"grasp v.", b"(f12.5,2e16.6)", b"the 6 columns are", b"mon cnt   lambda")
_WORDS = re.compile(
    r"(?<![a-z])(u?saxs|v?u?sans|swaxs|biosaxs|guinier|small[\s-]angle|bioxtas|slit_?length)(?![a-z])", re.IGNORECASE
)
_CM = re.compile(r"(?:1\s*/\s*cm|cm\s*\^?\s*[{(]?\s*-\s*1|cm⁻¹)", re.IGNORECASE)
_NIST = re.compile(r"MON CNT\s+LAMBDA.*THICK", re.IGNORECASE)
#: outermost q of small angles, 1/angstrom, by which an I(Q) of labelled unit is taken as one
_WIDEST, _NEAREST = 3.5, 0.25
#: the same without any label
_NEAREST_UNLABELLED = 0.12
#: the same where only the range speaks for 1/nm: wide angles in 1/angstrom are like it
_WIDEST_NM, _NEAREST_NM = 1.3, 0.06
_SHADOWED = 0.98
_ISIS_AXIS = re.compile(r"\s*\d+\s+q\s*\(")


@dataclass
class SasText:
    """A text file that holds a small-angle curve, on its way to a measurement."""

    path: str
    table: Table
    head: Header
    settings: dict[str, Any]
    steering: dict[str, Any]

    def measurement(self, source: Source, notes: list[str], *, sort: bool) -> Measurement:
        """Read the curve, or average the image."""
        values = self.table.values
        if _isis_image(self.table.header):
            raise PatternError(
                "an image in the two-dimensional text format of ISIS",
                where=self.path,
                remedy="Save it as NXcanSAS, or as columns Qx, Qy, I and its uncertainty; or give the averaged curve.",
            )
        labels = saslabels.find(self.table.header, values.shape[1])
        if image2d.is_image(values):
            return self._of_image(source, notes, values)
        columns = Columns.of(values, labels, notes)
        q, factor = self._q(values[:, columns.q], labels, notes)
        resolution, slit = columns.resolution_of(values, notes)
        settings = self._settings(labels, notes) | {name: value * factor for name, value in slit.items()}
        intensity, scale = values[:, columns.i], float(settings.pop("_scale", 1.0))
        sigma = columns.sigma_of(values, notes)
        good = None
        if columns.shadow is not None and np.any(shadowed := values[:, columns.shadow] < _SHADOWED):
            good = ~shadowed
            notes.append(f"{int(shadowed.sum())} points in the shadow of the beam stop, by the file, are masked")
        curve = SasCurve(
            q,
            intensity * scale,
            None if sigma is None else sigma * scale,
            None if resolution is None else resolution * factor,
            good,
            settings,
        )
        found = None if sort else sas.series_of(parts, source, notes) if (parts := sas.stacked(curve)) else None
        return found or sas.measurement_of(curve, source, notes, sort=sort)

    def _of_image(self, source: Source, notes: list[str], values: Array) -> Measurement:
        image = image2d.of_columns(values, self.table.header, notes)
        factor = self._factor(np.hypot(image.qx, image.qy).ravel(), "", notes)
        settings = self._settings(saslabels.find(self.table.header, values.shape[1]), notes)
        settings.pop("_scale", None)
        curve = image2d.averaged(image.scaled(factor), self.steering, notes)
        return sas.measurement_of(sas.with_settings(curve, settings), source, notes)

    def _q(self, q: Array, labels: saslabels.SasLabels | None, notes: list[str]) -> tuple[Array, float]:
        factor = self._factor(q, "" if labels is None else labels.unit("q"), notes)
        return q * factor, factor

    def _factor(self, q: Array, unit: str, notes: list[str]) -> float:
        """Give the factor from the file's unit of q to 1/angstrom, by what is asked, stated or likely, and say which."""
        if "q_unit" in self.steering:
            factor = sasunits.asked_q_factor(self.steering["q_unit"])
            notes.append(f"q was taken in {self.steering['q_unit']}, as asked")
            return factor
        stated = sasunits.q_factor(unit) if unit else None
        if stated is not None:
            if stated != 1:
                notes.append(f"q in {unit} was turned into 1/angstrom")
            return stated
        program = _program(self.head)
        if program is not None:
            return sasunits.q_factor(program[1]) or 1.0
        spoken = sasunits.mentioned(self.table.header)
        if spoken is not None:
            notes.append(f"q in {_unit_name(spoken)} by the header" + ("" if spoken == 1 else ", turned into 1/angstrom"))
            return spoken
        if self.table.separator == ";" and self.table.values.shape[1] == 3 and not self.table.header:
            notes.append(
                "q is not labelled; semicolons alone, as McSAS writes: q was taken in 1/nm. Else pass q_unit=1/angstrom"
            )
            return 0.1
        found = sasunits.guess(q)
        other = "1/nm" if found.factor == 1 else "1/angstrom"
        notes.append(
            f"the unit of q is not stated; {_unit_name(found.factor)} was taken because {found.reason}. "
            f"If it is {other}, pass q_unit={other}"
        )
        return found.factor

    def _settings(self, labels: saslabels.SasLabels | None, notes: list[str]) -> dict[str, Any]:
        """Complete what the header states by the habits of the program that wrote it."""
        settings = dict(self.settings)
        wavelength = settings.get("wavelength")
        if wavelength is not None:
            wavelength = round(wavelength * 1e10, 9) if 0 < wavelength < 1e-6 else wavelength
            settings["wavelength"] = wavelength
            if not 0.05 < wavelength < 40:
                del settings["wavelength"]
        settings |= _nist(self.table.header)
        pairs = self.head.pairs
        for key in ("slitlength", "slit_length", "dqv", "slit_length_inva"):
            try:
                length = abs(float(pairs.get(key, "").split()[0]))
            except (ValueError, IndexError):
                continue
            if 0 < length < 1 and "slit_length" not in settings and not self.head.has("desmeared", "dsm_"):
                settings["slit_length"] = length
                notes.append(f"slit-smeared data by the header: half length of the slit {length:g} 1/angstrom")
        program = _program(self.head)
        if program is not None and program[2] and "radiation" not in settings:
            settings["radiation"] = program[2]
        said = sasunits.intensity_unit("" if labels is None else labels.unit("i"))
        if said is None and ((program is not None and program[3]) or _speaks_of_cm(self.head.lines)):
            said = ("absolute", 1.0)
        if said is not None:
            settings["intensity"] = said[0]
            settings["_scale"] = said[1]
            if said[1] != 1:
                notes.append("the intensity was turned into 1/cm")
        return settings


def recognised(stated: str, head: Header, table: Table) -> bool:
    """Say whether a file whose kind nobody stated is a small-angle curve or image.

    Parameters
    ----------
    stated : str
        Kind by the column label: empty or ``"iq"``; any other is not asked here.
    head : Header
    table : Table
    """
    values = table.values
    if image2d.is_image(values) or _isis_image(table.header):
        return True
    labels = saslabels.find(table.header, values.shape[1])
    columns = Columns.of(values, labels, [])
    q, y = values[:, columns.q], values[:, columns.i]
    usable = np.isfinite(q) & np.isfinite(y) & (q > 0)
    q, y = q[usable], y[usable]
    if q.size < 4:
        return False
    unit = sasunits.q_factor(labels.unit("q")) if labels is not None else None
    if unit is None and labels is not None:
        unit = sasunits.mentioned(table.header)
    signed = _program(head) is not None or any(_WORDS.search(line[:1000]) for line in head.lines)
    factor = unit if unit is not None else sasunits.guess(q).factor
    low, high = q.min() * factor, q.max() * factor
    if signed:
        return bool(high <= 15 and low <= 1)
    if not (low <= _NEAREST and high <= _WIDEST and high / low >= 2):
        return False
    if unit is not None or (stated == "iq" and factor == 1):
        return True
    if factor != 1 and not (low <= _NEAREST_NM and high <= _WIDEST_NM and high / low >= 8):
        return False
    return bool(low <= _NEAREST_UNLABELLED and _falls(q, y))


def _falls(q: Array, y: Array) -> bool:
    """Say whether unlabelled numbers run like a small-angle curve: from high to low, hardly below zero, over a range of q."""
    if not np.any(y > 0) or q.max() / q.min() < 4 or y.min() < -0.1 * y.max() or np.mean(y < 0) > 0.35:
        return False
    order = np.argsort(q, kind="stable")
    third = max(1, q.size // 3)
    return bool(np.median(y[order[:third]]) > 1.5 * np.median(y[order[-third:]]))


@dataclass(frozen=True)
class Columns:
    """Which column is what."""

    q: int
    i: int
    di: int | None = None
    dq: int | None = None
    fwhm: int | None = None
    share: int | None = None
    slit_length: int | None = None
    slit_width: int | None = None
    shadow: int | None = None
    guessed: bool = False

    @classmethod
    def of(cls, values: Array, labels: saslabels.SasLabels | None, notes: list[str]) -> Columns:
        """Choose by the labels, else by the habit: q, intensity, its uncertainty, standard deviation of q."""
        if labels is not None:
            q, i = labels.at("q"), labels.at("i")
            assert q is not None
            assert i is not None
            di, dq, fwhm, share = map(labels.at, ("di", "dq", "fwhm", "share"))
            length, width, shadow = map(labels.at, ("slit_length", "slit_width", "shadow"))
            return cls(q, i, di, dq, fwhm, share, length, width, shadow)
        columns = values.shape[1]
        first = 1 if columns >= 3 and _is_index(values) else 0
        if first:
            notes.append("the first column is an index and was left out")
        count = columns - first
        shadow = None
        if count == 6 and _near(values[:, first + 4], values[:, first]):
            shadow = first + 5
        elif count > 4:
            notes.append(f"columns beyond the fourth of {count} were left out")
        return cls(
            first,
            first + 1,
            first + 2 if count > 2 else None,
            first + 3 if count > 3 else None,
            shadow=shadow,
            guessed=count > 2,
        )

    def sigma_of(self, values: Array, notes: list[str]) -> Array | None:
        """Give the column of uncertainties unless it cannot be one."""
        if self.di is None:
            return None
        y, sigma = values[:, self.i], values[:, self.di]
        if not self.guessed:
            return sigma
        both = np.isfinite(y) & np.isfinite(sigma) & (y > 0) & (sigma > 0)
        if both.sum() >= 5:
            ratio = np.log(sigma[both] / y[both])
            if np.median(np.abs(ratio)) < 0.05 and np.std(ratio) < 0.5:
                notes.append("the third column follows the intensity as a fit does and was left out")
                return None
            if np.median(ratio) < np.log(1e-5) and np.std(ratio) < 1e-3:
                notes.append("the third column is far too small for an uncertainty and was left out")
                return None
        if np.any(sigma > 0):
            notes.append("the third column was taken as the standard uncertainty")
        return sigma

    def resolution_of(self, values: Array, notes: list[str]) -> tuple[Array | None, dict[str, float]]:
        """Give the standard deviation of q and what is said of a slit, both in the file's unit of q."""
        slit = {}
        for name in ("slit_length", "slit_width"):
            column = getattr(self, name)
            if column is not None and np.isfinite(length := float(np.median(np.abs(values[:, column])))) and length > 0:
                slit[name] = length
        if self.fwhm is not None:
            notes.append("the widths of q are full ones at half maximum and were divided by 2.355")
            return values[:, self.fwhm] / 2.3548200450309493, slit
        if self.share is not None:
            notes.append("the resolutions are given as parts of q")
            return values[:, self.share] * values[:, self.q], slit
        if self.dq is None:
            return None, slit
        width, q = values[:, self.dq], values[:, self.q]
        if np.all(width < 0) and np.ptp(width) < 1e-6 * abs(width[0]):
            notes.append(
                f"the column of resolutions is the constant {width[0]:g}: the half length of a slit, as NIST writes it"
            )
            return None, slit | {"slit_length": float(-width[0])}
        usable = np.isfinite(width) & np.isfinite(q) & (q > 0)
        if not np.any(width) or not usable.any():
            return None, slit
        constant = usable.sum() > 2 and np.ptp(width[usable]) == 0
        if self.guessed and (
            np.any(width[usable] < 0) or (constant and width[usable][0] >= 0.5) or np.median((width / q)[usable]) > 1
        ):
            notes.append("the fourth column is no standard deviation of q and was left out")
            return None, slit
        if self.guessed:
            notes.append("the fourth column was taken as the standard deviation of q")
        return width, slit


def _program(head: Header) -> tuple[str, str, str, bool] | None:
    text = "\n".join(head.lines[:200]).lower()
    return next((row for row in _PROGRAMS if re.search(row[0], text, re.MULTILINE)), None)


def _speaks_of_cm(lines: list[str]) -> bool:
    return any("intensit" in line.lower() and _CM.search(line[:1000]) for line in lines[:200])


def _nist(header: list[str]) -> dict[str, float]:
    """Wavelength (angstrom) and thickness (cm) from the table that NIST's reduction puts on top (Kline 2006)."""
    at = next((i for i, line in enumerate(header[:20]) if _NIST.search(line)), None)
    if at is None or at + 1 >= len(header):
        return {}
    words = header[at + 1].split()
    try:
        wavelength, thickness = float(words[1]), float(words[5])
    except (ValueError, IndexError):
        return {}
    found = {"wavelength": wavelength} if 0.5 < wavelength < 40 else {}
    return found | ({"thickness": thickness} if 0 < thickness < 10 else {})


def _isis_image(header: list[str]) -> bool:
    return sum(bool(_ISIS_AXIS.match(line)) for line in header[:10]) >= 2


def _unit_name(factor: float) -> str:
    return "1/angstrom" if factor == 1 else "1/nm"


def _near(a: Array, b: Array) -> bool:
    good = np.isfinite(a) & np.isfinite(b) & (b > 0)
    return bool(good.any() and np.median(np.abs(a[good] - b[good]) / b[good]) < 0.3)


def _is_index(values: Array) -> bool:
    first = values[:, 0]
    return bool(first.size > 2 and first[0] in (0, 1) and np.array_equal(first, np.arange(first.size) + first[0]))
