"""The catalogue of nanoparticle shapes: every family of `shapes`, bond length 1, each distance list once.

Families with a name of their own come first, so that a shape that two families make (the 13-atom cuboctahedron is also an fcc
sphere) carries the name people know.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from whorl.catalogues.generated import GeneratedCatalogue
from whorl.catalogues.geometry import Distinct, unit_bonds
from whorl.catalogues.shapes import decahedra, hcp_blocks, icosahedra, lattice_cuts, octahedra, spheres, stacking
from whorl.catalogues.shapes.shape import LARGEST, SMALLEST
from whorl.core.hypothesis import ANY_ELEMENT, Cluster

#: where shapes come from, best-known names first: to add a family, write its file and name it here
FAMILIES = (icosahedra, octahedra, decahedra, stacking, lattice_cuts, hcp_blocks, spheres)


def build() -> Iterator[tuple[str, Cluster]]:
    """Make every distinct shape of 4 to 1200 atoms.

    Yields
    ------
    key : str
    cluster : Cluster
        Centred on its centroid, nearest-neighbour distance 1, all symbols "X".
    """
    seen = Distinct()
    for family in FAMILIES:
        for shape in family.shapes():
            points = unit_bonds(shape.points)
            if not SMALLEST <= len(points) <= LARGEST or not seen.add(points):
                continue
            yield (
                shape.key,
                Cluster(
                    f"{shape.name}, {len(points)} atoms",
                    family=shape.family,
                    source=f"generated: {family.__name__.rsplit('.', 1)[-1]}",
                    symbols=(ANY_ELEMENT,) * len(points),
                    positions=points,
                    bond_free=True,
                ),
            )


def catalogue() -> GeneratedCatalogue:
    """Give the catalogue "nanoparticles"."""
    here = Path(__file__).parent
    sources = [here / "nanoparticles.py", here / "geometry.py", *sorted((here / "shapes").glob("*.py"))]
    return GeneratedCatalogue("nanoparticles", build, sources)
