r"""Which elements can take the places of which on a prototype, and how plausible that is.

Anions stay anions and cations cations, the charges balance with oxidation states that the elements take in solids, and the
ratio of the radii of cation and anion is near that of a known compound (V. M. Goldschmidt, Naturwissenschaften 14, 477 (1926),
doi:10.1007/BF01507527). In alloys an element takes the place of one of its kind: an alkali metal, an alkaline earth, a rare
earth, an early or a late transition metal, a metal of the p block, or a non-metal of the same group.

The plausibility is a weighted sum of `TERMS`. The weights make known compounds, hidden one at a time, most probable among the
substitutions by their elements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues import ions
from whorl.catalogues.base import NON_METALS
from whorl.catalogues.cell_prediction import radii
from whorl.catalogues.site_species import Template

Array = NDArray[np.float64]

#: what the plausibility is made of: half the squared changes of the radii of cations relative to the anions, in units of 0.12
#: angstrom; half the squared changes of electronegativity, in units of 0.5; species that hold an element of a column new to
#: them; the cost of the oxidation states; ln of the number of compounds known on the template
TERMS = ("radii", "electronegativity", "new columns", "states", "known compounds")
#: weights of the terms (``tools/fit_substitution.py``)
WEIGHTS = np.array([-0.8, -2.1, -1.35, -1.7, 0.26])
#: terms that depend on the known compound to which a substitution is compared
_RELATIVE = 3
#: a ratio of radii may lie this far from that of a known compound
RATIO_REACH = 0.3
#: the volume of an atom in an alloy over that of the atom it replaces, at most (or its inverse)
_VOLUME_REACH = 1.6
_RADIUS_SCALE, _ELECTRONEGATIVITY_SCALE = 0.12, 0.5
#: radius of oxygen, with which ratios of radii are put in angstrom
_USUAL_ANION = 1.4


@dataclass(frozen=True)
class Substitution:
    """Elements on the species of a template.

    Attributes
    ----------
    template : Template
    elements : tuple of str
    states : tuple of float
        Oxidation states, 0 in an alloy.
    terms : tuple of float
        See `TERMS`.
    """

    template: Template
    elements: tuple[str, ...]
    states: tuple[float, ...]
    terms: tuple[float, ...]

    @property
    def plausibility(self) -> float:
        """Weighted sum of the terms: a log odds, of which only differences count."""
        return float(WEIGHTS @ self.terms)


class Judge:
    """What is known of a template, ready to judge substitutions on it.

    Parameters
    ----------
    template : Template
    without : tuple of str, optional
        A known compound to leave out, by its elements: it is judged as if it were not known.
    """

    def __init__(self, template: Template, without: tuple[str, ...] | None = None) -> None:
        self.template = template
        self.ionic = any(template.signs)
        self._sign = np.array(template.signs)
        rows = [
            (o, size)
            for o in template.occupations
            if o.elements != without and (size := radii(template, o.elements, o.states)) is not None
        ]
        self.taken = {o.elements for o in template.occupations} - {without}
        self._structures = {template.canonical(elements) for elements in self.taken}
        self.usable = bool(rows) and all(_is_simple(n) for site in template.pattern for _, n in site)
        if not self.usable:
            return
        self._present = [{o.elements[i] for o, _ in rows} for i in range(len(template.signs))]
        self._columns = [{ions.group(element) for element in present} for present in self._present]
        self._sizes = np.array([self._relative(size) for _, size in rows])
        self._pull = np.array([[ions.electronegativity(element) for element in o.elements] for o, _ in rows])
        self._odd_anions = np.array([self._odd(o.elements, o.states) for o, _ in rows])
        self._members = float(np.log(len(rows)))

    def substitutions(self, elements: Sequence[str]) -> Iterator[Substitution]:
        """All sensible substitutions by the given elements that are no known compounds of the template."""
        if not self.usable:
            return
        chosen_so_far = self._assignments(elements) if self.ionic else product(*self._options_in_alloys(elements))
        seen = set(self._structures)
        for chosen in chosen_so_far:
            structure = self.template.canonical(chosen)
            if len(set(chosen)) == len(chosen) and structure not in seen:
                seen.add(structure)
                found = self.judge(chosen)
                if found is not None:
                    yield found

    def judge(self, elements: tuple[str, ...]) -> Substitution | None:
        """Judge elements on the species; ``None`` when they cannot be neutral or their sizes do not fit."""
        states, cost = (0.0,) * len(elements), 0.0
        if self.ionic:
            contents = dict(zip(elements, self.template.counts, strict=True))
            found = ions.charges(contents, dict(zip(elements, self.template.signs, strict=True)))
            if found is None:
                return None
            states, cost = tuple(found.state[element] for element in elements), found.cost
        size = radii(self.template, elements, states)
        if size is None:
            return None
        heavy = np.array([element != "H" for element in elements])
        change = np.where(heavy, self._relative(size) - self._sizes, 0.0)
        if self.ionic:
            possible = np.all(np.abs(change) <= RATIO_REACH, axis=1)
            possible &= np.all(self._odd_anions == self._odd(elements, states), axis=1)
        else:
            possible = np.all(np.abs(change) <= np.log(_VOLUME_REACH) / 3, axis=1)
            change = change - change.mean(axis=1, keepdims=True)
        if not possible.any():
            return None
        relative = np.zeros((len(change), _RELATIVE))
        relative[:, 0] = 0.5 * np.sum((change * _USUAL_ANION / _RADIUS_SCALE) ** 2, axis=1)
        pull = np.array([ions.electronegativity(element) for element in elements])
        relative[:, 1] = 0.5 * np.sum(((pull - self._pull) / _ELECTRONEGATIVITY_SCALE) ** 2, axis=1)
        relative[:, 2] = sum(ions.group(el) not in columns for el, columns in zip(elements, self._columns, strict=True))
        nearest = int(np.argmax(np.where(possible, relative @ WEIGHTS[:_RELATIVE], -np.inf)))
        terms = (*(float(x) for x in relative[nearest]), cost, self._members)
        return Substitution(self.template, elements, states, terms)

    def _options_in_alloys(self, elements: Sequence[str]) -> list[list[str]]:
        kinds = [{_kind_in_alloys(element) for element in present} for present in self._present]
        return [[element for element in elements if _kind_in_alloys(element) in allowed] for allowed in kinds]

    def _assignments(self, elements: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Elements by species: the anions first, then the cations that fit between them in some oxidation state."""
        signs = self.template.signs
        anions = [i for i, sign in enumerate(signs) if sign < 0]
        negative = [el for el in elements if any(q < 0 for q in ions.oxidation_states(el))]
        for chosen in product(negative, repeat=len(anions)):
            if len(set(chosen)) < len(chosen):
                continue
            partners = self._partners(dict(zip(anions, chosen, strict=True)))
            options = []
            for i, sign in enumerate(signs):
                if sign < 0:
                    options.append([chosen[anions.index(i)]])
                elif "H" in self._present[i]:
                    options.append([element for element in elements if element == "H"])
                else:
                    options.append([el for el in elements if el not in chosen and self._fits(el, i, partners[i])])
            yield from product(*options)

    def _partners(self, anions: Mapping[int, str]) -> Array:
        """Mean radius of the anions around each species."""
        size = np.zeros(len(self._sign))
        numbers = self.template.bonds.sum(axis=1)
        for i, element in anions.items():
            state = min(ions.oxidation_states(element))
            size[i] = ions.ionic_radius(element, float(state), round(float(numbers[i]), 2)) or np.nan
        weight = np.where(self._sign < 0, self.template.bonds, 0.0)
        partners: Array = weight @ size / np.maximum(weight.sum(axis=1), 1e-9)
        return partners

    def _fits(self, element: str, species: int, partner: float) -> bool:
        if element == "H":
            return False
        number = round(float(self.template.bonds[species].sum()), 2)
        known = self._sizes[:, species]
        low, high = known.min() - RATIO_REACH, known.max() + RATIO_REACH
        sizes = [ions.ionic_radius(element, float(q), number) for q in ions.oxidation_states(element) if q > 0]
        possible = [r / partner for r in sizes if r is not None]
        return bool(possible) and min(possible) <= high and max(possible) >= low

    def _relative(self, size: Array) -> Array:
        """Radius of each cation over the mean radius of the anions around it, 0 for anions; in alloys ln of the radius."""
        if not self.ionic:
            sizes: Array = np.log(size)
            return sizes
        weight = np.where(self._sign < 0, self.template.bonds, 0.0)
        partner = weight @ size / np.maximum(weight.sum(axis=1), 1e-9)
        return np.where((self._sign < 0) | (partner <= 0), 0.0, size / np.where(partner > 0, partner, 1.0))

    def _odd(self, elements: Sequence[str], states: Sequence[float]) -> NDArray[np.bool_]:
        """Which species are anions bonded to each other: the O of a peroxide, the S of pyrite."""
        return np.array([q == -1 and ions.group(element) == "16" for element, q in zip(elements, states, strict=True)])


