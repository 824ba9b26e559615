"""Peaks of ligands beside a structure: found where there are some, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.fitting.solve import solve
from whorl.techniques.pdf.band import model_grid, peak_curves, sampler
from whorl.techniques.pdf.bonds import BONDS, usual_bonds
from whorl.techniques.pdf.extra_peaks import with_extra_peaks
from whorl.techniques.pdf.instrument import PdfInstrument
from whorl.techniques.pdf.phases import CrystalPhase
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.residual import LonePeak, PdfProblem, PhaseOptions
from whorl.techniques.pdf.simulate import simulate

R = np.arange(1, 3001) * 0.01
GOLD = Crystal("Au", cell=(4.078, 4.078, 4.078, 90, 90, 90), space_group="225", sites=(Site("Au", (0, 0, 0)),))
SULFIDE = Crystal(
    "ZnS", cell=(5.41, 5.41, 5.41, 90, 90, 90), space_group="216", sites=(Site("Zn", (0, 0, 0)), Site("S", (0.25,) * 3))
)
INSTRUMENT = {"qmin": 0.9, "qmax": 22.0}


def noise(rng, q_max=22.0):
    q = np.arange(1, int(q_max * 39 / np.pi)) * np.pi / 39
    out = np.sin(np.outer(R, q)) @ rng.normal(size=q.size)
    return out / np.sqrt(np.mean(out**2))


def fitted(structure, *, seed, level, added=(), background=0.0):
    """Refined fit of a simulated particle with noise and added peaks (position, width, height over the highest peak)."""
    rng = np.random.default_rng(seed)
    sample = {"u_iso": rng.uniform(0.005, 0.012), "delta2": rng.uniform(0, 3), "diameter": rng.uniform(25, 60), "qdamp": 0.03}
    g = simulate(structure, settings=INSTRUMENT | sample, r=R).signal
    rms = float(np.sqrt(np.mean(g[R > 1.5] ** 2)))
    highest = g.max()
    grid = model_grid(30.0)
    for position, width, height in added:
        curve = sampler(grid, R) @ peak_curves(grid, np.array([position]), np.array([width]), PdfInstrument(**INSTRUMENT))[0, 0]
        g = g + height * highest * curve / curve.max()
    g = g + level * rms * noise(rng) + background * rms * noise(rng, 1.9)
    signal = prepare(Measurement("gr", R, g, settings=INSTRUMENT))
    problem = PdfProblem(
        signal, [CrystalPhase(structure, 34.0)], [PhaseOptions(size=45.0, size_free=True)], free_instrument=("qdamp", "qbroad")
    )
    return solve(problem)


def test_the_bonds_of_a_thiol_are_found_with_position_area_and_name():
    fit = fitted(GOLD, seed=3, level=0.03, added=[(2.36, 0.09, 0.12), (1.83, 0.07, 0.10)])
    found = with_extra_peaks(fit, elements=frozenset({"Au"}))
    assert [p.position.value for p in found.peaks] == pytest.approx([1.83, 2.36], abs=0.02)
    assert "C-S" in found.peaks[0].usual
    assert "Au-S" in found.peaks[1].usual
    assert found.fit.rw < 0.6 * found.without.rw
    for p in found.peaks:
        assert p.area.value > 4 * p.area.sigma
        assert abs(p.position.value - (1.83 if p.position.value < 2 else 2.36)) < 4 * p.position.sigma
    assert f"Rw is {found.fit.rw:.3f} instead of {found.without.rw:.3f}" in found.words


def test_the_area_is_the_one_that_was_added():
    """A peak of known area in r G(r), beside a structure at scale 1."""
    grid = model_grid(30.0)
    curve = sampler(grid, R) @ peak_curves(grid, np.array([2.1]), np.array([0.1]), PdfInstrument(**INSTRUMENT))[0, 0]
    clean = simulate(GOLD, settings=INSTRUMENT | {"u_iso": 0.007, "qdamp": 0.03}, r=R).signal
    signal = prepare(Measurement("gr", R, clean + 2.5 * curve + 0.01 * noise(np.random.default_rng(9)), settings=INSTRUMENT))
    found = with_extra_peaks(solve(PdfProblem(signal, [CrystalPhase(GOLD, 34.0)], [PhaseOptions()])))
    assert len(found.peaks) == 1
    assert found.peaks[0].area.value == pytest.approx(2.5, abs=4 * found.peaks[0].area.sigma)
    assert found.peaks[0].width.value == pytest.approx(0.1, abs=0.01)
    # a peak of unit area in r G(r), ripples aside, as long as no Qmin takes its mean away
    whole = sampler(grid, R) @ peak_curves(grid, np.array([2.1]), np.array([0.1]), PdfInstrument(qmin=0.0, qmax=22.0))[0, 0]
    near = (R > 1.4) & (R < 2.8)
    assert np.trapezoid((R * whole)[near], R[near]) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("structure", [GOLD, SULFIDE], ids=["Au", "ZnS"])
def test_a_sample_without_ligands_gets_no_peaks(structure):
    """Twenty particles with up to 5 % noise, half of them with a wrong slow background: at most one false peak would pass."""
    accepted = 0
    for seed in range(10):
        level = (0.005, 0.02, 0.05)[seed % 3]
        fit = fitted(structure, seed=100 + seed, level=level, background=0.15 * (seed % 2))
        accepted += with_extra_peaks(fit) is not None
    assert accepted == 0


def test_a_wrong_structure_is_not_patched_up_with_peaks():
    fit = fitted(GOLD, seed=5, level=0.02)
    wrong = Crystal("bcc", cell=(3.3, 3.3, 3.3, 90, 90, 90), space_group="229", sites=(Site("Au", (0, 0, 0)),))
    problem = PdfProblem(fit.problem.signal, [CrystalPhase(wrong, 34.0)], [PhaseOptions(size=45.0, size_free=True)])
    misfit = solve(problem)
    assert misfit.rw > 0.4
    assert with_extra_peaks(misfit) is None


def test_derivatives_of_the_peaks():
    fit = fitted(GOLD, seed=1, level=0.01)
    problem = fit.problem.with_lone_peaks([LonePeak(2.0, 0.1), LonePeak(3.3, 0.15)])
    names = [p.name for p in problem.parameters]
    assert names[-4:] == ["peak1_position", "peak1_width", "peak2_position", "peak2_width"]
    assert [t.name for t in problem.linear] == ["scale", "peak1_area", "peak2_area"]
    assert all(t.non_negative for t in problem.linear)
    values = np.concatenate([fit.values, [2.0, 0.1, 3.3, 0.15]])
    found = problem.evaluate(values, jacobian=True).derivatives
    for k in range(len(names) - 4, len(names)):
        step = 1e-3 * np.eye(values.size)[k]
        up, down = (problem.evaluate(values + s * step, jacobian=False).basis for s in (1, -1))
        numeric = (up - down) / 2e-3
        assert np.max(np.abs(found[k] - numeric)) < 1e-3 * np.max(np.abs(numeric)), names[k]


def test_the_table_of_bonds():
    assert all(0.9 < low < high < 4.0 for _, low, high in BONDS)
    assert usual_bonds(2.33, frozenset({"Cd", "Se"})) == ()
    assert "Au-S" in usual_bonds(2.33, frozenset({"Au"}))
    assert usual_bonds(2.05, frozenset({"Fe"}))[0] == "Fe-O"
    assert len(usual_bonds(2.0)) == 3
