"""What of a structure is worth drawing: atoms with radii, bonds by distance, cell edges; still in three dimensions.

A crystal shows its unit cell with the atoms on faces, edges and corners repeated on the opposite side. Two atoms are bonded
when they are closer than 1.22 times the sum of their covalent radii; where a structure has both metals and non-metals, only
bonds between the two kinds are drawn. A metallic cluster is drawn as touching spheres and without its hidden inside.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import ANY_ELEMENT, SYMBOLS, Cluster, Crystal, Hypothesis

Array = NDArray[np.float64]
#: elements and their shares on one position; shares below 1 in sum leave a vacancy
Mixture = tuple[tuple[str, float], ...]

_NON_METALS = frozenset("H D He B C N O F Ne Si P S Cl Ar Se Br Kr I Xe As Te".split())
_BOND_FACTOR = 1.22
_MOST_ATOMS = 1500


@dataclass(frozen=True)
class Scene:
    """Atoms, bonds and edges in angstrom.

    ``positions`` (n, 3); ``species`` one mixture per atom; ``radii`` (n,); ``bonds`` (m, 2) indices; ``edges`` (k, 2, 3) ends
    of lines; ``cell`` cell vectors as rows; ``hidden`` atoms left out because others cover them.
    """

    positions: Array
    species: tuple[Mixture, ...]
    radii: Array
    bonds: NDArray[np.intp] = field(default_factory=lambda: np.zeros((0, 2), dtype=np.intp))
    edges: Array = field(default_factory=lambda: np.zeros((0, 2, 3)))
    cell: Array | None = None
    hidden: int = 0
    crystal: bool = False

    @property
    def elements(self) -> list[str]:
        """Elements in the order of first appearance."""
        return list(dict.fromkeys(element for mixture in self.species for element, _ in mixture))


def scene_of(structure: Hypothesis) -> Scene | None:
    """Give the scene of a crystal or a cluster; ``None`` for what has no atoms to draw or too many.

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> po = Crystal("Po", cell=(3.35, 3.35, 3.35, 90, 90, 90), space_group="221", sites=(Site("Po", (0, 0, 0)),))
    >>> scene = scene_of(po)
    >>> len(scene.positions), len(scene.bonds), len(scene.edges)
    (8, 12, 12)
    """
    if isinstance(structure, Crystal):
        return _crystal(structure)
    if isinstance(structure, Cluster):
        return _cluster(structure)
    return None


def covalent_radius(symbol: str) -> float:
    """Covalent radius in angstrom (Cordero et al. 2008, doi:10.1039/b801115j, by way of ASE); 1.4 for an open element."""
    from ase.data import atomic_numbers, covalent_radii

    if symbol == ANY_ELEMENT:
        return 1.4
    return float(covalent_radii[atomic_numbers["H" if symbol == "D" else symbol]])


def cell_matrix(cell: tuple[float, ...]) -> Array:
    """Cell vectors as rows, shape (3, 3), angstrom: a along x, b in the xy plane.

    Examples
    --------
    >>> cell_matrix((2, 3, 4, 90, 90, 90)).round(6).tolist()
    [[2.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 4.0]]
    """
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:6]))
    sg = np.sqrt(1 - cg * cg)
    y = (ca - cb * cg) / sg
    rows = [[a, 0, 0], [b * cg, b * sg, 0], [c * cb, c * y, c * np.sqrt(max(1 - cb * cb - y * y, 0.0))]]
    return np.array(rows, dtype=np.float64)


def _crystal(crystal: Crystal) -> Scene | None:
    where = crystal.expansion
    if len(where.site) > _MOST_ATOMS:
        return None
    origin = np.zeros(3)
    if len(where.site) <= 4 and not np.any(np.isclose(where.position, 0.0, atol=1e-3)):
        origin = where.position[0]  # a cell of few atoms, all inside: an atom at the corners shows more
    shared: dict[tuple[int, ...], list[tuple[str, float]]] = defaultdict(list)
    place: dict[tuple[int, ...], Array] = {}
    for site, position in zip(where.site, (where.position - origin + 1e-6) % 1.0 - 1e-6, strict=True):
        key = tuple(int(v) for v in np.round(position * 500).astype(int) % 500)
        found = crystal.sites[int(site)]
        shared[key].append((found.element, float(found.occupancy)))
        place[key] = position
    fractional: list[Array] = []
    species: list[Mixture] = []
    edge = 0.03 / np.asarray(crystal.cell[:3])  # closer than 0.03 angstrom to a face counts as on it
    for key, position in place.items():
        mixture = tuple(sorted(shared[key], key=lambda pair: -pair[1]))
        images = np.array([position])
        for axis in range(3):
            for step, near in ((1.0, position[axis] < edge[axis]), (-1.0, position[axis] > 1 - edge[axis])):
                if near:
                    shift = np.zeros(3)
                    shift[axis] = step
                    images = np.concatenate([images, images + shift])
        fractional += list(images)
        species += [mixture] * len(images)
    matrix = cell_matrix(crystal.cell)
    positions = np.array(fractional) @ matrix
    names = [m[0][0] for m in species]
    corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)], dtype=np.float64)
    edges = [(p @ matrix, (p + step) @ matrix) for step in np.eye(3) for p in corners if p @ step == 0]
    radii = 0.42 * np.array([covalent_radius(n) for n in names])
    return Scene(
        positions,
        tuple(species),
        radii,
        _bonds(positions, names),
        np.array(edges),
        matrix,
        crystal=True,
    )


def _cluster(cluster: Cluster) -> Scene | None:
    positions = cluster.positions
    names = list(cluster.symbols)
    if len(names) == 1:
        return Scene(positions, (((names[0], 1.0),),), np.array([covalent_radius(names[0])]))
    from scipy.spatial import cKDTree

    tree = cKDTree(positions)
    distances = np.asarray(tree.query(positions, k=2)[0])[:, 1]
    nearest = float(np.median(distances)) or 1.0
    keep = np.ones(len(names), dtype=np.bool_)
    metallic = not (set(names) & _NON_METALS)
    if metallic:
        neighbours = np.asarray(tree.query_ball_point(positions, 1.22 * nearest, return_length=True)) - 1
        keep = neighbours < 12 if len(names) > 60 else keep
        radii = np.full(len(names), 0.5 * nearest)
        bonds = np.zeros((0, 2), dtype=np.intp)
    else:
        unit = nearest if cluster.bond_free else 1.0
        radii = 0.45 * np.array([covalent_radius(n) for n in names]) * (unit / 2.0 if cluster.bond_free else 1.0)
        bonds = _bonds(positions, names) if not cluster.bond_free else np.zeros((0, 2), dtype=np.intp)
    if keep.sum() > _MOST_ATOMS:
        return None
    species = tuple(((n, 1.0),) for n, k in zip(names, keep, strict=True) if k)
    return Scene(positions[keep], species, radii[keep], bonds if keep.all() else bonds[:0], hidden=int((~keep).sum()))


def _bonds(positions: Array, names: list[str]) -> NDArray[np.intp]:
    """Pairs of bonded atoms, shape (m, 2)."""
    from scipy.spatial import cKDTree

    radius = np.array([covalent_radius(n) for n in names])
    metal = np.array([n not in _NON_METALS and n in SYMBOLS for n in names])
    pairs = cKDTree(positions).query_pairs(2 * _BOND_FACTOR * float(radius.max()), output_type="ndarray")
    if not len(pairs):
        return np.zeros((0, 2), dtype=np.intp)
    i, j = pairs.T
    length = np.linalg.norm(positions[i] - positions[j], axis=1)
    bonded = (length < _BOND_FACTOR * (radius[i] + radius[j])) & (length > 0.4)
    unlike = metal[i] != metal[j]
    if (bonded & unlike).any():
        bonded &= unlike | (~metal[i] & ~metal[j] & (length < 1.1 * (radius[i] + radius[j])))
    return np.asarray(pairs[bonded], dtype=np.intp)
