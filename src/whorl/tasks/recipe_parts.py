"""What the recipes of all tasks share: elements, settings and ranges checked, and as words of a command line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import element_counts
from whorl.formats.steering import STEERING
from whorl.techniques import KINDS as TECHNIQUES


def known_elements(elements: Collection[str] | str | None) -> tuple[str, ...] | None:
    """Check chemical symbols and put them in alphabetical order; a text is read as a list or a formula.

    Raises
    ------
    UsageError
        If one is not known.

    Examples
    --------
    >>> known_elements("O, Li,Co"), known_elements(["Fe"]), known_elements("LiCoO2")
    (('Co', 'Li', 'O'), ('Fe',), ('Co', 'Li', 'O'))
    """
    if elements is None:
        return None
    parts = [elements] if isinstance(elements, str) else list(elements)
    found: set[str] = set()
    for part in [word for text in parts for word in text.replace(";", ",").replace(" ", ",").split(",") if word]:
        try:
            found |= element_counts(part).keys()
        except StructureError as error:
            raise UsageError(error.what, where="elements", remedy="Give chemical symbols, such as Li,Co,O.") from error
    if not found:
        raise UsageError("no element is given", where="elements", remedy="Give chemical symbols, such as Li,Co,O.")
    return tuple(sorted(found))


def known_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check the names of instrument settings; whole numbers become floats, so that 22 and 22.0 are the same.

    Raises
    ------
    UsageError
        If no technique has a setting of that name.

    Examples
    --------
    >>> known_settings({"qmax": 22})
    {'qmax': 22.0}
    """
    known: list[str] = [*STEERING]
    for key in TECHNIQUES:
        known += import_module(f"whorl.techniques.{key}.instrument").SETTINGS
    for name in settings:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            remedy = f"Did you mean {close[0]}?" if close else f"Settings are {', '.join(known)}."
            raise UsageError(f"unknown setting {name!r}", remedy=remedy)
    return plain(settings)


def checked_range(limits: Sequence[float] | None) -> tuple[float, float] | None:
    """Check that a range has two ends in order.

    Raises
    ------
    UsageError
        If it has not.
    """
    if limits is None:
        return None
    if len(limits) != 2 or not limits[0] < limits[1]:
        raise UsageError(
            f"range {':'.join(f'{v:g}' for v in limits)} has not a lower and an upper end", remedy="Write it as 1.5:30."
        )
    return float(limits[0]), float(limits[1])


def common_arguments(limits: tuple[float, float] | None, settings: Mapping[str, Any]) -> list[str]:
    """Words of the command line for a range and settings."""
    words = [] if limits is None else ["--range", f"{number(limits[0])}:{number(limits[1])}"]
    for name, value in settings.items():
        words += ["--set", f"{name}={number(value) if isinstance(value, float) else value}"]
    return words


def number(value: float) -> str:
    """A number as people write it: 22, not 22.0."""
    return repr(value).removesuffix(".0")


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Make whole numbers floats, so that 22 and 22.0 are the same setting."""
    return {k: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in settings.items()}
