r"""Fewer sizes where fewer do: the Gauss rule of a distribution of sizes.

A distribution of k sizes has, for every n < k, n sizes and weights with the same moments up to <x^(2n - 1)> (its Gauss rule:
Golub & Welsch, Math. Comput. 23, 221 (1969), doi:10.1090/S0025-5718-69-99647-1). What is averaged, F(q, x)^2, goes through a
period when x changes by pi / q, so a distribution of half range a needs n = q a and a margin: few at small q, all of them only
where the curve tells one size from the next. The sum over sizes stays the same to 1e-5 and takes a fraction of the time, even
less when several lengths are distributed independently.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.physics.small_angle.averages import Array, Averages, Size, Sizes, as_sizes
from whorl.physics.small_angle.sizes import combine

FOUR_THIRDS_PI = 4.0 / 3.0 * np.pi

_MARGIN = 6  # sizes besides q a
_WORTH = 0.75  # a rule with more than this part of the sizes is not worth its computation

#: q (n,), combinations of the sizes (number of lengths, m), weights (m,) -> means over the sizes (k, n), of particles f and f2
Kernel = Callable[[Array, NDArray[np.float64], Array], NDArray[np.float64]]


@njit(cache=True, nogil=True)
def _gauss(x: Array, w: Array, n: int) -> tuple[Array, Array]:
    """Gauss rule with n points of the weights w (sum 1) at x: Lanczos's matrix of recurrence, its eigenvalues and vectors."""
    basis = np.zeros((n, x.size))
    matrix = np.zeros((n, n))
    basis[0] = np.sqrt(w)
    for j in range(n):
        v = x * basis[j]
        matrix[j, j] = np.sum(v * basis[j])
        if j + 1 == n:
            break
        for _ in range(2):  # twice, so that rounding leaves them orthogonal
            for k in range(j + 1):
                v -= np.sum(v * basis[k]) * basis[k]
        norm = np.sqrt(np.sum(v * v))
        matrix[j, j + 1] = norm
        matrix[j + 1, j] = norm
        basis[j + 1] = v / norm
    values, vectors = np.linalg.eigh(matrix)
    return values, vectors[0] ** 2


def thin(sizes: Sizes, n: int) -> Sizes:
    """Give n sizes with the same moments up to <x^(2n - 1)>; ``sizes`` themselves if n is not clearly less than their number.

    Examples
    --------
    >>> many = Sizes(np.linspace(80.0, 120.0, 35), np.full(35, 1 / 35))
    >>> few = thin(many, 4)
    >>> few.values.size, bool(abs(few.mean(7) / many.mean(7) - 1) < 1e-12)
    (4, True)
    """
    used = sizes.weights > 0
    if n > _WORTH * np.count_nonzero(used):
        return sizes
    x, w = sizes.values[used], sizes.weights[used]
    middle, half = 0.5 * (x[0] + x[-1]), 0.5 * (x[-1] - x[0])
    values, weights = _gauss((x - middle) / half, w, n)
    return Sizes(middle + half * values, weights)


def averages(
    found: NDArray[np.float64],
    sizes: tuple[Size, ...],
    volumes: Callable[[NDArray[np.float64]], tuple[Array, Array]],
) -> Averages:
    """Averages from f and f2, shape (2, n), with the mean volume and effective radius over independent sizes.

    ``volumes`` gives for combinations of the sizes, shape (number of lengths, m), the volume of material and that inside of the
    outermost boundary, each of shape (m,). The effective radius is that of the sphere of the second (as the mode "equivalent
    volume sphere" of sasmodels).
    """
    values, weights = combine(*(thin(as_sizes(one), _MARGIN) for one in sizes))  # exact for volumes, and to 1e-7 for the radius
    volume, outer = volumes(values)
    return Averages(found[0], found[1], float(weights @ volume), float(weights @ np.cbrt(outer / FOUR_THIRDS_PI)))


def over_sizes(
    q: Array, kernel: Kernel, sizes: tuple[Size, ...], rates: tuple[float, ...], *, octaves: int = 7, enough: int = 1
) -> NDArray[np.float64]:
    """Average over independent sizes, with as many of each as each octave of q needs.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom.
    kernel : callable
        See `Kernel`.
    sizes : tuple of float or Sizes
    rates : tuple of float
        Distance of the outermost boundary from the centre that one unit of each length moves: 1 of a radius, 1/2 of a length.
    octaves : int
        How many parts of q have rules of their own: few, if the kernel takes long to be called.
    enough : int
        Up to so many combinations are all taken, because thinning them would cost more.

    Returns
    -------
    array, shape (k, n)
    """
    given = [as_sizes(one) for one in sizes]
    spans = [rate * 0.5 * float(np.ptp(one.values)) for one, rate in zip(given, rates, strict=True)]
    widest = max(spans)
    if widest == 0 or np.prod([one.values.size for one in given]) <= enough:
        return kernel(q, *combine(*given))
    out: NDArray[np.float64] | None = None
    top = float(q.max())
    octave = np.minimum(np.log2(top / np.maximum(q, 1e-9 * top)), max(min(octaves - 1, np.log2(top * widest) + 1), 0)).astype(
        np.int64
    )
    for band in np.unique(octave):
        here = octave == band
        reach = float(q[here].max())
        thinned = [thin(one, int(np.ceil(reach * span)) + _MARGIN) for one, span in zip(given, spans, strict=True)]
        found = kernel(q[here], *combine(*thinned))
        out = np.empty((len(found), q.size)) if out is None else out
        out[:, here] = found
    assert out is not None
    return out
