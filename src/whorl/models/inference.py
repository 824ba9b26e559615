"""Run a model: arrays in, arrays out, on one thread of the CPU, the same bits every time.

ONNX weights run in onnxruntime, trees in XGBoost; each library is imported when the first model that needs it is opened.
Weights are handed over from memory, after their hash was checked, so an ONNX file cannot refer to other files.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import MissingExtraError
from whorl.core.lazy import need
from whorl.models.card import Card, ModelError
from whorl.models.registry import find_model

Array = NDArray[np.float64]


class Model(Protocol):
    """An opened model."""

    card: Card

    def outputs(self, *inputs: Array) -> list[Array]:
        """All outputs for the inputs, both in the order of the card."""
        ...

    def predict(self, *inputs: Array) -> Array:
        """The first output."""
        ...


class OnnxModel:
    """Weights in the Open Neural Network Exchange format.

    Parameters
    ----------
    card : Card
    weights : bytes

    Attributes
    ----------
    metadata : dict of str to str
        Texts in the file of the weights, what else the model needs: `whorl.learning.onnx_file.Graph.to_bytes`.

    Raises
    ------
    MissingExtraError
        If onnxruntime is not installed.
    ModelError
        If the weights are no ONNX model.
    """

    def __init__(self, card: Card, weights: bytes) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            remedy = "Run: pip install onnxruntime."
            raise MissingExtraError(
                "onnxruntime, which runs this model, is not installed", where=card.name, remedy=remedy
            ) from error
        self.card = card
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's own errors have no common class
            raise ModelError("the weights are no ONNX model", where=card.name, remedy="Train or install it again.") from error
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self._inputs = [(port.name, np.float64 if "double" in port.type else np.float32) for port in self._session.get_inputs()]

    def outputs(self, *inputs: Array) -> list[Array]:
        """All outputs, float64, for the inputs in the order of the weights.

        Raises
        ------
        ModelError
            If the number or shape of the inputs does not fit.
        """
        if len(inputs) != len(self._inputs):
            raise ModelError(f"{len(inputs)} inputs for a model that takes {len(self._inputs)}", where=self.card.name)
        feed = {name: np.ascontiguousarray(x, dtype=kind) for (name, kind), x in zip(self._inputs, inputs, strict=True)}
        try:
            found = self._session.run(None, feed)
        except Exception as error:  # see above
            shapes = ", ".join(str(np.shape(x)) for x in inputs)
            raise ModelError(f"inputs of shape {shapes} do not fit the model", where=self.card.name) from error
        return [np.asarray(x, dtype=np.float64) for x in found]

    def predict(self, *inputs: Array) -> Array:
        """First output, float64."""
        return self.outputs(*inputs)[0]


class TreeModel:
    """Boosted trees as XGBoost's JSON.

    Parameters
    ----------
    card : Card
    weights : bytes

    Raises
    ------
    MissingExtraError
        If XGBoost is not installed.
    ModelError
        If the weights are no such model.
    """

    def __init__(self, card: Card, weights: bytes) -> None:
        xgboost = need_xgboost()
        self.card = card
        if not weights.lstrip()[:1] == b"{":
            raise ModelError("the weights are no XGBoost model in JSON", where=card.name, remedy="Train it again.")
        self._matrix: Any = xgboost.DMatrix
        self._booster: Any = xgboost.Booster({"nthread": 1})
        try:
            self._booster.load_model(bytearray(weights))
        except xgboost.core.XGBoostError as error:
            raise ModelError("the weights are no XGBoost model in JSON", where=card.name, remedy="Train it again.") from error

    def outputs(self, *inputs: Array) -> list[Array]:
        """Probabilities of the classes, shape (n, classes), for features of shape (n, k), as a list of one.

        Raises
        ------
        ModelError
            If the number of features does not fit.
        """
        (features,) = inputs
        width = int(self._booster.num_features())
        if features.ndim != 2 or features.shape[1] != width:
            raise ModelError(f"features of shape {features.shape} for a model of {width}", where=self.card.name)
        found = np.asarray(self._booster.predict(self._matrix(np.asarray(features, dtype=np.float32), nthread=1)))
        return [found.astype(np.float64)]

    def predict(self, *inputs: Array) -> Array:
        """Probabilities of the classes, shape (n, classes), for features of shape (n, k)."""
        return self.outputs(*inputs)[0]


_ENGINES: dict[str, type[OnnxModel | TreeModel]] = {"onnx": OnnxModel, "xgboost": TreeModel}
_opened: dict[tuple[Path, str], Model] = {}


def need_xgboost() -> Any:
    """Import XGBoost, or say how to install the build without GPU libraries.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    try:
        return need("xgboost", extra="train")
    except MissingExtraError as error:
        raise MissingExtraError(error.what, remedy="Run: pip install 'whorl[train]' (or pip install xgboost-cpu).") from error


def open_model(name_or_folder: str | Path) -> Model:
    """Open a model by its name, or the one in a folder.

    Raises
    ------
    ModelError
        If there is none, or its weights are not those of its card.
    MissingExtraError
        If the library that runs it is not installed.
    """
    found = find_model(name_or_folder)
    key = (found.path.resolve(), found.card.to_text())
    if key not in _opened:
        _opened[key] = _ENGINES[found.card.engine](found.card, found.weights())
    return _opened[key]


def most_likely(classes: Sequence[str], probabilities: Array, top: int | None = None) -> list[tuple[str, float]]:
    """Rank the classes of one prediction, shape (classes,), most probable first.

    Examples
    --------
    >>> most_likely(["a", "b", "c"], np.array([0.1, 0.7, 0.2]), top=2)
    [('b', 0.7), ('c', 0.2)]
    """
    order = np.argsort(-probabilities, kind="stable")[:top]
    return [(classes[int(i)], float(probabilities[i])) for i in order]
