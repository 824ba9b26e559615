r"""Instrument parameters of GSAS (``.prm .ins .inst``) and GSAS-II (``.instprm``) as whorl's settings.

GSAS: sigma^2 = U tan^2(theta) + V tan(theta) + W + P / cos^2(theta) is the *variance* of the Gaussian in hundredths of a degree
squared, and gamma = X / cos(theta) + Y tan(theta) the full width of the Lorentzian at half height in hundredths of a degree
(Larson, Von Dreele, GSAS manual, LAUR 86-748 (2004); GSAS-II keeps both). Here ``u v w p`` belong to the *full width squared*
in degrees^2, 8 ln 2 times the variance, as Caglioti, Paoletti, Ricci, Nucl. Instrum. 3, 223 (1958) define them, and ``x y`` are
in degrees. The polarisation stays as written: ``pola`` with ``ipola`` (0: (pola + (1 - pola) cos^2 2theta)).
"""

from __future__ import annotations

import os
import re
from math import log
from typing import Any

from whorl.core.errors import PatternError
from whorl.formats import files
from whorl.formats.text import lines_of
from whorl.formats.xmltree import number

_VARIANCE = 8 * log(2) * 1e-4
_ANODES = {1: "Cr", 2: "Fe", 3: "Cu", 4: "Mo", 5: "Ag", 6: "Ti", 7: "Co"}
#: type of profile -> names of its coefficients as far as they are of the instrument
_PROFILES = {
    1: ("u", "v", "w"),
    2: ("u", "v", "w", "x", "y"),
    3: ("u", "v", "w", "p", "x", "y", "s_l", "h_l"),
    4: ("u", "v", "w", "p", "x", "", "", "", "", "s_l", "h_l"),
}
_TYPES = {"PX": "x-ray", "PN": "neutron", "PE": "electron"}


def read_instrument(path: str | os.PathLike[str], *, bank: int = 1, max_bytes: int = files.MAX_BYTES) -> dict[str, Any]:
    r"""Read an instrument parameter file.

    Parameters
    ----------
    path : path
    bank : int
        Number of the bank, from 1.
    max_bytes : int
        Refuse larger files.

    Returns
    -------
    dict
        As far as stated: ``radiation``, ``wavelength``, ``wavelength2``, ``line_ratio`` (angstrom), ``anode``, ``zero``
        (degrees), ``u v w p`` (degrees^2, of the full width squared), ``x y`` (degrees), ``sh_l``, ``pola``, ``ipola``; of time
        of flight ``difc``, ``difa``, ``tzero`` (microseconds) and ``two_theta`` (degrees, of the bank).

    Raises
    ------
    PatternError
        If it is no such file, or has no such bank.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.instprm"
    >>> _ = file.write_text("#GSAS-II instrument parameter file\nType:PXC\nLam:0.413263\nZero:-0.01\nU:1.163\nX:0.173\n")
    >>> found = read_instrument(file)
    >>> found["wavelength"], found["zero"], round(found["u"], 7), round(found["x"], 5)
    (0.413263, -0.01, 0.0006449, 0.00173)
    """
    where = os.fspath(path)
    lines = lines_of(files.content(where, max_bytes=max_bytes), where)
    if any(line.startswith("INS ") for line in lines):
        return _gsas(lines, bank, where)
    if any("GSAS-II instrument" in line for line in lines[:5]) or any(line.startswith("Type:") for line in lines):
        return _gsas2(lines, bank, where)
    raise PatternError("no instrument parameters of GSAS or GSAS-II", where=where, remedy="Give a .prm or .instprm file.")


def _gsas(lines: list[str], bank: int, where: str) -> dict[str, Any]:
    records = {line[:12]: line[12:] for line in lines if line.startswith("INS ")}
    kind = records.get("INS   HTYPE ", "").strip()
    icons = records.get(f"INS {bank:2d} ICONS")
    if icons is None:
        raise PatternError(f"no record ICONS of bank {bank}", where=where, remedy="Name another bank.")
    found = _radiation(kind)
    if kind[2:3] == "T":
        return found | _flight([_field(icons, k) for k in range(3)], _bank_angle(records.get(f"INS {bank:2d}BNKPAR", "")))
    first, second, zero, pola = (_field(icons, k) for k in (0, 1, 2, 4))
    found |= _lines(first, second, number(icons[55:65]))
    anode = _ANODES.get(int(number(records.get(f"INS {bank:2d} IRAD ", "0").split()[0]) or 0)) if found else None
    if anode and found.get("radiation") == "x-ray":
        found["anode"] = anode
    if zero is not None:
        found["zero"] = zero / 100
    if pola and found.get("radiation") == "x-ray":
        found |= {"pola": pola, "ipola": int(number(icons[50:55]) or 0)}
    return found | _profile(records, bank)


