"""A pattern cut into its peaks, with the reflections that two fits have there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.fitting.solve import solve
from whorl.techniques.pd.deciding import marks, regions
from whorl.techniques.pd.technique import PD


def rock_salt(name: str, metal: str, a: float) -> Crystal:
    sites = (Site(metal, (0, 0, 0)), Site("O", (0.5, 0.5, 0.5)))
    return Crystal(name, family="rock salt", source="test", cell=(a, a, a, 90, 90, 90), space_group="225", sites=sites)


NIO, FCC = rock_salt("NiO", "Ni", 4.177), rock_salt("MgO", "Mg", 4.25)


@pytest.fixture(scope="module")
def signal():
    x = np.arange(25.0, 90.0, 0.03)
    found = PD.simulate(NIO, settings={"wavelength": "Cu", "size": 300.0}, x=x)
    rng = np.random.default_rng(3)
    scaled = rng.poisson(3000 * found.signal / found.signal.max() + 50).astype(float)
    return PD.prepare(type(found)("powder", x, scaled, settings={**found.settings, "intensity": "counts"}))


def fitted(signal, crystal):
    problem, start = PD.trials(signal, [crystal], effort="rank")[0]
    return solve(problem, start=start, max_evaluations=25)


def test_each_peak_is_a_region_with_its_reflection(signal):
    fit = fitted(signal, NIO)
    found = regions(fit, fit)
    named = {r.first[0] for r in found if r.first}
    assert {"NiO 1 1 1", "NiO 2 0 0", "NiO 2 2 0", "NiO 3 1 1", "NiO 2 2 2"} <= named
    assert all(a.high <= b.low for a, b in pairwise(found))
    for region in found:
        assert region.first == region.second
        assert 0 < region.high - region.low < 6.0


def test_marks_are_the_angles_of_the_first_line(signal):
    (places,) = marks(fitted(signal, NIO))
    spacing = 4.177 / np.sqrt([3, 4, 8, 11, 12])
    expected = np.degrees(2 * np.arcsin(1.540593 / 2 / spacing))
    assert places == pytest.approx(expected, abs=0.03)


def test_a_peak_of_one_fit_alone_is_a_region_too(signal):
    first, other = fitted(signal, NIO), fitted(signal, FCC)
    found = regions(first, other)
    at = float(marks(first)[0][1])
    assert any(r.low < at < r.high and "NiO 2 0 0" in r.first for r in found)
