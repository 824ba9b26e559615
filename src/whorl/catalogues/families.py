"""The structure family of a crystal whose prototype nobody has written down.

A crystal belongs to a built-in prototype when it is isoconfigurational with one of its compounds: same space group, same
atoms and site symmetries in the primitive cell, the distances to twelve neighbours alike within `TOLERANCE`, and the
electronegative atoms in the same places (fluorite is no antifluorite). Which elements they are does not matter, nor how many
share a site.

Any other crystal gets a label of its own making, equal for isopointal crystals: the anonymous formula, the space group, and
each orbit's multiplicity with its site symmetry, which unlike Wyckoff letters do not depend on the choice of origin.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues import compounds, elements
from whorl.catalogues.base import NON_METALS
from whorl.catalogues.likeness import Likeness, Occupants, likeness
from whorl.catalogues.prototypes import Member

Array = NDArray[np.float64]

#: largest relative difference (root mean square over the neighbours) between compounds of one family; among the built-in
#: families it is 0.085 (spinels), and 0.094 between delafossite and the layered oxides, the closest that must stay apart
TOLERANCE = 0.09
#: what a difference of roles counts beside one of distances, where several families are as near
_ROLES, _MOST_ROLES = 0.05, 0.6
#: the same where sites of the one hold the same element and those of the other do not (D0_3 and Heusler)
_KINDS = 0.03
#: the mean role of all atoms may differ by this: it is 1/3 in Rb2S and 2/3 in PbCl2, whose atoms are in the same places
_MOST_OF_ALL = 0.3
#: electronegativities nearer than this make no anions and cations
_SPREAD = 0.4
_CENTRINGS = {"P": 1, "A": 2, "C": 2, "I": 2, "R": 3, "F": 4}
#: orbits that a label spells out
_SPELT = 12


@dataclass(frozen=True)
class _Chemistry:
    """What the elements tell: their roles, how many sets of them share the orbits, whether there is a non-metal."""

    roles: Array
    kinds: int
    ionic: bool

    @classmethod
    def of(cls, found: Likeness) -> _Chemistry:
        kinds = len({frozenset(element for element, _ in orbit.occupants) for orbit in found.orbits})
        return cls(_roles(found), kinds, not NON_METALS.isdisjoint(found.contents))


@dataclass(frozen=True)
class _Known:
    family: str
    points: tuple[tuple[int, str], ...]
    shape: Array
    about: _Chemistry


def family_of(found: Likeness) -> str:
    """Name the family of a crystal: a built-in prototype, or a label such as "AB2C4 Fd-3m 8(-43m) 16(-3m) 32(3m)".

    Examples
    --------
    >>> from whorl.core.hypothesis import Crystal, Site
    >>> def salt(group, *sites):
    ...     made = (Site(element, xyz) for element, xyz in sites)
    ...     return Crystal("", cell=(5, 5, 5, 90, 90, 90), space_group=group, sites=tuple(made))
    >>> family_of(likeness(salt("225", ("Sm", (0, 0, 0)), ("Te", (0.5, 0.5, 0.5)))))
    'rock salt'
    >>> family_of(likeness(salt("221", ("Sm", (0, 0, 0)), ("Te", (0.3, 0, 0)))))
    'AB6 Pm-3m 1(m-3m) 6(4mm)'
    """
    if found.near.size:
        known = [one for one in _known(found.number) if one.points == found.points]
        about = _Chemistry.of(found)
        scores = [(_score(found.shape, about, one), one.family) for one in known]
        score, family = min(scores, default=(np.inf, ""))
        if np.isfinite(score):
            return family
    return label(found)


def label(found: Likeness) -> str:
    """Make the label of a crystal from its formula, space group and orbits (see `family_of`)."""
    import gemmi

    group = gemmi.find_spacegroup_by_number(found.number)
    times = _CENTRINGS.get(group.hm[0], 1)
    orbits = Counter((count * times, symmetry) for count, symmetry in found.points)
    spelt = [f"{f'{n}x' if n > 1 else ''}{many}({symmetry})" for (many, symmetry), n in sorted(orbits.items())]
    rest = [f"and {len(spelt) - _SPELT} more"] if len(spelt) > _SPELT else []
    symbol = group.short_name().replace("H", "R")  # gemmi's mark for hexagonal axes
    return " ".join([anonymous(found), symbol, *spelt[:_SPELT], *rest])


def anonymous(found: Likeness) -> str:
    """Write the formula with letters for the occupants of sites, rarest first; a mixture on a site is one occupant.

    Examples
    --------
    >>> from whorl.core.hypothesis import Crystal, Site
    >>> sites = (Site("Li", (0, 0, 0)), Site("Co", (0.5, 0.5, 0.5), 0.5), Site("Ni", (0.5, 0.5, 0.5), 0.5))
    >>> anonymous(likeness(Crystal("", cell=(4, 4, 4, 90, 90, 90), space_group="225", sites=sites)))
    'AB'
    """
    counts: Counter[frozenset[str]] = Counter()
    for orbit in found.orbits:
        counts[frozenset(element for element, _ in orbit.occupants)] += orbit.count
    divisor = gcd(*counts.values())
    amounts = sorted(n // divisor for n in counts.values())
    names = [chr(ord("A") + i) if i < 26 else f"({i + 1})" for i in range(len(amounts))]
    return "".join(f"{name}{n if n > 1 else ''}" for name, n in zip(names, amounts, strict=True))


def _score(shape: Array, about: _Chemistry, one: _Known) -> float:
    """How unlike a known compound is; infinite when it is of another family for sure."""
    both = (shape + one.shape) / 2
    distance = float(np.sqrt(np.mean(((shape - one.shape) / both) ** 2, axis=1)).max())
    if distance > TOLERANCE:
        return float("inf")
    exchanged = np.abs(about.roles - one.about.roles)
    ionic = about.ionic and one.about.ionic
    if ionic and (float(exchanged[0]) > _MOST_OF_ALL or float(exchanged.max()) > _MOST_ROLES):
        return float("inf")
    return distance + _ROLES * float(np.sqrt(np.mean(exchanged**2))) + _KINDS * (about.kinds != one.about.kinds)


def _roles(found: Likeness) -> Array:
    """Mean electronegativity of all atoms and of each point, from 0 (least in the compound) to 1; 1/2 where alike."""
    values = np.array([_electronegativity(orbit.occupants) for orbit in found.orbits])
    counts = np.array([orbit.count for orbit in found.orbits])
    points = sorted(set(found.points))
    low, high = float(values.min()), float(values.max())
    if high - low < _SPREAD:
        return np.full(1 + len(points), 0.5)
    chosen = [np.array([orbit.point == point for orbit in found.orbits]) for point in points]
    means = [np.average(values[mask], weights=counts[mask]) for mask in (np.full(len(values), fill_value=True), *chosen)]
    return (np.array(means) - low) / (high - low)


def _electronegativity(occupants: Occupants) -> float:
    from whorl.catalogues.ions import electronegativity, is_known

    known = [(electronegativity(element), occupancy) for element, occupancy in occupants if is_known(element)]
    return sum(value * n for value, n in known) / sum(n for _, n in known) if known else 2.0


@lru_cache(maxsize=1)
def _members() -> dict[int, list[Member]]:
    """Built-in compounds by space group."""
    found: dict[int, list[Member]] = {}
    for built_in in (elements, compounds):
        for member in built_in.catalogue().members.values():
            found.setdefault(member.number, []).append(member)
    return found


@lru_cache(maxsize=256)
def _known(number: int) -> tuple[_Known, ...]:
    found = [(member, likeness(member.crystal)) for member in _members().get(number, [])]
    return tuple(_Known(m.family, one.points, one.shape, _Chemistry.of(one)) for m, one in found)
