"""Structures in and out: symmetry, occupancies, displacement parameters, and what real files do wrong."""

import numpy as np
import pytest

from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.formats import read_structure, read_structure_with_notes, write_structure

LENGTHS = "_cell_length_a 4.0\n_cell_length_b 4.0\n_cell_length_c 4.0\n"
CELL = "data_a\n" + LENGTHS + "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
SITES = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"


def cif(folder, symmetry, rows, columns="", cell=CELL, name="a.cif"):
    file = folder / name
    file.write_text(cell + symmetry + SITES + columns + "\n".join(rows) + "\n")
    return read_structure_with_notes(file)


#: file -> kind, formula, space-group number, atoms in the cell, first U_iso
NAMED = {
    "Ni.cif": ("Ni", 225, 4, 0.1 / (8 * np.pi**2)),
    "Pt.cif": ("Pt", 225, 4, 0.1),
    "Si.cif": ("Si", 227, 8, 0.54 / (8 * np.pi**2)),
    "NaCl.cif": ("NaCl", 225, 8, None),
    "CdSe_wurtzite.cif": ("CdSe", 186, 4, 0.005),
    "CdSe_zincblende.cif": ("CdSe", 216, 8, 0.005),
    "SrFe2As2_tetragonal.cif": ("SrFe2As2", 139, 10, 0.5 / (8 * np.pi**2)),
    "SrFe2As2_orthorhombic.cif": ("SrFe2As2", 69, 20, 0.00521),
    "RuO2_tetragonal.cif": ("RuO2", 136, 6, None),
    "LiO2.cif": ("OLi2", 225, 12, 0.4 / (8 * np.pi**2)),
}


@pytest.mark.parametrize("name", NAMED)
def test_shared_crystals(shared_data, name):
    formula, number, atoms, u = NAMED[name]
    crystal = read_structure(shared_data / "pdf" / "structures" / name)
    assert crystal.formula == formula
    assert crystal.space_group_number == number
    assert len(crystal.expansion.site) == atoms
    if u is not None:
        assert crystal.sites[0].u_iso == pytest.approx(u, rel=1e-3)


def test_silicon_has_its_origin_where_the_operations_put_it(shared_data):
    crystal = read_structure(shared_data / "pdf" / "structures" / "Si.cif")
    assert crystal.space_group == "F d -3 m:1"
    distances = np.linalg.norm(crystal.to_ase().get_all_distances(mic=True)[0][1:].reshape(-1, 1), axis=1)
    assert distances.min() == pytest.approx(crystal.cell[0] * np.sqrt(3) / 4, abs=1e-3)


def test_every_shared_structure_reads_and_crystals_come_back(shared_data, tmp_path):
    files = [f for s in ("*.cif", "*.xyz", "*.stru") for f in sorted((shared_data / "pdf").rglob(s))]
    assert len(files) > 400
    for file in files:
        structure = read_structure(file)
        if isinstance(structure, Crystal):
            out = tmp_path / "out.cif"
            write_structure(structure, out)
            back, notes = read_structure_with_notes(out)
            assert back.cell == structure.cell
            assert [s.position for s in back.sites] == [s.position for s in structure.sites]
            assert [s.u_iso for s in back.sites] == [s.u_iso for s in structure.sites]
            assert back.space_group_number == structure.space_group_number
            assert back.contents == structure.contents
            assert notes == ()


def test_molecules_of_the_shared_data(shared_data):
    folder = shared_data / "pdf" / "structures"
    assert read_structure(folder / "C60.xyz").formula == "C60"
    assert len(read_structure(folder / "CdSe_cluster.xyz").symbols) == 91
    bucky = read_structure(shared_data / "pdf" / "ref" / "srreal" / "C60bucky.stru")
    assert bucky.formula == "C60"
    assert np.linalg.norm(bucky.positions, axis=1) == pytest.approx(np.full(60, 3.57), abs=0.02)


