r"""Parameters of a model straight from a curve, with intervals, in milliseconds: start values, and answers for series.

A network reads a curve's features (`whorl.techniques.sas.features`), is told the kind of model and the first q, and gives of
each parameter the median and, for each probability, how far below and above it an interval reaches (quantile regression: R.
Koenker & G. Bassett, Econometrica 46, 33 (1978), doi:10.2307/1913643). On curves that were kept apart the intervals were made
longer or shorter by a factor each, so that they hold the truth in the stated share, be they short or long (conformalised
quantile regression: Y. Romano, E. Patterson, E. Candes, NeurIPS 32 (2019), arXiv:1905.03222).

They do so for curves drawn as those were, of the kind that was named. Which kind it is, is not asked here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.models.card import ModelError
from whorl.models.inference import Model, open_model
from whorl.models.registry import list_models, trained
from whorl.techniques.sas.classifier import RawCurve
from whorl.techniques.sas.features import features, prepared
from whorl.techniques.sas.prepare import SasSignal
from whorl.techniques.sas.targets import SHARP, Target, targets_of

Array = NDArray[np.float64]

#: probabilities of the intervals that are learnt and calibrated
LEVELS = (0.5, 0.683, 0.8, 0.9, 0.95, 0.99)
#: the network that comes with the package, and the name of the text in the file of its weights
SHIPPED_MODEL, METADATA = "sas-parameters", "sas-parameters"
#: classes of length of the intervals, each with factors of its own, and the level by whose length they are told apart
CLASSES, _MIDDLE = 3, LEVELS.index(0.8)
#: numbers that the network gives of each parameter: the median, and the distances down and up for each level
OUTPUTS = 1 + 2 * len(LEVELS)
#: first q that the network is told of: centre and half range in ln q, and where it stops
_CENTRE, _HALF, _ENDS = float(np.log(0.005)), 1.8, 1.1
#: part of the interval that nothing but the model gives, from which a curve tells nothing of a parameter
UNTOLD = 0.8


@dataclass(frozen=True)
class Told:
    """Parameters of curves.

    Attributes
    ----------
    targets : tuple of Target
    value, sigma, low, high : array, shape (n, parameters)
        Medians; half of the interval of 68.3 %; ends of the interval.
    level : float
        Probability of the interval.
    told : array of bool, shape (n, parameters)
        Whether the curve tells more than what is usual for the model.
    """

    targets: tuple[Target, ...]
    value: Array
    sigma: Array
    low: Array
    high: Array
    level: float
    told: NDArray[np.bool_]


class ParameterNetwork:
    """A trained network that tells parameters.

    Parameters
    ----------
    model : Model
        From `whorl.models.inference.open_model`.

    Attributes
    ----------
    card : Card
    kinds : tuple of str
        Models whose parameters it tells.
    misfits : dict of str to float
        Misfit (`whorl.techniques.sas.explained`) that one curve in fifty of a model exceeds at the values that are told.

    Raises
    ------
    ModelError
        If the model is of another kind.
    """

    def __init__(self, model: Model) -> None:
        text = getattr(model, "metadata", {}).get(METADATA)
        if text is None:
            raise ModelError(
                "this model tells no parameters of small-angle curves", where=model.card.name, remedy="See `whorl models`."
            )
        record = json.loads(text)
        self.card = model.card
        self._model = model
        self._all: tuple[str, ...] = tuple(record["kinds"])
        self._names = {key: tuple(names) for key, names in record["names"].items()}
        self._scales: dict[str, Array] = {key: np.array(rows, dtype=np.float64) for key, rows in record["scales"].items()}
        self._factors: dict[str, Array] = {key: np.array(rows, dtype=np.float64) for key, rows in record["factors"].items()}
        self.misfits: dict[str, float] = record["misfits"]
        self._usual: dict[str, Array] = {key: np.array(rows, dtype=np.float64) for key, rows in record["usual"].items()}
        self._first = {key: sum(len(self._names[k]) for k in self._all[:n]) for n, key in enumerate(self._all)}
        # a model whose table has changed since is not known any more
        self.kinds = tuple(key for key in self._all if tuple(t.name for t in targets_of(key)) == self._names[key])

    @classmethod
    def open(cls, name_or_folder: str | Path = SHIPPED_MODEL) -> ParameterNetwork:
        """Open a model by its name, or the one in a folder.

        Raises
        ------
        ModelError
            If there is none, or it is of another kind.
        """
        return cls(open_model(name_or_folder))

    def ask(self, curves: Sequence[RawCurve], key: str, level: float = 0.95) -> Told:
        """Tell the parameters of a model from each of several curves.

        Parameters
        ----------
        curves : sequence of RawCurve
        key : str
            One of `kinds`.
        level : float
            One of `LEVELS`.

        Raises
        ------
        UsageError
            If the model or the level is not known.
        PatternError
            If a curve has fewer than 8 usable points.
        """
        rows = np.stack([features(*curve[:4], slit_length=curve.slit_length) for curve in curves])
        qmin = np.array([prepared(*curve[:4]).q[0] for curve in curves])
        return self.tell(rows, qmin, key, level)

    def check(self, key: str, level: float) -> int:
        """Give the place of a level, if the model and the level are known.

        Raises
        ------
        UsageError
            If one of them is not.
        """
        if key not in self.kinds:
            raise UsageError(
                f"the parameters of {key} cannot be told straight from a curve",
                where=self.card.name,
                remedy=f"Models are {', '.join(self.kinds)}. `whorl refine` fits any.",
            )
        return _level(level)

    def tell(self, rows: NDArray[np.float32], qmin: Array, key: str, level: float = 0.95) -> Told:
        """Tell the parameters of a model from features, shape (n, 7, 184), and first points, 1/angstrom, shape (n,)."""
        place = self.check(key, level)
        targets = targets_of(key)
        kinds = np.full(len(rows), self._all.index(key))
        flat = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
        (found,) = self._model.outputs(flat, asked(kinds, qmin, len(self._all)))
        first = self._first[key]
        own = found.reshape(len(rows), -1, OUTPUTS)[:, first : first + len(targets)]
        centre, spread = self._scales[key].T
        middle, down, up = reach(own)
        factor = factors_at(self._factors[key], down, up)
        value, sigma, low, high = (np.empty(middle.shape) for _ in range(4))
        half = _level(0.683)
        for j, target in enumerate(targets):
            m = middle[:, j]

            def end(distance: Array, level_: int, sign: int, j: int = j, m: Array = m, target: Target = target) -> Array:
                at = m + sign * factor[:, j, level_] * distance[:, j, level_]
                return target.decode(centre[j] + spread[j] * at, qmin)

            value[:, j] = target.decode(centre[j] + spread[j] * m, qmin)
            low[:, j], high[:, j] = _sorted(end(down, place, -1), end(up, place, 1))
            below, above = _sorted(end(down, half, -1), end(up, half, 1))
            sigma[:, j] = 0.5 * (above - below)
            if target.scale == "spread":
                low[:, j] = np.where(low[:, j] < SHARP, 0.0, low[:, j])
                value[:, j] = np.where(value[:, j] < SHARP, 0.0, value[:, j])
        length = factor[:, :, place] * (down[:, :, place] + up[:, :, place]) * spread
        return Told(targets, value, sigma, low, high, level, length < UNTOLD * self._usual[key][:, place])


def reach(raw: Array) -> tuple[Array, Array, Array]:
    """Medians, shape (..., k), and distances down and up, (..., k, levels), from what the network gives, (..., k, outputs).

    Distances grow from level to level, whatever the network says.
    """
    steps = np.logaddexp(0.0, raw[..., 1:])
    count = len(LEVELS)
    return raw[..., 0], np.cumsum(steps[..., :count], axis=-1), np.cumsum(steps[..., count:], axis=-1)


def factors_at(rows: Array, down: Array, up: Array) -> Array:
    """Factors on the intervals of each curve, by how long these are, shape (n, k, levels).

    Parameters
    ----------
    rows : array, shape (k, CLASSES - 1 + CLASSES * levels)
        Of each parameter the lengths between the classes, then the factors class by class.
    down, up : array, shape (n, k, levels)
        From `reach`.
    """
    table = rows[:, CLASSES - 1 :].reshape(len(rows), CLASSES, len(LEVELS))
    place = np.sum(length_of(down, up)[:, :, None] > rows[:, : CLASSES - 1], axis=2)
    return np.asarray(table[np.arange(len(rows)), place])


def length_of(down: Array, up: Array) -> Array:
    """Length of the intervals as the network gives them, by which curves are told apart: of 0.8."""
    return np.asarray(down[..., _MIDDLE] + up[..., _MIDDLE])


def asked(kinds: NDArray[np.int64], qmin: Array, count: int) -> Array:
    """What the network is told beside the features: the kind, one of ``count``, and the first q; shape (n, count + 1)."""
    out = np.zeros((len(kinds), count + 1))
    out[np.arange(len(kinds)), kinds] = 1.0
    out[:, -1] = np.clip((np.log(qmin) - _CENTRE) / _HALF, -_ENDS, _ENDS)
    return out


def raw_curve(signal: SasSignal) -> RawCurve:
    """The curve of a signal as the networks take it."""
    slit = signal.instrument.slit_length if signal.instrument.smearing == "on" else 0.0
    return RawCurve(signal.x, signal.y, signal.sigma if signal.absolute else None, signal.dq, slit)


def start_values(signal: SasSignal, key: str) -> dict[str, float] | None:
    """Values of a model's parameters to begin a fit with; None where the network does not know the model.

    Parameters
    ----------
    signal : SasSignal
    key : str
        Name of a model or composite.

    Returns
    -------
    dict of str to float or None
        By name; what a fit holds is not among them.
    """
    network = _opened(str(trained()))
    if network is None or key not in network.kinds:
        return None
    told = network.ask([raw_curve(signal)], key)
    return {target.name: float(value) for target, value in zip(told.targets, told.value[0], strict=True)}


@lru_cache(maxsize=2)
def _opened(folder: str) -> ParameterNetwork | None:
    """The network that is found beside what the user trained, once for all the fits of a session."""
    del folder
    return ParameterNetwork.open() if any(found.card.name == SHIPPED_MODEL for found in list_models()) else None


def _sorted(one: Array, two: Array) -> tuple[Array, Array]:
    return np.minimum(one, two), np.maximum(one, two)


def _level(level: float) -> int:
    for n, known in enumerate(LEVELS):
        if abs(known - level) < 1e-9:
            return n
    known_ones = ", ".join(f"{v:g}" for v in LEVELS)
    raise UsageError(f"level {level:g} was not calibrated", where="quantify", remedy=f"Choose one of {known_ones}.")


def record_of(
    kinds: Sequence[str],
    scales: dict[str, Array],
    factors: dict[str, Array],
    usual: dict[str, Array],
    misfits: dict[str, float],
) -> dict[str, Any]:
    """What the file of the weights holds beside them, JSON-ready."""

    def rounded(rows: dict[str, Array]) -> dict[str, Any]:
        return {key: [[float(f"{v:.5g}") for v in row] for row in value] for key, value in rows.items()}

    return {
        "kinds": list(kinds),
        "names": {key: [t.name for t in targets_of(key)] for key in kinds},
        "scales": rounded(scales),
        "factors": rounded(factors),
        "usual": rounded(usual),
        "misfits": {key: float(f"{value:.3g}") for key, value in misfits.items()},
    }
