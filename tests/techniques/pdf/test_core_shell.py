"""A core and a shell of other phases: linked envelopes, amounts, derivatives, and that the sizes are found again."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Site
from whorl.fitting.solve import solve
from whorl.physics.debye import DebyeGrid, total_scattering
from whorl.physics.form_factors import xray
from whorl.techniques.pdf.explain import findings
from whorl.techniques.pdf.phases import CrystalPhase
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions

IRON = Crystal("Fe", cell=(2.866, 2.866, 2.866, 90, 90, 90), space_group="229", sites=(Site("Fe", (0, 0, 0)),))
OXIDE = Crystal(
    "FeO", cell=(4.30, 4.30, 4.30, 90, 90, 90), space_group="225", sites=(Site("Fe", (0, 0, 0)), Site("O", (0.5, 0.5, 0.5)))
)


def options(*, by_volume=False, core=30.0, thickness=8.0):
    return [
        PhaseOptions(size=core, size_free=True, prefix="1:"),
        PhaseOptions(size=core, size_free=True, shape="shell", thickness=thickness, core=0, by_volume=by_volume, prefix="2:"),
    ]


def core_shell(signal, **more):
    return PdfProblem(
        signal, [CrystalPhase(IRON, 44.0), CrystalPhase(OXIDE, 44.0)], options(**more), free_instrument=("qdamp",)
    )


def start(problem, **named):
    return np.array([named.get(p.name.replace(":", "_"), p.value) for p in problem.parameters])


@pytest.mark.parametrize("by_volume", [False, True])
def test_derivatives(blank, by_volume):
    problem = core_shell(blank(r_max=20.0), by_volume=by_volume)
    names = [p.name for p in problem.parameters]
    assert names == ["1:a", "1:U_Fe", "1:diameter", "1:delta2", "2:a", "2:U_Fe", "2:U_O", "2:thickness", "2:delta2", "qdamp"]
    assert [t.name for t in problem.linear] == (["1:scale"] if by_volume else ["1:scale", "2:scale"])
    values = start(problem, **{"1_diameter": 17.3, "2_thickness": 6.1})
    found = problem.evaluate(values, jacobian=True).derivatives
    for k, name in enumerate(names):
        step = (1e-4 if name.endswith(("diameter", "thickness")) else 1e-5) * np.eye(values.size)[k]
        up, down = (problem.evaluate(values + s * step, jacobian=False).basis for s in (1, -1))
        numeric = (up - down) / (2 * step[k])
        assert np.max(np.abs(found[k] - numeric)) < 2e-3 * np.max(np.abs(numeric)), name


def test_the_shell_begins_where_the_core_ends(blank):
    problem = core_shell(blank())
    named = problem.named_values(start(problem, **{"1_diameter": 24.0, "2_thickness": 5.0}))
    assert named["2:diameter"] == 34.0
    assert problem.tied() == {"2:diameter": {"1:diameter": 1.0, "2:thickness": 2.0}}


def test_the_amounts_are_those_of_the_volumes(blank):
    """Weights of a dense core-shell particle from a count of its atoms, against the scales that the problem gives."""
    problem = core_shell(blank(), by_volume=True)
    values = start(problem, **{"1_diameter": 24.0, "2_thickness": 5.0})
    scales = problem.scales(values, np.array([0.7]))
    atoms = np.array([2 / 2.866**3 * 24.0**3, 8 / 4.30**3 * (34.0**3 - 24.0**3)])
    assert scales[0] == 0.7
    assert scales[1] / scales[0] == pytest.approx(atoms[1] / atoms[0], rel=1e-9)  # what an atom scatters is in the model
    joined = problem.evaluate(values, jacobian=False).basis[:, 0]
    apart = core_shell(blank()).evaluate(values, jacobian=False).basis
    assert joined == pytest.approx(apart @ (scales / scales[0]), abs=1e-9 * np.max(np.abs(joined)))


def particle(core, thickness, rng):
    """Atoms of an iron ball in a rock-salt shell whose axes and origin have nothing to do with the core's."""

    def lattice(a, basis, radius):
        n = np.arange(-int(radius / a) - 2, int(radius / a) + 3)
        corner = np.stack(np.meshgrid(n, n, n, indexing="ij"), axis=-1).reshape(-1, 3)
        return np.concatenate([corner + b for b in basis]) * a

    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    radius = 0.5 * core + thickness
    inside = lattice(2.866, np.array([[0, 0, 0], [0.5] * 3]), radius) + rng.uniform(0, 2, 3)
    inside = inside[np.linalg.norm(inside, axis=1) < 0.5 * core]
    shells = []
    for shift in (0.0, 0.5):
        atoms = (lattice(4.30, fcc + shift, radius) + 1.0) @ turn
        distance = np.linalg.norm(atoms, axis=1)
        shells.append(atoms[(distance > 0.5 * core) & (distance < radius)])
    return [np.concatenate([inside, shells[0]]), shells[1]]


