"""Structure factors: compressibilities, limits into each other, and that particles never overlap."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.physics.small_angle.structure_factors import all_structure_factors, find_structure_factor

Q = np.geomspace(1e-4, 1.0, 300)
WATER = {"temperature": 298.0, "dielectconst": 78.4}


def pair_correlation(kernel, radius, volfraction, at):
    """g(r) at r = ``at`` diameters, by a sine transform of S - 1 with a soft end."""
    k = np.linspace(1e-3, 600.0, 300001)
    s = kernel(k / (2 * radius))
    return [
        1 + np.trapezoid((s - 1) * k * np.sin(k * r) * np.exp(-((k / 250) ** 2)), k) / (12 * np.pi * volfraction * r)
        for r in at
    ]


@pytest.mark.parametrize("phi", [1e-3, 0.1, 0.3, 0.5])
def test_hard_spheres_have_the_compressibility_of_percus_and_yevick(phi):
    found = find_structure_factor("hardsphere").values(np.array([0.0, 1e-7]), 50.0, {"volfraction": phi})
    assert found == pytest.approx((1 - phi) ** 4 / (1 + 2 * phi) ** 2, rel=1e-9)


def test_the_series_of_hard_spheres_joins_the_closed_form():
    x = np.array([0.2 - 1e-9, 0.2 + 1e-9]) / 100.0
    found = find_structure_factor("hardsphere").values(x, 50.0, {"volfraction": 0.45})
    assert found[0] == pytest.approx(found[1], rel=1e-7)


def test_spheres_that_hardly_stick_are_hard():
    hard = find_structure_factor("hardsphere").values(Q, 40.0, {"volfraction": 0.25})
    sticky = find_structure_factor("stickyhardsphere")
    found = sticky.values(Q, 40.0, {"volfraction": 0.25, "perturb": 1e-6, "stickiness": 1e8})
    assert found == pytest.approx(hard, rel=1e-4)
    stuck = sticky.values(Q[:1], 40.0, {"volfraction": 0.1, "perturb": 0.02, "stickiness": 0.12})
    assert stuck[0] > 2  # attraction raises the forward intensity


def test_spheres_too_sticky_to_mix_still_give_numbers():
    found = find_structure_factor("stickyhardsphere").values(Q, 40.0, {"volfraction": 0.15, "stickiness": 0.05})
    assert np.all(np.isfinite(found))
    assert found.min() > 0


@pytest.mark.parametrize("phi", [0.005, 0.1, 0.45])
@pytest.mark.parametrize("charge", [0.0, 1e-5])
def test_spheres_without_charge_are_hard(phi, charge):
    hard = find_structure_factor("hardsphere").values(Q, 25.0, {"volfraction": phi})
    found = find_structure_factor("hayter_msa").values(
        Q, 25.0, WATER | {"volfraction": phi, "charge": charge, "concentration_salt": 0.01}
    )
    assert found == pytest.approx(hard, rel=1e-6)


def test_salt_screens():
    msa, values = find_structure_factor("hayter_msa"), WATER | {"volfraction": 0.05, "charge": 20.0}
    forward = [msa.values(Q[:1], 25.0, values | {"concentration_salt": c})[0] for c in (0.0, 0.01, 0.1, 5.0)]
    assert all(np.diff(forward) > 0)
    hard = find_structure_factor("hardsphere").values(Q[:1], 25.0, {"volfraction": 0.05})[0]
    assert forward[-1] == pytest.approx(hard, rel=0.05)


@pytest.mark.parametrize(
    ("phi", "charge", "salt", "radius"),
    [
        (0.02, 19.0, 0.0, 21.0),
        (0.45, 9.0, 0.002, 30.0),
        (0.48, 3.0, 0.0, 60.0),
        (0.1, 40.0, 0.05, 25.0),
        (0.17, 5.0, 1.0, 80.0),
    ],
)
def test_charged_spheres_do_not_overlap(phi, charge, salt, radius):
    # what tells the physical root of the quartic from the others
    msa = find_structure_factor("hayter_msa")
    values = WATER | {"volfraction": phi, "charge": charge, "concentration_salt": salt}
    inside = pair_correlation(lambda q: msa.values(q, radius, values), radius, phi, (0.2, 0.5, 0.8, 0.97))
    assert inside == pytest.approx([0.0] * 4, abs=2e-3)


def test_charged_spheres_never_fail():
    rng = np.random.default_rng(40)
    msa = find_structure_factor("hayter_msa")
    for _ in range(150):
        values = {
            "volfraction": 10 ** rng.uniform(-4, -0.25),
            "charge": 10 ** rng.uniform(-2, 2.5),
            "temperature": rng.uniform(275, 400),
            "concentration_salt": rng.choice([0.0, 10 ** rng.uniform(-5, 1)]),
            "dielectconst": rng.uniform(5, 100),
        }
        found = msa.values(Q, 10 ** rng.uniform(0.5, 3.0), values)
        assert np.all(np.isfinite(found)), values
        assert found.min() > 0, values
        assert found.max() < 50, values
        assert found[-1] == pytest.approx(1.0, abs=0.6), values


@pytest.mark.parametrize("factor", all_structure_factors(), ids=lambda f: f.key)
def test_structure_factors_go_to_one_and_draw_what_they_allow(factor):
    rng = np.random.default_rng(5)
    for _ in range(20):
        values = factor.draw(rng)
        assert factor.values(np.array([30.0]), 50.0, values) == pytest.approx(1.0, abs=0.02)
        for parameter in factor.parameters:
            assert parameter.limits[0] <= values[parameter.name] <= parameter.limits[1]


def test_an_unknown_structure_factor_is_an_error_with_a_proposal():
    with pytest.raises(UsageError, match="hardsphere"):
        find_structure_factor("hardspheres")


def test_spheres_without_a_well_are_nearly_hard():
    # this closure differs from Percus and Yevick in the fourth power of the volume fraction
    hard = find_structure_factor("hardsphere").values(Q, 40.0, {"volfraction": 0.04})
    found = find_structure_factor("squarewell").values(Q, 40.0, {"volfraction": 0.04, "welldepth": 0.0})
    assert found == pytest.approx(hard, rel=3e-3)
