"""Points of a pattern that cannot be what they say: dropouts, and a change of scale in the middle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.physics.backgrounds import running_mean

Array = NDArray[np.float64]

#: counts expected from the neighbours above which a zero is none (one in three million), and neighbours on either side
_EXPECTED, _NEIGHBOURS = 15.0, 5
#: change of the level that is no background's, from point to point and of its lower part over so many points on either side
_FACTOR, _CLOSE, _AROUND, _LOWER = 2.5, 5, (40, 120, 300), 20.0
_LASTING, _CLEAR = 2.0, 3.0  # how much these changes may differ, and the level over its scatter on either side
_ENDS = 0.1  # part of the pattern at either end where beam stops and detectors end


def dropouts(y: Array) -> NDArray[np.bool_]:
    """Zeros among counts that cannot be zero by chance, shape (n,); none where the signal is no counts.

    Examples
    --------
    >>> y = np.full(40, 60.0)
    >>> y[[7, 21]] = 0.0
    >>> np.flatnonzero(dropouts(y)).tolist()
    [7, 21]
    """
    if np.any(y < 0) or np.any(np.abs(y - np.round(y)) > 1e-6):
        return np.zeros(y.size, dtype=np.bool_)
    there = running_mean((y > 0).astype(np.float64), _NEIGHBOURS)
    expected = running_mean(y, _NEIGHBOURS) / np.maximum(there, 1e-9)
    return np.asarray((y == 0) & (there > 0.5) & (expected >= _EXPECTED))


def jump(x: Array, y: Array) -> tuple[float, float] | None:
    """Place and factor of an abrupt change of the level, where counts turn into rates, say; None where there is none.

    Parameters
    ----------
    x, y : array, shape (n,)

    Examples
    --------
    >>> x = np.arange(10.0, 60.0, 0.05)
    >>> y = np.random.default_rng(1).poisson(200.0, x.size) / np.where(x < 35.0, 1.0, 10.0)
    >>> at, factor = jump(x, y)
    >>> round(at, 1), round(factor, 1)
    (35.0, 0.1)
    """
    n = y.size
    margin = max(int(_ENDS * n), *_AROUND)
    if n < 2 * margin + 2:
        return None
    floor = 1e-3 * float(np.median(np.abs(y))) + 1e-300

    def level(at: NDArray[np.int64], width: int, part: float) -> Array:
        """Lower part of so many points from each place on."""
        windows = np.lib.stride_tricks.sliding_window_view(y, width)[at]
        return np.maximum(np.percentile(windows, part, axis=1), floor)

    at = np.arange(margin, n - margin)
    close = np.log(level(at, _CLOSE, 50.0) / level(at - _CLOSE, _CLOSE, 50.0))
    at = at[np.abs(close) > np.log(_FACTOR)]
    if not at.size:
        return None
    changes = [close[np.abs(close) > np.log(_FACTOR)]]
    changes += [np.log(level(at, width, _LOWER) / level(at - width, width, _LOWER)) for width in _AROUND]
    near = _AROUND[0]  # peaks make the scatter larger
    clear = np.all([level(k, near, _LOWER) * (1 + _CLEAR) > _CLEAR * level(k, near, 50.0) for k in (at, at - near)], axis=0)
    table = np.array(changes)
    alike = np.all(table > 0, axis=0) | np.all(table < 0, axis=0)
    alike &= (np.ptp(table, axis=0) < np.log(_LASTING)) & clear
    size = np.where(alike, np.min(np.abs(table), axis=0), 0.0)  # a peak's flank is steep, but the level returns
    top = int(np.argmax(size))
    return (float(x[at[top]]), float(np.exp(table[1, top]))) if size[top] > np.log(_FACTOR) else None
