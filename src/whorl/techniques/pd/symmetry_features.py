"""What the peak positions of a pattern say about its crystal system, as numbers with names.

Two kinds of features: how well the best lattice of each system explains the lines (a quick indexing of the first ones,
`whorl.physics.indexing`), and the lines themselves as ratios of Q = 1/d^2, which for high symmetry are simple fractions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.indexing import Lattice, index_lines
from whorl.physics.indexing_lines import SYSTEMS
from whorl.physics.indexing_merit import doubt_of, q_of

Array = NDArray[np.float64]

#: peaks used, and the least of them
MOST, FEWEST = 40, 4
_FAINT = 0.001  # of the strongest peak: fainter ones are left out while there are 14 others
_NONE = -30.0  # evidence where no lattice of a system was found
_RATIOS = 9
_STRONG = 0.08  # greatest doubt of a strong line
_TOLERANCE = 0.05  # degree, at the wavelength of copper

NAMES: tuple[str, ...] = (
    *(f"evidence of the best {s} lattice over that of the best lattice of all" for s in SYSTEMS),
    *(f"log merit M20 of the best {s} lattice" for s in SYSTEMS),
    *(f"share of the lines that the best {s} lattice leaves out" for s in SYSTEMS),
    *(f"log volume of the best {s} lattice per line" for s in SYSTEMS),
    "evidence of the best lattice of all",
    "number of peaks",
    "largest spacing",
    "lines per unit of d*",
    *(f"Q{k + 2}/Q1" for k in range(_RATIOS)),
    "share of lines whose Q is an integer multiple of another's",
    "share of lines whose Q is the sum of two others'",
    "share of pairs with a ratio of Q of small integers",
)


def choose(two_theta: Array, intensity: Array, *, most: int = MOST) -> NDArray[np.intp]:
    """Places of the peaks that are used: the first, without the faintest where there are enough."""
    order = np.argsort(two_theta)
    strong = order[intensity[order] >= _FAINT * intensity.max()] if intensity.size else order
    return (strong if strong.size >= 14 else order)[:most]


def lattices_of(two_theta: Array, intensity: Array, wavelength: float, *, strong: bool = True) -> list[Lattice]:
    """Lattices of a quick search, best first: from all but the faint lines, and with ``strong`` from the strong ones too."""
    tolerance = _TOLERANCE * min(1.0, wavelength / 1.54)
    doubt = doubt_of(intensity)
    found: list[Lattice] = []
    for trusted in (0.25, _STRONG) if strong else (0.25,):
        if trusted < 0.25 and not FEWEST + 3 <= np.sum(doubt <= trusted) < np.sum(doubt <= 0.25):
            continue
        found += index_lines(
            two_theta, wavelength, tolerance=tolerance, doubt=doubt, trusted=trusted, zero=1.5 * tolerance, thorough=False,
            enough=40.0, top=200,
        )  # fmt: skip
    return sorted(found, key=lambda f: -f.evidence)


def features(two_theta: Array, intensity: Array, wavelength: float, lattices: list[Lattice] | None = None) -> Array:
    """Features of a list of peaks, in the order of `NAMES`.

    Parameters
    ----------
    two_theta : array, shape (k,)
        Degree, increasing, at least `FEWEST`.
    intensity : array, shape (k,)
        Of the peaks, any unit.
    wavelength : float
        angstrom.
    lattices : list of Lattice, optional
        Of `lattices_of`, where they are known.

    Returns
    -------
    array, shape (len(NAMES),)

    Examples
    --------
    >>> angles = np.degrees(2 * np.arcsin(1.5406 / 2 / 4.05 * np.sqrt(np.array([3, 4, 8, 11, 12, 16, 19]))))
    >>> found = dict(zip(NAMES, features(angles, np.ones(7), 1.5406), strict=True))
    >>> round(float(found["Q2/Q1"]), 4)
    1.3333
    """
    found = lattices_of(two_theta, intensity, wavelength) if lattices is None else lattices
    trust = 1.0 - doubt_of(intensity)
    strong = trust >= 0.75
    q = q_of(two_theta[strong] if strong.sum() >= FEWEST else two_theta, wavelength)
    best = {s: next((f for f in found if f.system == s), None) for s in SYSTEMS}
    highest = max((f.evidence for f in found), default=_NONE)
    rows: list[float] = []
    rows += [max(b.evidence - highest, _NONE) if b else _NONE for b in best.values()]
    rows += [float(np.log(max(b.merit, 0.5))) if b else 0.0 for b in best.values()]
    rows += [_left_out(b, trust) if b else 1.0 for b in best.values()]
    rows += [float(np.log(b.volume * q[-1] ** 1.5 / q.size)) if b else 6.0 for b in best.values()]
    ratios = np.full(_RATIOS, np.nan)
    ratios[: min(_RATIOS, q.size - 1)] = (q[1 : _RATIOS + 1] / q[0])[:_RATIOS]
    rows += [highest, float(q.size), float(1.0 / np.sqrt(q[0])), float(q.size / np.sqrt(q[-1])), *ratios]
    rows += _relations(q)
    return np.array(rows)


def _left_out(lattice: Lattice, trust: Array) -> float:
    """Share of the lines, by the trust in them, that a lattice does not explain."""
    some = trust[: lattice.indexed.size]
    return float(np.sum(some[~lattice.indexed]) / np.sum(some))


def _relations(q: Array) -> list[float]:
    """How often Q of a line is a multiple of another's, the sum of two, and in a ratio of small integers to another's."""
    first = q[:16]
    pairs = first[None, :] / first[:, None]
    upper = pairs[np.triu_indices(first.size, 1)]
    near = 0.004
    multiple = (np.abs(pairs - np.round(pairs)) < near * pairs) & (np.round(pairs) >= 2)
    sums = (first[:, None] + first[None, :])[np.triu_indices(first.size)]
    total = np.abs(first[:, None] / sums[None, :] - 1.0) < near
    small = np.array(sorted({a / b for b in range(1, 7) for a in range(b + 1, 13)}))
    place = np.clip(np.searchsorted(small, upper), 1, small.size - 1)
    simple = np.minimum(np.abs(upper / small[place] - 1.0), np.abs(upper / small[place - 1] - 1.0)) < 0.5 * near
    return [float(multiple.any(axis=0).mean()), float(total.any(axis=1).mean()), float(simple.mean()) if upper.size else 0.0]
