"""Amounts stand out from the noise at the shapes found, where all that refines leaves them uncertain."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.catalogues import open_catalogue
from whorl.core.measurement import Measurement
from whorl.fitting.solve import solve
from whorl.tasks.identify import identify
from whorl.techniques.pd.amounts import noise_of_amounts, stand_out
from whorl.techniques.pd.prepare import prepare
from whorl.techniques.pd.simulate import simulate
from whorl.techniques.pd.technique import PD

X = np.arange(20.0, 80.0, 0.03)


def weak(height, seed):
    """Rutile and fluorite, the strongest line of so many counts on a background of ten."""
    compounds = open_catalogue("compounds")
    parts = [
        simulate(compounds.load(key), settings={"wavelength": "Cu", "w": 0.02}, two_theta=X).signal
        for key in ("TiO2-rutile", "CaF2-fluorite")
    ]
    y = 10.0 + height * sum(p / p.max() for p in parts)
    return Measurement("powder", X, np.random.default_rng(seed).poisson(y).astype(float), settings={"wavelength": "Cu"})


def fitted(measurement, keys, effort):
    compounds = open_catalogue("compounds")
    ((problem, first), *_) = PD.trials(prepare(measurement), [compounds.load(k) for k in keys], effort=effort)
    return solve(problem, start=first, max_evaluations=40)


def test_the_uncertainty_with_shapes_held_is_the_scatter_of_repeated_measurements():
    fits = [fitted(weak(80.0, seed), ["TiO2-rutile", "CaF2-fluorite"], "quick") for seed in range(12)]
    scatter = np.std([f.factors[:2] for f in fits], axis=0, ddof=1)
    stated = np.mean([noise_of_amounts(f) for f in fits], axis=0)
    assert np.all(stated < 2.0 * scatter)  # cautious weights and the widths and cells that also refine: within a factor of two
    assert np.all(stated > 0.4 * scatter)


def test_weak_phases_stand_out_and_absent_ones_do_not():
    there = fitted(weak(60.0, 21), ["TiO2-rutile", "CaF2-fluorite"], "rank")
    assert stand_out(there).tolist() == [True, True]
    absent = fitted(weak(60.0, 22), ["TiO2-rutile", "CaF2-fluorite", "MgO-rock-salt"], "rank")
    assert stand_out(absent).tolist() == [True, True, False]


@pytest.mark.parametrize("seed", [31, 32])
def test_a_scan_of_few_counts_is_identified_and_its_noise_alone_is_not(seed):
    compounds = [open_catalogue("compounds")]
    found = identify(weak(60.0, seed), catalogues=compounds, elements=["Ti", "O", "Ca", "F"], top=1)
    assert not found.is_none
    assert {p.formula for p in found.best.phases} == {"TiO2", "CaF2"}
    assert identify(weak(0.0, seed), catalogues=compounds, elements=["Ti", "O", "Ca", "F"], top=1).is_none
