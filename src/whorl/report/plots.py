"""The plots of a report: data with fit and residual, small fits, series as a heat map with offset lines, parameters by frame.

All functions return matplotlib figures made without pyplot; `whorl.report.vector` turns them into files or page elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Curve
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
    edges = np.linspace(0, x.size, columns + 1).astype(int)
    keep: set[int] = set()
    for lo, hi in zip(edges[:-1], edges[1:], strict=True):
        part = y[lo:hi]
        if np.isfinite(part).any():
            keep |= {int(lo), lo + int(np.nanargmin(part)), lo + int(np.nanargmax(part)), int(hi) - 1}
    index = np.array(sorted(keep), dtype=np.intp)
    return x[index], y[index]


def fit_figure(
    candidate: Candidate, measurement: Measurement | None = None, *, width: float = 10.0, height: float = 5.0
) -> Figure:
    """Draw data, fit and the residual set off below.

    Parameters
    ----------
    candidate : Candidate
        With its ``curve``.
    measurement : Measurement, optional
        Shows the data outside the fitted range and, where it has sigma, the band of +-1 sigma around the residual's zero.
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
    >>> c = Candidate(rank=1, group=1, name="A", kind="crystal", formula="A", probability=1, rw=0.1, evidence=0, parameters={}, curve=curve)
    >>> len(fit_figure(c).axes)
    1
    """
    curve = _curve(candidate)
    with styled():
        figure = new_figure(width, height)
        axes = figure.add_axes((0.62 / width, 0.52 / height, 1 - 0.72 / width, 1 - 0.86 / height))
        quiet_axes(axes)
        first, last = candidate.quality.range if candidate.quality else (float(curve.x[0]), float(curve.x[-1]))
        _outside(axes, measurement, first, last)
        offset = _draw_fit(axes, curve, _sigma(curve, measurement))
        axes.annotate(
            "data − fit",
            (1, offset),
            xycoords=("axes fraction", "data"),
            xytext=(0, 15),
            textcoords="offset points",
            ha="right",
            fontsize=8.5,
            color=PALETTE["residual"],
        )
        symbol, unit = label_symbol(curve.x_label)
        axes.set_xlabel(plain(pretty_label(curve.x_label)))
        axes.set_ylabel(plain(pretty_label(curve.y_label)))
        axes.legend(loc="lower left", bbox_to_anchor=(-0.005, 1.0), ncols=4, handlelength=1.6, columnspacing=1.6, borderpad=0)
        axes.set_title(
            plain(f"fitted from {symbol} = {first:g} to {last:g} {unit}"), loc="right", fontsize=9, color=PALETTE["muted"]
        )
        return figure


def small_fit_figure(candidate: Candidate, *, width: float = 4.6, height: float = 2.0) -> Figure:
    """Draw a fit small, without labels: for comparing candidates side by side (inches).

    Raises
    ------
    UsageError
        If the candidate carries no curve.
    """
    curve = _curve(candidate)
    with styled():
        figure = new_figure(width, height)
        axes = figure.add_axes((0.02, 0.34 / height, 0.96, 1 - 0.38 / height))
        quiet_axes(axes)
        _draw_fit(axes, curve, None, columns=420)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        axes.set_xlabel(plain(pretty_label(curve.x_label)), fontsize=8, labelpad=1)
        axes.tick_params(labelsize=8, pad=2)
        return figure


def _curve(candidate: Candidate) -> Curve:
    if candidate.curve is None or candidate.curve.x.size < 2:
        raise UsageError(
            f"{candidate.name} carries no fitted curve", remedy="Plot a candidate straight from identify or refine."
        )
    return candidate.curve


def _draw_fit(axes: Axes, curve: Curve, sigma: Array | None, columns: int = 900) -> float:
    """Draw the three curves; gives the height of the residual's zero."""
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
    return offset


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
    if measurement is None or measurement.sigma is None:
        return None
    sigma = np.asarray(np.interp(curve.x, measurement.x, np.nan_to_num(measurement.frame(0).sigma)), dtype=np.float64)
    return sigma if np.any(sigma > 0) else None


