"""What canSAS files, XML or HDF5, say around a curve: radiation, wavelength, thickness, temperature, widths of the slit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.formats import sasunits

Array = NDArray[np.float64]

_ANGSTROM = {"a": 1.0, "angstrom": 1.0, "angstroms": 1.0, "ang": 1.0, "å": 1.0, "nm": 10.0, "m": 1e10, "pm": 0.01}
_CM = {"cm": 1.0, "mm": 0.1, "m": 100.0, "um": 1e-4, "µm": 1e-4}


def radiation_of(text: str) -> str | None:
    """Name the radiation of a source, ``None`` when it is not said.

    Examples
    --------
    >>> radiation_of("Spallation Neutron Source"), radiation_of("Synchrotron X-ray Source"), radiation_of("rotating anode")
    ('neutron', 'x-ray', 'x-ray')
    """
    low = text.lower()
    if "neutron" in low or "reactor" in low:
        return "neutron"
    return "x-ray" if any(word in low for word in ("x-ray", "xray", "x ray", "synchrotron", "anode")) else None


def quantities(
    radiation: str = "",
    wavelength: tuple[float, str] | None = None,
    thickness: tuple[float, str] | None = None,
    temperature: tuple[float, str] | None = None,
) -> dict[str, Any]:
    """Give the settings that are stated in units we know.

    Examples
    --------
    >>> quantities("neutron", (0.6, "nm"), (1.0, "mm"))
    {'radiation': 'neutron', 'wavelength': 6.0, 'thickness': 0.1}
    """
    found: dict[str, Any] = {}
    named = radiation_of(radiation)
    if named is not None:
        found["radiation"] = named
    if wavelength is not None:
        value = wavelength[0] * _ANGSTROM.get(wavelength[1].strip().lower() or "a", np.nan)
        if 0.05 < value < 40:
            found["wavelength"] = round(float(value), 9)
    if thickness is not None:
        value = thickness[0] * _CM.get(thickness[1].strip().lower() or "cm", np.nan)
        if 0 < value < 100:
            found["thickness"] = round(float(value), 9)
    if temperature is not None:
        celsius = temperature[1].strip().strip("°").upper().startswith("C")
        kelvin = temperature[0] + (273.15 if celsius else 0.0)
        if 0 < kelvin < 5000 and (celsius or temperature[1].strip().upper() in ("K", "KELVIN")):
            found["temperature"] = round(float(kelvin), 9)
    return found


def factor_of_q(unit: str, asked: Any, where: str, notes: list[str]) -> float:
    """Give the factor from a stated unit of q to 1/angstrom; what was asked for wins.

    Raises
    ------
    PatternError
        If the unit is unknown.
    UsageError
        If the one asked for is.
    """
    if asked is not None:
        factor = sasunits.asked_q_factor(asked)
        notes.append(f"q was taken in {asked}, as asked")
        return factor
    if not unit.strip():
        notes.append("the unit of q is not stated; 1/angstrom was taken. If it is 1/nm, pass q_unit=1/nm")
        return 1.0
    known = sasunits.q_factor(unit)
    if known is None:
        raise PatternError(f"q in {unit!r}", where=where, remedy="Pass q_unit=1/angstrom or q_unit=1/nm.")
    if known != 1:
        notes.append(f"q in {unit} was turned into 1/angstrom")
    return known


def slit_of(name: str, widths: Array | None, notes: list[str]) -> dict[str, float]:
    """Give the half length or width of a slit from its column, ``{}`` when it is not there or zero."""
    if widths is None or not np.any(np.isfinite(widths) & (widths > 0)):
        return {}
    typical = float(np.median(widths[np.isfinite(widths)]))
    if np.ptp(widths[np.isfinite(widths)]) > 0.05 * typical:
        notes.append(f"the {name.replace('_', ' ')} changes along the curve; its median {typical:.4g} 1/angstrom was taken")
    return {name: typical}
