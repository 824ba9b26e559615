"""Which crystals of a catalogue repeat an earlier one, under another name, in another cell, setting or order of sites.

Crystals are the same when space group, orbits and what is on them agree (`Likeness.kind`), and the lengths of the lattice and
the distances around each site within half a percent and one percent (`Likeness.measures`). The first length decides which ones
are compared at all, so that the cost grows with their number and not with its square.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log

import numpy as np

from whorl.catalogues.likeness import LATTICE

#: relative difference of the lengths of the lattice below which two count as the same
TOLERANCE = 0.005
#: the same of distances and charges around the sites
_AROUND = 0.01
_WIDTH = log(1 + 2 * TOLERANCE)


def find_aliases(crystals: Iterable[tuple[str, str, bytes]]) -> dict[str, str]:
    """Map the key of each repeated crystal to the key of the first of its kind.

    Parameters
    ----------
    crystals : iterable of (key, kind, measures)
        In order; the measures as bytes of float32. Crystals of which nothing is known have empty ones and are no aliases.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> def cubic(a):
    ...     return np.full(7, a, dtype=np.float32).tobytes()
    >>> find_aliases([("a.cif", "225: 1 m-3m Ni", cubic(3.524)), ("b.cif", "225: 1 m-3m Ni", cubic(3.530)),
    ...               ("c.cif", "225: 1 m-3m Ni", cubic(3.60))])
    {'b.cif': 'a.cif'}
    """
    firsts: dict[tuple[str, int, int, int], list[tuple[str, np.ndarray]]] = {}
    found: dict[str, str] = {}
    for key, kind, data in crystals:
        if not data:
            continue
        measures = np.frombuffer(data, dtype=np.float32)
        i, j, k = (floor(log(max(float(measures[n]), 1e-3)) / _WIDTH) for n in (0, 1, 2))
        near = (
            candidate
            for di in (0, -1, 1)
            for dj in (0, -1, 1)
            for dk in (0, -1, 1)
            for candidate in firsts.get((kind, i + di, j + dj, k + dk), ())
        )
        first = next((other for other, known in near if _same(measures, known)), None)
        if first is None:
            firsts.setdefault((kind, i, j, k), []).append((key, measures))
        else:
            found[key] = first
    return found


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    if one.shape != other.shape:
        return False
    off = np.abs(one - other)
    return bool(np.all(off[:LATTICE] <= TOLERANCE * other[:LATTICE]) and np.all(off[LATTICE:] <= _AROUND * other[LATTICE:]))
