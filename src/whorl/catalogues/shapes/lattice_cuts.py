"""sc, bcc and fcc polyhedra with {100}, {110} and {111} faces around an atom: the h-k-l clusters of the field.

h, k, l count the layers from the central atom to the faces {100}, {110}, {111}. In units of a/2 the layers of sc, bcc, fcc lie
2, 1, 1 (largest |coordinate|), 2, 2, 1 (sum of the two largest) and 2, 1, 2 (sum of all three) apart. {110} alone makes the
rhombic dodecahedra, {100} alone the cubes. The range h <= k <= l is the one on which published classifiers were trained
(E. T. S. Kjaer et al., Digital Discovery 2, 69, 2023, doi:10.1039/D2DD00086E).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from whorl.catalogues.geometry import HALF_EDGE, Array, cubic_points, facets
from whorl.catalogues.shapes.shape import LARGEST, SMALLEST, Shape

#: layer spacing along {100}, {110}, {111} in the units of `geometry.facets`
SPACING = {"sc": (2, 2, 2), "bcc": (1, 2, 1), "fcc": (1, 1, 2)}
#: up to this size every h <= k <= l is kept; above it only every shape that differs enough
DENSE = 210


def polyhedron(lattice: str, h: int, k: int, l: int) -> Array:  # noqa: E741 - Miller indices
    """Atoms within h, k, l layers of {100}, {110}, {111} from the central atom, bond length 1.

    Examples
    --------
    >>> len(polyhedron("fcc", 3, 6, 7)), len(polyhedron("bcc", 2, 9, 9)), [len(polyhedron("bcc", 9, n, 27)) for n in (1, 2, 3)]
    (171, 35, [15, 65, 175])
    """
    step = SPACING[lattice]
    points = cubic_points(lattice, h * step[0])
    keep = np.all(facets(points) <= np.array([h * step[0], k * step[1], l * step[2]]), axis=1)
    return np.asarray(points[keep] * HALF_EDGE[lattice], dtype=np.float64)


def brick(lattice: str, cells: tuple[int, int, int]) -> Array:
    """Atoms of a block of whole cells with all its {100} faces closed, bond length 1.

    Examples
    --------
    >>> [len(brick(lattice, (2, 2, 2))) for lattice in ("sc", "bcc", "fcc")]
    [27, 35, 63]
    """
    n = max(cells)
    points = cubic_points(lattice, 2 * n)
    keep = np.all((points >= 0) & (points <= 2 * np.array(cells)), axis=1)
    return np.asarray(points[keep] * HALF_EDGE[lattice], dtype=np.float64)


def shapes() -> Iterator[Shape]:
    """Rhombic dodecahedra, the h-k-l polyhedra, and bricks."""
    for lattice in ("bcc", "fcc"):
        for k in range(1, 12):
            points = polyhedron(lattice, 2 * k, k, 3 * k)
            if SMALLEST < len(points) <= LARGEST:
                name = f"{lattice} rhombic dodecahedron, {k} layer{'s' if k > 1 else ''}"
                yield Shape(f"rhombic-dodecahedron-{lattice}-{k}", name, "rhombic dodecahedron", points)
    for lattice in ("sc", "bcc", "fcc"):
        yield from _polyhedra(lattice)
    for lattice in ("sc", "bcc", "fcc"):
        yield from _bricks(lattice)


def _polyhedra(lattice: str) -> Iterator[Shape]:
    """Every distinct h <= k <= l up to `DENSE` atoms, then those at least 5 % apart in size."""
    rows: dict[bytes, tuple[int, str, Array]] = {}
    for h in range(1, 13):
        for k in range(h, 13):
            for l in range(k, 13):  # noqa: E741 - Miller indices
                points = polyhedron(lattice, h, k, l)
                if SMALLEST < len(points) <= LARGEST:
                    rows.setdefault(np.sort(np.round(points.ravel(), 6)).tobytes(), (len(points), f"{h}-{k}-{l}", points))
    last = 0
    for count, label, points in sorted(rows.values(), key=lambda row: row[:2]):
        if count <= DENSE or count >= 1.05 * last:
            last = count
            yield Shape(f"{lattice}-{label}", f"{lattice} polyhedron {label}", lattice, points)


def _bricks(lattice: str) -> Iterator[Shape]:
    for a in range(1, 11):
        for b in range(a, min(a + 3, 11)):
            for c in range(b, min(a + 3, 11)):
                points = brick(lattice, (a, b, c))
                if SMALLEST < len(points) <= LARGEST and (len(points) <= DENSE or a == b == c):
                    yield Shape(f"{lattice}-brick-{a}-{b}-{c}", f"{lattice} brick {a}x{b}x{c} cells", lattice, points)
