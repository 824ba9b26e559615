"""Settings that steer how a file is read, beside those of an instrument: which data set, which unit, which sector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whorl.core.errors import UsageError

#: name -> what it says
STEERING: Mapping[str, str] = {
    "q_unit": "unit of q where the file does not say it, or errs: 1/angstrom or 1/nm",
    "entry": "which data set of a file of several: its number from 1, or its name",
    "sector": "part of an image that is averaged: centre and half width in degrees, such as 0:15 (with the one opposite)",
    "bins": "points of the curve that an image is averaged to",
    "poni": "file with the geometry of a detector image, as pyFAI writes it",
    "image_mask": "image that is not 0 where the pixels of a detector image are not to be used",
}


def steering(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """Pick the settings that steer the reading.

    Examples
    --------
    >>> steering({"qmax": 22.0, "q_unit": "1/nm"})
    {'q_unit': '1/nm'}
    """
    return {name: value for name, value in (settings or {}).items() if name in STEERING}


def without_steering(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings that speak of the instrument.

    Examples
    --------
    >>> without_steering({"qmax": 22.0, "q_unit": "1/nm"})
    {'qmax': 22.0}
    """
    return {name: value for name, value in settings.items() if name not in STEERING}


def checked(settings: Mapping[str, Any] | None, allowed: tuple[str, ...], path: str) -> dict[str, Any]:
    """Give the settings when a reader can follow all of them.

    Raises
    ------
    UsageError
        If one is unknown or has no meaning for the file.
    """
    for name in settings or {}:
        if name not in STEERING:
            raise UsageError(f"{name} does not steer the reading of a file", remedy=f"Use one of {', '.join(STEERING)}.")
        if name not in allowed:
            raise UsageError(f"{name} means nothing for this file", where=path, remedy="Leave it out.")
    return dict(settings or {})


@dataclass(frozen=True)
class Sector:
    """Directions that are averaged: those within ``half`` degrees of ``centre``, and the ones opposite."""

    centre: float
    half: float

    @property
    def label(self) -> str:
        """The sector in words."""
        return f"within {self.half:g} degrees of {self.centre:g} degrees and opposite"


def sector_of(value: Any) -> Sector | None:
    """Read the setting ``sector``; ``None`` for all directions.

    Raises
    ------
    UsageError
        If it is not centre and half width in degrees.

    Examples
    --------
    >>> sector_of("0:15"), sector_of(None)
    (Sector(centre=0.0, half=15.0), None)
    """
    if value is None:
        return None
    centre, mark, half = str(value).partition(":")
    try:
        found = Sector(float(centre), float(half))
    except ValueError:
        mark = ""
        found = Sector(0.0, 0.0)
    if not mark or not 0 < found.half <= 90 or not abs(found.centre) <= 360:
        raise UsageError(
            f"sector={value} is no sector", remedy="Write the centre, a colon and the half width in degrees: sector=0:15."
        )
    return found


def bins_of(value: Any) -> int | None:
    """Read the setting ``bins``; ``None`` when not given.

    Raises
    ------
    UsageError
        If it is no whole number from 5 to 100 000.
    """
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if number != round(number) or not 5 <= number <= 100_000:
        raise UsageError(f"bins={value} is no number of points", remedy="Give a whole number, such as bins=200.")
    return int(number)
