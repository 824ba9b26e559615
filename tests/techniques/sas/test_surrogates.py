"""Surrogates: their error on draws of these tests' own, their box, what falls back, batches; forms; bad input."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError, UsageError
from whorl.models.card import ModelError
from whorl.models.registry import SHIPPED
from whorl.physics.small_angle.models import find_model
from whorl.physics.small_angle.sizes import distribute
from whorl.techniques.sas.emulate import emulate
from whorl.techniques.sas.surrogate_forms import FORMS, Feature
from whorl.techniques.sas.surrogates import Surrogate, surrogate_of

SHIPPED_FORMS = [form for form in FORMS.values() if (SHIPPED / f"{form.name}.toml").is_file()]
Q = np.geomspace(0.004, 0.3, 60)
ROD = {"radius": 25.0, "length": 500.0, "radius_pd": 0.12, "length_pd": 0.2, "sld": 3.0, "sld_solvent": 6.0}


def drawn(form, rng):
    """Parameters in the box, at a size of their own."""
    features = np.array([float(f.value(np.array(rng.uniform(-0.98, 0.98)))) for f in form.features])
    values, widths = form.parameters(features)
    size = rng.uniform(15, 200)
    scaled = {k: v * size if k in ("radius", "length", "dnn") else v for k, v in values.items()}
    if "dnn" in scaled:
        scaled["radius"] = 0.35 * scaled["dnn"]
    return scaled | {f"{k}_pd": w for k, w in widths.items()}, size


@pytest.mark.parametrize("form", SHIPPED_FORMS, ids=lambda form: form.model)
def test_the_error_is_what_the_card_says(form):
    """Median below 1 % and below three times the card's, on five draws apart from training, benchmark and card."""
    rng = np.random.default_rng(4101)
    off = []
    for _ in range(5):
        values, size = drawn(form, rng)
        q = np.geomspace(0.02, 0.5, 40) * form.grid.high / size
        exact = emulate(form.model, q, values, surrogate="off").intensity
        off.append(np.abs(emulate(form.model, q, values, surrogate="only").intensity / exact - 1))
    stated = Surrogate.open(form.model).error
    assert np.median(off) < min(0.01, 3 * stated.median)
    assert stated.median < stated.p95 < stated.worst


@pytest.mark.parametrize("form", SHIPPED_FORMS, ids=lambda form: form.model)
def test_weights_are_small(form):
    assert (SHIPPED / f"{form.name}.onnx").stat().st_size < 3_000_000


def test_sizes_and_contrasts_scale():
    """Twice as large at half the q is eight times as strong; contrast counts squared, whatever its sign."""
    rods = surrogate_of("cylinder")
    one = rods.intensity(Q, ROD)
    double = rods.intensity(Q / 2, ROD | {"radius": 50.0, "length": 1000.0})
    assert double == pytest.approx(8 * one, rel=1e-5)
    assert rods.intensity(Q, ROD | {"sld": 9.0}) == pytest.approx(one, rel=1e-9)


def test_many_at_once_are_the_same_as_one_by_one():
    rods = surrogate_of("rod")
    lengths = np.array([100.0, 400.0, 900.0])
    batch = rods.intensities(Q, ROD | {"length": lengths})
    single = [rods.intensity(Q, ROD | {"length": float(n)}) for n in lengths]
    assert batch == pytest.approx(np.array(single), rel=1e-5)  # 32-bit sums in another order


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"radius_pd": 0.0}, "radius_pd 0 is outside"),
        ({"radius_pd": 0.7}, "radius_pd 0.7 is outside"),
        ({"length": 1.0}, "length_ratio 0.04 is outside"),
        ({"radius": 900.0, "length": 400.0}, "q times length"),
    ],
)
def test_outside_of_the_box_the_exact_model_is_used_and_said_so(change, said):
    found = emulate("cylinder", Q, ROD | change)
    assert not found.by_surrogate.any()
    assert said in found.reason
    assert found.error is None
    exact = emulate("cylinder", Q, ROD | change, surrogate="off").intensity
    assert np.array_equal(found.intensity, exact)
    with pytest.raises(UsageError, match=said):
        emulate("cylinder", Q, ROD | change, surrogate="only")


def test_each_curve_of_a_batch_falls_back_for_itself():
    found = emulate("cylinder", Q, ROD | {"radius_pd": np.array([0.1, 0.9, 0.2])})
    assert found.by_surrogate.tolist() == [True, False, True]
    assert found.error is not None
    assert np.all(found.intensity > 0)


def test_other_distributions_and_other_models_are_exact():
    assert not emulate("cylinder", Q[:5], ROD, distribution="gaussian").by_surrogate.any()
    pair = emulate("sphere+sphere", Q, {"1:radius": 20.0, "2:radius": 60.0})
    assert pair.reason == "there is no surrogate of sphere+sphere"
    apart = emulate("sphere@hardsphere", Q, {"radius": 40.0, "volfraction": 0.3}).intensity
    assert np.all(apart[0, :5] < emulate("sphere", Q, {"radius": 40.0}).intensity[0, :5])


@pytest.mark.parametrize(
    ("model", "q", "values", "kind", "said"),
    [
        ("cylindre", Q, {}, UsageError, "Did you mean"),
        ("cylinder", Q, {"lenght": 3.0}, UsageError, "no parameter 'lenght'"),
        ("cylinder", Q, {"radius": -1.0}, UsageError, "radius = -1"),
        ("cylinder", Q, {"radius": np.nan}, UsageError, "radius = nan"),
        ("cylinder", Q, {"radius": [1.0, 2.0], "length": [1.0, 2.0, 3.0]}, UsageError, "2 values of radius for 3"),
        ("cylinder", np.array([0.0, 0.1]), {}, PatternError, "positive"),
        ("cylinder", np.array([]), {}, PatternError, "positive"),
    ],
)
def test_what_cannot_be_is_refused(model, q, values, kind, said):
    with pytest.raises(kind, match=said):
        emulate(model, q, values)


def test_features_go_there_and_back():
    for feature in (Feature("a", "", 0.2, 100.0), Feature("b", "", 0.0, 0.5, "uniform")):
        value = np.array([feature.low + 0.01, feature.high])
        assert feature.value(feature.unit(value)) == pytest.approx(value)
        assert feature.unit(value)[1] == pytest.approx(1.0)


def test_there_is_no_surrogate_of_everything():
    assert surrogate_of("sphere") is None
    with pytest.raises(ModelError, match="There are surrogates of cylinder"):
        Surrogate.open("sphere")


def test_beyond_the_table_rods_follow_porod():
    """q R up to 300, where the table ends at 40: within 3 % of the exact model of so many sizes that it has no ripples."""
    q = np.geomspace(0.1, 0.6, 12)
    values = ROD | {"radius": 500.0, "length": 4000.0}
    found = emulate("cylinder", q, values, surrogate="only").intensity[0]
    sizes = {name: distribute(values[name], values[f"{name}_pd"], points=401) for name in ("radius", "length")}
    exact = find_model("cylinder").intensity(q, {"sld": values["sld"], "sld_solvent": values["sld_solvent"], **sizes})
    assert found == pytest.approx(exact, rel=0.03)
