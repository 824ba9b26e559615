"""Indexing: known lattices of every system are found first from simulated angles with errors, spurious and missing lines."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.physics.indexing import index_lines
from whorl.physics.indexing_lines import CENTRINGS, SYSTEMS, all_lines, cell_of, determinant, form_of, nearest, squared_axes
from whorl.physics.indexing_merit import merits, q_of

COPPER = 1.540598
POINTS = {"P": 1, "C": 2, "I": 2, "F": 4, "R": 3}


def angles_of(cell, system, centring, *, seed, keep=0.8, error=0.01, spurious=0, zero=0.0):
    """Angles of a lattice's first lines: some missing, close ones merged, shifted, with errors and spurious lines."""
    rng = np.random.default_rng(seed)
    limit = (2.0 * np.sin(np.radians(130.0 / 2)) / COPPER) ** 2
    lines = all_lines(form_of(np.array(cell)), limit, SYSTEMS.index(system), CENTRINGS.index(centring), 1e-4, most=20_000)
    two_theta = np.degrees(2.0 * np.arcsin(0.5 * COPPER * np.sqrt(lines)))
    two_theta = two_theta[rng.random(lines.size) < keep]
    two_theta = two_theta[np.concatenate([[True], np.diff(two_theta) > 0.06])][:34]
    two_theta = two_theta + rng.normal(0.0, error, two_theta.size) + zero
    two_theta = np.sort(
        np.concatenate([two_theta, rng.uniform(two_theta[0], two_theta[min(19, two_theta.size - 1)], spurious)])
    )
    return two_theta[np.concatenate([[True], np.diff(two_theta) > 0.05])]


@pytest.mark.parametrize(
    ("cell", "system", "centring", "spurious", "zero"),
    [
        ((4.0495, 4.0495, 4.0495, 90, 90, 90), "cubic", "F", 0, 0.03),
        ((8.36, 8.36, 8.36, 90, 90, 90), "cubic", "I", 1, -0.02),
        ((11.9, 11.9, 11.9, 90, 90, 90), "cubic", "P", 2, 0.0),
        ((4.76, 4.76, 12.99, 90, 90, 120), "hexagonal", "R", 1, 0.02),
        ((9.42, 9.42, 6.88, 90, 90, 120), "hexagonal", "P", 2, 0.01),
        ((5.76, 5.76, 9.46, 90, 90, 90), "tetragonal", "I", 2, 0.03),
        ((4.59, 4.59, 2.96, 90, 90, 90), "tetragonal", "P", 0, -0.03),
        ((5.4, 6.96, 8.48, 90, 90, 90), "orthorhombic", "P", 2, 0.02),
        ((2.87, 9.26, 12.24, 90, 90, 90), "orthorhombic", "C", 1, 0.0),
    ],
)
def test_lattices_of_high_symmetry_are_found_first(cell, system, centring, spurious, zero):
    two_theta = angles_of(cell, system, centring, seed=20, spurious=spurious, zero=zero)
    tried = SYSTEMS[:4] if system == "orthorhombic" else SYSTEMS[:3]  # orthorhombic searches take seconds
    best = index_lines(two_theta, COPPER, systems=tried)[0]
    assert (best.system, best.centring) == (system, centring)
    np.testing.assert_allclose(np.sort(best.cell[:3]), np.sort(cell[:3]), rtol=1.5e-3)
    assert best.merit > 20.0
    assert abs(best.zero_shift - zero) < 0.03


@pytest.mark.parametrize(
    ("cell", "system", "seed", "spurious"),
    [
        ((9.2, 8.4, 5.9, 90, 104.0, 90), "monoclinic", 31, 1),
        ((5.68, 15.2, 6.52, 90, 118.4, 90), "monoclinic", 32, 0),
        ((6.31, 7.83, 5.87, 83.1, 99.2, 105.9), "triclinic", 33, 1),
    ],
)
def test_lattices_of_low_symmetry_are_found_first(cell, system, seed, spurious):
    two_theta = angles_of(cell, system, "P", seed=seed, spurious=spurious, keep=0.85)
    best = index_lines(two_theta, COPPER, systems=(system,), thorough=False)[0]
    assert best.system == system
    points = POINTS[best.centring]
    assert abs(best.volume / points * np.sqrt(determinant(form_of(np.array(cell)))) - 1.0) < 0.005
    expected = np.sort([nearest(form_of(np.array(cell)), squared_axes(form_of(np.array(cell))), q, 5, np.zeros(3, int))
                        for q in q_of(two_theta[:12], COPPER)])  # fmt: skip
    found = np.sort([nearest(best.form, squared_axes(best.form), q, 5, np.zeros(3, int)) for q in q_of(two_theta[:12], COPPER)])
    assert np.median(np.abs(found / expected - 1.0)) < 2e-3  # the same lattice, whatever its axes are called


