"""What the lines before the data say, turned into whorl's settings: only what is stated, the rest kept as text.

Understood: INI blocks (``qmax = 25``), several pairs on a line (``Qmin=2.0     Qmax=32``), ``key: value``, ``# qmax 25``
for the keys of `KEYS`, and JSON. ``settings["header"]`` keeps what has no name in whorl, bounded in size.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whorl.core.errors import UsageError
from whorl.core.units import LENGTH, MOMENTUM, convert

_MOST_KEYS = 200
_LONGEST = 500
_MOST_LINES = 5000
_LONG_LINE = 4000

_PAIR = re.compile(r"([A-Za-z_][\w.\-]*)\s*=\s*(.*?)(?=\s+[A-Za-z_][\w.\-]*\s*=|$)")
_COLON = re.compile(r"^([A-Za-z_][\w .\-]{0,40}?)\s*:\s+(.+)$")
_NUMBER = re.compile(r"^\s*([+-]?(?:\d+\.?\d*|\.\d+|\d+,\d+)(?:[eEdD][+-]?\d+)?)\s*(.*?)\s*$", re.ASCII)

#: name in a header, lower case -> name in whorl
KEYS: Final[Mapping[str, str]] = {
    "qmin": "qmin",
    "q_min": "qmin",
    "qmax": "qmax",
    "q_max": "qmax",
    "qmaxinst": "scattering_vector_max_instrument",
    "qdamp": "qdamp",
    "q_damp": "qdamp",
    "qsig": "qdamp",
    "qbroad": "qbroad",
    "q_broad": "qbroad",
    "wavelength": "wavelength",
    "lambda": "wavelength",
    "composition": "composition",
    "formula": "composition",
    "chemical_formula": "composition",
    "temperature": "temperature",
    "temp": "temperature",
    "mode": "radiation",
    "stype": "radiation",
    "radiation": "radiation",
    "scatterer": "radiation",
    "outputtype": "kind",
    "kind": "kind",
}

_RADIATION: Final[Mapping[str, str]] = {
    "x": "x-ray",
    "xray": "x-ray",
    "x-ray": "x-ray",
    "x-rays": "x-ray",
    "sas": "x-ray",
    "n": "neutron",
    "neutron": "neutron",
    "neutrons": "neutron",
    "e": "electron",
    "electron": "electron",
    "electrons": "electron",
}


@dataclass
class Header:
    """The lines before the data and the pairs found in them.

    Parameters
    ----------
    lines : list of str
        Without comment marks.
    pairs : dict
        First value of every key, as text; keys in lower case.
    """

    lines: list[str]
    pairs: dict[str, str] = field(default_factory=dict)

    def has(self, *words: str) -> bool:
        """Say whether any of the words (lower case) occurs in the text."""
        text = "\n".join(self.lines).lower()
        return any(word in text for word in words)

    def after(self, start: str, most: int = 30) -> list[list[str]]:
        """Give the words of the lines that follow the first line beginning with ``start``, up to a blank one."""
        for i, line in enumerate(self.lines):
            if line.lower().startswith(start.lower()):
                rows = [row.split() for row in self.lines[i + 1 : i + 1 + most]]
                return rows[: next((k for k, row in enumerate(rows) if not row), len(rows))]
        return []


def parse(lines: list[str]) -> Header:
    """Find the pairs in header lines.

    Examples
    --------
    >>> parse(["# qmax = 25", "## Damp     Qmin=2.0     dampFuncType=0"]).pairs
    {'qmax': '25', 'qmin': '2.0', 'dampfunctype': '0'}
    """
    clean = [line.strip().lstrip("#!%;/'\"* \t").rstrip("'\" \t") for line in lines[:_MOST_LINES]]
    header = Header(clean)
    joined = "\n".join(clean)
    if "{" in joined:
        _json(joined, header.pairs)
    for line in clean:
        if "=" in line:
            for part in line[:_LONG_LINE].split("\t"):
                for key, value in _PAIR.findall(" ".join(part.split())):
                    _add(header.pairs, key, value)
        elif (match := _COLON.match(line)) is not None:
            _add(header.pairs, match[1].replace(" ", "_"), match[2])
        else:
            words = line.split()
            if 2 <= len(words) <= 3 and words[0].lower() in KEYS and _NUMBER.match(words[1]):
                _add(header.pairs, words[0], " ".join(words[1:]))
    return header


def settings_of(header: Header, notes: list[str]) -> dict[str, Any]:
    """Translate pairs into whorl's settings; what cannot be understood stays text and is noted.

    Examples
    --------
    >>> settings_of(parse(["mode = xray", "qmax = 250 nm^-1", "rpoly = 0.9"]), [])
    {'radiation': 'x-ray', 'qmax': 25.0, 'header': {'rpoly': '0.9'}}
    """
    settings: dict[str, Any] = {}
    rest: dict[str, str] = {}
    for key, value in header.pairs.items():
        name = KEYS.get(key)
        if name is None or not value or name in settings:
            rest[key] = value
            continue
        found = _READ.get(name, _number)(value)
        if found is None:
            rest[key] = value
            if name != "kind":
                notes.append(f"header: {key} = {value[:40]!r} is not understood")
        else:
            settings[name] = found
    settings.pop("kind", None)
    rest = dict(list(rest.items())[:_MOST_KEYS])
    if rest:
        settings["header"] = rest
    return settings


def radiation_of(text: str) -> str | None:
    """Give whorl's name of a radiation.

    Examples
    --------
    >>> radiation_of("N"), radiation_of("xray"), radiation_of("muon")
    ('neutron', 'x-ray', None)
    """
    return _RADIATION.get(text.strip().lower())


def _add(pairs: dict[str, str], key: str, value: str) -> None:
    key = key.lower().rstrip(".")
    if key not in pairs and len(pairs) < 2 * _MOST_KEYS:
        pairs[key] = value.strip().rstrip(",").strip("'\"")[:_LONGEST]


def _json(text: str, pairs: dict[str, str]) -> None:
    start, end = text.find("{"), text.rfind("}")
    if end < start:
        return
    try:
        found = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        for key, value in found.items():
            if isinstance(value, str | int | float):
                _add(pairs, str(key), str(value))


def _with_unit(text: str, table: dict[str, float]) -> float | None:
    match = _NUMBER.match(text)
    if match is None:
        return None
    value = float(match[1].replace(",", ".").replace("D", "e").replace("d", "e"))
    unit = match[2].strip(" ()[]")
    if not unit or unit[0] in "#;!":
        return value
    unit = unit.replace("**", "^").replace("inverse ", "1/").replace("-1", "^-1").replace("^^", "^")
    try:
        return convert(value, unit, table)
    except UsageError:
        return None


def _number(text: str) -> float | None:
    return _with_unit(text, MOMENTUM)


def quantity_in_angstrom(text: str) -> float | None:
    """Read a length with or without a unit, in angstrom; ``None`` when it is none.

    Examples
    --------
    >>> quantity_in_angstrom("0.15406 nm"), quantity_in_angstrom("1.54 A"), quantity_in_angstrom("CuKa")
    (1.5406, 1.54, None)
    """
    return _length(text)


def _length(text: str) -> float | None:
    return _with_unit(text, LENGTH | {"m": 1e10})


def _kelvin(text: str) -> float | None:
    match = _NUMBER.match(text)
    if match is None:
        return None
    value = float(match[1].replace(",", ".").replace("D", "e").replace("d", "e"))
    unit = match[2].strip(" ()[]°").lower()
    if unit in ("", "k", "kelvin"):
        return value
    return value + 273.15 if unit in ("c", "celsius") else None


def _text(text: str) -> str | None:
    return text.strip() or None


_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "wavelength": _length,
    "composition": _text,
    "temperature": _kelvin,
    "radiation": radiation_of,
    "kind": _text,
}
