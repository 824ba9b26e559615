"""A trained network's opinion in a plan: more weight where it tells rivals apart, none where it has no doubt."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.verdict import Candidate, Opinion, Seen
from whorl.lab.opinion import emphasis

ENDS = np.arange(10.0, 61.0, 5.0)
MORE = {"kind": "crystal", "formula": "A", "probability": 1.0, "rw": 0.1, "evidence": 0.0, "parameters": {}}
FIRST = Candidate(rank=1, group=1, name="A + C", entries=["c/a", "c/c"], **MORE)


def seen(name: str, probability: float, *stretches: tuple[float, float, float]) -> Seen:
    return Seen(name=name, entry=f"c/{name}", probability=probability, weight_fraction=0.3, stretches=list(stretches))


def opinion(*phases: Seen) -> Opinion:
    return Opinion(model="m", phases=list(phases))


def test_tiles_count_more_where_activations_differ():
    a = seen("a", 0.5, (20.0, 22.0, 3.0), (40.0, 42.0, 1.0))
    b = seen("b", 0.5, (20.0, 22.0, 3.0), (51.0, 53.0, 2.0))
    weight = emphasis(opinion(seen("c", 0.99), a, b), FIRST, ENDS)
    assert weight.argmax() == 8  # 50 to 55
    assert weight.max() == pytest.approx(2.0)
    assert weight[6] == pytest.approx(1.5)  # 40 to 45
    assert weight[2] == 1.0  # both see the line at 20 to 22
    assert weight.min() == 1.0


def test_a_stretch_over_two_tiles_is_shared_out():
    a, b = seen("a", 0.5, (23.0, 27.0, 4.0)), seen("b", 0.5)
    weight = emphasis(opinion(a, b), FIRST, ENDS)
    assert weight[2] == weight[3] == pytest.approx(2.0)


@pytest.mark.parametrize(
    "given", [None, opinion(), opinion(seen("a", 0.9, (20.0, 22.0, 3.0))), opinion(seen("b", 0.9, (20.0, 22.0, 3.0)))]
)
def test_without_rivals_nothing_changes(given):
    assert np.all(emphasis(given, FIRST, ENDS) == 1.0)


def test_doubt_sets_how_much():
    def most(p: float, q: float) -> float:
        return float(emphasis(opinion(seen("a", p, (20.0, 22.0, 3.0)), seen("b", q)), FIRST, ENDS).max())

    assert most(0.99, 0.01) < 1.05
    assert most(0.02, 0.02) < 1.05
    assert most(0.9, 0.3) == pytest.approx(1 + 4 * 0.75 * 0.25)
