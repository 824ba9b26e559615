"""Crystals made by symmetry: for learning from structures where no database of structures may be shipped.

A *parent* is a space group, a few of its Wyckoff positions, a cell and elements. A random parent is packed: its free cell
parameters and coordinates are improved until atoms touch at sensible distances, because symmetry alone gives gases, and real
crystals are dense. *Children* of a parent are its relatives: other elements of the same kind, moved coordinates and a strained
cell, all within the symmetry, as the entries of one structure type are in a database of crystals. Children are made of random
parents and of the catalogue's compounds alike.

Contacts are sums of covalent radii (Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j, as tabulated in ase);
anions keep a van der Waals-like distance from each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Crystal
from whorl.learning.packing import closest, pack
from whorl.learning.wyckoff import Position, positions_of, site_position, symmetry_of
from whorl.physics.symmetry import metric_tensor

Array = NDArray[np.float64]
Index = NDArray[np.int64]

ANIONS = ("O", "O", "O", "O", "F", "S", "S", "Se", "Te", "Cl", "Br", "I", "N")
CATIONS = tuple(
    "Li Na K Rb Cs Be Mg Ca Sr Ba Sc Y La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Ti Zr Hf V Nb Ta Cr Mo W Mn Re Fe Ru Os Co Rh "
    "Ir Ni Pd Pt Cu Ag Au Zn Cd Hg B Al Ga In Tl Si Ge Sn Pb P As Sb Bi Th U".split()
)
METALS = tuple(
    "Li Na K Mg Ca Sr Ba Sc Y La Ce Nd Gd Er Yb Ti Zr Hf V Nb Ta Cr Mo W Mn Fe Ru Os Co Rh Ir Ni Pd Pt Cu Ag Au Zn Cd Al Ga In "
    "Tl Si Ge Sn Pb As Sb Bi B C Th U".split()
)
_SPREAD = 0.7  # angstrom: what an anion's contact with another anion exceeds the covalent radius by
_LEAST_PACKING = 0.22


@dataclass(frozen=True)
class Parent:
    """A crystal whose freedom under its symmetry is known.

    Attributes
    ----------
    number : int
        Space group.
    cell : array, shape (6,)
        angstrom and degrees.
    positions : tuple of Position
        One for each independent site.
    free : tuple of arrays, shape (p_s,)
        Values of each site's free coordinates.
    elements : tuple of str
        One for each site.
    occupancy : tuple of float
    key : str
        Structure type: the group, and multiplicity and freedom of each occupied position, elements told apart but not named.
        Isopointal crystals share it.
    """

    number: int
    cell: Array
    positions: tuple[Position, ...]
    free: tuple[Array, ...]
    elements: tuple[str, ...]
    occupancy: tuple[float, ...]
    key: str = ""

    @property
    def atoms(self) -> int:
        """Sites of the cell."""
        return sum(p.multiplicity for p in self.positions)


@dataclass(frozen=True)
class Packed:
    """Arrays of a crystal for the kernels: ``atom`` (n, 3) fractional, ``site`` (n,), ``first`` (s,) atom of each site."""

    atom: Array
    site: Index
    first: Index


def structure_type(number: int, positions: tuple[Position, ...], elements: tuple[str, ...]) -> str:
    """Name of a structure type: "225 4.0|4.0" for rock salt."""
    species: dict[str, list[str]] = {}
    for p, e in zip(positions, elements, strict=True):
        species.setdefault(e, []).append(f"{p.multiplicity}.{p.basis.shape[1]}")
    return f"{number} " + "|".join(sorted("+".join(sorted(v)) for v in species.values()))


def random_parent(number: int, rng: np.random.Generator) -> Parent | None:
    """Draw a crystal of a space group; ``None`` when the draw is too loose, or has a higher symmetry than asked for.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> found = [p for p in (random_parent(136, rng) for _ in range(40)) if p]
    >>> all(space_group_of(p) == 136 for p in found), len(found) > 5
    (True, True)
    """
    positions = _choose_positions(number, rng)
    if not positions:
        return None
    multiplicity = np.array([p.multiplicity for p in positions])
    elements = _choose_elements(multiplicity, rng)
    contact = contacts(elements, rng.uniform(0.92, 1.06), rng.uniform(0.9, 1.1))
    cell, free, packing = pack(number, positions, contact, rng)
    if packing < _LEAST_PACKING:
        return None
    parent = Parent(number, cell, positions, free, elements, (1.0,) * len(positions), "")
    parent = replace(_touching(parent, contact, rng.uniform(0.97, 1.06)), key=structure_type(number, positions, elements))
    return parent if space_group_of(parent) == number else None


def parent_of(crystal: Crystal) -> Parent:
    """Read a crystal of the catalogue as a parent, in its own setting."""
    rotations, translations = crystal.symmetry
    found = [site_position(rotations, translations, np.array(site.position)) for site in crystal.sites]
    positions = tuple(p for p, _ in found)
    elements = tuple(site.element for site in crystal.sites)
    return Parent(
        crystal.space_group_number,
        np.array(crystal.cell, dtype=np.float64),
        positions,
        tuple(f for _, f in found),
        elements,
        tuple(site.occupancy for site in crystal.sites),
        structure_type(crystal.space_group_number, positions, elements),
    )


def child_of(parent: Parent, rng: np.random.Generator, *, substitute: bool = True) -> Parent:
    """Draw a relative: other elements, moved coordinates, a strained cell, the same symmetry.

    Parameters
    ----------
    parent : Parent
    rng : Generator
    substitute : bool
        Whether elements change.
    """
    elements = _substituted(parent.elements, rng) if substitute else parent.elements
    spread = np.exp(rng.uniform(np.log(0.005), np.log(0.12)))  # angstrom
    metric = metric_tensor(parent.cell)
    free = []
    for p, f in zip(parent.positions, parent.free, strict=True):
        length = np.sqrt(np.einsum("ip,ij,jp->p", p.basis, metric, p.basis))
        free.append(f + rng.normal(0, spread, f.size) / np.maximum(length, 1e-9))
    strain = np.exp(rng.uniform(np.log(0.003), np.log(0.03)))
    cell = _strained(parent.cell, parent.number, strain, rng)
    old = contacts(parent.elements, 1.0, 1.0)
    new = contacts(elements, 1.0, 1.0)
    ratio = closest_ratio(parent, old)
    child = replace(parent, cell=cell, free=tuple(free), elements=elements)
    found = closest_ratio(child, new)
    if not 0.4 < ratio < 3 or found <= 0.05:
        return parent
    scale = np.clip(ratio / found, 0.6, 1.6) * np.exp(rng.normal(0, 0.02))
    cell = cell.copy()
    cell[:3] *= scale
    return replace(child, cell=cell)


def expand(parent: Parent) -> Packed:
    """All atoms of the cell."""
    atom, site, first = [], [], []
    count = 0
    for s, (p, f) in enumerate(zip(parent.positions, parent.free, strict=True)):
        x = p.rotations @ (p.origin + p.basis @ f) + p.translations
        first.append(count)
        atom.append(x - np.floor(x))
        site.append(np.full(len(x), s))
        count += len(x)
    return Packed(np.concatenate(atom), np.concatenate(site).astype(np.int64), np.array(first, dtype=np.int64))


def space_group_of(parent: Parent, *, tolerance: float = 0.03) -> int:
    """Space group that spglib finds, 0 when it finds none; ``tolerance`` in angstrom."""
    import warnings

    import spglib

    packed = expand(parent)
    cell = _vectors(parent.cell)
    labels = np.array([list(dict.fromkeys(parent.elements)).index(e) + 1 for e in parent.elements])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib announces that a failure, None today, will be an error
        data = spglib.get_symmetry_dataset((cell, packed.atom, labels[packed.site]), symprec=tolerance)
    return int(data.number) if data is not None else 0


def contacts(elements: tuple[str, ...], contact: float, repulsion: float) -> Array:
    """Expected shortest distances between the atoms of two sites, shape (s, s), angstrom.

    Parameters
    ----------
    elements : tuple of s str
    contact, repulsion : float
        Factors on distances between unlike and between like charges.
    """
    radius = np.array([_radius(e) for e in elements])
    ionic = any(e in ANIONS for e in elements) and any(e not in ANIONS for e in elements)
    out = (radius[:, None] + radius[None, :]) * contact
    if ionic:
        anion = np.array([e in ANIONS for e in elements])
        both = anion[:, None] & anion[None, :]
        out = np.where(both, (radius[:, None] + radius[None, :] + 2 * _SPREAD) * 0.97 * repulsion, out)
        neither = ~anion[:, None] & ~anion[None, :]
        out = np.where(neither, (radius[:, None] + radius[None, :]) * repulsion, out)
    return np.asarray(out)


def closest_ratio(parent: Parent, contact: Array) -> float:
    """Smallest distance in units of the expected contact."""
    packed = expand(parent)
    return float(np.sqrt(closest(metric_tensor(parent.cell), packed.atom, packed.site, packed.first, contact)))


@lru_cache(maxsize=128)
def _radius(element: str) -> float:
    from ase.data import atomic_numbers, covalent_radii

    return float(covalent_radii[atomic_numbers["H" if element == "D" else element]])


def _vectors(cell: Array) -> Array:
    return np.asarray(np.linalg.cholesky(metric_tensor(cell)), dtype=np.float64)


def _choose_positions(number: int, rng: np.random.Generator) -> tuple[Position, ...]:
    """Wyckoff positions of a crystal, small and large ones, none of a point twice."""
    classes = positions_of(number)
    order, centring = symmetry_of(number)[0].shape[0], symmetry_of(number)[2]
    low, high = (1, 24) if order / centring > 8 else (2, 36)
    target = np.exp(rng.uniform(np.log(low), np.log(high))) * centring
    target = max(target, min(c[0].multiplicity for c in classes))
    chosen: list[Position] = []
    total = 0
    used: set[int] = set()
    for _ in range(30):
        group = classes[int(rng.integers(len(classes)))]
        p = group[int(rng.integers(len(group)))]
        if total + p.multiplicity > 1.3 * target or len(chosen) >= 10 or (p.basis.shape[1] == 0 and id(p) in used):
            continue
        used.add(id(p))
        chosen.append(p)
        total += p.multiplicity
        if total > 0.7 * target:
            break
    return tuple(chosen)


def _choose_elements(multiplicity: Index, rng: np.random.Generator) -> tuple[str, ...]:
    sites = multiplicity.size
    if sites >= 2 and rng.random() < 0.65:
        share = rng.uniform(0.45, 0.75) * multiplicity.sum()
        order = rng.permutation(sites)
        anions: set[int] = set()
        total = 0
        for s in order[:-1]:
            if total < share:
                anions.add(int(s))
                total += int(multiplicity[s])
        kinds = rng.choice(ANIONS, size=1 if rng.random() < 0.85 else 2)
        cations = rng.choice(CATIONS, size=min(sites - len(anions), int(rng.integers(1, 4))), replace=False)
        return tuple(str(rng.choice(kinds)) if s in anions else str(rng.choice(cations)) for s in range(sites))
    kinds = rng.choice(METALS, size=min(sites, int(rng.choice([1, 2, 3, 4], p=[0.1, 0.4, 0.4, 0.1]))), replace=False)
    return tuple(str(rng.choice(kinds)) for _ in range(sites))


def _substituted(elements: tuple[str, ...], rng: np.random.Generator) -> tuple[str, ...]:
    ionic = any(e in ANIONS for e in elements) and any(e not in ANIONS for e in elements)
    table: dict[str, str] = {}
    for e in dict.fromkeys(elements):
        if rng.random() < 0.2:
            table[e] = e
            continue
        pool = ANIONS if ionic and e in ANIONS else CATIONS if ionic else METALS
        free = [x for x in pool if x not in table.values()] or list(pool)
        near = sorted(free, key=lambda x, e=e: abs(_radius(x) - _radius(e)))[: max(len(free) // 2, 6)]  # type: ignore[misc]
        table[e] = str(rng.choice(near))
    if len(set(table.values())) < len(table):
        return elements
    return tuple(table[e] for e in elements)


def _strained(cell: Array, number: int, strain: float, rng: np.random.Generator) -> Array:
    """Change the free parameters of a cell a little."""
    out = cell.copy()
    f = np.exp(rng.normal(0, strain, 3))
    if number >= 195:
        return out
    if number >= 75:
        rhombohedral = abs(cell[0] - cell[2]) < 1e-6 and abs(cell[3] - cell[5]) < 1e-6 and cell[3] != 90
        out[:3] = cell[:3] if rhombohedral else cell[:3] * np.array([f[0], f[0], f[2]])
        return out
    out[:3] = cell[:3] * f
    if number < 16:
        tilted = np.abs(cell[3:] - 90) > 1e-9
        out[3:][tilted] += rng.normal(0, 60 * strain, 3)[tilted]
    return out


def _touching(parent: Parent, contact: Array, ratio: float) -> Parent:
    """Scale the cell so that the closest contact is ``ratio`` times the expected one."""
    cell = parent.cell.copy()
    cell[:3] *= ratio / max(closest_ratio(parent, contact), 1e-6)
    return replace(parent, cell=cell)
