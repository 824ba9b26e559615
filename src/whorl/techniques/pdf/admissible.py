"""The entries that may explain a measurement: gathered from the catalogues once for all measurements of a run."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue, Entry
from whorl.techniques.copies import without_copies
from whorl.techniques.pdf.index import Index, load_index
from whorl.techniques.pdf.propose import Row, Rows

Array = NDArray[np.float64]

_SMALLEST_PHASE = 13  # atoms from which a cluster has distances beyond those of ligands, and can be a phase beside another
_KEPT = 4  # of a run: alone and beside other phases, for two sets of elements, say


@dataclass
class Admissible:
    """Rows without copies, and how many of them each family has.

    Attributes
    ----------
    rows : Rows
    members : Counter
        By family (`family_of`).
    """

    rows: Rows
    members: Counter[tuple[str, str]]
    _priors: dict[bool, tuple[dict[int, float], Array]] = field(default_factory=dict)

    def priors(self, of: Callable[[Row, bool], float], *, any_elements: bool) -> tuple[dict[int, float], Array]:
        """Log prior of each row by its identity, and the same shared out within families, shape (rows,)."""
        if any_elements not in self._priors:
            own = {id(row): of(row, any_elements) for row in self.rows}
            shared = np.array([own[id(row)] - np.log(self.members[family_of(row.entry)]) for row in self.rows])
            self._priors[any_elements] = own, shared
        return self._priors[any_elements]


_lock = Lock()
_kept: OrderedDict[tuple[object, ...], Admissible] = OrderedDict()


def admissible(
    catalogues: Sequence[Catalogue],
    radiation: str,
    *,
    elements: frozenset[str] | None,
    beside: bool,
    progress: Callable[[str], Callable[[int, int], None] | None] = lambda _: None,
) -> Admissible:
    """Entries of catalogues, in their order, that have a template; entries that say the same again are left out.

    Parameters
    ----------
    catalogues : sequence of Catalogue
    radiation : str
        As in `whorl.techniques.pdf.index.load_index`.
    elements : frozenset of str, optional
    beside : bool
        Only those that can be a phase beside another.
    progress : callable
        Gives what is told of the computation of a catalogue's index, by its name.
    """
    key = (tuple((c.name, c.content_hash) for c in catalogues), radiation, elements, beside)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    rows: list[Row] = []
    for catalogue in catalogues:
        index: Index = load_index(catalogue, radiation, progress=progress(catalogue.name))
        entries = [e for e in catalogue.entries(elements=elements) if e.key in index.place]
        rows += [Row(catalogue, e, index) for e in entries if not beside or _can_be_a_phase(e)]
    rows = without_copies(rows, lambda row: row.density)
    found = Admissible(Rows(rows), Counter(family_of(row.entry) for row in rows))
    with _lock:
        _kept[key] = found
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return found


def family_of(entry: Entry) -> tuple[str, str]:
    """Kind and family; entries without a family are a family each."""
    return entry.kind, entry.family or key_of(entry)


def key_of(entry: Entry) -> str:
    """Key of an entry among those of all catalogues."""
    return f"{entry.catalogue}/{entry.key}"


def _can_be_a_phase(entry: Entry) -> bool:
    """Clusters of no element take up whatever a model leaves at short distances; small crystals say the same as they."""
    return entry.kind == "crystal" or (bool(entry.elements) and entry.atoms >= _SMALLEST_PHASE)
