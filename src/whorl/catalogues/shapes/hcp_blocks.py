"""hcp blocks of n1 x n2 x n3 two-atom cells and hexagonal prisms, with the ideal c/a = sqrt(8/3).

The block is the one the field's classifiers use: cell vectors a1, a2 at 120 degrees with length 1, atoms at (0, 0, 0) and
(1/3, 2/3, 1/2), no closing faces. A hexagonal prism keeps the atoms of each layer whose hexagonal distance
max |coordinate| from the axis stays within the edge.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from whorl.catalogues.geometry import LAYER_SPACING, Array, stacked_layers
from whorl.catalogues.shapes.shape import LARGEST, SMALLEST, Shape

CELL = np.array([[1.0, 0.0, 0.0], [-0.5, np.sqrt(0.75), 0.0], [0.0, 0.0, 2 * LAYER_SPACING]])
BASIS = np.array([[0.0, 0.0, 0.0], [1 / 3, 2 / 3, 0.5]])
NORMALS = np.array([[np.cos(x), np.sin(x)] for x in np.pi / 6 + np.pi / 3 * np.arange(6)])


def block(n1: int, n2: int, n3: int) -> Array:
    """Atoms of n1 x n2 x n3 hcp cells, bond length 1.

    Examples
    --------
    >>> len(block(4, 4, 4))
    128
    """
    axes = np.meshgrid(np.arange(n1), np.arange(n2), np.arange(n3), indexing="ij")
    cells = np.stack(axes, axis=-1).reshape(-1, 1, 3)
    return np.asarray((cells + BASIS).reshape(-1, 3) @ CELL, dtype=np.float64)


def prism(sequence: str, edge: float, origin: tuple[float, float]) -> Array:
    """Atoms of a hexagonal prism of stacked layers, bond length 1.

    Parameters
    ----------
    sequence : str
        Stacking letters, bottom first.
    edge : float
        Edge of the hexagon in bond lengths.
    origin : tuple of 2 floats
        Point on the axis (see `geometry.stacked_layers`).

    Examples
    --------
    >>> len(prism("ABA", 1.0, (0.0, 0.0)))
    17
    """
    points = stacked_layers(sequence, edge + 1.0, origin)
    return points[np.all(points[:, :2] @ NORMALS.T <= edge * np.sqrt(0.75) + 1e-6, axis=1)]


def shapes() -> Iterator[Shape]:
    """Blocks n1 <= n2 <= n3 up to 200 atoms, compact ones above, and prisms about as high as wide."""
    for n1 in range(1, 10):
        for n2 in range(n1, 11):
            for n3 in range(n2, 11):
                count = 2 * n1 * n2 * n3
                if SMALLEST <= count <= 200 or (count <= LARGEST and n3 <= n1 + 2):
                    yield Shape(f"hcp-block-{n1}-{n2}-{n3}", f"hcp block {n1}x{n2}x{n3} cells", "hcp", block(n1, n2, n3))
    for edge in range(1, 7):
        for layers in range(max(2, edge), 2 * edge + 4):
            points = prism("AB" * (layers // 2) + "A" * (layers % 2), float(edge), (0.0, 0.0))
            if len(points) <= LARGEST:
                name = f"hcp hexagonal prism, edge {edge}, {layers} layers"
                yield Shape(f"hcp-prism-{edge}-{layers}", name, "hcp", points)
