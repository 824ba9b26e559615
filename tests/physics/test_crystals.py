"""Pair tables of crystals: counts, derivatives, and joined pairs that come apart when a coordinate moves."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.physics.crystals import lattice_translations, pair_table
from whorl.physics.peaks import peak_sum
from whorl.physics.symmetry import free_cell, free_position, metric_derivatives, metric_tensor

CRYSTALS = {
    "sc": Crystal("Po", cell=(3.35, 3.35, 3.35, 90, 90, 90), space_group="221", sites=(Site("Po", (0, 0, 0)),)),
    "fcc": Crystal("Ni", cell=(3.52, 3.52, 3.52, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),)),
    "bcc": Crystal("W", cell=(3.16, 3.16, 3.16, 90, 90, 90), space_group="229", sites=(Site("W", (0, 0, 0)),)),
    "hcp": Crystal("Mg", cell=(3.21, 3.21, 5.21, 90, 90, 120), space_group="194", sites=(Site("Mg", (1 / 3, 2 / 3, 0.25)),)),
    "diamond": Crystal("Si", cell=(5.43, 5.43, 5.43, 90, 90, 90), space_group="F d -3 m:1", sites=(Site("Si", (0, 0, 0)),)),
    "rock salt": Crystal(
        "NaCl",
        cell=(5.64, 5.64, 5.64, 90, 90, 90),
        space_group="225",
        sites=(Site("Na", (0, 0, 0)), Site("Cl", (0.5, 0.5, 0.5))),
    ),
    "wurtzite": Crystal(
        "CdSe",
        cell=(4.30, 4.30, 7.01, 90, 90, 120),
        space_group="186",
        sites=(Site("Cd", (1 / 3, 2 / 3, 0)), Site("Se", (1 / 3, 2 / 3, 0.377))),
    ),
    "spinel": Crystal(
        "MgAl2O4",
        cell=(8.08, 8.08, 8.08, 90, 90, 90),
        space_group="F d -3 m:2",
        sites=(Site("Mg", (0.125, 0.125, 0.125)), Site("Al", (0.5, 0.5, 0.5)), Site("O", (0.2624, 0.2624, 0.2624))),
    ),
    "perovskite Pbnm": Crystal(
        "LaMnO3",
        cell=(5.54, 5.75, 7.69, 90, 90, 90),
        space_group="P b n m",
        sites=(
            Site("La", (0.992, 0.049, 0.25)),
            Site("Mn", (0.5, 0, 0)),
            Site("O", (0.074, 0.487, 0.25)),
            Site("O", (0.726, 0.307, 0.039)),
        ),
    ),
    "corundum": Crystal(
        "Al2O3",
        cell=(4.76, 4.76, 12.99, 90, 90, 120),
        space_group="R -3 c:H",
        sites=(Site("Al", (0, 0, 0.352)), Site("O", (0.306, 0, 0.25))),
    ),
    "monoclinic": Crystal(
        "ZrO2",
        cell=(5.15, 5.21, 5.31, 90, 99.2, 90),
        space_group="14",
        sites=(Site("Zr", (0.275, 0.04, 0.208)), Site("O", (0.07, 0.332, 0.345)), Site("O", (0.45, 0.757, 0.479))),
    ),
    "vacancies": Crystal(
        "Fe0.9O",
        cell=(4.3, 4.3, 4.3, 90, 90, 90),
        space_group="225",
        sites=(Site("Fe", (0, 0, 0), 0.9), Site("O", (0.5, 0.5, 0.5))),
    ),
}
SYMBOLS = {name: tuple(dict.fromkeys(s.element for s in c.sites)) for name, c in CRYSTALS.items()}


def table_of(crystal, r_max):
    """Pair table with all coordinates that symmetry leaves free, and its free directions."""
    rotations, translations = crystal.symmetry
    cell = np.array(crystal.cell, float)
    _, matrix = free_cell(rotations, cell)
    bases = [free_position(rotations, translations, np.array(s.position))[1] for s in crystal.sites]
    rng = np.random.default_rng(3)
    lengths = np.arange(6) < 3
    variants = [metric_tensor(cell * (1 + lengths * (matrix @ rng.uniform(-0.02, 0.02, matrix.shape[1])))) for _ in range(2)]
    symbols = tuple(dict.fromkeys(s.element for s in crystal.sites))
    expansion = crystal.expansion
    return pair_table(
        metric_tensor(cell),
        expansion.position,
        expansion.site,
        expansion.rotation,
        np.array([s.occupancy for s in crystal.sites]),
        bases,
        np.array([symbols.index(s.element) for s in crystal.sites]),
        r_max,
        variants,
    ), bases


def moved_crystal(crystal, bases, free, cell):
    sites, offset = [], 0
    for site, basis in zip(crystal.sites, bases, strict=True):
        step = basis @ free[offset : offset + basis.shape[1]]
        offset += basis.shape[1]
        sites.append(Site(site.element, tuple(np.array(site.position) + step), site.occupancy))
    return Crystal(crystal.name, cell=tuple(cell), space_group=crystal.space_group, sites=tuple(sites))


def brute_force(crystal, r_max):
    """All ordered pairs, atom by atom: distances, weights and pairs of elements."""
    e = crystal.expansion
    metric = metric_tensor(np.array(crystal.cell, float))
    symbols = [crystal.sites[i].element for i in e.site]
    occupancy = np.array([crystal.sites[i].occupancy for i in e.site])
    cells = lattice_translations(metric, r_max + 1)
    found = []
    for i in range(len(e.site)):
        for j in range(len(e.site)):
            v = e.position[j] - e.position[i] + cells
            d = np.sqrt(np.einsum("ni,ij,nj->n", v, metric, v))
            d = d[(d > 0.5) & (d < r_max)]
            pair = tuple(sorted((symbols[i], symbols[j])))
            found += [(x, occupancy[i] * occupancy[j] / occupancy.sum(), pair) for x in d]
    return found


def curves(pairs, r_max, sigma2=0.004):
    """Sum of Gaussians of each pair of elements, without 1/d."""
    kinds = sorted({p for _, _, p in pairs})
    d, w = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
    channel = np.array([kinds.index(p[2]) for p in pairs])
    none = np.zeros((d.size, 0))
    return peak_sum(d, w * d, np.full(d.size, sigma2), channel, none, none, 0.02, int((r_max - 1) / 0.02), len(kinds))[:, 0]


def rows(crystal, table, metric, free):
    d, _ = table.distances(metric, free)
    pair = [
        tuple(sorted((crystal.sites[i].element, crystal.sites[j].element)))
        for i, j in zip(table.site_i, table.site_j, strict=True)
    ]
    return list(zip(d, table.weight, pair, strict=True))


@pytest.mark.parametrize(
    ("name", "shells"),
    [
        ("sc", [6, 12, 8, 6, 24]),
        ("fcc", [12, 6, 24, 12, 24, 8, 48]),
        ("bcc", [8, 6, 12, 24, 8]),
        ("diamond", [4, 12, 12, 6, 12, 24]),
    ],
)
def test_coordination_numbers(name, shells):
    crystal = CRYSTALS[name]
    table, _ = table_of(crystal, 2.3 * crystal.cell[0])
    assert table.weight[: len(shells)] == pytest.approx(shells)


def test_coordination_in_rock_salt():
    table, _ = table_of(CRYSTALS["rock salt"], 6.0)
    mixed, like = Counter(), Counter()
    for d, w, pair in rows(CRYSTALS["rock salt"], table, CRYSTALS["rock salt"].metric, np.zeros(0)):
        (mixed if pair[0] != pair[1] else like)[round(d / 5.64, 4)] += w
    # per atom: 6 unlike at a/2, 12 like at a/sqrt2, 8 unlike at a sqrt3/2, 6 like at a
    assert mixed == pytest.approx({0.5: 6, 0.866: 8})
    assert like == pytest.approx({0.7071: 12, 1.0: 6})


@pytest.mark.parametrize("name", CRYSTALS)
def test_table_is_the_brute_force_count(name):
    crystal = CRYSTALS[name]
    table, _ = table_of(crystal, 9.0)
    free = np.zeros(table.links.count)
    found = rows(crystal, table, crystal.metric, free)
    expected = brute_force(crystal, 9.0)
    assert len(found) < len(expected)
    assert sum(w for _, w, _ in found) == pytest.approx(sum(w for _, w, _ in expected))
    for pair in {p for _, _, p in expected}:
        one, other = (sorted((d, w) for d, w, p in pairs if p == pair) for pairs in (found, expected))
        grid = np.linspace(0.5, 9, 200) + 1e-4
        count = [np.array([sum(w for d, w in pairs if d < g) for g in grid]) for pairs in (one, other)]
        assert count[0] == pytest.approx(count[1])


@pytest.mark.parametrize("name", ["wurtzite", "spinel", "perovskite Pbnm", "corundum", "monoclinic", "hcp", "rock salt"])
def test_joined_pairs_come_apart_when_parameters_move(name):
    """The joined table, moved, gives what a count at the moved structure gives: nothing was joined by chance."""
    crystal, r_max = CRYSTALS[name], 10.0
    table, bases = table_of(crystal, r_max)
    rng = np.random.default_rng(8)
    for _ in range(2):
        free = rng.uniform(-0.008, 0.008, table.links.count)
        _, matrix = free_cell(crystal.symmetry[0], np.array(crystal.cell, float))
        change = (
            matrix @ rng.uniform(-0.01, 0.01, matrix.shape[1]) * np.where(np.arange(6) < 3, 1, np.array(crystal.cell) > 90.5)
        )
        change = np.where(np.array(crystal.cell) == 120, 0, change)
        cell = np.array(crystal.cell) * (1 + change)
        moved = moved_crystal(crystal, bases, free, cell)
        assert len(moved.expansion.site) == len(crystal.expansion.site)
        one = curves(rows(crystal, table, metric_tensor(cell), free), r_max)
        other = curves(brute_force(moved, r_max + 1), r_max)
        inside = slice(0, int((r_max - 1.2) / 0.02))
        assert one[:, inside] == pytest.approx(other[:, inside], abs=1e-6 * np.max(other))


@pytest.mark.parametrize("name", ["wurtzite", "spinel", "perovskite Pbnm", "monoclinic"])
def test_derivatives_of_distances(name):
    crystal = CRYSTALS[name]
    table, _ = table_of(crystal, 7.0)
    cell = np.array(crystal.cell, float)
    free = np.random.default_rng(2).uniform(-0.005, 0.005, table.links.count)
    d, vector = table.distances(metric_tensor(cell), free)
    h = 1e-5
    for k, slope in enumerate(metric_derivatives(cell)):
        step = h * np.eye(6)[k]
        high, low = (table.distances(metric_tensor(cell + s * step), free)[0] for s in (1, -1))
        assert np.einsum("ki,ij,kj->k", vector, slope, vector) / (2 * d) == pytest.approx((high - low) / (2 * h), abs=1e-7)
    for p in range(free.size):
        step = h * np.eye(free.size)[p]
        high, low = (table.distances(metric_tensor(cell), free + s * step)[0] for s in (1, -1))
        found = (
            np.einsum("ki,ij,kj->k", vector, metric_tensor(cell), table.links.moved(np.eye(free.size)[p])[table.links.kind]) / d
        )
        assert found == pytest.approx((high - low) / (2 * h), abs=1e-7)
    assert free.size == {"wurtzite": 2, "spinel": 1, "perovskite Pbnm": 7, "monoclinic": 9}[name]


def test_sites_of_different_label_are_never_joined():
    # the two halves of CsCl are equal in distances only
    metric = np.eye(3) * 16.0
    position = np.array([[0, 0, 0], [0.5, 0.5, 0.5]])
    arguments = (metric, position, np.array([0, 1]), np.array([np.eye(3)] * 2), np.ones(2), [np.zeros((3, 0))] * 2)
    assert pair_table(*arguments, np.array([0, 0]), 4.1, []).weight.tolist() == [8, 6]
    assert sorted(pair_table(*arguments, np.array([0, 1]), 4.1, []).weight.tolist()) == [3, 3, 8]


def test_two_readings_of_a_split_site_make_no_pair():
    metric = np.eye(3) * 16.0
    position = np.array([[0.49, 0.5, 0.5], [0.51, 0.5, 0.5]])
    table = pair_table(
        metric,
        position,
        np.array([0, 1]),
        np.array([np.eye(3)] * 2),
        np.array([0.5, 0.5]),
        [np.zeros((3, 0))] * 2,
        np.zeros(2, int),
        4.2,
        [],
    )
    d, _ = table.distances(metric, np.zeros(0))
    assert d.min() > 3.9
    assert table.weight.sum() == pytest.approx(6.0)


def test_translations_reach_far_enough_in_an_oblique_cell():
    metric = metric_tensor(np.array([4.0, 5.0, 6.0, 70.0, 60.0, 55.0]))
    few = lattice_translations(metric, 9.0)
    many = lattice_translations(metric, 30.0)

    def inside(t):
        return int(np.sum(np.einsum("ni,ij,nj->n", t, metric, t) < 81))

    assert inside(few) == inside(many)
