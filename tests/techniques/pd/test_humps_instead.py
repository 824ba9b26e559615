"""Broad maxima: crystallites of a few cells are believed where free humps explain less, glasses are not crystals."""

from __future__ import annotations

import numpy as np
import pytest

from whorl import identify, simulate
from whorl.catalogues import open_catalogue
from whorl.core.measurement import Measurement

X = np.arange(15.0, 90.0, 0.03)


def counts(curve, seed):
    values = np.random.default_rng(seed).poisson(curve).astype(float)
    return Measurement("powder", X, values, settings={"wavelength": 1.540593, "wavelength2": 1.544427, "intensity": "counts"})


@pytest.mark.parametrize(("key", "elements", "seed"), [("IrO2-rutile", "Ir,O", 1), ("CeO2-fluorite", "Ce,O", 2)])
def test_crystallites_of_eighteen_angstrom_are_no_humps(key, elements, seed):
    clean = simulate(open_catalogue("compounds").load(key), "pd", x=X, settings={"wavelength": "Cu", "size": 17.0, "w": 0.01})
    curve = clean.signal / clean.signal.max() * 4000 + 800 + 1500 * np.exp(-(X - 15) / 8)
    verdict = identify(counts(curve, seed), elements=elements, workspace=False)
    assert not verdict.is_none
    assert key.split("-")[0] == verdict.candidates[0].formula
    assert 10 < verdict.candidates[0].parameters["size"].value < 30


def test_a_hump_that_leaves_the_pattern_at_its_end():
    """Half a maximum at the low end: the hump that takes it up moves out while others are added."""
    curve = 300 + 4000 * np.exp(-4 * np.log(2) * ((X - 12.0) / 9.0) ** 2)
    for place, width, height in ((31.0, 6.0, 900.0), (52.0, 8.0, 500.0)):
        curve = curve + height * np.exp(-4 * np.log(2) * ((X - place) / width) ** 2)
    assert identify(counts(curve, 4), elements="Si,Al,Na,Ca,O", workspace=False).is_none


def test_humps_of_a_glass_are_no_crystal():
    curve = 700 + 900 * np.exp(-(X - 15) / 8)
    for place, width, height in ((24.0, 7.5, 2500.0), (47.0, 9.0, 700.0)):
        curve = curve + height * np.exp(-4 * np.log(2) * ((X - place) / width) ** 2)
    assert identify(counts(curve, 3), elements="Si,Al,Na,Ca,O", workspace=False).is_none
