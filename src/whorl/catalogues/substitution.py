"""Hypotheses that no table lists: the elements given, put on the sites of every known prototype.

Which substitutions are sensible, and how plausible each is, says `plausibility`. The cell is estimated from all known cells
(`cell_prediction`); free coordinates are those of the known compound whose ions are most like the new ones in size. Compounds
that are known in the prototype are left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import sha256

from whorl import __version__
from whorl.catalogues import ions
from whorl.catalogues.base import Entry, select
from whorl.catalogues.cell_prediction import CellModel, Estimate
from whorl.catalogues.crystals import CrystalCatalogue
from whorl.catalogues.plausibility import Judge, Substitution
from whorl.catalogues.records import to_record
from whorl.catalogues.site_species import Template, templates
from whorl.core.errors import CatalogueError, UsageError
from whorl.core.hypothesis import SYMBOLS, Crystal

#: atomic fractions by element, in alphabetical order
Fractions = tuple[tuple[str, float], ...]

#: substitutions kept of one set of elements, most plausible first
LARGEST = 300
#: log odds of a plausible substitution against a known compound, before the data
LOG_PRIOR = -2.0
#: plausibility that half of the known compounds reach when they are hidden (``tools/fit_substitution.py``)
_PLAUSIBLE = -0.3
#: a cell whose lengths are less certain than this, relative, is no hypothesis
LARGEST_SPREAD = 0.06
#: less plausible substitutions are not listed: of 600 known compounds, none was below -12 when it was hidden
_LEAST_PLAUSIBLE = -12.0
#: what it costs that no balance of charges speaks for an alloy
_ALLOY = 2.0
#: what it costs a substitution that a compound of its composition is known
_KNOWN_COMPOSITION = 2.0


@dataclass(frozen=True)
class _Known:
    """What all queries share: the templates with what is known of them, the model of cells, and the known compositions."""

    judges: tuple[Judge, ...]
    model: CellModel
    compositions: frozenset[Fractions]
    content_hash: str


class SubstitutionCatalogue:
    """Substitutions of a set of elements on all prototypes (see `substitutions`).

    Parameters
    ----------
    elements : frozenset of str
    known : CrystalCatalogue
        The compounds whose prototypes are used.
    """

    name = "substitution"

    def __init__(self, elements: frozenset[str], known: CrystalCatalogue) -> None:
        self.elements = elements
        self._shared = _known(known)

    @cached_property
    def _found(self) -> dict[str, tuple[Entry, Crystal, float]]:
        usable = sorted(element for element in self.elements if ions.is_known(element))
        judged = [(s, self._plausibility(s)) for judge in self._shared.judges for s in judge.substitutions(usable)]
        ranked = sorted((pair for pair in judged if pair[1] >= _LEAST_PLAUSIBLE), key=lambda pair: -pair[1])[:LARGEST]
        estimates = self._shared.model.estimate([(s.template, s.elements, s.states) for s, _ in ranked])
        found: dict[str, tuple[Entry, Crystal, float]] = {}
        for (candidate, plausibility), estimate in zip(ranked, estimates, strict=True):
            if estimate is not None and estimate.cell_spread <= LARGEST_SPREAD:
                entry, crystal = _row(candidate, estimate)
                found.setdefault(entry.key, (entry, crystal, plausibility))
        return found

    def _plausibility(self, candidate: Substitution) -> float:
        contents = dict(zip(candidate.elements, candidate.template.counts, strict=True))
        known = _fractions(contents) in self._shared.compositions
        return candidate.plausibility - _KNOWN_COMPOSITION * known - _ALLOY * (not any(candidate.template.signs))

    def entries(
        self,
        *,
        elements: Collection[str] | None = None,
        formula: str | None = None,
        space_group: int | None = None,
        family: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> list[Entry]:
        """List the rows that pass every filter given (see `base.select`), most plausible first."""
        rows = [entry for entry, _, _ in self._found.values()]
        return select(rows, elements=elements, formula=formula, space_group=space_group, family=family, size=size)

    def load(self, key: str) -> Crystal:
        """Give the crystal of a key, with its estimated cell and the spread of that.

        Raises
        ------
        CatalogueError
            If there is no such key.
        """
        return self._of(key)[1]

    def log_prior(self, entry: Entry | str) -> float:
        """Log odds of a substitution against a compound that is known to exist, before the data: `LOG_PRIOR` or less.

        Parameters
        ----------
        entry : Entry or str
            A row or its key.

        Raises
        ------
        CatalogueError
            If there is no such row.
        """
        plausibility = self._of(entry if isinstance(entry, str) else entry.key)[2]
        return LOG_PRIOR + min(plausibility - _PLAUSIBLE, 0.0)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over the elements, the known compounds and the tables."""
        text = f"{','.join(sorted(self.elements))}:{self._shared.content_hash}:{__version__}"
        return sha256(text.encode()).hexdigest()

    def _of(self, key: str) -> tuple[Entry, Crystal, float]:
        if key not in self._found:
            raise CatalogueError(
                f"no entry {key!r}",
                where=f"catalogue {self.name} of {', '.join(sorted(self.elements))}",
                remedy="List its keys with entries().",
            )
        return self._found[key]


