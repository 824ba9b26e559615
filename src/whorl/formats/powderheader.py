"""What the header of a powder pattern states: wavelengths and their ratio, anode, temperature, counting time, DIFC.

Programs name the same thing in many ways (``Lambda1 = 1.54060``, ``K-Alpha1 wavelength,1.540598``, ``_WL1 = 1.5406``,
``*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"``, ``Temp (K) = 6.778``, ``Anode: "Cu"``): names are compared by their letters and digits
alone. Only what is stated is taken; an anode is an anode and not yet a wavelength.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from whorl.formats.header import quantity_in_angstrom

_PAIR = re.compile(r"([A-Za-z_*][\w .\-/()*°α]{0,60}?)\s*(?:[:=,;\t]|\s(?=\"))\s*(\"[^\"]*\"|[^\"\t,;:=]*[^\s\"\t,;:=])")
_NEXT = re.compile(r"\s+(?=[A-Za-z_][\w.\-]*\s*=)")
_QUOTED = re.compile(r"([A-Za-z_]\w*)\s*:\s*\"([^\"]*)\"")
_SPACED = re.compile(r"\b(K-?Alpha[12]?|Alpha[12]|Lambda[12]?|Wavelength[12]?|WL[12]|Ratio)\s+([0-9]*\.[0-9]+)", re.IGNORECASE)
_FLOAT = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_K_ALPHA = re.compile(r"\b(Cr|Fe|Co|Ni|Cu|Mo|Ag|Ga|In|W)[\s_\-]*K[\s_\-]*(?:α|a(?![b-km-z])|alpha)", re.IGNORECASE)
_ELEMENT = re.compile(r"^\s*['\"]?(Cr|Fe|Co|Ni|Cu|Mo|Ag|Ga|In|W)\b", re.IGNORECASE)
_TITLE_WAVELENGTH = re.compile(r"(?<![\d.])([0-9]\.\d{2,6})\s*(?:A|Å|Ang|Angstroms?)\b")

#: letters and digits of a name -> setting, the surest names first
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "wavelength": (
        "lambda1", "wavelength1", "wl1", "ka1", "kalpha1", "kalpha1wavelength", "alpha1", "hwxgwavelengthalpha1",
        "wavelengthkalpha1", "calibratedwavelength", "wavelength", "wavelengtha", "wavelengthangstrom", "lambda", "lambdaa",
        "usedlambda", "lam", "incidentwavelength", "lambdam", "wl", "xraywavelength", "neutronwavelength",
    ),
    "wavelength2": (
        "lambda2", "wavelength2", "wl2", "ka2", "kalpha2", "kalpha2wavelength", "alpha2", "hwxgwavelengthalpha2",
        "wavelengthkalpha2",
    ),
    "line_ratio": (
        "ratiokalpha2kalpha1", "kalpha2kalpha1ratio", "ka2ka1ratio", "ka2ka1", "ratiokalpha2", "wlratio", "alpharatio", "r",
        "ratio", "kalpha2ratio",
    ),
    "anode": (
        "anode", "anodematerial", "tubeanode", "target", "targetname", "hwxgtargetname", "tubematerial", "tube", "xraytube",
        "radiation", "xraysource", "wavelength", "lambda",
    ),
    "temperature": ("tempk", "temperaturek", "sampletemperaturek", "sampletemperature", "temperature", "temp"),
    "celsius": ("tempc", "temperaturec", "sampletemperaturec"),
    "counting_time": (
        "timepersteps", "timeperstepsec", "timeperstep", "steptime", "scansteptime", "countingtime", "counttime",
        "steptimes", "countingtimes", "secperstep",
    ),
    "difc": ("difc",),
    "difa": ("difa",),
    "tzero": ("tzero",),
}  # fmt: skip
_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "wavelength": (0.05, 20.0), "wavelength2": (0.05, 20.0), "line_ratio": (0.05, 1.0), "temperature": (0.0, 4000.0),
    "counting_time": (1e-9, 1e7), "difc": (1.0, 1e7), "difa": (-1e5, 1e5), "tzero": (-1e5, 1e5),
}  # fmt: skip


def settings_of(lines: Iterable[str], notes: list[str]) -> dict[str, Any]:
    """Find whorl's settings of a powder pattern in lines of a header.

    Examples
    --------
    >>> settings_of(["Lambda1 = 1.54060", "Lambda2 = 1.54439", "R = 0.497", "# Temp (K) = 6.778"], [])
    {'wavelength': 1.5406, 'wavelength2': 1.54439, 'line_ratio': 0.497, 'temperature': 6.778}
    >>> settings_of(['Id: "x" Anode: "Co" TimePerStep: "0.5"'], [])
    {'anode': 'Co', 'counting_time': 0.5}
    """
    lines = [line.strip().lstrip("#!%;/'* \t") for line in lines][:5000]
    pairs = _pairs(lines)
    found: dict[str, Any] = {}
    for setting, names in _NAMES.items():
        for name in names:
            value = _read(setting, name, pairs[name], notes) if name in pairs else None
            if value is not None:
                found[setting] = value
                break
    celsius = found.pop("celsius", None)
    if celsius is not None:
        found.setdefault("temperature", celsius + 273.15)
    if "wavelength2" not in found or "wavelength" not in found:
        found.pop("line_ratio", None)
        found.pop("wavelength2", None)
    elif not 0 < abs(found["wavelength2"] / found["wavelength"] - 1) < 0.02:  # zero or the mean or the K-beta line
        found.pop("wavelength2")
        found.pop("line_ratio", None)
    if "anode" not in found:
        match = next((m for m in map(_K_ALPHA.search, lines) if m), None)
        if match is not None:
            found["anode"] = match[1].capitalize()
    return found


def from_title(title: str, notes: list[str]) -> dict[str, Any]:
    """Read radiation, anode and wavelength from a title in words ("PbSO4 1.909A neutron data").

    Examples
    --------
    >>> from_title("CPD RRRR   PbSO4 1.909A neutron data   8.8.89", [])
    {'radiation': 'neutron', 'wavelength': 1.909}
    """
    found: dict[str, Any] = {}
    low = title.lower()
    if "neutron" in low:
        found["radiation"] = "neutron"
    elif re.search(r"\bx-?\s?rays?\b", low):
        found["radiation"] = "x-ray"
    if "synchrotron" in low:
        found |= {"radiation": "x-ray", "source": "synchrotron"}
    anode = _K_ALPHA.search(title)
    if anode is not None:
        found["anode"] = anode[1].capitalize()
    match = _TITLE_WAVELENGTH.search(title)
    if match is not None and found and 0.05 < float(match[1]) < 20:
        found["wavelength"] = float(match[1])
        notes.append(f"the wavelength {match[1]} angstrom was read from the title")
    return found


def _pairs(lines: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in lines:
        text = line[:1000]
        parts = _NEXT.split(text) if text.count("=") > 1 else [text]
        found = [*_QUOTED.findall(text), *(pair for part in parts for pair in _PAIR.findall(part)), *_SPACED.findall(text)]
        for key, value in found:
            name = re.sub(r"[^a-z0-9]", "", key.lower().replace("α", "alpha"))
            if name and name not in pairs and len(pairs) < 1000:
                pairs[name] = value.strip().strip('"').strip()
    return pairs


def _read(setting: str, name: str, text: str, notes: list[str]) -> Any:
    if setting == "anode":
        match = _ELEMENT.match(text)
        return match[1].capitalize() if match else None
    if setting.startswith("wavelength"):
        value = quantity_in_angstrom(text)
        if value is not None and 0 < value < 1e-7:  # metres without a unit
            value = round(value * 1e10, 9)
    else:
        match = _FLOAT.match(text)
        value = float(match[0]) if match else None
        if value is not None and setting == "temperature" and not name.endswith("k") and re.search(r"\d\s*°?\s*C\b", text):
            value += 273.15
    if value is None or value == 0:
        return None
    low, high = _LIMITS.get(setting, (-1e9, 1e9))
    if not low <= value <= high:
        notes.append(f"header: {setting} = {text[:40]} is not plausible and was not taken")
        return None
    return value
