"""What crystals are compared by, whatever cell, setting, origin and order of sites they are written in.

A crystal is reduced to its space-group number, its orbits (atoms of the primitive cell, site symmetry, occupants), the lengths
of the seven Voronoi vectors of its lattice, and the distances from each kind of site to its nearest neighbours. Two crystals
with equal space group and orbits are isopointal; where the distances agree too they are isoconfigurational (Lima-de-Faria,
Hellner, Liebau, Makovicky, Parthe, Acta Cryst. A 46, 1 (1990), doi:10.1107/S0108767389008834). The lengths of the Voronoi
vectors determine a lattice and change smoothly with it (Conway, Sloane, Proc. R. Soc. A 436, 55 (1992),
doi:10.1098/rspa.1992.0004).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import SYMBOLS, Crystal, Site
from whorl.physics.symmetry import metric_tensor

Array = NDArray[np.float64]
Occupants = tuple[tuple[str, float], ...]

#: lengths of the lattice among the measures
LATTICE = 7
#: neighbours whose distances are compared
NEIGHBOURS = 12
#: two images nearer than this are one atom, angstrom (as in `Crystal.expansion`)
_SAME = 1e-3**0.5
_SIGNS = np.array([(i, j) for i in (0, -1, 1) for j in (0, -1, 1)], dtype=float)
#: cells of more atoms are compared by lattice and orbits alone
_MOST_ATOMS = 400
#: neighbours are looked for within this many edges of the mean volume of an atom
_REACH = 2.6
#: the weight of a charge falls to nothing at these distances
_WIDTHS = (2.0, _REACH)


@dataclass(frozen=True)
class Orbit:
    """Symmetry-equivalent atoms: how many in the primitive cell and in the cell as written, site symmetry, occupants."""

    count: int
    multiplicity: int
    symmetry: str
    occupants: Occupants

    @property
    def point(self) -> tuple[int, str]:
        """What isopointal structures have in common."""
        return self.count, self.symmetry


@dataclass(frozen=True)
class Likeness:
    """What a crystal is compared by.

    Attributes
    ----------
    number : int
        Space group.
    elements : tuple of str
        In the order of the sites.
    orbits : tuple of Orbit
        In the order of the sites; sites that share a position are one orbit.
    lattice : array, shape (7,)
        Lengths of the Voronoi vectors of the lattice, ascending, angstrom.
    edge : float
        Cube root of the mean volume of an atom, angstrom.
    near : array, shape (len(orbits), NEIGHBOURS)
        Distances of each orbit to its nearest neighbours in units of ``edge``, at most 2.6; empty for very large cells.
    charge : array, shape (len(orbits), 2)
        Nuclear charge around each orbit relative to the mean one, weighted by (1 - d^2 / w^2)^2 up to distances w of 2 and of
        2.6 edges; empty for very large cells.
    """

    number: int
    elements: tuple[str, ...]
    orbits: tuple[Orbit, ...]
    lattice: Array
    edge: float
    near: Array
    charge: Array

    @property
    def points(self) -> tuple[tuple[int, str], ...]:
        """Atoms and site symmetry of each orbit, sorted: equal for isopointal structures of one space group."""
        return tuple(sorted(orbit.point for orbit in self.orbits))

    @property
    def contents(self) -> dict[str, float]:
        """Atoms of each element in the cell as written, occupancies counted, in the order of the sites."""
        found = dict.fromkeys(self.elements, 0.0)
        for orbit in self.orbits:
            for element, occupancy in orbit.occupants:
                found[element] += orbit.multiplicity * occupancy
        return found

    @property
    def atoms(self) -> int:
        """Sites of the cell as written, one for each occupant."""
        return sum(orbit.multiplicity * len(orbit.occupants) for orbit in self.orbits)

    @cached_property
    def shape(self) -> Array:
        """Distances to neighbours, averaged over the orbits of each point: what isoconfigurational structures share."""
        return _averaged(self.near, [orbit.point for orbit in self.orbits], [orbit.count for orbit in self.orbits])

    @property
    def kind(self) -> str:
        """Text that is equal for crystals of one space group whose orbits hold the same."""
        orbits = sorted(f"{o.count} {o.symmetry} {_written(o.occupants)}" for o in self.orbits)
        return f"{self.number}: {'; '.join(orbits)}"

    @property
    def measures(self) -> Array:
        """Numbers that agree within a tolerance for crystals of one ``kind`` that are the same.

        Lengths of the lattice, then distances and charges averaged over the orbits that hold the same.
        """
        labels = [(*o.point, _written(o.occupants)) for o in self.orbits]
        both = _averaged(np.hstack([self.near, self.charge]), labels, [o.count for o in self.orbits])
        return np.concatenate([self.lattice, both.ravel()])


def likeness(crystal: Crystal) -> Likeness:
    """Reduce a crystal to what it is compared by, from the symmetry it states.

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> salt = Crystal("NaCl", cell=(5.64, 5.64, 5.64, 90, 90, 90), space_group="225",
    ...                sites=(Site("Na", (0, 0, 0)), Site("Cl", (0.5, 0.5, 0.5))))
    >>> found = likeness(salt)
    >>> found.number, found.points, found.near[0, :7].round(3).tolist()
    (225, ((1, 'm-3m'), (1, 'm-3m')), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.414])
    """
    setting = _setting(crystal.space_group) if crystal.operations is None else _Setting.of(*crystal.symmetry)
    cell = metric_tensor(np.array(crystal.cell, dtype=float))
    metric = setting.basis @ cell @ setting.basis.T
    orbits: list[Orbit] = []
    atoms: list[Array] = []
    for position, occupants in _merged(crystal):
        image = setting.rotations @ position + setting.translations
        off = (image - position) @ setting.inverse
        off -= np.round(off)
        fixed = np.einsum("ni,ni->n", off @ metric, off) < _SAME**2
        place = image @ setting.inverse
        place = _distinct(place - np.floor(place + 1e-9), metric)
        orbits.append(
            Orbit(
                len(place),
                len(place) * setting.centring,
                _point_group(setting.rotations[fixed].round().astype(int).tobytes()),
                occupants,
            )
        )
        atoms.append(place)
    primitive = setting.basis @ np.linalg.cholesky(cell)
    near, charge, edge = _surroundings(primitive, atoms, orbits)
    number = crystal.space_group_number
    elements = tuple(dict.fromkeys(site.element for site in crystal.sites))
    return Likeness(number, elements, tuple(orbits), _voronoi(primitive), edge, near, charge)


@dataclass(frozen=True)
class _Setting:
    """The operations of a space group without the centring, and a primitive basis (rows, in units of the cell's edges)."""

    rotations: Array
    translations: Array
    basis: Array
    inverse: Array
    centring: int

    @classmethod
    def of(cls, rotations: Array, translations: Array) -> _Setting:
        first = {rotation.tobytes(): i for i, rotation in reversed(list(enumerate(rotations + 0.0)))}
        keep = sorted(first.values())
        basis = _primitive(translations[np.abs(rotations - np.eye(3)).max(axis=(1, 2)) < 1e-9])
        centring = round(1.0 / abs(float(np.linalg.det(basis))))
        return cls(rotations[keep], translations[keep], basis, np.asarray(np.linalg.inv(basis), dtype=np.float64), centring)


@lru_cache(maxsize=512)
def _setting(space_group: str) -> _Setting:
    return _Setting.of(*Crystal("", space_group=space_group, sites=(Site("H", (0.0, 0.0, 0.0)),)).symmetry)


def _merged(crystal: Crystal) -> list[tuple[Array, Occupants]]:
    """Positions with all that share them."""
    found: dict[tuple[float, ...], tuple[Array, list[tuple[str, float]]]] = {}
    for site in crystal.sites:
        key = tuple(round(v % 1.0, 4) % 1.0 for v in site.position)
        found.setdefault(key, (np.array(site.position, dtype=float), []))[1].append((site.element, site.occupancy))
    return [(position, tuple(sorted(who))) for position, who in found.values()]


def _primitive(centring: Array) -> Array:
    """Give the rows of a primitive basis in units of the cell's edges."""
    if len(centring) == 1:
        return np.eye(3)
    short = centring - np.round(centring)
    vectors = np.concatenate([short[np.abs(short).max(axis=1) > 1e-6], np.eye(3)])
    for rows in combinations(range(len(vectors)), 3):
        basis: Array = vectors[list(rows)]
        if abs(abs(np.linalg.det(basis)) * len(centring) - 1.0) < 1e-6:
            return basis
    return np.eye(3)  # not a lattice: operations that a file lists need not make a group


def _distinct(places: Array, metric: Array) -> Array:
    """Keep one of the positions that coincide."""
    off = places[:, None, :] - places[None, :, :]
    off -= np.round(off)
    same = np.einsum("nmi,nmi->nm", off @ metric, off) < _SAME**2
    first: Array = places[np.argmax(same, axis=1) == np.arange(len(places))]
    return first


@lru_cache(maxsize=4096)
def _point_group(rotations: bytes) -> str:
    matrices = np.frombuffer(rotations, dtype=int).reshape(-1, 3, 3)
    return _names().get(_census(matrices), f"order {len(matrices)}")


def _census(matrices: NDArray[np.int64]) -> tuple[tuple[int, int], ...]:
    """Count the operations by determinant times trace, and determinant: it tells the 32 crystallographic point groups apart."""
    determinant = np.round(np.linalg.det(matrices)).astype(int)
    trace = np.trace(matrices, axis1=1, axis2=2)
    counts = Counter(zip(determinant.tolist(), trace.tolist(), strict=True))
    return tuple(sorted((10 * d + t, n) for (d, t), n in counts.items()))


@lru_cache(maxsize=1)
def _names() -> dict[tuple[tuple[int, int], ...], str]:
    import gemmi

    found: dict[tuple[tuple[int, int], ...], str] = {}
    for group in gemmi.spacegroup_table_itb():
        unique = {tuple(map(tuple, op.rot)) for op in group.operations()}
        found.setdefault(_census(np.array(sorted(unique)) // 24), group.point_group_hm())
    return found


def _voronoi(primitive: Array) -> Array:
    """Lengths of the seven Voronoi vectors of a lattice given by its rows, ascending."""
    import gemmi

    a, b, c = primitive
    d = -(a + b + c)
    selling = gemmi.SellingVector([float(v) for v in (b @ c, a @ c, a @ b, a @ d, b @ d, c @ d)])
    selling.reduce()
    p, q, r, s, t, u = selling.parameters
    squares = np.array([q + r + s, p + r + t, p + q + u, s + t + u, p + q + s + t, q + r + t + u, p + r + s + u])
    lengths: Array = np.sort(np.sqrt(np.abs(squares)))
    return lengths


def _reduced(basis: Array) -> Array:
    """Give a basis of the same lattice with short vectors: few images of a cell then cover a sphere.

    The longest vector is shortened by the others until none gets shorter (Semaev, Lect. Notes Comput. Sci. 2146, 181 (2001),
    doi:10.1007/3-540-44670-2_13).
    """
    short = basis.copy()
    for _ in range(100):
        short = short[np.argsort(np.einsum("ij,ij->i", short, short))]
        tries = short[2] + _SIGNS @ short[:2] - np.round(_projection(short)) @ short[:2]
        best = tries[int(np.argmin(np.einsum("ij,ij->i", tries, tries)))]
        pair = short[1] - np.round(short[1] @ short[0] / (short[0] @ short[0])) * short[0]
        if best @ best > (1 - 1e-9) * (short[2] @ short[2]) and pair @ pair > (1 - 1e-9) * (short[1] @ short[1]):
            break
        short[2], short[1] = best, pair
    return short


def _projection(short: Array) -> Array:
    """The third vector in terms of the first two, as near as their plane allows."""
    gram = short[:2] @ short[:2].T
    found: Array = np.linalg.solve(gram, short[:2] @ short[2])
    return found


def _surroundings(primitive: Array, atoms: list[Array], orbits: list[Orbit]) -> tuple[Array, Array, float]:
    place = np.concatenate(atoms)
    edge = float(abs(np.linalg.det(primitive)) / len(place)) ** (1 / 3)
    if len(place) > _MOST_ATOMS:
        return np.zeros((len(orbits), 0)), np.zeros((len(orbits), 0)), edge
    weight = np.concatenate([np.full(len(part), _charge(o.occupants)) for part, o in zip(atoms, orbits, strict=True)])
    weight /= weight.mean()
    reduced = _reduced(primitive)
    inverse = np.linalg.inv(reduced)
    place = place @ primitive @ inverse
    spacing = 1.0 / np.linalg.norm(inverse, axis=0)
    most = np.floor(_REACH * edge / spacing + 0.5).astype(int)
    grid = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in most), indexing="ij"), axis=-1).reshape(-1, 3)
    shifts = grid @ reduced
    near = np.empty((len(orbits), NEIGHBOURS))
    charge = np.empty((len(orbits), 2))
    starts = np.cumsum([0, *map(len, atoms)])
    long = np.einsum("ti,ti->t", shifts, shifts)
    for i, start in enumerate(starts[:-1]):
        off = place - place[start]
        off = (off - np.round(off)) @ reduced
        square = (np.einsum("ni,ni->n", off, off)[:, None] + long + 2.0 * off @ shifts.T) / edge**2
        square[start, len(shifts) // 2] = np.inf
        atom, shift = np.nonzero(square < _REACH**2)
        inside = np.maximum(square[atom, shift], 0.0)
        nearest = np.sort(inside)[:NEIGHBOURS]
        near[i, : nearest.size] = np.sqrt(nearest)
        near[i, nearest.size :] = _REACH
        charge[i] = [weight[atom] @ np.maximum(1.0 - inside / width**2, 0.0) ** 2 for width in _WIDTHS]
    return near, charge, edge


def _charge(occupants: Occupants) -> float:
    return sum(occupancy * (SYMBOLS.index("H" if element == "D" else element) + 1) for element, occupancy in occupants)


def _averaged(rows: Array, labels: Sequence[tuple[int | str, ...]], weights: Sequence[int]) -> Array:
    """Average the rows of equal labels, the labels sorted."""
    found = []
    for label in sorted(set(labels)):
        chosen = [i for i, other in enumerate(labels) if other == label]
        found.append(np.average(rows[chosen], axis=0, weights=[weights[i] for i in chosen]))
    return np.array(found)


def _written(occupants: Occupants) -> str:
    return "+".join(element if occupancy > 0.995 else f"{element}{occupancy:.2f}" for element, occupancy in occupants)
