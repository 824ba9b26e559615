"""Models by name: what stands together, what interacts, and what their names mean."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.physics.small_angle.composite import candidates, compose, is_model
from whorl.physics.small_angle.sizes import distribute

Q = np.geomspace(0.003, 0.3, 60)


def test_several_terms_have_prefixes_and_columns_of_their_own():
    both = compose("sphere+sphere")
    values = {"1:radius": 40.0, "2:radius": 90.0, "2:radius_pd": 0.1, "1:sld": 3.0}
    found = both.basis(Q, values)
    one = compose("sphere")
    assert found.shape == (60, 2)
    assert found[:, 0] == pytest.approx(one.basis(Q, {"radius": 40.0, "sld": 3.0})[:, 0])
    assert found[:, 1] == pytest.approx(one.basis(Q, {"radius": 90.0, "radius_pd": 0.1})[:, 0])
    assert both.family == "sphere + sphere"


def test_a_spread_is_a_distribution_of_sizes():
    model = compose("sphere")
    expected = model.terms[0].model.intensity(Q, {"radius": distribute(50.0, 0.2, "schulz")})
    assert model.basis(Q, {"radius": 50.0, "radius_pd": 0.2}, "schulz")[:, 0] == pytest.approx(expected)


def test_interaction_vanishes_with_the_volume_fraction():
    dense = compose("sphere@hardsphere")
    values = {"radius": 50.0, "radius_pd": 0.1}
    free = compose("sphere").basis(Q, values)[:, 0]
    assert dense.basis(Q, values | {"volfraction": 1e-6})[:, 0] == pytest.approx(free, rel=1e-4)
    apart = dense.basis(Q, values | {"volfraction": 0.3})[:, 0]
    assert apart[0] / free[0] < 0.2  # compressibility of hard spheres: (1-phi)^4/(1+2phi)^2 = 0.094, and beta
    assert apart[-1] == pytest.approx(free[-1], rel=0.1)


def test_what_is_within_stays_within():
    for key in ("rod", "disk"):
        model = compose(key)
        drawn = [model.draw(np.random.default_rng(seed)) for seed in range(30)]
        ratio = np.array([d["length"] / d["radius"] for d in drawn])
        name, low, high = model.terms[0].model["length"].within
        assert name == "radius"
        assert np.all((ratio >= low - 1e-9) & (ratio <= high + 1e-9))
    rod = compose("rod")
    least = rod.terms[0].model["length"].within[1]
    short = rod.basis(Q, {"radius": 50.0, "length": 10.0})
    assert short == pytest.approx(rod.basis(Q, {"radius": 50.0, "length": least * 50.0}))


@pytest.mark.parametrize(
    ("name", "words"),
    [("spere", "Did you mean 'sphere'"), ("dab@hardsphere", "no particle"), ("sphere@hardspere", "hardsphere")],
)
def test_names_that_are_none(name, words):
    with pytest.raises(UsageError) as caught:
        compose(name)
    assert words in f"{caught.value}"


def test_every_candidate_gives_finite_curves():
    for key in candidates():
        model = compose(key)
        assert is_model(key)
        for seed in (1, 2):
            found = model.basis(Q, model.draw(np.random.default_rng(seed)))
            assert found.shape == (60, len(model.terms))
            assert np.all(np.isfinite(found)), (key, seed)
            assert np.all(found >= 0), (key, seed)