def _field(text: str, index: int) -> float | None:
    return number(text[10 * index : 10 * index + 10])


def _bank_angle(text: str) -> float | None:
    return _field(text, 1)


def _radiation(kind: str) -> dict[str, Any]:
    name = _TYPES.get(kind[:2].upper())
    return {"radiation": name} if name else {}


def _lines(first: float | None, second: float | None, ratio: float | None) -> dict[str, Any]:
    if not first:
        return {}
    if not second or not ratio or not 0 < abs(second / first - 1) < 0.02:
        return {"wavelength": first}
    return {"wavelength": first, "wavelength2": second, "line_ratio": ratio}


def _flight(constants: list[float | None], angle: float | None) -> dict[str, Any]:
    found = {name: value for name, value in zip(("difc", "difa", "tzero"), constants, strict=True) if value is not None}
    return found | ({"two_theta": angle} if angle else {})


def _profile(records: dict[str, str], bank: int) -> dict[str, float]:
    """Coefficients of the profile function, those of the first set whose type is known."""
    for which in range(1, 6):
        words = records.get(f"INS {bank:2d}PRCF{which} ", "").split()
        names = _PROFILES.get(abs(int(number(words[0]) or 0))) if words else None
        if names is None:
            continue
        values: list[float] = []
        for row in range(1, 6):
            text = records.get(f"INS {bank:2d}PRCF{which}{row}", "")
            values += [number(text[k : k + 15]) or 0.0 for k in range(0, len(text.rstrip()), 15)]
        raw = dict(zip(names, values, strict=False))
        if any(raw.values()):
            return _degrees(raw)
    return {}


def _degrees(raw: dict[str, float]) -> dict[str, float]:
    """Turn hundredths of a degree into degrees and variances into squared full widths."""
    found: dict[str, float] = {name: raw[name] * _VARIANCE for name in ("u", "v", "w", "p") if name in raw}
    found |= {name: raw[name] / 100 for name in ("x", "y", "z") if name in raw}
    if "s_l" in raw or "h_l" in raw:
        found["sh_l"] = raw.get("s_l", 0.0) + raw.get("h_l", 0.0)
    return found


def _gsas2(lines: list[str], bank: int, where: str) -> dict[str, Any]:
    banks: list[dict[str, str]] = [{}]
    for line in lines:
        if re.match(r"#?\s*Bank\s*\d+\s*:", line) and banks[-1]:
            banks.append({})
        for part in line.split(";") if not line.startswith("#") else ():
            name, mark, value = part.partition(":")
            if not mark:
                continue
            if name.strip() in banks[-1] and name.strip() in ("Type", "Bank"):
                banks.append({})
            banks[-1][name.strip()] = value.strip()
    numbered = {int(number(b.get("Bank", str(k + 1))) or k + 1): b for k, b in enumerate(banks)}
    given = numbered.get(bank, banks[0] if len(banks) == 1 else None)
    if given is None or "Type" not in given:
        raise PatternError(f"no bank {bank} with a type", where=where, remedy="Name another bank.")
    read = {name: number(text.split(",")[0]) for name, text in given.items()}
    values = {name: value for name, value in read.items() if value is not None}
    found = _radiation(given["Type"])
    if given["Type"][2:3] == "T":
        return found | _flight([values.get(n) for n in ("difC", "difA", "Zero")], values.get("2-theta"))
    found |= _lines(values.get("Lam1", values.get("Lam")), values.get("Lam2"), values.get("I(L2)/I(L1)"))
    if found.get("radiation") == "x-ray" and given.get("Source", "")[:2].isalpha() and "Ka" in given.get("Source", ""):
        found["anode"] = given["Source"][:2]
    if "Zero" in values:
        found["zero"] = values["Zero"]
    if "Polariz." in values and found.get("radiation") == "x-ray":
        found |= {"pola": values["Polariz."], "ipola": 0}
    raw = {name.lower(): values[name] for name in ("U", "V", "W", "X", "Y", "Z") if name in values}
    return found | _degrees(raw | ({"s_l": values["SH/L"]} if "SH/L" in values else {}))
