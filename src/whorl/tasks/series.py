"""A series shares its candidates: what explains one frame takes part in every other.

Frames of one experiment hold the same few phases in changing amounts. A phase that is plain in some frames is faint in others,
where on its own it would not come near the top of a search. So a series is identified twice: once frame by frame, and once more
with the phases that were found, alone and beside each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from whorl.core.verdict import Verdict
from whorl.tasks.recipes import Identify

#: probability from which the first candidate of a frame counts, and the most entries that are handed on
_PLAIN, _MOST = 0.5, 8


def shared(recipe: Identify, verdicts: Iterable[Verdict]) -> Identify:
    """The recipe for a second look at a series.

    Parameters
    ----------
    recipe : Identify
    verdicts : iterable of Verdict
        Of the first look at its frames, in any order.

    Returns
    -------
    Identify
        With the entries that explain at least one frame; the same recipe when there are none.

    Examples
    --------
    >>> shared(Identify(), []) == Identify()
    True
    """
    found: Counter[str] = Counter()
    for verdict in verdicts:
        best = verdict.best
        if best is not None and best.probability > _PLAIN:
            found.update(best.entries)
    # the most frequent first, ties by name: the order in which frames finish must not matter
    chosen = sorted(found, key=lambda key: (-found[key], key))[:_MOST]
    return replace(recipe, also=(*recipe.also, *chosen))
