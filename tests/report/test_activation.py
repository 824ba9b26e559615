"""What a trained network saw, on the page."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.verdict import Candidate, Curve, Opinion, Seen, Verdict
from whorl.report.activation import activation_figure, drawn, strongest, what_the_network_saw
from whorl.report.colours import PALETTE
from whorl.report.single import render

X = np.arange(10.0, 60.0, 0.05)


@pytest.fixture
def verdict() -> Verdict:
    curve = Curve(X, 100 + 1000 * np.exp(-(((X - 35) / 0.2) ** 2)), np.zeros(X.size), "2theta (degree)", "intensity (counts)")
    more = {"kind": "crystal", "formula": "NiO", "probability": 0.9, "rw": 0.1, "evidence": 0.0, "parameters": {}}
    best = Candidate(rank=1, group=1, name="NiO", entries=["c/NiO"], curve=curve, **more)
    phases = [
        Seen(
            name="Ni<b>O", entry="c/NiO", probability=0.97, weight_fraction=0.8, stretches=[(34.0, 36.0, 4.0), (40, 41, -1.0)]
        ),
        Seen(name="MgO", entry="c/MgO", probability=0.61, weight_fraction=0.15, stretches=[(42.0, 43.0, 0.5)]),
        Seen(name="CoO", entry="", probability=0.07, weight_fraction=0.05, stretches=[]),
    ]
    opinion = Opinion(model="mine", phases=phases)
    return Verdict(whorl="0", task="identify", file="a.xy", technique="pd", candidates=[best], opinion=opinion)


def test_page_draws_and_tabulates(verdict):
    text = render(verdict)
    assert "#network" in text
    assert 'id="network"' in text
    assert "34.00–36.00" in text
    assert "not searched" in text
    assert "Ni&lt;b&gt;O" in text
    assert "Ni<b>O" not in text  # names from files are text, never markup


def test_the_likely_and_those_of_the_answer_are_drawn(verdict):
    shown = drawn(verdict.opinion, verdict)
    assert [s.name for s in shown] == ["Ni<b>O", "MgO"]
    figure = activation_figure(verdict.best.curve, shown)
    assert len(figure.axes) == 2
    colours = [tuple(p.get_facecolor()[:3]) for p in figure.axes[0].patches]
    expected = [tuple(int(PALETTE[role][k : k + 2], 16) / 255 for k in (1, 3, 5)) for role in ("fit", "residual")]
    assert colours == [pytest.approx(c) for c in expected]
    first, second = (p.get_alpha() for p in figure.axes[0].patches)
    assert first > second
    assert strongest(verdict.opinion.phases[0]) == [(34.0, 36.0, 4.0)]


def test_without_an_opinion_there_is_no_section(verdict):
    plain = verdict.model_copy(update={"opinion": None})
    assert what_the_network_saw(plain) is None
    assert 'id="network"' not in render(plain)


def test_without_curves_the_table_stands_alone(verdict):
    bare = verdict.best.model_copy(update={"curve": None})
    text = what_the_network_saw(verdict.model_copy(update={"candidates": [bare]}))
    assert text is not None
    assert "<svg" not in text
    assert "MgO" in text
