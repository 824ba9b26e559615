"""The built-in catalogue of shapes: complete, spread over sizes, each once, and holding the structures of published tests."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations_with_replacement, pairwise, product

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.catalogues.geometry import Distinct, distance_list, nearest_distance, unit_bonds
from whorl.catalogues.shapes import decahedra, hcp_blocks, lattice_cuts
from whorl.formats import read_structure

FAMILIES = {
    "sc",
    "bcc",
    "fcc",
    "hcp",
    "icosahedron",
    "decahedron",
    "octahedron",
    "truncated octahedron",
    "cuboctahedron",
    "rhombic dodecahedron",
    "tetrahedron",
    "twinned fcc",
    "stacking fault",
}


@pytest.fixture(scope="module")
def catalogue():
    return open_catalogue("nanoparticles")


def test_number_and_families(catalogue):
    entries = catalogue.entries()
    assert 800 <= len(entries) <= 900
    assert {e.family for e in entries} == FAMILIES
    assert len({e.key for e in entries}) == len({e.name for e in entries}) == len(entries)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_every_family_covers_small_to_large(catalogue, family):
    counts = sorted(e.atoms for e in catalogue.entries(family=family))
    assert counts[0] <= 40
    assert counts[-1] >= 750
    assert len(counts) >= 6
    if family not in {"icosahedron", "cuboctahedron", "octahedron"}:  # magic numbers leave larger gaps
        middle = [n for n in counts if n >= 40]
        assert max(b / a for a, b in pairwise(middle)) < 1.9


def test_each_cluster_has_bond_one_and_no_element(catalogue):
    for entry in catalogue.entries()[::7]:
        cluster = catalogue.load(entry.key)
        assert cluster.bond_free
        assert not cluster.elements
        assert len(cluster.symbols) == entry.atoms
        assert nearest_distance(cluster.positions) == pytest.approx(1.0, abs=1e-9)
        assert np.abs(cluster.positions.mean(axis=0)).max() < 1e-9
        assert distance_list(cluster.positions)[-1] == pytest.approx(entry.size, abs=1e-9)


def test_no_two_clusters_have_the_same_distances(catalogue):
    by_count = defaultdict(list)
    for entry in catalogue.entries(size=(0.0, 8.0)):
        by_count[entry.atoms].append(catalogue.load(entry.key).positions)
    for group in by_count.values():
        lists = [distance_list(points) for points in group]
        for i, one in enumerate(lists):
            assert all(np.abs(one - other).max() > 1e-5 for other in lists[:i])


def test_size_filter_and_known_magic_clusters(catalogue):
    assert {e.atoms for e in catalogue.entries(family="icosahedron")} >= {13, 55, 147, 309, 561, 923}
    assert {e.atoms for e in catalogue.entries(family="truncated octahedron")} >= {38, 201, 586}
    assert all(4.0 <= e.size <= 5.0 for e in catalogue.entries(size=(4.0, 5.0)))


def test_published_test_clusters_are_in_the_catalogue(catalogue, shared_data):
    files = sorted((shared_data / "pdf" / "deepstruc_sim").glob("*.xyz"))
    assert len(files) == 6
    for path in files:
        wanted = distance_list(unit_bonds(read_structure(path).positions))
        candidates = [e for e in catalogue.entries() if e.atoms * (e.atoms - 1) // 2 == len(wanted)]
        # the files' hcp has c/a = 1.633 and five digits
        best = min(np.abs(distance_list(catalogue.load(e.key).positions) - wanted).max() for e in candidates)
        assert best < 2e-3, path.name


def test_the_whole_range_of_published_classifiers_is_covered(catalogue):
    # 5 to 200 atoms, h <= k <= l up to 10 layers or cells, p and q up to 5, r up to 5 (DeepStruc, MetalFinder)
    seen = Distinct()
    for entry in catalogue.entries():
        if entry.atoms <= 200:
            seen.add(catalogue.load(entry.key).positions)
    counts = list(combinations_with_replacement(range(1, 11), 3))
    shapes = [lattice_cuts.polyhedron(lattice, *hkl) for lattice in ("sc", "bcc", "fcc") for hkl in counts]
    shapes += [hcp_blocks.block(*cells) for cells in counts if 2 * np.prod(cells) <= 200]
    shapes += [decahedra.decahedron(*pqr) for pqr in product(range(1, 6), range(1, 6), range(6))]
    field = [unit_bonds(points) for points in shapes if 5 <= len(points) <= 200]
    assert len(field) == 586
    assert not any(seen.add(points) for points in field)
