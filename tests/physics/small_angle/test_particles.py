"""Particles: against sasmodels, their volumes, radii of gyration, surfaces, and as limits of each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import j1

from whorl.physics.small_angle.averages import Sizes
from whorl.physics.small_angle.models import all_models, find_model
from whorl.physics.small_angle.sizes import combine, distribute

REFERENCES = json.loads((Path(__file__).parent / "data" / "particles.json").read_text(encoding="utf-8"))
CASES = [(key, k) for key, sets in REFERENCES["models"].items() for k in range(len(sets))]
PARTICLES = sorted(REFERENCES["models"])
PI = np.pi


@pytest.mark.parametrize(("key", "k"), CASES)
def test_averages_are_those_of_sasmodels(key, k):
    given = REFERENCES["models"][key][k]
    values = dict(given["values"])
    if spread := given["spread"]:
        name = spread["name"]
        values[name] = distribute(values[name], spread["width"], spread["shape"], points=spread["points"])
    found = find_model(key).averages(np.array(REFERENCES["q"]), values)
    np.testing.assert_allclose(found.f2, given["f2"], rtol=5e-6)  # tables and thinned sizes are good to 1e-5
    scale = np.sqrt(max(given["f2"]))  # <F> goes through zero; its sign is a convention
    np.testing.assert_allclose(np.abs(found.f), np.abs(given["f"]), rtol=1e-5, atol=1e-7 * scale)
    assert found.volume == pytest.approx(given["volume"], rel=1e-7)
    assert found.radius == pytest.approx(given["radius"], rel=1e-7)


def test_every_particle_has_references():
    """A contract: a model of particles that is added here is checked against sasmodels."""
    ours = {m.key for m in all_models() if m.kernel.__module__.startswith("whorl.physics.small_angle.models") and m.particle}
    assert set(PARTICLES) <= ours


def ball(contrast, *half_axes):
    """(contrast times volume, radius of gyration squared) of an ellipsoid."""
    a, b, c = half_axes
    return contrast * 4 / 3 * PI * a * b * c, (a * a + b * b + c * c) / 5


def rod(contrast, radius, length):
    return contrast * PI * radius**2 * length, radius**2 / 2 + length**2 / 12


#: parameters, and the bodies that a particle is the sum of
BODIES = {
    "sphere": ({"sld": 3, "sld_solvent": 1, "radius": 80}, [ball(2, 80, 80, 80)]),
    "core_shell_sphere": (
        {"sld_core": 4, "sld_shell": -1, "sld_solvent": 1, "radius": 50, "thickness": 20},
        [ball(5, 50, 50, 50), ball(-2, 70, 70, 70)],
    ),
    "core_two_shell_sphere": (
        {"sld_core": 4, "sld1": 2, "sld2": 3, "sld_solvent": 1, "radius": 50, "thickness1": 20, "thickness2": 30},
        [ball(2, 50, 50, 50), ball(-1, 70, 70, 70), ball(2, 100, 100, 100)],
    ),
    "vesicle": (
        {"sld": 3, "sld_solvent": 1, "radius": 100, "thickness": 20, "volfraction": 1},
        [ball(-2, 100, 100, 100), ball(2, 120, 120, 120)],
    ),
    "cylinder": ({"sld": 3, "sld_solvent": 1, "radius": 30, "length": 150}, [rod(2, 30, 150)]),
    "hollow_cylinder": (
        {"sld": 3, "sld_solvent": 1, "radius": 30, "thickness": 20, "length": 150},
        [rod(-2, 30, 150), rod(2, 50, 150)],
    ),
    "core_shell_cylinder": (
        {"sld_core": 5, "sld_shell": 3, "sld_solvent": 1, "radius": 30, "thickness": 20, "length": 150},
        [rod(2, 30, 150), rod(2, 50, 190)],
    ),
    "core_shell_bicelle": (
        {
            "sld_core": 1,
            "sld_face": 5,
            "sld_rim": 3,
            "sld_solvent": 2,
            "radius": 60,
            "thick_rim": 20,
            "thick_face": 10,
            "length": 40,
        },
        [rod(-4, 60, 40), rod(2, 60, 60), rod(1, 80, 60)],
    ),
    "ellipsoid": ({"sld": 3, "sld_solvent": 1, "radius_polar": 90, "radius_equatorial": 40}, [ball(2, 40, 40, 90)]),
    "triaxial_ellipsoid": (
        {"sld": 3, "sld_solvent": 1, "radius_equat_minor": 30, "radius_equat_major": 50, "radius_polar": 90},
        [ball(2, 30, 50, 90)],
    ),
    "core_shell_ellipsoid": (
        {
            "sld_core": 5,
            "sld_shell": 3,
            "sld_solvent": 1,
            "radius_equat_core": 40,
            "x_core": 2,
            "thick_shell": 10,
            "x_polar_shell": 0.5,
        },
        [ball(2, 40, 40, 80), ball(2, 50, 50, 85)],
    ),
    "parallelepiped": (
        {"sld": 3, "sld_solvent": 1, "length_a": 40, "length_b": 70, "length_c": 200},
        [(2 * 40 * 70 * 200, (40**2 + 70**2 + 200**2) / 12)],
    ),
}


@pytest.mark.parametrize("key", BODIES)
def test_forward_scattering_and_radius_of_gyration(key):
    values, bodies = BODIES[key]
    amplitude = sum(a for a, _ in bodies)
    gyration = sum(a * g for a, g in bodies) / amplitude
    q = 0.02 / np.sqrt(abs(gyration))
    found = find_model(key).averages(np.array([1e-6, q]), values)
    assert found.f2[0] == pytest.approx(amplitude**2, rel=1e-6)
    assert abs(found.f[0]) == pytest.approx(abs(amplitude), rel=1e-6)
    assert -3 * np.log(found.f2[1] / found.f2[0]) / q**2 == pytest.approx(gyration, rel=5e-4)  # the next term is (q Rg)^2


def test_fuzzy_surface_adds_to_the_radius_of_gyration():
    values = {"sld": 3, "sld_solvent": 1, "radius": 80, "fuzziness": 12}
    q = 2e-4
    found = find_model("fuzzy_sphere").averages(np.array([1e-7, q]), values)
    assert -3 * np.log(found.f2[1] / found.f2[0]) / q**2 == pytest.approx(0.6 * 80**2 + 3 * 12**2, rel=5e-4)


#: parameters, the lengths that are spread, and the surface for given values
SURFACES = {
    "sphere": ({"radius": 90.0}, lambda v: 4 * PI * v["radius"] ** 2),
    "cylinder": (
        {"radius": 60.0, "length": 150.0},
        lambda v: 2 * PI * v["radius"] * (v["radius"] + v["length"]),
    ),
    "hollow_cylinder": (
        {"radius": 50.0, "thickness": 40.0, "length": 150.0},
        lambda v: (
            2 * PI * (2 * v["radius"] + v["thickness"]) * v["length"]
            + 2 * PI * ((v["radius"] + v["thickness"]) ** 2 - v["radius"] ** 2)
        ),
    ),
    "parallelepiped": (
        {"length_a": 90.0, "length_b": 130.0, "length_c": 210.0},
        lambda v: 2 * (v["length_a"] * v["length_b"] + v["length_a"] * v["length_c"] + v["length_b"] * v["length_c"]),
    ),
}


@pytest.mark.parametrize("key", SURFACES)
def test_porods_law(key):
    """q^4 <F^2> goes to 2 pi (difference of sld)^2 times the surface (Porod, Kolloid-Z. 124, 83 (1951))."""
    lengths, surface = SURFACES[key]
    spread = {name: distribute(value, 0.12, "gaussian", points=61) for name, value in lengths.items()}
    values, weights = combine(*spread.values())
    expected = 2 * PI * 4 * weights @ surface(dict(zip(lengths, values, strict=True)))
    q = np.linspace(0.5, 0.9, 40)
    found = find_model(key).averages(q, {"sld": 3, "sld_solvent": 1, **spread})
    assert np.mean(q**4 * found.f2) == pytest.approx(expected, rel=0.02)  # the next terms fall as 1 / (q size)


def test_thin_rod_and_thin_disk_have_their_slopes():
    q = np.array([0.05, 0.2, 0.5])
    rod_ = find_model("rod").averages(q, {"radius": 0.5, "length": 10_000.0})
    volume = PI * 0.5**2 * 10_000 * 3
    np.testing.assert_allclose(rod_.f2 / volume**2 * q * 10_000 / PI, 1, rtol=0.02)  # pi / (q L) - 2 / (q L)^2, (q R)^2 / 4
    disk = find_model("disk").averages(q, {"radius": 3000.0, "length": 0.5})
    volume = PI * 3000**2 * 0.5 * 3
    np.testing.assert_allclose(disk.f2 / volume**2 * (q * 3000) ** 2 / 2, 1, rtol=0.02)  # 2 / (q R)^2 (1 - J_1(2 q R) / (q R))


@pytest.mark.parametrize(
    ("key", "values", "other", "others"),
    [
        (
            "core_shell_sphere",
            {"sld_core": 2, "sld_shell": 2, "sld_solvent": 5, "radius": 50, "thickness": 30},
            "sphere",
            {"sld": 2, "sld_solvent": 5, "radius": 80},
        ),
        (
            "core_shell_sphere",
            {"sld_core": 5, "sld_shell": 2, "sld_solvent": 5, "radius": 50, "thickness": 30},
            "vesicle",
            {"sld": 2, "sld_solvent": 5, "radius": 50, "thickness": 30, "volfraction": 1},
        ),
        (
            "core_two_shell_sphere",
            {"sld_core": 2, "sld1": 3, "sld2": 3, "sld_solvent": 5, "radius": 50, "thickness1": 10, "thickness2": 20},
            "core_shell_sphere",
            {"sld_core": 2, "sld_shell": 3, "sld_solvent": 5, "radius": 50, "thickness": 30},
        ),
        (
            "hollow_cylinder",
            {"sld": 2, "sld_solvent": 5, "radius": 1e-9, "thickness": 40, "length": 200},
            "cylinder",
            {"sld": 2, "sld_solvent": 5, "radius": 40, "length": 200},
        ),
        (
            "core_shell_cylinder",
            {"sld_core": 2, "sld_shell": 2, "sld_solvent": 5, "radius": 30, "thickness": 10, "length": 180},
            "cylinder",
            {"sld": 2, "sld_solvent": 5, "radius": 40, "length": 200},
        ),
        (
            "core_shell_bicelle",
            {
                "sld_core": 1,
                "sld_face": 3,
                "sld_rim": 3,
                "sld_solvent": 5,
                "radius": 30,
                "thick_rim": 10,
                "thick_face": 10,
                "length": 20,
            },
            "core_shell_disk",
            {"sld_core": 1, "sld_shell": 3, "sld_solvent": 5, "radius": 30, "thickness": 10, "length": 20},
        ),
        (
            "ellipsoid",
            {"sld": 2, "sld_solvent": 5, "radius_polar": 80, "radius_equatorial": 80},
            "sphere",
            {"sld": 2, "sld_solvent": 5, "radius": 80},
        ),
        (
            "triaxial_ellipsoid",
            {"sld": 2, "sld_solvent": 5, "radius_equat_minor": 90, "radius_equat_major": 30, "radius_polar": 30},
            "prolate_ellipsoid",
            {"sld": 2, "sld_solvent": 5, "radius_polar": 90, "radius_equatorial": 30},
        ),
        (
            "core_shell_ellipsoid",
            {
                "sld_core": 2,
                "sld_shell": 3,
                "sld_solvent": 5,
                "radius_equat_core": 50,
                "x_core": 1,
                "thick_shell": 20,
                "x_polar_shell": 1,
            },
            "core_shell_sphere",
            {"sld_core": 2, "sld_shell": 3, "sld_solvent": 5, "radius": 50, "thickness": 20},
        ),
    ],
)
def test_limits_are_other_models(key, values, other, others):
    q = np.geomspace(1e-3, 0.5, 60)
    mine, theirs = find_model(key).averages(q, values), find_model(other).averages(q, others)
    np.testing.assert_allclose(mine.f2, theirs.f2, rtol=1e-6)
    assert mine.radius == pytest.approx(theirs.radius, rel=1e-6)


@pytest.mark.parametrize(("radius", "length"), [(50.0, 2000.0), (667.572, 377.434), (20.0, 10_000.0)])
def test_cylinders_are_the_integral_over_a_hundred_thousand_angles(radius, length):
    """At any q, in the minima of one size too: at q = 0.148 of the second, sasmodels 1.1.0 is 0.3 % off."""
    theta = (np.arange(100_000) + 0.5) * PI / 2 / 100_000
    q = np.append(np.linspace(0.02, 0.5, 9), 0.1478291907771626)
    x, y = np.outer(q, radius * np.sin(theta)), np.outer(q, length / 2 * np.cos(theta))
    form = 2 * j1(x) / x * np.sin(y) / y
    expected = (form**2 @ np.sin(theta)) * PI / 2 / theta.size * (3 * PI * radius**2 * length) ** 2
    found = find_model("cylinder").averages(q, {"radius": radius, "length": length})
    np.testing.assert_allclose(found.f2, expected, rtol=1e-6)


def test_three_axes_are_the_integral_over_a_hundred_thousand_orientations():
    """20, 400, 10 angstrom, the defaults: at q = 0.2 sasmodels 1.1.0 is 3 % off."""
    u, weight = np.polynomial.legendre.leggauss(600)  # even in u
    phi = (np.arange(200) + 0.5) * PI / 400
    q = np.array([0.01, 0.12, 0.2, 0.45])
    radius = np.sqrt(np.outer(400 + (160_000 - 400) * np.sin(phi) ** 2, 1 - u**2) + 100 * u**2)
    for k, x in enumerate(q[:, None, None] * radius):
        form = (3 * (np.sin(x) - x * np.cos(x)) / x**3) ** 2 @ weight / 2
        expected = form.mean() * (3 * 4 / 3 * PI * 20 * 400 * 10) ** 2
        assert find_model("triaxial_ellipsoid").averages(q, {}).f2[k] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("key", PARTICLES)
def test_beta_lies_between_zero_and_one(key):
    model, rng = find_model(key), np.random.default_rng(20)
    q = np.geomspace(1e-3, 0.4, 80)
    for _ in range(3):
        found = model.averages(q, model.draw(rng))
        assert np.all(np.isfinite(found.f2))
        assert np.all(found.f2 >= 0)
        assert np.all(found.beta <= 1 + 1e-6)
        assert found.volume > 0 < found.radius


@pytest.mark.parametrize("key", PARTICLES)
def test_distributed_sizes_are_the_explicit_sum(key):
    model = find_model(key)
    lengths = [p.name for p in model.parameters if p.spreads][:2]
    q = np.array([0.0013, 0.011, 0.047, 0.13, 0.31])
    defaults = next(one["values"] for one in REFERENCES["models"][key] if one["spread"])
    spread = {name: distribute(defaults[name], 0.1 + 0.05 * k, points=21) for k, name in enumerate(lengths)}
    found = model.averages(q, defaults | spread)
    expected, f, volume = np.zeros(q.size), np.zeros(q.size), 0.0
    combinations, weights = combine(*spread.values())
    for sizes, weight in zip(combinations.T, weights, strict=True):
        one = model.averages(q, defaults | dict(zip(lengths, sizes.tolist(), strict=True)))
        expected, f, volume = expected + weight * one.f2, f + weight * one.f, volume + weight * one.volume
    np.testing.assert_allclose(found.f2, expected, rtol=2e-5)
    np.testing.assert_allclose(found.f, f, atol=1e-6 * np.sqrt(expected.max()))
    assert found.volume == pytest.approx(volume, rel=1e-9)


@pytest.mark.parametrize("key", ["core_shell_sphere", "rod", "core_shell_disk", "parallelepiped", "oblate_ellipsoid"])
def test_order_and_range_of_q_do_not_matter(key):
    model, q = find_model(key), np.geomspace(2e-3, 0.5, 40)
    lengths = [p.name for p in model.parameters if p.spreads]
    values = model.defaults | {lengths[0]: distribute(model.defaults[lengths[0]], 0.15)}
    whole = model.averages(q, values)
    order = np.random.default_rng(3).permutation(q.size)
    np.testing.assert_allclose(model.averages(q[order], values).f2, whole.f2[order], rtol=1e-12)
    np.testing.assert_allclose(model.averages(q[:11], values).f2, whole.f2[:11], rtol=2e-5)


def test_two_sizes_are_two_kinds_of_particles():
    q = np.geomspace(2e-3, 0.3, 30)
    model = find_model("rod")
    found = model.averages(q, {"radius": Sizes(np.array([20.0, 60.0]), np.array([0.9, 0.1]))})
    small, large = (model.averages(q, {"radius": radius}) for radius in (20.0, 60.0))
    np.testing.assert_allclose(found.f2, 0.9 * small.f2 + 0.1 * large.f2, rtol=2e-5)


def test_draws_of_rods_and_disks_do_not_meet():
    rng = np.random.default_rng(8)
    rods = [find_model("rod").draw(rng) for _ in range(200)]
    disks = [find_model("disk").draw(rng) for _ in range(200)]
    assert min(v["length"] / v["radius"] for v in rods) >= 2.5
    assert max(v["length"] / v["radius"] for v in disks) <= 1.0