def when_hidden(judges: Sequence[Judge], hidden: Judge, elements: tuple[str, ...]) -> tuple[list[Substitution], int | None]:
    """Substitutions by the elements of a known compound, as if it were not known.

    Parameters
    ----------
    judges : sequence of Judge
        Of all templates.
    hidden : Judge
        That of the compound.
    elements : tuple of str
        Its elements by species.

    Returns
    -------
    substitutions : list of Substitution
    place : int or None
        Where the compound is among them; ``None`` when it is not.
    """
    found: list[Substitution] = []
    place = None
    for judge in judges:
        if judge is not hidden:
            found += judge.substitutions(sorted(elements))
            continue
        for substitution in Judge(judge.template, without=elements).substitutions(sorted(elements)):
            structure = judge.template.canonical(substitution.elements)
            place = len(found) if structure == judge.template.canonical(elements) else place
            found.append(substitution)
    return found, place


def _is_simple(occupancy: float) -> bool:
    """Whether a part of a site is one of twelfths: not the composition of one sample."""
    return abs(12 * occupancy - round(12 * occupancy)) < 0.05


@lru_cache(maxsize=128)
def _kind_in_alloys(element: str) -> str:
    """What may take the place of what in an alloy."""
    group = ions.group(element)
    if element in NON_METALS:
        return f"non-metal of group {group}"
    if group in {"1", "2"}:
        return group
    if group in {"3", "lanthanide", "actinide"}:
        return "rare earth"
    return (
        "early transition metal" if int(group) < 8 else "late transition metal" if int(group) < 13 else "metal of the p block"
    )
