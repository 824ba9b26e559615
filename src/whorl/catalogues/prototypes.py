"""Crystals written as facts: a prototype with its space group and Wyckoff sites, and the compounds that adopt it.

A data file (TOML) holds ``[references]`` (short name to full reference) and ``[[prototype]]`` tables::

    [[prototype]]
    family = "rutile"
    number = 136
    space_group = "P 42/m n m"            # extended symbol, origin choice 2, hexagonal axes
    sites = ["2a 0 0 0", "4f x x 0"]       # multiplicity and letter, then x, y, z with free parameters as names
    members = [
      { formula = "TiO2", on = "Ti O", cell = [4.5937, 2.9587], free = { x = 0.3053 }, density = 4.25, ref = "..." },
    ]

``cell`` lists the free lengths and angles of the crystal system. ``on`` says what occupies each site in turn: ``Fe``,
``Fe5/6``, ``Ni1/2+Fe1/2``; left out for an element. In the name, ``called`` stands for the family ("magnetite") and ``written``
for the formula ("Ni(OH)2"). ``formula`` and ``density`` (g/cm^3) are declared independently of the sites, so that the tests can
compare them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

from whorl.core.errors import CatalogueError
from whorl.core.hypothesis import Crystal, Site, reduced_formula

_TERM = re.compile(r"([+-]?)(\d+(?:/\d+)?(?:\.\d+)?)?([A-Za-z]\w*)?")
_OCCUPANT = re.compile(r"([A-Z][a-z]?)(\d+/\d+|\d*\.?\d+)?")


@dataclass(frozen=True)
class Member:
    """A compound in a prototype.

    ``sites`` holds per independent site the multiplicity, the Wyckoff letter, x, y, z as texts and the occupants;
    ``formula`` and ``density`` (g/cm^3, ``None`` when not declared) are independent of them.
    """

    key: str
    name: str
    family: str
    number: int
    space_group: str
    formula: str
    density: float | None
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[tuple[int, str, tuple[str, str, str], tuple[tuple[str, float], ...]], ...]
    free: Mapping[str, float]
    source: str

    @cached_property
    def contents(self) -> dict[str, float]:
        """Atoms of each element in the cell by the declared multiplicities, occupancies counted."""
        found: dict[str, float] = {}
        for multiplicity, _, _, occupants in self.sites:
            for element, occupancy in occupants:
                found[element] = found.get(element, 0.0) + multiplicity * occupancy
        return found

    @property
    def atoms(self) -> int:
        """Sites of the cell, one for each occupant."""
        return sum(multiplicity * len(occupants) for multiplicity, _, _, occupants in self.sites)

    @property
    def crystal(self) -> Crystal:
        """The structure, its sites labelled "Fe1", "Fe2", ..."""
        sites: list[Site] = []
        seen: dict[str, int] = {}
        for _, _, place, occupants in self.sites:
            position = tuple(coordinate(text, self.free) for text in place)
            for element, occupancy in occupants:
                seen[element] = seen.get(element, 0) + 1
                sites.append(
                    Site(element, (position[0], position[1], position[2]), occupancy, None, f"{element}{seen[element]}")
                )
        return Crystal(
            self.name,
            family=self.family,
            source=self.source,
            cell=self.cell,
            space_group=self.space_group,
            sites=tuple(sites),
        )

    @property
    def reduced_formula(self) -> str:
        """The formula that the crystal gives, without building its symmetry."""
        return reduced_formula(self.contents)


def coordinate(text: str, free: Mapping[str, float]) -> float:
    """Value of a coordinate such as ``1/4``, ``-x``, ``2x``, ``y+1/4``.

    Raises
    ------
    CatalogueError
        If the text is no coordinate or names a parameter that is not given.

    Examples
    --------
    >>> coordinate("1/4", {}), coordinate("y+1/4", {"y": 0.2}), coordinate("-2x", {"x": 0.1})
    (0.25, 0.45, -0.2)
    """
    total, end = 0.0, 0
    for match in _TERM.finditer(text):
        if match.start() != end or not match[0]:
            break
        end = match.end()
        if (match[2] is None and match[3] is None) or (match[3] is not None and match[3] not in free):
            raise CatalogueError(f"coordinate {text!r} is not understood", remedy="Write it as in 1/4, -x or y+1/4.")
        value = (float(Fraction(match[2])) if match[2] else 1.0) * (free[match[3]] if match[3] else 1.0)
        total += -value if match[1] == "-" else value
    if end != len(text) or not text:
        raise CatalogueError(f"coordinate {text!r} is not understood", remedy="Write it as in 1/4, -x or y+1/4.")
    return total


def full_cell(number: int, short: list[float]) -> tuple[float, float, float, float, float, float]:
    """Write out a cell from its free lengths (angstrom) and angles (degrees), rhombohedral groups on hexagonal axes.

    Examples
    --------
    >>> full_cell(225, [5.64]), full_cell(14, [5.15, 5.21, 5.32, 99.2])
    ((5.64, 5.64, 5.64, 90.0, 90.0, 90.0), (5.15, 5.21, 5.32, 90.0, 99.2, 90.0))
    """
    want = 6 if number < 3 else 4 if number < 16 else 3 if number < 75 else 2 if number < 195 else 1
    if len(short) != want:
        raise CatalogueError(f"cell {short} of space group {number}", remedy=f"Give its {want} free parameters.")
    if number >= 195:
        return (short[0], short[0], short[0], 90.0, 90.0, 90.0)
    if number >= 75:
        return (short[0], short[0], short[1], 90.0, 90.0, 120.0 if 143 <= number <= 194 else 90.0)
    if number >= 16:
        return (short[0], short[1], short[2], 90.0, 90.0, 90.0)
    if number >= 3:
        return (short[0], short[1], short[2], 90.0, short[3], 90.0)
    return (short[0], short[1], short[2], short[3], short[4], short[5])


def read_members(path: Path) -> Iterator[Member]:
    """Read all compounds of a data file, in its order.

    Raises
    ------
    CatalogueError
        If a table is not as the module describes.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    for prototype in data["prototype"]:
        for row in prototype["members"]:
            try:
                yield _member(prototype, row, data["references"])
            except (KeyError, ValueError, TypeError, CatalogueError) as error:
                raise CatalogueError(
                    f"{type(error).__name__}: {error}",
                    where=f"{path.name}, {prototype.get('family')}, {row.get('formula')}",
                    remedy="See the grammar in whorl.catalogues.prototypes.",
                ) from error


