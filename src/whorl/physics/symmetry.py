"""What symmetry leaves free: the independent parameters of a cell and of a site."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CELL_NAMES = ("a", "b", "c", "alpha", "beta", "gamma")

#: free cell parameters -> matrix (6, free) from them to all six, and constant angles (degrees)
_TEMPLATES: tuple[tuple[tuple[str, ...], tuple[str | float, ...]], ...] = (
    (("a",), ("a", "a", "a", 90.0, 90.0, 90.0)),
    (("a", "alpha"), ("a", "a", "a", "alpha", "alpha", "alpha")),
    (("a", "c"), ("a", "a", "c", 90.0, 90.0, 120.0)),
    (("a", "c"), ("a", "a", "c", 90.0, 90.0, 90.0)),
    (("a", "b"), ("a", "b", "b", 90.0, 90.0, 90.0)),
    (("a", "b"), ("a", "b", "a", 90.0, 90.0, 90.0)),
    (("a", "b", "c"), ("a", "b", "c", 90.0, 90.0, 90.0)),
    (("a", "b", "c", "beta"), ("a", "b", "c", 90.0, "beta", 90.0)),
    (("a", "b", "c", "gamma"), ("a", "b", "c", 90.0, 90.0, "gamma")),
    (("a", "b", "c", "alpha"), ("a", "b", "c", "alpha", 90.0, 90.0)),
    (CELL_NAMES, CELL_NAMES),
)


def metric_tensor(cell: Array) -> Array:
    """g_ij = a_i . a_j of a cell (a, b, c in angstrom, angles in degrees), shape (3, 3), angstrom^2.

    Examples
    --------
    >>> metric_tensor(np.array([2.0, 3.0, 4.0, 90, 90, 90])).diagonal().tolist()
    [4.0, 9.0, 16.0]
    """
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:]))
    ca, cb, cg = (0.0 if abs(v) < 1e-15 else v for v in (ca, cb, cg))
    return np.array([[a * a, a * b * cg, a * c * cb], [a * b * cg, b * b, b * c * ca], [a * c * cb, b * c * ca, c * c]])


def metric_derivatives(cell: Array) -> Array:
    """Derivatives of the metric tensor with respect to a, b, c (angstrom) and the angles (degrees), shape (6, 3, 3)."""
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:]))
    sa, sb, sg = np.sin(np.radians(cell[3:])) * (np.pi / 180)
    out = np.zeros((6, 3, 3))
    out[0] = [[2 * a, b * cg, c * cb], [b * cg, 0, 0], [c * cb, 0, 0]]
    out[1] = [[0, a * cg, 0], [a * cg, 2 * b, c * ca], [0, c * ca, 0]]
    out[2] = [[0, 0, a * cb], [0, 0, b * ca], [a * cb, b * ca, 2 * c]]
    out[3, 1, 2] = out[3, 2, 1] = -b * c * sa
    out[4, 0, 2] = out[4, 2, 0] = -a * c * sb
    out[5, 0, 1] = out[5, 1, 0] = -a * b * sg
    return out


def free_cell(rotations: Array, cell: Array) -> tuple[tuple[str, ...], Array]:
    """Independent cell parameters under a point group given in fractional coordinates.

    Parameters
    ----------
    rotations : array, shape (m, 3, 3)
    cell : array, shape (6,)
        Decides between settings that the group alone leaves open.

    Returns
    -------
    names : tuple of str
        Subset of a, b, c, alpha, beta, gamma.
    matrix : array, shape (6, len(names))
        Derivative of the six parameters with respect to the free ones.

    Examples
    --------
    >>> four_fold = np.array([[[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]])
    >>> free_cell(four_fold, np.array([3.0, 3, 5, 90, 90, 90]))[0]
    ('a', 'c')
    """
    rotations = np.unique(np.round(rotations, 6).reshape(-1, 9), axis=0).reshape(-1, 3, 3)
    freedom = 6 - np.linalg.matrix_rank(_metric_constraint(rotations), tol=1e-6)
    for names, template in _TEMPLATES:
        if len(names) != freedom:
            continue
        values = np.array([cell[CELL_NAMES.index(t)] if isinstance(t, str) else t for t in template])
        if not np.allclose(values[:3], cell[:3], rtol=2e-3) or not np.allclose(values[3:], cell[3:], atol=0.2):
            continue
        trial = metric_tensor(values)
        if np.allclose(rotations.transpose(0, 2, 1) @ trial @ rotations, trial, atol=1e-4 * trial.max()):
            matrix = np.array([[1.0 if t == name else 0.0 for name in names] for t in template])
            return names, matrix
    return CELL_NAMES, np.eye(6)


def _metric_constraint(rotations: Array) -> Array:
    """Matrix of G -> R^T G R - G on the six components of a symmetric G, all rotations stacked, shape (9 m, 6)."""
    columns = []
    for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
        unit = np.zeros((3, 3))
        unit[i, j] = unit[j, i] = 1.0
        columns.append((rotations.transpose(0, 2, 1) @ unit @ rotations - unit).ravel())
    return np.array(columns).T


def free_position(
    rotations: Array, translations: Array, position: Array, *, tolerance: float = 1e-3
) -> tuple[tuple[str, ...], Array]:
    """Independent shifts of a site: those that every operation which maps the site onto itself leaves alone.

    Parameters
    ----------
    rotations, translations : array, shapes (m, 3, 3) and (m, 3)
    position : array, shape (3,)
        Fractional.

    Returns
    -------
    names : tuple of str
        "x", "y", "z" after the leading coordinate of each free direction.
    basis : array, shape (3, len(names))
        One column per free direction; the named coordinate moves by 1.

    Examples
    --------
    >>> mirror = np.array([np.eye(3), np.diag([1.0, 1, -1])])
    >>> free_position(mirror, np.zeros((2, 3)), np.array([0.1, 0.2, 0.0]))[0]
    ('x', 'y')
    """
    image = rotations @ position + translations
    shift = image - position
    fixed = np.all(np.abs(shift - np.round(shift)) < tolerance, axis=1)
    constraint = np.concatenate([r - np.eye(3) for r in rotations[fixed]])
    _, singular, vh = np.linalg.svd(constraint)
    rank = int(np.sum(singular > 1e-6))
    basis = _reduced_rows(vh[rank:])
    names = tuple("xyz"[int(np.argmax(np.abs(row) > 1e-9))] for row in basis)
    return names, basis.T.reshape(3, len(names))


def polar_directions(rotations: Array) -> Array:
    """Directions that every rotation leaves alone: along them the origin is free. Shape (3, k).

    Examples
    --------
    >>> two_fold = np.array([np.eye(3), np.diag([-1.0, 1, -1])])
    >>> np.abs(polar_directions(two_fold)).T.tolist()
    [[0.0, 1.0, 0.0]]
    """
    turns = np.unique(np.round(rotations, 6).reshape(-1, 9), axis=0).reshape(-1, 3, 3)
    _, singular, vh = np.linalg.svd(np.concatenate([r - np.eye(3) for r in turns]))
    return np.ascontiguousarray(_reduced_rows(vh[int(np.sum(singular > 1e-6)) :]).T.reshape(3, -1))


def _reduced_rows(rows: Array) -> Array:
    """Reduced row echelon form, so that each row has a leading 1 of its own."""
    m = rows.copy()
    lead = 0
    for r in range(m.shape[0]):
        while lead < 3 and np.all(np.abs(m[r:, lead]) < 1e-9):
            lead += 1
        if lead == 3:
            break
        pivot = r + int(np.argmax(np.abs(m[r:, lead])))
        m[[r, pivot]] = m[[pivot, r]]
        m[r] /= m[r, lead]
        for k in range(m.shape[0]):
            if k != r:
                m[k] -= m[k, lead] * m[r]
        lead += 1
    m[np.abs(m) < 1e-9] = 0.0
    return m
