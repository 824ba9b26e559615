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
    ("Al2Si2O9H4-kaolinite", "Si", "O", 1.605),
    ("NaAlSi3O8-low-albite", "Al", "O", 1.73),
    ("CaAl2Si2O8-anorthite", "Al", "O", 1.70),
    ("KAlSi3O8-orthoclase", "K", "O", 2.70),
    ("KAl3Si3O12-muscovite-2M1-without-hydrogen", "K", "O", 2.85),
    ("Mg3Si4O12H2-talc", "Si", "O", 1.62),
    ("Mg5Al2Si3O18H8-chlorite-clinochlore", "Mg", "O", 2.01),
    ("Be3Al2Si6O18-beryl", "Be", "O", 1.653),
    ("Be3Al2Si6O18-beryl", "Al", "O", 1.904),
    ("Be2SiO4-phenakite", "Be", "O", 1.64),
    ("BeAl2O4-forsterite-chrysoberyl", "Be", "O", 1.579),
    ("Al2SiO4F2-topaz", "Al", "F", 1.79),
    ("CaTiSiO5-titanite", "Ti", "O", 1.88),
    ("LiAlSi2O6-spodumene", "Al", "O", 1.818),
    ("NaFeSi2O6-aegirine", "Fe", "O", 1.936),
    ("Na4Al3Si3O12Cl-sodalite", "Al", "O", 1.742),
    ("Na4Al3Si3O12Cl-sodalite", "Na", "Cl", 2.737),
    ("NaAlSi2O7-analcime-without-hydrogen", "Na", "O", 2.43),
    ("BaTiSi3O9-benitoite", "Ti", "O", 1.942),
    ("Ca2SiO4-larnite", "Si", "O", 1.61),
    ("Ca3Al2O6-tricalcium-aluminate", "Al", "O", 1.73),
    ("SrSO4-barite-celestine", "S", "O", 1.456),
    ("Na2SO4-thenardite", "S", "O", 1.476),
    ("K2SO4-arcanite", "S", "O", 1.464),
    ("K2CrO4-tarapacaite", "Cr", "O", 1.645),
    ("MgSO5-kieserite-without-hydrogen", "S", "O", 1.466),
    ("KFe3S2O14-jarosite-without-hydrogen", "Fe", "O", 1.98),
    ("Cu3C2O8-azurite-without-hydrogen", "Cu", "O", 1.93),
    ("Pb5V3O12Cl-pyromorphite-vanadinite", "V", "O", 1.71),
    ("Pb5As3O12Cl-pyromorphite-mimetite", "As", "O", 1.67),
    ("UTi2O6-brannerite", "U", "O", 2.252),
    ("CuFe2S3-cubanite", "Fe", "Fe", 2.81),
    ("CuSbS2-chalcostibite", "Sb", "S", 2.43),
    ("AuTe2-calaverite", "Au", "Te", 2.67),
    ("Na3AlF6-cryolite", "Al", "F", 1.80),
    ("Li2ZrF6-Li2ZrF6", "Zr", "F", 2.016),
    ("YCl3-AlCl3", "Y", "Cl", 2.58),
    ("B2O3-boron-oxide", "B", "O", 1.356),
    ("BPO4-BPO4", "P", "O", 1.528),
    ("KH2PO4-KDP", "P", "O", 1.538),
    ("NaNO2-sodium-nitrite", "N", "O", 1.24),
    ("LiNO3-calcite", "N", "O", 1.255),
    ("Na2MoO4-spinel", "Mo", "O", 1.772),
    ("Na2WO4-spinel", "W", "O", 1.783),
    ("CoWO4-wolframite", "W", "O", 1.79),
    ("Sm2O3-B-type-sesquioxide", "Sm", "O", 2.26),
    ("BaMnO3-hexagonal-2H-perovskite", "Mn", "Mn", 2.407),
    ("SrMnO3-hexagonal-4H-perovskite", "Mn", "Mn", 2.50),
    ("BaTiO3-hexagonal-6H-perovskite", "Ti", "Ti", 2.690),
    ("Nd2CuO4-Nd2CuO4", "Cu", "O", 1.973),
    ("YMn2O5-YMn2O5", "Mn", "O", 1.86),
    ("Bi4Ge3O12-bismuth-germanate", "Bi", "O", 2.15),
    ("NaAlH4-NaAlH4", "Al", "H", 1.627),
    ("NaMg3Al6B3Si6O31-tourmaline-dravite-without-hydrogen", "B", "O", 1.374),
    ("KHCO3-kalicinite", "C", "O", 1.24),
    ("NH6PO4-ADP", "P", "O", 1.539),
    ("BaO2-peroxide", "O", "O", 1.49),
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
