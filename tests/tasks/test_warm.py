"""Frames refined from where the frame before ended: the answers of cold starts, phases that come and go, jumps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.tasks import warm
from whorl.tasks.recipes import Refine, recipe_from
from whorl.tasks.refine import refine
from whorl.tasks.start import Start, phase_of
from whorl.tasks.warm import refine_from
from whorl.techniques.pd.instrument import PdInstrument
from whorl.techniques.pd.simulate import calculated

from .conftest import BEAM, OXIDE, WIDTHS, heated


@pytest.fixture(scope="module")
def followed(oxidised):
    """Verdict of each frame, one after the other."""
    start, found = Start(), []
    for frame in oxidised.frames:
        found.append(refine_from(frame, oxidised.structures, start))
        start = start.after(found[-1])
    return found


def test_cells_are_those_of_the_simulation(oxidised, followed):
    """Both cells within 4 sigma (and 3e-3 angstrom) in every frame in which the phase is there."""
    for verdict, cells, share in zip(followed, oxidised.cells, oxidised.shares, strict=True):
        for n, amount in ((1, 1 - share), (2, share)):
            q = verdict.best.parameters[f"{n}:a"]
            if amount > 0:
                assert q.sigma
                assert q.value == pytest.approx(cells[n - 1], abs=min(4 * q.sigma, 3e-3))


def test_a_phase_that_is_not_there_is_held_where_it_was(followed):
    """Before it came: at its structure's cell; after it went: at the cell it had last; its amount is refined all the same."""
    cells = [v.best.parameters["2:a"] for v in followed]
    assert [q.sigma is None for q in cells] == [True, True, False, False, False, False, True, True]
    assert cells[0].value == cells[1].value == pytest.approx(4.178, rel=1e-12)
    assert cells[6].value == cells[7].value == cells[5].value
    last = followed[7].best
    assert last.parameters["2:inverse_size"].sigma is None
    assert last.phases[1].weight_fraction.value < 0.02
    assert any("oxide does not stand out" in note for note in last.notes)


def test_the_answer_is_that_of_a_cold_start(oxidised, followed):
    """Where both phases are there the problem is the same, and so is its minimum."""
    for k in (3, 4):
        other = refine(oxidised.frames[k], oxidised.structures).best
        here = followed[k].best
        assert here.rw == pytest.approx(other.rw, rel=1e-4)
        for name, q in other.parameters.items():
            if q.sigma:
                assert here.parameters[name].value == pytest.approx(q.value, abs=0.2 * q.sigma), name


def test_a_phase_comes_back_with_another_cell():
    """Its peaks lie 0.8 % away from where it was held, which is more than their width."""
    series = heated([0.5, 0.0, 0.5], [1.0, 1.0, 1.008])
    start = Start()
    for frame in series.frames:
        verdict = refine_from(frame, series.structures, start)
        start = start.after(verdict)
    q = verdict.best.parameters["2:a"]
    assert start.held == ()
    assert q.value == pytest.approx(4.178 * 1.008, abs=4 * q.sigma)


def test_a_jump_is_refined_from_the_structures(oxidised, monkeypatch):
    """A search that gets nowhere from where it starts: the misfit is higher than before, and the frame is started anew."""
    frame, nickel = oxidised.frames[0], oxidised.structures[:1]
    good = refine(frame, nickel).best
    monkeypatch.setattr(warm, "_solved", lambda p, first, rw, solver: solver(p, start=first, max_iterations=0, passes=1))
    values = {n: q.value for n, q in good.parameters.items()} | {"a": 3.6}
    verdict = refine_from(frame, nickel, Start(values, (), good.rw))
    assert verdict.best.rw == pytest.approx(good.rw, rel=1e-3)
    assert any("started anew" in note for note in verdict.best.notes)


def test_warm_starts_cost_fewer_evaluations(oxidised, followed, monkeypatch):
    """From the frame before, fewer than those of a cold start, the final look at the uncertainties included."""
    counted = []
    original = warm._solved
    monkeypatch.setattr(warm, "_solved", lambda *a: counted.append(original(*a)) or counted[-1])
    refine_from(oxidised.frames[4], oxidised.structures, Start().after(followed[3]))
    spent = sum(f.evaluations for f in counted)
    cold = []
    monkeypatch.setattr("whorl.tasks.refine.verdict_of", lambda t, s, st, fit, b: cold.append(fit))
    refine(oxidised.frames[4], oxidised.structures)
    assert spent < 0.8 * cold[0].evaluations


def test_fixed_parameters_stay_fixed(oxidised, followed):
    verdict = refine_from(
        oxidised.frames[4], oxidised.structures, Start().after(followed[3]), fixed={"1:inverse_size": 1 / 250, "zero": 0.0}
    )
    assert "zero" not in verdict.best.parameters
    with pytest.raises(UsageError, match="no parameter"):
        refine_from(oxidised.frames[4], oxidised.structures, Start(), fixed={"3:a": 1.0})


def test_one_phase_is_never_held(oxidised):
    """Noise alone: the one phase stays free, and the answer says that it does not fit."""
    frame = oxidised.frames[0]
    flat = type(frame)("powder", frame.x, np.full(frame.x.size, 80.0) + np.arange(frame.x.size) % 3, settings=frame.settings)
    verdict = refine_from(flat, oxidised.structures[:1], Start())
    assert verdict.best.parameters["scale"].value >= 0
    assert not any("held" in note for note in verdict.best.notes)


def test_a_recipe_with_a_start_is_kept_and_made_again(oxidised, followed):
    start = Start().after(followed[6])
    assert start.held == (2,)
    recipe = Refine(structures=oxidised.structures, start=start)
    again = recipe_from("refine", recipe.as_dict(), recipe.extra())
    assert again == Refine(structures=oxidised.structures, sources=("nickel", "oxide"), start=start)
    assert again.run(oxidised.frames[7]).best.rw == followed[7].best.rw


def test_names_of_phases():
    assert [phase_of(n) for n in ("12:U_O", "a", "2:scale")] == [12, 0, 2]


def test_a_phase_that_becomes_a_hump_is_held():
    """What is left are humps at the places of its lines, as of crystallites of 12 angstrom: that is no oxide any more."""
    series = heated([0.5, 0.0], [1.0, 1.0])
    first, second = series.frames
    humps = calculated(OXIDE, PdInstrument(**BEAM, **WIDTHS), second.x, u_iso=0.006, size=12.0)
    blurred = replace(second, signal=second.signal + np.round(8.0 * humps))
    before = refine_from(first, series.structures, Start())
    after = refine_from(blurred, series.structures, Start().after(before))
    assert Start().after(after).held == (2,)
    for name in ("2:a", "2:inverse_size"):
        assert after.best.parameters[name].value == before.best.parameters[name].value
