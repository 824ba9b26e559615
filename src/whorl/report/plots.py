"""The plots of a report: data with fit and residual, small fits, series as a heat map with offset lines, parameters by frame.

All functions return matplotlib figures made without pyplot; `whorl.report.vector` turns them into files or page elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Curve, Explanation
from whorl.report import loglog
from whorl.report.colours import PALETTE
from whorl.report.notation import label_symbol, pretty_label
from whorl.report.vector import new_figure, plain, quiet_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


def thin_out(x: Array, y: Array, columns: int = 900) -> tuple[Array, Array]:
    """Keep what a plot of ``columns`` pixels can show: first, lowest, highest and last point of each pixel column.

    Parameters
    ----------
    x, y : array, shape (n,)
    columns : int
        Width of the plot in pixels.

    Returns
    -------
    x, y : array, shape (m,), m <= 4 columns
        Unchanged when n <= 4 columns.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(100_000.0)
    >>> xs, ys = thin_out(x, np.sin(x / 7000))
    >>> len(xs) <= 3600, float(ys.max()) == float(np.sin(x / 7000).max())
    (True, True)
    """
    if x.size <= 4 * columns:
        return x, y
    width = -(-x.size // columns)
    rows = -(-x.size // width)
    padded = np.full(rows * width, np.nan)
    padded[: y.size] = y
    parts = padded.reshape(rows, width)
    finite = np.isfinite(parts)
    first = np.arange(rows) * width
    lowest = first + np.argmin(np.where(finite, parts, np.inf), axis=1)
    highest = first + np.argmax(np.where(finite, parts, -np.inf), axis=1)
    last = np.minimum(first + width, x.size) - 1
    index = np.unique(np.stack([first, lowest, highest, last])[:, finite.any(axis=1)])
    return x[index], y[index]


def fit_figure(
    candidate: Candidate,
    measurement: Measurement | None = None,
    deciding: Explanation | None = None,
    *,
    width: float = 10.0,
    height: float = 5.0,
) -> Figure:
    """Draw data, fit and the residual set off below; marks of the reflections of each phase at the foot.

    Parameters
    ----------
    candidate : Candidate
        With its ``curve``.
    measurement : Measurement, optional
        Shows the data outside the fitted range and, where it has sigma, the band of +-1 sigma around the residual's zero.
    deciding : Explanation, optional
        Shades the stretches that decide between the candidate and another.
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    UsageError
        If the candidate carries no curve.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(1, 5, 50)
    >>> curve = Curve(x, np.sin(x), np.sin(x) * 0.9, "r (angstrom)", "G(r) (1/angstrom^2)")
    >>> more = {"kind": "crystal", "formula": "A", "probability": 1, "evidence": 0, "parameters": {}}
    >>> len(fit_figure(Candidate(rank=1, group=1, name="A", rw=0.1, curve=curve, **more)).axes)
    1
    """
    curve = _curve(candidate)
    if curve.scale == "log":
        return _over_decades(candidate, curve, measurement, deciding, width=width, height=height)
    with styled():
        figure = new_figure(width, height)
        left = 0.62 + 0.2 * (float(np.nanmax(np.abs(curve.observed))) >= 1e4)  # room for numbers of five digits
        axes = figure.add_axes((left / width, 0.52 / height, 1 - (left + 0.1) / width, 1 - 0.86 / height))
        quiet_axes(axes)
        first, last = candidate.quality.range if candidate.quality else (float(curve.x[0]), float(curve.x[-1]))
        _outside(axes, measurement, first, last)
        _draw_fit(axes, curve, _sigma(curve, measurement))
        _draw_marks(axes, curve)
        _shade(axes, deciding)
        symbol, unit = label_symbol(curve.x_label)
        axes.set_xlabel(plain(pretty_label(curve.x_label)))
        axes.set_ylabel(plain(pretty_label(curve.y_label)))
        axes.legend(loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncols=4, handlelength=1.6, columnspacing=1.6, borderpad=0)
        axes.set_title(
            plain(f"fitted from {symbol} = {first:.5g} to {last:.5g} {unit}"), loc="right", fontsize=9, color=PALETTE["muted"]
        )
        return figure


def small_fit_figure(candidate: Candidate, *, width: float = 4.6, height: float = 2.1) -> Figure:
    """Draw a fit small, without labels: for comparing candidates side by side (inches).

    Raises
    ------
    UsageError
        If the candidate carries no curve.
    """
    curve = _curve(candidate)
    if curve.scale == "log":
        with styled():
            return loglog.draw(curve, None, width=width, height=height, labels=False)[0]
    with styled():
        figure = new_figure(width, height)
        axes = figure.add_axes((0.02, 0.44 / height, 0.96, 1 - 0.48 / height))
        quiet_axes(axes)
        _draw_fit(axes, curve, None, columns=420)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        axes.set_xlabel(plain(pretty_label(curve.x_label)), fontsize=10.5, labelpad=1)
        axes.tick_params(labelsize=10.5, pad=2)
        return figure


def _over_decades(
    candidate: Candidate,
    curve: Curve,
    measurement: Measurement | None,
    deciding: Explanation | None,
    *,
    width: float,
    height: float,
) -> Figure:
    """Data and fit on logarithmic axes, with what decides shaded."""
    with styled():
        figure, axes, strip = loglog.draw(curve, _sigma(curve, measurement), width=width, height=height)
        _shade(axes, deciding)
        _shade(strip, deciding)
        axes.legend(loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncols=3, handlelength=1.6, columnspacing=1.6, borderpad=0)
        symbol, unit = label_symbol(curve.x_label)
        first, last = candidate.quality.range if candidate.quality else (float(curve.x[0]), float(curve.x[-1]))
        axes.set_title(
            plain(f"fitted from {symbol} = {first:.3g} to {last:.3g} {unit}"), loc="right", fontsize=9, color=PALETTE["muted"]
        )
        return figure


def _curve(candidate: Candidate) -> Curve:
    if candidate.curve is None or candidate.curve.x.size < 2:
        raise UsageError(
            f"{candidate.name} carries no fitted curve", remedy="Plot a candidate straight from identify or refine."
        )
    return candidate.curve


def _draw_fit(axes: Axes, curve: Curve, sigma: Array | None, columns: int = 900) -> None:
    """Draw data, fit, and the residual set off below them."""
    residual = curve.difference
    low = float(min(np.nanmin(curve.observed), np.nanmin(curve.calculated)))
    high = float(max(np.nanmax(curve.observed), np.nanmax(curve.calculated)))
    span = (high - low) or 1.0
    offset = low - 0.06 * span - float(max(np.nanmax(residual), 0.06 * span))
    axes.plot(*thin_out(curve.x, curve.observed, columns), color=PALETTE["data"], lw=2.6, alpha=0.9, label="data")
    axes.plot(*thin_out(curve.x, curve.calculated, columns), color=PALETTE["fit"], lw=1.1, label="fit")
    if sigma is not None:
        axes.fill_between(
            curve.x, offset - sigma, offset + sigma, color=PALETTE["band"], alpha=0.6, lw=0, label="±1σ of the data"
        )
    axes.axhline(offset, color=PALETTE["rule"], lw=0.8, zorder=0)
    axes.plot(*thin_out(curve.x, residual + offset, columns), color=PALETTE["residual"], lw=0.9, label="data − fit")
    bottom = offset + float(min(np.nanmin(residual), -0.02 * span))
    axes.set_ylim(bottom - 0.03 * span, high + 0.05 * span)


def _draw_marks(axes: Axes, curve: Curve) -> None:
    """Draw a row of ticks for each phase at the foot, where its model has reflections."""
    if not curve.marks:
        return
    bottom, top = axes.get_ylim()
    row = 0.035 * (top - bottom)
    for number, places in enumerate(curve.marks, 1):
        foot = bottom - number * row
        axes.vlines(places, foot + 0.15 * row, foot + 0.85 * row, color=PALETTE[f"phase-{min(number, 7)}"], lw=0.8)
    axes.set_ylim(bottom - (len(curve.marks) + 0.3) * row, top)


def _shade(axes: Axes, deciding: Explanation | None) -> None:
    """Shade what decides, the darker the more it tells."""
    found = [] if deciding is None else deciding.stretches
    most = max((abs(s.evidence) for s in found), default=0.0)
    for stretch in found:
        colour = PALETTE["fit" if stretch.evidence > 0 else "residual"]
        axes.axvspan(*stretch.range, color=colour, alpha=0.04 + 0.18 * abs(stretch.evidence) / most, lw=0, zorder=-1)


def _outside(axes: Axes, measurement: Measurement | None, first: float, last: float) -> None:
    """Show data outside the fitted range, shaded, up to a quarter of the range on either side."""
    length = (last - first) or 1.0
    axes.set_xlim(first, last)
    if measurement is None:
        return
    signal = measurement.frame(0).signal
    shown = (measurement.x >= first - 0.25 * length) & (measurement.x <= last + 0.25 * length) & np.isfinite(signal)
    if not shown.any():
        return
    x, y = measurement.x[shown], signal[shown]
    low, high = min(first, float(x[0])), max(last, float(x[-1]))
    axes.set_xlim(low, high)
    for part, a, b in ((x <= first, low, first), (x >= last, last, high)):
        if b - a > measurement.step:
            axes.axvspan(a, b, color=PALETTE["panel"], lw=0, zorder=-2)
            axes.axvline(last if a == last else first, color=PALETTE["rule"], lw=0.8, zorder=-1)
            axes.plot(*thin_out(x[part], y[part]), color=PALETTE["data"], lw=1.2, alpha=0.55)


def _sigma(curve: Curve, measurement: Measurement | None) -> Array | None:
    """Measured sigma on the points of the curve, shape (n,), where the file has one."""
    given = None if measurement is None else measurement.frame(0).sigma
    if measurement is None or given is None:
        return None
    sigma = np.asarray(np.interp(curve.x, measurement.x, np.nan_to_num(given)), dtype=np.float64)
    return sigma if np.any(sigma > 0) else None
