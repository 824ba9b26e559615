"""A series of curves as one picture: heat map and offset lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.report.colours import PALETTE
from whorl.report.notation import pretty_label
from whorl.report.plots import thin_out
from whorl.report.vector import new_figure, plain, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


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
        base, tall = 0.66 / height, 1 - 1.22 / height
        heat = figure.add_axes((0.62 / width, base, 0.5 - 0.62 / width, tall))
        bar = figure.add_axes((1.55 / width, 1 - 0.3 / height, 0.5 - 1.55 / width, 0.1 / height))
        stack = figure.add_axes((0.525, base, 0.465, tall))
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
        heat.tick_params(length=3.5, width=0.8)
        heat.set_ylabel(plain(pretty_label(coordinate_label)))
        heat.set_xlabel(plain(pretty_label(x_label)))
        colour_bar = figure.colorbar(image, cax=bar, orientation="horizontal")
        colour_bar.outline.set_visible(False)
        bar.tick_params(labelsize=8, length=2, pad=1.5)
        bar.set_ylabel(plain(pretty_label(y_label)), fontsize=8.5, rotation=0, ha="right", va="center", labelpad=6)
        stack.set_ylim(extent[2], extent[3])
        _stack(stack, x, signals, position, min(lines, frames), top)
        for axes in (heat, stack):
            axes.spines["bottom"].set_position(("outward", 9))  # room for what the lowest line has below zero
        stack.set_xlabel(plain(pretty_label(x_label)))
        return figure


def _stack(axes: Axes, x: Array, signals: Array, position: Array, lines: int, top: float) -> None:
    """Draw offset lines, each standing at the height of its coordinate."""
    chosen = np.unique(np.linspace(0, len(signals) - 1, lines).round().astype(int))
    gap = float(np.ptp(position)) / max(len(chosen) - 1, 1) or 1.0
    low, high = axes.get_ylim()
    floor = low - 0.028 * (high - low)  # where the axis stands, set outward
    for index in chosen[::-1]:
        height = position[index] + signals[index] * (1.7 * gap / top)
        height = np.where(height < floor, np.nan, height)
        axes.plot(*thin_out(x, height, 420), color=PALETTE["ink"], lw=0.8, clip_on=False)
    axes.set_xlim(float(x[0]), float(x[-1]))
    axes.set_yticks([])
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
