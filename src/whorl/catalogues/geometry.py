"""Points of lattices and of stacked close-packed layers, cuts by planes and spheres, and when two clusters are the same.

All lengths are in nearest-neighbour distances of the ideal lattice, so the cubic edges are a = 1 (sc), 2/sqrt(3) (bcc) and
sqrt(2) (fcc). Cubic lattices are handled as integer points in units of a/2: then planes {100}, {110}, {111} are bounds on the
largest |coordinate|, the sum of the two largest and the sum of all three, and no rounding can move an atom in or out.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

#: length of a/2 in nearest-neighbour distances
HALF_EDGE = {"sc": 0.5, "bcc": 1.0 / np.sqrt(3.0), "fcc": np.sqrt(0.5)}
#: distance of two close-packed layers in nearest-neighbour distances
LAYER_SPACING = float(np.sqrt(2.0 / 3.0))
#: slack of comparisons, far below any distance between two shells of atoms
EPS = 1e-6


@lru_cache(maxsize=16)
def cubic_points(lattice: str, reach: int, parity: int = 0) -> Integers:
    """Lattice points of a cube around the origin, in units of a/2.

    Parameters
    ----------
    lattice : {"sc", "bcc", "fcc"}
    reach : int
        Largest |coordinate|.
    parity : int
        0: the origin is an atom. 1: it is the hole at (1/2, 1/2, 1/2) of sc, at (1/2, 0, 0) of fcc (octahedral).

    Returns
    -------
    array of int, shape (n, 3)

    Examples
    --------
    >>> [len(cubic_points(lattice, 2)) for lattice in ("sc", "bcc", "fcc")]
    [27, 35, 63]
    """
    axis = np.arange(-reach, reach + 1)
    grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    odd = grid % 2
    if lattice == "sc":
        keep = np.all(odd == parity, axis=1)
    elif lattice == "bcc":
        keep = np.all(odd == odd[:, :1], axis=1)
    else:
        keep = grid.sum(axis=1) % 2 == parity
    return np.ascontiguousarray(grid[keep])


def facets(points: Integers) -> Integers:
    """Largest |coordinate|, sum of the two largest, sum of all: how far out the point lies along {100}, {110}, {111}.

    Parameters
    ----------
    points : array of int, shape (n, 3)

    Returns
    -------
    array of int, shape (n, 3)
    """
    ordered = np.sort(np.abs(points), axis=1)[:, ::-1]
    return np.cumsum(ordered, axis=1)


def letters(word: str) -> str:
    """Turn a word of h and c layers into stacking letters.

    A layer is h (hexagonal) when its two neighbours have the same letter, c (cubic) when they differ (Jagodzinski, Acta Cryst.
    2, 201, 1949, doi:10.1107/S0365110X49000552). The word names the inner layers: n signs give n + 2 letters.

    Examples
    --------
    >>> letters("cccc"), letters("hhhh"), letters("cchcc")
    ('ABCABC', 'ABABAB', 'ABCACBA')
    """
    places = [0, 1]
    for sign in word:
        before, last = places[-2], places[-1]
        places.append(before if sign == "h" else 3 - before - last)
    return "".join("ABC"[p] for p in places)


def stacked_layers(sequence: str, reach: float, origin: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Stack close-packed layers along z, the middle of the stack at z = 0.

    Parameters
    ----------
    sequence : str
        Letters A, B, C, bottom first.
    reach : float
        Atoms up to this distance from the z axis are kept.
    origin : tuple of 2 floats
        Point of the layer, in the layer's cell vectors (1, 0) and (1/2, sqrt(3)/2), that lies on the z axis.

    Returns
    -------
    array, shape (n, 3)
    """
    count = int(np.ceil(2 * reach)) + 3
    i, j = (a.ravel() for a in np.meshgrid(np.arange(-count, count + 1), np.arange(-count, count + 1), indexing="ij"))
    height = (np.arange(len(sequence)) - (len(sequence) - 1) / 2) * LAYER_SPACING
    blocks = []
    for letter, z in zip(sequence, height, strict=True):
        shift = "ABC".index(letter) / 3.0
        u, v = i + shift - origin[0], j + shift - origin[1]
        blocks.append(np.column_stack([u + v / 2, v * np.sqrt(0.75), np.full(u.shape, z)]))
    points = np.concatenate(blocks)
    kept: Array = points[np.hypot(points[:, 0], points[:, 1]) <= reach + EPS]
    return kept


