"""Noise of a pattern that came without uncertainties, estimated from its second differences."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from whorl.physics.backgrounds import running_mean

Array = NDArray[np.float64]


def noise(signal: Array, background: Array) -> Array:
    """Standard uncertainty of every point, estimated from the pattern itself.

    Second differences, whose standard deviation is sqrt(6) sigma for white noise, give the noise where no peaks are; where
    there are, the variance grows with the signal as much as the differences allow.

    Parameters
    ----------
    signal, background : array, shape (n,)

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> counts = rng.poisson(100.0, 5000).astype(float)
    >>> bool(abs(noise(counts, np.full(5000, 100.0)).mean() - 10.0) < 0.5)
    True
    """
    n = signal.size
    spread = float(np.ptp(signal))
    if n < 5 or spread == 0.0:
        return np.full(n, spread or 1.0)
    change = np.abs(signal[2:] - 2.0 * signal[1:-1] + signal[:-2]) / np.sqrt(6.0)
    least = 1e-4 * max(float(np.percentile(signal, 99.5)) - float(np.median(signal)), 1e-3 * spread)
    blocks = max(1, min(40, change.size // 25))
    edges = np.linspace(0, change.size, blocks + 1).astype(int)
    middles, local = [], []
    for low, high in pairwise(edges):
        some = change[low:high]
        some = some[some > 0.0]  # a background cut off at zero has no noise of its own
        if some.size >= 5:
            middles.append(0.5 * (low + high) + 1.0)
            local.append(float(np.percentile(some, 35.0)) / 0.4538)  # the lower part: peaks may fill the rest
    if not local:
        return np.full(n, max(least, float(change.max())))
    capped = np.minimum(local, 3.0 * np.median(local))  # a block full of sharp peaks
    base = np.maximum(np.interp(np.arange(n), middles, capped), least)
    above = np.maximum(running_mean(signal, 1) - background, 0.0)
    strong = above[1:-1] > 10.0 * base[1:-1]
    # the lower fifth of a chi-squared variable with one degree of freedom is below 0.0642
    rise = float(np.percentile(change[strong] ** 2 / above[1:-1][strong], 20.0)) / 0.0642 if strong.sum() > 20 else np.inf
    lit = background > base
    if lit.mean() > 0.5:
        rise = min(rise, float(np.median(base[lit] ** 2 / background[lit])))
    elif not np.isfinite(rise):
        rise = 0.0
    quantum = quantum_of(signal)
    if quantum:
        rise = min(rise, quantum)
    return np.asarray(np.sqrt(base**2 + (rise if np.isfinite(rise) else 0.0) * above), dtype=np.float64)


def quantum_of(signal: Array) -> float:
    """Signal of one count, where all values are multiples of one; 0 where they are not.

    Examples
    --------
    >>> quantum_of(np.array([0.0, 0.5, 1.0, 0.5, 2.0, 0.5, 0.0, 1.5, 0.5, 1.0]))
    0.5
    """
    levels = np.unique(signal)
    if levels.size < 2 or levels.size > 0.5 * signal.size:
        return 0.0
    smallest = float(np.diff(levels).min())
    counts = levels / smallest
    return smallest if np.all(np.abs(counts - np.round(counts)) < 0.02) else 0.0
