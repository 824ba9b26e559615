"""Samples of a corpus measured, with their parameters on the scales of `whorl.techniques.sas.targets`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.measurement import Measurement
from whorl.learning.sas_corpus import Corpus
from whorl.learning.sas_experiments import see
from whorl.techniques.sas.nuisances import NUISANCES, Curve, Nuisances
from whorl.techniques.sas.parameters import asked
from whorl.techniques.sas.targets import ordered, targets_of

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_LEAST_SPREAD = 0.05
_TIMES = 3  # experiments of each sample that is held out
_STREAM = 4


@dataclass(frozen=True)
class Layout:
    """Where the parameters of each kind stand among the outputs.

    Attributes
    ----------
    kinds : tuple of str
    first : tuple of int
        Number of the first parameter of each kind.
    counts : tuple of int
    centre, spread : array, shape (parameters,)
        Of the samples that were learnt from, on the scales of the targets at random first q.
    """

    kinds: tuple[str, ...]
    first: tuple[int, ...]
    counts: tuple[int, ...]
    centre: Array
    spread: Array

    @property
    def total(self) -> int:
        """Parameters of all kinds together."""
        return sum(self.counts)


@dataclass(frozen=True)
class Measured:
    """Curves ready to learn from: features (n, 7, 184), what is asked (n, kinds + 1), kind (n,), and the truth (n, most)."""

    features: NDArray[np.float32]
    asked: NDArray[np.float32]
    label: Labels
    truth: Array


def samples_of(corpus: Corpus) -> list[dict[str, float]]:
    """Parameters of every sample by name, exchangeable terms in order."""
    return [ordered(corpus.kinds[corpus.label[i]], corpus.parameters(i)) for i in range(corpus.label.size)]


def encoded(corpus: Corpus, rows: Labels, qmin: Array, samples: list[dict[str, float]]) -> Array:
    """Places of samples on the scales of their kinds' targets, shape (n, most), nought where a kind has fewer."""
    most = max(len(targets_of(k)) for k in corpus.kinds)
    out = np.zeros((rows.size, most))
    for i, (row, q) in enumerate(zip(rows, qmin, strict=True)):
        for j, target in enumerate(targets_of(corpus.kinds[corpus.label[row]])):
            out[i, j] = target.encode(samples[row], float(q))
    return out


def lay_out(corpus: Corpus, samples: list[dict[str, float]], seed: int) -> Layout:
    """Places and scales of all parameters, from samples at first q as experiments have them."""
    rng = np.random.default_rng([seed, _STREAM])
    low, high = np.log(NUISANCES.qmin)
    q = np.exp(rng.uniform(float(low), float(high), corpus.label.size))
    places = encoded(corpus, np.arange(corpus.label.size), q, samples)
    counts = tuple(len(targets_of(k)) for k in corpus.kinds)
    own = [places[corpus.label == n, j] for n, count in enumerate(counts) for j in range(count)]
    centre, spread = np.array([p.mean() for p in own]), np.array([max(p.std(), _LEAST_SPREAD) for p in own])
    return Layout(corpus.kinds, tuple(int(f) for f in np.cumsum((0, *counts[:-1]))), counts, centre, spread)


def measure(
    corpus: Corpus,
    rows: Labels,
    rng: np.random.Generator,
    layout: Layout,
    samples: list[dict[str, float]],
    nuisances: Nuisances = NUISANCES,
    curves: list[Curve] | None = None,
) -> Measured:
    """Measure rows of a corpus, each in a drawn experiment; the curves themselves are added to ``curves`` where it is given."""
    qmin = np.empty(rows.size)

    def noted(place: int, curve: Curve) -> None:
        qmin[place] = curve.q[np.isfinite(curve.intensity)][0]
        if curves is not None:
            curves.append(curve)

    seen = see(corpus, rows, rng, nuisances, keep=noted)
    label = corpus.label[seen.rows]
    truth = encoded(corpus, seen.rows, qmin, samples)
    for n in range(len(layout.kinds)):
        columns = slice(layout.first[n], layout.first[n] + layout.counts[n])
        mine = label == n
        truth[mine, : layout.counts[n]] -= layout.centre[columns]
        truth[mine, : layout.counts[n]] /= layout.spread[columns]
    return Measured(seen.features, asked(label, qmin, len(layout.kinds)).astype(np.float32), label, truth)


def held_out(corpus: Corpus, layout: Layout, seed: list[int], nuisances: Nuisances, times: int = _TIMES) -> Measured:
    """Measure every sample of a corpus several times."""
    rows = np.tile(np.arange(corpus.label.size), times)
    return measure(corpus, rows, np.random.default_rng(seed), layout, samples_of(corpus), nuisances)


def measurement_of(curve: Curve) -> Measurement:
    """A simulated curve as a file would give it."""
    settings = {"slit_length": curve.slit_length} if curve.slit_length else {}
    return Measurement("sas", curve.q, curve.intensity, curve.sigma, settings=settings, resolution=curve.resolution)
