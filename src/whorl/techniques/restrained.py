"""Bond lengths and angles of crystals as quantities known beside the data, for `whorl.fitting.constraints`.

``Co1-O1`` stands for every distance between these sites that is near the value stated; ``O1-Co1-O1`` for every angle at the
middle site, between bonds to its neighbours of these sites, that is near it. Which contacts those are is settled before the
refinement, from the structure as it was given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Hypothesis
from whorl.fitting.constraints import Restraint, Soft, Tie, parse_restraint, parse_tie, solve_constrained
from whorl.fitting.evidence import DEFAULT_TEMPER, Temper
from whorl.fitting.problem import Fit
from whorl.techniques.crystal_freedom import site_labels

Array = NDArray[np.float64]

#: distances up to which a contact is one that is meant, relative to the value; angles, degrees
_NEAR, _NEAR_ANGLE = 0.2, 25.0
#: a neighbour of the middle of an angle lies within this, relative to the shortest contact of its site
_SHELL = 1.25
_FAR = 4.0  # angstrom, within which neighbours of the middle of an angle are looked for


@dataclass(frozen=True)
class Known:
    """What a user knows beside the data: ties, restraints on parameters, on bond lengths and on angles.

    Examples
    --------
    >>> Known.read(["occ_Li2 = 1 - occ_Ni1"], ["Co1-O1 = 1.92 +- 0.02"]).restraints[0].value
    1.92
    """

    ties: tuple[Tie, ...] = ()
    restraints: tuple[Restraint, ...] = ()

    @classmethod
    def read(cls, ties: Sequence[str] = (), restraints: Sequence[str] = ()) -> Known:
        """Read them as users write them (`whorl.fitting.constraints.parse_tie`, `parse_restraint`)."""
        return cls(tuple(parse_tie(t) for t in ties), tuple(parse_restraint(r) for r in restraints))

    def solve(self, problem: Any, *, start: Array | None = None, temper: Temper = DEFAULT_TEMPER, **limits: Any) -> Fit:
        """Fit a problem with what is known (limits: those of `whorl.fitting.solve.solve`)."""
        atoms = [r for r in self.restraints if is_geometric(r.quantity)]
        plain = [r for r in self.restraints if not is_geometric(r.quantity)]
        begin = np.array([p.value for p in problem.parameters]) if start is None else start
        soft = restrained(problem, begin, atoms)
        return solve_constrained(problem, ties=self.ties, restraints=plain, soft=soft, start=start, temper=temper, **limits)


NOTHING = Known()


@dataclass(frozen=True)
class _Image:
    """An atom made of a site by a symmetry operation: x = rotation @ x_site + translation."""

    site: int
    rotation: Array
    translation: Array

    def at(self, crystal: Crystal) -> Array:
        return np.asarray(self.rotation @ np.array(crystal.sites[self.site].position) + self.translation)


def restrained(problem: Any, start: Array, restraints: Sequence[Restraint]) -> Soft | None:
    """Bond lengths and angles of a problem's phases as a function of its parameters.

    Parameters
    ----------
    problem : Problem
        With ``structures(values)``, the structures of its phases.
    start : array, shape (p,)
        Values at which contacts are looked for.
    restraints : sequence of Restraint
        ``Co1-O1``, ``O1-Co1-O2``, with ``2:`` before it for the second of several phases.

    Raises
    ------
    UsageError
        If a site is unknown, or nothing is near the value.
    """
    if not restraints:
        return None
    begun = problem.structures(start)
    terms = [(number, atoms, r) for r in restraints for number, atoms in _contacts(r, begun)]

    def off(values: Array) -> Array:
        now = problem.structures(values)
        return np.array([(_measure(now[n], atoms) - r.value) / r.sigma for n, atoms, r in terms])

    return off


def is_geometric(quantity: str) -> bool:
    """Tell whether a restrained quantity names atoms rather than a parameter.

    Examples
    --------
    >>> is_geometric("Co1-O1"), is_geometric("U_Co")
    (True, False)
    """
    return "-" in quantity


def _contacts(restraint: Restraint, structures: Sequence[Hypothesis]) -> list[tuple[int, list[_Image]]]:
    """Contacts that a restraint means: number of the phase and the atoms of each."""
    before, colon, names = restraint.quantity.rpartition(":")
    number = int(before) - 1 if colon and before.strip().isdigit() else 0
    if not 0 <= number < len(structures):
        raise UsageError(f"{restraint.quantity}: there is no phase {number + 1}", remedy=f"Phases are 1 to {len(structures)}.")
    crystal = structures[number]
    if not isinstance(crystal, Crystal):
        raise UsageError("bond lengths of a cluster", where=crystal.name, remedy="Only crystals take restraints on atoms.")
    labels = site_labels(crystal.sites)
    wanted = [name.strip() for name in names.split("-")]
    if len(wanted) not in (2, 3):
        raise UsageError(f"{restraint.quantity!r} is no distance and no angle", remedy="Name two sites, or three.")
    for name in wanted:
        if name not in labels:
            raise UsageError(f"there is no site {name!r}", where=crystal.name, remedy=f"Sites are {', '.join(labels)}.")
    sites = [labels.index(name) for name in wanted]
    found = _distances(crystal, sites, restraint.value) if len(sites) == 2 else _angles(crystal, sites, restraint.value)
    if not found:
        raise UsageError(f"nothing near {restraint.value:g} is {restraint.quantity}", where=crystal.name, remedy="Check it.")
    return [(number, atoms) for atoms in found]


def _distances(crystal: Crystal, sites: Sequence[int], value: float) -> list[list[_Image]]:
    centre = _own(sites[0])
    reach = (1 + _NEAR) * value
    return _unlike(crystal, [[centre, b] for b, d in _near(crystal, centre, sites[1], reach) if abs(d / value - 1) < _NEAR])


def _angles(crystal: Crystal, sites: Sequence[int], value: float) -> list[list[_Image]]:
    centre = _own(sites[1])
    arms = []
    for site in (sites[0], sites[2]):
        around = _near(crystal, centre, site, _FAR)
        shortest = min((d for _, d in around), default=0.0)
        arms.append([b for b, d in around if d < _SHELL * shortest])
    found = [[a, centre, b] for a, b in product(*arms) if abs(_measure(crystal, [a, centre, b]) - value) < _NEAR_ANGLE]
    return _unlike(crystal, found)


def _unlike(crystal: Crystal, contacts: list[list[_Image]]) -> list[list[_Image]]:
    """Contacts of different values: those that symmetry makes equal would count several times."""
    kept: dict[float, list[_Image]] = {}
    for atoms in contacts:
        kept.setdefault(round(_measure(crystal, atoms), 5), atoms)
    return list(kept.values())


def _own(site: int) -> _Image:
    return _Image(site, np.eye(3), np.zeros(3))


def _near(crystal: Crystal, centre: _Image, site: int, reach: float) -> list[tuple[_Image, float]]:
    """Atoms of a site around an atom, with their distances, angstrom."""
    expansion = crystal.expansion
    lengths = 1 / np.sqrt(np.diag(np.linalg.inv(crystal.metric)))  # distances of lattice planes
    ranges = [range(-int(np.ceil(reach / s)) - 1, int(np.ceil(reach / s)) + 2) for s in lengths]
    place = centre.at(crystal)
    found = []
    for k in np.flatnonzero(expansion.site == site):
        for shift in product(*ranges):
            image = _Image(site, expansion.rotation[k], expansion.translation[k] + np.array(shift))
            difference = image.at(crystal) - place
            distance = float(np.sqrt(max(float(difference @ crystal.metric @ difference), 0.0)))
            if 0.1 < distance < reach:
                found.append((image, distance))
    return found


def _measure(crystal: Hypothesis, atoms: Sequence[_Image]) -> float:
    """Distance of two atoms (angstrom), or angle at the second of three (degrees)."""
    assert isinstance(crystal, Crystal)
    metric = crystal.metric
    place = [a.at(crystal) for a in atoms]
    if len(place) == 2:
        d = place[1] - place[0]
        return float(np.sqrt(d @ metric @ d))
    one, two = place[0] - place[1], place[2] - place[1]
    cosine = (one @ metric @ two) / np.sqrt((one @ metric @ one) * (two @ metric @ two))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
