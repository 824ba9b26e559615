"""What of a crystal may vary in a refinement: cell, coordinates as symmetry leaves them free, names and priors of these.

Techniques that see the same crystal in different ways share these parameters, so that a name or a prior means the same in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.symmetrise import symmetrised
from whorl.core.hypothesis import Crystal, Site
from whorl.fitting.problem import Parameter
from whorl.physics import symmetry

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: relative change of the lengths that a fit may make: at least, in units of the prior's spread, and at most
_CELL_REACH, _CELL_REACH_IN_SPREADS, _CELL_REACH_AT_MOST = 0.06, 3.0, 0.15
_ANGLE_SPREAD, _ANGLE_REACH = 0.7, 4.0  # degrees
_POSITION_SPREAD = 0.1  # angstrom
_POSITION_REACH = 0.6


class Freedom:
    """Free cell parameters and coordinates of a crystal.

    Parameters
    ----------
    crystal : Crystal
    positions : bool
        Coordinates vary too.
    zoom : float
        Start of the lengths, relative to the crystal's.

    Attributes
    ----------
    cell_names : tuple of str
    cell_matrix : array, shape (6, cell names)
    bases : list of (names, array of shape (3, free))
        Of each site.
    site_of : array of int, shape (p,)
        Site of each free coordinate.
    directions : array, shape (p, 3)
        Fractional shift of the site for a change by 1.
    origin : array, shape (p,)
        Start values of the free coordinates.
    """

    def __init__(self, crystal: Crystal, *, positions: bool = True, zoom: float = 1.0) -> None:
        self.crystal, self.zoom = crystal, zoom
        self.cell = np.array(crystal.cell, dtype=np.float64)
        self.cell_names, self.cell_matrix, self.bases = freedom(crystal, positions=positions)
        flat = [(s, b[:, k]) for s, (_, b) in enumerate(self.bases) for k in range(b.shape[1])]
        self.site_of = np.array([s for s, _ in flat], dtype=np.int64)
        self.directions = np.array([d for _, d in flat]).reshape(-1, 3)
        self.origin = np.array([_start(crystal.sites[s], d) for s, d in flat])

    def cell_at(self, values: Array) -> Array:
        """All six cell parameters at values of the free ones."""
        start = np.array([self.cell[symmetry.CELL_NAMES.index(n)] for n in self.cell_names])
        return np.asarray(self.cell + self.cell_matrix @ (values - start))

    def metric_slopes(self, cell: Array) -> Array:
        """Derivatives of the metric tensor with respect to the free cell parameters, shape (f, 3, 3)."""
        return np.asarray(np.einsum("cf,cij->fij", self.cell_matrix, symmetry.metric_derivatives(cell)))

    def cell_parameters(self) -> list[Parameter]:
        """Free cell parameters with their priors."""
        out = []
        lengths = self.crystal.cell_spread or cell_spread(len(self.crystal.elements))
        reach_of_lengths = min(max(_CELL_REACH, _CELL_REACH_IN_SPREADS * lengths), _CELL_REACH_AT_MOST)
        for name in self.cell_names:
            value = float(self.cell[symmetry.CELL_NAMES.index(name)])
            if name in "abc":
                spread, reach, unit = lengths * value, reach_of_lengths * value, "angstrom"
                start = float(np.clip(value * self.zoom, value - 0.99 * reach, value + 0.99 * reach))
            else:
                spread, reach, unit, start = _ANGLE_SPREAD, _ANGLE_REACH, "degree", value
            out.append(Parameter(name, start, value - reach, value + reach, unit, value, spread))
        return out

    def position_parameters(self, keep: Index) -> list[Parameter]:
        """The free coordinates chosen, with their priors."""
        labels = site_labels(self.crystal.sites)
        names = [n for names, _ in self.bases for n in names]
        out = []
        for p in keep:
            direction = self.directions[p]
            length = float(np.sqrt(direction @ symmetry.metric_tensor(self.cell) @ direction))
            value, reach = float(self.origin[p]), _POSITION_REACH / length
            name = f"{names[p]}_{labels[self.site_of[p]]}"
            out.append(Parameter(name, value, value - reach, value + reach, "1", value, _POSITION_SPREAD / length))
        return out

    def moved(self, cell: Array, free: Array, u_iso: Sequence[float]) -> Crystal:
        """The crystal with another cell, free coordinates changed by ``free`` (p,) and displacement parameters of its sites."""
        sites, offset = [], 0
        for s, (_, basis), u in zip(self.crystal.sites, self.bases, u_iso, strict=True):
            width = basis.shape[1]
            position = np.array(s.position) + basis @ free[offset : offset + width]
            offset += width
            sites.append(replace(s, position=tuple(float(v) for v in position), u_iso=float(u)))  # type: ignore[arg-type]
        return replace(self.crystal, cell=tuple(float(v) for v in cell), sites=tuple(sites))  # type: ignore[arg-type]

    def independent(self) -> Index:
        """Free coordinates that change the structure: along a polar axis one of them only sets the origin and is left out.

        That is one at zero, where there is one: people refine the z of the anion of wurtzite, not that of the cation.
        """
        polar = symmetry.polar_directions(self.crystal.symmetry[0])
        count = len(self.crystal.sites)
        columns = [np.tile(axis, count) for axis in polar.T]
        keep = []
        for p in sorted(range(len(self.origin)), key=lambda p: abs(self.origin[p]) < 1e-6):
            move = np.zeros((count, 3))
            move[self.site_of[p]] = self.directions[p]
            trial = [*columns, move.ravel()]
            if np.linalg.matrix_rank(np.array(trial), tol=1e-6) == len(trial):
                columns = trial
                keep.append(p)
        return np.array(sorted(keep), dtype=np.int64)


@lru_cache(maxsize=512)
def in_own_symmetry(crystal: Crystal) -> Crystal:
    """A crystal that is listed in P 1, in the symmetry that its atoms have; any other as it is.

    Examples
    --------
    >>> atoms = (Site("Po", (0.0, 0.0, 0.0), 1.0, None, "Po1"),)
    >>> in_own_symmetry(Crystal("Po", cell=(3.36, 3.36, 3.36, 90, 90, 90), sites=atoms)).space_group
    'P m -3 m'
    """
    if crystal.space_group_number != 1:
        return crystal
    found = symmetrised(crystal)
    return crystal if found is None else found


def free_coordinates(crystal: Crystal) -> int:
    """Number of atomic coordinates that symmetry leaves free.

    Examples
    --------
    >>> from whorl.catalogues import open_catalogue
    >>> free_coordinates(open_catalogue("compounds").load("TiO2-rutile"))
    1
    """
    return sum(basis.shape[1] for _, basis in freedom(crystal, positions=True)[2])


@lru_cache(maxsize=128)
def freedom(crystal: Crystal, *, positions: bool) -> tuple[tuple[str, ...], Array, list[tuple[tuple[str, ...], Array]]]:
    """Free cell parameters, their matrix, and the free directions of each site (none without ``positions``)."""
    rotations, translations = crystal.symmetry
    names, matrix = symmetry.free_cell(rotations, np.array(crystal.cell, dtype=np.float64))
    if not positions:
        return names, matrix, [((), np.zeros((3, 0))) for _ in crystal.sites]
    return names, matrix, [symmetry.free_position(rotations, translations, np.array(s.position)) for s in crystal.sites]


def cell_spread(elements: int) -> float:
    """Prior spread of a crystal's lengths, relative: temperature and calibration; in compounds also composition."""
    return 0.005 if elements == 1 else 0.010


def site_labels(sites: Sequence[Site]) -> list[str]:
    """Unique names: the file's labels where they are unique, else element and number."""
    labels = [s.label or s.element for s in sites]
    if len(set(labels)) == len(labels):
        return labels
    count: dict[str, int] = {}
    out = []
    for s in sites:
        count[s.element] = count.get(s.element, 0) + 1
        out.append(f"{s.element}{count[s.element]}")
    return out


def _start(site: Site, direction: Array) -> float:
    return float(site.position[int(np.argmax(np.abs(direction) > 1e-9))])
