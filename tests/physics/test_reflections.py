"""Reflection lists against brute force, the operations of gemmi, and analytic spacings."""

from __future__ import annotations

import itertools

import gemmi
import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.physics.reflections import inverse_d2, inverse_d2_derivatives, reflections
from whorl.physics.symmetry import metric_derivatives, metric_tensor

CELLS = {
    "P -1": (5.1, 6.2, 7.3, 81, 97, 103),
    "P 1 21/c 1": (5.1, 6.2, 7.3, 90, 107, 90),
    "C 1 2/c 1": (9.1, 5.2, 7.3, 90, 101, 90),
    "P n m a": (8.48, 5.4, 6.96, 90, 90, 90),
    "F d d d": (5.0, 7.1, 9.3, 90, 90, 90),
    "I 41/a": (5.2, 5.2, 11.4, 90, 90, 90),
    "P 43 21 2": (4.9, 4.9, 6.9, 90, 90, 90),
    "R -3 c:H": (4.76, 4.76, 12.99, 90, 90, 120),
    "P 61 2 2": (5.0, 5.0, 10.9, 90, 90, 120),
    "P a -3": (5.4, 5.4, 5.4, 90, 90, 90),
    "I a -3 d": (11.9, 11.9, 11.9, 90, 90, 90),
    "F d -3 m:2": (8.08, 8.08, 8.08, 90, 90, 90),
}


def of_group(name: str, cell: tuple[float, ...], d_min: float):
    crystal = Crystal("x", cell=cell, space_group=name, sites=(Site("Ni", (0.11, 0.23, 0.37)),))
    return crystal, reflections(crystal.metric, *crystal.symmetry, d_min)


@pytest.mark.parametrize("name", CELLS)
def test_list_is_that_of_the_whole_sphere(name):
    """Every reflection of the sphere that gemmi does not call absent is counted once through the multiplicities."""
    cell, d_min = CELLS[name], 1.6
    _, found = of_group(name, cell, d_min)
    unit, operations = gemmi.UnitCell(*cell), gemmi.SpaceGroup(name).operations()
    reach = [range(-int(v / d_min) - 1, int(v / d_min) + 2) for v in cell[:3]]
    sphere = [
        h
        for h in itertools.product(*reach)
        if any(h) and unit.calculate_d(h) >= d_min and not operations.is_systematically_absent(h)
    ]
    assert found.multiplicity.sum() == len(sphere)
    assert {tuple(h) for h in found.hkl.tolist()} <= set(sphere)
    assert len(found.hkl) == len(gemmi.make_miller_array(unit, gemmi.SpaceGroup(name), d_min))


def test_multiplicities_of_cubic_forms():
    """International Tables A, m-3m: h00 6, hhh 8, hh0 12, hk0 and hhl 24, hkl 48."""
    _, found = of_group("P m -3 m", (4.0,) * 3 + (90,) * 3, 4.0 / np.sqrt(14.01))
    table = {tuple(sorted(np.abs(h).tolist())): m for h, m in zip(found.hkl, found.multiplicity, strict=True)}
    assert table[0, 0, 1] == 6
    assert table[1, 1, 1] == 8
    assert table[0, 1, 1] == 12
    assert table[0, 1, 2] == table[1, 1, 2] == 24
    assert table[1, 2, 3] == 48


def test_spacings_of_a_hexagonal_cell():
    """1/d^2 = 4/3 (h^2 + hk + k^2)/a^2 + l^2/c^2."""
    a, c = 3.25, 5.21
    hkl = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 2], [2, 1, 3]])
    h, k, l = hkl.T
    exact = 4 / 3 * (h * h + h * k + k * k) / a**2 + l * l / c**2
    assert inverse_d2(hkl, metric_tensor(np.array([a, a, c, 90, 90, 120.0]))) == pytest.approx(exact, rel=1e-12)


def test_derivatives_by_the_cell():
    cell = np.array([5.1, 6.2, 7.3, 81, 97, 103.0])
    hkl = np.array([[1, 2, -1], [3, 0, 1], [0, -2, 2]])
    slopes = inverse_d2_derivatives(hkl, metric_tensor(cell), metric_derivatives(cell))
    for p, step in enumerate([1e-5] * 3 + [1e-4] * 3):
        up, down = (inverse_d2(hkl, metric_tensor(cell + sign * step * np.eye(6)[p])) for sign in (1, -1))
        assert slopes[p] == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-10)
