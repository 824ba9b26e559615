"""Free intensities: cells and the intensities that were put in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.core.errors import UsageError
from whorl.core.hypothesis import Site
from whorl.core.measurement import Measurement
from whorl.formats import read, read_structure
from whorl.tasks.refine import refine
from whorl.techniques.pd.pawley import PawleyProblem
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.simulate import simulate

X = np.arange(15.0, 90.0, 0.02)
LAB = {"wavelength": "Cu", "w": 0.008, "y": 0.025, "axial": 0.03}


@pytest.fixture(scope="module")
def corundum():
    return open_catalogue("compounds").load("Al2O3-corundum")


def measured(crystal, **settings):
    y = simulate(crystal, settings=LAB | settings, two_theta=X).signal
    counts = np.random.default_rng(6).poisson(80 + 9000 * y / y.max()).astype(float)
    return Measurement("powder", X, counts, settings={"intensity": "counts", "wavelength": 1.540593})


def test_the_cell_comes_out_whatever_the_atoms_are(corundum):
    """The structure given has its atoms in wrong places: its own intensities fit badly, free ones leave noise."""
    wrong = replace(corundum, sites=(Site("Al", (0, 0, 0.30)), Site("O", (0.45, 0, 0.25))))
    m = measured(corundum, zoom=1.004)
    free = refine(m, [wrong], settings={"intensities": "free"}).best
    assert free.parameters["a"].value == pytest.approx(corundum.cell[0] * 1.004, abs=3e-4)
    assert free.parameters["c"].value == pytest.approx(corundum.cell[2] * 1.004, abs=1e-3)
    assert free.quality.reduced_chi_squared == pytest.approx(1.0, abs=0.1)
    assert free.rw < 0.6 * refine(m, [wrong]).best.rw


def test_intensities_are_those_put_in(corundum):
    """The ratio of 113 to 104, which the two spectral lines share."""
    best = refine(measured(corundum), [corundum], settings={"intensities": "free"}).best
    found = {n: q.value for n, q in best.parameters.items() if n.startswith("I_")}
    assert len(found) >= 12
    signal = prepare(measured(corundum), settings=LAB)
    phase = PowderPhase(corundum, signal.instrument, signal.range, PhaseOptions(displacements="none", size=False))
    area = phase.peaks(np.array([p.value for p in phase.parameters]), slopes=False).area[: len(phase.starts)]
    exact = {f"I_{h}_{k}_{m}": a for (h, k, m), a in zip(phase.reflections.hkl[phase.starts].tolist(), area, strict=True)}
    strong = sorted(set(found) & set(exact), key=lambda n: -exact[n])[:4]
    ratio = [found[n] / exact[n] for n in strong]
    assert np.std(ratio) / np.mean(ratio) < 0.02


def test_derivatives(corundum):
    signal = prepare(measured(corundum), settings={"intensities": "free", "w": 0.008})
    phase = PowderPhase(corundum, signal.instrument, signal.range, PhaseOptions(displacements="none", strain=True))
    problem = PawleyProblem(signal, phase, free_instrument=("displacement", "y", "axial"))
    values = np.array([p.value for p in problem.parameters])
    factors = np.random.default_rng(1).uniform(1, 5, len(problem.linear))
    exact = problem.evaluate(values, jacobian=True).slope(factors)
    for p, parameter in enumerate(problem.parameters):
        step = 1e-5 * max(abs(values[p]), 1e-3 * (parameter.upper - parameter.lower))
        up, down = (
            problem.evaluate(values + sign * step * np.eye(values.size)[p], jacobian=False).basis @ factors for sign in (1, -1)
        )
        slope = (up - down) / (2 * step)
        assert np.mean(np.abs(slope - exact[p]) > 0.02 * np.abs(exact[p]).max()) < 0.02, parameter.name


def test_one_phase_only(corundum):
    with pytest.raises(UsageError, match="several phases"):
        refine(measured(corundum), [corundum, corundum], settings={"intensities": "free"})


def test_lead_sulphate(shared_data):
    """Free intensities fit no worse than the structure, and give its cell (8.4828, 5.4002, 6.9621 with its intensities)."""
    folder = shared_data / "pd/gsas2_tutorials"
    structure = read_structure(folder / "PythonScript__PbSO4-Wyckoff.cif")
    best = refine(read(folder / "CWCombined__PBSO4.XRA"), [structure], range=(15, 90), settings={"intensities": "free"}).best
    assert [best.parameters[n].value for n in "abc"] == pytest.approx([8.4828, 5.4002, 6.9621], abs=4e-3)
    assert best.rw < 0.075
