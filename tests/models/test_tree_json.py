"""Trees read with numpy against XGBoost: margins, and Shapley values that add up to them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from whorl.models.card import ModelError
from whorl.models.tree_json import read_trees


def node_tree():
    """One split: x0 < 1 gives 2 (3 of 4 cases), else -4."""
    return {
        "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [0, 0, 0],
        "split_conditions": [1.0, 2.0, -4.0], "default_left": [1, 0, 0], "sum_hessian": [4.0, 3.0, 1.0],
    }  # fmt: skip


def model(trees, classes=0, features=2):
    parameters = {"num_class": str(classes), "num_feature": str(features), "base_score": "[0E0]"}
    booster = {"model": {"trees": trees, "tree_info": [0] * len(trees)}}
    return json.dumps({"learner": {"learner_model_param": parameters, "gradient_booster": booster}}).encode()


def test_a_single_split_by_hand():
    trees = read_trees(model([node_tree()]))
    np.testing.assert_allclose(trees.margins(np.array([[0.5, 0.0], [1.0, 0.0], [np.nan, 0.0]])).ravel(), [2.0, -4.0, 2.0])
    shares, expected = trees.shares(np.array([3.0, 0.0]))
    assert expected == pytest.approx([0.75 * 2.0 - 0.25 * 4.0])
    np.testing.assert_allclose(shares.ravel(), [-4.0 - 0.5, 0.0])


@pytest.mark.parametrize("depth", [1, 3, 4])
def test_margins_and_shares_are_those_of_xgboost(depth):
    xgboost = pytest.importorskip("xgboost")
    rng = np.random.default_rng(12)
    rows = rng.normal(size=(300, 6))
    rows[rng.random(rows.shape) < 0.1] = np.nan
    labels = (np.nan_to_num(rows[:, 0]) > 0).astype(int) + (np.nan_to_num(rows[:, 1] * rows[:, 2]) > 0.2)
    parameters = {"objective": "multi:softprob", "num_class": 3, "max_depth": depth, "eta": 0.3, "seed": 1, "nthread": 1}
    booster = xgboost.train(parameters, xgboost.DMatrix(rows, labels, nthread=1), 12)
    trees = read_trees(bytes(booster.save_raw("json")))
    matrix = xgboost.DMatrix(rows[:40], nthread=1)
    np.testing.assert_allclose(trees.margins(rows[:40]), booster.predict(matrix, output_margin=True), atol=2e-5)
    theirs = booster.predict(matrix, pred_contribs=True)  # (n, classes, features + 1)
    for i in range(10):
        shares, expected = trees.shares(rows[i])
        np.testing.assert_allclose(shares.T, theirs[i, :, :-1], atol=2e-5)
        np.testing.assert_allclose(expected, theirs[i, :, -1], atol=2e-5)
        np.testing.assert_allclose(shares.sum(axis=0) + expected, trees.margins(rows[i])[0], atol=1e-9)


@pytest.mark.parametrize("weights", [b"", b"{}", b"garbage", b'{"learner": 3}'])
def test_other_files_are_refused(weights):
    with pytest.raises(ModelError, match="no XGBoost model"):
        read_trees(weights, where="toy")


def test_the_number_of_features_is_checked():
    with pytest.raises(ModelError, match="features of shape"):
        read_trees(model([node_tree()])).margins(np.zeros((1, 3)))
