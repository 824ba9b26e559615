"""The surrogate of boxes: trained small it is the same bits again, resumes, and its card says how good it is."""

from __future__ import annotations

import numpy as np
import pytest

from whorl.learning import sas_scatterers
from whorl.learning.registry import find_trainer, train
from whorl.models.inference import open_model
from whorl.models.registry import find_model

pytest.importorskip("torch")

SMALL = {"spheres": 60, "neurons": 16, "steps": 60, "tests": 1}


def test_same_bits_and_resumed(tmp_path, monkeypatch):
    """Two trainings, one of them killed when its boxes were packed, give the same weights."""
    monkeypatch.setattr(sas_scatterers, "_BLOCK", 8)
    monkeypatch.setattr(sas_scatterers, "_TEST_BOXES", 2)
    whole = train("sas-scatterers", cases=12, settings=SMALL, out=tmp_path / "a")

    def killed(stage, done, total):
        if stage == "packing boxes" and done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("sas-scatterers", cases=12, settings=SMALL, out=tmp_path / "b", progress=killed)
    packed = []
    monkeypatch.setattr(
        sas_scatterers, "_box", lambda rng, g, n, real=sas_scatterers._box: (packed.append(1), real(rng, g, n))[1]
    )
    again = train("sas-scatterers", cases=12, settings=SMALL, out=tmp_path / "b")
    assert again.card.sha256 == whole.card.sha256
    assert len(packed) == 4 + 2  # what was left of the cases, and the boxes it is judged on
    model = open_model(tmp_path / "a")
    found = model.predict(np.zeros((1, 4)))
    assert found.shape == (1, 3 * sas_scatterers.POINTS)
    assert np.all(np.isfinite(found))


def test_network_file_is_the_network(tmp_path):
    """The written graph against torch."""
    import torch

    torch.manual_seed(1)
    nn = torch.nn
    network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 3 * sas_scatterers.POINTS))
    import onnxruntime

    session = onnxruntime.InferenceSession(sas_scatterers._to_onnx(network))
    x = np.random.default_rng(2).uniform(-1, 1, (5, 4)).astype(np.float32)
    with torch.no_grad():
        assert session.run(None, {"genes": x})[0] == pytest.approx(network(torch.from_numpy(x)).numpy(), abs=1e-5)


def test_shipped_surrogate():
    """It is the trainer's: its command, grid and ranges; and a median error of I of no more than 1.5 %."""
    card = find_model("sas-scatterers").card
    assert card.training.command == "whorl train sas-scatterers"
    assert card.training.seed == find_trainer("sas-scatterers").seed
    assert {name: (i.low, i.high) for name, i in card.ranges.items()} == sas_scatterers.RANGES
    assert card.metrics[0].value < 0.015
    assert np.exp(np.linspace(card.grid.start, card.grid.stop, card.grid.count)) == pytest.approx(sas_scatterers.grid())
