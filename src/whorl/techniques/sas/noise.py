r"""The noise of a curve without uncertainties, from its own scatter.

Each point is compared with the cubic that passes through its two neighbours on either side (in ln I over ln q where the
intensities are well positive, so that power laws over decades leave nothing). Of independent values with standard deviation
sigma such a difference has the standard deviation sigma sqrt(1 + sum w_k^2), where w_k are Lagrange's weights. The scale is the
median of the absolute differences (for normal noise 0.6745 standard deviations) over a window along the curve, so that
oscillations and outliers count little (Hampel, J. Am. Stat. Assoc. 69, 383 (1974), doi:10.1080/01621459.1974.10482962).

A curve that was smoothed, rebinned on a finer grid, or computed, scatters less than its uncertainty: the estimate is then too
small, and no estimate from the curve alone can tell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

Array = NDArray[np.float64]

#: median of |x| of a normal distribution of unit variance
_HALF = 0.6744897501960817
#: no curve is known better than to this part of its intensity
FLOOR = 1e-4
_WINDOW = 25
_NEIGHBOURS = (-2, -1, 1, 2)


def estimate_sigma(q: Array, intensity: Array) -> Array:
    """Estimate the standard uncertainty of each point from the scatter of the points about it.

    Parameters
    ----------
    q : array, shape (n,)
        1/angstrom, strictly increasing.
    intensity : array, shape (n,) or (frames, n)
        May be negative.

    Returns
    -------
    array, of the shape of ``intensity``
        Positive; at least 1e-4 of the local intensity.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> q = np.geomspace(0.01, 0.3, 200)
    >>> clean = 100 * np.exp(-((q * 30) ** 2) / 3) + 1.0
    >>> sigma = estimate_sigma(q, clean + rng.normal(0, 0.05, 200))
    >>> bool(0.8 < np.median(sigma) / 0.05 < 1.25)
    True
    """
    rows = np.atleast_2d(np.asarray(intensity, dtype=np.float64))
    n = q.size
    magnitude = median_filter(np.abs(rows), size=(1, min(5, n)), mode="nearest")
    least = np.where(magnitude > 0, magnitude, np.max(np.abs(rows), axis=1, keepdims=True)) * FLOOR
    least = np.where(least > 0, least, 1.0)
    if n < 6:
        spread = np.std(rows, axis=1, keepdims=True) if n > 2 else 0.1 * magnitude
        return np.asarray(np.maximum(np.minimum(spread, 0.1 * magnitude), least).reshape(np.shape(intensity)))
    off, norm = _differences(q, rows)
    inner = np.abs(off) / norm / _HALF
    width = min(_WINDOW, inner.shape[1])
    # as a part of the local intensity where noise follows it, so that a window over decades has one scale
    share = inner / magnitude[:, 2:-2].clip(min=np.finfo(float).tiny)
    scale = median_filter(share, size=(1, width), mode="nearest") * magnitude[:, 2:-2]
    flat = median_filter(inner, size=(1, width), mode="nearest")
    scale = np.minimum(scale, np.where(scale > 0, np.maximum(flat, 0.3 * scale), flat))
    scale = np.exp(uniform_filter1d(np.log(np.maximum(scale, least[:, 2:-2])), min(9, scale.shape[1]), axis=1, mode="nearest"))
    full = np.pad(scale, ((0, 0), (2, 2)), mode="edge")
    for end, edge in ((slice(0, 2), 2), (slice(n - 2, n), n - 3)):  # at the ends: as counts would have it
        full[:, end] *= np.sqrt(
            np.maximum(magnitude[:, end], least[:, end]) / np.maximum(magnitude[:, [edge]], least[:, [edge]])
        )
    return np.asarray(np.maximum(full, least).reshape(np.shape(intensity)))


def _differences(q: Array, rows: Array) -> tuple[Array, Array]:
    """Points less the cubic through their neighbours, (frames, n - 4), and the standard deviation for unit noise, (n - 4,)."""
    n = q.size
    axis = np.log(q) if q[0] > 0 else q
    middle = np.arange(2, n - 2)
    weights = np.empty((4, n - 4))
    for k, step in enumerate(_NEIGHBOURS):
        at = axis[middle + step]
        weights[k] = 1.0
        for other in _NEIGHBOURS:
            if other != step:
                weights[k] *= (axis[middle] - axis[middle + other]) / (at - axis[middle + other])
    around = np.stack([rows[:, middle + step] for step in (-2, -1, 0, 1, 2)])
    norm = np.sqrt(1 + np.sum(weights**2, axis=0))
    plain = rows[:, 2:-2] - np.einsum("kn,kfn->fn", weights, around[[0, 1, 3, 4]])
    low, high = around.min(axis=0), around.max(axis=0)
    positive = low > 0.2 * high
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(np.where(around > 0, around, 1.0))
    bent = rows[:, 2:-2] * (logs[2] - np.einsum("kn,kfn->fn", weights, logs[[0, 1, 3, 4]]))
    return np.where(positive, bent, plain), norm
