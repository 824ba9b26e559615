"""Parameters of a named model from the frames of a measurement, and whether the model explains each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whorl.core.errors import WhorlError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Curve, Estimate, Phase, Quantity
from whorl.models.registry import list_models
from whorl.physics.small_angle.composite import compose, is_model
from whorl.techniques.sas.classifier import SHIPPED_MODEL as CLASSIFIER
from whorl.techniques.sas.classifier import CurveClassifier, Opinion
from whorl.techniques.sas.explained import Explained, explain_by
from whorl.techniques.sas.parameters import ParameterNetwork, Told, raw_curve
from whorl.techniques.sas.prepare import SasSignal, prepare

__all__ = ["Answer", "is_model", "tell"]

#: share of held-out curves that are farther from all training curves, and probability of a kind, below which it is not believed
_LIKE_NONE, _OTHER_KIND = 0.01, 0.005
_BLOCK = 64  # frames at a time


@dataclass(frozen=True)
class Answer:
    """What a frame says of a model's parameters.

    Attributes
    ----------
    estimates : dict of str to Estimate
        Without intervals where the model does not explain the frame.
    rw : float
    curve : Curve
    phases : list of Phase
        Terms of a model of several.
    warnings, assumptions : list of str
    """

    estimates: dict[str, Estimate]
    rw: float
    curve: Curve
    phases: list[Phase]
    warnings: list[str]
    assumptions: list[str]


def tell(
    frames: Iterator[Measurement] | Sequence[Measurement],
    key: str,
    *,
    range: tuple[float, float] | None = None,
    settings: Mapping[str, Any] | None = None,
    level: float = 0.9,
) -> Iterator[Answer | WhorlError]:
    """Tell the parameters of a model from single frames, in order; of one that cannot be used, the error.

    Parameters
    ----------
    frames : iterable of Measurement
        One frame each.
    key : str
        Name of a model or composite.
    range, settings
        As `whorl.techniques.sas.prepare.prepare` takes them.
    level : float
        Probability of the intervals, one of `whorl.techniques.sas.parameters.LEVELS`.

    Raises
    ------
    UsageError
        If the model is not known to the network, or the level was not calibrated.
    """
    network = ParameterNetwork.open()
    network.check(key, level)
    known = any(found.card.name == CLASSIFIER for found in list_models())
    classifier = CurveClassifier.open() if known else None
    block: list[SasSignal | WhorlError] = []
    for frame in frames:
        try:
            block.append(prepare(frame, range=range, settings=settings))
        except WhorlError as error:
            block.append(error)
        if len(block) == _BLOCK:
            yield from _answers(block, network, classifier, key, level)
            block = []
    yield from _answers(block, network, classifier, key, level)


def _answers(
    block: Sequence[SasSignal | WhorlError],
    network: ParameterNetwork,
    classifier: CurveClassifier | None,
    key: str,
    level: float,
) -> Iterator[Answer | WhorlError]:
    signals = [s for s in block if isinstance(s, SasSignal)]
    if signals:
        curves = [raw_curve(s) for s in signals]
        told = network.ask(curves, key, level)
        opinions = [None] * len(signals) if classifier is None else classifier.opinions(curves)
    row = 0
    for one in block:
        if not isinstance(one, SasSignal):
            yield one
            continue
        yield _answer(one, told, row, opinions[row], key, network.misfits[key])
        row += 1


def _answer(signal: SasSignal, told: Told, row: int, opinion: Opinion | None, key: str, usual: float) -> Answer:
    values = {t.name: float(v) for t, v in zip(told.targets, told.value[row], strict=True)}
    explained = explain_by(signal, key, values)
    doubts = _doubts(explained, opinion, key, usual)
    estimates = {}
    for j, target in enumerate(told.targets):
        low, high = float(told.low[row, j]), float(told.high[row, j])
        estimates[target.name] = Estimate(
            value=values[target.name],
            sigma=None if doubts else float(told.sigma[row, j]),
            unit=target.unit,
            interval=None if doubts else (low, high),
            level=told.level,
        )
    warnings = [*signal.warnings, *doubts]
    untold = [t.name for t, seen in zip(told.targets, told.told[row], strict=True) if not seen]
    if untold and not doubts:
        warnings.append(f"not told by this curve, beyond what is usual of the model: {', '.join(untold)}")
    unit = "1/cm" if signal.instrument.intensity == "absolute" else "arbitrary"
    curve = Curve(explained.x, explained.observed, explained.calculated, "q (1/angstrom)", f"I(q) ({unit})", scale="log")
    terms = compose(key).terms
    phases = [Phase(name=t.model.title, formula="", weight_fraction=Quantity(value=float("nan"))) for t in terms]
    return Answer(estimates, explained.rw, curve, phases if len(phases) > 1 else [], warnings, list(signal.assumptions))


def _doubts(explained: Explained, opinion: Opinion | None, key: str, usual: float) -> list[str]:
    """Why intervals are not given."""
    out = []
    if explained.misfit > usual or not np.isfinite(explained.misfit):
        out.append(
            f"{key} of these parameters does not explain this curve (misfit {explained.misfit:.3g}; of curves of this model "
            f"one in fifty has more than {usual:.3g}): no intervals are given; `whorl identify` says what may be there"
        )
    if opinion is None:
        return out
    chance = dict(opinion.ranked).get(key)
    if opinion.farther < _LIKE_NONE:
        out.append("this curve is like none of those that were simulated: no intervals are given")
    elif chance is not None and chance < _OTHER_KIND:
        others = ", ".join(name for name, _ in opinion.ranked[:3])
        out.append(f"this curve does not look like one of {key}, rather like one of {others}: no intervals are given")
    return out
