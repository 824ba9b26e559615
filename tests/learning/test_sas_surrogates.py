"""Training of surrogates: the same bits for the same seed, better than nothing even when tiny, a whole card."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.learning.registry import find_trainer, train
from whorl.learning.sas_surrogates import draw, exact_model, fine_model, values_of
from whorl.techniques.sas.surrogate_forms import FORMS
from whorl.techniques.sas.surrogates import Surrogate

FORM = FORMS["cylinder"]


def test_draws_fill_the_box_and_tests_are_apart():
    unit = draw(FORM, 256, 5)
    assert unit.shape == (256, 3)
    assert np.all(np.abs(unit) <= 1)
    assert np.histogramdd(unit, bins=2, range=[(-1, 1)] * 3)[0] == pytest.approx(32)  # a Sobol net
    apart = draw(FORM, 64, 5, sobol=False)
    assert np.min(np.linalg.norm(apart[:, None] - unit[None], axis=2)) > 1e-6
    features = values_of(FORM, unit)
    assert np.all(features[:, 0] >= 0.2 - 1e-9)


def test_curves_of_training_are_those_of_the_model():
    """Where the model's 35 sizes are enough (q R up to 5), to 1 %: the number of points is what differs."""
    features = np.array([4.0, 0.15, 0.2])
    near = FORM.grid.points() < 5
    off = np.abs(np.expm1(fine_model(FORM, features) - exact_model(FORM, features)))[near]
    assert 0 < np.max(off) < 0.01


def test_what_is_known_exactly_is_taken_out():
    """Of a paracrystal the table holds the lattice alone: 1 at high q, where disorder has blurred it."""
    curve = exact_model(FORMS["fcc_paracrystal"], np.array([0.3]))
    assert curve[-1] == pytest.approx(0.0, abs=1e-3)
    assert np.max(curve) > 0.5


@pytest.mark.slow
def test_a_tiny_surrogate_is_the_same_again_and_has_its_figures(tmp_path):
    pytest.importorskip("torch")
    settings = {"epochs": 30, "components": 16, "width": 32, "test": 3}
    one, other = (
        train("sas-surrogate-cylinder", seed=3, cases=64, settings=settings, out=tmp_path / name) for name in ("a", "b")
    )
    assert one.weights() == other.weights()
    opened = Surrogate.open(str(tmp_path / "a"), FORM)
    assert 0 < opened.error.median < 1.0
    assert one.card.training.command.startswith("whorl train sas-surrogate-cylinder --seed 3 --cases 64")
    curve = opened.intensity(np.geomspace(0.01, 0.2, 20), {"radius": 20.0, "length": 100.0, "radius_pd": 0.1, "length_pd": 0.2})
    assert np.all(np.isfinite(curve))


def test_every_form_has_a_trainer():
    assert {find_trainer(form.name).name for form in FORMS.values()} == {form.name for form in FORMS.values()}
