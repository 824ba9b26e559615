"""Distances in a crystal as functions of its cell and of its free coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_SHORTEST = 0.5  # two partly occupied sites closer than this (angstrom) exclude each other: no pair


@dataclass(frozen=True)
class Links:
    """Which free coordinates move which pair: pairs of one kind (of the same two atoms) move alike.

    Parameters
    ----------
    kind : int array, shape (k,)
        Of each pair, 0 ... c-1.
    start : int array, shape (c + 1,)
        Entries ``start[kind]`` to ``start[kind + 1]`` of the arrays below are those of a kind.
    column : int array, shape (m,)
        Number of the coordinate.
    direction : array, shape (m, 3)
        Derivative of the fractional vector from atom i to atom j by it.
    count : int
        Number p of free coordinates.
    """

    kind: Index
    start: Index
    column: Index
    direction: Array
    count: int

    def moved(self, free: Array) -> Array:
        """Change of the fractional vector of each kind for a change of the coordinates, shape (c, 3)."""
        out = np.zeros((self.start.size - 1, 3))
        np.add.at(out, np.repeat(np.arange(len(out)), np.diff(self.start)), self.direction * free[self.column, None])
        return out


@dataclass(frozen=True)
class PairTable:
    """Distinct pairs of a crystal: k rows, each standing for all pairs that symmetry keeps equal.

    Parameters
    ----------
    vector : array, shape (k, 3)
        Fractional vector from atom i to atom j at the start values.
    links : Links
        How that vector changes with the p free coordinates.
    weight : array, shape (k,)
        (1/N) times the number of ordered pairs in the cell, occupancies counted; N atoms in the cell.
    site_i, site_j : int array, shape (k,)
        Independent sites.
    """

    vector: Array
    links: Links
    weight: Array
    site_i: Index
    site_j: Index

    def distances(self, metric: Array, free: Array) -> tuple[Array, Array]:
        """Distances (k,) and current vectors (k, 3) for a metric tensor and values of the free coordinates (p,)."""
        vector = self.vector + self.links.moved(free)[self.links.kind] if free.size else self.vector
        return np.sqrt(((vector @ metric) * vector).sum(axis=1)), vector


@njit(cache=True)
def _collect(
    starts: Array, atoms: Array, translations: Array, metric: Array, r_min: float, r_max: float
) -> tuple[Array, Index, Index]:
    low = r_min * r_min
    high = r_max * r_max
    count = 0
    capacity = 4096
    vector = np.empty((capacity, 3))
    first = np.empty(capacity, np.int64)
    second = np.empty(capacity, np.int64)
    for i in range(starts.shape[0]):
        for j in range(atoms.shape[0]):
            bx = atoms[j, 0] - starts[i, 0]
            by = atoms[j, 1] - starts[i, 1]
            bz = atoms[j, 2] - starts[i, 2]
            for t in range(translations.shape[0]):
                x = bx + translations[t, 0]
                y = by + translations[t, 1]
                z = bz + translations[t, 2]
                d2 = (
                    metric[0, 0] * x * x
                    + metric[1, 1] * y * y
                    + metric[2, 2] * z * z
                    + 2 * (metric[0, 1] * x * y + metric[0, 2] * x * z + metric[1, 2] * y * z)
                )
                if low < d2 < high:
                    if count == capacity:
                        capacity *= 2
                        bigger = np.empty((capacity, 3))
                        bigger[:count] = vector
                        vector = bigger
                        more = np.empty(capacity, np.int64)
                        more[:count] = first
                        first = more
                        also = np.empty(capacity, np.int64)
                        also[:count] = second
                        second = also
                    vector[count, 0] = x
                    vector[count, 1] = y
                    vector[count, 2] = z
                    first[count] = i
                    second[count] = j
                    count += 1
    return vector[:count].copy(), first[:count].copy(), second[:count].copy()


def lattice_translations(metric: Array, r_max: float) -> Array:
    """Lattice vectors that can bring a cell within ``r_max`` of another, shape (m, 3), fractional."""
    reach = np.ceil(r_max * np.sqrt(np.diag(np.linalg.inv(metric)))).astype(int) + 1
    axes = [np.arange(-n, n + 1) for n in reach]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float64)


def pair_table(
    metric: Array,
    position: Array,
    site: Index,
    rotation: Array,
    occupancy: Array,
    basis: list[Array],
    label: Index,
    r_max: float,
    metric_variants: list[Array],
) -> PairTable:
    """Find all pairs up to ``r_max`` and join those that stay equal whatever the free parameters do.

    Two pairs are joined when their distances agree at the start and at random values of cell and coordinates that respect the
    symmetry: chance agreement at one point is not enough.

    Parameters
    ----------
    metric : array, shape (3, 3)
    position : array, shape (n, 3)
        All atoms of the cell, fractional.
    site : int array, shape (n,)
        Independent site of each atom, 0 ... s-1.
    rotation : array, shape (n, 3, 3)
        Operation that made each atom from its site.
    occupancy : array, shape (s,)
    basis : list of s arrays, shape (3, p_s)
        Free directions of each site.
    label : int array, shape (s,)
        Sites of different label (element, displacement parameter) are never joined.
    r_max : float
        angstrom.
    metric_variants : list of arrays, shape (3, 3)
        Other metric tensors that the symmetry allows, for the test of equality.

    Returns
    -------
    PairTable

    Examples
    --------
    >>> fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    >>> g = np.eye(3) * 3.5**2
    >>> table = pair_table(g, fcc, np.zeros(4, int), np.array([np.eye(3)] * 4), np.ones(1), [np.zeros((3, 0))],
    ...                    np.zeros(1, int), 3.6, [])
    >>> table.weight.tolist()
    [12.0, 6.0]
    """
    sites = occupancy.size
    offsets = np.concatenate([[0], np.cumsum([b.shape[1] for b in basis])]).astype(np.int64)
    free = int(offsets[-1])
    representative = np.array([int(np.argmax(site == s)) for s in range(sites)])
    multiplicity = np.bincount(site, minlength=sites)
    atoms = float(multiplicity @ occupancy)
    vector, i, j = _collect(
        np.ascontiguousarray(position[representative]),
        np.ascontiguousarray(position),
        lattice_translations(metric, r_max),
        np.ascontiguousarray(metric),
        _SHORTEST,
        r_max,
    )
    moves = [rotation[n] @ basis[s] for n, s in enumerate(site)]
    site_j = site[j]
    weight = multiplicity[i] * occupancy[i] * occupancy[site_j] / atoms
    rng = np.random.default_rng(20021)
    low, high = np.minimum(label[i], label[site_j]), np.maximum(label[i], label[site_j])
    key = _mix(low * (int(label.max()) + 1) + high, 11)
    for variant in [metric, *metric_variants]:
        values = rng.uniform(-0.01, 0.01, free) if free else np.zeros(0)
        atom = np.array([m @ values[offsets[s] : offsets[s + 1]] for m, s in zip(moves, site, strict=True)])
        current = vector + atom[j] - atom[representative[i]] if free else vector
        d = np.sqrt(((current @ variant) * current).sum(axis=1))
        key = _mix(key ^ _mix(np.round(d * 1e5).astype(np.int64), 5), 3)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(((vector[first] @ metric) * vector[first]).sum(axis=1), kind="stable")
    total = np.bincount(inverse, weights=weight)
    keep = first[order]
    merged = np.asarray(total[order], dtype=np.float64)
    kinds, kind = np.unique(i[keep] * len(site) + j[keep], return_inverse=True)
    ends = [(int(n) // len(site), int(n) % len(site)) for n in kinds]
    start, column, direction = [0], list[int](), list[Array]()
    for s, n in ends if free else []:
        both: dict[int, Array] = {}
        for atom_number, sign in ((int(representative[s]), -1.0), (n, 1.0)):
            for q, move in enumerate(moves[atom_number].T, start=int(offsets[site[atom_number]])):
                both[q] = both.get(q, np.zeros(3)) + sign * move
        some = [q for q in sorted(both) if np.any(both[q] != 0.0)]
        column += some
        direction += [both[q] for q in some]
        start.append(len(column))
    if not free:
        start = [0] * (len(ends) + 1)
    links = Links(
        kind.astype(np.int64),
        np.array(start, dtype=np.int64),
        np.array(column, dtype=np.int64),
        np.array(direction, dtype=np.float64).reshape(-1, 3),
        free,
    )
    return PairTable(vector[keep], links, merged, i[keep], site_j[keep])


def _mix(values: Index, salt: int) -> Index:
    """Scramble 64-bit integers, so that a few of them can be joined into one key."""
    with np.errstate(over="ignore"):
        x = (values.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
        x ^= x >> np.uint64(29)
        x *= np.uint64(0xBF58476D1CE4E5B9)
        x ^= x >> np.uint64(32)
    return x.astype(np.int64)


@dataclass(frozen=True)
class JoinedPairs:
    """Pairs of a `PairTable` at given parameter values, those of nearly the same length joined.

    ``distance``, ``weight``, ``spread`` (k,): mean length, sum of weights, variance of the lengths joined (angstrom^2);
    ``channel`` (k,); ``slope``, ``spread_slope`` (k, f + p): derivatives of mean and variance by f cell parameters, then by p
    free coordinates.
    """

    distance: Array
    weight: Array
    spread: Array
    channel: Index
    slope: Array
    spread_slope: Array


def joined_pairs(
    table: PairTable,
    channel: Index,
    metric: Array,
    by_cell: Array,
    free: Array,
    *,
    width: float,
    crowd: float = 0.5,
) -> JoinedPairs:
    """Lengths of the pairs and their derivatives; crystals of low symmetry have more pairs than a curve has points.

    Where that is so, the pairs of one channel that fall into one bin become one of their mean length and of the sum of their
    weights. Since the variance of their lengths is kept too, the sum of their peaks changes only in the third order of the
    ratio of the bin's width to the peaks'.

    Parameters
    ----------
    table : PairTable
    channel : int array, shape (k,)
        Pairs of different channel are not joined.
    metric : array, shape (3, 3)
    by_cell : array, shape (f, 3, 3)
        Derivative of the metric tensor by each cell parameter.
    free : array, shape (p,)
        Change of each free coordinate.
    width : float
        Of a bin, angstrom.
    crowd : float
        Pairs for each bin, in the mean, from which they are joined.

    Examples
    --------
    >>> line, site = np.array([[1, 0, 0], [1.001, 0, 0]]), np.zeros(2, int)
    >>> links = Links(site, np.zeros(2, int), np.zeros(0, int), np.zeros((0, 3)), 0)
    >>> pairs = PairTable(line, links, np.ones(2), site, site)
    >>> joined = joined_pairs(pairs, site, np.eye(3), np.zeros((0, 3, 3)), np.zeros(0), width=0.7)
    >>> joined.distance.tolist(), joined.weight.tolist()
    ([1.0005], [2.0])
    """
    links = table.links
    found = _join(
        *(table.vector, links.kind, links.start, links.column, links.direction, table.weight, channel),
        *(np.ascontiguousarray(metric), np.ascontiguousarray(by_cell), np.asarray(free, dtype=np.float64), width, crowd),
    )
    return JoinedPairs(*found)


@njit(cache=True, nogil=True)
def _join(
    vector: Array,
    kind: Index,
    start: Index,
    column: Index,
    direction: Array,
    weight: Array,
    channel: Index,
    metric: Array,
    by_cell: Array,
    free: Array,
    width: float,
    crowd: float,
) -> tuple[Array, Array, Array, Index, Array, Array]:
    k = weight.size
    f = by_cell.shape[0]
    p = f + free.size
    distance = np.empty(k)
    current = np.empty((k, 3))
    longest = 0.0
    for i in range(k):
        x = vector[i, 0]
        y = vector[i, 1]
        z = vector[i, 2]
        for m in range(start[kind[i]], start[kind[i] + 1]):
            change = free[column[m]]
            x += direction[m, 0] * change
            y += direction[m, 1] * change
            z += direction[m, 2] * change
        current[i, 0] = x
        current[i, 1] = y
        current[i, 2] = z
        d2 = (
            metric[0, 0] * x * x
            + metric[1, 1] * y * y
            + metric[2, 2] * z * z
            + 2 * (metric[0, 1] * x * y + metric[0, 2] * x * z + metric[1, 2] * y * z)
        )
        distance[i] = np.sqrt(d2)
        longest = max(longest, distance[i])
    bins = int(longest / width) + 1
    channels = channel.max() + 1
    place = np.empty(k, np.int64)
    count = 0
    if k > crowd * channels * bins:
        taken = np.full(channels * bins, -1, np.int64)
        for i in range(k):
            b = channel[i] * bins + int(distance[i] / width)
            if taken[b] < 0:
                taken[b] = count
                count += 1
            place[i] = taken[b]
    else:
        count = k
        for i in range(k):
            place[i] = i
    mean = np.zeros(count)
    total = np.zeros(count)
    spread = np.zeros(count)
    row = np.empty(count, np.int64)
    slope = np.zeros((count, p))
    spread_slope = np.zeros((count, p))
    for i in range(k):
        b = place[i]
        row[b] = channel[i]
        total[b] += weight[i]
        mean[b] += weight[i] * distance[i]
    for b in range(count):
        mean[b] /= total[b]
    for i in range(k):
        b = place[i]
        x = current[i, 0]
        y = current[i, 1]
        z = current[i, 2]
        share = weight[i] / total[b]
        off = distance[i] - mean[b]
        spread[b] += share * off * off
        half = 0.5 * share / distance[i]
        for c in range(f):
            g = by_cell[c]
            change = half * (
                g[0, 0] * x * x + g[1, 1] * y * y + g[2, 2] * z * z + 2 * (g[0, 1] * x * y + g[0, 2] * x * z + g[1, 2] * y * z)
            )
            slope[b, c] += change
            spread_slope[b, c] += 2 * off * change
        gx = (metric[0, 0] * x + metric[0, 1] * y + metric[0, 2] * z) * 2 * half
        gy = (metric[0, 1] * x + metric[1, 1] * y + metric[1, 2] * z) * 2 * half
        gz = (metric[0, 2] * x + metric[1, 2] * y + metric[2, 2] * z) * 2 * half
        for m in range(start[kind[i]], start[kind[i] + 1]):
            change = gx * direction[m, 0] + gy * direction[m, 1] + gz * direction[m, 2]
            slope[b, f + column[m]] += change
            spread_slope[b, f + column[m]] += 2 * off * change
    return mean, total, spread, row, slope, spread_slope
