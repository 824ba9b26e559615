"""What a trained network of parameters is worth: factors on its intervals, what is usual, figures on curves kept apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.lazy import need
from whorl.learning.sas_classes import UNSEEN
from whorl.learning.sas_corpus import Corpus
from whorl.learning.sas_parameters_measured import Layout, Measured, encoded, held_out, measure, measurement_of, samples_of
from whorl.models.card import Metric
from whorl.techniques.sas.explained import explain_by
from whorl.techniques.sas.nuisances import NUISANCES, Curve
from whorl.techniques.sas.parameters import CLASSES, LEVELS, OUTPUTS, factors_at, length_of, reach
from whorl.techniques.sas.prepare import prepare
from whorl.techniques.sas.targets import SHARP, targets_of
from whorl.trust.conformal import coverage, split_quantile

Array = NDArray[np.float64]

_BATCH = 128
_EXPLAINED = 0.98  # of the curves of a kind that it is said to explain
#: streams of random numbers
_MEASURE, _OTHER = 15, 16


def judge(network: Any, seen: Measured) -> Array:
    """What a network in evaluation mode gives of measured curves, shape (n, parameters, outputs)."""
    torch = need("torch", extra="train")
    found = []
    with torch.no_grad():
        for start in range(0, len(seen.label), _BATCH):
            part = slice(start, start + _BATCH)
            found.append(network(torch.from_numpy(seen.features[part]), torch.from_numpy(seen.asked[part])).numpy())
    numbers = np.concatenate(found).astype(np.float64)
    return numbers.reshape(len(numbers), -1, OUTPUTS)


def scores(numbers: Array, seen: Measured, layout: Layout, kind: int, j: int) -> tuple[Array, Array, Array]:
    """Of one parameter: by what factor each interval has to be longer to hold the truth, (n, levels), its length, the errors.

    A spread below `SHARP` counts as one of `SHARP`: the intervals of such say "none".
    """
    mine = seen.label == kind
    place = layout.first[kind] + j
    middle, down, up = reach(numbers[mine, place])
    truth = seen.truth[mine, j]
    if targets_of(layout.kinds[kind])[j].scale == "spread":
        least = (SHARP - layout.centre[place]) / layout.spread[place]
        truth, middle = np.maximum(truth, least), np.maximum(middle, least)
    error = truth - middle
    return np.where(error[:, None] < 0, -error[:, None] / down, error[:, None] / up), length_of(down, up), error


def calibrate(numbers: Array, seen: Measured, layout: Layout) -> dict[str, Array]:
    """Factors on the intervals of each kind, a row for each parameter (`whorl.techniques.sas.parameters.factors_at`).

    Curves of which the network gives a short interval, a middling and a long one have factors of their own (Mondrian
    conformal prediction): else the long would hold less often than the short.
    """
    out = {}
    for n, kind in enumerate(layout.kinds):
        rows = []
        for j in range(layout.counts[n]):
            score, length, _ = scores(numbers, seen, layout, n, j)
            edges = np.quantile(length, np.arange(1, CLASSES) / CLASSES)
            place = np.sum(length[:, None] > edges, axis=1)
            found = [[split_quantile(score[place == c, k], v) for k, v in enumerate(LEVELS)] for c in range(CLASSES)]
            flat = np.array(found).ravel()
            rows.append(np.concatenate([edges, np.where(np.isfinite(flat), flat, 2 * score.max())]))
        out[kind] = np.array(rows)
    return out


def scales_of(layout: Layout) -> dict[str, Array]:
    """Centre and spread of each parameter of each kind."""
    return {
        kind: np.column_stack([layout.centre, layout.spread])[layout.first[n] : layout.first[n] + layout.counts[n]]
        for n, kind in enumerate(layout.kinds)
    }


def usual_of(corpus: Corpus, samples: list[dict[str, float]]) -> dict[str, Array]:
    """Length of the interval of all samples of each parameter, shape (parameters, levels): what a model tells before data."""
    places = encoded(corpus, np.arange(corpus.label.size), np.ones(corpus.label.size), samples)
    out = {}
    for n, kind in enumerate(corpus.kinds):
        own = places[corpus.label == n, : len(targets_of(kind))]
        ends = [np.quantile(own, (0.5 + sign * np.array(LEVELS) / 2), axis=0) for sign in (-1, 1)]
        out[kind] = (ends[1] - ends[0]).T
    return out


def misfits_of(network: Any, corpus: Corpus, layout: Layout, seed: list[int]) -> dict[str, float]:
    """Misfit of each kind that one measured curve in fifty exceeds at the medians."""
    curves: list[Curve] = []
    seen = measure(corpus, np.arange(corpus.label.size), np.random.default_rng(seed), layout, samples_of(corpus), curves=curves)
    numbers = judge(network, seen)
    found: dict[str, list[float]] = {kind: [] for kind in layout.kinds}
    for i, curve in enumerate(curves):
        n = int(seen.label[i])
        own = slice(layout.first[n], layout.first[n] + layout.counts[n])
        places = layout.centre[own] + layout.spread[own] * numbers[i, own, 0]
        signal = prepare(measurement_of(curve))
        values = {
            t.name: float(t.decode(p, float(curve.q[0]))) for t, p in zip(targets_of(layout.kinds[n]), places, strict=True)
        }
        found[layout.kinds[n]].append(explain_by(signal, layout.kinds[n], values).misfit)
    return {kind: _finite(split_quantile(np.array(rows), _EXPLAINED), rows) for kind, rows in found.items()}


def _finite(value: float, rows: list[float]) -> float:
    return value if np.isfinite(value) else max(rows)


def figures(network: Any, factors: dict[str, Array], test: Corpus, layout: Layout, seed: int) -> tuple[Metric, ...]:
    """Figures on samples that were neither learnt nor calibrated on."""
    out = []
    for words, stream, nuisances in (("", _MEASURE, NUISANCES), (", unseen instruments", _OTHER, UNSEEN)):
        seen = held_out(test, layout, [seed, stream], nuisances)
        numbers = judge(network, seen)
        missed: list[list[Array]] = [[] for _ in LEVELS]
        errors, own = [], []
        for n, kind in enumerate(layout.kinds):
            inside = []
            for j, target in enumerate(targets_of(kind)):
                score, _, error = scores(numbers, seen, layout, n, j)
                _, down, up = reach(numbers[seen.label == n, layout.first[n] + j, None])
                allowed = factors_at(factors[kind][j : j + 1], down, up)[:, 0]
                for k in range(len(LEVELS)):
                    missed[k].append((score[:, k] > allowed[:, k]).astype(float))
                inside.append(missed[LEVELS.index(0.95)][-1])
                if target.scale == "length":
                    errors.append(np.abs(np.expm1(error * layout.spread[layout.first[n] + j])))
            own.append((kind, np.concatenate(inside)))
        for k, level in enumerate(LEVELS):
            flat = np.concatenate(missed[k])
            share, low, high = coverage(flat, np.full(flat.size, 0.5))
            out.append(_metric(f"{level:.3g} intervals hold the truth{words}", share, flat.size, low, high))
        lengths = np.concatenate(errors)
        out.append(_metric(f"median relative error of a length{words}", float(np.median(lengths)), lengths.size))
        if words:
            out += [_metric(f"0.95 intervals hold the truth, {kind}{words}", 1 - flat.mean(), flat.size) for kind, flat in own]
    return tuple(out)


def _metric(name: str, value: float, cases: int, low: float | None = None, high: float | None = None) -> Metric:
    def short(number: float | None) -> float | None:
        return None if number is None else float(f"{number:.3g}")

    return Metric(name=name, value=float(f"{value:.3g}"), low=short(low), high=short(high), cases=cases)
