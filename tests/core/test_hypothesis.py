"""Crystals and clusters count their atoms right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whorl.core.errors import StructureError
from whorl.core.hypothesis import (
    SYMBOLS,
    Cluster,
    Crystal,
    Hypothesis,
    Site,
    element_counts,
    reduced_formula,
)

# textbook structures: cell, group, sites, atoms per cell, formula (Wyckoff multiplicities: International Tables A)
KNOWN = {
    "Ni": ((3.524,) * 3 + (90,) * 3, "F m -3 m", [("Ni", (0, 0, 0))], 4, "Ni"),
    "NaCl": ((5.64,) * 3 + (90,) * 3, "225", [("Na", (0, 0, 0)), ("Cl", (0.5, 0.5, 0.5))], 8, "NaCl"),
    "Si": ((5.431,) * 3 + (90,) * 3, "227", [("Si", (0.125, 0.125, 0.125))], 8, "Si"),
    "CaF2": ((5.463,) * 3 + (90,) * 3, "225", [("Ca", (0, 0, 0)), ("F", (0.25, 0.25, 0.25))], 12, "CaF2"),
    "Fe3O4": (
        (8.394,) * 3 + (90,) * 3,
        "F d -3 m:2",
        [("Fe", (0.125, 0.125, 0.125)), ("Fe", (0.5, 0.5, 0.5)), ("O", (0.2549, 0.2549, 0.2549))],
        56,
        "Fe3O4",
    ),
    "TiO2": ((4.594, 4.594, 2.959, 90, 90, 90), "136", [("Ti", (0, 0, 0)), ("O", (0.3053, 0.3053, 0))], 6, "TiO2"),
    "ZnS": ((3.823, 3.823, 6.261, 90, 90, 120), "186", [("Zn", (1 / 3, 2 / 3, 0)), ("S", (1 / 3, 2 / 3, 0.375))], 4, "ZnS"),
    "LiCoO2": (
        (2.816, 2.816, 14.05, 90, 90, 120),
        "166",
        [("Li", (0, 0, 0.5)), ("Co", (0, 0, 0)), ("O", (0, 0, 0.26))],
        12,
        "LiCoO2",
    ),
}


def crystal(name):
    cell, group, sites, _, _ = KNOWN[name]
    return Crystal(name, cell=cell, space_group=group, sites=tuple(Site(el, pos) for el, pos in sites))


@pytest.mark.parametrize("name", KNOWN)
def test_atoms_per_cell_and_formula(name):
    c = crystal(name)
    assert len(c.expansion.site) == KNOWN[name][3]
    assert c.formula == KNOWN[name][4]
    assert sum(c.contents.values()) == KNOWN[name][3]


@pytest.mark.parametrize("name", KNOWN)
def test_each_atom_is_made_by_its_operation(name):
    c, e = crystal(name), crystal(name).expansion
    sites = np.array([c.sites[i].position for i in e.site])
    made = np.einsum("nij,nj->ni", e.rotation, sites) + e.translation
    assert np.allclose(made, e.position, atol=1e-12)
    assert e.position.min() > -1e-8
    assert e.position.max() < 1


def test_nearest_neighbours_of_known_crystals():
    def nearest(c):
        d = c.expansion.position[:, None] - c.expansion.position[None]
        shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), -1).reshape(-1, 3)
        d = d[:, :, None] + shifts
        lengths = np.sqrt(np.einsum("abci,ij,abcj->abc", d, c.metric, d))
        return lengths[lengths > 1e-6].min()

    assert nearest(crystal("Ni")) == pytest.approx(3.524 / np.sqrt(2))
    assert nearest(crystal("Si")) == pytest.approx(5.431 * np.sqrt(3) / 4)
    assert nearest(crystal("CaF2")) == pytest.approx(5.463 * np.sqrt(3) / 4)


def test_volume_and_metric_of_a_triclinic_cell():
    c = Crystal("x", cell=(4, 5, 6, 80, 95, 107), sites=(Site("C", (0, 0, 0)),))
    from ase.cell import Cell

    reference = Cell.fromcellpar(c.cell)
    assert c.volume == pytest.approx(reference.volume, rel=1e-12)
    assert np.allclose(c.metric, reference.array @ reference.array.T)


def test_group_by_number_is_the_standard_setting():
    assert crystal("Si").space_group_number == 227
    by_name = Crystal("Si", cell=(5.431,) * 3 + (90,) * 3, space_group="F d -3 m:2", sites=(Site("Si", (0.125,) * 3),))
    assert np.allclose(np.sort(by_name.expansion.position, 0), np.sort(crystal("Si").expansion.position, 0))
    assert len(crystal("LiCoO2").symmetry[0]) == 36  # hexagonal axes: 12 x 3


def test_own_operations_replace_those_of_the_group():
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    inversion = tuple(tuple(-v for v in row) for row in identity)
    operations = ((identity, (0.0, 0.0, 0.0)), (inversion, (0.0, 0.0, 0.0)))
    c = Crystal("x", cell=(4, 5, 6, 90, 90, 90), sites=(Site("C", (0.1, 0.2, 0.3)),), operations=operations)
    assert np.allclose(c.expansion.position, [[0.1, 0.2, 0.3], [0.9, 0.8, 0.7]])


def test_partial_occupancy_counts():
    c = Crystal("x", cell=(4,) * 3 + (90,) * 3, sites=(Site("Li", (0, 0, 0), 0.9), Site("Co", (0.5, 0.5, 0.5))))
    assert c.contents == {"Li": 0.9, "Co": 1.0}
    assert c.formula == "Li0.9Co"
    assert c.elements == {"Li", "Co"}


def test_ase_gets_every_atom():
    atoms = crystal("Fe3O4").to_ase()
    assert atoms.get_chemical_formula() == "Fe24O32"
    assert atoms.pbc.all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sites": ()}, "no atoms"),
        ({"cell": (0, 1, 1, 90, 90, 90)}, "is not a cell"),
        ({"cell": (1, 1, float("nan"), 90, 90, 90)}, "is not a cell"),
        ({"cell": (3, 3, 3, 30, 30, 120)}, "is not a cell"),
        ({"sites": (Site("Ni", (0, 0, 0), 0.0),)}, "occupancy 0 of Ni"),
        ({"sites": (Site("Ni", (0, 0, 0), 1.2, label="Ni1"),)}, "occupancy 1.2 of Ni1"),
        ({"cell_spread": 0.0}, "cell_spread 0"),
        ({"cell_spread": 2.0}, "cell_spread 2"),
        ({"sites": (Site("Xx", (0, 0, 0)),)}, "unknown element 'Xx'"),
    ],
)
def test_impossible_crystals(change, words):
    good = {"cell": (3.5,) * 3 + (90,) * 3, "sites": (Site("Ni", (0, 0, 0)),), "source": "Ni.cif"}
    with pytest.raises(StructureError, match=words) as caught:
        Crystal("Ni", **(good | change))
    assert caught.value.where.startswith("Ni.cif")


@pytest.mark.parametrize("group", ["F m m m m", "0", "231", ""])
def test_unknown_space_groups(group):
    c = Crystal("Ni", cell=(3.5,) * 3 + (90,) * 3, space_group=group, sites=(Site("Ni", (0, 0, 0)),))
    with pytest.raises(StructureError, match="unknown space group"):
        _ = c.formula


def test_cluster():
    c = Cluster("AuCu", symbols=("Au", "Cu", "Au"), positions=np.arange(9).reshape(3, 3))
    assert c.formula == "Au2Cu"
    assert c.elements == {"Au", "Cu"}
    assert c.positions.dtype == np.float64
    assert c.to_ase().get_chemical_formula() == "Au2Cu"
    assert Cluster("shape", symbols=("X",) * 55, positions=np.zeros((55, 3)), bond_free=True).elements == frozenset()


@pytest.mark.parametrize(
    ("symbols", "positions", "words"),
    [
        ((), np.zeros((0, 3)), "0 symbols"),
        (("Au",), np.zeros((2, 3)), r"1 symbols for positions of shape \(2, 3\)"),
        (("Au",), np.zeros((1, 2)), "1 symbols"),
        (("Au",), np.full((1, 3), np.nan), "NaN"),
        (("Qq",), np.zeros((1, 3)), "unknown element"),
    ],
)
def test_impossible_clusters(symbols, positions, words):
    with pytest.raises(StructureError, match=words):
        Cluster("c", symbols=symbols, positions=positions)


def test_base_has_no_formula():
    h = Hypothesis("something")
    assert (h.formula, h.elements) == ("", frozenset())


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        ({}, ""),
        ({"Na": 4, "Cl": 4}, "NaCl"),
        ({"La": 0.7, "Ca": 0.3, "Mn": 1, "O": 3}, "La0.7Ca0.3MnO3"),
        ({"Li": 1.8, "Ni": 2, "O": 4}, "Li0.9NiO2"),
        ({"Au": 0.5, "Cu": 0.5}, "AuCu"),
        ({"O": 2, "H": 0}, "O"),
    ],
)
def test_reduced_formula(contents, text):
    assert reduced_formula(contents) == text


COUNTS = st.dictionaries(st.sampled_from(SYMBOLS), st.integers(1, 40), min_size=1, max_size=6)


@given(COUNTS, st.integers(1, 12))
def test_formula_is_in_lowest_terms_and_reads_back(counts, factor):
    text = reduced_formula({el: n * factor for el, n in counts.items()})
    divisor = int(np.gcd.reduce(list(counts.values())))
    assert element_counts(text) == {el: n / divisor for el, n in counts.items()}


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Cd Se", {"Cd": 1, "Se": 1}),
        ("La0.7Ca0.3MnO3", {"La": 0.7, "Ca": 0.3, "Mn": 1, "O": 3}),
        ("Fe2 O3", {"Fe": 2, "O": 3}),
        ("CH3CH2OH", {"C": 2, "H": 6, "O": 1}),
        ("Co", {"Co": 1}),
        ("CO", {"C": 1, "O": 1}),
        ("Ti O2; Sr", {"Ti": 1, "O": 2, "Sr": 1}),
    ],
)
def test_compositions_as_people_write_them(text, counts):
    assert element_counts(text) == pytest.approx(counts)


@pytest.mark.parametrize("text", ["", "   ", "fe2o3", "Fe2(SO4)3", "Xx2", "12", "Fe--O", "Fe²"])
def test_what_is_no_composition(text):
    with pytest.raises(StructureError):
        element_counts(text)


@settings(max_examples=200)
@given(st.text())
def test_any_text_is_a_composition_or_an_error(text):
    try:
        found = element_counts(text)
    except StructureError:
        return
    assert found
    assert set(found) <= {*SYMBOLS, "D"}