@pytest.mark.parametrize(
    ("symmetry", "expected", "note"),
    [
        ("_symmetry_space_group_name_H-M 'F m -3 m'\n", ("F m -3 m", 4), None),
        ("_symmetry_space_group_name_H-M 'Fm-3m'\n", ("F m -3 m", 4), None),
        ("_symmetry_space_group_name_H-M 'F m3m'\n", ("F m -3 m", 4), None),
        ("_space_group_IT_number 225\n", ("F m -3 m", 4), None),
        ("_symmetry_space_group_name_H-M 'F d -3 m S'\n", ("F d -3 m:1", 8), None),
        ("_symmetry_space_group_name_H-M 'F d -3 m Z'\n", ("F d -3 m:2", 16), None),
        ("_symmetry_space_group_name_H-M 'F d -3 m'\n", ("F d -3 m:1", 8), "origin"),
        ("_space_group_name_Hall '-F 4 2 3'\n", ("F m -3 m", 4), None),
        ("", ("P 1", 1), "no symmetry"),
        (
            "_symmetry_space_group_name_H-M 'F m -3 m'\nloop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n",
            ("F m -3 m", 4),
            "believed",
        ),
        (
            "_symmetry_space_group_name_H-M 'P -3 1 m'\nloop_\n_symmetry_equiv_pos_as_xyz\nx,y,z\n-x,-y,-z\n",
            ("P -1", 1),
            "operations were believed",
        ),
        ("loop_\n_space_group_symop_operation_xyz\nx,y,z\nx+1/2,y+1/2,z+1/2\n", ("I 1", 2), None),
        ("loop_\n_space_group_symop_operation_xyz\nx,y,z\nx+1/4,y+1/4,z+1/4\n", ("P 1", 2), "no standard"),
    ],
)
def test_symmetry(tmp_path, symmetry, expected, note):
    crystal, notes = cif(tmp_path, symmetry, ["Fe1 Fe 0 0 0"])
    assert (crystal.space_group, len(crystal.expansion.site)) == expected
    assert (note is None and not notes) or any(note in n for n in notes if note)


def test_a_full_cell_under_a_stale_symbol_is_read_as_p1(tmp_path):
    rows = ["Cu1 Cu 0 0 0", "Cu2 Cu 0 0.5 0.5", "Cu3 Cu 0.5 0 0.5", "Cu4 Cu 0.5 0.5 0"]
    crystal, notes = cif(
        tmp_path, "_symmetry_space_group_name_H-M 'F m -3 m'\nloop_\n_symmetry_equiv_pos_as_xyz\n'x,y,z'\n", rows
    )
    assert (crystal.space_group, len(crystal.expansion.site)) == ("P 1", 4)
    assert "all atoms" in notes[0]


def test_sites(tmp_path):
    rows = [
        "Fe1 Fe3+ 0 0 0 0.75 0.01",
        "Co1 Co 0 0 0 0.25 0.01",
        "O1 O2- 1/2 0.25(3) 0.5000(1) 1 ?",
        "O2 O 0.1 0.1 ? 1 .",
        "O3 O 0.1 0.2 0.3 0 .",
        "Vac1 Va 0.3 0.2 0.3 1 .",
        "Ow1 Wat 0.4 0.2 0.3 . .",
        "D1 D 0.9 0.2 0.3 1.01 .",
    ]
    crystal, notes = cif(tmp_path, "_space_group_IT_number 1\n", rows, "_atom_site_occupancy\n_atom_site_U_iso_or_equiv\n")
    assert [(s.element, s.occupancy, s.label) for s in crystal.sites] == [
        ("Fe", 0.75, "Fe1"),
        ("Co", 0.25, "Co1"),
        ("O", 1.0, "O1"),
        ("O", 1.0, "Ow1"),
        ("D", 1.0, "D1"),
    ]
    assert crystal.sites[2].position == (0.5, 0.25, 0.5)
    assert [s.u_iso for s in crystal.sites] == [0.01, 0.01, None, None, None]
    for part in ("no position: O2", "occupancy 0: O3", "vacancy: Vac1", "Ow1: water", "D1: occupancy 1.01"):
        assert any(part in note for note in notes), part


