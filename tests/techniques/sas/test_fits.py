"""Models fitted to simulated curves: what was put in comes out, and what is doubtful is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import Crystal, FormFactor, Site
from whorl.tasks.hypotheses import find
from whorl.tasks.refine import refine
from whorl.techniques.sas.prepare import prepare
from whorl.techniques.sas.residual import SasProblem
from whorl.techniques.sas.simulate import simulate
from whorl.techniques.sas.technique import SAS
from whorl.techniques.sas.templates import make, match

Q = np.geomspace(0.004, 0.35, 140)


def measured(key, noise=0.02, seed=5, q=Q, **values):
    """A curve of a model with noise of counts and stated uncertainties."""
    rng = np.random.default_rng(seed)
    settings = {k: values.pop(k) for k in list(values) if k in ("scale", "background", "dq", "slit_length")}
    clean = simulate(FormFactor(key, model=key, parameters=values), settings=settings, q=q)
    sigma = noise * np.sqrt(np.abs(clean.signal) * np.median(np.abs(clean.signal))) + 0.3 * noise * np.abs(clean.signal)
    return replace(clean, signal=clean.signal + sigma * rng.normal(size=q.size), sigma=sigma)


@pytest.mark.parametrize(
    ("key", "values", "told"),
    [
        ("sphere", {"radius": 62.0, "radius_pd": 0.12}, {"radius": 62.0, "radius_pd": 0.12}),
        ("vesicle", {"radius": 130.0, "radius_pd": 0.1, "thickness": 38.0}, {"radius": 130.0, "thickness": 38.0}),
        ("rod", {"radius": 24.0, "length": 520.0}, {"radius": 24.0, "length": 520.0}),
        ("mono_gauss_coil", {"rg": 71.0}, {"rg": 71.0}),
        ("sphere@hardsphere", {"radius": 45.0, "radius_pd": 0.1, "volfraction": 0.25}, {"radius": 45.0, "volfraction": 0.25}),
    ],
)
def test_what_was_put_in_comes_out(key, values, told):
    m = measured(key, scale=0.02, background=0.003, dq=0.05, **values)
    found = refine(m, [find(key)])
    best = found.candidates[0]
    assert best.quality.reduced_chi_squared == pytest.approx(1.0, abs=0.35)
    for name, value in told.items():
        q = best.parameters[name]
        assert abs(q.value - value) < 4.5 * q.sigma, (name, q)
        assert q.sigma < 0.15 * value
    assert found.none_probability < 0.1


def test_smearing_that_is_left_out_is_seen_in_the_spread():
    m = measured("sphere", noise=0.005, dq=0.1, radius=80.0, radius_pd=0.05)
    smeared = refine(m, [find("sphere")]).candidates[0]
    plain = refine(m, [find("sphere")], settings={"smearing": "off"}).candidates[0]
    assert smeared.parameters["radius_pd"].value == pytest.approx(0.05, abs=0.02)
    assert plain.parameters["radius_pd"].value > 0.09
    assert smeared.quality.reduced_chi_squared < plain.quality.reduced_chi_squared


def test_a_rise_towards_low_q_is_recognised_and_may_be_forbidden():
    m = measured("sphere", radius=40.0, radius_pd=0.1, scale=0.01)
    risen = replace(m, signal=m.signal + 4 * m.signal[0] * (Q / Q[0]) ** -4.0)
    best = refine(risen, [find("sphere")]).candidates[0]
    assert "upturn" in best.parameters
    assert any("rise with q^-4" in note for note in best.notes)
    assert best.parameters["radius"].value == pytest.approx(40.0, rel=0.03)
    without = refine(risen, [find("sphere")], settings={"upturn": "off"}).candidates[0]
    assert "upturn" not in without.parameters
    assert "upturn" not in refine(m, [find("sphere")]).candidates[0].parameters


def test_two_models_together_have_scales_of_their_own():
    small, large = (measured("sphere", noise=0.0, radius=r, radius_pd=0.1) for r in (25.0, 160.0))
    both = replace(small, signal=0.03 * small.signal + 0.001 * large.signal)
    both = replace(
        both, sigma=0.01 * both.signal, signal=both.signal * (1 + 0.01 * np.random.default_rng(1).normal(size=Q.size))
    )
    best = refine(both, [find("sphere"), find("sphere")]).candidates[0]
    radii = sorted((best.parameters["1:radius"].value, best.parameters["2:radius"].value))
    assert radii == pytest.approx([25.0, 160.0], rel=0.05)
    assert len(best.phases) == 2


def test_what_is_fixed_is_held_and_what_is_unknown_refused():
    m = measured("sphere", radius=62.0)
    best = refine(m, [find("sphere")], fixed={"radius_pd": 0.0, "sld": 3.0}).candidates[0]
    assert "radius_pd" not in best.parameters
    assert best.structures[0].parameters["sld"] == 3.0
    with pytest.raises(UsageError, match="sphere has no parameter 'length'"):
        refine(m, [find("sphere")], fixed={"length": 3.0})
    with pytest.raises(UsageError, match="for crystals"):
        refine(m, [find("sphere")], size=True)
    with pytest.raises(StructureError, match="a crystal has no small-angle curve"):
        refine(m, [Crystal("Ni", cell=(3.5, 3.5, 3.5, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))])


def test_a_length_that_the_curve_does_not_reach_is_told():
    best = refine(measured("rod", radius=20.0, length=5000.0, noise=0.01), [find("rod")]).candidates[0]
    assert any("longer than the lowest q shows" in note for note in best.notes)


def test_derivatives_are_those_of_the_model():
    signal = prepare(measured("vesicle", radius=130.0, thickness=38.0, radius_pd=0.1))
    problem = SasProblem(signal, SAS.trials(signal, [find("vesicle")])[0][0].model, values={"radius": 120.0, "thickness": 40.0})
    values = np.array([p.value for p in problem.parameters])
    found = problem.evaluate(values, jacobian=True)
    for k in range(len(values)):
        step = np.zeros(len(values))
        step[k] = 1e-3 * values[k]
        up, down = (problem.evaluate(values + s * step, jacobian=False).basis for s in (1, -1))
        expected = (up - down)[:, 0] / (2 * step[k])
        assert found.derivatives[k, :, 0] == pytest.approx(expected, rel=2e-3, abs=2e-3 * np.abs(expected).max())


def test_retrieval_does_not_know_scale_or_size():
    m = measured("vesicle", noise=0.01, radius=130.0, thickness=38.0, radius_pd=0.1)
    templates = make("vesicle")
    best = match(prepare(m).quick, "vesicle", templates)[0]
    assert best.rw < 0.15
    assert best.values["radius"] == pytest.approx(130.0, rel=0.15)
    for zoom in (0.3, 7.0):
        other = replace(m, x=m.x / zoom, signal=1e4 * m.signal, sigma=1e4 * m.sigma)
        found = match(prepare(other).quick, "vesicle", templates)[0]
        assert found.values["radius"] == pytest.approx(130.0 * zoom, rel=0.15)


def test_simulate_says_what_it_cannot():
    sphere = find("sphere")
    with pytest.raises(UsageError, match="unknown setting 'lenght'"):
        simulate(sphere, settings={"lenght": 3})
    smeared = simulate(sphere, settings={"dq": 0.1}, q=Q)
    assert smeared.resolution == pytest.approx(0.1 * Q)
    assert simulate(sphere, settings={"scale": 0.5, "background": 2.0}, q=Q).signal == pytest.approx(
        0.5 * simulate(sphere, q=Q).signal + 2.0
    )
