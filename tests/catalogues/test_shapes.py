"""Shapes against closed formulas and, atom by atom, against ASE's generators."""

from __future__ import annotations

import numpy as np
import pytest
from ase.cluster import Decahedron, Icosahedron, Octahedron
from ase.cluster.cubic import BodyCenteredCubic, FaceCenteredCubic, SimpleCubic
from ase.lattice.hexagonal import HexagonalClosedPacked

from whorl.catalogues.geometry import (
    Distinct,
    diameter,
    distance_list,
    letters,
    nearest_distance,
    sphere_radii,
    stacked_layers,
    unit_bonds,
)
from whorl.catalogues.shapes import decahedra, hcp_blocks, icosahedra, lattice_cuts, octahedra, spheres, stacking


def same_shape(points, atoms):
    """Equal distance lists after both are scaled to nearest-neighbour distance 1."""
    ours, theirs = distance_list(unit_bonds(points)), distance_list(unit_bonds(atoms.get_positions()))
    return ours.shape == theirs.shape and np.abs(ours - theirs).max() < 1e-6


@pytest.mark.parametrize("shells", [1, 2, 3, 4, 5, 6])
def test_icosahedra_have_mackay_numbers(shells):
    count = (10 * shells**3 + 15 * shells**2 + 11 * shells + 3) // 3
    assert len(icosahedra.icosahedron(shells)) == count
    assert count == [13, 55, 147, 309, 561, 923][shells - 1]


def test_icosahedron_is_ases():
    assert same_shape(icosahedra.icosahedron(3), Icosahedron("Au", 4))


@pytest.mark.parametrize(("length", "cut"), [(n, c) for n in range(2, 9) for c in range(4) if 2 * c < n])
def test_octahedra_are_ases(length, cut):
    assert same_shape(octahedra.octahedron(length, cut), Octahedron("Au", length, cut))


def test_magic_numbers_of_octahedra():
    assert [len(octahedra.octahedron(n)) for n in range(2, 12)] == [n * (2 * n * n + 1) // 3 for n in range(2, 12)]
    assert [len(octahedra.octahedron(3 * c + 1, c)) for c in (1, 2, 3)] == [38, 201, 586]
    assert [len(octahedra.octahedron(2 * c + 1, c)) for c in range(1, 7)] == [13, 55, 147, 309, 561, 923]
    assert [len(octahedra.tetrahedron(n)) for n in range(2, 8)] == [4, 10, 20, 35, 56, 84]


@pytest.mark.parametrize(
    "pqr", [(2, 1, 0), (2, 2, 0), (3, 2, 0), (2, 2, 1), (2, 3, 2), (3, 1, 1), (1, 4, 1), (4, 2, 2), (1, 1, 1)]
)
def test_decahedra_are_ases(pqr):
    assert same_shape(decahedra.decahedron(*pqr), Decahedron("Au", *pqr))


def test_known_decahedra():
    # Ino and Marks clusters of the literature: 75 and 101, 146 atoms; pentagonal bipyramids 7, 23, 54
    assert [len(decahedra.decahedron(*pqr)) for pqr in ((2, 2, 1), (2, 3, 1), (3, 2, 1))] == [75, 101, 146]
    assert [len(decahedra.decahedron(p, 1, 0)) for p in (2, 3, 4)] == [7, 23, 54]


@pytest.mark.parametrize("hkl", [(2, 2, 4), (2, 3, 3), (2, 9, 9), (3, 6, 7), (3, 3, 5)])
@pytest.mark.parametrize(("lattice", "maker"), [("sc", SimpleCubic), ("bcc", BodyCenteredCubic), ("fcc", FaceCenteredCubic)])
def test_polyhedra_are_the_ones_of_the_field(lattice, maker, hkl):
    atoms = maker("W", surfaces=[[1, 0, 0], [1, 1, 0], [1, 1, 1]], layers=hkl, latticeconstant=3.0)
    assert same_shape(lattice_cuts.polyhedron(lattice, *hkl), atoms)


@pytest.mark.parametrize("cells", [(1, 2, 3), (4, 4, 4), (2, 3, 3)])
def test_hcp_blocks_are_the_ones_of_the_field(cells):
    atoms = HexagonalClosedPacked("Os", latticeconstant=(2.52, 2.52 * np.sqrt(8 / 3)), size=cells)
    assert same_shape(hcp_blocks.block(*cells), atoms)


def test_rhombic_dodecahedra():
    assert [len(lattice_cuts.polyhedron("bcc", 2 * k, k, 3 * k)) for k in (1, 2, 3, 4)] == [15, 65, 175, 369]


@pytest.mark.parametrize("lattice", ["fcc", "hcp"])
def test_coordination_of_close_packing(lattice):
    ball = spheres.sphere(lattice, "atom", 3.2)
    distance = np.linalg.norm(ball, axis=1)
    shells = [int(np.sum(np.abs(distance - d) < 1e-4)) for d in (1.0, 2**0.5, (8 / 3) ** 0.5, 3**0.5)]
    assert shells == ([12, 6, 0, 24] if lattice == "fcc" else [12, 6, 2, 18])


def test_twin_is_the_known_50_atom_cluster():
    # the twinned truncated octahedron of 50 atoms (D3h), a well-known global minimum of pair potentials
    twin = stacking.twinned_octahedron(4, 1)
    assert len(twin) == 50
    assert nearest_distance(twin) == pytest.approx(1.0, abs=1e-9)


def test_stacking_words():
    assert letters("c" * 7) == "ABCABCABC"
    assert letters("h" * 4) == "ABABAB"
    assert letters("hchc") == "ABACAB"
    assert stacking.fault_word("h", "c", 9) == "ccchccc"
    points = stacked_layers("ABCABC", 4.0)
    assert nearest_distance(points) == pytest.approx(1.0, abs=1e-9)


def test_random_stacks_are_the_same_every_time():
    first = {s.key: s.points for s in stacking.shapes() if s.key.startswith("random")}
    again = {s.key: s.points for s in stacking.shapes() if s.key.startswith("random")}
    assert first.keys() == again.keys()
    assert len(first) >= 15
    assert all(np.array_equal(first[k], again[k]) for k in first)


def test_sphere_radii_close_shells():
    points = spheres.fcc_like("fcc", "atom")
    radii = sphere_radii(points, 200, 1.01)
    assert radii[:3] == pytest.approx([1.0, 2**0.5, 3**0.5])
    counts = [len(spheres.sphere("fcc", "atom", r)) for r in radii]
    assert counts[:5] == [13, 19, 43, 55, 79]


def test_unit_bonds_does_not_depend_on_place_size_or_order():
    points = octahedra.octahedron(4, 1)
    shuffled = np.random.default_rng(3).permutation(points) * 2.77 + 5.0
    assert np.abs(unit_bonds(points) - unit_bonds(shuffled)).max() < 1e-9


def test_distinct_knows_rotated_mirrored_and_different():
    seen = Distinct()
    points = decahedra.decahedron(2, 2, 1)
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    assert seen.add(points)
    assert not seen.add(points @ rotation + 1.0)
    assert not seen.add(-points)
    moved = points.copy()
    moved[0] += 0.01
    assert seen.add(moved)


def test_diameter_across_chunks():
    points = np.random.default_rng(5).normal(size=(1100, 3))
    assert diameter(points) == pytest.approx(distance_list(points)[-1])
