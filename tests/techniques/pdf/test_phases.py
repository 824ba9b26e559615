"""Geometry of phases: what is free, and the peaks it gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.techniques.pdf.phases import U_LIMITS, ClusterPhase, CrystalPhase, channel_table, cluster_distances, make_phase

NAMES = {
    "nickel": ["a", "U_Ni"],
    "silicon": ["a", "U_Si"],
    "rhombohedral": ["a", "alpha", "x_Bi", "U_Bi"],
    "arsenide": ["a", "c", "z_As", "U_Sr", "U_Fe", "U_As"],
    "icosahedron": ["zoom", "U_Au"],
    "open_icosahedron": ["bond", "U_Pd"],
    "salt": ["zoom", "U_Cl", "U_Na"],
}


@pytest.mark.parametrize("name", NAMES)
def test_parameters(structures, name):
    phase = make_phase(getattr(structures, name), 12.0)
    assert sorted(p.name for p in phase.parameters) == sorted(NAMES[name])
    assert all(p.lower < p.value < p.upper for p in phase.parameters)
    assert phase.fractions.sum() == pytest.approx(1.0)


def test_positions_can_be_held(structures):
    phase = make_phase(structures.monoclinic, 8.0, positions=False)
    assert [p.name for p in phase.parameters] == ["a", "b", "c", "beta", "U_Zr", "U_O"]


def test_labels_of_the_file_name_the_coordinates(structures):
    sites = [replace(s, label=n) for s, n in zip(structures.monoclinic.sites, ("Zr", "Oa", "Ob"), strict=True)]
    names = [p.name for p in make_phase(replace(structures.monoclinic, sites=tuple(sites)), 8.0).parameters]
    assert {"x_Oa", "z_Ob", "y_Zr"} <= set(names)


def test_displacement_of_the_file_is_the_start_inside_the_bounds(structures):
    for u, start in ((0.012, 0.012), (0.5, U_LIMITS[1]), (1e-9, U_LIMITS[0])):
        warm = replace(structures.nickel, sites=(replace(structures.nickel.sites[0], u_iso=u),))
        assert make_phase(warm, 8.0).parameters[-1].value == pytest.approx(start, rel=0.02)


def test_weights_count_neighbours(structures):
    found = make_phase(structures.nickel, 8.0).peaks(np.array([3.524, 0.006]))
    assert found.weight[:3] == pytest.approx([12, 6, 24])
    assert found.u_sum == pytest.approx(0.012)
    assert found.density == pytest.approx(4 / 3.524**3)


@pytest.mark.parametrize("name", ["nickel", "wurtzite", "monoclinic", "arsenide", "rhombohedral"])
def test_the_number_of_neighbours_grows_as_the_density_says(structures, name):
    phase = make_phase(getattr(structures, name), 25.0)
    found = phase.peaks(np.array([p.value for p in phase.parameters]))
    inside = found.weight[found.distance < 24.0].sum()
    assert inside == pytest.approx(4 / 3 * np.pi * 24.0**3 * found.density, rel=0.02)


def test_start_scale_of_retrieval_is_kept_inside_the_bounds(structures):
    for zoom, a in ((1.02, 3.594), (1.5, 3.733), (0.5, 3.315)):
        phase = CrystalPhase(structures.nickel, 8.0, zoom=zoom)
        assert phase.parameters[0].value == pytest.approx(a, abs=2e-3)
        assert phase.parameters[0].mean == 3.524


def test_an_estimated_cell_has_a_wider_prior_and_more_room(structures):
    measured, estimated, guessed = (
        CrystalPhase(replace(structures.nickel, cell_spread=s), 12.0).parameters[0] for s in (None, 0.03, 0.2)
    )
    assert (measured.spread, measured.upper) == pytest.approx((0.005 * 3.524, 1.06 * 3.524))
    assert (estimated.spread, estimated.upper) == pytest.approx((0.03 * 3.524, 1.09 * 3.524))
    assert (guessed.spread, guessed.lower) == pytest.approx((0.2 * 3.524, 0.85 * 3.524))


def test_vacancies_lower_the_weights(structures):
    full = Crystal(
        "FeO", cell=(4.3, 4.3, 4.3, 90, 90, 90), space_group="225", sites=(Site("Fe", (0, 0, 0)), Site("O", (0.5, 0.5, 0.5)))
    )
    less = replace(full, sites=(replace(full.sites[0], occupancy=0.9), full.sites[1]))
    one, other = (make_phase(c, 8.0) for c in (full, less))
    assert other.fractions == pytest.approx([0.9 / 1.9, 1 / 1.9])
    values = np.array([4.3, 0.006, 0.006])
    assert other.peaks(values).density == pytest.approx(one.peaks(values).density * 0.95)
    nearest = [p.peaks(values).weight[0] for p in (one, other)]
    assert nearest == pytest.approx([6.0, 6 * 2 * 0.9 / 1.9])


def test_a_cell_without_a_pair_in_reach():
    lonely = Crystal("Ar", cell=(60, 60, 60, 90, 90, 90), space_group="1", sites=(Site("Ar", (0, 0, 0)),))
    with pytest.raises(StructureError, match="no two atoms within 12 angstrom"):
        make_phase(lonely, 12.0)


def test_refined_moves_only_what_is_free(structures):
    phase = make_phase(structures.arsenide, 10.0)
    names = [p.name for p in phase.parameters]
    values = np.array([p.value for p in phase.parameters])
    values[names.index("c")] = 12.3
    values[names.index("z_As")] = 0.355
    refined = phase.refined(values)
    assert refined.cell == (3.925, 3.925, 12.3, 90, 90, 90)
    assert [s.position for s in refined.sites] == [(0, 0, 0), (0.5, 0, 0.25), (0, 0, 0.355)]
    assert refined.space_group == structures.arsenide.space_group
    assert refined.formula == structures.arsenide.formula
    # and a phase made of the refined one has the same distances
    again = make_phase(refined, 10.0)
    one = phase.peaks(values)
    other = again.peaks(np.array([p.value for p in again.parameters]))
    near = [np.sort(np.repeat(p.distance, np.round(5 * p.weight).astype(int)))[:200] for p in (one, other)]
    assert near[0] == pytest.approx(near[1], abs=1e-6)


def test_refined_clusters_are_scaled(structures):
    phase = ClusterPhase(structures.open_icosahedron, element="Pd", bond=2.75)
    refined = phase.refined(np.array([2.8, 0.01]))
    assert isinstance(refined, Cluster)
    assert refined.formula == "Pd55"
    assert refined.positions == pytest.approx(2.8 * structures.open_icosahedron.positions)
    assert not refined.bond_free
    assert make_phase(refined, 20.0).parameters[0].name == "zoom"


def test_distances_of_a_cluster_stay_within_the_bin(structures):
    label = np.zeros(55, np.int64)
    d, w, _, pairs = cluster_distances(structures.icosahedron.positions, label, 1)
    everything = np.linalg.norm(structures.icosahedron.positions[:, None] - structures.icosahedron.positions, axis=-1)
    flat = np.sort(everything[np.triu_indices(55, 1)])
    assert w.sum() * 55 / 2 == pytest.approx(flat.size)
    assert np.sort(np.repeat(d, np.round(w * 55 / 2).astype(int))) == pytest.approx(flat, abs=5e-4)
    assert not pairs.any()


@pytest.mark.parametrize("m", [1, 2, 3, 5])
def test_channels_number_the_unordered_pairs(m):
    table = channel_table(m)
    assert np.array_equal(table, table.T)
    assert sorted(table[np.triu_indices(m)]) == list(range(m * (m + 1) // 2))
