"""The row that every shape family yields."""

from __future__ import annotations

from dataclasses import dataclass

from whorl.catalogues.geometry import Array

#: most atoms of a generated cluster
LARGEST = 1200
#: fewest atoms of a generated cluster
SMALLEST = 4


@dataclass(frozen=True)
class Shape:
    """One shape: its key, name and family, and the points of its atoms.

    Parameters
    ----------
    key : str
        Unique among all shapes: family and parameters ("decahedron-3-2-1").
    name : str
        What people call it, without the number of atoms.
    family : str
        Family that groups related shapes.
    points : array, shape (n, 3)
        In any unit and order; the catalogue scales bonds to 1 and drops shapes that it holds already.
    """

    key: str
    name: str
    family: str
    points: Array