def test_sizes_of_an_explicit_particle_are_found_again(blank):
    """The Debye sum of all atoms, core-shell pairs included, fitted by two phases with linked envelopes."""
    core, thickness = 26.0, 7.0
    positions = particle(core, thickness, np.random.default_rng(5))
    grid = DebyeGrid(qmin=0.9, qmax=22.0, r_max=45.0, d_max=45.0)
    factors = np.array([xray(s, grid.q) for s in ("Fe", "O")])
    starts = np.cumsum([0, *(len(p) for p in positions)])
    g = total_scattering(grid, np.concatenate(positions), starts, factors, np.full(2, 0.007))
    signal = blank(r_max=40.0, qmin=0.9, qdamp=0.0, qbroad=0.0, g=lambda r: np.interp(r, g.r, g.gr))
    phases = [CrystalPhase(IRON, 44.0), CrystalPhase(OXIDE, 44.0)]
    found = {}
    for by_volume in (False, True):
        problem = PdfProblem(signal, phases, options(by_volume=by_volume), free_instrument=())
        fit = solve(problem)
        found[by_volume] = problem.named_values(fit.values) | {"rw": fit.rw}
        # the surface of a small crystal is rough: a quarter of an iron layer
        assert found[by_volume]["1:diameter"] == pytest.approx(core, abs=1.0), by_volume
        assert found[by_volume]["2:thickness"] == pytest.approx(thickness, abs=1.0), by_volume
        assert fit.rw < 0.13
    apart = [PhaseOptions(size=s, size_free=True, prefix=f"{i + 1}:") for i, s in enumerate((26.0, 40.0))]
    assert solve(PdfProblem(signal, phases, apart, free_instrument=())).rw > found[False]["rw"]


@pytest.mark.parametrize(
    "wrong",
    [
        [PhaseOptions(), PhaseOptions(size=20.0, shape="shell", core=0)],
        [PhaseOptions(size=20.0, shape="lognormal"), PhaseOptions(size=20.0, shape="shell", core=0)],
        [PhaseOptions(size=20.0), PhaseOptions(size=20.0, shape="sphere", core=0)],
        [PhaseOptions(size=20.0), PhaseOptions(size=20.0, shape="shell", core=1)],
        [PhaseOptions(size=20.0), PhaseOptions(size=20.0, shape="shell", core=2)],
    ],
)
def test_a_shell_needs_a_sphere_inside(blank, wrong):
    with pytest.raises(UsageError, match="no shell around a sphere"):
        PdfProblem(blank(), [CrystalPhase(IRON, 16.0), CrystalPhase(OXIDE, 16.0)], wrong)


def test_an_amount_by_volume_needs_a_core(blank):
    with pytest.raises(UsageError, match="without a core"):
        PdfProblem(blank(), [CrystalPhase(IRON, 16.0)], [PhaseOptions(size=20.0, shape="shell", by_volume=True)])


def test_a_hollow_sphere_alone(blank):
    problem = PdfProblem(blank(), [CrystalPhase(IRON, 16.0)], [PhaseOptions(size=30.0, size_free=True, shape="shell")])
    assert {"diameter", "thickness"} <= {p.name for p in problem.parameters}


def test_findings_name_the_outer_diameter_and_the_weights_of_both(blank):
    """A dense particle by volume: weight fractions from the volumes of ball and shell, their densities and their masses."""
    model = core_shell(blank(r_max=20.0), by_volume=True)
    truth = start(model, **{"1_diameter": 24.0, "2_thickness": 5.0})
    g = model.evaluate(truth, jacobian=False).basis[:, 0]
    noisy = g + 0.02 * np.std(g) * np.random.default_rng(2).normal(size=g.size)
    fit = solve(core_shell(blank(r_max=20.0, g=noisy), by_volume=True))
    found = findings(fit)
    outer, inner, coat = (found.parameters[n] for n in ("2:diameter", "1:diameter", "2:thickness"))
    assert outer.value == pytest.approx(inner.value + 2 * coat.value)
    assert outer.unit == "angstrom"
    assert abs(outer.value - 34.0) < 4 * outer.sigma
    mass = np.array([2 * 55.845 / 2.866**3 * 24.0**3, 4 * (55.845 + 15.999) / 4.30**3 * (34.0**3 - 24.0**3)])
    for phase, expected in zip(found.phases, mass / mass.sum(), strict=True):
        assert phase.weight_fraction.value == pytest.approx(expected, abs=4 * phase.weight_fraction.sigma)
        assert 0 < phase.weight_fraction.sigma < 0.05
