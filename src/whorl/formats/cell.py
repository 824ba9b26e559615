"""Cell vectors to a, b, c, alpha, beta, gamma and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def parameters_of(vectors: NDArray[np.float64]) -> tuple[float, float, float, float, float, float]:
    """Give lengths (unit of ``vectors``) and angles (degrees) of a cell.

    Parameters
    ----------
    vectors : array, shape (3, 3)
        One cell vector per row.

    Examples
    --------
    >>> parameters_of(np.diag([3.0, 4.0, 5.0]))
    (3.0, 4.0, 5.0, 90.0, 90.0, 90.0)
    """
    a, b, c = (float(np.linalg.norm(v)) for v in vectors)
    u = vectors / np.array([[a], [b], [c]])
    angles = (float(np.degrees(np.arccos(np.clip(u[i] @ u[j], -1, 1)))) for i, j in ((1, 2), (0, 2), (0, 1)))
    alpha, beta, gamma = angles
    return a, b, c, alpha, beta, gamma


def vectors_of(cell: tuple[float, float, float, float, float, float]) -> NDArray[np.float64]:
    """Give cell vectors, shape (3, 3), one per row: a along x, b in the xy plane.

    Examples
    --------
    >>> vectors_of((3, 4, 5, 90, 90, 90)).round(12).tolist()
    [[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 5.0]]
    """
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:]))
    sg = np.sin(np.radians(cell[5]))
    cx, cy = c * cb, c * (ca - cb * cg) / sg
    return np.array([[a, 0, 0], [b * cg, b * sg, 0], [cx, cy, np.sqrt(max(c * c - cx * cx - cy * cy, 0.0))]])
