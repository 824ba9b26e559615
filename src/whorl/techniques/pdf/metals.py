"""Nearest-neighbour distances of the metals: from an element to its length, and from a length to what it may be."""

from __future__ import annotations

from functools import cache

import numpy as np

#: metals that particles are made of in most experiments; the others come after them
_USUAL = ("Au", "Ag", "Pt", "Pd", "Cu", "Ni", "Co", "Fe", "Ru", "Rh", "Ir")
_FACTORS = {"fcc": 0.5**0.5, "bcc": 0.75**0.5, "hcp": 1.0, "sc": 1.0, "diamond": 0.1875**0.5}
#: relative difference of lengths between a metal and its particles
_WITHIN = 0.025


def bond_length(symbol: str) -> float | None:
    """Nearest-neighbour distance in the elemental metal, angstrom (ASE reference states); ``None`` for other structures.

    Examples
    --------
    >>> round(bond_length("Au"), 3)
    2.885
    """
    from ase.data import atomic_numbers, reference_states

    state = reference_states[atomic_numbers[symbol]]
    if not state or "a" not in state:
        return None
    factor = _FACTORS.get(str(state["symmetry"]))
    return float(state["a"]) * factor if factor else None


def metals_by_bond(bond: float) -> list[str]:
    """Metals of about this nearest-neighbour distance: those usual as particles first, then by how near they come.

    Small particles contract and alloys differ, so that all within 2.5 % are given; the nearest one of all where none is.

    Examples
    --------
    >>> metals_by_bond(2.88)[:3], metals_by_bond(9.0)
    (['Au', 'Ag', 'Ta'], ['Cs'])
    """
    ranked = sorted((abs(float(np.log(bond / known))), symbol) for symbol, known in _bonds().items())
    near = [symbol for apart, symbol in ranked if apart < _WITHIN]
    return sorted(near, key=lambda s: s not in _USUAL) or [ranked[0][1]]


@cache
def _bonds() -> dict[str, float]:
    from ase.data import chemical_symbols

    from whorl.catalogues.base import NON_METALS

    found = {s: bond_length(s) for s in chemical_symbols[1:96] if s not in NON_METALS}
    return {s: b for s, b in found.items() if b is not None}
