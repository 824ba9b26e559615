"""Spherical cuts from sc, bcc, fcc and hcp, around the places of high symmetry.

A sphere of radius R around an atom, a hole or the middle of a bond holds all lattice points at |x| <= R. Radii are those at
which a shell closes. hcp has the ideal c/a = sqrt(8/3).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from whorl.catalogues.geometry import HALF_EDGE, Array, cubic_points, cut_sphere, sphere_radii, stacked_layers
from whorl.catalogues.shapes.shape import LARGEST, Shape

#: place of the centre in units of a/2, by lattice
CENTRES: dict[str, dict[str, tuple[float, float, float]]] = {
    "sc": {"atom": (0, 0, 0), "hole": (1, 1, 1), "bond": (1, 0, 0)},
    "bcc": {"atom": (0, 0, 0), "octahedral hole": (1, 0, 0), "tetrahedral hole": (1, 0.5, 0), "bond": (0.5, 0.5, 0.5)},
    "fcc": {"atom": (0, 0, 0), "octahedral hole": (1, 0, 0), "tetrahedral hole": (0.5, 0.5, 0.5), "bond": (0.5, 0.5, 0)},
}
#: place of the centre in hcp: stacking around it, point of the layer (in layer cell vectors), height above the middle in layers
HCP_CENTRES: dict[str, tuple[str, tuple[float, float]]] = {
    "atom": ("AB" * 8 + "A", (0.0, 0.0)),
    "octahedral hole": ("AB" * 8, (2 / 3, 2 / 3)),
    "triangle": ("AB" * 8 + "A", (2 / 3, 2 / 3)),
}


def fcc_like(lattice: str, place: str) -> Array:
    """Lattice points around a place of a cubic lattice, bond length 1, shape (n, 3)."""
    reach = int(np.ceil(7.0 / HALF_EDGE[lattice]))
    return np.asarray((cubic_points(lattice, reach) - np.array(CENTRES[lattice][place])) * HALF_EDGE[lattice], dtype=np.float64)


def sphere(lattice: str, place: str, radius: float) -> Array:
    """Atoms within ``radius`` bond lengths of a place of the lattice.

    Examples
    --------
    >>> [len(sphere("fcc", "atom", r)) for r in (1.0, 2**0.5, 3**0.5)], len(sphere("hcp", "atom", 1.0))
    ([13, 19, 43], 13)
    """
    return cut_sphere(_points(lattice, place), radius)


def _points(lattice: str, place: str) -> Array:
    if lattice == "hcp":
        sequence, origin = HCP_CENTRES[place]
        return stacked_layers(sequence, 7.0, origin)
    return fcc_like(lattice, place)


def shapes() -> Iterator[Shape]:
    """Spheres of every lattice and centre, each at least 20 % more atoms than the one before."""
    for lattice in ("sc", "bcc", "fcc", "hcp"):
        for place in (*CENTRES.get(lattice, {}), *(HCP_CENTRES if lattice == "hcp" else ())):
            points = _points(lattice, place)
            for radius in sphere_radii(points, LARGEST, 1.2 if place == "atom" else 1.35):
                key = f"{lattice}-sphere-{place.replace(' ', '-')}-{radius:.3f}"
                name = f"{lattice} sphere around {place}, radius {radius:.2f}"
                yield Shape(key, name, lattice, cut_sphere(points, radius))
