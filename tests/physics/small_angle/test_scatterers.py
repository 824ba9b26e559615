"""Scatterers: the Debye sums against closed forms and each other, amplitudes against scatterers, boxes, oriented patterns."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.small_angle.scatterers import patterns
from whorl.physics.small_angle.scatterers.debye import debye_direct, debye_histogram, debye_self
from whorl.physics.small_angle.scatterers.mixture import mixture_intensity, sphere_averages, sphere_form
from whorl.physics.small_angle.scatterers.packing import pack, partial_structure
from whorl.physics.small_angle.scatterers.placing import (
    in_ellipsoid,
    in_shell,
    in_tube,
    ring_amplitude,
    rod_factor,
    shell_amplitude,
)

Q = np.linspace(0.003, 0.2, 40)


@pytest.mark.parametrize("seed", [1, 2])
def test_histogram_is_the_direct_sum(seed):
    """The stated 1e-3 holds for amplitudes of both signs and any spread of distances (largest seen: 1e-4)."""
    rng = np.random.default_rng(seed)
    positions = in_shell(rng, 400, 100.0, 300.0)
    amplitudes = rng.uniform(0.2, 1.0, 400) * (1 if seed == 1 else rng.choice([-1.0, 1.0], 400))
    exact = debye_direct(positions, amplitudes, Q)
    scale = np.maximum(exact, debye_self(amplitudes))
    assert np.max(np.abs(debye_histogram(positions, amplitudes, Q) - exact) / scale) < 1e-3


def test_two_points():
    """2 + 2 sin(qd)/(qd)."""
    pair = np.array([[0.0, 0, 0], [0, 0, 25.0]])
    assert debye_histogram(pair, np.ones(2), Q) == pytest.approx(2 + 2 * np.sinc(Q * 25 / np.pi), rel=1e-3)
    with pytest.raises(ValueError, match="positions of shape"):
        debye_direct(pair, np.ones(3), Q)


def test_scatterers_in_a_sphere_scatter_as_a_sphere():
    """Without the pairs of a scatterer with itself; 3000 scatterers leave a relative noise of some 2/sqrt(3000) of F."""
    n, radius = 3000, 80.0
    found = debye_histogram(in_shell(np.random.default_rng(3), n, 0.0, radius), np.ones(n), Q) - n
    assert np.abs(found / n**2 - sphere_form(Q * radius) ** 2).max() < 0.004
    assert found[0] / n**2 == pytest.approx(sphere_form(Q[:1] * radius)[0] ** 2, rel=0.01)


def test_layers_against_scatterers():
    """A layered sphere of unequal shares: the squared sum of the layers' amplitudes."""
    rng, n = np.random.default_rng(4), 6000
    radii, share = np.array([50.0, 90.0, 130.0]), np.array([0.75, 0.25])
    points = [in_shell(rng, round(n * s), a, b) for s, a, b in zip(share, radii[:-1], radii[1:], strict=True)]
    found = (debye_histogram(np.vstack(points), np.ones(n), Q) - n) / n**2
    closed = (share @ shell_amplitude(Q, radii[:-1], radii[1:])) ** 2
    assert np.abs(found - closed).max() < 0.004


@pytest.mark.parametrize(("inner", "outer", "length"), [(0.0, 20.0, 200.0), (15.0, 30.0, 600.0)])
def test_long_cylinders(inner, outer, length):
    """Rod times cross-section is the average over orientations within half of R/L, down to a twentieth of I(0)."""
    rng = np.random.default_rng(5)
    q = np.geomspace(0.003, 0.2, 25)
    closed = rod_factor(q, length) * ring_amplitude(q, np.array([inner]), np.array([outer]))[0] ** 2

    x, w = np.polynomial.legendre.leggauss(1000)
    mu = 0.5 * (x + 1)
    sections = [ring_amplitude(k * np.sqrt(1 - mu**2), np.array([inner]), np.array([outer]))[0] for k in q]
    true = 0.5 * np.array([(np.sinc(k * length * mu / 2 / np.pi) * a) ** 2 @ w for k, a in zip(q, sections, strict=True)])
    large = true > 0.05
    assert np.max(np.abs(closed / true - 1)[large]) < 0.5 * outer / length
    points = in_tube(rng, 200, inner, outer, length)
    r = np.hypot(points[:, 0], points[:, 1])
    assert inner <= r.min() <= r.max() <= outer
    assert np.abs(points[:, 2]).max() <= length / 2


def _percus_yevick(x, phi):
    """S of hard spheres (Wertheim, Phys. Rev. Lett. 10, 321 (1963))."""
    a, b = (1 + 2 * phi) ** 2 / (1 - phi) ** 4, -6 * phi * (1 + phi / 2) ** 2 / (1 - phi) ** 4
    g = phi * a / 2
    sin, cos = np.sin(x), np.cos(x)
    total = a * (sin - x * cos) / x**2 + b * (2 * x * sin + (2 - x**2) * cos - 2) / x**3
    total += g * (-(x**4) * cos + 4 * ((3 * x**2 - 6) * cos + (x**3 - 6 * x) * sin + 6)) / x**5
    return 1 / (1 + 24 * phi * total / x)


