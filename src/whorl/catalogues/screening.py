"""What a crystal of a large collection must pass before it is searched: a sensible cell, and atoms that leave room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.likeness import Likeness, likeness
from whorl.core.errors import StructureError
from whorl.core.hypothesis import Crystal
from whorl.physics.symmetry import metric_tensor

Array = NDArray[np.float64]

#: lengths of cells, angstrom: the edges of beryllium are 2.3, those of long-period polytypes some hundred
_LENGTHS = (1.0, 1000.0)
#: angles of cells, degrees
_ANGLES = (10.0, 170.0)
#: volume of an atom, angstrom^3: 5.7 in diamond, some 60 in frameworks whose hydrogen was not found
_VOLUMES = (2.0, 300.0)
#: atoms nearer than this are one position, angstrom (the shortest bond of all, in H2, is 0.74)
_NEAREST = 0.5
#: an atom this near to its own image was meant to be on the special position between them, angstrom
_ROUNDED = 0.3
#: occupancies of one position may add up to this
_FULL = 1.05
#: largest cell, in positions: beyond, a pattern of distances tells nothing that a search could use
_MOST_ATOMS = 20_000


def screen(crystal: Crystal, notes: list[str]) -> tuple[Crystal, Likeness]:
    """Check a crystal; atoms a little off a special position are put there.

    Parameters
    ----------
    crystal : Crystal
    notes : list of str
        Gets what was repaired.

    Returns
    -------
    Crystal, Likeness

    Raises
    ------
    StructureError
        If the cell is absurd, or atoms are on top of each other.

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> zinc = Crystal("Zn", cell=(2.66, 2.66, 4.95, 90, 90, 120), space_group="194", sites=(Site("Zn", (0.32, 0.66, 0.25)),))
    >>> notes = []
    >>> screen(zinc, notes)[1].contents, notes
    ({'Zn': 2.0}, ['Zn: 0.03 angstrom off a special position, put there'])
    """
    _check_cell(crystal)
    found = likeness(crystal)
    if found.near.size and found.near[:, 0].min() * found.edge >= _NEAREST and _most_of(found) <= _FULL:
        _check_volume(crystal, found)
        return crystal, found
    crystal = _snapped(crystal, notes)
    _check_overlaps(crystal)
    found = likeness(crystal)
    _check_volume(crystal, found)
    return crystal, found


def _most_of(found: Likeness) -> float:
    """Largest sum of occupancies of a position."""
    return max(sum(occupancy for _, occupancy in orbit.occupants) for orbit in found.orbits)


def _check_cell(crystal: Crystal) -> None:
    lengths, angles = crystal.cell[:3], crystal.cell[3:]
    written = ", ".join(f"{v:g}" for v in crystal.cell)
    if min(lengths) < _LENGTHS[0] or max(lengths) > _LENGTHS[1]:
        raise StructureError(
            f"unit cell ({written}) has an absurd length", remedy=f"Lengths are {_LENGTHS[0]:g} to {_LENGTHS[1]:g} angstrom."
        )
    if min(angles) < _ANGLES[0] or max(angles) > _ANGLES[1]:
        raise StructureError(
            f"unit cell ({written}) has an absurd angle", remedy=f"Angles are {_ANGLES[0]:g} to {_ANGLES[1]:g} degrees."
        )
    operations = 192 if crystal.operations is None else len(crystal.operations)
    if len(crystal.sites) > _MOST_ATOMS or len(crystal.sites) * operations > 200 * _MOST_ATOMS:
        raise StructureError(
            f"too large to be searched ({len(crystal.sites)} sites)", remedy=f"Cells of up to {_MOST_ATOMS} atoms are searched."
        )


def _check_volume(crystal: Crystal, found: Likeness) -> None:
    volume = crystal.volume / sum(found.contents.values())
    if not _VOLUMES[0] <= volume <= _VOLUMES[1]:
        raise StructureError(
            f"an atom has an absurd volume ({volume:.3g} cubic angstrom)",
            remedy=f"It is {_VOLUMES[0]:g} to {_VOLUMES[1]:g} in solids: check the cell and the list of atoms.",
        )


def _snapped(crystal: Crystal, notes: list[str]) -> Crystal:
    """Put sites whose own images overlap onto the special position between them."""
    rotations, translations = crystal.symmetry
    metric = metric_tensor(np.array(crystal.cell, dtype=float))
    sites = []
    for site in crystal.sites:
        position = np.array(site.position, dtype=float)
        off = rotations @ position + translations - position
        off -= np.round(off)
        distance = np.sqrt(np.einsum("ni,ni->n", off @ metric, off))
        near = distance < _ROUNDED
        if site.occupancy * near.sum() > _FULL * (distance < 1e-3).sum() and distance[near].max() > 1e-3:
            shift = off[near].mean(axis=0)
            moved = float(np.sqrt(shift @ metric @ shift))
            if moved >= 0.005:
                notes.append(f"{site.label or site.element}: {moved:.2f} angstrom off a special position, put there")
            x, y, z = (float(v) for v in position + shift)
            sites.append(replace(site, position=(x, y, z)))
        else:
            sites.append(site)
    return replace(crystal, sites=tuple(sites))


def _check_overlaps(crystal: Crystal) -> None:
    """Raise where positions nearer than any bond hold more than one atom."""
    whole = crystal.expansion
    metric = metric_tensor(np.array(crystal.cell, dtype=float))
    occupancy = np.array([site.occupancy for site in crystal.sites])[whole.site]
    first = [int(np.flatnonzero(whole.site == i)[0]) for i in range(len(crystal.sites))]
    for index in first:
        off = whole.position - whole.position[index]
        off -= np.round(off)
        distance = np.sqrt(np.einsum("ni,ni->n", off @ metric, off))
        close = distance < _NEAREST
        if occupancy[close].sum() > _FULL:
            names = [crystal.sites[int(i)].label or crystal.sites[int(i)].element for i in whole.site[close]]
            raise StructureError(
                f"atoms on top of each other ({', '.join(dict.fromkeys(names))})",
                remedy=f"Positions nearer than {_NEAREST:g} angstrom may hold one atom together.",
            )
