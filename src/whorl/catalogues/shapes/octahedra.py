"""fcc polyhedra with {111} and {100} faces: octahedra, truncated octahedra, cuboctahedra; and tetrahedra.

In units of a/2 around the centre, an octahedron whose edge holds L atoms is |x| + |y| + |z| <= L - 1 with x + y + z of the
parity of L - 1 (the centre is an atom when L is odd, an octahedral hole when L is even): L (2 L^2 + 1) / 3 atoms. Cutting c
layers off each corner keeps max |x| <= L - 1 - c; L = 2 c + 1 gives the cuboctahedra, L = 3 c + 1 the regular truncated
octahedra. A tetrahedron of edge L holds L (L + 1) (L + 2) / 6 atoms.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from whorl.catalogues.geometry import HALF_EDGE, Array, cubic_points, facets
from whorl.catalogues.shapes.shape import LARGEST, SMALLEST, Shape


def octahedron(length: int, cut: int = 0) -> Array:
    """Atoms of an octahedron with ``length`` atoms on its edge and ``cut`` layers off each corner, bond length 1.

    Examples
    --------
    >>> [len(octahedron(n)) for n in (2, 3, 4, 5, 6)], [len(octahedron(3 * c + 1, c)) for c in (1, 2, 3)]
    ([6, 19, 44, 85, 146], [38, 201, 586])
    >>> [len(octahedron(2 * c + 1, c)) for c in (1, 2, 3, 4)]
    [13, 55, 147, 309]
    """
    points = cubic_points("fcc", length - 1, (length - 1) % 2)
    reach = facets(points)
    keep = (reach[:, 2] <= length - 1) & (reach[:, 0] <= length - 1 - cut)
    return np.asarray(points[keep] * HALF_EDGE["fcc"], dtype=np.float64)


def tetrahedron(length: int, cut: int = 0) -> Array:
    """Atoms of a tetrahedron with ``length`` atoms on its edge and ``cut`` layers off each corner, bond length 1.

    Examples
    --------
    >>> [len(tetrahedron(n)) for n in (2, 3, 4, 5)], len(tetrahedron(5, 1))
    ([4, 10, 20, 35], 31)
    """
    axis = np.arange(length)
    i, j, k = (a.ravel() for a in np.meshgrid(axis, axis, axis, indexing="ij"))
    last = length - 1 - i - j - k
    weights = np.column_stack([i, j, k, last])
    weights = weights[(last >= 0) & (weights.max(axis=1) <= length - 1 - cut)]
    corner = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 0]], dtype=np.float64)
    return np.asarray(weights @ corner * HALF_EDGE["fcc"], dtype=np.float64)


def shapes() -> Iterator[Shape]:
    """Octahedra with every possible truncation, and tetrahedra, up to `LARGEST` atoms."""
    for length in range(2, 20):
        for cut in range((length - 1) // 2 + 1):
            points = octahedron(length, cut)
            if len(points) > LARGEST:
                continue
            if cut == 0:
                yield Shape(f"octahedron-{length}", f"octahedron, edge {length}", "octahedron", points)
            elif length == 2 * cut + 1:
                yield Shape(
                    f"cuboctahedron-{cut}", f"cuboctahedron, {cut} shell{'s' if cut > 1 else ''}", "cuboctahedron", points
                )
            else:
                name = f"truncated octahedron {length}-{cut}"
                yield Shape(f"truncated-octahedron-{length}-{cut}", name, "truncated octahedron", points)
    for length in range(2, 19):
        for cut in range(0 if length % 2 else min(2, length // 3), min(2, length // 3) + 1):
            points = tetrahedron(length, cut)
            if SMALLEST <= len(points) <= LARGEST:
                name = f"tetrahedron, edge {length}" + (f", {cut} off each corner" if cut else "")
                yield Shape(f"tetrahedron-{length}-{cut}", name, "tetrahedron", points)
