"""Column labels: which column is the axis, which the signal and its uncertainty, what kind of signal, in which units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(r"[^\s,;()\[\]|]+(?:\s*[(\[][^)\]]*[)\]])*")
_UNIT = re.compile(r"[(\[]([^)\]]*)[)\]]|/\s*(\S+)$|_(nm|a|angstrom|pm)\b", re.IGNORECASE)
_SIGMA = re.compile(r"^(d_?|e_?|delta_?|sigma_?|sig_?|err(or)?_?|unc_?|std_?|s_)?(.*?)(_?(err(or)?s?|sigma|sig|unc|std|esd))?$")

_AXES = {
    "r": "r", "dist": "r", "distance": "r", "radius": "r", "q": "Q", "x": "x",
    "tof": "tof", "t": "t", "d": "d", "d-spacing": "d", "dspacing": "d", "d_spacing": "d",
}  # fmt: skip
_ANGLES = ("2theta", "twotheta", "two_theta", "2-theta", "tth", "2θ", "2th", "°2th", "angle")
_TWO_THETA = re.compile(r"(?<![\w.])(?:2|two)[\s_\-*]*(?:theta|[θϑ]|th(?![a-z]))", re.IGNORECASE)
SIGNALS = {
    "g": "gr", "gr": "gr", "g(r)": "gr", "gobs": "gr", "gcalc": "gr", "pdf": "gr", "gofr": "gr",
    "f": "fq", "fq": "fq", "f(q)": "fq", "fofq": "fq",
    "s": "sq", "sq": "sq", "s(q)": "sq", "sofq": "sq", "soq": "sq",
    "i": "iq", "iq": "iq", "i(q)": "iq", "intensity": "iq", "counts": "iq", "int": "iq", "iofq": "iq",
}  # fmt: skip
#: further names of the intensity on an axis of powder diffraction
_INTENSITIES = frozenset(
    (
        "y",
        "yobs",
        "y_obs",
        "iobs",
        "i_obs",
        "obs",
        "observed",
        "cps",
        "psd",
        "count",
        "net",
        "signal",
        "irel",
        "i_rel",
        "rel",
        "height",
        "area",
        "i/i0",
    )
) | {n for n, kind in SIGNALS.items() if kind == "iq"}
#: what stands before the position in a list of peaks
_BEFORE = frozenset(("h", "k", "l", "hkl", "no", "no.", "nr", "nr.", "#", "peak", "mult"))
#: axis of powder diffraction -> kind of signal
OF_POWDER = {"angle": "powder", "tof": "tof", "d": "peaks"}
_NOT_REDUCED = {"t(r)": "T(r)", "rdf": "R(r)", "r(r)": "R(r)", "d(r)": "D(r)"}


@dataclass(frozen=True)
class Labels:
    """What the label line says.

    Parameters
    ----------
    names : list of str
        One per column, lower case, without units.
    units : list of str
        Text of the units, empty where not stated.
    kind : str
        Kind of signal, empty when not stated.
    axis : str
        ``"r"``, ``"Q"``, ``"angle"``, ``"tof"``, ``"d"`` or empty.
    at : int
        Column of the axis.
    """

    names: list[str]
    units: list[str]
    kind: str = ""
    axis: str = ""
    at: int = 0

    def signal_column(self) -> int | None:
        """Index of the column with the signal, ``None`` when no label says so."""
        known = _INTENSITIES if self.axis in OF_POWDER else SIGNALS
        return next((i for i in range(self.at + 1, len(self.names)) if self.names[i] in known), None)

    def spacing_column(self) -> int | None:
        """Index of the column with lattice spacings, ``None`` when no label says so."""
        return next((i for i, name in enumerate(self.names) if _AXES.get(name) == "d"), None)

    def sigma_column(self, signal: int) -> int | None:
        """Index of the column with the uncertainty of the signal, ``None`` when no label says so."""
        for i, name in enumerate(self.names):
            if i > signal and is_sigma_of(name, self.names[signal]):
                return i
        return None


def find(header: list[str], columns: int) -> Labels | None:
    """Find the label line among the last lines of the header, ``None`` when there is none.

    Parameters
    ----------
    header : list of str
        Lines before the data, comment marks included.
    columns : int
        Columns of the data.

    Examples
    --------
    >>> found = find(["#L r(nm)  G($nm^{-2}$)"], 2)
    >>> found.names, found.units, found.kind
    (['r', 'g'], ['nm', '$nm^{-2}$'], 'gr')
    """
    for line in reversed(header[-60:]):
        text = line.strip()
        marked = text.startswith("#L ")
        text = text[3:] if marked else text.lstrip("#!%;/'\"* \t")
        if "=" in text or not text or len(text) > 200 + 40 * columns:
            continue
        tokens = [t.strip("\"' ") for t in _TOKEN.findall(_TWO_THETA.sub("2theta", text))]
        if not 2 <= len(tokens) <= max(columns, 2) + 6:
            continue
        labels = _interpret(tokens)
        if labels is not None and (labels.kind or (labels.axis and (marked or len(tokens) == columns))):
            return labels
    return _below_each_other(header)


def _below_each_other(header: list[str]) -> Labels | None:
    """Find the labels of axis and signal on two lines, as in FIT2D's ``.chi``."""
    for first, second in pairwise(header[-10:]):
        labels = _interpret([first.strip(), second.strip()]) if len(first) + len(second) < 200 else None
        if labels is not None and labels.kind and labels.axis and labels.names[1] in SIGNALS:
            return labels
    return None


