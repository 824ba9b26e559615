"""The G(r) model against the Debye equation and against its own limits."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.physics.debye import DebyeGrid, total_scattering
from whorl.physics.form_factors import scattering_factor
from whorl.techniques.pdf.phases import make_phase
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions
from whorl.techniques.pdf.simulate import simulate


def debye(cluster, r, *, u, radiation="x-ray", qmin=0.8, qmax=22.0, qdamp=0.0):
    symbols = tuple(dict.fromkeys(cluster.symbols))
    label = np.array([symbols.index(s) for s in cluster.symbols])
    order = np.argsort(label, kind="stable")
    grid = DebyeGrid(qmin=qmin, qmax=qmax, r_max=60.0, d_max=30.0)
    factors = np.array([scattering_factor(s, grid.q, radiation) for s in symbols])
    starts = np.concatenate([[0], np.cumsum(np.bincount(label))])
    found = total_scattering(grid, cluster.positions[order], starts, factors, np.full(len(symbols), u), qdamp=qdamp)
    return np.interp(r, found.r, found.gr)


@pytest.mark.parametrize("radiation", ["x-ray", "neutron"])
@pytest.mark.parametrize("name", ["icosahedron", "octahedron", "salt"])
def test_cluster_is_the_debye_equation(structures, misfit, name, radiation):
    """Two independent ways: peaks in r filtered in Q, and distances transformed to Q; undamped, so that both are exact."""
    cluster = getattr(structures, name)
    r = np.arange(50, 2001) * 0.01
    settings = {"radiation": radiation, "qmin": 0.8, "qmax": 22.0, "qdamp": 0.0, "u_iso": 0.006}
    g = simulate(cluster, settings=settings, r=r).signal
    # 1 % of the power is the image of the model's finite range
    assert misfit(g, debye(cluster, r, u=0.006, radiation=radiation)) < 0.01


def test_damping_before_and_after_the_band_differ_little(structures, misfit):
    r = np.arange(100, 2001) * 0.01
    g = simulate(structures.octahedron, settings={"qmin": 0.8, "qmax": 22.0, "qdamp": 0.04, "u_iso": 0.006}, r=r).signal
    assert misfit(g, debye(structures.octahedron, r, u=0.006, qdamp=0.04)) < 0.02


def test_a_large_crystal_particle_is_like_its_cluster(structures, misfit):
    """A sphere cut from fcc: the envelope model agrees with all pairs of its atoms, but for the discrete surface."""
    a = 3.524
    n = np.arange(-6, 7)
    corner = np.stack(np.meshgrid(n, n, n, indexing="ij"), axis=-1).reshape(-1, 3)
    atoms = np.concatenate([corner + c for c in ([0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0])]) * a
    atoms = atoms[np.linalg.norm(atoms - 0.3, axis=1) < 16.0]
    diameter = 2 * (3 * len(atoms) * a**3 / 4 / (4 * np.pi)) ** (1 / 3)
    cluster = type(structures.icosahedron)("ball", symbols=("Ni",) * len(atoms), positions=atoms)
    r = np.arange(150, 2500) * 0.01
    settings = {"qmin": 0.9, "qmax": 22.0, "qdamp": 0.0, "u_iso": 0.006}
    ball = simulate(cluster, settings=settings, r=r).signal
    sphere = simulate(structures.nickel, settings=settings | {"diameter": diameter}, r=r).signal
    assert misfit(ball, sphere) < 0.06


def test_a_wide_sphere_is_the_bulk(structures, blank):
    signal = blank(r_max=15.0)
    phase = make_phase(structures.nickel, 19.0)
    curves = []
    for option in (PhaseOptions(), PhaseOptions(size=600.0)):
        problem = PdfProblem(signal, [phase], [option])
        curves.append(problem.evaluate(np.array([p.value for p in problem.parameters]), jacobian=False).basis)
    assert curves[1] == pytest.approx(curves[0], abs=0.045 * np.max(np.abs(curves[0])))


def test_one_element_looks_the_same_to_all_radiations(structures):
    r = np.arange(100, 1500) * 0.01
    g = [
        simulate(structures.nickel, settings={"radiation": x, "qmax": 22.0}, r=r).signal
        for x in ("x-ray", "neutron", "electron")
    ]
    assert g[1] == pytest.approx(g[0], abs=1e-10)
    assert g[2] == pytest.approx(g[0], abs=1e-10)


def test_negative_scattering_lengths_make_negative_peaks(structures):
    rutile = type(structures.nickel)(
        "TiO2",
        cell=(4.594, 4.594, 2.959, 90, 90, 90),
        space_group="136",
        sites=(
            structures.nickel.sites[0].__class__("Ti", (0, 0, 0)),
            structures.nickel.sites[0].__class__("O", (0.305, 0.305, 0)),
        ),
    )
    r = np.arange(100, 300) * 0.01
    near = (r > 1.85) & (r < 2.1)  # Ti-O at 1.95 angstrom
    assert simulate(rutile, settings={"radiation": "x-ray", "qmax": 25.0}, r=r).signal[near].max() > 1
    assert simulate(rutile, settings={"radiation": "neutron", "qmax": 25.0}, r=r).signal[near].min() < -5


def test_constant_weights_are_those_at_q_0(structures, blank):
    signal = blank(r_max=15.0)
    curves = []
    for constant in (True, False):
        problem = PdfProblem(signal, [make_phase(structures.wurtzite, 19.0)], constant_weights=constant)
        curves.append(problem.evaluate(np.array([p.value for p in problem.parameters]), jacobian=False).basis[:, 0])
    difference = np.sqrt(np.sum((curves[0] - curves[1]) ** 2) / np.sum(curves[0] ** 2))
    assert 1e-3 < difference < 0.1


def test_the_model_does_not_depend_on_where_the_data_begin_and_end(structures, blank):
    """The same points out of a longer range: the padding beyond the data holds what ripples in."""
    short, long = blank(r_max=12.0), blank(r_max=20.0)
    phase = make_phase(structures.nickel, 24.0)
    curves = []
    for signal in (short, long):
        problem = PdfProblem(signal, [phase])
        curves.append(problem.evaluate(np.array([p.value for p in problem.parameters]), jacobian=False).basis[:, 0])
    n = short.r.size
    assert curves[0] == pytest.approx(curves[1][:n], abs=5e-3 * np.max(curves[1]))
    inner = short.r < 10
    assert curves[0][inner] == pytest.approx(curves[1][:n][inner], abs=2e-3 * np.max(curves[1]))


def test_the_grid_of_the_data_does_not_matter(structures):
    fine = simulate(structures.nickel, settings={"qmax": 25.0}, r=np.arange(100, 1001) * 0.01)
    odd = np.sort(np.random.default_rng(0).choice(fine.x, 200, replace=False))
    found = simulate(structures.nickel, settings={"qmax": 25.0}, r=np.append(odd[odd < 10.0], 10.0))
    expected = fine.signal[np.searchsorted(fine.x, found.x - 1e-9)]
    assert found.signal == pytest.approx(expected, abs=1e-9)
