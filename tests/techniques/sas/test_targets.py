"""Scales of the parameters that are told straight from a curve: there and back, ratios of contrasts, exchangeable terms."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.hypothesis import FormFactor
from whorl.learning.sas_parameters import kinds_told
from whorl.physics.small_angle.composite import compose
from whorl.techniques.sas.prepare import prepare
from whorl.techniques.sas.residual import SasProblem
from whorl.techniques.sas.simulate import simulate
from whorl.techniques.sas.targets import ordered, targets_of


@pytest.fixture(scope="module")
def signal():
    hypothesis = FormFactor("sphere", model="sphere", parameters={"radius": 60.0})
    return prepare(simulate(hypothesis, settings={}, q=np.geomspace(0.005, 0.3, 80)))


@pytest.mark.parametrize("key", [k.key for k in kinds_told()])
def test_they_are_what_a_fit_refines(signal, key):
    """Names of the targets of every kind are those of the free parameters of its fit."""
    assert {t.name for t in targets_of(key)} == {p.name for p in SasProblem(signal, compose(key)).parameters}


@pytest.mark.parametrize("key", ["sphere", "core_shell_rod", "broad_peak", "teubner_strey", "guinier_porod"])
def test_there_and_back(key):
    """A sample's place on the scale gives its value again, whatever the first q."""
    model = compose(key)
    values = model.draw(np.random.default_rng(11)) | {p.name: p.default for p in model.parameters if not p.free}
    values |= {name + "_pd": 0.13 for name in model.spreading}
    for target in targets_of(key):
        for qmin in (0.001, 0.03):
            place = target.encode(values, qmin)
            assert float(target.decode(np.array(place), qmin)) == pytest.approx(values[target.name], rel=1e-9)


def test_same_curve_on_another_scale():
    """Lengths ten times as long at a q ten times as small stand at the same place."""
    (radius, _) = targets_of("sphere")
    assert radius.encode({"radius": 500.0}, 0.001) == pytest.approx(radius.encode({"radius": 50.0}, 0.01))
    peak = targets_of("broad_peak")[0]
    assert peak.name == "peak_pos"
    assert peak.encode({"peak_pos": 0.02}, 0.001) == pytest.approx(peak.encode({"peak_pos": 0.2}, 0.01))


def test_only_ratios_of_contrasts_are_told():
    """Two samples whose amplitudes are proportional have one curve, one place, and one value beside the held contrasts."""
    shell = next(t for t in targets_of("core_shell_sphere") if t.name == "sld_shell")
    one = {"sld_core": 3.0, "sld_shell": 5.0, "sld_solvent": 1.0}
    two = {"sld_core": 1.0, "sld_shell": -1.0, "sld_solvent": 3.0}  # core and solvent as a fit holds them
    assert shell.encode(one, 0.01) == pytest.approx(shell.encode(two, 0.01))
    assert float(shell.decode(np.array(shell.encode(one, 0.01)), 0.01)) == pytest.approx(-1.0)
    model, q = compose("core_shell_sphere"), np.geomspace(0.005, 0.3, 50)
    lengths = {"radius": 60.0, "thickness": 15.0}
    curves = [model.basis(q, values | lengths)[:, 0] for values in (one, two)]
    assert curves[0] / curves[0][0] == pytest.approx(curves[1] / curves[1][0], rel=1e-9)


def test_exchangeable_terms_are_put_in_order():
    """Of two kinds of spheres the larger is the first, with all that belongs to it; other models are left as they are."""
    given = {"1:radius": 20.0, "1:radius_pd": 0.1, "2:radius": 90.0, "2:sld": 4.0, "shape": 1.0}
    assert ordered("sphere+sphere", given) == {
        "2:radius": 20.0, "2:radius_pd": 0.1, "1:radius": 90.0, "1:sld": 4.0, "shape": 1.0,
    }  # fmt: skip
    assert ordered("sphere+rod", {"1:radius": 20.0, "2:radius": 90.0}) == {"1:radius": 20.0, "2:radius": 90.0}
