"""Chains, lamellae, networks, fractals and functions in their limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j0

from whorl.physics.small_angle.models import all_models, find_model
from whorl.physics.small_angle.models.flexible_cylinder import worm
from whorl.physics.small_angle.models.gauss_coil import debye
from whorl.physics.small_angle.models.hexagonal_cylinders import lattice_factor
from whorl.physics.small_angle.models.lamellar_stack_paracrystal import stack
from whorl.physics.small_angle.sizes import distribute

Q = np.geomspace(0.001, 0.5, 200)
OTHERS = [model for model in all_models() if not model.particle and not model.key.startswith("sasmodels:")]


def slope(q, intensity):
    return np.polyfit(np.log(q), np.log(intensity), 1)[0]


def sine_transform(intensity, q, r):
    """Correlation function but for a factor, by 4 pi int q I sin(qr)/r dq."""
    return np.array([np.trapezoid(q * intensity * np.sin(q * one), q) / one for one in r])


@pytest.mark.parametrize("model", OTHERS, ids=lambda m: m.key)
def test_typical_draws_are_finite_and_every_free_parameter_shows(model):
    rng = np.random.default_rng(20261)
    for _ in range(4 if model.family == "crystal" else 25):
        values = model.draw(rng)
        for parameter in model.parameters:
            low, high = parameter.typical  # where fits start, and may go
            assert low * (1 - 1e-9) <= values[parameter.name] <= high * (1 + 1e-9)
            assert parameter.limits[0] <= low
            assert high <= parameter.limits[1]
        intensity = model.intensity(Q, values)
        assert np.all(np.isfinite(intensity))
        assert intensity.min() >= 0
    shown = {p.name: 0.0 for p in model.parameters if p.free}
    for _ in range(1 if model.family == "crystal" else 6):
        values = model.draw(rng)
        base = model.intensity(Q, values)
        for name, most in shown.items():
            other = model.intensity(Q, values | {name: 1.1 * values[name]})
            ratio = other[base > 0] / base[base > 0]
            shown[name] = max(most, float(np.std(np.log(np.maximum(ratio, 1e-9)))))
    assert min(shown.values(), default=1.0) > 1e-3  # of the shape: a factor would leave 0


def test_debye_function_has_its_radius_of_gyration_and_its_plateau():
    q = np.array([1e-4, 2e-4])
    low = np.log(find_model("mono_gauss_coil").intensity(q, {"rg": 80.0}))
    assert np.sqrt(-3 * np.diff(low)[0] / np.diff(q**2)[0]) == pytest.approx(80.0, rel=1e-4)
    assert 1e4 * debye(np.array([1e4]))[0] == pytest.approx(2.0, rel=2e-4)
    assert debye(np.array([0.0499999999, 0.0500000001])) == pytest.approx(debye(np.array([0.05, 0.05])), rel=1e-9)


def test_chains_contain_each_other():
    coil = debye((Q * 60.0) ** 2)
    assert find_model("polymer_excl_volume").intensity(Q, {"rg": 60.0, "porod_exp": 2.0}) == pytest.approx(coil, rel=1e-6)
    assert find_model("poly_gauss_coil").intensity(Q, {"rg": 60.0, "polydispersity": 1.00001, "i_zero": 1.0}) == pytest.approx(
        coil, rel=1e-4
    )
    assert find_model("star_polymer").intensity(Q, {"rg_squared": 3600.0, "arms": 2.0}) == pytest.approx(coil, rel=1e-9)


def test_a_swollen_chain_falls_with_its_power():
    q = np.geomspace(0.2, 0.5, 20)
    found = find_model("polymer_excl_volume").intensity(q, {"rg": 500.0, "porod_exp": 5 / 3})
    assert slope(q, found) == pytest.approx(-5 / 3, abs=0.01)


def test_a_stiff_worm_is_a_rod():
    length, kuhn = 400.0, 40000.0
    q = np.array([1e-4, 2e-4])
    low = np.log(worm(q, length, kuhn))
    assert -3 * np.diff(low)[0] / np.diff(q**2)[0] == pytest.approx(length**2 / 12, rel=0.01)
    far = np.array([0.3])
    assert worm(far, length, kuhn)[0] * far[0] * length / np.pi == pytest.approx(1.0, rel=0.02)


def test_a_long_worm_is_swollen_between_its_ends_and_its_kuhn_length_and_a_rod_below():
    length, kuhn = 60000.0, 100.0
    middle, far = np.geomspace(0.003, 0.015, 20), np.geomspace(0.3, 0.6, 20)
    assert slope(middle, worm(middle, length, kuhn)) == pytest.approx(-1 / 0.585, abs=0.06)
    assert slope(far, worm(far, length, kuhn)) == pytest.approx(-1.0, abs=0.03)
    at = np.array([3.1 / kuhn])
    assert worm(at * (1 - 1e-7), length, kuhn) == pytest.approx(worm(at * (1 + 1e-7), length, kuhn), rel=1e-5)


def test_sheets_contain_each_other():
    thin, thick = {"sld": 1.0, "sld_solvent": 6.0}, 40.0
    sheet = find_model("lamellar").intensity(Q, thin | {"thickness": thick})
    bilayer = find_model("lamellar_hg").intensity(Q, thin | {"sld_head": 1.0, "length_tail": 12.0, "length_head": 8.0})
    alone = find_model("lamellar_stack_paracrystal").intensity(Q, thin | {"thickness": thick, "Nlayers": 1.0})
    caille = find_model("lamellar_stack_caille").intensity(Q, thin | {"thickness": thick, "Nlayers": 1.0, "d_spacing": 200.0})
    assert bilayer == pytest.approx(sheet, rel=1e-9)
    assert thick * alone == pytest.approx(sheet, rel=1e-9)
    assert 200.0 * caille / thick == pytest.approx(sheet, rel=1e-9)
    assert sheet[0] * Q[0] ** 2 == pytest.approx(1e-4 * 2 * np.pi * 25 * thick, rel=1e-3)


def test_sheets_of_several_thicknesses_lose_their_minima():
    q = np.linspace(0.12, 0.2, 81)  # around 2 pi / 40
    model = find_model("lamellar")
    sharp = model.intensity(q, {"thickness": 40.0})
    broad = model.intensity(q, {"thickness": distribute(40.0, 0.15, "gaussian")})
    assert sharp.min() < 1e-3 * sharp.max()
    assert broad.min() > 0.05 * broad.max()


def test_stacks_peak_at_their_spacing_and_their_sum_is_closed():
    q = np.linspace(0.05, 0.15, 401)
    for key in ("lamellar_stack_paracrystal", "lamellar_stack_caille"):
        found = find_model(key).intensity(q, {"thickness": 10.0, "d_spacing": 63.0, "Nlayers": 30.0})
        assert q[found.argmax()] == pytest.approx(2 * np.pi / 63.0, rel=0.01)
    phase, w = np.linspace(0.1, 9.0, 30), np.exp(-np.linspace(0.01, 0.5, 30))
    direct = 1 + 2 * sum((1 - n / 6) * w**n * np.cos(n * phase) for n in range(1, 6))
    assert stack(phase, w, 6.0) == pytest.approx(direct, rel=1e-9)
    assert stack(phase, w, 6.5) == pytest.approx((stack(phase, w, 6.0) + stack(phase, w, 7.0)) / 2, rel=1e-9)


def test_two_phase_materials_have_their_correlation_functions():
    q = np.linspace(0, 8.0, 400001)[1:]
    r = np.array([20.0, 50.0, 90.0])
    random = sine_transform(find_model("dab").intensity(q, {"cor_length": 40.0}), q, r)
    assert random / random[0] == pytest.approx(np.exp(-(r - r[0]) / 40.0), rel=1e-3)
    wave = sine_transform(find_model("teubner_strey").intensity(q, {"d": 110.0, "xi": 35.0}), q, r)
    k = 2 * np.pi / 110.0
    expected = np.exp(-r / 35.0) * np.sin(k * r) / (k * r)
    assert wave / wave[0] == pytest.approx(expected / expected[0], rel=1e-3, abs=1e-4)


def test_fractals_fall_with_their_dimensions():
    inside = np.geomspace(0.004, 0.02, 20)
    cluster = {"radius": 3.0, "cutoff_length": 20000.0, "fractal_dim_mass": 2.2}
    assert slope(inside, find_model("mass_fractal").intensity(inside, cluster)) == pytest.approx(-2.2, abs=0.02)
    aggregate = {"radius": 3.0, "cor_length": 20000.0, "fractal_dim": 2.2}
    assert slope(inside, find_model("fractal").intensity(inside, aggregate)) == pytest.approx(-2.2, abs=0.02)
    rough = {"radius": 3.0, "cutoff_length": 1e5, "fractal_dim_surf": 2.4}
    assert slope(inside, find_model("surface_fractal").intensity(inside, rough)) == pytest.approx(2.4 - 6, abs=0.02)
    one = find_model("fractal").intensity(inside, {"fractal_dim": 1.0})
    assert one == pytest.approx(find_model("fractal").intensity(inside, {"fractal_dim": 1.0 + 1e-9}), rel=1e-6)


def test_guinier_porod_meets_in_value_and_slope():
    at = np.sqrt((3.5 - 0.5) * (3 - 0.5) / 2) / 30.0
    q = at * np.array([1 - 2e-6, 1 - 1e-6, 1 + 1e-6, 1 + 2e-6])
    found = np.log(find_model("guinier_porod").intensity(q, {"rg": 30.0, "s": 0.5, "porod_exp": 3.5}))
    steps = np.diff(found) / np.diff(np.log(q))
    assert steps[2] == pytest.approx(steps[0], abs=1e-4)


def test_unified_is_debye_with_its_prefactor():
    # Beaucage's approximation of the Debye function: P = 2, B = 2 G / Rg^2; good to some per cent
    q = np.geomspace(0.002, 0.3, 60)
    found = find_model("unified").intensity(q, {"rg1": 50.0, "power1": 2.0, "B1": 2 / 2500.0, "G1": 1.0})
    assert found == pytest.approx(debye((50.0 * q) ** 2), rel=0.12)


@pytest.mark.parametrize(
    ("key", "first"), [("sc_paracrystal", 2.0), ("bcc_paracrystal", np.sqrt(6)), ("fcc_paracrystal", np.sqrt(6))]
)
def test_paracrystals_peak_where_their_lattice_does_and_end_as_spheres(key, first):
    q = np.pi / 200.0 * first * np.linspace(0.8, 1.2, 81)
    values = {"dnn": 200.0, "radius": 20.0, "d_factor": 0.06}
    found = find_model(key).intensity(q, values)
    assert q[found.argmax()] == pytest.approx(np.pi / 200.0 * first, rel=0.006)
    far = np.array([0.37, 0.41])
    filled = {"sc_paracrystal": 1.0, "bcc_paracrystal": 2 / (8 / np.sqrt(27)), "fcc_paracrystal": np.sqrt(2)}[key]
    sphere = find_model("sphere").intensity(far, {"radius": 20.0, "sld": 4.0, "sld_solvent": 1.0})
    loose = find_model(key).intensity(far, values | {"d_factor": 0.3, "sld": 4.0, "sld_solvent": 1.0})
    assert loose == pytest.approx(filled * 4 / 3 * np.pi * 0.1**3 * sphere, rel=1e-3)


def test_a_hexagonal_lattice_is_that_of_its_points():
    # against the average over directions of the scattering of a finite patch of points, smeared as much as the peaks are
    h, k = np.mgrid[-14:15, -14:15]
    points = 100.0 * np.column_stack([(h + k / 2).ravel(), (np.sqrt(3) / 2 * k).ravel()])
    points = points[np.hypot(*points.T) < 1200.0]
    apart = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1)).ravel()
    lengths, counts = np.unique(apart.round(6), return_counts=True)
    q = np.linspace(0.06, 0.16, 1001)
    patch = j0(np.outer(q, lengths)) @ counts / len(points)
    found = lattice_factor(q, 100.0, 1e3)
    first = 4 * np.pi / np.sqrt(3) / 100.0
    for ratio in (1.0, np.sqrt(3), 2.0):
        near = np.abs(q - ratio * first) < 0.006
        assert np.trapezoid(found[near], q[near]) == pytest.approx(np.trapezoid(patch[near], q[near]), rel=0.12)
        assert q[near][found[near].argmax()] == pytest.approx(ratio * first, rel=2e-3)
    assert np.trapezoid(found * q, q) == pytest.approx(np.trapezoid(q, q), rel=0.25)


def test_disturbed_hexagonal_cylinders_are_cylinders():
    q = np.linspace(0.15, 0.4, 50)
    values = {"radius": 30.0, "distance": 80.0, "displacement": 0.5}
    cylinder = find_model("rod").intensity(q, {"radius": 30.0, "length": 60000.0, "sld": 1.0, "sld_solvent": 6.0})
    found = find_model("hexagonal_cylinders").intensity(q, values)
    assert found == pytest.approx(cylinder, rel=5e-3, abs=5e-3 * cylinder.max())
