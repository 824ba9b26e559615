"""From peaks to cell and space group: conventional cells, measured patterns of known crystals, absences."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.indexing import Lattice
from whorl.physics.indexing_lines import cell_of, form_of
from whorl.physics.indexing_merit import doubt_of
from whorl.techniques.pd.indexing import cell_from, index_peaks
from whorl.techniques.pd.peaks import Spacings, spacings
from whorl.techniques.pd.symmetry import space_groups
from whorl.techniques.pd.symmetry_features import NAMES, choose, features

COPPER = [1.540598, 1.544426]


def everywhere(h, _k, _l):
    return np.ones(h.shape, dtype=bool)


def face_centred(h, k, ell):
    return ((h + k) % 2 == 0) & ((k + ell) % 2 == 0)


def diamond(h, k, ell):
    return face_centred(h, k, ell) & ((h % 2 != 0) | ((h + k + ell) % 4 == 0))


def screw_and_glide(h, k, ell):
    """P21/c: h0l with l even, 0k0 with k even."""
    return ((k != 0) | (ell % 2 == 0)) & ((h != 0) | (ell != 0) | (k % 2 == 0))


def lattice(system, centring, cell):
    form = form_of(np.array(cell, dtype=float))
    none = np.ones(20, dtype=bool)
    return Lattice(system, centring, form, cell_of(form), float(np.prod(cell[:3])), 50.0, 30.0, 60.0, 0.0, none, 30)


def reflections(cell, seen, *, limit=70.0):
    """Angles of the reflections that a rule lets be seen."""
    form = form_of(np.array(cell, dtype=float))
    n = 14
    grid = np.stack(np.meshgrid(*[np.arange(-n, n + 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    h, k, ell = grid.T
    q = form[0] * h**2 + form[1] * k**2 + form[2] * ell**2 + form[3] * k * ell + form[4] * h * ell + form[5] * h * k
    good = (q > 0) & (q < (2 * np.sin(np.radians(limit / 2)) / COPPER[0]) ** 2) & seen(h, k, ell)
    angles = np.sort(np.degrees(2 * np.arcsin(0.5 * COPPER[0] * np.sqrt(q[good]))))
    return angles[np.concatenate([[True], np.diff(angles) > 1e-3])]


def test_monoclinic_cells_get_the_least_oblique_setting_and_c_or_i():
    found = cell_from(lattice("monoclinic", "P", (5.66, 7.84, 9.58, 90, 125.1, 90)))
    assert 90.0 <= found.cell[4] < 95.0
    assert np.prod(found.cell[:3]) * np.sin(np.radians(found.cell[4])) == pytest.approx(
        5.66 * 7.84 * 9.58 * np.sin(np.radians(125.1)), rel=1e-6
    )
    found = cell_from(lattice("monoclinic", "A", (6.0, 5.0, 9.0, 90, 102.0, 90)))
    assert found.centring in {"C", "I"}


def test_orthorhombic_axes_are_ordered_and_their_centring_with_them():
    found = cell_from(lattice("orthorhombic", "C", (12.0, 9.0, 3.0, 90, 90, 90)))
    assert found.cell[:3].tolist() == pytest.approx([3.0, 9.0, 12.0])
    assert found.centring == "A"  # the long axis, once c, is a now: a centred face holds the two others' names


def test_reduced_cells_are_primitive():
    found = cell_from(lattice("cubic", "F", (5.0, 5.0, 5.0, 90, 90, 90)))
    np.testing.assert_allclose(found.reduced, [5 / np.sqrt(2)] * 3 + [60.0] * 3, rtol=1e-6)


def test_absences_name_the_space_group():
    cell = (7.12, 9.85, 5.57, 90, 101.2, 90)
    ranked = space_groups(np.array(cell), "monoclinic", "P", reflections(cell, screw_and_glide, limit=55.0), COPPER[0])
    assert ranked[0][:2] == (14, "P21/c")
    assert ranked[0][2] > 0.8
    assert sum(p for _, _, p in ranked) == pytest.approx(1.0)
    everything = space_groups(np.array(cell), "monoclinic", "P", reflections(cell, everywhere, limit=55.0), COPPER[0])
    assert {n: p for n, _, p in everything}[14] < 1e-3


def test_diamond_and_rock_salt_differ_by_their_absences():
    a = (5.43, 5.43, 5.43, 90, 90, 90)
    assert space_groups(np.array(a), "cubic", "F", reflections(a, face_centred, limit=140), COPPER[0])[0][0] == 225
    ranked = space_groups(np.array(a), "cubic", "F", reflections(a, diamond, limit=140), COPPER[0])
    assert ranked[0][0] == 227


def test_faint_spurious_lines_do_not_hide_the_lattice():
    d = 6.124 / np.sqrt(np.array([3.0, 4, 8, 11, 12, 16, 19, 20, 24]))
    angles = np.degrees(2 * np.arcsin(COPPER[0] / 2 / d))
    faint = np.array([20.4, 23.1, 28.7, 33.9, 40.2, 47.7, 52.6])
    both = np.concatenate([angles, faint])
    intensity = np.concatenate([[90, 100, 60, 15, 25, 12, 6, 20, 15], np.full(7, 0.2)]) / 100
    order = np.argsort(both)
    both, intensity = both[order], intensity[order]
    peaks = Spacings(COPPER[0] / 2 / np.sin(np.radians(both / 2)), both * 1e-4, intensity, both * 0 + 0.1, both, both)
    best = index_peaks(peaks, COPPER[0], systems=("cubic", "hexagonal", "tetragonal"))[0]
    assert (best.system, best.centring) == ("cubic", "F")
    assert best.cell[0] == pytest.approx(6.124, abs=0.004)


def test_measured_corundum_is_indexed_with_its_space_group(shared_data):
    pattern = np.loadtxt(shared_data / "pd" / "xred_mono" / "Al2O3.xy")
    peaks = spacings(pattern[:, 0], pattern[:, 1], wavelengths=COPPER)
    best = index_peaks(peaks, COPPER[0], systems=("cubic", "hexagonal", "tetragonal"))[0]
    assert (best.system, best.centring) == ("hexagonal", "R")
    np.testing.assert_allclose(best.cell[[0, 2]], [4.7589, 12.991], rtol=1e-3)  # NIST SRM 676a: 4.759091, 12.991779
    ranked = space_groups(best.cell, best.system, best.centring, peaks.two_theta, COPPER[0], zero_shift=best.lattice.zero_shift)
    assert ranked[0][:2] == (167, "R-3c")


def test_features_are_named_and_do_not_depend_on_the_wavelength():
    n = np.array([2.0, 4, 6, 8, 10, 12, 14, 16])
    rows = []
    for wavelength in (1.540598, 1.0):
        angles = np.degrees(2 * np.arcsin(wavelength / 2 / 3.3 * np.sqrt(n)))
        rows.append(features(angles[:6], np.ones(6), wavelength))
    assert rows[0].shape == (len(NAMES),)
    assert len(set(NAMES)) == len(NAMES)
    ratios = [i for i, name in enumerate(NAMES) if name.startswith("Q")]
    np.testing.assert_allclose(rows[0][ratios], rows[1][ratios], rtol=1e-9, equal_nan=True)


def test_faint_peaks_are_doubted_and_the_faintest_left_out():
    assert np.all(np.diff(doubt_of(np.array([100.0, 5.0, 1.0, 0.3]))) > 0)
    angles, intensity = np.linspace(20, 60, 20), np.ones(20)
    intensity[5] = 1e-5
    assert 5 not in choose(angles, intensity)
    assert 5 in choose(angles[:10], intensity[:10])