def test_boxes_are_a_fluid_of_hard_spheres():
    """One kind: Percus & Yevick within the noise of four boxes; nothing overlaps; kinds are as many as asked."""
    q = np.geomspace(2.0, 20.0, 24)
    made = [pack(np.random.default_rng([6, k]), volume_fraction=0.3, fraction_a=1.0, count=500) for k in range(4)]
    found = np.mean([partial_structure(box, q)[0] for box in made], axis=0)
    assert np.abs(found - _percus_yevick(q, 0.3)).max() < 0.12
    assert all(box.overlap < 1e-3 for box in made)
    assert partial_structure(made[0], q)[2] == pytest.approx(1.0)


def test_two_kinds_mixed_and_segregated():
    """Together they are one fluid when equal; segregation makes A's neighbours A: S_AA rises and S_AB falls at low q."""
    q = np.array([1.0, 1.2, 1.5])
    s = {}
    for segregation in (0.0, 0.9):
        boxes = [
            pack(np.random.default_rng([7, k]), volume_fraction=0.25, fraction_a=0.5, segregation=segregation, count=400)
            for k in range(3)
        ]
        s[segregation] = np.mean([partial_structure(box, q) for box in boxes], axis=0)
    total = 0.5 * (s[0.0][0] + s[0.0][2]) + s[0.0][1]
    assert np.abs(total - _percus_yevick(q, 0.25)).max() < 0.15
    assert np.all(s[0.9][0] > s[0.0][0] + 0.3)
    assert np.all(s[0.9][1] < s[0.0][1] - 0.3)


def test_mixture_of_one_kind_is_sphere_times_structure():
    """With contrast and structure 1 for both kinds alike, the split into kinds makes no difference; widths add up."""
    q = np.linspace(0.1, 8.0, 50)
    structure = np.array([np.ones(50), np.zeros(50), np.ones(50)])
    given = {"diameters": (2.0, 2.0), "contrasts": (1.0, 1.0), "width": 0.1}
    one = mixture_intensity(q, structure, volume_fractions=(0.2, 0.0), **given)
    two = mixture_intensity(q, structure, volume_fractions=(0.15, 0.05), **given)
    _, square, volume = sphere_averages(q, 2.0, 0.1)
    assert one == pytest.approx(two)
    assert one == pytest.approx(0.2 * square / volume)


@pytest.mark.parametrize("order", [-0.2, 0.0, 0.6])
def test_oriented_intensity_is_the_average_over_axes(order):
    """The expansion in Legendre polynomials against 40 000 drawn axes; their own noise is 1 % of the largest."""
    axes = patterns.draw_axes(np.random.default_rng(8), order, 40_000)
    assert np.mean(1.5 * axes[:, 2] ** 2 - 0.5) == pytest.approx(order, abs=0.01)
    q, angle = np.full(4, 0.06), np.linspace(0, np.pi / 2, 4)
    moments = patterns.coefficients(patterns.ellipsoid_squared(q, patterns.nodes(), 30.0, 110.0))
    found = patterns.oriented_intensity(moments, order, angle)
    to = np.column_stack([np.sin(angle), 0 * angle, np.cos(angle)])
    drawn = [patterns.ellipsoid_squared(q[:1], np.abs(axes @ v), 30.0, 110.0).mean() for v in to]
    assert found == pytest.approx(np.array(drawn), abs=0.015 * max(drawn))


@pytest.mark.parametrize("shape", ["ellipsoid", "cylinder"])
def test_amplitudes_of_one_orientation_are_those_of_scatterers(shape):
    """|sum exp(iqr)|^2 of 20 000 scatterers along and across the axis."""
    rng, n = np.random.default_rng(9), 20_000
    fill = in_ellipsoid(rng, n, 30.0, 75.0) if shape == "ellipsoid" else in_tube(rng, n, 0.0, 30.0, 150.0)
    squared = patterns.ellipsoid_squared if shape == "ellipsoid" else patterns.cylinder_squared
    size = (30.0, 75.0) if shape == "ellipsoid" else (30.0, 150.0)
    for mu in (0.0, 0.6, 1.0):
        vectors = np.outer([0.01, 0.03, 0.06], [np.sqrt(1 - mu**2), 0.0, mu])
        found = patterns.scattered(fill, vectors)
        assert found == pytest.approx(squared(np.array([0.01, 0.03, 0.06]), np.array([mu]), *size)[:, 0], abs=0.01)


def test_order_parameter_out_of_reach():
    with pytest.raises(ValueError, match="order parameter"):
        patterns.order_averages(1.0)
