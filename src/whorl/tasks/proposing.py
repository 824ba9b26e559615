"""A trained network beside the search: what it proposes takes part, what it says is shown, and the fits decide.

The search never rests on it. Every entry of the catalogues is ranked without it; the phases that the network holds possible are
fitted in any case, as if they had been named. Where the two disagree, the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from whorl.catalogues.base import Catalogue
from whorl.core.errors import PatternError
from whorl.core.verdict import Candidate, Opinion
from whorl.techniques.protocol import Technique

#: probability from which a phase takes part, and how many at most
_POSSIBLE, _MOST = 0.1, 8
#: probability from which a phase is listed, and from which its absence from the answer is worth a word
_LISTED, _SURE = 0.05, 0.9
#: share of simulated measurements below which one is like none of the training
LIKE_NONE = 0.01


def consult(
    technique: Technique, signal: Any, catalogues: Sequence[Catalogue], proposer: str, elements: frozenset[str] | None
) -> tuple[Opinion | None, list[str]]:
    """Ask a network; what it says, and what is to be said where it cannot be asked or knows phases that are not searched."""
    try:
        found = technique.consult(signal, catalogues, proposer, elements=elements)
    except PatternError as error:
        return None, [f"the network was not asked: {error.what}"]
    missing = [s.name for s in found.phases if not s.entry and s.probability >= _POSSIBLE]
    words = f"the network {found.model} holds {', '.join(missing[:3])} possible, which the catalogues and elements leave out"
    said = [words] if missing else []
    if found.farther < LIKE_NONE:
        said.append(f"this measurement is like none that the network {found.model} was trained on: its opinion says little")
    return found, said


def proposed(opinion: Opinion | None) -> tuple[str, ...]:
    """Entries that take part for a network's sake."""
    if opinion is None:
        return ()
    return tuple(s.entry for s in opinion.phases if s.entry and s.probability >= _POSSIBLE)[:_MOST]


def shown(opinion: Opinion, candidates: Sequence[Candidate]) -> Opinion:
    """The phases of an opinion that a verdict lists: the likeliest, and those of its candidates."""
    held = {entry for c in candidates for entry in c.entries}
    return opinion.model_copy(update={"phases": [s for s in opinion.phases if s.probability >= _LISTED or s.entry in held]})


def with_notes(candidates: Sequence[Candidate], opinion: Opinion | None) -> list[Candidate]:
    """Candidates with what a network says of their phases."""
    if opinion is None:
        return list(candidates)
    known = {s.entry: s for s in opinion.phases if s.entry}
    out = []
    for candidate in candidates:
        found = [known[entry] for entry in candidate.entries if entry in known]
        said = ", ".join(f"{s.name} {s.probability:.2f}" for s in found) or "none of its phases is known to it"
        out.append(
            candidate.model_copy(update={"notes": [*candidate.notes, f"probability by the network {opinion.model}: {said}"]})
        )
    return out


def disagreements(opinion: Opinion | None, candidates: Sequence[Candidate]) -> list[str]:
    """What a network is sure of and the first candidate does not hold."""
    if opinion is None or not candidates:
        return []
    held = set(candidates[0].entries)
    return [
        f"the network {opinion.model} is sure of {s.name} ({s.probability:.2f}), which the first candidate does not hold"
        for s in opinion.phases
        if s.entry and s.entry not in held and s.probability >= _SURE
    ]
