"""Random packings under symmetry: cell and free coordinates of a space group, improved until atoms touch."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from whorl.learning.wyckoff import Position
from whorl.physics.symmetry import metric_tensor

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def pack(
    number: int, positions: tuple[Position, ...], contact: Array, rng: np.random.Generator
) -> tuple[Array, tuple[Array, ...], float]:
    """Improve cell and coordinates by random steps until atoms fill space.

    Parameters
    ----------
    number : int
        Space group.
    positions : tuple of s Position
    contact : array, shape (s, s)
        Expected shortest distances, angstrom.
    rng : Generator

    Returns
    -------
    cell : array, shape (6,)
        In proportion only: the caller scales it.
    free : tuple of s arrays
        Free coordinates of each site.
    packing : float
        Part of the volume inside spheres of half the contact distances, at contact.
    """
    multiplicity = np.array([p.multiplicity for p in positions], dtype=np.int64)
    rotations = np.concatenate([p.rotations for p in positions])
    translations = np.concatenate([p.translations for p in positions])
    site = np.repeat(np.arange(len(positions)), multiplicity).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(multiplicity)[:-1]]).astype(np.int64)
    basis = np.zeros((len(positions), 3, 3))
    origin = np.array([p.origin for p in positions])
    dims = np.array([p.basis.shape[1] for p in positions], dtype=np.int64)
    for s, p in enumerate(positions):
        basis[s, :, : dims[s]] = p.basis
    kind = 0 if number >= 195 else 1 if number >= 75 else 2 if number >= 16 else 3 if number >= 3 else 4
    steps = int(rng.integers(60, 220))
    cell, free, best = _climb(
        _random_cell(number, rng), kind, rotations, translations, site, first, origin, basis, dims, contact, steps,
        int(rng.integers(2**31)),
    )  # fmt: skip
    radius3 = (np.diag(contact) / 2) ** 3
    volume = float(np.sqrt(np.linalg.det(metric_tensor(cell))))
    packing = float(4 / 3 * np.pi * (multiplicity @ radius3) * best**1.5 / volume)
    return cell, tuple(free[s, : dims[s]].copy() for s in range(len(positions))), packing


@njit(cache=True)
def _metric(cell: Array) -> Array:
    c = np.cos(cell[3:] * (np.pi / 180))
    g = np.empty((3, 3))
    g[0, 0], g[1, 1], g[2, 2] = cell[0] ** 2, cell[1] ** 2, cell[2] ** 2
    g[0, 1] = g[1, 0] = cell[0] * cell[1] * c[2]
    g[0, 2] = g[2, 0] = cell[0] * cell[2] * c[1]
    g[1, 2] = g[2, 1] = cell[1] * cell[2] * c[0]
    return g


@njit(cache=True)
def closest(metric: Array, atom: Array, site: Index, first: Index, contact: Array) -> float:
    """Smallest d^2 / contact^2 between atoms, the nearest 27 cells searched."""
    best = 1e9
    for s in range(first.size):
        i = first[s]
        for j in range(atom.shape[0]):
            c2 = contact[s, site[j]] ** 2
            dx = atom[j, 0] - atom[i, 0]
            dy = atom[j, 1] - atom[i, 1]
            dz = atom[j, 2] - atom[i, 2]
            dx -= np.round(dx)
            dy -= np.round(dy)
            dz -= np.round(dz)
            for u in range(-1, 2):
                for v in range(-1, 2):
                    for w in range(-1, 2):
                        if i == j and u == 0 and v == 0 and w == 0:
                            continue
                        x, y, z = dx + u, dy + v, dz + w
                        d2 = metric[0, 0] * x * x + metric[1, 1] * y * y + metric[2, 2] * z * z
                        d2 += 2 * (metric[0, 1] * x * y + metric[0, 2] * x * z + metric[1, 2] * y * z)
                        best = min(best, d2 / c2)
    return best


@njit(cache=True)
def _climb(
    cell: Array,
    kind: int,
    rotations: Array,
    translations: Array,
    site: Index,
    first: Index,
    origin: Array,
    basis: Array,
    dims: Index,
    contact: Array,
    steps: int,
    seed: int,
) -> tuple[Array, Array, float]:
    """Random steps that are kept when the density at contact rises."""
    np.random.seed(seed)  # noqa: NPY002  numba's own generator, seeded here
    sites = first.size
    free = np.random.random((sites, 3))  # noqa: NPY002
    atom = np.empty((site.size, 3))
    x = np.empty(3)
    best = -1.0
    ratio = 0.0
    trial_cell, trial_free = cell.copy(), free.copy()
    for step in range(steps + 8):
        scale = 0.25 * (1.0 - step / (steps + 8.0)) + 0.01
        if step < 8:  # a few fresh starts
            trial_free[:] = np.random.random((sites, 3))  # noqa: NPY002
            trial_cell[:] = cell
        else:
            trial_free[:] = free
            trial_cell[:] = cell
            if kind > 0 and np.random.random() < 0.3:  # noqa: NPY002
                for k in range(3):
                    trial_cell[k] *= np.exp(np.random.normal() * scale * 0.5)  # noqa: NPY002
                if kind == 1:
                    trial_cell[1] = trial_cell[0]
                if kind == 3:
                    trial_cell[4] = min(max(trial_cell[4] + np.random.normal() * 20 * scale, 90.3), 125.0)  # noqa: NPY002
                if kind == 4:
                    for k in range(3, 6):
                        trial_cell[k] = min(max(trial_cell[k] + np.random.normal() * 20 * scale, 65.0), 115.0)  # noqa: NPY002
            else:
                s = np.random.randint(0, sites)  # noqa: NPY002
                for k in range(dims[s]):
                    trial_free[s, k] += np.random.normal() * scale  # noqa: NPY002
        n = 0
        for s in range(sites):
            for k in range(3):
                x[k] = origin[s, k]
                for m in range(dims[s]):
                    x[k] += basis[s, k, m] * trial_free[s, m]
            last = site.size if s == sites - 1 else first[s + 1]
            for n in range(first[s], last):
                for k in range(3):
                    atom[n, k] = (
                        rotations[n, k, 0] * x[0] + rotations[n, k, 1] * x[1] + rotations[n, k, 2] * x[2] + translations[n, k]
                    )
        g = _metric(trial_cell)
        volume2 = (
            g[0, 0] * (g[1, 1] * g[2, 2] - g[1, 2] ** 2)
            - g[0, 1] * (g[0, 1] * g[2, 2] - g[1, 2] * g[0, 2])
            + g[0, 2] * (g[0, 1] * g[1, 2] - g[1, 1] * g[0, 2])
        )
        if volume2 <= 1e-9:
            continue
        nearest = closest(g, atom, site, first, contact)
        value = nearest / volume2 ** (1.0 / 3.0)
        if value > best:
            best = value
            ratio = nearest
            cell = trial_cell.copy()
            free[:] = trial_free
    return cell, free, ratio


def _random_cell(number: int, rng: np.random.Generator) -> Array:
    a, b, c = np.exp(rng.normal(0, 0.4, 3))
    if number >= 195:
        return np.array([1.0, 1, 1, 90, 90, 90])
    if number >= 75:
        return np.array([1.0, 1, c / a, 90, 90, 120.0 if number >= 143 else 90.0])
    if number >= 16:
        return np.array([a, b, c, 90, 90, 90])
    if number >= 3:
        return np.array([a, b, c, 90, rng.uniform(90, 122), 90])
    return np.array([a, b, c, *rng.uniform(70, 110, 3)])
