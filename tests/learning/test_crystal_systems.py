"""Crystals and peak lists that the trees of the crystal system learn from, and the trainer on a handful."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.learning import crystal_systems, crystal_systems_corpus
from whorl.learning.crystal_systems_corpus import draw_crystal, measured, sticks
from whorl.learning.trainer import Request
from whorl.models.tree_json import read_trees
from whorl.physics.indexing_lines import SYSTEMS
from whorl.physics.symmetry import metric_tensor
from whorl.techniques.pd.symmetry_features import NAMES


@pytest.fixture
def rock_salt():
    from whorl.core.hypothesis import Crystal, Site
    from whorl.learning.crystal_corpus import parent_of

    crystal = Crystal(
        "NaCl", cell=(5.64,) * 3 + (90,) * 3, space_group="225", sites=(Site("Na", (0, 0, 0)), Site("Cl", (0.5,) * 3))
    )
    return parent_of(crystal)


def test_sticks_are_braggs_law_with_the_absences_of_the_lattice(rock_salt):
    rng = np.random.default_rng(2)
    angle, intensity = sticks(rock_salt, metric_tensor(rock_salt.cell), 1.540598, 60.0, rng)
    seen = np.unique(angle[intensity > 1e-6 * intensity.max()].round(6))
    expected = np.degrees(2 * np.arcsin(1.540598 / 2 / 5.64 * np.sqrt([3, 4, 8, 11, 12])))
    np.testing.assert_allclose(seen, expected, atol=1e-5)


def test_strains_lower_the_symmetry_of_the_metric_and_no_further(rock_salt):
    rng = np.random.default_rng(5)
    for system, check in ((2, (0, 1)), (3, ()), (1, (0, 1, 2))):
        metric = crystal_systems_corpus._distort(rock_salt, system, rng)
        diagonal = np.diag(metric)
        if check:
            np.testing.assert_allclose(diagonal[list(check)], diagonal[check[0]], rtol=1e-12)
        assert np.abs(metric - metric_tensor(rock_salt.cell)).max() > 1e-3
        off = metric[np.triu_indices(3, 1)]
        np.testing.assert_allclose(off, off[0] if system == 1 else 0.0, atol=1e-9)


def test_measured_peaks_are_apart_increasing_and_near_the_sticks():
    rng = np.random.default_rng(8)
    angle = np.sort(rng.uniform(20.0, 80.0, 60))
    for _ in range(30):
        found, intensity = measured(angle, rng.uniform(1.0, 100.0, 60), 1.540598, rng)
        assert np.all(np.diff(found) > 0)
        assert found.shape == intensity.shape
        near = np.abs(found[:, None] - angle[None, :]).min(axis=1)
        assert np.median(near) < 0.2  # zero shift, displacement, merging


def test_drawn_crystals_are_of_the_system_asked_for(monkeypatch):
    monkeypatch.setattr(crystal_systems_corpus, "catalogue_parents", dict)  # random packings alone: they need no catalogue
    rng = np.random.default_rng(13)
    for system in (0, 2):
        parent, metric = draw_crystal(system, rng)
        length = np.sqrt(np.diag(metric))
        assert parent.number >= 75
        assert np.unique(length.round(6)).size <= system // 2 + 1


def test_the_trainer_gives_the_same_small_model_twice_and_resumes(tmp_path, monkeypatch):
    pytest.importorskip("xgboost")
    calls = []

    def corpus(count, rng, **_):
        calls.append(count)
        systems = np.arange(count) % len(SYSTEMS)
        rows = rng.normal(size=(count, len(NAMES)))
        rows[:, :6] += 6.0 * np.eye(6)[systems]
        return rows, systems

    monkeypatch.setattr(crystal_systems, "make_corpus", corpus)
    trainer = crystal_systems.TRAINERS["pd-symmetry"]
    settings = dict(trainer.settings) | {"rounds": 8}
    made = [trainer.train(Request(4, 120, settings, tmp_path / "kept")) for _ in range(2)]
    assert made[0].weights == made[1].weights
    assert calls == [50, 50, 20]  # the second run finds the chunks of the first
    assert made[0].card.classes == SYSTEMS
    metrics = {m.name: m.value for m in made[0].card.metrics}
    assert metrics["crystal system"] > 0.7
    rows, systems = corpus(60, np.random.default_rng(1))
    assert np.mean(read_trees(made[0].weights).margins(rows).argmax(axis=1) == systems) > 0.7
