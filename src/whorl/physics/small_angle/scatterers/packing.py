r"""Boxes of two kinds of spheres: a random packing without overlap, and its partial structure factors.

Spheres of diameters 1 (A) and d (B) fill a part phi of a periodic box. Centres start on a cubic lattice, shaken. Kinds are
drawn with a bias: with the segregation s, a smooth Gaussian random field of the box decides the kind of a sphere with the
weight s and chance with the weight sqrt(1 - s^2), so that 0 is a random mixture and 1 separate domains of some three diameters.
Overlaps are pushed apart along the lines of centres until none is deeper than a part in a thousand, and moves of single spheres
that cause none (Metropolis et al., J. Chem. Phys. 21, 1087 (1953), doi:10.1063/1.1699114) let the packing forget how it came
about.

The partial structure factors of kinds a and b are the Debye equation of the box with its mean density taken off,

.. math::
    S_{ab}(q) = \delta_{ab} + \frac{1}{\sqrt{N_a N_b}} \Big[\sum_{i \in a, j \in b}
        w(r_{ij})\, \frac{\sin q r_{ij}}{q r_{ij}} - \frac{N_a (N_b - \delta_{ab})}{V} \int_0^{L/2} w(r) \frac{\sin q r}{q r}
        4 \pi r^2 dr \Big],

with the nearest image of each pair and a window w(r) = cos^2(pi r / L), which ends at half the edge L (the coherent intensity
is sum_ab sqrt(n_a n_b) F_a F_b S_ab; Ashcroft & Langreth, Phys. Rev. 156, 685 (1967), doi:10.1103/PhysRev.156.685).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kinds = NDArray[np.int64]

_DEEPEST = 1e-3  # overlap left, of the sum of radii
_MOST_SWEEPS = 4000
_MOVES = 150  # of each sphere
_WAVES = 40  # of the random field
_DOMAIN = 6.0  # their shortest wavelength over the mean diameter is this, the longest twice it


class Box(NamedTuple):
    """A periodic box: centres (n, 3), kinds (n,) of 0 (A) and 1 (B), edge, diameters of A and B, deepest overlap left."""

    positions: Array
    kinds: Kinds
    edge: float
    diameters: tuple[float, float]
    overlap: float


def pack(
    rng: np.random.Generator,
    *,
    volume_fraction: float,
    fraction_a: float,
    size_ratio: float = 1.0,
    segregation: float = 0.0,
    count: int = 1000,
) -> Box:
    """Pack spheres of two kinds.

    Parameters
    ----------
    rng : numpy.random.Generator
    volume_fraction : float
        Of the spheres in the box, up to about 0.5.
    fraction_a : float
        Share of A in the volume of the spheres.
    size_ratio : float
        Diameter of B over that of A.
    segregation : float
        0 to 1.
    count : int
        Spheres.

    Raises
    ------
    ValueError
        If the spheres cannot be packed so densely.

    Examples
    --------
    >>> box = pack(np.random.default_rng(1), volume_fraction=0.2, fraction_a=0.5, count=60)
    >>> box.positions.shape, int((box.kinds == 0).sum()), box.overlap < 1e-3
    ((60, 3), 30, True)
    """
    cube = size_ratio**3
    of_b = fraction_a and (1 - fraction_a) / (1 - fraction_a + fraction_a * cube)  # by number, from shares of volume
    n_b = round(count * (of_b if fraction_a else 1.0))
    volume = np.pi / 6 * ((count - n_b) + n_b * cube)
    edge = float(np.cbrt(volume / volume_fraction))
    side = int(np.ceil(np.cbrt(count) - 1e-9))
    sites = rng.permutation(side**3)[:count]
    positions = (np.array(np.unravel_index(sites, (side,) * 3)).T + rng.uniform(-0.5, 0.5, (count, 3))) * edge / side
    mean = float(np.cbrt(volume / count * 6 / np.pi))
    noise = rng.normal(size=count)
    field = _field(rng, positions, edge, mean)
    score = segregation * field + np.sqrt(max(1 - segregation**2, 0.0)) * noise
    kinds = np.zeros(count, dtype=np.int64)
    kinds[np.argsort(-score, kind="stable")[:n_b]] = 1
    radii = np.where(kinds == 1, size_ratio / 2, 0.5)
    overlap = _relax(positions, radii, edge, _DEEPEST, _MOST_SWEEPS)
    if overlap > 10 * _DEEPEST:
        raise ValueError(f"spheres that fill {volume_fraction:.2f} of the box still overlap by {overlap:.1%}")
    _shake(positions, radii, edge, _MOVES, int(rng.integers(2**31)))
    return Box(positions, kinds, edge, (1.0, size_ratio), float(overlap))


def _field(rng: np.random.Generator, positions: Array, edge: float, mean: float) -> Array:
    """A Gaussian random field of the box at points, mean 0 and variance 1: a sum of plane waves that fit into the box."""
    longest, shortest = edge / (2 * _DOMAIN * mean), edge / (_DOMAIN * mean)
    waves = np.array([v for v in np.ndindex(15, 15, 15)]) - 7  # noqa: C416 - an array of triples
    length = np.linalg.norm(waves, axis=1)
    inside = waves[(length >= max(longest, 1.0)) & (length <= max(shortest, 1.5))]
    chosen = inside[rng.integers(len(inside), size=_WAVES)]
    phase = rng.uniform(0, 2 * np.pi, _WAVES)
    return np.asarray(np.sqrt(2 / _WAVES) * np.cos(2 * np.pi / edge * positions @ chosen.T + phase).sum(axis=1))


@njit(cache=True)
def _relax(positions: Array, radii: Array, edge: float, deepest: float, most: int) -> float:
    """Push overlapping spheres apart, in place; cells of the size of the largest pair hold the neighbours."""
    n = positions.shape[0]
    reach = 2.0 * radii.max() * 1.02
    cells = max(int(edge / reach), 1)
    head = np.empty((cells, cells, cells), dtype=np.int64)
    chain = np.empty(n, dtype=np.int64)
    worst = 1.0
    for _ in range(most):
        head[:] = -1
        for i in range(n):
            for k in range(3):
                positions[i, k] -= edge * np.floor(positions[i, k] / edge)
            a = min(int(positions[i, 0] / edge * cells), cells - 1)
            b = min(int(positions[i, 1] / edge * cells), cells - 1)
            c = min(int(positions[i, 2] / edge * cells), cells - 1)
            chain[i] = head[a, b, c]
            head[a, b, c] = i
        worst = 0.0
        span = 1 if cells >= 3 else 0
        for i in range(n):
            a = min(int(positions[i, 0] / edge * cells), cells - 1) if cells >= 3 else 0
            b = min(int(positions[i, 1] / edge * cells), cells - 1) if cells >= 3 else 0
            c = min(int(positions[i, 2] / edge * cells), cells - 1) if cells >= 3 else 0
            for da in range(-span, span + 1):
                for db in range(-span, span + 1):
                    for dc in range(-span, span + 1):
                        j = head[(a + da) % cells, (b + db) % cells, (c + dc) % cells]
                        while j >= 0:
                            if j < i:
                                x = positions[i, 0] - positions[j, 0]
                                y = positions[i, 1] - positions[j, 1]
                                z = positions[i, 2] - positions[j, 2]
                                x -= edge * np.round(x / edge)
                                y -= edge * np.round(y / edge)
                                z -= edge * np.round(z / edge)
                                touch = radii[i] + radii[j]
                                d2 = x * x + y * y + z * z
                                if d2 < touch * touch:
                                    d = max(np.sqrt(d2), 1e-6 * touch)
                                    depth = (touch - d) / touch
                                    worst = max(worst, depth)
                                    push = 0.5 * (touch * (1.0 + 0.2 * deepest) - d) / d
                                    positions[i, 0] += push * x
                                    positions[i, 1] += push * y
                                    positions[i, 2] += push * z
                                    positions[j, 0] -= push * x
                                    positions[j, 1] -= push * y
                                    positions[j, 2] -= push * z
                            j = chain[j]
        if worst < deepest:
            break
    return worst


@njit(cache=True)
def _shake(positions: Array, radii: Array, edge: float, moves: int, seed: int) -> None:
    """Move spheres at random, one at a time and where that makes no overlap, in place; lists of neighbours are renewed."""
    np.random.seed(seed)  # noqa: NPY002 - the generator that compiled code has
    n = positions.shape[0]
    skin = 0.6 * radii.max()
    step = 0.15 * radii.max()
    near = np.empty((n, 160), dtype=np.int64)
    counts = np.zeros(n, dtype=np.int64)
    origin = positions.copy()
    stale = True
    for _ in range(moves):
        if stale:
            counts[:] = 0
            for i in range(n):
                for j in range(i):
                    d2 = 0.0
                    for k in range(3):
                        x = positions[i, k] - positions[j, k]
                        x -= edge * np.round(x / edge)
                        d2 += x * x
                    touch = radii[i] + radii[j] + skin
                    if d2 < touch * touch and counts[i] < 160 and counts[j] < 160:
                        near[i, counts[i]] = j
                        near[j, counts[j]] = i
                        counts[i] += 1
                        counts[j] += 1
            origin[:] = positions
            stale = False
        for _ in range(n):
            i = np.random.randint(n)  # noqa: NPY002
            x = positions[i, 0] + step * (2.0 * np.random.random() - 1.0)  # noqa: NPY002
            y = positions[i, 1] + step * (2.0 * np.random.random() - 1.0)  # noqa: NPY002
            z = positions[i, 2] + step * (2.0 * np.random.random() - 1.0)  # noqa: NPY002
            free = True
            for m in range(counts[i]):
                j = near[i, m]
                dx = x - positions[j, 0]
                dy = y - positions[j, 1]
                dz = z - positions[j, 2]
                dx -= edge * np.round(dx / edge)
                dy -= edge * np.round(dy / edge)
                dz -= edge * np.round(dz / edge)
                touch = radii[i] + radii[j]
                if dx * dx + dy * dy + dz * dz < touch * touch:
                    free = False
                    break
            moved2 = (x - origin[i, 0]) ** 2 + (y - origin[i, 1]) ** 2 + (z - origin[i, 2]) ** 2
            if moved2 > 0.25 * (skin - 2.0 * step) ** 2:
                stale = True
                if moved2 > 0.25 * skin * skin:
                    free = False
            if free:
                positions[i, 0], positions[i, 1], positions[i, 2] = x, y, z


@njit(cache=True)
def _pairs(positions: Array, kinds: Kinds, edge: float, step: float, size: int) -> Array:
    """Windowed sums of 1/r at nodes of the distance, one row each for AA, AB (both orders) and BB, shape (3, size)."""
    out = np.zeros((3, size))
    n = positions.shape[0]
    half = 0.5 * edge
    for i in range(n):
        for j in range(i):
            x = positions[i, 0] - positions[j, 0]
            y = positions[i, 1] - positions[j, 1]
            z = positions[i, 2] - positions[j, 2]
            x -= edge * np.round(x / edge)
            y -= edge * np.round(y / edge)
            z -= edge * np.round(z / edge)
            r = np.sqrt(x * x + y * y + z * z)
            if r < half:
                t = r / step
                k = int(t)
                u = t - k
                cosine = np.cos(np.pi * r / edge)
                w = cosine * cosine / r
                row = kinds[i] + kinds[j]
                out[row, k] += w * (1.0 - u)
                out[row, k + 1] += w * u
    return out


def partial_structure(box: Box, q: Array) -> Array:
    """Partial structure factors S_AA, S_AB, S_BB of a box, shape (3, m), at q in units of one over the diameter of A.

    Those of a kind that is absent are 1 (0 for the pair).

    Examples
    --------
    >>> box = pack(np.random.default_rng(1), volume_fraction=0.1, fraction_a=1.0, count=100)
    >>> partial_structure(box, np.array([20.0, 40.0])).round(1)[0]
    array([1., 1.])
    """
    q = np.ascontiguousarray(q, dtype=np.float64)
    step = 0.2 / float(q.max())
    nodes = int(0.5 * box.edge / step) + 3
    sums = _pairs(box.positions, box.kinds, box.edge, step, nodes)
    r = np.arange(nodes) * step
    sine = np.sin(np.outer(r, q)) / (q * np.sinc(q * step / (2 * np.pi)) ** 2)
    counts = np.array([np.sum(box.kinds == 0), np.sum(box.kinds == 1)], dtype=np.float64)
    mean = _mean_density(box.edge, q)
    out = np.empty((3, q.size))
    for row, (a, b) in enumerate(((0, 0), (0, 1), (1, 1))):
        norm = np.sqrt(counts[a] * counts[b])
        if norm == 0:
            out[row] = float(a == b)
            continue
        double = 2.0 if a == b else 1.0
        pairs = counts[a] * (counts[b] - (a == b))
        out[row] = (a == b) + (double * sums[row] @ sine - pairs / box.edge**3 * mean) / norm
    return out


def _mean_density(edge: float, q: Array) -> Array:
    """Integral of cos^2(pi r / L) sin(qr)/(qr) 4 pi r^2 from 0 to L/2, shape (m,), by Gauss-Legendre."""
    count = int(edge * q.max() / 4) + 40
    x, w = np.polynomial.legendre.leggauss(count)
    r = 0.25 * edge * (x + 1)
    integrand = 4 * np.pi * r * np.cos(np.pi * r / edge) ** 2 * w * 0.25 * edge
    return np.asarray((integrand @ np.sin(np.outer(r, q))) / q)
