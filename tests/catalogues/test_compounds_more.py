"""Shortest distances of compounds against the bond lengths their papers give, and one more crystal against a file.

A density checks the cell and its contents and a symmetry the places' kinds; only bond lengths check the free coordinates.
"""

from __future__ import annotations

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from whorl.catalogues import compounds
from whorl.formats import read_structure

COMPOUNDS = compounds.catalogue()

#: published to about 0.01 angstrom; cells of another author or temperature move a bond by as much again
TOLERANCE = 0.025

BONDS = [
    ("Hg2Cl2-calomel", "Hg", "Hg", 2.595),
    ("Hg2Cl2-calomel", "Hg", "Cl", 2.362),
    ("AlF3-VF3", "Al", "F", 1.797),
    ("K2SiF6-K2PtCl6", "Si", "F", 1.683),
    ("K2PtCl6-K2PtCl6", "Pt", "Cl", 2.32),
    ("K2PtCl4-K2PtCl4", "Pt", "Cl", 2.31),
    ("LiYF4-scheelite", "Y", "F", 2.25),
    ("LiYF4-scheelite", "Li", "F", 1.90),
    ("CuCl2-CuCl2", "Cu", "Cl", 2.26),
    ("PbCl2-cotunnite", "Pb", "Cl", 2.86),
    ("BiOCl-matlockite", "Bi", "O", 2.31),
    ("GaS-GaS", "Ga", "Ga", 2.447),
    ("GaS-GaS", "Ga", "S", 2.334),
    ("WTe2-WTe2", "W", "W", 2.86),
    ("WTe2-WTe2", "W", "Te", 2.71),
    ("FeSe-litharge", "Fe", "Se", 2.393),
    ("FeSe-litharge", "Fe", "Fe", 2.668),
    ("LaFeAsO-ZrCuSiAs", "Fe", "As", 2.412),
    ("HgS-cinnabar", "Hg", "S", 2.368),
    ("Sb2S3-stibnite", "Sb", "S", 2.455),
    ("SnS-GeS", "Sn", "S", 2.62),
    ("Ag2S-acanthite", "Ag", "S", 2.50),
    ("CoAs3-skutterudite", "Co", "As", 2.337),
    ("CoAs3-skutterudite", "As", "As", 2.48),
    ("MnP-MnP", "Mn", "P", 2.29),
    ("Cu2ZnSnS4-kesterite", "Sn", "S", 2.409),
    ("Cu2FeSnS4-stannite", "Cu", "S", 2.318),
    ("Cu12Sb4S13-tetrahedrite", "Sb", "S", 2.446),
    ("CaC2-CaC2", "C", "C", 1.20),
    ("Si3N4-beta", "Si", "N", 1.73),
    ("Si3N4-alpha", "Si", "N", 1.715),
    ("Ta3N5-pseudobrookite", "Ta", "N", 1.96),
    ("Fe4N-Fe4N", "Fe", "N", 1.90),
    ("Ti3SiC2-312-MAX-phase", "Ti", "C", 2.13),
    ("SiC-6H", "Si", "C", 1.89),
    ("SiC-4H", "Si", "C", 1.88),
    ("FeSi2-beta-FeSi2", "Fe", "Si", 2.334),
    ("FeSi-FeSi", "Fe", "Si", 2.29),
    ("MoSi2-MoSi2", "Mo", "Si", 2.61),
    ("VO2-MoO2-M1", "V", "V", 2.619),
    ("VO2-MoO2-M1", "V", "O", 1.762),
    ("TeO2-paratellurite", "Te", "O", 1.879),
    ("As2O3-arsenolite", "As", "O", 1.786),
    ("Sb2O3-arsenolite-senarmontite", "Sb", "O", 1.977),
    ("Sb2O3-valentinite", "Sb", "O", 1.98),
    ("PbO-massicot", "Pb", "O", 2.221),
    ("Pb3O4-minium", "Pb", "O", 2.14),
    ("HgO-montroydite", "Hg", "O", 2.04),
    ("GeO2-quartz", "Ge", "O", 1.737),
    ("SiO2-coesite", "Si", "O", 1.595),
    ("SiO2-rutile-stishovite", "Si", "O", 1.757),
    ("Al2O3-beta-gallia-theta", "Al", "O", 1.76),
    ("AlOOH-goethite-diaspore", "Al", "O", 1.852),
    ("CaO2H2-brucite-portlandite", "Ca", "O", 2.371),
    ("GdFeO3-orthorhombic-perovskite", "Fe", "O", 2.00),
    ("TbMnO3-orthorhombic-perovskite", "Mn", "O", 1.91),
    ("MgSiO3-orthorhombic-perovskite-bridgmanite", "Si", "O", 1.78),
    ("LaNiO3-rhombohedral-perovskite", "Ni", "O", 1.935),
    ("Sr2RuO4-K2NiF4", "Ru", "O", 1.936),
    ("YBa2Cu3O7-YBa2Cu3O7", "Cu", "O", 1.842),
    ("YBa2Cu3O6-YBa2Cu3O6", "Cu", "O", 1.795),
    ("Y3Fe5O12-garnet", "Fe", "O", 1.866),
    ("YMnO3-hexagonal-YMnO3", "Mn", "O", 1.86),
    ("BaFe12O19-magnetoplumbite", "Fe", "O", 1.86),
    ("CuAlO2-delafossite", "Cu", "O", 1.86),
    ("MgCO3-calcite-magnesite", "C", "O", 1.286),
    ("MgCO3-calcite-magnesite", "Mg", "O", 2.102),
    ("CaCO3-aragonite", "C", "O", 1.28),
    ("KNO3-aragonite-niter", "N", "O", 1.245),
    ("BaSO4-barite", "S", "O", 1.46),
    ("CaSO4-anhydrite", "S", "O", 1.474),
    ("CaSO6H4-gypsum", "S", "O", 1.472),
    ("CaWO4-scheelite", "W", "O", 1.784),
    ("CaMoO4-scheelite", "Mo", "O", 1.763),
    ("BiVO4-clinobisvanite", "V", "O", 1.69),
    ("ZnWO4-wolframite", "W", "O", 1.79),
    ("CuWO4-CuWO4", "W", "O", 1.76),
    ("ZrSiO4-zircon", "Si", "O", 1.622),
    ("ZrSiO4-zircon", "Zr", "O", 2.130),
    ("YVO4-zircon", "V", "O", 1.709),
    ("LaPO4-monazite", "P", "O", 1.52),
    ("AlPO4-berlinite", "Al", "O", 1.732),
    ("Ca5P3O12F-fluorapatite", "P", "O", 1.53),
    ("Mg3Al2Si3O12-pyrope", "Si", "O", 1.635),
    ("Ca3Al2Si3O12-grossular", "Al", "O", 1.924),
    ("Fe2SiO4-forsterite-fayalite", "Si", "O", 1.624),
    ("CaMgSi2O6-diopside", "Si", "O", 1.585),
    ("NaAlSi2O6-jadeite", "Al", "O", 1.85),
    ("Al2SiO5-kyanite", "Si", "O", 1.62),
    ("Al2SiO5-sillimanite", "Si", "O", 1.57),
    ("Al2SiO5-andalusite", "Si", "O", 1.618),
    ("MgSiO3-enstatite", "Si", "O", 1.59),
    ("Zn2SiO4-phenakite", "Zn", "O", 1.93),
    ("B13C2-boron-carbide", "B", "C", 1.43),
    ("CsPbBr3-orthorhombic-perovskite", "Pb", "Br", 2.965),
    ("AlH3-VF3-alpha", "Al", "H", 1.715),
    ("Bi2S3-stibnite", "Bi", "S", 2.57),
    ("Sb2Se3-stibnite", "Sb", "Se", 2.59),
    ("SnSe-GeS", "Sn", "Se", 2.75),
]

