"""Other questions: a list of spacings, a wrong wavelength."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.tasks.identify import identify
from whorl.techniques.pd.other_wavelength import other_wavelength
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.simulate import simulate

#: corundum, powder data file 46-1212: d (angstrom) and intensity
CORUNDUM = (
    (3.480, 45),
    (2.551, 100),
    (2.379, 21),
    (2.085, 66),
    (1.740, 34),
    (1.601, 89),
    (1.511, 14),
    (1.405, 23),
    (1.374, 27),
)


def test_a_list_of_spacings_is_a_question():
    d, height = np.array(sorted(CORUNDUM)).T
    verdict = identify(Measurement("peaks", d, height), catalogues=[open_catalogue("compounds")])
    assert verdict.best.name.startswith("Al2O3 (corundum")
    assert any("1.54059" in text for text in verdict.assumptions)


def test_too_short_a_list():
    with pytest.raises(PatternError, match="2 peaks can be used"):
        prepare(Measurement("peaks", np.array([0.5, 2.0, 3.0]), np.ones(3)))


@pytest.mark.parametrize(("true", "word"), [("Co", "Co K-alpha"), ("Cu", "")])
def test_a_wrong_wavelength_is_noticed(true, word):
    """Hematite measured with cobalt and called copper; copper called copper says nothing."""
    x = np.arange(20.0, 100.0, 0.02)
    y = simulate(
        open_catalogue("compounds").load("Fe2O3-hematite"), settings={"wavelength": true, "w": 0.01}, two_theta=x
    ).signal
    counts = np.random.default_rng(2).poisson(100 + 4000 * y / y.max()).astype(float)
    said = other_wavelength(prepare(Measurement("powder", x, counts), settings={"wavelength": "Cu"}))
    assert word in said
    assert bool(said) == bool(word)
