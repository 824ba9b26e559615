"""The flag for magnetic scattering: raised by ordered moments in neutron data, and by nothing else."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.fitting.solve import solve
from whorl.physics.form_factors import neutron
from whorl.physics.magnetic import SpinPairs, form_factor, magnetic_pdf, relative_weight, spin_pairs
from whorl.physics.transforms import SineGrid
from whorl.techniques.pdf.explain import findings
from whorl.techniques.pdf.magnetism import MAGNETIC_Q, magnetic_sign, support_above
from whorl.techniques.pdf.phases import CrystalPhase
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions
from whorl.techniques.pdf.simulate import simulate

R = np.arange(1, 3001) * 0.01
A = 4.43
MANGANOSITE = Crystal(
    "MnO", cell=(A, A, A, 90, 90, 90), space_group="225", sites=(Site("Mn", (0, 0, 0)), Site("O", (0.5, 0.5, 0.5)))
)
SPHALERITE = Crystal(
    "MnO (B3)", cell=(4.79, 4.79, 4.79, 90, 90, 90), space_group="216", sites=(Site("Mn", (0, 0, 0)), Site("O", (0.25,) * 3))
)
NEUTRONS = {"radiation": "neutron", "qmin": 0.7, "qmax": 24.0, "qdamp": 0.02}


@lru_cache(maxsize=1)
def pairs():
    lattice = 0.5 * A * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    moment = np.array([[1, 1, -2]]) / np.sqrt(6)
    return spin_pairs(np.zeros((1, 3)), moment, lattice=lattice, propagation=np.array([0.5] * 3), r_max=38.0)


def waves(moment, order):
    """What the moments of MnO add to its neutron G(r); ``order`` 0: paramagnetic."""
    p = pairs()
    fading = np.exp(-p.distance / order) * np.clip((38 - p.distance) / 6, 0, 1) if order else 0 * p.distance
    grid = SineGrid.covering(45.0, 0.02)
    faded = SpinPairs(p.distance, p.across * fading, p.along * fading, 1.0)
    d = magnetic_pdf(grid, faded, form_factor("Mn2+", grid.q), qmin=0.7, qmax=24.0)
    mean = 0.5 * (neutron("Mn") + neutron("O"))
    return moment**2 * relative_weight(0.5, mean) * np.interp(R, grid.r, d) * np.exp(-0.5 * (0.02 * R) ** 2)


def noise(seed, q_max=24.0):
    q = np.arange(1, int(q_max * 39 / np.pi)) * np.pi / 39
    out = np.sin(np.outer(R, q)) @ np.random.default_rng(seed).normal(size=q.size)
    return out / np.sqrt(np.mean(out**2))


def fitted(seed, *, moment=0.0, order=25.0, structure=MANGANOSITE, added=0.0, background=0.0, radiation="neutron"):
    g = simulate(MANGANOSITE, settings=NEUTRONS | {"u_iso": 0.005, "delta2": 1.0}, r=R).signal
    rms = np.sqrt(np.mean(g[R > 1.5] ** 2))
    g = g + (waves(moment, order) if moment else 0.0) + added
    g = g + rms * (0.03 * noise(seed) + background * noise(seed + 1000, 1.9))
    settings = {"qmin": 0.7, "qmax": 24.0, "radiation": radiation}
    signal = prepare(Measurement("gr", R, g, settings=settings))
    problem = PdfProblem(signal, [CrystalPhase(structure, 34.0)], [PhaseOptions()], free_instrument=("qdamp", "qbroad"))
    return solve(problem)


@pytest.mark.parametrize(("moment", "order", "background"), [(4.6, 25.0, 0.0), (3.0, 60.0, 0.15), (4.6, 12.0, 0.1)])
def test_ordered_moments_are_recognised(moment, order, background):
    fit = fitted(1, moment=moment, order=order, background=background)
    found = magnetic_sign(fit)
    assert found.probability > 0.5
    assert found.excess > 5
    assert found.nuclear < 0.1
    assert any("magnetic scattering?" in note for note in findings(fit).notes)


@pytest.mark.parametrize("background", [0.0, 0.2])
def test_a_sample_without_moments_raises_no_flag(background):
    for seed in (2, 3, 4):
        assert magnetic_sign(fitted(seed, background=background)).probability < 0.5


def test_the_self_scattering_of_a_paramagnet_raises_no_flag():
    assert magnetic_sign(fitted(5, moment=4.6, order=0.0)).probability < 0.5


def test_a_wrong_structure_raises_no_flag():
    fit = fitted(6, structure=SPHALERITE)
    assert fit.rw > 0.3
    assert magnetic_sign(fit).probability < 0.5


def test_a_second_phase_and_a_glass_raise_no_flag():
    salt = Crystal("MnS", cell=(5.22,) * 3 + (90,) * 3, space_group="225", sites=(Site("Mn", (0, 0, 0)), Site("S", (0.5,) * 3)))
    for settings, part in (({"u_iso": 0.006}, 0.3), ({"u_iso": 0.02, "diameter": 9.0}, 0.4)):
        other = simulate(salt, settings=NEUTRONS | settings, r=R).signal
        g = simulate(MANGANOSITE, settings=NEUTRONS | {"u_iso": 0.005}, r=R).signal
        added = part * np.std(g) / np.std(other[R > 1.5]) * other
        assert magnetic_sign(fitted(7, added=added)).probability < 0.5


def test_no_flag_where_there_can_be_none():
    assert magnetic_sign(fitted(8, moment=4.6, radiation="x-ray")) is None
    mute = Crystal("CaO", cell=MANGANOSITE.cell, space_group="225", sites=(Site("Ca", (0, 0, 0)), Site("O", (0.5,) * 3)))
    assert magnetic_sign(fitted(8, structure=mute)) is None
    fit = fitted(8, moment=4.6)
    signal = prepare(fit.problem.signal.measurement, range=(1.5, 12.0))
    assert magnetic_sign(solve(PdfProblem(signal, [CrystalPhase(MANGANOSITE, 16.0)]))) is None


def test_beyond_six_the_magnetic_wave_does_not_count():
    """The misfit of the right structure there is that of the sample without moments; the whole G(r) misses much more."""
    ordered, plain = fitted(9, moment=4.6), fitted(9)
    assert ordered.rw > 3 * plain.rw
    assert support_above(ordered).rw == pytest.approx(support_above(plain).rw, rel=0.1)
    assert support_above(ordered).independent_points == pytest.approx(28.5 * (24.0 - MAGNETIC_Q) / np.pi, rel=0.05)
    wrong = fitted(9, moment=4.6, structure=SPHALERITE)
    assert support_above(ordered).log_evidence() > support_above(wrong).log_evidence() + 50
