"""What symmetry leaves free, for every space group and for known sites."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

from whorl.physics.symmetry import free_cell, free_position, metric_derivatives, metric_tensor

SETTINGS = {group.xhm(): group for group in gemmi.spacegroup_table()}
#: one setting per group number
FIRST = {group.number: name for name, group in reversed(SETTINGS.items())}


def operations(name):
    ops = list(SETTINGS[name].operations()) if name in SETTINGS else list(gemmi.find_spacegroup_by_name(name).operations())
    return np.array([op.rot for op in ops]) / 24.0, np.array([op.tran for op in ops]) / 24.0


def example_cell(group):
    """A cell of the group's crystal system, in its setting, with no accidental equality."""
    system = group.crystal_system_str()
    if system == "cubic":
        return (4.0, 4.0, 4.0, 90, 90, 90), ("a",)
    if system == "tetragonal":
        return (4.0, 4.0, 6.1, 90, 90, 90), ("a", "c")
    if system in ("hexagonal", "trigonal"):
        if group.ext == "R":
            return (5.0, 5.0, 5.0, 72.0, 72.0, 72.0), ("a", "alpha")
        return (4.0, 4.0, 6.1, 90, 90, 120), ("a", "c")
    if system == "orthorhombic":
        return (4.0, 5.1, 6.3, 90, 90, 90), ("a", "b", "c")
    if system == "monoclinic":
        angle = {"a": "alpha", "b": "beta", "c": "gamma"}[group.monoclinic_unique_axis()]
        angles = {"alpha": 90.0, "beta": 90.0, "gamma": 90.0} | {angle: 103.0}
        return (4.0, 5.1, 6.3, *angles.values()), ("a", "b", "c", angle)
    return (4.0, 5.1, 6.3, 83.0, 97.0, 103.0), ("a", "b", "c", "alpha", "beta", "gamma")


@pytest.mark.parametrize("name", SETTINGS)
def test_free_cell_of_every_setting_of_every_group(name):
    group = SETTINGS[name]
    cell, expected = example_cell(group)
    rotations, _ = operations(name)
    names, matrix = free_cell(rotations, np.array(cell, float))
    assert names == expected
    # moving the free parameters keeps the symmetry
    rng = np.random.default_rng(1)
    moved = np.array(cell) + matrix @ rng.uniform(-0.05, 0.05, len(names))
    metric = metric_tensor(moved)
    assert rotations.transpose(0, 2, 1) @ metric @ rotations == pytest.approx(
        np.broadcast_to(metric, rotations.shape), abs=1e-9
    )


def test_an_accidentally_cubic_cell_of_low_symmetry_stays_free():
    rotations, _ = operations("P 1 2/m 1")
    assert free_cell(rotations, np.array([4.0, 4.0, 4.0, 90, 90, 90]))[0] == ("a", "b", "c", "beta")
    assert free_cell(np.eye(3)[None], np.array([4.0, 4.0, 4.0, 90, 90, 90]))[0] == ("a", "b", "c", "alpha", "beta", "gamma")


def test_a_unique_axis_that_the_cell_alone_tells():
    # 4-fold along a and along b
    along_a = np.array([[[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]])
    along_b = np.array([[[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]])
    for rotations, cell in ((along_a, (6.0, 4, 4)), (along_b, (4.0, 6, 4))):
        names, matrix = free_cell(rotations, np.array([*cell, 90, 90, 90]))
        assert names == ("a", "b")
        assert matrix.sum() == 3


@pytest.mark.parametrize(
    ("group", "position", "expected"),
    [
        ("P 63 m c", (1 / 3, 2 / 3, 0.377), {"z": (0, 0, 1)}),  # 2b of wurtzite
        ("R -3 m:H", (0, 0, 0.26), {"z": (0, 0, 1)}),  # 6c of LiCoO2
        ("F d -3 m:2", (0.262, 0.262, 0.262), {"x": (1, 1, 1)}),  # 32e of spinel
        ("P n m a", (0.03, 0.25, 0.99), {"x": (1, 0, 0), "z": (0, 0, 1)}),  # 4c of perovskite
        ("P n m a", (0.28, 0.05, 0.21), {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}),  # 8d
        ("P n m a", (0, 0, 0), {}),  # 4a
        ("P 42/m n m", (0.305, 0.305, 0), {"x": (1, 1, 0)}),  # 4f of rutile
        ("P 42/m n m", (0.195, 0.805, 0.5), {"x": (1, -1, 0)}),  # the same atom, another image
        ("P a -3", (0.385, 0.385, 0.385), {"x": (1, 1, 1)}),  # 8c of pyrite
        ("R -3 c:H", (0.306, 0, 0.25), {"x": (1, 0, 0)}),  # 18e of corundum
        ("I 4/m m m", (0, 0, 0.36), {"z": (0, 0, 1)}),  # 4e of SrFe2As2
        ("P 3 2 1", (0.4, 0.0, 0.0), {"x": (1, 0, 0)}),  # 3e
        ("P 3 m 1", (0.2, 0.8, 0.1), {"x": (1, -1, 0), "z": (0, 0, 1)}),  # 3d: x, -x, z
        ("P 6/m m m", (0.2, 0.4, 0.0), {"x": (1, 2, 0)}),  # 6l: x, 2x, 0
        ("F m -3 m", (0.25, 0.25, 0.25), {}),  # 8c
        ("P 1", (0, 0, 0), {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}),
    ],
)
def test_free_position_of_known_sites(group, position, expected):
    names, basis = free_position(*operations(group), np.array(position))
    assert names == tuple(expected)
    assert basis == pytest.approx(np.array(list(expected.values()), float).reshape(-1, 3).T)


@pytest.mark.parametrize("number", sorted(FIRST))
def test_a_general_position_is_free_in_every_group(number):
    names, basis = free_position(*operations(FIRST[number]), np.array([0.1234, 0.2718, 0.3819]))
    assert names == ("x", "y", "z")
    assert basis == pytest.approx(np.eye(3))


@pytest.mark.parametrize("position", [(1 / 3, 2 / 3, 0.377), (0.3333, 0.6667, 0.377), (1.3333, -0.3333, 5.377)])
def test_rounded_and_shifted_coordinates_are_known_again(position):
    assert free_position(*operations("P 63 m c"), np.array(position))[0] == ("z",)


@pytest.mark.parametrize("cell", [(4, 5, 6, 90, 90, 90), (4, 4, 6.5, 90, 90, 120), (4, 5, 6, 83, 97, 103)])
def test_metric(cell):
    cell = np.array(cell, float)
    matrix = np.array(gemmi.UnitCell(*cell).orth.mat.tolist())
    assert metric_tensor(cell) == pytest.approx(matrix.T @ matrix, abs=1e-9)
    found = metric_derivatives(cell)
    for k in range(6):
        step = 1e-5 * np.eye(6)[k]
        assert found[k] == pytest.approx((metric_tensor(cell + step) - metric_tensor(cell - step)) / 2e-5, abs=1e-6)


def test_right_angles_are_exact():
    assert np.count_nonzero(metric_tensor(np.array([3.0, 4, 5, 90, 90, 90]))) == 3
