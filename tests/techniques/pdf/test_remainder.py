"""What a structure leaves over: its share, its reach, and that nothing is made of noise, a background or a second phase."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.hypothesis import Cluster, Crystal, Site
from whorl.core.measurement import Measurement
from whorl.fitting.solve import solve
from whorl.techniques.pdf.explain import findings
from whorl.techniques.pdf.misfit import expected_level, tangent
from whorl.techniques.pdf.phases import CrystalPhase
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.remainder import remainder
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions
from whorl.techniques.pdf.simulate import simulate

R = np.arange(1, 3001) * 0.01
INSTRUMENT = {"qmin": 0.8, "qmax": 21.0, "qdamp": 0.025}
IRON = Crystal("Fe", cell=(2.866, 2.866, 2.866, 90, 90, 90), space_group="229", sites=(Site("Fe", (0, 0, 0)),))
SALT = Crystal(
    "NiO", cell=(4.178, 4.178, 4.178, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)), Site("O", (0.5,) * 3))
)


def noise(rng, q_max=21.0):
    q = np.arange(1, int(q_max * 39 / np.pi)) * np.pi / 39
    out = np.sin(np.outer(R, q)) @ rng.normal(size=q.size)
    return out / np.sqrt(np.mean(out**2))


def glass(rng, atoms=18):
    """G(r) of a small disordered packing of iron and oxygen: no two closer than 1.85 angstrom."""
    found: list[np.ndarray] = []
    radius = 3.0
    while len(found) < atoms:
        radius += 0.002
        point = rng.normal(size=3)
        point *= radius * rng.random() ** (1 / 3) / np.linalg.norm(point)
        if all(np.linalg.norm(point - other) > 1.85 for other in found):
            found.append(point)
    symbols = tuple("Fe" if i % 3 == 0 else "O" for i in range(atoms))
    return simulate(Cluster("glass", symbols=symbols, positions=np.array(found)), settings=INSTRUMENT | {"u_iso": 0.012}, r=R)


def fitted(g, structure):
    signal = prepare(Measurement("gr", R, g, settings={k: INSTRUMENT[k] for k in ("qmin", "qmax")}))
    problem = PdfProblem(
        signal, [CrystalPhase(structure, 34.0)], [PhaseOptions(size=50.0, size_free=True)], free_instrument=("qdamp", "qbroad")
    )
    return solve(problem)


def sample(structure, seed, *, part=0.0, level=0.02, background=0.0):
    """Curve of a particle and of a glass of the given part of the amplitude below 6 angstrom, and the glass alone."""
    rng = np.random.default_rng(seed)
    g = simulate(structure, settings=INSTRUMENT | {"u_iso": 0.007, "delta2": 1.5, "diameter": 55.0}, r=R).signal
    near = (R > 1.5) & (R < 6)
    extra = glass(rng).signal
    extra *= part * np.sqrt(np.sum(g[near] ** 2) / np.sum(extra[near] ** 2))
    rms = np.sqrt(np.mean(g[R > 1.5] ** 2))
    return g + extra + rms * (level * noise(rng) + background * noise(rng, 1.9)), extra


@pytest.mark.parametrize("structure", [IRON, SALT], ids=["Fe", "NiO"])
@pytest.mark.parametrize(("part", "background"), [(0.35, 0.0), (0.6, 0.1)])
def test_the_share_is_the_one_that_was_put_in(structure, part, background):
    for seed in (1, 2):
        g, extra = sample(structure, seed, part=part, background=background)
        found = remainder(fitted(g, structure))
        inside = (R >= 1.5) & (found.reach >= R)
        truth = np.sum(extra[inside] ** 2) / np.sum(g[inside] ** 2)
        assert found.share.value == pytest.approx(truth, abs=0.04)
        assert abs(found.share.value - truth) < 4 * found.share.sigma
        assert 4.0 <= found.reach <= 10.0


@pytest.mark.parametrize("structure", [IRON, SALT], ids=["Fe", "NiO"])
@pytest.mark.parametrize(("level", "background"), [(0.01, 0.0), (0.1, 0.0), (0.03, 0.15)])
def test_a_crystal_alone_leaves_nothing(structure, level, background):
    for seed in (11, 12):
        assert remainder(fitted(sample(structure, seed, level=level, background=background)[0], structure)) is None


def test_a_second_crystal_is_no_amorphous_part():
    for seed, part in ((3, 0.3), (4, 0.6), (5, 1.0)):
        one, other = (sample(s, seed)[0] for s in (IRON, SALT))
        assert remainder(fitted(one + part * np.std(one) / np.std(other) * other, IRON)) is None


def test_a_wrong_structure_has_no_remainder():
    g, _ = sample(SALT, 6)
    assert remainder(fitted(g, IRON)) is None


def test_a_range_too_short_to_tell():
    g, _ = sample(IRON, 7, part=0.6)
    signal = prepare(Measurement("gr", R, g, settings={"qmin": 0.8, "qmax": 21.0}), range=(1.5, 7.0))
    assert remainder(solve(PdfProblem(signal, [CrystalPhase(IRON, 11.0)]))) is None


def test_it_is_said_in_words_and_only_when_asked_for():
    g, _ = sample(IRON, 8, part=0.6)
    fit = fitted(g, IRON)
    found = findings(fit)
    share = f"about {100 * found.remainder.share.value:.0f} % of the signal below {found.remainder.reach:.0f} angstrom"
    assert any(note.startswith(share) for note in found.notes)
    assert findings(fit, leftover=False).remainder is None
    assert len(findings(fit, leftover=False).notes) < len(found.notes)


def test_noise_and_relative_misfit_are_told_apart():
    """A residual made of both: 0.05 everywhere, and 8 % of the signal."""
    fit = fitted(sample(IRON, 9, level=0.0)[0], IRON)
    rng = np.random.default_rng(21)
    # misfit of another sign every half angstrom, so that no parameter follows it
    sign = rng.choice([-1.0, 1.0], 100)[(2 * fit.problem.x).astype(int)]
    residual = 0.08 * sign * fit.calculated + rng.normal(0, 0.05, fit.problem.x.size)
    level = expected_level(fit, 4.0, residual)
    assert level.noise == pytest.approx(0.05, rel=0.15)
    assert level.relative == pytest.approx(0.08, rel=0.1)


def test_the_tangent_predicts_a_small_change():
    fit = fitted(sample(IRON, 10)[0], IRON)
    near = tangent(fit)
    # a fit has nothing to gain to first order: its residual stays as long when its parameters may move
    assert np.linalg.norm(near.moved(near.residual)) == pytest.approx(fit.rw, rel=2e-3)
    k = [p.name for p in fit.problem.parameters].index("a")
    step = 1e-4 * np.eye(fit.values.size)[k]
    moved = fit.problem.evaluate(fit.values + step, jacobian=False).basis @ fit.factors
    change = near.root * (moved - fit.calculated)
    # what a parameter does is taken up by the tangent space
    assert np.linalg.norm(near.moved(change)) < 0.02 * np.linalg.norm(change)