def test_u_from_b_and_from_anisotropic_parameters(tmp_path):
    crystal, _ = cif(tmp_path, "_space_group_IT_number 1\n", ["Fe1 Fe 0 0 0 0.79"], "_atom_site_B_iso_or_equiv\n")
    assert crystal.sites[0].u_iso == pytest.approx(0.79 / (8 * np.pi**2))
    hexagonal = CELL.replace("gamma 90", "gamma 120").replace("_c 4.0", "_c 6.0")
    aniso = "loop_\n" + "".join(f"_atom_site_aniso_{t}\n" for t in ("label", "U_11", "U_22", "U_33", "U_12", "U_13", "U_23"))
    # an isotropic displacement of U in hexagonal axes has U11 = U22 = U33 = U and U12 = U/2
    crystal, _ = cif(
        tmp_path, "_space_group_IT_number 1\n" + aniso + "Fe1 0.02 0.02 0.02 0.01 0 0\n", ["Fe1 Fe 0 0 0"], cell=hexagonal
    )
    assert crystal.sites[0].u_iso == pytest.approx(0.02)


def test_first_block_with_atoms(tmp_path):
    file = tmp_path / "a.cif"
    block = CELL + "_space_group_IT_number 1\n" + SITES + "Fe1 Fe 0 0 0\n"
    file.write_text("data_global\n_audit_creation_method x\n" + block + block.replace("data_a", "data_b").replace("Fe", "Co"))
    crystal, notes = read_structure_with_notes(file)
    assert crystal.formula == "Fe"
    assert "2 structures" in notes[0]


IDENTITY = ((1.0, 0, 0), (0, 1, 0), (0, 0, 1))
CRYSTALS = (
    Crystal("Si", cell=(5.43,) * 3 + (90,) * 3, space_group="227", sites=(Site("Si", (0.125, 0.125, 0.125), 1, 0.006, "Si1"),)),
    Crystal(
        "LiCoO2",
        cell=(2.816, 2.816, 14.05, 90, 90, 120),
        space_group="R -3 m:H",
        sites=(Site("Li", (0, 0, 0.5), 0.9), Site("Co", (0, 0, 0)), Site("O", (0, 0, 0.2602), 1, 0.01)),
    ),
    Crystal(
        "odd",
        cell=(4, 5, 6, 80, 85, 95),
        space_group="P 1",
        sites=(Site("Fe", (1 / 3, 0.1, 0.2)),),
        operations=((IDENTITY, (0, 0, 0)), (IDENTITY, (0.25, 0.25, 0.25))),
    ),
    Crystal("quoted 'x' Ω", cell=(4, 4, 6, 90, 90, 120), space_group="P -3 m 1", sites=(Site("Ni", (0, 0, 0), label="Ni'1"),)),
)


@pytest.mark.parametrize("crystal", CRYSTALS, ids=lambda c: c.name[:6])
def test_cif_round_trip(tmp_path, crystal):
    file = tmp_path / "x.cif"
    write_structure(crystal, file)
    back = read_structure(file)
    assert back.cell == tuple(map(float, crystal.cell))
    assert [(s.element, s.position, s.occupancy, s.u_iso) for s in back.sites] == [
        (s.element, s.position, s.occupancy, s.u_iso) for s in crystal.sites
    ]
    assert back.contents == crystal.contents
    assert back.space_group_number == crystal.space_group_number
    assert np.allclose(np.sort(back.expansion.position, axis=0), np.sort(crystal.expansion.position, axis=0))


def test_gemmi_itself_reads_our_cif(tmp_path):
    import gemmi

    file = tmp_path / "x.cif"
    write_structure(
        Crystal(
            "NaCl",
            cell=(5.64,) * 3 + (90,) * 3,
            space_group="F m -3 m",
            sites=(Site("Na", (0, 0, 0)), Site("Cl", (0.5, 0.5, 0.5))),
        ),
        file,
    )
    small = gemmi.read_small_structure(str(file))
    assert small.spacegroup.number == 225
    assert len(small.get_all_unit_cell_sites()) == 8