FILES = [("pd/gsas2_tutorials/PythonScript__PbSO4-Wyckoff.cif", "PbSO4-barite-anglesite")]


def shortest(crystal, one, other, within=3.6):
    """Shortest distance between two elements, angstrom."""
    atoms = crystal.to_ase()
    first, second, distance = neighbor_list("ijd", atoms, within)
    symbols = np.array(atoms.get_chemical_symbols())
    return distance[(symbols[first] == one) & (symbols[second] == other)].min()


@pytest.mark.parametrize(("key", "one", "other", "length"), BONDS)
def test_shortest_bond_is_the_papers(key, one, other, length):
    assert shortest(COMPOUNDS.load(key), one, other) == pytest.approx(length, abs=TOLERANCE)


@pytest.mark.parametrize(("file", "key"), FILES)
def test_places_agree_with_a_file(shared_data, file, key):
    path = shared_data / file
    if not path.is_file():
        pytest.skip(f"{file} is not among the measured data")
    theirs, ours = read_structure(path), COMPOUNDS.load(key)
    assert theirs.contents == pytest.approx(ours.contents)
    assert sorted(theirs.cell[:3]) == pytest.approx(sorted(ours.cell[:3]), rel=0.01)
    elements = sorted(ours.contents)
    for one in elements:  # contacts of every pair, which no choice of origin or axes alters
        for other in elements:
            assert shortest(theirs, one, other, 6.0) == pytest.approx(shortest(ours, one, other, 6.0), abs=0.08)
