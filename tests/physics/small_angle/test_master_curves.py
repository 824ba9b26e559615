"""One curve for every size: read off a table as exactly as its points allow; cylinders of many sizes by one integral."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.small_angle.master_curves import MasterGrid, read_master_curves
from whorl.physics.small_angle.models.cylinder import cylinder
from whorl.physics.small_angle.models.sphere import sphere
from whorl.physics.small_angle.sizes import distribute
from whorl.physics.small_angle.spread_cylinders import spread_cylinders

GRID = MasterGrid(0.002, 40.0, 5.0, 380)


def test_points_are_uniform_in_the_variable_of_the_table():
    x = GRID.points()
    u = np.log(x) + x / GRID.crossover
    assert np.diff(u) == pytest.approx(GRID.step, rel=1e-9)
    assert (x[0], x[-1]) == (0.002, 40.0)


def test_a_table_gives_every_size_and_follows_guinier_below_it():
    """Spheres of 10 % spread: within 1e-3 at any q and size, 1e-6 below the table, where q R goes down to 2e-5."""
    logs = np.log(sphere(GRID.points(), distribute(1.0, 0.1), 1.0, 0.0).intensity)[None]
    for size in (7.0, 300.0):
        q = np.geomspace(1e-2 * GRID.low, 0.99 * GRID.high, 500) / size
        exact = sphere(q, distribute(size, 0.1), 1.0, 0.0).intensity
        found = read_master_curves(
            logs, GRID.low, GRID.first, GRID.step, GRID.crossover, q, np.array([size]), np.array([size**3])
        )[0]
        assert found == pytest.approx(exact, rel=1e-3)
        below = q * size < GRID.low
        assert found[below] == pytest.approx(exact[below], rel=1e-6)


@pytest.mark.parametrize(
    ("ratio", "radius_pd", "length_pd"), [(0.3, 0.0, 0.0), (1.0, 0.1, 0.1), (3.0, 0.2, 0.15), (8.0, 0.05, 0.0)]
)
def test_cylinders_of_many_sizes_are_the_double_sum(ratio, radius_pd, length_pd):
    """Against the kernel that sums over pairs of sizes, to the accuracy of its rule for orientations."""
    q = np.geomspace(0.01, 8.0, 60) / 20
    radii, lengths = distribute(20.0, radius_pd, points=11), distribute(20.0 * ratio, length_pd, points=9)
    exact = cylinder(q, radii, lengths, 1.0, 0.0).intensity
    assert spread_cylinders(q, radii, lengths) == pytest.approx(exact, rel=1e-4)
