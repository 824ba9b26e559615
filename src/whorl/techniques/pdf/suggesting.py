"""From a match of the pair distribution function to a suggestion, with what is known of an entry before the data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from whorl.catalogues.base import Entry
from whorl.techniques.pdf.admissible import family_of, key_of
from whorl.techniques.pdf.propose import Proposal, Row
from whorl.techniques.protocol import Suggestion

_EXACT_ATOMS, _EXACT_SLOPE = 300, 3.0
#: log prior of a family of compounds beside one of an element, elements unknown: one sample in three or four is an element, in
#: some twenty families among three hundred. Without it superstructures (FeNi3, Ni4Mo for nickel) win by what they fit of errors
_COMPOUND = -2.5


def suggestion(p: Proposal, members: Mapping[tuple[str, str], int], prior: float) -> Suggestion:
    """What the search is told of a proposal."""
    entry = p.row.entry
    start: dict[str, Any] = {"zoom": p.zoom, "diameter": p.diameter, "element": p.element}
    return Suggestion(
        key=key_of(entry),
        name=entry.name,
        family=entry.family,
        elements=entry.elements if p.element is None or not p.row.open else frozenset({p.element}),
        source=entry.source,
        load=partial(p.row.catalogue.load, entry.key),
        merit=p.merit,
        kind=entry.kind,
        prior=prior,
        members=members[family_of(entry)],
        start=start,
    )


def own_prior(row: Row, any_elements: bool) -> float:
    """Log prior of an entry beside the uniform ones: its size, what its catalogue says of it, whether it is a compound."""
    said = getattr(row.catalogue, "log_prior", None)
    compound = any_elements and len(row.entry.elements) > 1
    return (said(row.entry) if said else 0.0) + _size_prior(row.entry) + _COMPOUND * compound


def _size_prior(entry: Entry) -> float:
    """Log prior against an exact large cluster: beyond some 300 atoms samples are distributions of sizes and shapes.

    The largest particles whose every atom is known hold about that many (Au279, Ag374); for more, the crystal with an
    envelope says the same with fewer claims.
    """
    if entry.kind != "cluster":
        return 0.0
    return -_EXACT_SLOPE * max(0.0, float(np.log(entry.atoms / _EXACT_ATOMS)))
