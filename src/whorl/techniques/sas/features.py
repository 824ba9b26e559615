r"""What a curve says of shape alone: the same numbers whatever the grid, the unit of q and the scale of the intensity.

Nodes lie in equal steps of ln q from the first point of the curve. At each node the intensity I and its uncertainty s come from
a weighted straight line through the points within one and a half steps, on points as dense as the nodes; between sparser points
they are interpolated. The value at a node is

.. math::
    y = \ln s + \operatorname{arsinh}\frac{I}{2s},

which is ln I where the intensity is well above its uncertainty, and linear in I about nought: a point that came out negative is
as good as one that came out positive. Its standard uncertainty is 1 / sqrt(4 + (I/s)^2) to first order. The weighted mean of y
is taken off, so that factors of the intensity are, and with the nodes' start the unit of q is. All weights are continuous
functions of the points' places, so that rounding of the grid changes nothing.

The background is left in: what is background and what is signal is a part of the question.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.physics.small_angle.log_nodes import NODES, STEP, read_nodes
from whorl.techniques.sas.noise import FLOOR, estimate_sigma

Array = NDArray[np.float64]

#: rows of the features
CHANNELS = ("value", "uncertainty", "measured", "above background", "resolution", "resolution not stated", "slit")
#: points that a curve must have
FEWEST = 8


class Prepared(NamedTuple):
    """A curve in order: q and intensity, shape (n,); sigma, shape (n,); resolution, shape (n,) or None."""

    q: Array
    intensity: Array
    sigma: Array
    resolution: Array | None


def prepared(q: Array, intensity: Array, sigma: Array | None = None, resolution: Array | None = None) -> Prepared:
    """Put a curve in order: finite points of positive q, increasing, with an uncertainty each.

    Raises
    ------
    PatternError
        If fewer than 8 points remain, or all intensities are nought.
    """
    keep = np.isfinite(q) & np.isfinite(intensity) & (q > 0)
    order = np.flatnonzero(keep)[np.argsort(q[keep], kind="stable")]
    fresh = np.diff(q[order], prepend=-1.0) > 0
    order = order[fresh]
    if order.size < FEWEST:
        raise PatternError(
            f"{order.size} usable points, too few to tell shapes apart",
            where="classification",
            remedy=f"Give a curve of at least {FEWEST} points with q > 0 and finite intensities.",
        )
    x, y = q[order], intensity[order]
    if not np.any(y):
        raise PatternError("all intensities are nought", where="classification", remedy="Check the columns of the file.")
    own = None if sigma is None else sigma[order]
    if own is None or not np.all(np.isfinite(own)) or not np.all(own > 0):
        found = estimate_sigma(x, y)
        own = found if own is None else np.where(np.isfinite(own) & (own > 0), own, found)
    width = None if resolution is None else np.nan_to_num(resolution[order], nan=0.0, posinf=0.0, neginf=0.0)
    return Prepared(x, y, np.maximum(own, FLOOR * np.abs(y)), width)


def features(
    q: Array,
    intensity: Array,
    sigma: Array | None = None,
    resolution: Array | None = None,
    *,
    slit_length: float = 0.0,
) -> NDArray[np.float32]:
    """Features of a curve.

    Parameters
    ----------
    q, intensity : array, shape (n,)
        Any units.
    sigma : array, shape (n,), optional
        Standard uncertainty of the intensity; estimated from the scatter where there is none.
    resolution : array, shape (n,), optional
        Standard deviation of q, in the unit of q; None where it is not known.
    slit_length : float
        Half length of the slit, in the unit of q.

    Returns
    -------
    array, shape (7, 184), float32
        The rows are `CHANNELS`: value; decadic logarithm of its uncertainty; 1 where there are points; the value of what is
        above the mean at the upper end; ten times the relative resolution; 1 where none is stated; ln(1 + slit length / q).

    Raises
    ------
    PatternError
        If fewer than 8 points can be used, or all intensities are nought.

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.3, 200)
    >>> curve = 1 / (1 + (50 * q) ** 2) ** 2
    >>> one, two = features(q, curve, 0.01 * curve), features(10 * q, 1e4 * curve, 1e2 * curve)
    >>> bool(np.abs(one - two).max() < 1e-5)
    True
    """
    curve = prepared(np.asarray(q, float), np.asarray(intensity, float), sigma, resolution)
    width = np.zeros(curve.q.size) if curve.resolution is None else curve.resolution / curve.q
    rows = read_nodes(np.log(curve.q / curve.q[0]), curve.intensity, curve.sigma, width)
    inside = rows[5].copy()
    rows[4] *= 10.0
    rows[5] = inside if curve.resolution is None and not slit_length else 0.0
    if slit_length:
        rows[6] = inside * np.log1p(slit_length / curve.q[0] * np.exp(-STEP * np.arange(NODES)))
    return np.asarray(rows, dtype=np.float32)
