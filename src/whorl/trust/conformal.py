"""Intervals that cover: split conformal prediction with errors measured in units of each answer's own uncertainty.

On n cases that were used neither for training nor for tuning, the score of an answer is its error over its stated standard
uncertainty. The interval of a new answer reaches q times its uncertainty either way, q being the k-th smallest score, k =
ceil((n + 1) level): if the new case is drawn as those were, the truth lies within with a probability of at least the level
(V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World (2005); J. Lei et al., J. Am. Stat. Assoc. 113, 1094
(2018), doi:10.1080/01621459.2017.1307116). Cases are told apart by difficulty, and each class has a q of its own (Mondrian
conformal prediction), so that the easy do not pay for the hard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError

Array = NDArray[np.float64]

LEVELS = (0.5, 0.683, 0.8, 0.9, 0.95, 0.99)
_FEWEST = 150  # cases of a class of difficulty


def split_quantile(scores: Array, level: float) -> float:
    """Factor that covers with a probability of ``level``: infinite where the scores are too few to say.

    Parameters
    ----------
    scores : array, shape (n,)
    level : float
        Between 0 and 1.

    Examples
    --------
    >>> split_quantile(np.arange(1.0, 20.0), 0.9), split_quantile(np.arange(1.0, 5.0), 0.9)
    (18.0, inf)
    """
    place = ceil((len(scores) + 1) * level - 1e-9)
    return float("inf") if place > len(scores) else float(np.sort(scores)[max(place, 1) - 1])


@dataclass(frozen=True)
class Conformal:
    """Factors on the uncertainty by class of difficulty and level.

    Attributes
    ----------
    edges : tuple of float
        Difficulties between the classes, increasing.
    levels : tuple of float
    factors : tuple of tuple of float
        One row for each class, one column for each level.
    cases : int
        Of the calibration.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> sigma = rng.uniform(0.1, 1.0, 4000)
    >>> found = Conformal.calibrate(np.abs(rng.normal(0, sigma)) / sigma, sigma)
    >>> bool(np.all(np.abs(found.factor(np.array([0.2, 0.9]), 0.9) - 1.64) < 0.15))
    True
    """

    edges: tuple[float, ...]
    levels: tuple[float, ...]
    factors: tuple[tuple[float, ...], ...]
    cases: int

    @classmethod
    def calibrate(cls, scores: Array, difficulty: Array, *, levels: Sequence[float] = LEVELS, classes: int = 4) -> Conformal:
        """Make the factors from the scores of held-out cases.

        Parameters
        ----------
        scores, difficulty : array, shape (n,)
            Error over uncertainty, and what tells easy cases from hard ones (known without the truth).
        levels : sequence of float
        classes : int
            At most, each with as many cases as another.
        """
        count = int(np.clip(len(scores) // _FEWEST, 1, classes))
        edges = np.quantile(difficulty, np.arange(1, count) / count) if count > 1 else np.zeros(0)
        place = np.searchsorted(edges, difficulty, side="right")
        rows = [tuple(split_quantile(scores[place == k], level) for level in levels) for k in range(count)]
        return cls(tuple(float(e) for e in edges), tuple(levels), tuple(rows), len(scores))

    def factor(self, difficulty: Array, level: float) -> Array:
        """Factor on the uncertainty of each answer, shape of ``difficulty``.

        Raises
        ------
        UsageError
            If the level is none of the calibrated ones.
        """
        near = [n for n, known in enumerate(self.levels) if abs(known - level) < 1e-9]
        if not near:
            known = ", ".join(f"{v:g}" for v in self.levels)
            raise UsageError(f"level {level:g} was not calibrated", where="intervals", remedy=f"Choose one of {known}.")
        table = np.array([row[near[0]] for row in self.factors])
        return np.asarray(table[np.searchsorted(np.array(self.edges), difficulty, side="right")])

    def to_dict(self) -> dict[str, Any]:
        """Give it JSON-ready; an infinite factor is null."""
        rows = [[v if np.isfinite(v) else None for v in row] for row in self.factors]
        return {"edges": list(self.edges), "levels": list(self.levels), "factors": rows, "cases": self.cases}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Conformal:
        """Read what `to_dict` gave."""
        rows = tuple(tuple(float("inf") if v is None else float(v) for v in row) for row in given["factors"])
        return cls(tuple(given["edges"]), tuple(given["levels"]), rows, int(given["cases"]))


def coverage(error: Array, half_width: Array) -> tuple[float, float, float]:
    """Share of the intervals that hold the truth, with Wilson's limits at 95 %.

    Parameters
    ----------
    error, half_width : array, shape (n,)

    Examples
    --------
    >>> share, low, high = coverage(np.array([0.1, -0.2, 0.5, 0.1]), np.full(4, 0.3))
    >>> share, round(low, 2), round(high, 2)
    (0.75, 0.3, 0.95)
    """
    inside = np.abs(error) <= half_width
    n, p, z = float(inside.size), float(inside.mean()), 1.959964
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return p, centre - half, centre + half
