"""Which sites of a prototype carry the same element: its species, their oxidation states and coordination numbers.

Compounds of one prototype belong together when the same sites share an element in each and the same species are anions. In
MgAl2O4 the spinel has three species, in Fe3O4 two, in Li4Ti5O12 three of which one is on two sites: three templates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues import ions
from whorl.catalogues.prototypes import Member
from whorl.core.hypothesis import Crystal

Array = NDArray[np.float64]
#: per site the species and occupancy of each occupant
Pattern = tuple[tuple[tuple[int, float], ...], ...]
#: a difference of electronegativity below which a neutral assignment of charges says nothing about bonding
_LEAST_IONIC = 0.1
#: distances are compared up to this one, and are the same when they differ by less (angstrom)
_REACH, _SAME = 6.0, 0.05


@dataclass(frozen=True)
class Occupation:
    """A compound seen as elements on species.

    Attributes
    ----------
    member : Member
    elements : tuple of str
        Element of each species.
    states : tuple of float
        Oxidation state of each species, 0 for an alloy.
    """

    member: Member
    elements: tuple[str, ...]
    states: tuple[float, ...]


@dataclass(frozen=True)
class Template:
    """Compounds of one prototype in which the same sites share an element and the same species are anions.

    Attributes
    ----------
    family : str
    pattern : tuple
    signs : tuple of int
        +1 for a cation, -1 for an anion, 0 for each species of an alloy.
    counts : tuple of float
        Atoms of each species in the cell.
    occupations : tuple of Occupation
        The known compounds.
    """

    family: str
    pattern: Pattern
    signs: tuple[int, ...]
    counts: tuple[float, ...]
    occupations: tuple[Occupation, ...]

    @cached_property
    def bonds(self) -> Array:
        """Neighbours of the other sign that an atom of each species has of each species, shape (species, species)."""
        return neighbours(self.occupations[0].member.crystal, self.pattern, self.signs)

    @cached_property
    def twins(self) -> tuple[tuple[int, ...], ...]:
        """Species that can exchange their elements without a change of the distances: the two of CsCl, two on one site."""
        return _twins(self.occupations[0].member.crystal, self.pattern, self.signs, self.counts)

    def canonical(self, elements: Sequence[str]) -> tuple[str, ...]:
        """The same structure with the elements of twins in alphabetical order.

        Parameters
        ----------
        elements : sequence of str
            By species.
        """
        found = list(elements)
        for group in self.twins:
            for species, element in zip(group, sorted(elements[i] for i in group), strict=True):
                found[species] = element
        return tuple(found)


def species_of(member: Member) -> tuple[tuple[str, ...], Pattern, tuple[float, ...]]:
    """Number the elements of a compound in the order of its sites.

    Returns
    -------
    elements : tuple of str
        By species.
    pattern : tuple
        Per site, the species and occupancy of each occupant.
    counts : tuple of float
        Atoms in the cell, by species.
    """
    elements = tuple(dict.fromkeys(element for _, _, _, occupants in member.sites for element, _ in occupants))
    pattern = tuple(
        tuple((elements.index(element), round(occupancy, 4)) for element, occupancy in occupants)
        for _, _, _, occupants in member.sites
    )
    return elements, pattern, tuple(member.contents[element] for element in elements)


def templates(members: Iterable[Member]) -> list[Template]:
    """Sort compounds into templates, in their order.

    Examples
    --------
    >>> from whorl.catalogues.crystals import DATA
    >>> from whorl.catalogues.prototypes import read_members
    >>> found = templates(read_members(DATA / "compounds_ternary.toml"))
    >>> [(t.signs, t.occupations[0].member.formula) for t in found if t.family == "spinel"][:2]
    [((1, 1, -1), 'MgAl2O4'), ((1, -1), 'Fe3O4')]
    """
    groups: dict[tuple[object, ...], list[Occupation]] = {}
    sizes: dict[tuple[object, ...], tuple[float, ...]] = {}
    for member in members:
        elements, pattern, counts = species_of(member)
        if not all(ions.is_known(element) for element in elements):
            continue
        states = _states(member, elements)
        signs = tuple(int(np.sign(q)) for q in states)
        places = tuple((multiplicity, letter, xyz) for multiplicity, letter, xyz, _ in member.sites)
        key = (member.family, member.space_group, places, pattern, signs)
        groups.setdefault(key, []).append(Occupation(member, elements, states))
        sizes[key] = counts
    return [
        Template(str(key[0]), key[3], key[4], sizes[key], tuple(found))  # type: ignore[arg-type]
        for key, found in groups.items()
    ]


def neighbours(crystal: Crystal, pattern: Pattern, signs: tuple[int, ...]) -> Array:
    """Effective numbers of neighbours of the other sign (in an alloy: of any kind) by species, shape (species, species).

    A neighbour counts exp(1 - (d/d0)^6), d0 being the mean distance so weighted: the effective coordination number (R. Hoppe,
    Z. Kristallogr. 150, 23 (1979), doi:10.1524/zkri.1979.150.14.23). Row i belongs to the atoms of species i.
    """
    where = crystal.expansion
    flat = [(species, occupancy) for site in pattern for species, occupancy in site]
    species = np.array([s for s, _ in flat])[where.site]
    occupancy = np.array([o for _, o in flat])[where.site]
    images = np.array(list(product((-1, 0, 1), repeat=3)), dtype=np.float64)
    total = np.zeros((len(signs), len(signs)))
    weight = np.zeros(len(signs))
    sign = np.array(signs)
    for site in np.unique(where.site):
        atom = int(np.flatnonzero(where.site == site)[0])
        own = int(species[atom])
        other = sign[species] != sign[own] if sign.any() else np.ones(species.size, dtype=bool)
        delta = where.position[None, other] - where.position[atom] + images[:, None]
        distance = np.sqrt(np.einsum("abi,ij,abj->ab", delta, crystal.metric, delta))
        kind = np.broadcast_to(species[other], distance.shape)
        part = np.broadcast_to(occupancy[other], distance.shape)
        real = distance > 0.6  # a disordered site's other places are no neighbours
        number = np.bincount(kind[real], _effective(distance[real], part[real]), minlength=len(signs))
        share = float(occupancy[where.site == site].sum())
        total[own] += share * number
        weight[own] += share
    found: Array = total / np.maximum(weight, 1e-12)[:, None]
    return found


def _twins(
    crystal: Crystal, pattern: Pattern, signs: tuple[int, ...], counts: tuple[float, ...]
) -> tuple[tuple[int, ...], ...]:
    pairs = [(i, j) for j in range(len(signs)) for i in range(j) if signs[i] == signs[j] and abs(counts[i] - counts[j]) < 1e-3]
    if not pairs:
        return ()
    distances = _distances(crystal, pattern, len(signs))
    groups: list[list[int]] = []
    for i, j in pairs:
        swap = {i: j, j: i}
        same = all(
            _alike(distances[a, b], distances[swap.get(a, a), swap.get(b, b)]) for a in (i, j) for b in range(len(signs))
        )
        home = next((group for group in groups if i in group), None)
        if same and home is not None:
            home.extend([] if j in home else [j])
        elif same:
            groups.append([i, j])
    return tuple(tuple(group) for group in groups)


def _distances(crystal: Crystal, pattern: Pattern, count: int) -> dict[tuple[int, int], Array]:
    """Sorted distances from the places of one species to those of another, up to `_REACH`."""
    where = crystal.expansion
    places: list[list[NDArray[np.int64]]] = [[] for _ in range(count)]
    number = 0
    for site in pattern:
        for species, _ in site:
            places[species].append(np.flatnonzero(where.site == number))
            number += 1
    lengths = np.array(crystal.cell[:3]) * np.sin(np.radians(min(*crystal.cell[3:], *(180 - x for x in crystal.cell[3:]))))
    steps = [range(-n, n + 1) for n in np.ceil(_REACH / lengths).astype(int)]
    images = np.array(list(product(*steps)), dtype=np.float64)
    found: dict[tuple[int, int], Array] = {}
    for a in range(count):
        for b in range(count):
            start, end = (where.position[np.concatenate(places[s])] for s in (a, b))
            delta = (end[None, :, None] - start[:, None, None] + images).reshape(-1, 3)
            distance = np.sqrt(np.einsum("ni,ij,nj->n", delta, crystal.metric, delta))
            found[a, b] = np.sort(distance[distance < _REACH])
    return found


def _alike(one: Array, other: Array) -> bool:
    shared = min(len(one), len(other))
    near = np.max(np.abs(one[:shared] - other[:shared]), initial=0.0) < _SAME
    # the last shell may be cut by the reach for one of the two
    rest = np.concatenate([one[shared:], other[shared:]])
    return bool(near) and bool(np.all(rest > _REACH - _SAME))


def _effective(distance: Array, occupancy: Array) -> Array:
    mean = float(distance.min())
    for _ in range(20):
        weight = occupancy * np.exp(1 - np.minimum(distance / mean, 3.0) ** 6)
        mean = float((weight * distance).sum() / weight.sum())
    found: Array = occupancy * np.exp(1 - np.minimum(distance / mean, 3.0) ** 6)
    return found


def _states(member: Member, elements: tuple[str, ...]) -> tuple[float, ...]:
    found = ions.charges(member.contents)
    if found is None:
        return (0.0,) * len(elements)
    anions = [ions.electronegativity(el) for el in elements if found.state[el] < 0]
    cations = [ions.electronegativity(el) for el in elements if found.state[el] > 0]
    if min(anions) - min(cations) < _LEAST_IONIC:
        return (0.0,) * len(elements)
    return tuple(found.state[el] for el in elements)
