"""The symmetry of a crystal that is written without any: all atoms listed in P 1, as computed databases export them.

Symmetry is found by spglib (Togo, Shinohara, Tanaka, Sci. Technol. Adv. Mater. Meth. 4, 2384822 (2024),
doi:10.1080/27660400.2024.2384822) and the crystal written anew in the standard setting, so that a refinement moves what
symmetry leaves free and no more.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Crystal, Site
from whorl.physics.symmetry import metric_tensor

Array = NDArray[np.float64]

#: how far an atom may be from its symmetric place, angstrom; no pattern of distances shows as much
TOLERANCE = 0.01
#: larger cells are left in P 1: the search for symmetry takes seconds there
_MOST_ATOMS = 500


def symmetrised(crystal: Crystal) -> Crystal | None:
    """Give the crystal with the symmetry that its atoms have; ``None`` where that is no more than P 1.

    Examples
    --------
    >>> po = Crystal("Po", cell=(3.36, 3.36, 3.36, 90, 90, 90), sites=(Site("Po", (0.1, 0.2, 0.3), 1.0, None, "Po1"),))
    >>> found = symmetrised(po)
    >>> found.space_group, found.sites[0].position
    ('P m -3 m', (0.0, 0.0, 0.0))
    """
    groups = _by_position(crystal)
    if len(groups) > _MOST_ATOMS:
        return None
    kinds: dict[tuple[tuple[str, float], ...], int] = {}
    numbers = [kinds.setdefault(_occupants(sites), len(kinds)) for sites in groups]
    lattice = np.asarray(np.linalg.cholesky(metric_tensor(np.array(crystal.cell, dtype=float))), dtype=np.float64)
    found = _dataset(lattice, [sites[0].position for sites in groups], numbers)
    if found is None or found.number == 1:
        return None
    group = _group(found.hall)
    if group is None:
        return None
    first = dict(reversed(list(zip(numbers, groups, strict=True))))
    places = np.asarray(found.std_positions, dtype=float)
    cell = _cell(np.asarray(found.std_lattice, dtype=float))
    sites = []
    for index in _independent(places, np.asarray(found.std_types), group, metric_tensor(np.array(cell))):
        x, y, z = (float(v) for v in np.round(places[index] % 1.0, 10) % 1.0)
        sites += [replace(site, position=(x, y, z)) for site in first[int(found.std_types[index])]]
    return replace(crystal, cell=cell, space_group=group, sites=tuple(sites), operations=None)


def _dataset(lattice: Array, positions: Sequence[tuple[float, float, float]], numbers: Sequence[int]) -> Any:
    import spglib

    with warnings.catch_warnings():  # newer versions announce how they will report errors some day
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return spglib.get_symmetry_dataset((lattice, positions, numbers), symprec=TOLERANCE)
        except Exception:  # noqa: BLE001 - its own errors say that it found no symmetry
            return None


def _by_position(crystal: Crystal) -> list[list[Site]]:
    found: dict[tuple[float, ...], list[Site]] = {}
    for site in crystal.sites:
        found.setdefault(tuple(round(v % 1.0, 4) % 1.0 for v in site.position), []).append(site)
    return list(found.values())


def _occupants(sites: Sequence[Site]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted((site.element, round(site.occupancy, 2)) for site in sites))


def _group(hall: str) -> str | None:
    import gemmi

    found = gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(hall))
    return None if found is None else str(found.xhm())


def _cell(lattice: Array) -> tuple[float, float, float, float, float, float]:
    lengths = np.linalg.norm(lattice, axis=1)
    cosines = [lattice[i] @ lattice[j] / (lengths[i] * lengths[j]) for i, j in ((1, 2), (0, 2), (0, 1))]
    a, b, c = (float(v) for v in lengths)
    alpha, beta, gamma = (float(round(v, 6)) for v in np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))))
    return a, b, c, alpha, beta, gamma


def _independent(places: Array, types: NDArray[np.int64], group: str, metric: Array) -> list[int]:
    """Indices of one atom of each orbit."""
    rotations, translations = Crystal("", space_group=group, sites=(Site("H", (0.0, 0.0, 0.0)),)).symmetry
    free = np.ones(len(places), dtype=bool)
    found = []
    for index in range(len(places)):
        if not free[index]:
            continue
        found.append(index)
        alike = np.flatnonzero(free & (types == types[index]))
        image = rotations @ places[index] + translations
        off = places[alike][:, None, :] - image
        off -= np.round(off)
        free[alike[np.einsum("nmi,nmi->nm", off @ metric, off).min(axis=1) < (5 * TOLERANCE) ** 2]] = False
    return found
