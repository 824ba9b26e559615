"""Inference: arrays in, arrays out, the same each time; what does not fit is said."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest

from whorl.core.errors import MissingExtraError
from whorl.models.card import Card, ModelError, Training
from whorl.models.inference import most_likely, open_model
from whorl.models.registry import save_model
from whorl.models.trees import TreeProposer

WEIGHTS = np.array([[1.0, -2.0], [0.5, 0.25], [3.0, 4.0]], dtype=np.float32)


def field(number: int, value: bytes | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        value, low = value >> 7, value & 127
        out.append(low | (128 if value else 0))
        if not value:
            return bytes(out)


def matrix_product() -> bytes:
    """An ONNX model y = x W, x of shape (n, 3), by the field numbers of onnx.proto (opset 13)."""

    def port(name: str, width: int) -> bytes:
        shape = field(1, field(2, b"n")) + field(1, field(1, width))
        return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, shape)))

    raw = struct.pack(f"<{WEIGHTS.size}f", *WEIGHTS.ravel())
    tensor = field(1, 3) + field(1, 2) + field(2, 1) + field(8, b"w") + field(9, raw)
    node = field(1, b"x") + field(1, b"w") + field(2, b"y") + field(4, b"MatMul")
    graph = field(1, node) + field(2, b"g") + field(5, tensor) + field(11, port("x", 3)) + field(12, port("y", 2))
    return field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13))


def card(engine: str = "onnx") -> Card:
    training = Training(command="whorl train toy", seed=1, cases=1)
    return Card(name="toy", title="A toy", task="t", engine=engine, file=f"toy.{engine}", domain="", training=training)


@pytest.fixture
def product(tmp_path):
    pytest.importorskip("onnxruntime")
    save_model(card(), matrix_product(), tmp_path)
    return tmp_path


def test_an_onnx_model_gives_what_its_graph_says(product):
    model = open_model(product)
    x = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])
    found = model.predict(x)
    assert found.dtype == np.float64
    assert found == pytest.approx(x @ WEIGHTS.astype(float), abs=1e-6)
    assert np.array_equal(found, open_model(product).predict(x))


def test_inputs_that_do_not_fit_are_told(product):
    model = open_model(product)
    with pytest.raises(ModelError, match="2 inputs for a model that takes 1"):
        model.predict(np.zeros((1, 3)), np.zeros((1, 3)))
    with pytest.raises(ModelError, match=r"inputs of shape \(1, 4\) do not fit"):
        model.predict(np.zeros((1, 4)))


def test_trees_check_their_features(tmp_path):
    xgboost = pytest.importorskip("xgboost")
    x = np.random.default_rng(0).normal(size=(60, 4))
    y = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    parameters = {"objective": "multi:softprob", "num_class": 3, "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(x, y), num_boost_round=10)
    save_model(card("xgboost"), bytes(booster.save_raw("json")), tmp_path)
    model = open_model(tmp_path)
    assert np.mean(model.predict(x).argmax(axis=1) == y) > 0.95
    with pytest.raises(ModelError, match="for a model of 4"):
        model.predict(x[:, :3])
    with pytest.raises(ModelError, match="ranks no structures"):
        TreeProposer(model)


def test_without_onnxruntime_the_install_is_named(product, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match="pip install onnxruntime") as caught:
        open_model(product)
    assert caught.value.exit_code == 4


def test_classes_of_one_score_keep_their_order():
    assert most_likely(["a", "b", "c"], np.array([0.4, 0.2, 0.4])) == [("a", 0.4), ("c", 0.4), ("b", 0.2)]
