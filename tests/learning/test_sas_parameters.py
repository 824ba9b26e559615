"""The trainer of parameters: it runs, twice alike, resumes, and its intervals hold on samples that were kept apart."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.core.errors import UsageError
from whorl.learning import sas_parameters, sas_parameters_calibration
from whorl.learning.registry import find_trainer, train
from whorl.learning.sas_corpus import plain_kinds
from whorl.learning.sas_parameters_calibration import calibrate, scores
from whorl.learning.sas_parameters_measured import Layout, Measured
from whorl.techniques.sas.classifier import RawCurve
from whorl.techniques.sas.parameters import LEVELS, OUTPUTS, SHIPPED_MODEL, ParameterNetwork, factors_at, reach

pytest.importorskip("torch")

KINDS = ("sphere", "mono_gauss_coil")
SETTINGS = {"passes": 2, "held_out": 60, "workers": 1}


@pytest.fixture
def few_kinds(monkeypatch):
    monkeypatch.setattr(sas_parameters, "kinds_of", lambda: plain_kinds(KINDS))


def test_training_is_reproducible(few_kinds, tmp_path):
    """Two runs give the same bits; the card has the coverage; the weights tell parameters."""
    one, two = (train(SHIPPED_MODEL, seed=7, cases=40, settings=SETTINGS, out=tmp_path / name) for name in "ab")
    assert one.card.sha256 == two.card.sha256
    names = {m.name: m.value for m in one.card.metrics}
    assert 0.8 < names["0.95 intervals hold the truth"] <= 1.0
    assert (
        one.card.training.command
        == "whorl train sas-parameters --seed 7 --cases 40 --set passes=2 --set held_out=60 --set workers=1"
    )
    network = ParameterNetwork.open(tmp_path / "a")
    assert network.kinds == KINDS
    q = np.geomspace(0.005, 0.3, 100)
    told = network.ask([RawCurve(q, np.exp(-((q * 30) ** 2) / 3))], "mono_gauss_coil")
    assert told.value.shape == (1, 1)
    assert np.all(told.low < told.high)


def test_too_few(tmp_path):
    with pytest.raises(UsageError, match="too few"):
        train(SHIPPED_MODEL, cases=5, out=tmp_path)
    assert find_trainer(SHIPPED_MODEL).resumes


def test_factors_make_intervals_hold():
    """Intervals that the network gives half as long as they should be are doubled."""
    rng = np.random.default_rng(5)
    n = 4000
    layout = Layout(("mono_gauss_coil",), (0,), (1,), np.zeros(1), np.ones(1))
    numbers = np.zeros((n, 1, OUTPUTS))
    numbers[:, :, 1:] = -1.0
    _, _, up = reach(numbers)
    width = up[0, 0, LEVELS.index(0.95)]
    truth = rng.uniform(-2 * width / 0.95, 2 * width / 0.95, (n, 1))
    seen = Measured(np.zeros((n, 1, 1), np.float32), np.zeros((n, 2), np.float32), np.zeros(n, dtype=np.int64), truth)
    rows = calibrate(numbers, seen, layout)["mono_gauss_coil"]
    _, down, up = reach(numbers)
    factor = factors_at(rows, down, up)[0, 0, LEVELS.index(0.95)]
    assert factor == pytest.approx(2.0, rel=0.02)
    score, _, error = scores(numbers, seen, layout, 0, 0)
    assert np.mean(score[:, LEVELS.index(0.95)] <= factor) == pytest.approx(0.95, abs=0.002)
    assert error == pytest.approx(truth[:, 0])


def test_streams_of_calibration_and_test_differ():
    """Random numbers of calibration, of the test and of the misfits are never the same."""
    used = [sas_parameters._MEASURE, sas_parameters._MISFIT]
    used += [sas_parameters_calibration._MEASURE, sas_parameters_calibration._OTHER]
    assert len(set(used)) == 4
