"""Curves of everything that is no particle, structure factors and both together, against sasmodels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from whorl.physics.small_angle.interacting import interacting
from whorl.physics.small_angle.models import all_models, find_model
from whorl.physics.small_angle.sizes import distribute
from whorl.physics.small_angle.structure_factors import all_structure_factors, find_structure_factor

REFERENCES = json.loads((Path(__file__).parent / "data" / "curves.json").read_text(encoding="utf-8"))
#: ours is closer to the converged mean over orientations; the MSA has other digits of the constants of nature
LOOSE = {"bcc_paracrystal": 2e-3, "fcc_paracrystal": 2e-3, "sc_paracrystal": 2e-3, "hayter_msa": 3e-5}
CASES = [(key, k) for key, sets in REFERENCES["models"].items() for k in range(len(sets))]
FACTORS = [(key, k) for key, sets in REFERENCES["structure_factors"].items() for k in range(len(sets))]


@pytest.mark.parametrize(("key", "k"), CASES)
def test_models_agree_with_sasmodels(key, k):
    case = REFERENCES["models"][key][k]
    values = {name: value for name, value in case["values"].items() if name != "level"}
    expected = np.array(case["intensity"])
    found = find_model(key).intensity(np.array(case["q"]), values)
    assert found == pytest.approx(expected, rel=LOOSE.get(key, 2e-6), abs=1e-12 * expected.max())


@pytest.mark.parametrize(("key", "k"), FACTORS)
def test_structure_factors_agree_with_sasmodels(key, k):
    case = REFERENCES["structure_factors"][key][k]
    values = dict(case["values"])
    found = find_structure_factor(key).values(np.array(case["q"]), values.pop("radius_effective"), values)
    assert found == pytest.approx(np.array(case["intensity"]), rel=LOOSE.get(key, 2e-6))


@pytest.mark.parametrize("case", REFERENCES["together"], ids=lambda c: f"{c['particle']}@{c['factor']}-{c['decoupled']}")
def test_particles_that_interact_agree_with_sasmodels(case):
    q, values = np.array(case["q"]), dict(case["values"])
    model, factor = find_model(case["particle"]), find_structure_factor(case["factor"])
    if "radius_pd" in values:
        values["radius"] = distribute(values["radius"], values.pop("radius_pd"), "gaussian")
    own, other = {p.name for p in model.parameters}, {p.name for p in factor.parameters}
    averages = model.averages(q, {name: value for name, value in values.items() if name in own})
    s = factor.values(q, averages.radius, {name: value for name, value in values.items() if name in other})
    found = interacting(averages, s, volfraction=values["volfraction"], decoupled=case["decoupled"])
    assert found == pytest.approx(np.array(case["intensity"]), rel=1e-5)


def test_every_model_that_is_no_particle_and_every_structure_factor_has_a_reference():
    ours = {"hexagonal_cylinders"}  # which sasmodels does not have
    assert {model.key for model in all_models() if not model.particle} - ours <= set(REFERENCES["models"])
    assert {factor.key for factor in all_structure_factors()} <= set(REFERENCES["structure_factors"])


def test_a_computed_curve_of_interacting_spheres(shared_data):
    q, expected = np.loadtxt(shared_data / "sas/ref/sasmodels_sphere_x_hardsphere.txt").T
    averages = find_model("sphere").averages(q, {"radius": 50.0})
    s = find_structure_factor("hardsphere").values(q, 50.0, {"volfraction": 0.2})
    assert interacting(averages, s, volfraction=0.2, decoupled=False) == pytest.approx(expected, rel=1e-6)
