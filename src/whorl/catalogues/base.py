"""What a catalogue is: a searchable set of hypotheses, listed by light rows (`Entry`) and loaded one by one.

A row is kept by `select` when it can be true of the sample that the caller describes. A cluster whose element is open ("X") can
be made of any metal, so it is kept whenever the given elements hold a metal; it carries its size in bond lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import SYMBOLS, Hypothesis, element_counts

#: kinds of hypotheses that are structures of atoms
STRUCTURES = frozenset({"crystal", "cluster"})
#: elements that do not form metallic particles on their own
NON_METALS = frozenset("H D He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Te I Xe At Rn".split())


@dataclass(frozen=True)
class Entry:
    """One row of a catalogue: what a search and a table need, without the atoms.

    Parameters
    ----------
    key : str
        Unique in its catalogue and stable between versions.
    catalogue : str
        Name of the catalogue that holds it.
    name : str
        What people call it: "Pt (fcc)", "CdSe (wurtzite)", "decahedron 3-2-1, 156 atoms".
    kind : str
        "crystal", "cluster" or "form_factor".
    formula : str
        As the hypothesis gives it: lowest terms for a crystal, all atoms for a cluster ("X55" when the element is open).
    family : str
        Structure prototype or shape family: "rock salt", "spinel", "decahedron".
    elements : frozenset of str
        Chemical symbols; empty for a cluster whose element is open.
    space_group : int or None
        Number in the International Tables; ``None`` for clusters.
    atoms : int
        Atoms of the cluster, or sites of the conventional cell (partly occupied ones counted once each).
    size : float
        Largest distance between two atoms of a cluster, in bond lengths when the element is open, else in angstrom; 0 for
        crystals.
    source : str
        Reference of the facts, or the file's path.
    alias_of : str
        Key of an earlier entry that is the same structure; empty when there is none.
    digest : str
        Hash of the structure, under which what was computed of it is kept; empty when only the catalogue's is known.
    cell_spread : float, optional
        Standard uncertainty of a crystal's lengths, relative, where its cell is an estimate; ``None`` for a measured cell.
    """

    key: str
    catalogue: str
    name: str
    kind: str
    formula: str
    family: str
    elements: frozenset[str]
    space_group: int | None
    atoms: int
    size: float
    source: str
    alias_of: str = ""
    digest: str = ""
    cell_spread: float | None = None


@runtime_checkable
class Catalogue(Protocol):
    """A searchable set of hypotheses.

    One whose entries are not equally probable has ``log_prior(entry)`` too: log odds against an entry of an ordinary one. One
    that holds anything but structures of atoms names the kinds of its hypotheses in ``kinds``.
    """

    @property
    def name(self) -> str:
        """Name the user types."""
        ...

    def entries(
        self,
        *,
        elements: Collection[str] | None = None,
        formula: str | None = None,
        space_group: int | None = None,
        family: str | None = None,
        size: tuple[float, float] | None = None,
    ) -> list[Entry]:
        """List the rows that pass every filter given (see `select`)."""
        ...

    def load(self, key: str) -> Hypothesis:
        """Give the hypothesis of a row; `CatalogueError` when there is no such key."""
        ...

    @property
    def content_hash(self) -> str:
        """SHA-256 over everything the catalogue holds, for provenance and caches."""
        ...


class Selection:
    """A part of a catalogue: the entries for which ``keep`` is true.

    Attributes
    ----------
    whole : Catalogue
        The catalogue; what is computed of it serves its parts.

    Examples
    --------
    >>> from whorl.catalogues import open_catalogue
    >>> part = Selection(open_catalogue("elements"), lambda entry: entry.family == "diamond")
    >>> {entry.family for entry in part.entries()}
    {'diamond'}
    """

    def __init__(self, whole: Catalogue, keep: Callable[[Entry], bool]) -> None:
        self.whole = whole
        self._keep = keep

    @property
    def name(self) -> str:
        """Name of the whole."""
        return self.whole.name

    def entries(self, **filters: Any) -> list[Entry]:
        """List the rows kept that pass every filter given (see `select`)."""
        return [entry for entry in self.whole.entries(**filters) if self._keep(entry)]

    def load(self, key: str) -> Hypothesis:
        """Give the hypothesis of a row."""
        return self.whole.load(key)

    @property
    def content_hash(self) -> str:
        """SHA-256 over the hash of the whole and the keys kept."""
        digest = sha256(self.whole.content_hash.encode())
        for entry in self.entries():
            digest.update(entry.key.encode() + b"\0")
        return digest.hexdigest()


def holds(catalogue: Catalogue, kinds: Collection[str]) -> bool:
    """Tell whether a catalogue may hold hypotheses of some kinds.

    Examples
    --------
    >>> from whorl.catalogues import open_catalogue
    >>> holds(open_catalogue("elements"), {"crystal"}), holds(open_catalogue("particles"), {"crystal"})
    (True, False)
    """
    return not STRUCTURES.isdisjoint(kinds) if not hasattr(catalogue, "kinds") else not catalogue.kinds.isdisjoint(kinds)


def select(
    entries: Iterable[Entry],
    *,
    elements: Collection[str] | None = None,
    formula: str | None = None,
    space_group: int | None = None,
    family: str | None = None,
    size: tuple[float, float] | None = None,
) -> list[Entry]:
    """Keep the rows that pass every filter given, in their order.

    Parameters
    ----------
    entries : iterable of Entry
    elements : collection of str, optional
        Elements the sample may hold. Kept: entries made of a subset of them, and open-element clusters when one is a metal.
    formula : str, optional
        Composition in any order and multiple ("Fe3O4", "O8 Fe6"). Open-element clusters pass when it is one single metal.
    space_group : int, optional
        Number in the International Tables.
    family : str, optional
        Prototype or shape family, case ignored.
    size : tuple of 2 floats, optional
        Smallest and largest diameter of clusters, in the unit of `Entry.size`. Crystals have no size and are kept.

    Returns
    -------
    list of Entry

    Raises
    ------
    UsageError
        If an element, the formula, the space group or the size range is not one.

    Examples
    --------
    >>> nickel = Entry("Ni-fcc", "elements", "Ni (fcc)", "crystal", "Ni", "fcc", frozenset({"Ni"}), 225, 4, 0.0, "CRC")
    >>> [e.name for e in select([nickel], elements={"Ni", "O"})], select([nickel], formula="NiO")
    (['Ni (fcc)'], [])
    """
    allowed = _known_elements(elements)
    has_metal = allowed is None or bool(allowed - NON_METALS)
    wanted = None if formula is None else _composition_of(formula)
    if space_group is not None and not 1 <= space_group <= 230:
        raise UsageError(f"space group {space_group}", remedy="Space groups are numbered 1 to 230.")
    if size is not None and not 0 <= size[0] <= size[1]:
        raise UsageError(f"size range {size[0]:g} to {size[1]:g}", remedy="Give the smallest diameter first.")
    one_metal = wanted is not None and len(wanted) == 1 and not ({el for el, _ in wanted} & NON_METALS)
    family_key = None if family is None else family.strip().casefold()

    def keep(entry: Entry) -> bool:
        is_open = entry.kind == "cluster" and not entry.elements
        if allowed is not None and not (has_metal if is_open else entry.elements <= allowed):
            return False
        if wanted is not None and not (one_metal if is_open else _same(wanted, _composition(entry.formula))):
            return False
        if space_group is not None and entry.space_group != space_group:
            return False
        if family_key is not None and entry.family.casefold() != family_key:
            return False
        return size is None or entry.kind != "cluster" or size[0] <= entry.size <= size[1]

    return [entry for entry in entries if keep(entry)]


def describe(entry: Entry) -> str:
    """Say in one line what an entry is.

    Examples
    --------
    >>> describe(Entry("Ni-fcc", "elements", "Ni (fcc)", "crystal", "Ni", "fcc", frozenset({"Ni"}), 225, 4, 0.0, "CRC 2016"))
    'Ni (fcc): crystal, Ni, space group 225, 4 atoms in the cell [elements; CRC 2016]'
    """
    if entry.kind == "form_factor":
        return f"{entry.name}: model of small-angle scattering, {entry.family} [{entry.catalogue}; {entry.source}]"
    if entry.kind == "crystal":
        body = f"crystal, {entry.formula}, space group {entry.space_group}, {entry.atoms} atoms in the cell"
    else:
        unit = "angstrom" if entry.elements else "bond lengths"
        made_of = entry.formula if entry.elements else "any metal"
        body = f"cluster, {made_of}, {entry.atoms} atoms, {entry.size:.2f} {unit} across"
    alias = f"; same structure as {entry.alias_of}" if entry.alias_of else ""
    return f"{entry.name}: {body} [{entry.catalogue}; {entry.source}{alias}]"


def _known_elements(elements: Collection[str] | None) -> frozenset[str] | None:
    if elements is None:
        return None
    if isinstance(elements, str):
        elements = element_counts(elements).keys()
    unknown = sorted(set(elements) - set(SYMBOLS) - {"D"})
    if unknown:
        raise UsageError(f"unknown element {unknown[0]!r}", remedy="Use chemical symbols such as Li or O.")
    return frozenset(elements)


def _composition_of(formula: str) -> Sequence[tuple[str, float]]:
    found = _composition(formula)
    if not found:
        raise UsageError(f"formula {formula!r} is not understood", remedy="Write it as in SrFe2As2 or 'Cd Se'.")
    return found


@lru_cache(maxsize=16384)
def _composition(formula: str) -> tuple[tuple[str, float], ...]:
    """Atomic fractions in alphabetical order; empty when the text is no composition."""
    try:
        counts = element_counts(formula)
    except StructureError:
        return ()
    total = sum(counts.values())
    return tuple(sorted((el, n / total) for el, n in counts.items())) if total > 0 else ()


def _same(one: Sequence[tuple[str, float]], other: Sequence[tuple[str, float]]) -> bool:
    return len(one) == len(other) and all(a == b and abs(x - y) < 2e-3 for (a, x), (b, y) in zip(one, other, strict=True))
