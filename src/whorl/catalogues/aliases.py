"""Which crystals of a catalogue repeat an earlier one: same composition, same space group, same cell within half a percent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from whorl.catalogues.base import Entry
from whorl.core.hypothesis import element_counts

#: relative difference of cell lengths and angles below which two cells count as the same
TOLERANCE = 0.005


def find_aliases(crystals: Iterable[tuple[Entry, Sequence[float]]]) -> dict[str, str]:
    """Map the key of each repeated crystal to the key of the first of its kind.

    Parameters
    ----------
    crystals : iterable of (Entry, cell)
        In order; the cell as a, b, c (angstrom), alpha, beta, gamma (degrees).

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> from dataclasses import replace
    >>> one = Entry("a.cif", "mine", "Ni", "crystal", "Ni", "", frozenset({"Ni"}), 225, 4, 0.0, "a.cif")
    >>> find_aliases([(one, (3.524, 3.524, 3.524, 90, 90, 90)),
    ...               (replace(one, key="b.cif"), (3.53, 3.53, 3.53, 90, 90, 90)),
    ...               (replace(one, key="c.cif"), (3.60, 3.60, 3.60, 90, 90, 90))])
    {'b.cif': 'a.cif'}
    """
    firsts: dict[tuple[object, ...], list[tuple[str, Sequence[float]]]] = {}
    found: dict[str, str] = {}
    for entry, cell in crystals:
        counts = element_counts(entry.formula)
        total = sum(counts.values())
        kind = (tuple(sorted((el, round(n / total, 3)) for el, n in counts.items())), entry.space_group, entry.atoms)
        same_kind = firsts.setdefault(kind, [])
        for key, other in same_kind:
            if all(abs(a - b) <= TOLERANCE * b for a, b in zip(cell, other, strict=True)):
                found[entry.key] = key
                break
        else:
            same_kind.append((entry.key, cell))
    return found
