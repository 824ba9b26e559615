"""The network that comes with the package: kinds it must know at sight, invariance, sets, what is like nothing, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.models.card import ModelError
from whorl.models.registry import find_model
from whorl.physics.small_angle.composite import compose
from whorl.techniques.sas.classifier import CurveClassifier, RawCurve, classify, classify_many

Q = np.geomspace(0.004, 0.4, 220)


def measured(model, values, seed=0, noise=0.02, background=1e-4, q=Q):
    """A curve with noise and a background that is a part of its highest intensity."""
    clean = compose(model).basis(q, values)[:, 0]
    clean = clean / clean.max() + background
    return RawCurve(q, clean * (1 + noise * np.random.default_rng(seed).standard_normal(q.size)), noise * clean)


CLEAR = {
    "sphere": measured("sphere", {"radius": 120.0, "radius_pd": 0.06}),
    "rod": measured("rod", {"radius": 22.0, "length": 600.0, "radius_pd": 0.08}),
    "disk": measured("disk", {"radius": 400.0, "length": 45.0, "length_pd": 0.1}),
    "mono_gauss_coil": measured("mono_gauss_coil", {"rg": 70.0}),
    "teubner_strey": measured("teubner_strey", {"d": 250.0, "xi": 120.0}),
    "dab": measured("dab", {"cor_length": 110.0}),
    "power_law": measured("power_law", {"power": 3.0}, background=0.0),
}


@pytest.mark.parametrize("kind", CLEAR)
def test_clear_cases(kind):
    """The kind is in the set and among the first three."""
    opinion = CurveClassifier.open().opinions([CLEAR[kind]])[0]
    assert kind in [key for key, _ in opinion.ranked[:3]], opinion.ranked[:5]
    assert kind in opinion.members
    assert opinion.farther > 0.01


def test_scale_and_unit_change_nothing():
    curves = list(CLEAR.values())
    one = classify_many(curves)
    two = classify_many([RawCurve(10 * c.q, 1e6 * c.intensity, 1e6 * c.sigma) for c in curves])
    for a, b in zip(one, two, strict=True):
        assert [key for key, _ in a] == [key for key, _ in b]
        assert np.allclose([p for _, p in a], [p for _, p in b], atol=1e-5)


def test_one_and_many_agree():
    curve = CLEAR["disk"]
    assert dict(classify(*curve[:3])) == pytest.approx(dict(classify_many([*CLEAR.values(), curve])[-1]), abs=1e-6)
    assert sum(p for _, p in classify(*curve[:3])) == pytest.approx(1.0)
    assert classify_many([]) == []


@pytest.mark.parametrize(
    "curve",
    [Q**2, Q * (1.3 + np.sin(30 * np.log(Q))), np.exp(2 * np.round(3 * np.sin(5 * np.log(Q))))],
    ids=["a rise", "waves", "steps"],
)
def test_what_is_like_no_sample_is_far(curve):
    """Farther than nearly all simulated curves."""
    odd = CurveClassifier.open().opinions([RawCurve(Q, curve, 0.02 * curve)])[0]
    assert odd.farther < 0.02


def test_shipped_card():
    found = find_model("sas-classes")
    assert found.shipped
    assert found.path.stat().st_size < 5_000_000
    figures = {m.name: m for m in found.card.metrics}
    assert figures["top-3 accuracy"].value > figures["top-1 accuracy"].value > 1 / len(found.card.classes)
    for name in ("sets at 90 % hold the kind", "sets at 90 % hold the kind, unseen instruments"):
        assert 0.85 < figures[name].value < 0.97
    assert len(found.card.classes) >= 20
    assert all(compose(key) for key in found.card.classes)
    assert found.card.training.command.startswith("whorl train sas-classes")


def test_other_models_and_short_curves_are_errors():
    with pytest.raises(ModelError, match="no small-angle curves"):
        CurveClassifier.open("space-groups-pdf")
    with pytest.raises(PatternError, match="too few"):
        classify(np.geomspace(0.01, 0.1, 5), np.ones(5))