def test_figures_of_merit_follow_their_definitions():
    lines = np.arange(1.0, 25.0) * 0.02
    two_theta = np.degrees(2 * np.arcsin(COPPER / 2 * np.sqrt(lines[:20]))) + 0.01 * (-1.0) ** np.arange(20)
    m, f, indexed = merits(two_theta, COPPER, lines, tolerance=0.05)
    q = q_of(two_theta, COPPER)
    assert indexed.all()
    assert m == pytest.approx(q[-1] / (2 * np.mean(np.abs(q - lines[:20])) * 20), rel=1e-6)
    assert f == pytest.approx(20 / (0.01 * 20), rel=0.01)


def test_superlattices_are_marked_and_equal_lattices_given_once():
    two_theta = angles_of((6.1, 6.1, 6.1, 90, 90, 90), "cubic", "P", seed=41, keep=1.0)
    found = index_lines(two_theta, COPPER, systems=("cubic", "tetragonal"))
    assert found[0].system == "cubic"
    volumes = np.array([f.volume / POINTS.get(f.centring, 2) for f in found])
    double = [f for f, v in zip(found, volumes, strict=True) if abs(v / volumes[0] - 2.0) < 0.02]
    assert double
    assert any(f.derivative_of == 0 for f in double)
    same = [f for f, v in zip(found[1:], volumes[1:], strict=True) if abs(v / volumes[0] - 1.0) < 1e-3 and f.system == "cubic"]
    assert not same


def test_strewn_lines_have_no_convincing_lattice():
    rng = np.random.default_rng(50)
    strewn = np.sort(rng.uniform(12.0, 60.0, 24))
    found = index_lines(strewn, COPPER, systems=SYSTEMS[:4], thorough=False)
    assert not found or found[0].evidence < 12.0
    true = index_lines(
        angles_of((5.4, 6.96, 8.48, 90, 90, 90), "orthorhombic", "P", seed=51), COPPER, thorough=False, systems=SYSTEMS[:4]
    )
    assert true[0].evidence > 40.0


def test_the_search_reports_and_can_be_stopped():
    told = []
    two_theta = angles_of((9.2, 8.4, 5.9, 90, 104.0, 90), "monoclinic", "P", seed=31)
    index_lines(two_theta, COPPER, progress=lambda name, done, of: told.append((name, done, of)) or name == "tetragonal")
    assert [name for name, _, _ in told] == ["cubic", "hexagonal", "tetragonal"]


def test_cells_and_forms_are_inverse_to_each_other():
    cell = np.array([5.1, 7.2, 9.3, 81.0, 95.0, 107.0])
    np.testing.assert_allclose(cell_of(form_of(cell)), cell, rtol=1e-12)
    np.testing.assert_allclose(squared_axes(form_of(cell)), cell[:3] ** 2, rtol=1e-12)


@pytest.mark.parametrize(
    ("angles", "wavelength", "systems", "words"),
    [
        ([10.0, 9.0, 12.0, 13.0], 1.54, SYSTEMS, "do not increase"),
        ([10.0, 11.0, 12.0, 13.0], 0.0, SYSTEMS, "wavelength"),
        ([10.0, 11.0, 12.0, 13.0], 1.54, ("trigonal",), "trigonal"),
    ],
)
def test_bad_input_is_refused(angles, wavelength, systems, words):
    with pytest.raises(UsageError, match=words):
        index_lines(np.array(angles), wavelength, systems=systems)


def test_two_lines_are_too_few():
    assert index_lines(np.array([20.0, 30.0]), COPPER) == []
