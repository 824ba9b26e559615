"""Small positive definite systems of equations, for compiled loops: no call of a library, which takes seconds to compile."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_LEAST = 1e-12  # part of a diagonal element that is left of it, at least


@njit(cache=True)
def solve_positive(matrix: Array, right: Array) -> None:
    """Solve a symmetric positive definite system in place by Cholesky's factors.

    Parameters
    ----------
    matrix : array, shape (m, m)
        Its lower triangle is read, and becomes the factor.
    right : array, shape (m,)
        Becomes the solution.

    Examples
    --------
    >>> x = np.array([1.0, 5.0])
    >>> solve_positive(np.array([[2.0, 1.0], [1.0, 3.0]]), x)
    >>> x.round(12).tolist()
    [-0.4, 1.8]
    """
    m = right.size
    for i in range(m):
        for j in range(i + 1):
            value = matrix[i, j]
            for k in range(j):
                value -= matrix[i, k] * matrix[j, k]
            if i == j:
                matrix[i, i] = np.sqrt(max(value, _LEAST * matrix[i, i], 1e-300))
            else:
                matrix[i, j] = value / matrix[j, j]
    for i in range(m):
        for k in range(i):
            right[i] -= matrix[i, k] * right[k]
        right[i] /= matrix[i, i]
    for i in range(m - 1, -1, -1):
        for k in range(i + 1, m):
            right[i] -= matrix[k, i] * right[k]
        right[i] /= matrix[i, i]
