"""Curves of a corpus measured in drawn experiments, as features: what the networks of small-angle scattering see.

A window without the sample's features says nothing of its shape: every model is a power law there. Such windows are drawn
again, as an experimenter would choose another: the sample's own intensity, weighted by the noise and the background that the
experiment has, must depart from a power law by a tenth, and by twenty standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.learning.sas_corpus import GRID, Corpus
from whorl.physics.small_angle.log_nodes import NODES
from whorl.techniques.sas.features import CHANNELS, features
from whorl.techniques.sas.nuisances import NUISANCES, Curve, Nuisances

Array = NDArray[np.float64]

#: departure from a power law in ln I, and its square over the variance, summed over the points
DEPARTURE, CERTAINTY = 0.1, 400.0
#: kinds that are a power law
STRAIGHT = frozenset({"power_law"})
_TRIES = 8


def tells(curve: Curve) -> bool:
    """Tell whether a curve shows more of its sample than a power law.

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.3, 100)
    >>> def seen(y):
    ...     return tells(Curve(q, y, None, None, 0.0, y, 0.03 * y))
    >>> seen(q**-4.0), seen(1 / (1 + (50 * q) ** 2) ** 2)
    (False, True)
    """
    weight = (curve.expected / curve.true_sigma) ** 2
    x, y = np.log(curve.q), np.log(curve.expected)
    total = float(weight.sum())
    x = x - weight @ x / total
    y = y - weight @ y / total
    moment = float(weight @ x**2)
    left = float(weight @ y**2 - (weight @ (x * y)) ** 2 / moment) if moment > 0 else 0.0
    return left >= CERTAINTY and left >= DEPARTURE**2 * total


def measure(
    log_intensity: NDArray[np.float32], kind: str, rng: np.random.Generator, nuisances: Nuisances = NUISANCES
) -> Curve | None:
    """Measure a sample in an experiment whose window tells something of it; None when none was found."""
    clean = np.exp(log_intensity.astype(np.float64) - float(log_intensity.max()))
    for _ in range(_TRIES):
        curve = nuisances.measure(GRID, clean, nuisances.draw(rng), rng)
        if kind in STRAIGHT or tells(curve):
            return curve
    return None


@dataclass(frozen=True)
class Seen:
    """Features, shape (n, 7, 184), float32; rows of the corpus, shape (n,)."""

    features: NDArray[np.float32]
    rows: NDArray[np.int64]


def see(
    corpus: Corpus,
    rows: NDArray[np.int64],
    rng: np.random.Generator,
    nuisances: Nuisances = NUISANCES,
    keep: Callable[[int, Curve], None] | None = None,
) -> Seen:
    """Measure rows of a corpus; a row of which no window tells anything is replaced by another of its kind.

    Parameters
    ----------
    corpus : Corpus
    rows : array, shape (n,)
    rng : Generator
    nuisances : Nuisances
    keep : callable, optional
        Told the place among ``rows`` and the curve.
    """
    out = np.empty((rows.size, len(CHANNELS), NODES), dtype=np.float32)
    used = rows.copy()
    of_kind: dict[int, NDArray[np.int64]] = {}
    for i in range(rows.size):
        label = int(corpus.label[rows[i]])
        curve = None
        while curve is None:
            curve = measure(corpus.log_intensity[used[i]], corpus.kinds[label], rng, nuisances)
            if curve is None:
                if label not in of_kind:
                    of_kind[label] = np.flatnonzero(corpus.label == label)
                used[i] = rng.choice(of_kind[label])
        out[i] = features(curve.q, curve.intensity, curve.sigma, curve.resolution, slit_length=curve.slit_length)
        if keep is not None:
            keep(i, curve)
    return Seen(out, used)
