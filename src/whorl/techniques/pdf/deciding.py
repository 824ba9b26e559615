"""Where two fits of G(r) can differ: shells of distances, from the bonds to the order at long range."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from whorl.fitting.problem import Fit
from whorl.techniques.protocol import Region

#: width of a shell: bonds, then the distances to second neighbours, fall into shells of their own, angstrom
_SHELL = 2.0


def regions(first: Fit, second: Fit) -> list[Region]:
    """Shells of equal width.

    Parameters
    ----------
    first, second : Fit
        Of one signal.
    """
    x = first.problem.x
    if x.size != second.problem.x.size:
        return []
    count = max(round((x[-1] - x[0]) / _SHELL), 1)
    ends = np.linspace(x[0], x[-1], count + 1)
    return [Region(float(a), float(b)) for a, b in pairwise(ends)]