XYZ = {
    "plain": ("2\ncomment\nAu 0 0 0\nAg 0 0 2.8\n", ("Au", "Ag"), None),
    "no comment line": ("2\nAu 0 0 0\nAg 0 0 2.8\n", ("Au", "Ag"), "comment line"),
    "no count": ("Au 0 0 0\nAg 0 0 2.8\n", ("Au", "Ag"), "count"),
    "numbers": ("2\n\n79 0 0 0\n47 0 0 2.8\n", ("Au", "Ag"), None),
    "tags are no occupancies": ("2\n\nAu 0 0 0 0\nAg 0 0 2.8 5\n", ("Au", "Ag"), None),
    "charges and labels": ("2\n\nAu1 0 0 0\nAg1+ 0 0 2.8\n", ("Au", "Ag"), None),
    "frames": ("2\na\nAu 0 0 0\nAg 0 0 2.8\n2\nb\nAu 0 0 0\nAu 0 0 9\n", ("Au", "Ag"), "first was read"),
    "properties": ('2\nProperties=pos:R:3:species:S:1 pbc="F F F"\n0 0 0 Au\n0 0 2.8 Ag\n', ("Au", "Ag"), None),
    "open element": ("2\n\nX 0 0 0\nX 0 0 2.8\n", ("X", "X"), None),
    "dos": ("2\r\n\r\nAu 0 0 0\r\nAg 0 0 2.8\r\n", ("Au", "Ag"), None),
}  # fmt: skip


@pytest.mark.parametrize("name", XYZ)
def test_xyz(tmp_path, name):
    text, symbols, note = XYZ[name]
    file = tmp_path / "a.xyz"
    file.write_text(text, newline="")
    cluster, notes = read_structure_with_notes(file)
    assert cluster.symbols == symbols
    assert cluster.positions.tolist() == [[0, 0, 0], [0, 0, 2.8]]
    assert (note is None and not notes) or any(note in n for n in notes if note)


def test_extended_xyz_is_a_crystal_and_comes_back(tmp_path):
    crystal = Crystal(
        "hcp", cell=(2.95, 2.95, 4.68, 90, 90, 120), space_group="P 63/m m c", sites=(Site("Ti", (1 / 3, 2 / 3, 0.25)),)
    )
    file = tmp_path / "ti.xyz"
    write_structure(crystal, file)
    back = read_structure(file)
    assert back.cell == pytest.approx(crystal.cell)
    assert back.space_group == "P 1"
    assert np.array([s.position for s in back.sites]) == pytest.approx(crystal.expansion.position, abs=1e-12)
    from ase.io import read as ase_read

    assert ase_read(file).get_chemical_formula() == "Ti2"


def test_what_cannot_be_written(tmp_path):
    free = Cluster("ico", symbols=("X",), positions=np.zeros((1, 3)), bond_free=True)
    half = Crystal("half", cell=(4,) * 3 + (90,) * 3, space_group="P 1", sites=(Site("Fe", (0, 0, 0), 0.5),))
    with pytest.raises(StructureError, match="bond length"):
        write_structure(free, tmp_path / "a.xyz")
    with pytest.raises(StructureError, match="partial"):
        write_structure(half, tmp_path / "a.xyz")
    with pytest.raises(UsageError, match="cell"):
        write_structure(free, tmp_path / "a.cif")
    with pytest.raises(UsageError, match="unknown"):
        write_structure(half, tmp_path / "a.vasp")
    with pytest.raises(StructureError, match="cannot be written"):
        write_structure(half, tmp_path / "missing" / "a.cif")
    assert list(tmp_path.iterdir()) == []


def test_pdffit_structure_with_a_supercell(tmp_path):
    file = tmp_path / "a.stru"
    atom = "NI {} 0 0 1.0\n0 0 0 0\n.004 .005 .006\n0 0 0\n0 0 0\n0 0 0\n"
    file.write_text("format pdffit\ncell 3, 4, 5, 90, 90, 90\nncell 2, 1, 1, 2\natoms\n" + atom.format(0) + atom.format(1))
    crystal = read_structure(file)
    assert crystal.cell[:3] == (6, 4, 5)
    assert [s.position[0] for s in crystal.sites] == [0, 0.5]
    assert crystal.sites[0].u_iso == pytest.approx(0.005)