def cut_sphere(points: Array, radius: float) -> Array:
    """Keep the points within ``radius`` of the origin."""
    kept: Array = points[np.einsum("ij,ij->i", points, points) <= (radius + EPS) ** 2]
    return kept


def sphere_radii(points: Array, largest: int, growth: float) -> list[float]:
    """Radii at which a sphere around the origin closes a shell, each sphere at least ``growth`` times the last in atoms.

    Parameters
    ----------
    points : array, shape (n, 3)
    largest : int
        Most atoms in a sphere.
    growth : float
        Least ratio of the atoms of consecutive spheres.

    Returns
    -------
    list of float

    Examples
    --------
    >>> [round(r, 3) for r in sphere_radii(cubic_points("sc", 8) * 0.5, 60, 1.3)]
    [1.0, 1.414, 1.732, 2.236]
    """
    distance = np.sort(np.linalg.norm(points, axis=1))
    last_of_shell = np.flatnonzero(np.diff(distance) > 1e-5)
    found: list[float] = []
    count = 4.0 / growth
    for index in last_of_shell:
        if index + 1 > largest:
            break
        if index + 1 >= growth * count:
            found.append(float(distance[index]))
            count = index + 1.0
    return found


def unit_bonds(points: Array) -> Array:
    """Centre on the centroid, scale the nearest-neighbour distance to 1, order by distance from the centre.

    Parameters
    ----------
    points : array, shape (n, 3), n >= 2

    Returns
    -------
    array, shape (n, 3)
        Sorted by distance from the centroid, then by z, y, x, so that the order never depends on how it was made.

    Examples
    --------
    >>> unit_bonds(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 2.5]]))
    array([[ 0. ,  0. , -0.5],
           [ 0. ,  0. ,  0.5]])
    """
    centred = points - points.mean(axis=0)
    centred = centred / nearest_distance(centred)
    rounded = np.round(centred, 6) + 0.0
    radius = np.round(np.linalg.norm(centred, axis=1), 6)
    return np.ascontiguousarray(centred[np.lexsort((rounded[:, 0], rounded[:, 1], rounded[:, 2], radius))])


def nearest_distance(points: Array) -> float:
    """Shortest distance between two points."""
    from scipy.spatial import cKDTree

    distance, _ = cKDTree(points).query(points, k=2)
    return float(np.asarray(distance)[:, 1].min())


def diameter(points: Array) -> float:
    """Largest distance between two points, in the unit of the points (0 for one point).

    Examples
    --------
    >>> diameter(np.array([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]]))
    5.0
    """
    from scipy.spatial.distance import cdist

    radius = np.linalg.norm(points - points.mean(axis=0), axis=1)
    bound = float(np.linalg.norm(points - points[np.argmax(radius)], axis=1).max())
    outer = points[radius >= bound - radius.max() - EPS]  # both ends of a pair at least that long lie this far out
    return max(float(cdist(outer[i : i + 512], outer[i:]).max()) for i in range(0, len(outer), 512))


def distance_list(points: Array) -> Array:
    """All pair distances in rising order, shape (n (n - 1) / 2,)."""
    from scipy.spatial.distance import pdist

    return np.asarray(np.sort(pdist(points)), dtype=np.float64)


class Distinct:
    """Remembers clusters and says whether a new one has a distance list that was not seen before.

    Moments of the distances from the centroid sort out nearly everything; only clusters that agree in them are compared
    distance by distance. Clusters with equal lists (mirror images, say) give the same pair distribution function and count as
    the same.

    Examples
    --------
    >>> seen, pair = Distinct(), np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    >>> seen.add(pair), seen.add(pair[:, ::-1] + 3.0)
    (True, False)
    """

    def __init__(self) -> None:
        self._seen: dict[int, list[tuple[Array, Array]]] = {}

    def add(self, points: Array) -> bool:
        """Remember ``points`` (n, 3); False when an equal distance list is remembered already."""
        square = np.einsum("ij,ij->i", points - points.mean(axis=0), points - points.mean(axis=0))
        moments = np.array([square.sum(), (square**2).sum(), (square**3).sum()])
        same_size = self._seen.setdefault(len(points), [])
        for other_moments, other in same_size:
            if np.allclose(moments, other_moments, rtol=1e-6, atol=1e-9) and np.allclose(
                distance_list(points), distance_list(other), rtol=0.0, atol=1e-5
            ):
                return False
        same_size.append((moments, points))
        return True
