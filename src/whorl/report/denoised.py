"""The page on a denoised curve or frame: before and after in one picture, what was gained, what to mind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.report import origin, sections
from whorl.report.colours import PALETTE
from whorl.report.markup import Markup, page, tag
from whorl.report.single import stylesheet
from whorl.report.storage import safe_stem, write_whole
from whorl.report.vector import new_figure, quiet_axes, styled, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]

_MOST_PIXELS = 400


def write_curve_report(verdict: Verdict, folder: str | Path, before: Measurement, after: Measurement) -> Path:
    """Write the page of a denoised curve; of a series, with its first frame drawn.

    Parameters
    ----------
    verdict : Verdict
    folder : str or Path
        Made when it does not exist.
    before, after : Measurement
        The input and the estimate.

    Returns
    -------
    Path
        ``<stem>.denoised.html``.
    """
    picture = to_svg(
        curve_figure(before.frame(0), after.frame(0)),
        "Curve before and after",
        "Points as measured with their uncertainty, and the estimate without noise with a band of two standard uncertainties.",
        "curve",
    )
    frames = f" Frame 0 of {before.frames} is drawn." if before.frames > 1 else ""
    words = f"Grey: as measured. Line and band: estimate, with two standard uncertainties.{frames}"
    return _page(verdict, folder, picture, words)


def write_frame_report(verdict: Verdict, folder: str | Path, counts: Array, mask: NDArray[np.bool_], estimate: Array) -> Path:
    """Write the page of a denoised detector frame.

    Parameters
    ----------
    counts, mask, estimate : array, shape (rows, columns)

    See Also
    --------
    write_curve_report : the other parameters.
    """
    picture = to_svg(
        frame_figure(counts, mask, estimate),
        "Frame before and after",
        "Counts as recorded beside the expected counts.",
        "frame",
    )
    return _page(verdict, folder, picture, "Left: counts as recorded. Right: expected counts. One logarithmic scale of grey.")


def curve_figure(before: Measurement, after: Measurement) -> Figure:
    """Draw a curve before and after, logarithmic on both axes; intensities that are not positive are left out."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    with styled():
        figure = new_figure(10.0, 5.0)
        axes = figure.add_axes((0.08, 0.11, 0.9, 0.86))
        quiet_axes(axes)
        low = float(np.min(after.signal[after.signal > 0], initial=np.inf))
        shown = before.used & (before.signal > 0) & (before.x > 0)
        if before.sigma is not None:
            ends = np.maximum(before.signal - before.sigma, 0.3 * low)[shown], (before.signal + before.sigma)[shown]
            axes.vlines(before.x[shown], *ends, color=PALETTE["rule"], lw=0.8)
        axes.plot(before.x[shown], before.signal[shown], ".", ms=3.5, color=PALETTE["data"], label="as measured")
        if after.sigma is not None:
            bottom = np.maximum(after.signal - 2 * after.sigma, 0.3 * low)
            axes.fill_between(after.x, bottom, after.signal + 2 * after.sigma, color=PALETTE["band"], alpha=0.6, lw=0)
        good = after.signal > 0
        axes.plot(after.x[good], after.signal[good], "-", lw=1.3, color=PALETTE["fit"], label="estimate")
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):  # the style draws no mathematics
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.set_xlabel("q (1/Å)")
        axes.set_ylabel("I(q)")
        axes.legend(loc="lower left")
    return figure


def frame_figure(counts: Array, mask: NDArray[np.bool_], estimate: Array) -> Figure:
    """Draw a frame before and after on one logarithmic scale."""
    step = max(1, -(-max(counts.shape) // _MOST_PIXELS))
    shown = [np.where(mask, counts, np.nan)[::step, ::step], estimate[::step, ::step]]
    floor = max(float(np.percentile(estimate[mask], 5)), 1e-6) / 2
    low, high = np.log10(floor), np.log10(max(float(np.percentile(estimate[mask], 99.9)), 2 * floor))
    with styled():
        figure = new_figure(10.0, 5.0 * min(1.4, max(0.5, counts.shape[0] / counts.shape[1])))
        for number, image in enumerate(shown):
            axes = figure.add_axes((0.01 + 0.5 * number, 0.01, 0.48, 0.98))
            axes.imshow(np.log10(np.maximum(image, floor)), vmin=low, vmax=high, cmap="gray", interpolation="nearest")
            axes.set_axis_off()
    return figure


def _page(verdict: Verdict, folder: str | Path, picture: Markup, words: str) -> Path:
    rows = [
        tag("tr", tag("td", name.replace("_", " ")), tag("td", f"{q.value:.4g}", class_="num"))
        for name, q in verdict.parameters.items()
    ]
    table = tag("table", tag("tbody", *rows))
    body = [
        sections.notices(verdict),
        sections.section("picture", "Before and after", sections.wide(picture, "before and after"), tag("p", words)),
        sections.section("figures", "What was gained", table),
        origin.provenance(verdict, ""),
    ]
    title = f"{Path(verdict.file).name or 'measurement'} – whorl denoise"
    heading = tag("header", tag("h1", Path(verdict.file).name or "measurement"), tag("p", "Estimate of a long exposure"))
    text = page(title, stylesheet(), tag("div", tag("main", heading, *body, id="main"), class_="wrap"))
    return write_whole(Path(folder) / f"{safe_stem(Path(verdict.file).stem)}.denoised.html", text)
