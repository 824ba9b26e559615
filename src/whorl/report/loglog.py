"""The plot of a fit over decades: data and fit on logarithmic axes, the residual in a strip of its own below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Curve
from whorl.report.colours import PALETTE
from whorl.report.notation import pretty_label
from whorl.report.vector import label_decades, new_figure, plain, quiet_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

#: part of the height that the strip of the residual takes, and how much of it is shown: beyond are outliers
_STRIP, _SHOWN = 0.24, 99.0
#: decades below the lowest intensity that stands out which are shown
_DEEP = 0.3


def draw(curve: Curve, sigma: Array | None, *, width: float, height: float, labels: bool = True) -> tuple[Figure, Axes, Axes]:
    """Draw a fit; call inside `whorl.report.vector.styled`.

    Parameters
    ----------
    curve : Curve
        On positive x.
    sigma : array, shape (n,), optional
        Of the data: bars, and the unit of the residual; without it the residual is shown as a part of the fit.
    width, height : float
        Inches.
    labels : bool
        Whether axes are labelled; small pictures beside each other are not.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes, strip : matplotlib.axes.Axes
    """
    figure = new_figure(width, height)
    left, bottom, top = (0.75, 0.52, 0.34) if labels else (0.08, 0.42, 0.04)
    whole = 1 - (bottom + top) / height
    where = (left / width, bottom / height, 1 - (left + 0.1) / width)
    strip = figure.add_axes((*where, _STRIP * whole))
    axes = figure.add_axes((where[0], where[1] + (_STRIP + 0.03) * whole, where[2], (1 - _STRIP - 0.03) * whole), sharex=strip)
    quiet_axes(axes)
    quiet_axes(strip)
    axes.set_xscale("log")
    axes.set_yscale("log")
    seen = curve.observed > 0
    if sigma is not None and labels:
        low = np.maximum(curve.observed - sigma, 1e-3 * np.abs(curve.observed) + 1e-300)
        axes.vlines(curve.x[seen], low[seen], (curve.observed + sigma)[seen], color=PALETTE["data"], lw=0.7, alpha=0.6)
    axes.plot(curve.x[seen], curve.observed[seen], ".", ms=4.5 if labels else 3, color=PALETTE["data"], mew=0, label="data")
    good = curve.calculated > 0
    axes.plot(curve.x[good], curve.calculated[good], color=PALETTE["fit"], lw=1.4, label="fit")
    axes.set_ylim(*_limits(curve, sigma))
    axes.tick_params(labelbottom=False)
    residual, name = _residual(curve, sigma)
    strip.axhline(0.0, color=PALETTE["rule"], lw=0.8, zorder=0)
    if sigma is not None:
        strip.axhspan(-1, 1, color=PALETTE["band"], alpha=0.6, lw=0, zorder=-1)
    strip.plot(curve.x, residual, color=PALETTE["residual"], lw=0.9, label="data − fit")
    most = max(float(np.percentile(np.abs(residual), _SHOWN)), 1e-12 if sigma is None else 2.0)
    strip.set_ylim(-1.15 * most, 1.15 * most)
    strip.set_xlim(float(curve.x[0]), float(curve.x[-1]))
    strip.set_xlabel(plain(pretty_label(curve.x_label)), labelpad=1, fontsize=None if labels else 10.5)
    label_decades(axes, strip)
    axes.tick_params(labelbottom=False)
    if labels:
        axes.set_ylabel(plain(pretty_label(curve.y_label)))
        strip.set_ylabel(name)
    else:
        for part in (axes, strip):
            part.set_yticks([], minor=False)
            part.set_yticks([], minor=True)
            part.spines["left"].set_visible(False)
    return figure, axes, strip


def _residual(curve: Curve, sigma: Array | None) -> tuple[Array, str]:
    """The difference in units of sigma, or as a part of the fit; and what that is called."""
    if sigma is not None:
        return np.asarray(curve.difference / np.maximum(sigma, 1e-300)), "(data − fit)/σ"
    scale = np.maximum(np.abs(curve.calculated), 1e-3 * float(np.abs(curve.calculated).max()))
    return np.asarray(curve.difference / np.maximum(scale, 1e-300)), "relative"


def _limits(curve: Curve, sigma: Array | None) -> tuple[float, float]:
    """Intensities shown: down to where the data stand out, or the fit goes."""
    seen = curve.observed > (0 if sigma is None else sigma)
    values = curve.observed[seen] if np.any(seen) else np.abs(curve.observed) + 1e-300
    calculated = curve.calculated[curve.calculated > 0]
    low = float(values.min())
    if calculated.size:
        low = min(low, max(float(calculated.min()), low / 10))
    high = float(max(values.max(), calculated.max() if calculated.size else 0.0))
    return low * 10**-_DEEP, high * 2
