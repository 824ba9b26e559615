"""Where candidates are compared the model is coarser; the curves are the same."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.techniques.pdf.band import STEP, coarse_step
from whorl.techniques.pdf.crystal_phase import CrystalPhase
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.residual import PdfProblem
from whorl.techniques.pdf.simulate import simulate

R = np.arange(1, 2001) * 0.01


def curves(key, *, coarse, u=0.004):
    """Curve of a compound at unit scale, and the grid's step; Qmax 25, where a coarse grid has most to lose."""
    crystal = open_catalogue("compounds").load(key)
    signal = prepare(simulate(crystal, settings={"qmax": 25.0, "qdamp": 0.03}, r=R), range=(1.5, 20.0))
    phase = CrystalPhase(crystal, 24.0, positions=False, coarse=coarse)
    problem = PdfProblem(signal, [phase], coarse=coarse)
    values = np.array([u if p.name.startswith("U_") else p.value for p in problem.parameters])
    return problem.evaluate(values, jacobian=False).basis[:, 0], len(phase.peaks(values[: len(phase.parameters)]).distance)


@pytest.mark.parametrize("key", ["Al2SiO5-kyanite", "Li2IrO3-Li2MnO3", "NaCl-rock-salt"])
def test_coarse_curves_are_those_of_the_last_fits(key):
    fine, many = curves(key, coarse=False)
    coarse, fewer = curves(key, coarse=True)
    assert np.linalg.norm(coarse - fine) < 1e-3 * np.linalg.norm(fine)
    assert fewer <= many
    assert fewer < 15000  # no more than the bins of six channels to 24 angstrom and a half


def test_few_pairs_are_not_joined():
    assert curves("NaCl-rock-salt", coarse=True)[1] == curves("NaCl-rock-salt", coarse=False)[1]


def test_step_follows_the_data():
    assert coarse_step(None) == STEP
    assert coarse_step(60.0) == STEP
    assert coarse_step(25.0) == pytest.approx(0.8 / 25)
    assert coarse_step(5.0) <= 0.04
