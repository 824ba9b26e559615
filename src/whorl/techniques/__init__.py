"""Techniques by key. To add one: a folder with the rooms of its siblings, and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from whorl.core.errors import UsageError

if TYPE_CHECKING:
    from types import ModuleType

    from whorl.techniques.protocol import Technique

#: key -> kinds of measurement it takes
KINDS = {"pdf": ("gr", "fq", "sq", "iq"), "pd": ("powder", "tof", "peaks"), "sas": ("sas",)}


def get_technique(key: str) -> Technique:
    """Give a technique by its key.

    Raises
    ------
    UsageError
        If there is no such technique.

    Examples
    --------
    >>> get_technique("pdf").axis.symbol
    'r'
    """
    if key == "pdf":
        from whorl.techniques.pdf.technique import PDF

        return PDF
    if key == "pd":
        from whorl.techniques.pd.technique import PD

        return PD
    if key == "sas":
        from whorl.techniques.sas.technique import SAS

        return SAS
    raise UsageError(f"unknown technique {key!r}", remedy=f"Use one of {', '.join(KINDS)}.")


def technique_for(kind: str) -> Technique:
    """Give the technique that takes measurements of a kind (``"gr"``)."""
    for key, kinds in KINDS.items():
        if kind in kinds:
            return get_technique(key)
    raise UsageError(f"no technique takes {kind!r}", remedy=f"Kinds are {', '.join(k for v in KINDS.values() for k in v)}.")


def room_of(key: str, name: str) -> ModuleType:
    """Give a room of a technique's flat that not every technique has ("quantifier").

    Raises
    ------
    UsageError
        If the technique has none of that name.

    Examples
    --------
    >>> room_of("pd", "quantifier").Quantifier.__name__
    'Quantifier'
    """
    from importlib import import_module
    from importlib.util import find_spec

    get_technique(key)
    if find_spec(f"whorl.techniques.{key}.{name}") is None:
        raise UsageError(f"the technique {key!r} has no {name.replace('_', ' ')}", remedy="Use data of another technique.")
    return import_module(f"whorl.techniques.{key}.{name}")
