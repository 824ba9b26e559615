"""Distinct distances of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from ase.cluster import Icosahedron

from whorl.physics.clusters import distance_list

ONE = np.zeros((1, 1), np.int64)


def test_icosahedron_of_13():
    d, w, _ = distance_list(Icosahedron("Au", 2).positions, np.zeros(13, np.int64), ONE)
    edge = np.max(d) / (2 * np.sin(0.4 * np.pi))  # the diameter is the edge times 1.902
    # radius (12 pairs), edges (30), second neighbours on the surface (30), diameters (6)
    assert d / edge == pytest.approx([0.9510565, 1.0, 1.6180340, 1.9021130], rel=1e-4)
    assert w * 13 / 2 == pytest.approx([12, 30, 30, 6])


def test_every_pair_is_counted_in_its_channel():
    rng = np.random.default_rng(4)
    positions = rng.uniform(-8, 8, (80, 3))
    label = rng.integers(0, 3, 80)
    table = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])
    d, w, channel = distance_list(positions, label, table)
    all_d = np.linalg.norm(positions[:, None] - positions, axis=-1)
    a, b = np.triu_indices(80, 1)
    keep = all_d[a, b] > 0.4
    a, b = a[keep], b[keep]
    for c in range(6):
        expected = all_d[a, b][table[label[a], label[b]] == c]
        mine = channel == c
        assert w[mine].sum() * 40 == pytest.approx(expected.size)
        assert (w[mine] * d[mine]).sum() * 40 == pytest.approx(expected.sum(), rel=1e-9)


def test_a_bin_keeps_the_mean_of_its_members():
    line = np.array([[0, 0, 0], [0, 0, 2.0], [0, 0, 4.0001]])
    d, w, _ = distance_list(line, np.zeros(3, np.int64), ONE, tolerance=1e-2)
    assert d == pytest.approx([2.00005, 4.0001])
    assert w == pytest.approx([4 / 3, 2 / 3])


def test_limits():
    line = np.array([[0, 0, 0], [0, 0, 0.3], [0, 0, 3.0], [0, 0, 9.0]])
    d, _, _ = distance_list(line, np.zeros(4, np.int64), ONE, d_max=5.0)
    assert d == pytest.approx([2.7, 3.0], abs=1e-6)
