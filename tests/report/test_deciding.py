"""What decides between two answers, on the page and in the terminal."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.cli import words
from whorl.core.verdict import Candidate, Curve, Deciding, Explanation, Verdict
from whorl.report import deciding
from whorl.report.plots import fit_figure
from whorl.report.single import render

X = np.arange(10.0, 60.0, 0.05)


def candidate(rank: int, name: str, places: list[float]) -> Candidate:
    def pattern(at: list[float]) -> np.ndarray:
        return 100 + sum(1000 * np.exp(-(((X - p) / 0.2) ** 2)) for p in at)

    curve = Curve(X, pattern([20.0, 35.0]), pattern(places), "2theta (degree)", "intensity (counts)", (np.array(places),))
    more = {"kind": "crystal", "formula": "NiO", "probability": 0.5, "rw": 0.1, "evidence": -rank, "parameters": {}}
    return Candidate(rank=rank, group=rank, name=name, curve=curve, **more)


@pytest.fixture
def verdict() -> Verdict:
    stretches = [
        Deciding(range=(34.0, 36.0), evidence=7.25, probability_without=0.31, first=["NiO <1> 2 0 0"], other=[]),
        Deciding(range=(49.0, 51.0), evidence=-1.5, probability_without=0.999, first=[], other=["MgO 2 2 0"]),
    ]
    found = Explanation(other="MgO", rank=2, evidence=6.4, probability=0.998, stretches=stretches)
    both = [candidate(1, "NiO <1>", [20.0, 35.0]), candidate(2, "MgO", [20.0, 50.0])]
    return Verdict(
        whorl="0", task="identify", file="a.xy", technique="pd", none_probability=0.1, candidates=both, deciding=found
    )


def test_page_shades_marks_and_tabulates(verdict):
    text = render(verdict)
    assert 'id="decides"' in text
    assert "#decides" in text
    assert "34.00–36.00" in text
    assert "NiO &lt;1&gt; 2 0 0" in text
    assert "MgO 2 2 0" in text
    assert "0.31" in text
    assert "Marks below" in text
    assert "NiO <1>" not in text  # names from files are text, never markup


def test_without_a_rival_there_is_no_section(verdict):
    alone = verdict.model_copy(update={"deciding": None, "candidates": verdict.candidates[:1]})
    assert 'id="decides"' not in render(alone)


def test_rival_that_is_not_listed_has_no_plot_but_a_table(verdict):
    alone = verdict.model_copy(update={"candidates": verdict.candidates[:1]})
    text = deciding.what_decides(alone)
    assert text is not None
    assert "<svg" not in text
    assert "MgO 2 2 0" in text


def test_figure_shades_each_stretch_in_the_colour_of_whom_it_speaks_for(verdict):
    from matplotlib.colors import to_hex

    from whorl.report.colours import PALETTE

    plain = fit_figure(verdict.candidates[0]).axes[0]
    axes = fit_figure(verdict.candidates[0], None, verdict.deciding).axes[0]
    colours = [to_hex(p.get_facecolor()[:3]) for p in axes.patches]
    assert len(axes.patches) == len(plain.patches) + 2
    assert colours[-2:] == [PALETTE["fit"], PALETTE["residual"]]
    opacity = [p.get_facecolor()[3] for p in axes.patches][-2:]
    assert opacity[0] > opacity[1]


def test_marks_lie_below_the_residual(verdict):
    best = verdict.candidates[0]
    axes = fit_figure(best).axes[0]
    ticks = axes.collections[-1].get_segments()
    assert sorted(s[0][0] for s in ticks) == [20.0, 35.0]
    lowest = min(line.get_ydata().min() for line in axes.lines if len(line.get_ydata()) > 2)
    assert max(s[:, 1].max() for s in ticks) < lowest


def test_terminal_names_whom_each_stretch_speaks_for(verdict):
    text = words.full(verdict)
    assert "What decides, against MgO (log evidence 6.4 in all)" in text
    assert "34.00 to 36.00 °: 7.2 for the first (NiO <1> 2 0 0)" in text or "7.3 for the first" in text
    assert "49.00 to 51.00 °: 1.5 for the other (MgO 2 2 0)" in text
