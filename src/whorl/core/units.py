"""Units at the edge: what people write, turned into angstrom, 1/angstrom, angstrom^2 and radians used inside."""

from __future__ import annotations

from math import pi
from typing import Final

from whorl.core.errors import UsageError

#: factor that turns a value in the unit into the inside unit of its dimension
LENGTH: Final = {"angstrom": 1.0, "a": 1.0, "å": 1.0, "nm": 10.0, "pm": 0.01, "um": 1e4}
MOMENTUM: Final = {"1/angstrom": 1.0, "a^-1": 1.0, "å^-1": 1.0, "1/a": 1.0, "1/nm": 0.1, "nm^-1": 0.1}


def convert(value: float, unit: str, table: dict[str, float]) -> float:
    """Turn ``value`` in ``unit`` into the inside unit of ``table`` (`LENGTH`: angstrom, `MOMENTUM`: 1/angstrom).

    Raises
    ------
    UsageError
        If the unit is unknown.

    Examples
    --------
    >>> convert(250.0, "nm^-1", MOMENTUM)
    25.0
    """
    key = unit.strip().lower().replace("⁻¹", "^-1").replace("angstroms", "angstrom")
    if key not in table:
        raise UsageError(f"unknown unit {unit!r}", remedy=f"Use one of {', '.join(table)}.")
    return value * table[key]


def b_from_u(u_iso: float) -> float:
    """B = 8 pi^2 U, both in angstrom^2.

    Examples
    --------
    >>> round(b_from_u(0.005), 4)
    0.3948
    """
    return 8 * pi**2 * u_iso


def u_from_b(b_iso: float) -> float:
    """U = B / (8 pi^2), both in angstrom^2.

    Examples
    --------
    >>> round(u_from_b(0.3948), 4)
    0.005
    """
    return b_iso / (8 * pi**2)
