"""One curve for every size: read off a table as exactly as its points allow."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.small_angle.master_curves import MasterGrid, read_master_curves
from whorl.physics.small_angle.models.sphere import sphere
from whorl.physics.small_angle.sizes import distribute

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
