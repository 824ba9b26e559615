"""Compounds as elements on the species of a prototype."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues.registry import open_catalogue
from whorl.catalogues.site_species import species_of, templates


@pytest.fixture(scope="module")
def found():
    return templates(open_catalogue("compounds").members.values())


def template(found, family, formula):
    return next(t for t in found if t.family == family and any(o.member.formula == formula for o in t.occupations))


@pytest.mark.parametrize(
    ("family", "formula", "numbers"),
    [
        ("rock salt", "NaCl", [6, 6]),
        ("fluorite", "CaF2", [8, 4]),
        ("rutile", "TiO2", [6, 3]),
        ("perovskite", "SrTiO3", [12, 6, 2]),
        ("spinel", "MgAl2O4", [4, 6, 4]),
        ("layered R-3m", "LiCoO2", [6, 6, 6]),
        ("Cu3Au", "Cu3Au", [12, 12]),
    ],
)
def test_coordination_numbers(found, family, formula, numbers):
    assert template(found, family, formula).bonds.sum(axis=1) == pytest.approx(numbers, rel=0.07)  # distorted octahedra


def test_bonds_are_counted_from_both_ends(found):
    for one in found[:60]:
        if any(one.signs):
            bonds, counts = one.bonds, np.array(one.counts)
            forward = (counts[:, None] * bonds)[np.array(one.signs) > 0].sum()
            back = (counts[:, None] * bonds)[np.array(one.signs) < 0].sum()
            assert back == pytest.approx(forward, rel=0.35), one.family  # each end weighs the distances around itself


def test_patterns_tell_compounds_apart(found):
    assert template(found, "spinel", "MgAl2O4") is template(found, "spinel", "ZnAl2O4")
    assert template(found, "spinel", "Fe3O4") is not template(found, "spinel", "MgAl2O4")
    mixed = template(found, "spinel", "CoFe2O4")
    assert mixed.pattern == (((0, 1.0),), ((1, 0.5), (0, 0.5)), ((2, 1.0),))
    assert mixed.signs == (1, 1, -1)


def test_alloys_have_no_charges(found):
    ionic, alloy = template(found, "CsCl", "CsCl"), template(found, "CsCl", "NiAl")
    assert (ionic.signs, alloy.signs) == ((1, -1), (0, 0))
    assert alloy.occupations[0].states == (0.0, 0.0)


def test_every_compound_with_tabulated_elements_has_a_place(found):
    members = open_catalogue("compounds").members
    assert sum(len(t.occupations) for t in found) >= 0.98 * len(members)
    for one in found:
        for occupation in one.occupations:
            assert species_of(occupation.member) == (occupation.elements, one.pattern, pytest.approx(one.counts))


@pytest.mark.parametrize(
    ("family", "formula", "twins"),
    [
        ("CsCl", "NiAl", ((0, 1),)),  # alike but for the origin
        ("CsCl", "CsCl", ()),  # one is the anion
        ("Cu3Au", "Cu3Au", ()),
        ("spinel", "MgAl2O4", ()),
        ("pyrochlore", "La2Zr2O7", ()),  # the metals' places are alike, but oxygen is nearer to one
    ],
)
def test_twins(found, family, formula, twins):
    assert template(found, family, formula).twins == twins


def test_twins_have_one_canonical_order(found):
    alloy = template(found, "CsCl", "NiAl")
    assert alloy.canonical(("Ni", "Al")) == alloy.canonical(("Al", "Ni")) == ("Al", "Ni")
