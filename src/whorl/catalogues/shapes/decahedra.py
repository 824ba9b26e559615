"""Decahedra: five slightly strained fcc tetrahedra around an axis, with Ino truncation and Marks re-entrances.

Parameters p, q, r as the field writes them: q atoms along the five-fold axis on each (100) side face, p atoms across that face,
r layers of re-entrance at the twin planes. The axis holds h = p + q + 2 r - 1 atoms. An atom column sits at s v_m + t v_(m+1)
in sector m, v_m = (sqrt(3)/2) (cos, sin)(72 m) in bond lengths; in ring n = s + t it holds h - n atoms (the (111) caps). The
side faces keep n < p + 2 r, the re-entrances keep s, t < p + r. q = 1 gives the pentagonal bipyramids, r = 0 Ino's decahedra.
Bonds along the rings are 1.8 % longer than the others (72 degrees where fcc has 70.53).

References: S. Ino, J. Phys. Soc. Jpn. 27, 941 (1969), doi:10.1143/JPSJ.27.941; L. D. Marks, Philos. Mag. A 49, 81 (1984),
doi:10.1080/01418618408233431.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from whorl.catalogues.geometry import Array, Integers
from whorl.catalogues.shapes.shape import LARGEST, SMALLEST, Shape


def columns(p: int, q: int, r: int) -> tuple[Integers, Integers, Integers]:
    """Columns of one sector: s, t and the atoms in the column, shape (m,) each (see the module for p, q, r)."""
    height = p + q + 2 * r - 1
    s, t = (a.ravel() for a in np.meshgrid(np.arange(1, p + r), np.arange(p + r), indexing="ij"))
    keep = s + t < min(height, p + 2 * r)
    return s[keep], t[keep], height - s[keep] - t[keep]


def decahedron(p: int, q: int, r: int) -> Array:
    """Atoms of a decahedron with bond length 1.

    Parameters
    ----------
    p, q : int
        At least 1.
    r : int
        At least 0.

    Returns
    -------
    array, shape (n, 3)

    Examples
    --------
    >>> [len(decahedron(*pqr)) for pqr in ((2, 1, 0), (2, 2, 0), (2, 2, 1), (2, 3, 1), (3, 1, 1))]
    [7, 13, 75, 101, 100]
    """
    angle = 0.4 * np.pi * np.arange(5) + np.pi / 2
    vertex = np.sqrt(0.75) * np.column_stack([np.cos(angle), np.sin(angle)])
    s, t, atoms = columns(p, q, r)
    sectors = s[:, None, None] * vertex + t[:, None, None] * np.roll(vertex, -1, axis=0)
    feet = np.concatenate([np.zeros((1, 2)), sectors.reshape(-1, 2)])
    counts = np.concatenate([[p + q + 2 * r - 1], np.repeat(atoms, 5)])
    z = np.concatenate([np.arange(n) - (n - 1) / 2 for n in counts])
    return np.column_stack([np.repeat(feet, counts, axis=0), z])


def shapes() -> Iterator[Shape]:
    """All decahedra up to `LARGEST` atoms whose proportions occur: 1 to 9 along the axis, not needles."""
    for r in range(6):
        for p in range(1, 9):
            for q in range(1, 10):
                count = p + q + 2 * r - 1 + 5 * int(columns(p, q, r)[2].sum())
                if SMALLEST < count <= LARGEST and ((count <= 201 and q <= 6) or q <= p + r + 1):
                    kind = "Marks decahedron" if r else "decahedron"
                    yield Shape(f"decahedron-{p}-{q}-{r}", f"{kind} {p}-{q}-{r}", "decahedron", decahedron(p, q, r))
