r"""Where a trained network tells the phases it hesitates between apart: what of its opinion a plan takes into account.

A phase of the first candidate stands against the likeliest phase that the candidate does not hold. Tiles of the axis count more
where the class activations of the two differ, up to twice, in proportion to the network's doubt between them,

.. math::
    1 + 4 \pi (1 - \pi) \min(p_1 + p_2, 1) \, \delta_t / \max_t \delta_t, \qquad \pi = p_1 / (p_1 + p_2),

with p the probabilities by the network alone and delta the difference of the activations within a tile. Szymanski et al. (npj
Comput. Mater. 9, 31 (2023), doi:10.1038/s41524-023-00984-y) measure where that difference is above a threshold. Here it weighs
what is expected to be learnt, and does not say when to stop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Candidate, Opinion, Seen

Array = NDArray[np.float64]


def emphasis(opinion: Opinion | None, best: Candidate, ends: Array) -> Array:
    """Factor of each tile, 1 to 2.

    Parameters
    ----------
    opinion : Opinion, optional
    best : Candidate
    ends : array, shape (t + 1,)
        Of the tiles on the axis, increasing.

    Examples
    --------
    >>> a = Seen(name="A", entry="c/a", probability=0.5, weight_fraction=0.5, stretches=[(10.0, 11.0, 2.0), (20.0, 21.0, 1.0)])
    >>> b = Seen(name="B", entry="c/b", probability=0.5, weight_fraction=0.5, stretches=[(10.0, 11.0, 2.0)])
    >>> more = {"kind": "crystal", "formula": "A", "probability": 1, "rw": 0.1, "evidence": 0, "parameters": {}}
    >>> first = Candidate(rank=1, group=1, name="A", entries=["c/a"], **more)
    >>> emphasis(Opinion(model="m", phases=[a, b]), first, np.array([9.0, 15.0, 25.0])).tolist()
    [1.0, 2.0]
    """
    flat = np.ones(ends.size - 1)
    if opinion is None:
        return flat
    held = [s for s in opinion.phases if s.entry in best.entries]
    others = [s for s in opinion.phases if s.entry not in best.entries]
    if not held or not others:
        return flat
    first, other = min(held, key=lambda s: s.probability), max(others, key=lambda s: s.probability)
    together = first.probability + other.probability
    share = first.probability / max(together, 1e-12)
    apart = np.abs(_within(first, ends) - _within(other, ends))
    most = float(apart.max(initial=0.0))
    if most <= 0:
        return flat
    return np.asarray(flat + 4 * share * (1 - share) * min(together, 1.0) * apart / most)


def _within(seen: Seen, ends: Array) -> Array:
    """Log odds of a phase from each tile: stretches shared out by length."""
    out = np.zeros(ends.size - 1)
    for low, high, value in seen.stretches:
        inside = np.clip(np.minimum(ends[1:], high) - np.maximum(ends[:-1], low), 0.0, None)
        out += value * inside / max(high - low, 1e-12)
    return out
