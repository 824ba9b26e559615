"""Mackay icosahedra: twenty slightly strained fcc tetrahedra around a point.

Shell n is an icosahedron whose edges hold n + 1 atoms: 10 n^2 + 2 atoms, so N shells around the central atom hold
(10 N^3 + 15 N^2 + 11 N + 3) / 3 with N the number of shells: 13, 55, 147, 309, 561, 923. Bonds along a shell are 5.1 % longer
than bonds between shells. Removing the twelve corners of the outer shell gives the truncated icosahedra that often close the
first coordination of ligands.

Reference: A. L. Mackay, Acta Cryst. 15, 916 (1962), doi:10.1107/S0365110X6200239X.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from whorl.catalogues.geometry import Array
from whorl.catalogues.shapes.shape import Shape

GOLDEN = (1 + 5**0.5) / 2


def corners() -> Array:
    """Twelve corners of an icosahedron at distance 1 from its centre, shape (12, 3)."""
    signs = [(s, t) for s in (1, -1) for t in (1, -1)]
    points = [roll for s, t in signs for roll in ((0, s, t * GOLDEN), (s, t * GOLDEN, 0), (t * GOLDEN, 0, s))]
    found = np.array(points, dtype=np.float64)
    return found / np.linalg.norm(found[0])


def icosahedron(shells: int, *, truncated: bool = False) -> Array:
    """Atoms of a Mackay icosahedron, distance 1 between shells.

    Parameters
    ----------
    shells : int
        Shells around the central atom, >= 1.
    truncated : bool
        Leave out the twelve corner atoms of the outer shell.

    Returns
    -------
    array, shape (n, 3)

    Examples
    --------
    >>> [len(icosahedron(n)) for n in (1, 2, 3, 4, 5, 6)], len(icosahedron(2, truncated=True))
    ([13, 55, 147, 309, 561, 923], 43)
    """
    vertex = corners()
    edge = 1 / np.sin(0.4 * np.pi)
    faces = [
        face
        for face in combinations(range(12), 3)
        if all(abs(np.linalg.norm(vertex[a] - vertex[b]) - edge) < 0.01 for a, b in combinations(face, 2))
    ]
    rows = [np.zeros((1, 3))]
    for n in range(1, shells + 1):
        weights = np.array([(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)], dtype=np.float64)
        if truncated and n == shells:
            weights = weights[weights.max(axis=1) < n]
        shell = np.concatenate([weights @ vertex[list(face)] for face in faces])
        _, first = np.unique(np.round(shell, 6) + 0.0, axis=0, return_index=True)
        rows.append(shell[first])
    return np.concatenate(rows)


def shapes() -> Iterator[Shape]:
    """Icosahedra of 1 to 6 shells, whole and without corners."""
    for shells in range(1, 7):
        yield Shape(
            f"icosahedron-{shells}",
            f"icosahedron, {shells} shell{'s' if shells > 1 else ''}",
            "icosahedron",
            icosahedron(shells),
        )
        if shells > 1:
            name = f"icosahedron without corners, {shells} shells"
            yield Shape(f"icosahedron-{shells}-truncated", name, "icosahedron", icosahedron(shells, truncated=True))
