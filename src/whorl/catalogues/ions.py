"""Ions: radii, usual oxidation states, and the oxidation states that make a composition neutral (see ``data/radii.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise, product
from pathlib import Path
from typing import Any

from whorl.catalogues.base import NON_METALS

_FILE = Path(__file__).parent / "data" / "radii.toml"
#: cost of a rare oxidation state, of one element in two states at once (mixed valence), and of each place down the list
_RARE, _MIXED, _PLACE = 1.0, 0.3, 0.05
#: costlier assignments are no ionic picture of a compound
_LARGEST_COST = 1.5
#: a composition may miss neutrality by this part of its anions' charge, since occupancies are rounded
_ROUNDING = 0.02
#: elements that take the negative states may be this much less electronegative than those that take the positive ones
_ELECTRONEGATIVITY_SLACK = 0.05
#: an anion that Shannon does not list is its covalent radius and this: the mean over the nine he lists is 0.78 (0.74 to 0.83)
_ANION_OVER_COVALENT = 0.78
_ANGSTROM3_PER_CM3_MOL = 1.6605391


@lru_cache(maxsize=128)
def group(element: str) -> str:
    """Column of the periodic table; lanthanides and actinides are one each.

    Examples
    --------
    >>> [group(element) for element in ("Na", "Ti", "Cl", "Nd", "Pb")]
    ['1', '4', '17', 'lanthanide', '14']
    """
    from ase.data import atomic_numbers

    z = atomic_numbers[element]
    if 57 <= z <= 71 or 89 <= z <= 103:
        return "lanthanide" if z < 72 else "actinide"
    noble = max(n for n in (0, 2, 10, 18, 36, 54, 86) if n < z)
    column = z - noble
    if noble in {0, 2, 10} and column > (1 if noble == 0 else 2):
        column += 16 if noble == 0 else 10
    elif noble >= 54 and column > 2:
        column -= 14
    return str(column)


@dataclass(frozen=True)
class Charges:
    """Oxidation state by element, the mean one where an element has two, and the cost of the assignment (0: all usual)."""

    state: Mapping[str, float]
    cost: float


@lru_cache(maxsize=1)
def _elements() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))["elements"]
    for row in table.values():
        row["ionic"] = {
            int(state): sorted((int(n), float(radius)) for n, radius in by_number.items())
            for state, by_number in row.get("ionic", {}).items()
        }
    return table


def content_hash() -> str:
    """SHA-256 over the tables."""
    return sha256(_FILE.read_bytes()).hexdigest()


def is_known(element: str) -> bool:
    """Tell whether the tables hold an element.

    Examples
    --------
    >>> is_known("Fe"), is_known("Ar")
    (True, False)
    """
    return element in _elements()


def electronegativity(element: str) -> float:
    """Electronegativity on Pauling's scale.

    Examples
    --------
    >>> electronegativity("O")
    3.44
    """
    return float(_elements()[element]["electronegativity"])


@lru_cache(maxsize=256)
def oxidation_states(element: str) -> dict[int, float]:
    """Oxidation states of an element in solids and the cost of each (about 0 usual, 1 rare).

    Examples
    --------
    >>> oxidation_states("Co")
    {2: 0.0, 3: 0.05, 4: 1.0}
    """
    row = _elements()[element]
    return {q: _PLACE * place for place, q in enumerate(row["common"])} | dict.fromkeys(row.get("rare", ()), _RARE)


@lru_cache(maxsize=4096)
def ionic_radius(element: str, state: float, coordination: float) -> float | None:
    """Effective ionic radius in angstrom, interpolated in the coordination number and, for mixed valence, in the state.

    Beyond the coordination numbers listed the nearest is taken. An anion that Shannon does not list is its covalent radius
    (B. Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j) and 0.78 angstrom.

    Returns
    -------
    float or None
        ``None`` when no radius of that state is known.

    Examples
    --------
    >>> ionic_radius("Fe", 2, 6), round(ionic_radius("Fe", 2.5, 6), 4), ionic_radius("Fe", 9, 6)
    (0.78, 0.7125, None)
    """
    if not is_known(element):
        return None
    listed: dict[int, list[tuple[int, float]]] = _elements()[element]["ionic"]
    if state in listed:
        return _between(listed[int(state)], coordination)
    if state < 0:
        from ase.data import atomic_numbers, covalent_radii

        return float(covalent_radii[atomic_numbers[element]]) + _ANION_OVER_COVALENT
    below, above = [q for q in listed if 0 < q < state], [q for q in listed if q > state]
    if not below or not above:
        return None
    low, high = max(below), min(above)
    part = (state - low) / (high - low)
    return (1 - part) * _between(listed[low], coordination) + part * _between(listed[high], coordination)


def alloy_volume(element: str) -> float | None:
    """Volume of an atom in metallic surroundings, angstrom^3; ``None`` when not tabulated.

    Examples
    --------
    >>> round(alloy_volume("Ni"), 2)
    10.96
    """
    volume = _elements().get(element, {}).get("alloy_volume")
    return None if volume is None else float(volume) * _ANGSTROM3_PER_CM3_MOL


def charges(contents: Mapping[str, float], signs: Mapping[str, int] | None = None) -> Charges | None:
    """Find the oxidation states that make a composition neutral at the least cost.

    Anions are at least as electronegative as cations. One metal may be in two states at once (Fe3O4).

    Parameters
    ----------
    contents : mapping of element to number of atoms
    signs : mapping of element to +1 or -1, optional
        Elements whose state is known to be positive or negative.

    Returns
    -------
    Charges or None
        ``None`` when there are no such states: an alloy, a cluster compound, an element that is not tabulated.

    Examples
    --------
    >>> charges({"Fe": 3, "O": 4}).state["O"], round(charges({"Fe": 3, "O": 4}).state["Fe"], 3), charges({"Ni": 1, "Al": 1})
    (-2.0, 2.667, None)
    """
    items = tuple(sorted(contents.items()))
    return _charges(items, tuple(sorted(signs.items())) if signs is not None else ())


@lru_cache(maxsize=65536)
def _charges(contents: tuple[tuple[str, float], ...], signs: tuple[tuple[str, int], ...]) -> Charges | None:
    known = dict(signs)
    if len(contents) < 2 or not all(is_known(element) for element, _ in contents):
        return None
    options = [
        [(float(q), cost) for q, cost in oxidation_states(element).items() if q * known.get(element, q) > 0]
        for element, _ in contents
    ]
    best: Charges | None = None
    for states, cost in _neutral([n for _, n in contents], options, [el not in NON_METALS for el, _ in contents]):
        if cost <= _LARGEST_COST and (best is None or cost < best.cost) and _ordered([el for el, _ in contents], states):
            best = Charges({element: q for (element, _), q in zip(contents, states, strict=True)}, cost)
    return best


def _neutral(
    counts: list[float], options: list[list[tuple[float, float]]], metals: list[bool]
) -> Iterator[tuple[tuple[float, ...], float]]:
    """All neutral sets of states with their costs: whole states, then those with one metal in two positive states."""
    for chosen in product(*options):
        states = tuple(q for q, _ in chosen)
        if _is_neutral(counts, states):
            yield states, sum(cost for _, cost in chosen)
    for index, option in enumerate(options):
        ladder = sorted((q, cost) for q, cost in option if q > 0)
        if len(ladder) < 2 or not metals[index]:
            continue
        others = [[(0.0, 0.0)] if i == index else o for i, o in enumerate(options)]
        for chosen in product(*others):
            rest = sum(n * q for n, (q, _) in zip(counts, chosen, strict=True))
            mean = -rest / counts[index]
            for (low, cost_low), (high, cost_high) in pairwise(ladder):
                if not low < mean < high:
                    continue
                part = (mean - low) / (high - low)
                states = tuple(mean if i == index else q for i, (q, _) in enumerate(chosen))
                yield states, sum(cost for _, cost in chosen) + (1 - part) * cost_low + part * cost_high + _MIXED * (high - low)


def _is_neutral(counts: list[float], states: tuple[float, ...]) -> bool:
    charge = [n * q for n, q in zip(counts, states, strict=True)]
    negative = -sum(q for q in charge if q < 0)
    return negative > 0 and abs(sum(charge)) <= _ROUNDING * negative


def _ordered(elements: list[str], states: tuple[float, ...]) -> bool:
    cations = [electronegativity(el) for el, q in zip(elements, states, strict=True) if q > 0]
    anions = [electronegativity(el) for el, q in zip(elements, states, strict=True) if q < 0]
    return bool(cations) and bool(anions) and min(anions) >= max(cations) - _ELECTRONEGATIVITY_SLACK


def _between(listed: list[tuple[int, float]], at: float) -> float:
    """Linear interpolation in a short table, constant beyond its ends."""
    if at <= listed[0][0]:
        return listed[0][1]
    for (n0, r0), (n1, r1) in pairwise(listed):
        if at <= n1:
            return r0 + (r1 - r0) * (at - n0) / (n1 - n0)
    return listed[-1][1]
