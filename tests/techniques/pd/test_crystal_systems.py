"""Crystal systems from peak positions: lattices that no training has seen, reasons that add up, measured patterns."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import PatternError
from whorl.models.registry import find_model
from whorl.models.tree_json import read_trees
from whorl.physics.indexing_lines import CENTRINGS, SYSTEMS, all_lines, form_of
from whorl.techniques.pd.peaks import spacings
from whorl.techniques.pd.symmetry import MODEL, crystal_systems
from whorl.techniques.pd.symmetry_features import NAMES, features

COPPER = [1.540598, 1.544426]


def angles_of(cell, system, centring, seed):
    rng = np.random.default_rng(seed)
    limit = (2.0 * np.sin(np.radians(40.0)) / COPPER[0]) ** 2
    lines = all_lines(form_of(np.array(cell)), limit, SYSTEMS.index(system), CENTRINGS.index(centring), 1e-4, most=20_000)
    angles = np.degrees(2.0 * np.arcsin(0.5 * COPPER[0] * np.sqrt(lines)))
    angles = angles[(rng.random(lines.size) < 0.85) & np.concatenate([[True], np.diff(angles) > 0.08])][:30]
    return angles + rng.normal(0.0, 0.01, angles.size) + 0.02


@pytest.mark.parametrize(
    ("cell", "system", "centring"),
    [
        ((8.19, 8.19, 8.19, 90, 90, 90), "cubic", "I"),
        ((7.53, 7.53, 5.21, 90, 90, 120), "hexagonal", "P"),
        ((5.31, 5.31, 11.7, 90, 90, 90), "tetragonal", "P"),
        ((5.17, 6.63, 8.92, 90, 90, 90), "orthorhombic", "P"),
        ((6.71, 7.94, 5.33, 90, 106.0, 90), "monoclinic", "P"),
    ],
)
def test_lattices_are_told_apart(cell, system, centring):
    answer = crystal_systems(angles_of(cell, system, centring, 71), COPPER[0])
    assert answer.systems[0][0] == system
    assert sum(p for _, p in answer.systems) == pytest.approx(1.0)
    assert answer.reasons[0].weight > 0.0


def test_reasons_are_the_shapley_values_of_the_trees():
    angles = angles_of((5.31, 5.31, 11.7, 90, 90, 90), "tetragonal", "P", 72)
    answer = crystal_systems(angles, COPPER[0], top=len(NAMES))
    found = find_model(MODEL)
    trees, temperature = read_trees(found.weights()), float(np.ravel(found.card.constants["temperature"])[0])
    first, second = (found.card.classes.index(answer.systems[i][0]) for i in (0, 1))
    _, expected = trees.shares(features(angles, np.ones(angles.size), COPPER[0]))
    odds = np.log(answer.systems[0][1] / answer.systems[1][1])
    total = sum(r.weight for r in answer.reasons) + (expected[first] - expected[second]) / temperature
    assert total == pytest.approx(odds, abs=1e-6)


@pytest.mark.parametrize(("name", "system"), [("PbSe", "cubic"), ("Al2O3", "hexagonal")])
def test_measured_patterns(shared_data, name, system):
    pattern = np.loadtxt(shared_data / "pd" / "xred_mono" / f"{name}.xy")
    peaks = spacings(pattern[:, 0], pattern[:, 1], wavelengths=COPPER)
    assert crystal_systems(peaks.two_theta, COPPER[0], peaks.intensity).systems[0][0] == system


def test_three_peaks_are_too_few():
    with pytest.raises(PatternError, match="3 peaks"):
        crystal_systems(np.array([20.0, 30.0, 40.0]), COPPER[0])
