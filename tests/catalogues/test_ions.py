"""Ions: radii that give measured bonds, oxidation states that a chemist would give."""

from __future__ import annotations

import pytest

from whorl.catalogues import ions
from whorl.core.hypothesis import element_counts

#: edges of rock salts, angstrom (R. W. G. Wyckoff, Crystal Structures, 2nd ed., vol. 1, Interscience (1963))
ROCK_SALTS = {("Na", 1, "Cl", -1): 5.6406, ("Mg", 2, "O", -2): 4.2112, ("K", 1, "Br", -1): 6.6000, ("Ba", 2, "O", -2): 5.523}


@pytest.mark.parametrize(("ions_of", "edge"), ROCK_SALTS.items())
def test_radii_add_up_to_bonds(ions_of, edge):
    cation, positive, anion, negative = ions_of
    bond = ions.ionic_radius(cation, positive, 6) + ions.ionic_radius(anion, negative, 6)
    assert 2 * bond == pytest.approx(edge, rel=0.02)  # Shannon's radii reproduce simple halides and oxides to about 1 %


def test_anions_beyond_the_table_follow_their_covalent_radii():
    gallium_arsenide = ions.ionic_radius("Ga", 3, 4) + ions.ionic_radius("As", -3, 4)
    assert gallium_arsenide == pytest.approx(2.448, rel=0.01)


def test_radii_between_table_entries():
    assert ions.ionic_radius("La", 3, 11) == pytest.approx((1.27 + 1.36) / 2)
    assert ions.ionic_radius("Li", 1, 2) == ions.ionic_radius("Li", 1, 4)  # beyond the table: its end
    assert ions.ionic_radius("Mn", 3.5, 6) == pytest.approx((0.645 + 0.53) / 2)
    assert ions.ionic_radius("Ar", 1, 6) is None


@pytest.mark.parametrize(
    ("formula", "states"),
    [
        ("LiFePO4", {"Li": 1, "Fe": 2, "P": 5, "O": -2}),
        ("CaCO3", {"Ca": 2, "C": 4, "O": -2}),
        ("TiC", {"Ti": 4, "C": -4}),
        ("FeS2", {"Fe": 2, "S": -1}),
        ("Li2O2", {"Li": 1, "O": -1}),
        ("CuFeO2", {"Cu": 1, "Fe": 3, "O": -2}),
        ("MnFe2O4", {"Mn": 2, "Fe": 3, "O": -2}),
        ("FeTiO3", {"Fe": 2, "Ti": 4, "O": -2}),
        ("LiMn2O4", {"Li": 1, "Mn": 3.5, "O": -2}),
        ("Fe0.947O", {"Fe": 2 / 0.947, "O": -2}),
        ("FeOOH", {"Fe": 3, "H": 1, "O": -2}),
        ("MgH2", {"Mg": 2, "H": -1}),
        ("CsPbBr3", {"Cs": 1, "Pb": 2, "Br": -1}),
    ],
)
def test_charges(formula, states):
    assert ions.charges(element_counts(formula)).state == pytest.approx(states)


@pytest.mark.parametrize("formula", ["NiAl", "Fe3C", "LaB6", "SmCo5", "KO2", "NaNi", "ArO", "Fe"])
def test_no_charges(formula):
    assert ions.charges(element_counts(formula)) is None


def test_signs_can_be_asked_for():
    assert ions.charges({"S": 1, "O": 3}).state["S"] == pytest.approx(6)
    assert ions.charges({"S": 1, "O": 3}, {"S": -1, "O": -1}) is None


def test_usual_states_cost_less_than_rare_ones():
    assert ions.charges({"Ni": 1, "O": 1}).cost < ions.charges({"Li": 1, "Ni": 1, "O": 2}).cost


def test_columns():
    columns = {"H": "1", "He": "18", "B": "13", "Mg": "2", "Al": "13", "K": "1", "Sc": "3", "Zn": "12", "Ga": "13", "I": "17"}
    assert {element: ions.group(element) for element in columns} == columns
    assert [ions.group(el) for el in ("Ba", "La", "Lu", "Hf", "Hg", "Tl", "U")] == [
        *("2", "lanthanide", "lanthanide", "4", "12", "13", "actinide")
    ]
