"""Finite crystals that are no spheres of one size: spheroids and lognormal distributions."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.tasks.refine import refine
from whorl.tasks.simulate import simulate
from whorl.techniques.pdf.phases import CrystalPhase
from whorl.techniques.pdf.prepare import prepare
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions

PT = Crystal("Pt", cell=(3.924, 3.924, 3.924, 90, 90, 90), space_group="225", sites=(Site("Pt", (0, 0, 0)),))
R = np.arange(1, 3501) * 0.01
COMMON = {"qmin": 0.8, "qmax": 24.0, "qdamp": 0.02, "u_iso": 0.006}


@pytest.mark.parametrize(("shape", "second"), [("spheroid", 21.0), ("lognormal", 0.3)])
def test_derivatives_of_the_shape(shape, second):
    g = simulate(PT, settings=COMMON | {"diameter": 30.0}, x=R)
    signal = prepare(g, range=(1.5, 30.0))
    problem = PdfProblem(signal, [CrystalPhase(PT, 34.0)], [PhaseOptions(size=28.0, size_free=True, shape=shape)])
    names = [p.name for p in problem.parameters]
    values = np.array([p.value for p in problem.parameters])
    values[names.index("polar_diameter" if shape == "spheroid" else "size_spread")] = second
    derivatives = problem.evaluate(values, jacobian=True).derivatives
    for i, name in enumerate(names):
        if name not in {"diameter", "polar_diameter", "size_spread"}:
            continue
        h = 1e-4 * abs(values[i])
        up, down = values.copy(), values.copy()
        up[i] += h
        down[i] -= h
        numeric = (problem.evaluate(up, jacobian=False).basis - problem.evaluate(down, jacobian=False).basis)[:, 0] / (2 * h)
        # the envelope has a kink where a chord ends: a few points differ by the step of the difference
        assert np.linalg.norm(derivatives[i, :, 0] - numeric) < 0.02 * np.linalg.norm(numeric)


@pytest.mark.parametrize(
    ("shape", "truth"),
    [
        ("spheroid", {"diameter": 24.0, "polar_diameter": 48.0}),
        ("lognormal", {"diameter": 18.0, "size_spread": 0.25}),
    ],
)
def test_the_shape_is_recovered(shape, truth):
    clean = simulate(PT, settings=COMMON | truth, x=R)
    noise = np.random.default_rng(4).normal(0, 0.002 * np.abs(clean.signal).max(), R.size)
    measured = Measurement("gr", R, clean.signal + noise, settings=clean.settings)
    best = refine(measured, [PT], shape=shape, range=(1.5, 34.0)).candidates[0]
    sphere = refine(measured, [PT], shape="sphere", range=(1.5, 34.0)).candidates[0]
    for name, value in truth.items():
        found = best.parameters[name]
        assert abs(found.value - value) < max(4 * found.sigma, 0.03 * value), name
    assert best.rw < sphere.rw


def test_an_unknown_shape_is_refused():
    g = simulate(PT, settings=COMMON, x=R)
    with pytest.raises(UsageError, match="spheroid"):
        refine(g, [PT], shape="cube")
