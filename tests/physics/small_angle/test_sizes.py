"""Distributions of sizes, their Gauss rules, and the rules for orientation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j0, j1, sici

from whorl.core.errors import UsageError
from whorl.physics.small_angle.averages import Sizes
from whorl.physics.small_angle.functions import LOOP, disc_shape, slab_shape, sphere_shape
from whorl.physics.small_angle.orientation import azimuths, rules
from whorl.physics.small_angle.separable import tabulate
from whorl.physics.small_angle.sizes import SHAPES, combine, distribute
from whorl.physics.small_angle.thinning import over_sizes, thin

#: weights that sasmodels 1.1.0 gives to five points of each shape with centre 100, width 0.2 and 3 sigmas
FIVE = {
    "gaussian": [0.00664603, 0.19422555, 0.59825683, 0.19422555, 0.00664603],
    "lognormal": [4.178e-05, 0.17586033, 0.60379083, 0.19645354, 0.02385351],
    "schulz": [0.00055041, 0.20719926, 0.59817276, 0.17958021, 0.01449736],
    "boltzmann": [0.03220724, 0.14434286, 0.6468998, 0.14434286, 0.03220724],
    "rectangle": [0.2, 0.2, 0.2, 0.2, 0.2],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_have_their_centre_and_width(shape):
    sizes = distribute(100.0, 0.1, shape, points=2001, sigmas=8.0)
    assert sizes.weights.sum() == pytest.approx(1)
    mean = sizes.mean()
    deviation = np.sqrt(sizes.mean(2) - mean**2)
    expected = {
        "gaussian": (100, 10),
        "lognormal": (100 * np.exp(0.005), 100 * np.exp(0.005) * np.sqrt(np.expm1(0.01))),
        "schulz": (100, 10),
        "boltzmann": (100, 10 * np.sqrt(2)),  # cut at eight widths, which takes 1 % of it
        "rectangle": (100, 10),
    }[shape]
    assert mean == pytest.approx(expected[0], rel=1e-3)
    assert deviation == pytest.approx(expected[1], rel=0.015)


@pytest.mark.parametrize("shape", FIVE)
def test_points_and_weights_are_those_of_sasmodels(shape):
    sizes = distribute(100.0, 0.2, shape, points=5)
    half = 20 * np.sqrt(3) if shape == "rectangle" else 60
    np.testing.assert_allclose(sizes.values, np.linspace(100 - half, 100 + half, 5))
    np.testing.assert_allclose(sizes.weights, FIVE[shape], atol=1e-8)


def test_no_size_is_zero_or_less():
    sizes = distribute(50.0, 0.5, "gaussian")
    assert sizes.values.min() > 0
    assert sizes.values.size < 35
    assert sizes.weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("mean", "width", "shape"),
    [(-1.0, 0.1, "gaussian"), (10.0, -0.1, "schulz"), (np.nan, 0.1, "lognormal"), (10.0, 0.1, "triangle")],
)
def test_impossible_distributions(mean, width, shape):
    with pytest.raises(UsageError):
        distribute(mean, width, shape)


def test_no_width_is_one_size():
    np.testing.assert_array_equal(distribute(30.0, 0.0).values, [30.0])


@pytest.mark.parametrize("n", [2, 5])
def test_thinned_sizes_keep_the_moments(n):
    many = distribute(120.0, 0.2, "schulz")
    few = thin(many, n)
    assert few.values.size == n
    assert few.values.min() > 0
    for power in range(2 * n):
        assert few.mean(power) == pytest.approx(many.mean(power), rel=1e-9)
    assert abs(few.mean(2 * n) / many.mean(2 * n) - 1) > 1e-12


def test_thinned_sizes_of_a_distribution_with_empty_bins():
    weights = np.zeros(40)
    weights[[3, 4, 20, 21, 22, 39]] = [0.1, 0.2, 0.3, 0.2, 0.1, 0.1]
    few = thin(Sizes(np.linspace(10.0, 90.0, 40), weights), 3)
    assert few.mean(5) == pytest.approx(float(weights @ np.linspace(10.0, 90.0, 40) ** 5), rel=1e-10)


def test_averages_over_sizes_are_those_over_all_of_them():
    sizes, q = distribute(200.0, 0.15, "gaussian"), np.geomspace(1e-3, 0.5, 200)

    def kernel(some, values, weights):
        return np.stack([np.cos(2 * np.outer(some, values[0])) @ weights, np.outer(some, values[0]) ** 2 @ weights])

    values, weights = combine(sizes)
    found, expected = over_sizes(q, kernel, (sizes,), (1.0,)), kernel(q, values, weights)
    np.testing.assert_allclose(found[0], expected[0], atol=2e-5)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-9)


@pytest.mark.parametrize("reach", [0.3, 3.0, 17.0, 90.0, 400.0, 1900.0, 2500.0, 9000.0])
def test_polar_rules_average_a_slab(reach):
    given = rules(reach)
    assert np.all(np.diff(given.reach) > 0)
    assert given.reach[-1] >= reach
    k = int(np.searchsorted(given.reach, reach))
    points = slice(given.start[k], given.start[k + 1])
    x = reach * given.cosine[points]
    exact = (sici(2 * reach)[0] - np.sin(reach) ** 2 / reach) / reach  # of (sin x / x)^2
    assert given.weight[points] @ (np.sin(x) / x) ** 2 == pytest.approx(exact, rel=1e-8)
    np.testing.assert_allclose(given.cosine[points] ** 2 + given.sine[points] ** 2, 1, rtol=1e-12)


@pytest.mark.parametrize("reach", [2.0, 40.0, 700.0])
def test_azimuthal_rules_average_a_wave(reach):
    given = azimuths(reach)
    k = int(np.searchsorted(given.reach, reach))
    points = slice(given.start[k], given.start[k + 1])
    assert given.weight[points] @ np.cos(2 * reach * given.cosine[points]) == pytest.approx(j0(2 * reach), abs=1e-9)


def test_functions_of_compiled_loops():
    from numba import njit

    @njit(**(LOOP | {"cache": False}))
    def fill(x, out):
        for i in range(x.size):
            out[0, i] = sphere_shape(x[i])
            out[1, i] = disc_shape(x[i])
            out[2, i] = slab_shape(x[i])

    x = np.concatenate([[0.0], np.geomspace(1e-6, 1e5, 40_001), [0.7, 8.0]])
    out = np.empty((3, x.size))
    fill(x, out)
    y = np.maximum(x, 1e-3)
    sphere = np.where(x < 0.02, 1 - x**2 / 10 + x**4 / 280, 3 * (np.sin(y) - y * np.cos(y)) / y**3)
    np.testing.assert_allclose(out[0], sphere, atol=3e-10)  # numpy's form loses digits at small x
    np.testing.assert_allclose(out[1], np.where(x < 1e-3, 1 - x**2 / 8, 2 * j1(y) / y), atol=1e-11)
    np.testing.assert_allclose(out[2], np.sinc(x / np.pi), atol=1e-11)


def test_tables_reach_their_ends():
    inverse, table = tabulate(lambda x: np.stack([np.cos(300 * x), x**2]), 0.4, 150.0)
    at = np.linspace(0, 0.4, 4001)
    cell = (at * inverse).astype(int)
    powers = (at * inverse - cell)[:, None] ** np.arange(6)
    np.testing.assert_allclose((table[cell, 0] * powers).sum(axis=1), np.cos(300 * at), atol=2e-6)
    np.testing.assert_allclose((table[cell, 1] * powers).sum(axis=1), at**2, atol=1e-10)