def waterfall_figure(
    x: Array,
    signals: Array,
    coordinate: Array | None = None,
    *,
    x_label: str = "r (angstrom)",
    y_label: str = "G(r) (1/angstrom^2)",
    coordinate_label: str = "frame",
    lines: int = 24,
    width: float = 10.0,
    height: float = 5.6,
) -> Figure:
    """Draw a series twice: as a heat map, and as offset lines taken evenly from it.

    A signal that takes both signs gets a diverging map centred on zero, another one a sequential map; both stay readable for
    colour-blind readers. The colour range ends at the 99.5th percentile, so that one spike does not hide the rest.

    Parameters
    ----------
    x : array, shape (n,)
    signals : array, shape (frames, n)
        May hold NaN where a frame has no data.
    coordinate : array, shape (frames,), optional
        What changed from frame to frame, increasing or decreasing; the frame number when not given.
    x_label, y_label, coordinate_label : str
    lines : int
        At most this many offset lines.
    width, height : float
        Inches.

    Returns
    -------
    matplotlib.figure.Figure
        Axes: heat map, colour bar, lines.

    Raises
    ------
    UsageError
        If shapes disagree.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(0, 10, 100)
    >>> fig = waterfall_figure(x, np.sin(x + np.arange(5)[:, None] / 10))
    >>> len(fig.axes)
    3
    """
    signals = np.atleast_2d(np.asarray(signals, dtype=np.float64))
    frames, n = signals.shape
    position = np.arange(frames, dtype=np.float64) if coordinate is None else np.asarray(coordinate, dtype=np.float64)
    if n != x.size or position.shape != (frames,) or frames < 1:
        raise UsageError(
            f"signals of shape {signals.shape} for {x.size} points and {position.size} coordinates",
            remedy="Give signals (frames, n), x (n,), coordinate (frames,).",
        )
    steps = np.diff(position)
    if not np.all(np.isfinite(position)) or not (np.all(steps > 0) or np.all(steps < 0)):
        position, coordinate_label = np.arange(frames, dtype=np.float64), "frame"
    if frames > 1 and position[0] > position[-1]:
        position, signals = position[::-1], signals[::-1]
    picture, extent = _raster(x, signals, position)
    finite = np.abs(signals[np.isfinite(signals)])
    top = float(np.percentile(finite, 99.5)) if finite.size else 1.0
    top = top or 1.0
    signed = bool(np.nanmin(signals) < -0.05 * top) if finite.size else False
    with styled():
        figure = new_figure(width, height)
        base, tall = 0.52 / height, 1 - 0.9 / height
        heat = figure.add_axes((0.62 / width, base, 0.5 - 0.62 / width, tall))
        bar = figure.add_axes((0.62 / width, 1 - 0.26 / height, 0.5 - 0.62 / width, 0.09 / height))
        stack = figure.add_axes((0.56, base, 0.43, tall))
        image = heat.imshow(
            picture,
            extent=extent,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            cmap="RdBu_r" if signed else "cividis",
            vmin=-top if signed else 0.0,
            vmax=top,
        )
        heat.set_ylabel(plain(pretty_label(coordinate_label)))
        heat.set_xlabel(plain(pretty_label(x_label)))
        colour_bar = figure.colorbar(image, cax=bar, orientation="horizontal")
        colour_bar.outline.set_visible(False)
        bar.tick_params(labelsize=8, length=2, pad=1.5)
        bar.set_title(plain(pretty_label(y_label)), fontsize=8.5, loc="left", pad=3)
        _stack(stack, x, signals, position, min(lines, frames), top)
        stack.set_xlabel(plain(pretty_label(x_label)))
        return figure


def _stack(axes: Axes, x: Array, signals: Array, position: Array, lines: int, top: float) -> None:
    """Draw offset lines; each carries its coordinate at the right."""
    chosen = np.unique(np.linspace(0, len(signals) - 1, lines).round().astype(int))
    gap = 0.75 * top
    for k, index in enumerate(chosen):
        axes.plot(*thin_out(x, signals[index] + k * gap, 420), color=PALETTE["ink"], lw=0.8)
    every = max(1, len(chosen) // 6)
    axes.set_yticks([k * gap for k in range(0, len(chosen), every)], [f"{position[i]:g}" for i in chosen[::every]])
    axes.set_xlim(float(x[0]), float(x[-1]))
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=3.5, width=0.8)


def _raster(x: Array, signals: Array, position: Array) -> tuple[Array, tuple[float, float, float, float]]:
    """Resample to a regular picture of at most 900 x 500 values: (picture, (left, right, bottom, top))."""
    rows = len(position)
    half = 0.5 * (position[-1] - position[0]) / (rows - 1) if rows > 1 else 0.5
    count = min(max(rows, 200 if rows > 1 and np.ptp(np.diff(position)) > 1e-6 * abs(half) else rows), 500)
    bottom, top = float(position[0] - half), float(position[-1] + half)
    edges = np.linspace(bottom, top, count + 1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    borders = 0.5 * (position[1:] + position[:-1])
    row = np.searchsorted(borders, middles)
    columns = min(x.size, 900)
    grid = np.linspace(x[0], x[-1], columns)
    picture = np.array([np.interp(grid, x, signals[r]) for r in row])
    return picture, (float(x[0]), float(x[-1]), bottom, top)


def choose_evenly(items: Sequence[int], count: int) -> list[int]:
    """Pick at most ``count`` items, evenly spread.

    Examples
    --------
    >>> choose_evenly(range(10), 3)
    [0, 4, 9]
    """
    index = np.unique(np.linspace(0, len(items) - 1, min(count, len(items))).round().astype(int)) if items else []
    return [items[int(i)] for i in index]