def is_sigma_of(name: str, signal: str) -> bool:
    """Say whether a label names the uncertainty of the signal.

    Examples
    --------
    >>> is_sigma_of("dg(r)", "g(r)"), is_sigma_of("d_gr", "g(r)"), is_sigma_of("dr", "g(r)"), is_sigma_of("sigma", "g")
    (True, True, False, True)
    """
    if name in ("sigma", "sig", "error", "err", "esd", "std", "uncertainty", "unc", "e", "dy", "yerr", "errors"):
        return True
    match = _SIGMA.match(name)
    if match is None or not (match[1] or match[4]):
        return False
    return SIGNALS.get(match[3], "-") == SIGNALS.get(signal, "+") or match[3] == signal


def _interpret(tokens: list[str]) -> Labels | None:
    names = [_name(t) for t in tokens]
    units = [_unit(t) for t in tokens]
    begin = next((i for i, n in enumerate(names) if n not in _BEFORE), 0)
    first = range(begin, min(begin + 2, len(names)))
    at = next((i for i in first if _is_angle(names[i]) or "2th" in units[i].lower()), None)
    at = at if at is not None else next((i for i in first if names[i] in _AXES), None)
    if at is None:
        return None
    axis = _AXES.get(names[at], "angle")
    if axis == "t":  # a bare letter: a time of flight only when its unit is one
        axis = "tof" if _is_time(units[at]) else "x"
    if axis in OF_POWDER:
        kind = OF_POWDER[axis] if any(n in _INTENSITIES for n in names[at + 1 :]) else ""
        return Labels(names, units, kind, axis, at)
    signal = next((n for n in names[at + 1 :] if n in SIGNALS or n in _NOT_REDUCED), "")
    kind = SIGNALS.get(signal, "")
    if axis == "x":
        axis = ""
    if axis == "r" and kind == "sq":  # a bare letter behind r
        kind = ""
    if not axis and kind:
        axis = "r" if kind == "gr" else "Q"
    return Labels(names, units, kind, axis, at)


def axis_of(name: str, unit: str) -> str:
    """Name the axis that a dataset of this name and unit is: ``"angle"``, ``"tof"``, ``"d"`` or another.

    Examples
    --------
    >>> axis_of("two_theta", "degree"), axis_of("2th", "2th_deg"), axis_of("tof", "us"), axis_of("q", "1/nm")
    ('angle', 'angle', 'tof', 'q')
    """
    low, unit = name.lower(), unit.strip().lower()
    if _is_angle(low) or _is_angle(unit) or low in ("tth", "ttheta"):
        return "angle"
    if low in ("tof", "time_of_flight") or (low == "t" and _is_time(unit)):
        return "tof"
    return "d" if _AXES.get(low) == "d" and unit in ("", "angstrom", "a", "å", "nm") else low


def _is_time(unit: str) -> bool:
    return unit.lower().replace("µ", "u").replace("μ", "u").startswith(("us", "microsec", "ms", "millisec"))


def not_reduced(labels: Labels | None) -> str:
    """Name the other real-space function the labels state (T(r), R(r), D(r)), empty when it is none of them."""
    if labels is None:
        return ""
    return next((_NOT_REDUCED[n] for n in labels.names[1:] if n in _NOT_REDUCED), "")


def _is_angle(name: str) -> bool:
    return name.replace("$", "").replace("\\", "").startswith(_ANGLES)


def _name(token: str) -> str:
    text = token.strip().lower()
    function = re.match(r"^([a-z_]*)\s*\(\s*([rq])\s*\)", text)
    if function:
        return f"{function[1]}({function[2]})"
    return re.split(r"[(\[/]|_(?:nm|a|angstrom|pm)\b", text, maxsplit=1)[0].strip(" $:")


def _unit(token: str) -> str:
    text = re.sub(r"^([A-Za-z_]*)\s*\(\s*[rRqQ]\s*\)", r"\1", token.strip())
    match = _UNIT.search(text)
    return next((g for g in match.groups() if g), "").strip() if match else ""
