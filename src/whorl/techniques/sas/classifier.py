r"""Which kind of model a curve looks like, in milliseconds: a trained network on features that know no scale.

The network says log odds and the distance of the curve from simulated ones. Probabilities are the softmax of log odds over
a temperature that was fitted to held-out curves (C. Guo et al., ICML (2017), arXiv:1706.04599). A conformal set holds each
class whose probability is at least that of nine tenths of that class's own held-out curves (Mondrian conformal prediction:
V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World (2005)): the right class is in the set with that
probability, class by class, if the curve was drawn as those were. How far a curve is from all simulated ones is the
Mahalanobis distance of the means and maxima of the network's first maps (after K. Lee et al., NeurIPS 31 (2018),
arXiv:1807.03888; late layers have thrown away what is foreign), given as the share of held-out curves that are farther.

What is said here is a proposal: fits of the likeliest decide.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whorl.models.card import ModelError
from whorl.models.inference import Model, most_likely, open_model
from whorl.models.registry import SHIPPED, trained
from whorl.physics.small_angle.log_nodes import NODES
from whorl.techniques.sas.features import CHANNELS, features

Array = NDArray[np.float64]

#: the network that comes with the package
SHIPPED_MODEL = "sas-classes"


class RawCurve(NamedTuple):
    """A curve as a file gives it: q, intensity, and where known sigma, the resolution of q and the slit's half length."""

    q: Array
    intensity: Array
    sigma: Array | None = None
    resolution: Array | None = None
    slit_length: float = 0.0


class Opinion(NamedTuple):
    """What the network says of one curve.

    Attributes
    ----------
    ranked : list of (str, float)
        Keys of the classes and their probabilities, the likeliest first.
    members : tuple of str
        Classes of the conformal set, the likeliest first.
    farther : float
        Share of held-out simulated curves that are farther from the others than this one: below 0.01 it is like none.
    """

    ranked: list[tuple[str, float]]
    members: tuple[str, ...]
    farther: float


class CurveClassifier:
    """A trained classifier of curves.

    Parameters
    ----------
    model : Model
        From `whorl.models.inference.open_model`.

    Raises
    ------
    ModelError
        If the model is no classifier of curves.
    """

    def __init__(self, model: Model) -> None:
        known = model.card.constants
        if model.card.technique != "sas" or not {"temperature", "set_90", "distances"} <= set(known):
            raise ModelError("this model classifies no small-angle curves", where=model.card.name, remedy="See `whorl models`.")
        self.card = model.card
        self.classes = model.card.classes
        self._model = model
        self._temperature = float(np.asarray(known["temperature"]))
        self._thresholds = np.atleast_1d(np.asarray(known["set_90"], dtype=np.float64))
        self._distances = np.atleast_1d(np.asarray(known["distances"], dtype=np.float64))

    @classmethod
    def open(cls, name_or_folder: str | Path = SHIPPED_MODEL) -> CurveClassifier:
        """Open a model by its name, or the one in a folder.

        Raises
        ------
        ModelError
            If there is none, or it is no classifier of curves.
        """
        return cls(open_model(name_or_folder))

    def judge(self, rows: NDArray[np.float32], among: Collection[str] | None = None) -> tuple[Array, Array]:
        """Probabilities of the classes, shape (n, classes), and distances, shape (n,), of features of shape (n, 7, 184).

        Parameters
        ----------
        rows : array
            From `whorl.techniques.sas.features.features`.
        among : collection of str, optional
            Classes that are possible; the others have a probability of nought.
        """
        flat = np.asarray(rows, dtype=np.float64).reshape(-1, len(CHANNELS) * NODES)
        logits, distance = self._model.outputs(flat)
        scaled = logits / self._temperature
        if among is not None:
            scaled = np.where([name in among for name in self.classes], scaled, -np.inf)
        odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True), distance[:, 0]

    def members(self, probabilities: Array) -> NDArray[np.bool_]:
        """Classes of the conformal sets at 90 %, shape (n, classes); the likeliest always is."""
        chosen = probabilities >= self._thresholds
        chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
        return np.asarray(chosen)

    def farther(self, distance: Array) -> Array:
        """Share of held-out curves that are farther from the others, shape of ``distance``."""
        places = np.linspace(1.0, 0.0, self._distances.size)
        return np.asarray(np.interp(distance, self._distances, places))

    def opinions(self, curves: Sequence[RawCurve], among: Collection[str] | None = None) -> list[Opinion]:
        """What the network says of each curve.

        Raises
        ------
        PatternError
            If a curve has fewer than 8 usable points.
        """
        if not curves:
            return []
        rows = np.stack([features(*curve[:4], slit_length=curve.slit_length) for curve in curves])
        probabilities, distance = self.judge(rows, among)
        chosen, farther = self.members(probabilities), self.farther(distance)
        out = []
        for p, inside, far in zip(probabilities, chosen, farther, strict=True):
            ranked = [(key, value) for key, value in most_likely(self.classes, p) if among is None or key in among]
            kept = {key for key, there in zip(self.classes, inside, strict=True) if there}
            out.append(Opinion(ranked, tuple(key for key, _ in ranked if key in kept), float(far)))
        return out


def classify(
    q: Array,
    intensity: Array,
    sigma: Array | None = None,
    resolution: Array | None = None,
    *,
    slit_length: float = 0.0,
) -> list[tuple[str, float]]:
    """Rank the kinds of models for a curve by the network that comes with the package.

    Parameters
    ----------
    q, intensity : array, shape (n,)
        Any units, any grid; at least 8 points.
    sigma, resolution : array, shape (n,), optional
        Standard uncertainty of the intensity, standard deviation of q.
    slit_length : float
        Half length of the slit, in the unit of q.

    Returns
    -------
    list of (str, float)
        Keys as `whorl.physics.small_angle.composite.compose` takes them, and probabilities, best first.

    Raises
    ------
    PatternError
        If fewer than 8 points can be used.
    """
    return classify_many([RawCurve(q, intensity, sigma, resolution, slit_length)])[0]


def classify_many(curves: Sequence[RawCurve]) -> list[list[tuple[str, float]]]:
    """Rank the kinds of models for each of several curves, in one pass of the network."""
    return [opinion.ranked for opinion in _at_hand().opinions(curves)]


def _at_hand() -> CurveClassifier:
    """The network that is used: kept open until its card changes, since reading the card takes longer than an answer."""
    card = f"{SHIPPED_MODEL}.toml"
    own = trained() / SHIPPED_MODEL / card
    path = own if own.is_file() else SHIPPED / card
    return _opened(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=2)
def _opened(_path: Path, _changed: int) -> CurveClassifier:
    return CurveClassifier.open()
