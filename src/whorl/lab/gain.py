r"""What counting longer is expected to tell: the mutual information between what is true and the counts to come, in nats.

Hypotheses i of probability p_i predict what will be counted as normal distributions. Their mixture's information about i has no
closed form, but a lower bound that is exact where they are far apart, and half of it where they are hardly apart,

.. math::
    I \ge - \sum_i p_i \ln \sum_j p_j e^{-D_{ij}}

with D the Bhattacharyya distance of the two predictions (Kolchinsky & Tracey, Entropy 19, 361 (2017), doi:10.3390/e19070361).
Distances of independent points add up. For a mean that differs by d and a variance v of both, D = d^2/8v; for two variances,
D = d^2/4(v_1+v_2) + ln[(v_1+v_2)/2 sqrt(v_1 v_2)]/2.

Two questions are asked. Which of the candidates is it? Each predicts its own fitted curve, and every point is uncertain by its
noise and by what any model is wrong by; only what the noise will be less than it is now counts as news. And is there something
that no candidate explains, a line of an unseen phase? It stands at any place with equal probability, some multiple of the least
height of interest above the model; what is left of the data so far says how probable it is, and where. Once it is more likely
there than not, the question is what it belongs to; lines of that height, anywhere, are then to be known better, until they
stand out well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: height of an unseen line beside the least of interest: mean and standard deviation, both in its units
_MEAN, _SPREAD = 1.0, 0.5
#: how far a background may be off, in units of the least height of interest
_SLACK = 0.2
#: of the intensity of a model, by which a line under it cannot be told from its error
_UNDER = 0.4
#: to what part of the least height lines are to be known where one is there that no candidate explains
_ENOUGH = 0.5
_STRONGEST = 60.0


def information(chances: Array, distance: Array) -> Array:
    """Lower bound of the mutual information of a mixture, nats.

    Parameters
    ----------
    chances : array, shape (k,) or (..., k)
        Probabilities, sum 1.
    distance : array, shape (..., k, k)
        Bhattacharyya distances.

    Returns
    -------
    array, shape (...)

    Examples
    --------
    >>> even = np.array([0.5, 0.5])
    >>> near, far = np.zeros((2, 2)), np.array([[0.0, 50.0], [50.0, 0.0]])
    >>> float(information(even, near)), round(float(information(even, far)), 4)
    (0.0, 0.6931)
    """
    mixed = np.einsum("...j,...ij->...i", chances, np.exp(-distance))
    told = -np.einsum("...i,...i->...", chances, np.log(np.maximum(mixed, 1e-300)))
    return np.asarray(np.maximum(told, 0.0))


@dataclass(frozen=True)
class Alternatives:
    """Which of the candidates: what their curves differ by in each bin.

    Attributes
    ----------
    chances : array, shape (k,)
        Probabilities of the candidates, sum 1.
    squares : array, shape (k, k, b)
        Squared differences of the predicted rates.
    error : array, shape (b,)
        Variance by which models are wrong.
    noise : array, shape (b,)
        Variance of what was measured so far; infinite where nothing was.
    fraction : float
        Part of the bins that testify (see `whorl.fitting.evidence`).
    """

    chances: Array
    squares: Array
    error: Array
    noise: Array
    fraction: float

    def distance(self, precision: Array) -> Array:
        """News in each bin from measurements that add ``precision`` (1/variance, shape (..., b)), shape (..., k, k, b)."""
        before, total = 1 / self.noise, 1 / self.noise + precision
        now, after = before / (1 + self.error * before), total / (1 + self.error * total)
        return np.asarray(self.fraction / 8 * self.squares * (after - now)[..., None, None, :])


@dataclass(frozen=True)
class Unseen:
    """Is there a line of an unseen phase: what is left of the data, and the least height of interest.

    Attributes
    ----------
    chance : float
        Prior probability of an unseen phase.
    height : float
        Least height of interest of its strongest line, as a rate.
    residual : array, shape (b,)
        Data less the best model, as rates; 0 where nothing was measured.
    noise : array, shape (b,)
        Variance of the residual; infinite where nothing was measured.
    model : array, shape (b,)
        Intensity of the best model above the background.
    """

    chance: float
    height: float
    residual: Array
    noise: Array
    model: Array

    @property
    def error(self) -> Array:
        """Variance by which the model is wrong, shape (b,)."""
        return np.asarray((_UNDER * self.model) ** 2 + (_SLACK * self.height) ** 2)

    def posterior(self) -> tuple[float, Array]:
        """Probability of an unseen line given the data so far, and of each bin if there is one, shape (b,)."""
        v, s = self.noise + self.error, (_SPREAD * self.height) ** 2
        known = np.isfinite(v)
        v = np.where(known, v, 1.0)
        log = np.where(
            known,
            0.5 * np.log(v / (v + s)) + 0.5 * self.residual**2 / v - 0.5 * (self.residual - _MEAN * self.height) ** 2 / (v + s),
            0.0,
        )
        weight = np.exp(np.clip(log, -_STRONGEST, _STRONGEST))
        odds = self.chance / (1 - self.chance) * float(weight.mean())
        return odds / (1 + odds), weight / weight.sum()

    def information(self, precision: Array) -> Array:
        """Expected information in each bin from measurements that add ``precision`` there (shape (b,)), nats, shape (b,)."""
        chance, place = self.posterior()
        v, s = self.noise + self.error, (_SPREAD * self.height) ** 2
        known = np.isfinite(v)
        weight = np.where(known, 1 / np.where(known, v, 1.0), 0.0)
        spread = 1 / (1 / s + weight)
        mean = spread * (_MEAN * self.height / s + weight * self.residual)
        counted = np.asarray(precision) > 0
        fresh = 1 / np.where(counted, precision, 1.0)
        without = fresh + self.error
        beside = without + spread
        both = without + beside
        apart = 0.25 * mean**2 / both + 0.5 * np.log(both / (2 * np.sqrt(without * beside)))
        distance = np.zeros((*np.shape(apart), 2, 2))
        distance[..., 0, 1] = distance[..., 1, 0] = apart
        told = information(np.array([chance, 1 - chance]), distance)
        # a line is there: what it belongs to, its other lines tell, which may be anywhere
        named = max(2 * chance - 1, 0.0) / place.size
        enough = (_ENOUGH * self.height) ** 2 + self.error
        before = np.minimum(np.where(known, self.noise, np.inf), self.height**2) + enough
        now = np.where(known, 1 / np.where(known, self.noise, 1.0), 0.0)
        after = 1 / np.where(counted, now + precision, 1.0) + enough
        return np.asarray(np.where(counted, place * told + named * np.maximum(0.5 * np.log(before / after), 0.0), 0.0))
