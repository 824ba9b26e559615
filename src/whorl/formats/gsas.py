"""GSAS powder data: ``BANK`` records with CONST, SLOG, RALF or TIME_MAP binning and STD, ESD, ALT, FXY or FXYE data.

Layouts after Larson, Von Dreele, GSAS manual, LAUR 86-748 (2004), and the importer of GSAS-II (G2pwd_fxye). Angles are
hundredths of a degree, times of flight microseconds. STD holds ten fields of eight characters a line, the number of counters in
two and the mean intensity in six: the variance of a mean over n > 1 counters is intensity / n by that definition, and is given;
for single counts nothing is. ESD holds five pairs of eight characters; FXY and FXYE rows hold x, y (and its uncertainty).
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
from whorl.formats import files, header, powderheader
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind
from whorl.formats.text import lines_of

Array = NDArray[np.float64]
_BANK = re.compile(r"^BANK\s+\d+\s+\d+\s+\d+\s+(?:CONST?|COND|RALF|SLOG|LOG6|LPSD|TIME_MAP|EDS)", re.IGNORECASE)
_BANK_BYTES = re.compile(
    rb"(?:^|[\r\n]|  )BANK[ \t]+\d+[ \t]+\d+[ \t]+\d+[ \t]+(?:CONS|COND|RALF|SLOG|LOG6|LPSD|TIME_MAP|EDS)", re.IGNORECASE
)
_PARAMETERS = re.compile(rb"(?:^|[\r\n])INS   BANK|#GSAS-II instrument", re.IGNORECASE)
_TYPES = ("STD", "ESD", "ALT", "FXYE", "FXY")
_OF_TIME = ("RALF", "SLOG", "LOG6", "TIME_MAP")
_HALF_TURN = 18_000.0  # hundredths of a degree


@dataclass(frozen=True)
class Gsas:
    """The reader of GSAS data files."""

    key: str = "gsas"
    suffixes: tuple[str, ...] = (".fxye", ".gsas", ".gsa", ".gss", ".gda", ".raw", ".xra", ".cwn", ".fxy")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score a BANK record, or an instrument parameter file that is to be refused by name."""
        del path
        if _BANK_BYTES.search(head):
            return 0.98
        return 0.9 if _PARAMETERS.search(head) else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the first bank, or all banks on one axis as a series (see `whorl.formats.read`)."""
        refuse_kind(kind, path, given=("powder", "tof"))
        data = files.content(path, max_bytes=max_bytes)
        lines = _records(lines_of(data, path))
        starts = [i for i, line in enumerate(lines) if _BANK.match(line)]
        if not starts:
            if _PARAMETERS.search(data):
                raise PatternError(
                    "these are instrument parameters, not a pattern",
                    where=path,
                    remedy="Read them with whorl.formats.read_instrument, and give the data file here.",
                )
            raise PatternError("no BANK record", where=path, remedy="Give a GSAS data file: it has a line 'BANK 1 ...'.")
        notes: list[str] = []
        banks = [_Bank(lines, start, path) for start in starts]
        of_time = kind == "tof" or (kind is None and banks[0].of_time)
        first = banks[0].scan(of_time=of_time, notes=notes)
        scans = [first]
        if all(bank.like(banks[0]) for bank in banks[1:]):
            scans += [bank.scan(of_time=of_time, notes=[]) for bank in banks[1:]]
        else:
            notes.append(f"{len(banks)} banks on different axes; the first was read")
        settings = _settings(lines[: starts[0]], notes)
        if banks[0].counts:
            settings["intensity"] = "counts"
        if "header" in settings:  # keep it last: it is long
            settings["header"] = settings.pop("header")
        source = Source.of(path, data, self.key)
        return measurement_of(scans, "tof" if of_time else "powder", settings, source, notes, sort=sort)


READER = Gsas()


def _records(lines: list[str]) -> list[str]:
    """Cut text without ends of lines into the records of 80 characters that old systems wrote."""
    if len(lines) <= 2 and len(lines[0]) >= 240:
        text = "".join(lines)
        return [text[i : i + 80] for i in range(0, len(text), 80)]
    return lines


class _Bank:
    """One bank: its record, and the lines that follow it up to the next."""

    def __init__(self, lines: list[str], start: int, path: str) -> None:
        self.path, self.line, self.lines = path, start + 1, lines
        words = lines[start].split()
        self.number, self.binning = words[1], words[4].upper()
        self.channels = int(words[2])
        self.type = next((word for word in (w.upper() for w in words[5:][::-1]) if word in _TYPES), "STD")
        self.coefficients: list[float] = []
        for word in words[5:]:
            try:
                self.coefficients.append(float(word))
            except ValueError:
                break
        end = next((i for i in range(start + 1, len(lines)) if lines[i].startswith(("BANK", "TIME_MAP"))), len(lines))
        self.first = start + 1
        self.body = lines[start + 1 : end]
        self.counts = False
        if self.binning == "EDS":
            raise self._error("energy-dispersive data", "Give data over 2theta or time of flight.")

    def _error(self, what: str, remedy: str, line: int = 0) -> PatternError:
        return PatternError(what, where=f"{self.path}, line {line or self.line}", remedy=remedy)

    @property
    def of_time(self) -> bool:
        """Whether the axis is a time: by the binning, or because no angle is that large."""
        if self.binning in _OF_TIME:
            return True
        last = self.coefficients[0] + self.coefficients[1] * (self.channels - 1) if len(self.coefficients) > 1 else 0.0
        return last > _HALF_TURN

    def like(self, other: _Bank) -> bool:
        """Say whether the two banks have one axis."""
        mine = (self.binning, self.type, self.channels, self.coefficients)
        return mine == (other.binning, other.type, other.channels, other.coefficients)

    def scan(self, *, of_time: bool, notes: list[str]) -> Scan:
        """Read the numbers; the axis in degrees or microseconds."""
        x: Array | None = None
        sigma: Array | None = None
        if self.type in ("FXYE", "FXY"):
            columns = self._free(3 if self.type == "FXYE" else 2)
            x, y = columns[0] / (1.0 if of_time else 100.0), columns[1]
            sigma = columns[2] if self.type == "FXYE" else None
        elif self.type == "ALT":
            fields = self._fixed((8, 7, 5), 4)
            keep = fields[:, 0] > 0
            x, y, sigma = fields[keep, 0] / 32, fields[keep, 1] / 1000, fields[keep, 2] / 1000
        elif self.type == "ESD":
            fields = self._fixed((8, 8), 5)
            y, sigma = fields[:, 0], fields[:, 1]
        else:
            fields = self._fixed((2, 6), 10)
            counters, y = np.maximum(fields[:, 0], 1), fields[:, 1]
            if np.any(counters > 1):
                sigma = np.sqrt(np.maximum(y, 0) / counters)
                notes.append("means over several counters: the uncertainty is sqrt(intensity / counters), as GSAS defines it")
            else:
                self.counts = True
        if y.size > self.channels:
            if np.any(y[self.channels :]):
                notes.append(f"{y.size - self.channels} values behind the {self.channels} channels of the bank were not read")
            y, sigma = y[: self.channels], None if sigma is None else sigma[: self.channels]
            x = None if x is None else x[: self.channels]
        elif y.size < self.channels:
            raise self._error(
                f"bank {self.number} announces {self.channels} channels and holds {y.size}",
                "The file may be cut off: copy or export it again.",
            )
        return Scan(self._axis(y.size, of_time=of_time) if x is None else x, y, sigma, {"bank": float(self.number)})

    def _free(self, width: int) -> list[Array]:
        rows: list[list[float]] = []
        for i, line in enumerate(self.body):
            words = line.replace(",", " ").split()
            if not words or line.lstrip().startswith("#"):
                continue
            try:
                rows.append([float(word) for word in words[:width]])
            except ValueError:
                raise self._error(f"{line.strip()[:40]!r} is no row of numbers", "Correct it.", self.first + i + 1) from None
            if len(rows[-1]) != width:
                raise self._error(
                    f"{len(rows[-1])} numbers where {self.type} has {width}",
                    "The file may be cut off: copy or export it again.",
                    self.first + i + 1,
                )
        table = np.array(rows, dtype=np.float64).reshape(-1, width)
        return [table[:, k] for k in range(width)]

    def _fixed(self, widths: tuple[int, ...], repeats: int) -> Array:
        """Read fields of fixed width; a field without its last part ends the data."""
        total = sum(widths)
        rows: list[list[float]] = []
        for i, line in enumerate(self.body):
            if line.startswith("#"):
                continue
            for k in range(repeats):
                field = line[k * total : (k + 1) * total]
                if not field.strip():
                    break
                at, row = 0, []
                for width in widths:
                    word = field[at : at + width].strip()
                    at += width
                    try:
                        row.append(float(word) if word else 0.0)
                    except ValueError:
                        raise self._error(
                            f"{word!r} is not a number in columns of {' and '.join(map(str, widths))} characters",
                            "Correct the line, or export the file again.",
                            self.first + i + 1,
                        ) from None
                rows.append(row)
        return np.array(rows, dtype=np.float64).reshape(-1, len(widths))

    def _axis(self, size: int, *, of_time: bool) -> Array:
        given = self.coefficients
        if self.binning == "TIME_MAP":
            return _mapped(self.lines, int(given[0]) if given else 1, size, self.path)
        if self.binning == "SLOG" and len(given) >= 3 and given[2] > 0:
            return np.asarray(given[0] * (1 + given[2]) ** np.arange(size), dtype=np.float64)
        if self.binning.startswith("CON") and len(given) >= 2 and given[1] > 0:
            return np.asarray((given[0] + given[1] * np.arange(size)) / (1.0 if of_time else 100.0), dtype=np.float64)
        raise self._error(
            f"the axis of {self.binning} binning with {self.type} data is not known", "Export it as FXYE, which states x."
        )


def _mapped(lines: list[str], which: int, size: int, path: str) -> Array:
    """Times of a TIME_MAP: triples of first channel, first time and step in clock ticks, and the last time."""
    for i, line in enumerate(lines):
        words = line.split()
        if not line.startswith("TIME_MAP") or len(words) < 5:
            continue
        number = words[1] if words[0] == "TIME_MAP" else words[0][8:]
        words = words if words[0] == "TIME_MAP" else ["TIME_MAP", number, *words[1:]]
        if len(words) < 6 or number != str(which):
            continue
        try:
            count, records, tick = int(words[2]), int(words[3]), float(words[5]) / 1000
            values = [int(word) for row in lines[i + 1 : i + 1 + records] for word in row.split()][:count]
        except ValueError:
            break
        triples = [values[k : k + 3] for k in range(0, count - 1, 3) if k + 3 <= len(values)]
        if not triples or any(step <= 0 for _, _, step in triples):
            break
        channel = np.arange(1, size + 1)
        starts = np.array([t[0] for t in triples])
        part = np.clip(np.searchsorted(starts, channel, side="right") - 1, 0, len(triples) - 1)
        times = [triples[p][1] + triples[p][2] * (c - triples[p][0]) for p, c in zip(part, channel, strict=True)]
        return np.array(times, dtype=np.float64) * tick
    raise PatternError(f"no usable TIME_MAP {which}", where=path, remedy="Export the data as FXYE, which states x.")


def _settings(lines: list[str], notes: list[str]) -> dict[str, Any]:
    settings = header.settings_of(header.parse(lines), notes)
    if lines and not lines[0].startswith("#"):
        settings |= powderheader.from_title(lines[0], notes)
        title = lines[0].strip()[:200]
        settings["header"] = ({"title": title} if title else {}) | settings.get("header", {})
    settings |= powderheader.settings_of(lines, notes)
    return {key: value for key, value in settings.items() if value != {}}
