"""What a trained network's opinion does to a search and to its answer."""

from __future__ import annotations

import pytest

from whorl.core.errors import PatternError
from whorl.core.verdict import Candidate, Opinion, Seen
from whorl.tasks import proposing

MORE = {"kind": "crystal", "formula": "A", "probability": 1.0, "rw": 0.1, "evidence": 0.0, "parameters": {}}


def seen(name: str, probability: float, entry: str | None = None) -> Seen:
    return Seen(name=name, entry=f"c/{name}" if entry is None else entry, probability=probability, weight_fraction=0.1)


@pytest.fixture
def opinion() -> Opinion:
    phases = [seen("A", 0.98), seen("B", 0.95), seen("X", 0.5, ""), seen("C", 0.2), seen("D", 0.04), seen("E", 0.01)]
    return Opinion(model="m", phases=phases)


@pytest.fixture
def first() -> Candidate:
    return Candidate(rank=1, group=1, name="A + E", entries=["c/A", "c/E"], notes=["texture"], **MORE)


class Technique:
    def __init__(self, answer):
        self.answer = answer

    def consult(self, _signal, _catalogues, _proposer, *, elements):
        assert elements is None
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_possible_phases_take_part(opinion):
    assert proposing.proposed(opinion) == ("c/A", "c/B", "c/C")
    assert proposing.proposed(None) == ()
    many = Opinion(model="m", phases=[seen(str(n), 0.5) for n in range(20)])
    assert len(proposing.proposed(many)) == 8


def test_phases_that_are_not_searched_are_said(opinion):
    found, words = proposing.consult(Technique(opinion), None, [], "m", None)
    assert found is opinion
    assert len(words) == 1
    assert "X" in words[0]


def test_a_pattern_outside_its_domain_is_searched_without_it():
    found, words = proposing.consult(Technique(PatternError("neutrons")), None, [], "m", None)
    assert found is None
    assert words == ["the network was not asked: neutrons"]


def test_the_verdict_lists_the_likely_and_those_of_candidates(opinion, first):
    assert [s.name for s in proposing.shown(opinion, [first]).phases] == ["A", "B", "X", "C", "E"]


def test_notes_and_disagreements(opinion, first):
    noted = proposing.with_notes([first], opinion)[0]
    assert noted.notes == ["texture", "probability by the network m: A 0.98, E 0.01"]
    assert first.notes == ["texture"]
    assert proposing.with_notes([first], None) == [first]
    words = proposing.disagreements(opinion, [first])
    assert len(words) == 1
    assert "sure of B (0.95)" in words[0]
    assert proposing.disagreements(None, [first]) == []
