"""Write a cluster as XYZ, a crystal as extended XYZ with its cell."""

from __future__ import annotations

import os

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Cluster, Crystal
from whorl.formats.atomic import write_text
from whorl.formats.cell import vectors_of


def xyz_text(structure: Cluster | Crystal) -> str:
    """Write atoms in XYZ (angstrom); numbers read back exactly.

    Raises
    ------
    StructureError
        If the structure has no bond length yet or sites that are partly occupied.

    Examples
    --------
    >>> import numpy as np
    >>> print(xyz_text(Cluster("Au2", symbols=("Au", "Au"), positions=np.array([[0, 0, 0], [0, 0, 2.88]]))))
    2
    Au2
    Au 0.0 0.0 0.0
    Au 0.0 0.0 2.88
    <BLANKLINE>
    """
    comment = " ".join(structure.name.replace("=", " ").split())
    if isinstance(structure, Cluster):
        if structure.bond_free:
            raise StructureError(
                "the cluster has no bond length yet", where=structure.name, remedy="Scale its positions first."
            )
        symbols, positions = structure.symbols, structure.positions
    else:
        if any(site.occupancy < 1 for site in structure.sites):
            raise StructureError("XYZ cannot hold partial occupancies", where=structure.name, remedy="Write a .cif file.")
        vectors = vectors_of(structure.cell)
        atoms = structure.expansion
        symbols = tuple(structure.sites[int(i)].element for i in atoms.site)
        positions = atoms.position @ vectors
        lattice = " ".join(f"{float(v)!r}" for v in vectors.ravel())
        comment = f'Lattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T" name="{comment}"'
    rows = [str(len(symbols)), comment]
    rows += [f"{s} {float(x)!r} {float(y)!r} {float(z)!r}" for s, (x, y, z) in zip(symbols, positions, strict=True)]
    return "\n".join(rows) + "\n"


def write(structure: Cluster | Crystal, path: str | os.PathLike[str]) -> None:
    """Write atoms as XYZ, atomically."""
    write_text(path, xyz_text(structure), StructureError)
