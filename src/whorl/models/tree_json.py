r"""Boosted trees read from XGBoost's JSON with numpy alone: margins, and the exact share of every feature in them.

A tree gives the value of the one leaf whose path a row of features satisfies. The share of a feature is its Shapley value in
the game in which features that are not known send a row down both branches, weighted by the training cases that went there
("path-dependent" TreeSHAP: S. M. Lundberg et al., Nat. Mach. Intell. 2, 56 (2020), doi:10.1038/s42256-019-0138-9). Every leaf
is a product over the m features on its path, of o_j (1 when the row satisfies its conditions on j, else 0) when known and z_j
(share of the cases) when not, so

.. math::
    \phi_i = \sum_{leaves} v \sum_{S \subseteq F \setminus i} \frac{|S|!\,(m - |S| - 1)!}{m!}
             \prod_{j \in S} o_j \prod_{j \notin S,\, j \neq i} z_j \,(o_i - z_i),

a sum of few terms for shallow trees.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.models.card import ModelError

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_DEEPEST = 8


@dataclass(frozen=True)
class Trees:
    """Leaves of all trees; L leaves, at most D different features on a path.

    Parameters
    ----------
    value : array, shape (L,)
    output : array of int, shape (L,)
        Class that the leaf's tree adds to.
    feature : array of int, shape (L, D)
        Features on the path, -1 where there are fewer.
    low, high : array, shape (L, D)
        The row satisfies the path when low <= x < high for all of them.
    missing : array of bool, shape (L, D)
        Whether a missing value satisfies it.
    share : array, shape (L, D)
        Part of the training cases that satisfied the conditions on the feature, of those that met them.
    base : array, shape (classes,)
    features : int
        Number of features.
    """

    value: Array
    output: Index
    feature: Index
    low: Array
    high: Array
    missing: NDArray[np.bool_]
    share: Array
    base: Array
    features: int

    def _satisfied(self, row: Array) -> NDArray[np.bool_]:
        """Shape (L, D): which conditions of each path a row satisfies; those that are not there are."""
        x = np.asarray(row, dtype=np.float32).astype(np.float64)[np.maximum(self.feature, 0)]
        inside = np.where(np.isnan(x), self.missing, (x >= self.low) & (x < self.high))
        return np.asarray(inside | (self.feature < 0), dtype=bool)

    def margins(self, rows: Array) -> Array:
        """Sums of leaves, shape (n, classes), of rows of features, shape (n, k).

        Raises
        ------
        ModelError
            If the number of features does not fit.
        """
        rows = np.atleast_2d(rows)
        if rows.shape[1] != self.features:
            raise ModelError(f"features of shape {rows.shape} for a model of {self.features}")
        out = np.empty((len(rows), self.base.size))
        for i, row in enumerate(rows):
            reached = self._satisfied(row).all(axis=1)
            out[i] = self.base + np.bincount(self.output[reached], self.value[reached], self.base.size)
        return out

    def shares(self, row: Array) -> tuple[Array, Array]:
        """Shapley values of the features, shape (k, classes), and expected margins, shape (classes,): their sum is the margins.

        Parameters
        ----------
        row : array, shape (k,)
        """
        one = self._satisfied(row).astype(np.float64)
        there = self.feature >= 0
        zero = np.where(there, self.share, 1.0)
        count = there.sum(axis=1)
        depth = self.feature.shape[1]
        out = np.zeros((self.features, self.base.size))
        for i in range(depth):
            others = [j for j in range(depth) if j != i]
            total = np.zeros(self.value.size)
            for size in range(depth):
                weight = np.zeros(depth + 1)
                weight[size + 1 :] = [
                    factorial(size) * factorial(m - size - 1) / factorial(m) for m in range(size + 1, depth + 1)
                ]
                for chosen in combinations(others, size):
                    known = there[:, list(chosen)].all(axis=1)  # a set counts only with features that are on the path
                    product = np.ones(self.value.size)
                    for j in others:
                        product *= one[:, j] if j in chosen else zero[:, j]
                    total += np.where(known, weight[count] * product, 0.0)
            amount = self.value * total * (one[:, i] - zero[:, i])
            used = there[:, i]
            np.add.at(out, (self.feature[used, i], self.output[used]), amount[used])
        expected = self.base + np.bincount(self.output, self.value * zero.prod(axis=1), self.base.size)
        return out, expected


def read_trees(weights: bytes, *, where: str = "") -> Trees:
    """Read XGBoost's JSON.

    Raises
    ------
    ModelError
        If it is no such model, has categorical splits, or is deeper than 8.
    """
    try:
        learner = json.loads(weights)["learner"]
        model, parameters = learner["gradient_booster"]["model"], learner["learner_model_param"]
        classes = max(int(parameters["num_class"]), 1)
        base = np.array(json.loads(str(parameters["base_score"]).lower()), dtype=np.float64).reshape(-1)
        leaves: list[tuple[float, int, dict[int, list[float]]]] = []
        for tree, output in zip(model["trees"], model["tree_info"], strict=True):
            _walk(tree, int(output), leaves)
        return _arrays(leaves, np.broadcast_to(base, (classes,)).copy(), int(parameters["num_feature"]))
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise ModelError("the weights are no XGBoost model in JSON", where=where, remedy="Train it again.") from error


def _walk(tree: dict[str, Any], output: int, leaves: list[tuple[float, int, dict[int, list[float]]]]) -> None:
    """Collect the leaves of a tree: value, class, and low, high, missing, share of each feature on the path."""
    left, right, cover = tree["left_children"], tree["right_children"], tree["sum_hessian"]
    pending: list[tuple[int, dict[int, list[float]]]] = [(0, {})]
    while pending:
        node, path = pending.pop()
        if left[node] < 0:
            leaves.append((float(tree["split_conditions"][node]), output, path))
            continue
        feature, at = int(tree["split_indices"][node]), float(np.float32(tree["split_conditions"][node]))
        for child in (left[node], right[node]):
            new = {k: list(v) for k, v in path.items()}
            bounds = new.setdefault(feature, [-np.inf, np.inf, 1.0, 1.0])
            if child == left[node]:
                bounds[1] = min(bounds[1], at)
            else:
                bounds[0] = max(bounds[0], at)
            if bool(tree["default_left"][node]) != (child == left[node]):
                bounds[2] = 0.0
            bounds[3] *= float(cover[child]) / float(cover[node]) if cover[node] else 0.5
            pending.append((child, new))


def _arrays(leaves: list[tuple[float, int, dict[int, list[float]]]], base: Array, features: int) -> Trees:
    depth = max((len(path) for _, _, path in leaves), default=1) or 1
    if depth > _DEEPEST:
        raise ValueError(f"paths of {depth} features")
    shape = (len(leaves), depth)
    feature = np.full(shape, -1, dtype=np.int64)
    low, high, share = np.full(shape, -np.inf), np.full(shape, np.inf), np.ones(shape)
    missing = np.ones(shape, dtype=bool)
    for i, (_, _, path) in enumerate(leaves):
        for j, (name, (a, b, blank, part)) in enumerate(path.items()):
            feature[i, j], low[i, j], high[i, j], missing[i, j], share[i, j] = name, a, b, blank > 0.0, part
    value = np.array([v for v, _, _ in leaves])
    output = np.array([o for _, o, _ in leaves], dtype=np.int64)
    return Trees(value, output, feature, low, high, missing, share, base, features)