def substitutions(elements: Collection[str], known: CrystalCatalogue | None = None) -> SubstitutionCatalogue:
    """Put elements on the sites of all known prototypes.

    Parameters
    ----------
    elements : collection of str
        Chemical symbols the sample may hold; a substitution is made of two or more of them.
    known : CrystalCatalogue, optional
        The compounds whose prototypes are used: "compounds" when not given.

    Returns
    -------
    SubstitutionCatalogue

    Raises
    ------
    UsageError
        If an element is not known.

    Examples
    --------
    >>> found = substitutions(["Na", "Fe", "P", "O"])
    >>> entry = found.entries(formula="NaFePO4", family="olivine")[0]
    >>> entry.name, found.load(entry.key).formula
    ('NaFePO4 (olivine, substituted for Li)', 'NaFePO4')
    """
    unknown = sorted(set(elements) - set(SYMBOLS) - {"D"})
    if unknown:
        raise UsageError(f"unknown element {unknown[0]!r}", remedy="Use chemical symbols such as Li or O.")
    return _substitutions(frozenset(elements), _compounds() if known is None else known)


@lru_cache(maxsize=32)
def _substitutions(elements: frozenset[str], known: CrystalCatalogue) -> SubstitutionCatalogue:
    return SubstitutionCatalogue(elements, known)


def _compounds() -> CrystalCatalogue:
    from whorl.catalogues.registry import open_catalogue

    found = open_catalogue("compounds")
    assert isinstance(found, CrystalCatalogue)
    return found


@lru_cache(maxsize=4)
def _known(catalogue: CrystalCatalogue) -> _Known:
    found = tuple(templates(catalogue.members.values()))
    compositions = frozenset(_fractions(member.contents) for member in catalogue.members.values())
    digest = sha256(f"{catalogue.content_hash}:{ions.content_hash()}".encode()).hexdigest()
    return _Known(tuple(Judge(template) for template in found), CellModel(found), compositions, digest)


def _row(candidate: Substitution, estimate: Estimate) -> tuple[Entry, Crystal]:
    template, elements, old = candidate.template, candidate.elements, estimate.nearest
    before = next(o.elements for o in template.occupations if o.member is old)
    sites = tuple(
        (
            multiplicity,
            letter,
            place,
            tuple((elements[species], n) for (species, _), (_, n) in zip(template.pattern[i], occupants, strict=True)),
        )
        for i, (multiplicity, letter, place, occupants) in enumerate(old.sites)
    )
    member = replace(old, sites=sites, cell=estimate.cell, density=None)
    formula = member.reduced_formula
    replaced = [b for a, b in zip(elements, before, strict=True) if a != b]
    name = f"{formula} ({template.family}, substituted for {' and '.join(replaced)})"
    source = (
        f"substituted on {old.name}: lengths estimated from the radii of the ions to {100 * estimate.cell_spread:.1f} %, "
        f"positions as in {old.formula} ({old.source})"
    )
    crystal = replace(replace(member, name=name, source=source).crystal, cell_spread=estimate.cell_spread)
    entry = Entry(
        key=f"{formula}-{re.sub(r'[^A-Za-z0-9]+', '-', template.family).strip('-')}-{_spelled(template)}",
        catalogue=SubstitutionCatalogue.name,
        name=name,
        kind="crystal",
        formula=formula,
        family=template.family,
        elements=frozenset(elements),
        space_group=old.number,
        atoms=member.atoms,
        size=0.0,
        source=source,
        digest=sha256(to_record(crystal)[0].encode()).hexdigest(),
        cell_spread=estimate.cell_spread,
    )
    return entry, crystal


def _spelled(template: Template) -> str:
    """Species of the sites as letters, with the occupancies of shared sites: "A.B.C", "A.B0.5A0.5.C"."""
    sites = ("".join(f"{chr(65 + species)}{'' if n == 1 else f'{n:g}'}" for species, n in site) for site in template.pattern)
    return ".".join(sites)


def _fractions(contents: Mapping[str, float]) -> Fractions:
    total = sum(contents.values())
    return tuple(sorted((element, round(n / total, 3)) for element, n in contents.items()))
