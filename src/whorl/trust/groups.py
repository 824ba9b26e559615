"""Candidates that one measurement cannot tell apart.

Two candidates belong together when their best simulations differ by less than the level at which any model of a real
experiment is wrong, and their evidence by less than what counts as strong: then a better fit of one says little about the
sample. Groups are built from the best candidate down, so that a chain of small steps does not join what its ends show to be
different.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: part of the misfit that two simulations may differ by and still be one answer
SHARE_OF_MISFIT = 0.6


def distance(a: Array, b: Array, observed: Array, weights: Array) -> float:
    """Weighted root mean square difference of two simulations, relative to the data, as an R_w; arrays of shape (n,)."""
    return float(np.sqrt(np.sum(weights * (a - b) ** 2) / np.sum(weights * observed**2)))


#: difference of log evidence from which two candidates count as told apart (Kass & Raftery, J. Am. Stat. Assoc. 90, 773 (1995))
STRONG = 3.0


def group(
    curves: Sequence[Array],
    misfits: Sequence[float],
    evidence: Sequence[float],
    observed: Array,
    weights: Array,
    *,
    discrepancy: float,
) -> list[int]:
    """Group number (from 1) of each candidate; candidates best first.

    Parameters
    ----------
    curves : sequence of arrays, shape (n,)
        Best simulations.
    misfits : sequence of float
        R_w of each.
    evidence : sequence of float
        Log evidence of each, prior included.
    observed, weights : array, shape (n,)
    discrepancy : float
        Level of R_w below which differences mean nothing.

    Examples
    --------
    >>> x = np.sin(np.linspace(0, 9, 50))
    >>> group([x, 1.01 * x, np.cos(x)], [0.1, 0.1, 0.9], [9.0, 8.5, 0.0], x, np.ones(50), discrepancy=0.03)
    [1, 1, 2]
    """
    leaders: list[int] = []
    out: list[int] = []
    for i, curve in enumerate(curves):
        for number, leader in enumerate(leaders, start=1):
            level = max(discrepancy, SHARE_OF_MISFIT * misfits[leader])
            close = distance(curve, curves[leader], observed, weights) < level
            if close and abs(evidence[i] - evidence[leader]) < STRONG:
                out.append(number)
                break
        else:
            leaders.append(i)
            out.append(len(leaders))
    return out