def _member(prototype: Mapping[str, Any], row: Mapping[str, Any], references: Mapping[str, str]) -> Member:
    words = [site.split() for site in prototype["sites"]]
    on = row["on"].split() if "on" in row else [row["formula"]] * len(words)
    sites = tuple(
        (int(word[0][:-1]), word[0][-1], (word[1], word[2], word[3]), _occupants(who))
        for word, who in zip(words, on, strict=True)
    )
    called = row.get("called", prototype["family"])
    return Member(
        key=f"{row['formula']}-{re.sub(r'[^A-Za-z0-9]+', '-', called).strip('-')}",
        name=f"{row.get('written', row['formula'])} ({called})",
        family=prototype["family"],
        number=prototype["number"],
        space_group=prototype["space_group"],
        formula=row["formula"],
        density=row.get("density"),
        cell=full_cell(prototype["number"], [float(x) for x in row["cell"]]),
        sites=sites,
        free=row.get("free", {}),
        source=references[row["ref"]],
    )


def _occupants(text: str) -> tuple[tuple[str, float], ...]:
    found = []
    for part in text.split("+"):
        match = _OCCUPANT.fullmatch(part)
        if match is None:
            raise ValueError(f"occupant {part!r}")
        found.append((match[1], float(Fraction(match[2])) if match[2] else 1.0))
    return tuple(found)
