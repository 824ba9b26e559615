"""Special and general positions of a space group, found from its operations.

A position is an affine subspace of points that share a site symmetry: x = origin + basis p. It is found by intersecting the
fixed spaces of operations, {x : R x + t + n = x}, n a lattice vector, at random: the positions of low freedom come out again
and again, and positions of one orbit are kept once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Crystal, Site
from whorl.physics.symmetry import free_position

Array = NDArray[np.float64]

_DRAWS = 600
_GENERIC = np.array([0.1371, 0.2473, 0.3593])


@dataclass(frozen=True, eq=False)
class Position:
    """A Wyckoff position.

    Attributes
    ----------
    origin : array, shape (3,)
    basis : array, shape (3, p)
        Free directions.
    rotations, translations : array, shapes (m, 3, 3) and (m, 3)
        One operation for each of the m points of the cell.
    """

    origin: Array
    basis: Array
    rotations: Array
    translations: Array

    @property
    def multiplicity(self) -> int:
        """Points in the conventional cell."""
        return len(self.rotations)


@lru_cache(maxsize=256)
def symmetry_of(number: int) -> tuple[Array, Array, int]:
    """Operations of a space group in its standard setting: rotations, translations, and the number of centring vectors.

    Examples
    --------
    >>> rotations, _, centring = symmetry_of(225)
    >>> len(rotations), centring
    (192, 4)
    """
    rotations, translations = Crystal("", space_group=str(number), sites=(Site("H", (0, 0, 0)),)).symmetry
    centring = int(np.sum(np.all(rotations == np.eye(3), axis=(1, 2))))
    return rotations, translations, centring


@lru_cache(maxsize=256)
def positions_of(number: int) -> tuple[tuple[Position, ...], ...]:
    """Positions of a space group, those of equal multiplicity and freedom together, the general position last.

    Examples
    --------
    >>> [(group[0].multiplicity, len(group)) for group in positions_of(225)][:3]
    [(4, 2), (8, 1), (24, 1)]
    """
    rotations, translations, _ = symmetry_of(number)
    rng = np.random.default_rng(number)
    found: dict[tuple[int, int, tuple[float, ...]], Position] = {}
    general = _position(rotations, translations, np.zeros(3), np.eye(3))
    found[general.multiplicity, 3, ()] = general
    for _ in range(_DRAWS):
        origin, basis = np.zeros(3), np.eye(3)
        for _ in range(int(rng.integers(1, 4))):
            k = int(rng.integers(len(rotations)))
            step = _intersect(origin, basis, rotations[k], translations[k] + rng.integers(-1, 2, 3))
            if step is None:
                continue
            origin, basis = step
            position = _position(rotations, translations, origin, basis)
            dims = basis.shape[1]
            key = (position.multiplicity, dims, _orbit_key(position))
            if dims < 3 and key not in found:
                found[key] = position
    classes: dict[tuple[int, int], list[Position]] = {}
    for key in sorted(found):
        classes.setdefault(key[:2], []).append(found[key])
    return tuple(tuple(classes[k]) for k in sorted(classes))


def site_position(rotations: Array, translations: Array, point: Array) -> tuple[Position, Array]:
    """Position of a site of a given crystal, and the values of its free coordinates.

    Parameters
    ----------
    rotations, translations : array, shapes (k, 3, 3) and (k, 3)
        All operations of the crystal.
    point : array, shape (3,)
    """
    _, basis = free_position(rotations, translations, point)
    free = np.zeros(basis.shape[1])
    return _position(rotations, translations, point, basis), free


def _position(rotations: Array, translations: Array, origin: Array, basis: Array) -> Position:
    """Keep one operation for each distinct image of a generic point of the subspace."""
    point = origin + basis @ (_GENERIC[: basis.shape[1]] * 0.05)
    image = rotations @ point + translations
    delta = image[:, None, :] - image[None, :, :]
    delta -= np.round(delta)
    same = np.all(np.abs(delta) < 1e-4, axis=2)
    first = np.flatnonzero(np.argmax(same, axis=1) == np.arange(len(same)))
    return Position(origin, basis, rotations[first], translations[first])


def _intersect(origin: Array, basis: Array, rotation: Array, translation: Array) -> tuple[Array, Array] | None:
    """Points of origin + basis p that the operation leaves alone; ``None`` when there are none or all are."""
    matrix = (rotation - np.eye(3)) @ basis
    wanted = origin - rotation @ origin - translation
    if matrix.shape[1] == 0 or np.abs(matrix).max() < 1e-9:
        return None
    p, *_ = np.linalg.lstsq(matrix, wanted, rcond=None)
    if np.abs(matrix @ p - wanted).max() > 1e-7:
        return None
    _, singular, vh = np.linalg.svd(matrix)
    rank = int(np.sum(singular > 1e-7))
    free = basis @ vh[rank:].T
    # directions of unit length along a lattice coordinate, so that a free parameter runs over 0 ... 1
    scale = np.abs(free).max(axis=0) if free.shape[1] else np.ones(0)
    return origin + basis @ p, free / scale


def _orbit_key(position: Position) -> tuple[float, ...]:
    """What tells apart positions of equal multiplicity: the orbit for points, what the coordinates' freedom is otherwise."""
    if position.basis.shape[1]:
        directions = np.unique(np.round(np.abs(position.rotations @ (position.basis @ _GENERIC[: position.basis.shape[1]])), 4))
        images = position.rotations @ position.origin + position.translations
        rest = np.unique(np.round(np.abs(images - np.round(images)), 4))
        return (*directions[:6].tolist(), *rest[:6].tolist())
    images = position.rotations @ position.origin + position.translations
    images = np.round(images - np.floor(images + 1e-6), 4) + 0.0
    return tuple(float(v) for v in images[np.lexsort(images.T)[0]])
