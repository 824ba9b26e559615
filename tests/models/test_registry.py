"""Models by name or folder, and weights that are the card's or are not run."""

from __future__ import annotations

import pytest

from whorl.learning.registry import list_trainers
from whorl.models.card import Card, ModelError, Training
from whorl.models.inference import open_model
from whorl.models.registry import LARGEST_SHIPPED, SHIPPED, find_model, list_models, save_model, trained


def card(name="toy", engine="xgboost"):
    training = Training(command=f"whorl train {name}", seed=1, cases=1)
    kinds = {"onnx": "onnx", "xgboost": "json"}
    return Card(
        name=name, title="A toy", task="proposer", engine=engine, file=f"{name}.{kinds[engine]}", domain="", training=training
    )


def test_a_model_is_found_by_name_and_by_folder(tmp_path):
    save_model(card(), b"{}", trained() / "toy")
    save_model(card("other"), b"{}", tmp_path)
    assert find_model("toy").weights() == b"{}"
    assert find_model(tmp_path).card.name == "other"
    assert "toy" in [found.card.name for found in list_models() if not found.shipped]
    with pytest.raises(ModelError, match="Did you mean 'toy'"):
        find_model("toi")


@pytest.mark.parametrize("change", [b"{ }", None])
def test_other_weights_are_refused_with_the_command_that_makes_the_right_ones(tmp_path, change):
    found = save_model(card(), b"{}", tmp_path)
    found.path.unlink() if change is None else found.path.write_bytes(change)
    with pytest.raises(ModelError, match="whorl train toy"):
        open_model(tmp_path)


def test_a_folder_must_hold_one_card(tmp_path):
    with pytest.raises(ModelError, match="0 model cards"):
        find_model(tmp_path)
    save_model(card("a"), b"{}", tmp_path)
    save_model(card("b"), b"{}", tmp_path)
    with pytest.raises(ModelError, match="2 model cards"):
        find_model(tmp_path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be made"):
        save_model(card(), b"{}", tmp_path / "file" / "folder")


@pytest.mark.parametrize("engine", ["onnx", "xgboost"])
@pytest.mark.parametrize("weights", [b"", b"{}", b'{"a": 1}', b"garbage"])
def test_weights_that_are_no_model_are_told(tmp_path, engine, weights):
    pytest.importorskip("onnxruntime" if engine == "onnx" else "xgboost")
    save_model(card(engine=engine), weights, tmp_path)
    with pytest.raises(ModelError, match="the weights are no"):
        open_model(tmp_path)


@pytest.mark.parametrize("name", sorted(path.stem for path in SHIPPED.glob("*.toml")))
def test_what_is_shipped_is_small_whole_and_reproducible(name):
    found = find_model(name)
    assert found.shipped
    assert len(found.weights()) <= LARGEST_SHIPPED
    assert found.card.training.command.startswith(f"whorl train {name}")
    assert found.card.metrics
    assert found.card.known_failures
    assert found.card.ranges
    assert name in list_trainers()
    assert open_model(name).card == found.card
