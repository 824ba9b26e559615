"""Entries of several catalogues that say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

R = TypeVar("R", bound=Any)

#: relative difference of density up to which crystals of one formula, space group and number of atoms are one
SAME_DENSITY = 0.015


def without_copies(rows: Sequence[R], density: Callable[[R], float]) -> list[R]:
    """Leave out crystals of the formula, space group, atoms in the cell and density of an earlier row.

    Polytypes differ in the atoms of the cell. The first keeps the family of the later one where it has none itself.

    Parameters
    ----------
    rows : sequence
        Dataclasses with an ``entry`` of a catalogue.
    density : callable
        Density of a row, any unit.
    """
    kept: list[R] = []
    seen: dict[tuple[str, int | None, int], list[int]] = {}
    for row in rows:
        entry = row.entry
        if entry.kind != "crystal":
            kept.append(row)
            continue
        key = ("".join(sorted(entry.formula)), entry.space_group, entry.atoms)
        for i in seen.get(key, []):
            if abs(density(kept[i]) / density(row) - 1) < SAME_DENSITY:
                first = kept[i].entry
                if not first.family and entry.family:
                    kept[i] = replace(kept[i], entry=replace(first, family=entry.family))
                break
        else:
            seen.setdefault(key, []).append(len(kept))
            kept.append(row)
    return kept
