r"""What frames of a series have in common: a matrix of few components under noise that differs from value to value.

Rows and columns are scaled until the noise has unit variance on average in each (biwhitening: Landa, Zhang & Kluger, SIAM J.
Math. Data Sci. 4, 1388 (2022), doi:10.1137/21M1456807). Noise alone then has no singular value above sqrt(n) + sqrt(m), m x n
being the shape; those above it are signal, and are shrunk by what the noise has added to them (Gavish & Donoho, IEEE Trans.
Inf. Theory 63, 2137 (2017), doi:10.1109/TIT.2017.2653801).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SWEEPS = 100
#: over the edge of the noise: singular values of few frames fluctuate (Tracy-Widom), and whitening is not exact
_MARGIN = 1.03


class LowRank(NamedTuple):
    """Components of a matrix, shape (m, n).

    Attributes
    ----------
    left : array, shape (m, r)
        Orthonormal weights of the components in each whitened row.
    right : array, shape (n, r)
        Orthonormal components, whitened.
    size : array, shape (r,)
        Shrunk singular values.
    rows, columns : array, shape (m,), (n,)
        Scales: the noise of an element is about the product of the two.
    """

    left: Array
    right: Array
    size: Array
    rows: Array
    columns: Array


def low_rank(values: Array, sigma: Array) -> LowRank:
    """Find the components of a matrix that stand above its noise.

    Parameters
    ----------
    values, sigma : array, shape (m, n)
        Sigma positive.

    Examples
    --------
    >>> rng = np.random.default_rng(4)
    >>> clean = np.outer(np.linspace(1, 2, 30), np.linspace(1, 5, 80))
    >>> low_rank(clean + rng.normal(0, 0.1, clean.shape), np.full(clean.shape, 0.1)).size.size
    1
    """
    variance = sigma**2
    rows, columns = np.ones(values.shape[0]), np.ones(values.shape[1])
    for _ in range(_SWEEPS):
        rows = np.mean(variance / columns, axis=1)
        fresh = np.mean(variance / rows[:, None], axis=0)
        done = np.max(np.abs(fresh / columns - 1)) < 1e-6
        columns = fresh
        if done:
            break
    rows, columns = np.sqrt(rows), np.sqrt(columns)
    left, size, right = np.linalg.svd(values / np.outer(rows, columns), full_matrices=False)
    m, n = min(values.shape), max(values.shape)
    beta = m / n
    y = size / np.sqrt(n)
    rank = int(np.count_nonzero(y > _MARGIN * (1 + np.sqrt(beta))))
    y = y[:rank]
    shrunk = np.sqrt(np.maximum((y**2 - beta - 1) ** 2 - 4 * beta, 0)) / y * np.sqrt(n)
    return LowRank(left[:, :rank], right[:rank].T, shrunk, rows, columns)
