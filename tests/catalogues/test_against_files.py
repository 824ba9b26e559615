"""Built-in crystals against CIFs of the same phases: same composition and atoms in the cell, lengths within 1 percent."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.formats import read_structure

PAIRS = [
    ("pdf/structures/Ni.cif", "elements", "Ni-fcc"),
    ("pdf/structures/Pt.cif", "elements", "Pt-fcc"),
    ("pdf/structures/Si.cif", "elements", "Si-diamond"),
    ("pdf/structures/Ru_mp-8639_conventional_standard.cif", "elements", "Ru-fcc-nanoparticles"),
    ("pdf/structures/NaCl.cif", "compounds", "NaCl-rock-salt"),
    ("pdf/structures/CdSe_wurtzite.cif", "compounds", "CdSe-wurtzite"),
    ("pdf/structures/CdSe_zincblende.cif", "compounds", "CdSe-zincblende"),
    ("pdf/structures/RuO2_tetragonal.cif", "compounds", "RuO2-rutile"),
    ("pdf/structures/SrFe2As2_tetragonal.cif", "compounds", "SrFe2As2-ThCr2Si2"),
    ("pdf/structures/SrFe2As2_orthorhombic.cif", "compounds", "SrFe2As2-orthorhombic-ThCr2Si2-90-K"),
    ("pdf/structures/LiO2.cif", "compounds", "Li2O-antifluorite"),
    ("pd/dara/tutorial/NiO_225_sym.cif", "compounds", "NiO-rock-salt"),
    ("pd/gsas2_seq_CuCr2O4/CuO.cif", "compounds", "CuO-tenorite"),
    ("pd/gsas2_tutorials/TOF-CW_Joint_Refinement__CaF2.cif", "compounds", "CaF2-fluorite"),
    ("pd/xred_mono/cif/Al2O3_1000017.cif", "compounds", "Al2O3-corundum"),
    ("pd/xred_mono/cif/CdS_1011054.cif", "compounds", "CdS-wurtzite"),
    ("pd/xred_mono/cif/MnS_1011351.cif", "compounds", "MnS-rock-salt"),
    ("pd/xred_mono/cif/PbSe_1538746.cif", "compounds", "PbSe-rock-salt"),
    ("pd/xred_mono/cif/Sn_7040217.cif", "elements", "Sn-beta-tin"),
    ("pd/xred_mono/cif/ZnS_1100043.cif", "compounds", "ZnS-zincblende"),
    ("pd/xred_mono/cif/Zr_1512554.cif", "elements", "Zr-hcp"),
    ("pd/xred_mono/cif/Ti-bcc_12A.cif", "elements", "Ti-bcc-1173-K"),
    ("pd/xred_multi/solder/betaSn.cif", "elements", "Sn-beta-tin"),
    ("pd/xrd_autoanalyzer/references/Li2MnO3_12.cif", "compounds", "Li2MnO3-Li2MnO3"),
    ("pd/xrd_autoanalyzer/references/Li2O_225.cif", "compounds", "Li2O-antifluorite"),
    ("pd/xrd_autoanalyzer/references/LiMn2O4_227.cif", "compounds", "LiMn2O4-spinel"),
    ("pd/xrd_autoanalyzer/references/Mn3O4_141.cif", "compounds", "Mn3O4-hausmannite"),
    ("pd/xrd_autoanalyzer/references/MnF2_136.cif", "compounds", "MnF2-rutile"),
    ("pd/xrd_autoanalyzer/references/MnO2_136.cif", "compounds", "MnO2-rutile-pyrolusite"),
    ("pd/xrd_autoanalyzer/references/MnO2_87.cif", "compounds", "MnO2-hollandite"),
    ("pd/xrd_autoanalyzer/references/MnO_225.cif", "compounds", "MnO-rock-salt"),
    ("pd/xrd_autoanalyzer/references/Ti2O3_167.cif", "compounds", "Ti2O3-corundum"),
    ("pd/xrd_autoanalyzer/references/TiO2_136.cif", "compounds", "TiO2-rutile"),
    ("pd/xrd_autoanalyzer/references/TiO2_141.cif", "compounds", "TiO2-anatase"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/La2O3_164.cif", "compounds", "La2O3-A-type-sesquioxide"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/Li2CO3_15.cif", "compounds", "Li2CO3-zabuyelite"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/LiOH_129.cif", "compounds", "LiOH-lithium-hydroxide"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/ZrO2_14.cif", "compounds", "ZrO2-baddeleyite"),
    ("pd/xrd_autoanalyzer/references/LiMnO2_59.cif", "compounds", "LiMnO2-orthorhombic-LiMnO2"),
    ("pd/xrd_autoanalyzer/references/LiMnO2_141.cif", "compounds", "LiMnO2-tetragonal-lithiated-spinel"),
    ("pd/xrd_autoanalyzer/references/LiTi2O4_227.cif", "compounds", "LiTi2O4-spinel"),
    ("pd/xrd_autoanalyzer/references/Li2TiO3_15.cif", "compounds", "Li2TiO3-Li2SnO3"),
    ("pd/xrd_autoanalyzer/references/MnO2_227.cif", "compounds", "MnO2-lambda-MnO2"),
    ("pd/xrd_autoanalyzer/references/TiF3_167.cif", "compounds", "TiF3-VF3"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/Li7La3Zr2O12_142.cif", "compounds", "Li7La3Zr2O12-tetragonal-lithium-garnet"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/LiO2_58.cif", "compounds", "LiO2-superoxide"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/LiOH-H2O_12.cif", "compounds", "LiO2H3-lithium-hydroxide-hydrate"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/Li2ZrO3_15.cif", "compounds", "Li2ZrO3-Li2ZrO3"),
    ("pd/xrd_autoanalyzer/references_LiLaZrO/La2Zr2O7_227.cif", "compounds", "La2Zr2O7-pyrochlore"),
    ("pd/xred_multi/solder/Ag3Sn.cif", "compounds", "Ag3Sn-Cu3Ti"),
    ("pd/xred_multi/solder/Cu6Sn5.cif", "compounds", "Cu6Sn5-Cu6Sn5"),
]


@pytest.mark.parametrize(("file", "catalogue", "key"), PAIRS)
def test_cell_and_atoms_agree(shared_data, file, catalogue, key):
    path = shared_data / file
    if not path.is_file():
        pytest.skip(f"{file} is not among the measured data")
    theirs, ours = read_structure(path), open_catalogue(catalogue).load(key)
    assert theirs.contents == pytest.approx(ours.contents)
    assert sorted(theirs.cell[:3]) == pytest.approx(sorted(ours.cell[:3]), rel=0.01)
    assert theirs.volume == pytest.approx(ours.volume, rel=0.03)
    assert bond_lengths(theirs) == pytest.approx(bond_lengths(ours), rel=0.03)


def bond_lengths(crystal):
    """Nearest-neighbour distance of each atom, in rising order."""
    atoms = crystal.to_ase()
    from ase.neighborlist import neighbor_list

    index, distance = neighbor_list("id", atoms, 3.8)
    nearest = np.full(len(atoms), np.inf)
    np.minimum.at(nearest, index, distance)
    return np.sort(nearest)
