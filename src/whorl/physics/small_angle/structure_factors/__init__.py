"""Structure factors by key. To add one: a file beside its siblings with ``STRUCTURE_FACTOR``, a word here."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from functools import lru_cache

from whorl.core.errors import UsageError
from whorl.physics.small_angle.structure_factors.base import StructureFactor

#: files that hold structure factors, in the order of the tables
_FILES = ("hardsphere", "stickyhardsphere", "hayter_msa", "squarewell")


@lru_cache(maxsize=1)
def _all() -> dict[str, StructureFactor]:
    found = [importlib.import_module(f"{__name__}.{name}").STRUCTURE_FACTOR for name in _FILES]
    return {one.key: one for one in found}


def all_structure_factors() -> tuple[StructureFactor, ...]:
    """Give every structure factor.

    Examples
    --------
    >>> [one.key for one in all_structure_factors()][:2]
    ['hardsphere', 'stickyhardsphere']
    """
    return tuple(_all().values())


def find_structure_factor(key: str) -> StructureFactor:
    """Give the structure factor of a key.

    Raises
    ------
    UsageError
        If there is none.

    Examples
    --------
    >>> find_structure_factor("hardsphere").title
    'hard spheres (Percus-Yevick)'
    """
    known = _all()
    if key not in known:
        close = get_close_matches(key, known, n=1)
        raise UsageError(
            f"no structure factor {key!r}",
            remedy=f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(known)}.",
        )
    return known[key]


__all__ = ["StructureFactor", "all_structure_factors", "find_structure_factor"]
