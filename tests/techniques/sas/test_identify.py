"""Identification of simulated curves: the right kind is found, told apart where it can be, and none where there is none."""

from __future__ import annotations

import numpy as np
import pytest

import whorl
from whorl.core.measurement import Measurement
from whorl.tasks.identify import identify
from whorl.tasks.recipes import open_all

from .test_fits import Q, measured


@pytest.fixture(scope="module")
def catalogues():
    return open_all((), only=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("vesicle", {"radius": 150.0, "thickness": 40.0, "radius_pd": 0.12}),
        ("rod", {"radius": 18.0, "length": 700.0, "radius_pd": 0.1}),
        ("teubner_strey", {"d": 140.0, "xi": 90.0}),
    ],
)
def test_the_kind_is_found_with_its_size(key, values, catalogues):
    found = identify(measured(key, noise=0.01, scale=0.01, background=0.002, **values), catalogues=catalogues)
    assert key in found.set.members
    first = next(c for c in found.candidates if c.name == key)
    assert first.group == 1
    name, value = next(iter(values.items()))
    assert first.parameters[name].value == pytest.approx(value, rel=0.1)
    assert found.none_probability < 0.2
    assert found.opinion is not None
    assert found.opinion.set is not None
    assert {c.kind for c in found.candidates} == {"form_factor"}


@pytest.mark.slow
def test_what_no_model_explains_is_none(catalogues):
    x = np.geomspace(0.005, 0.3, 150)
    odd = 10 + 8 * np.sin(60 * np.log(x)) + 5 * np.sin(23 * np.log(x))
    found = identify(Measurement("sas", x, odd, 0.01 * odd), catalogues=catalogues)
    assert found.none_probability > 0.8
    assert found.is_none


@pytest.mark.slow
def test_a_narrow_window_leaves_several(catalogues):
    q = np.geomspace(0.004, 0.02, 60)
    found = identify(measured("sphere", noise=0.03, q=q, radius=60.0), catalogues=catalogues)
    assert len(found.set.members) >= 3


@pytest.mark.slow
def test_the_python_interface_takes_names_and_curves():
    m = measured("sphere", radius=62.0, radius_pd=0.1)
    verdict = whorl.refine(m, "sphere@hardsphere", workspace=False)
    assert verdict.best.parameters["volfraction"].value < 0.05
    again = whorl.simulate("sphere", technique="sas", x=Q, radius=62.0, radius_pd=0.1, scale=1.0)
    assert again.kind == "sas"
    assert again.signal[0] == pytest.approx(m.signal[0], rel=0.2)
