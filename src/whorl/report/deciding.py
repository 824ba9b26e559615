"""What decides between the first candidate and the next that says something else: small plots of the most telling stretches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from whorl.core.verdict import Candidate, Curve, Deciding, Explanation, Verdict
from whorl.report.colours import PALETTE
from whorl.report.markup import Child, Markup, table, tag
from whorl.report.notation import MISSING, align, format_fixed, format_probability, label_symbol, listed, pretty_label
from whorl.report.plots import thin_out
from whorl.report.sections import section, wide
from whorl.report.vector import new_figure, plain, quiet_axes, styled, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: small plots, how much of its width is shown on either side of a stretch, stretches named in a terminal
_PANELS, _BESIDE, _SAID = 4, 0.6, 5


def what_decides(verdict: Verdict) -> Markup | None:
    """Section on the stretches of the data that tell the first candidate from the next one."""
    found, best = verdict.deciding, verdict.best
    if found is None or best is None or not found.stretches:
        return None
    symbol, unit = label_symbol(best.curve.x_label) if best.curve is not None else ("x", "")
    parts: list[Child] = [tag("p", _lead(found, best))]
    other = next((c for c in verdict.candidates if c.rank == found.rank), None)
    if best.curve is not None and other is not None and other.curve is not None:
        drawing = to_svg(
            deciding_figure(best.curve, other.curve, found),
            f"What decides between {best.name} and {other.name}",
            f"The stretches that tell most, each with the data, the fit of {best.name} and that of {other.name}.",
            "why",
        )
        caption = (
            f"Grey: data. Orange: {best.name}. Blue: {other.name}. Shaded: the stretch; the number above is the log evidence "
            "from there, positive for the first. The fits are the final ones."
        )
        parts.append(tag("figure", wide(drawing, "Plots of the deciding stretches"), tag("figcaption", caption)))
    gain = align([_signed(s.evidence) for s in found.stretches])
    rows: list[list[Child]] = [
        [
            f"{n}",
            f"{_place(s.range[0])}–{_place(s.range[1])}",
            best.name if s.evidence > 0 else found.other,
            text,
            format_probability(s.probability_without),
            _names(s.first),
            _names(s.other),
        ]
        for n, (s, text) in enumerate(zip(found.stretches, gain, strict=True), 1)
    ]
    head = ["", f"{symbol} ({unit})", "Speaks for", "Log evidence", "Probability without", "The first there", "The other there"]
    caption = f"Stretches of the data, the most telling first; probability of {best.name} against {found.other}"
    parts.append(table(caption, head, rows, numeric=frozenset({3, 4}), class_="fit"))
    return section("decides", "What decides", *parts)


def _lead(found: Explanation, best: Candidate) -> str:
    return (
        f"{best.name} against {found.other}: log evidence and prior differ by {_signed(found.evidence)}, which makes the first "
        f"{format_probability(found.probability)} probable were there only these two. Beside what the stretches below give, "
        "the difference holds the prior odds and what each fit pays for its parameters."
    )


def _names(names: list[str]) -> str:
    return listed(names) if names else MISSING


def _signed(value: float) -> str:
    return f"{'+' if value > 0 else ''}{format_fixed(value, 1)}"


def deciding_figure(first: Curve, other: Curve, found: Explanation, *, width: float = 10.0, height: float = 2.5) -> Figure:
    """Draw the most telling stretches side by side: data and both fits (inches)."""
    shown = sorted(found.stretches[:_PANELS], key=lambda s: s.range)
    with styled():
        figure = new_figure(width, height)
        gap, top, bottom = 0.14, 0.34, 0.5
        each = (width - gap * (len(shown) + 1)) / len(shown)
        for number, stretch in enumerate(shown):
            left = gap + number * (each + gap)
            axes = figure.add_axes((left / width, bottom / height, each / width, 1 - (top + bottom) / height))
            quiet_axes(axes)
            _panel(axes, first, other, stretch)
            axes.set_xlabel(plain(pretty_label(first.x_label)), labelpad=2)
        return figure


def _panel(axes: Axes, first: Curve, other: Curve, stretch: Deciding) -> None:
    low, high = stretch.range
    beside = _BESIDE * (high - low)
    colour = PALETTE["fit" if stretch.evidence > 0 else "residual"]
    axes.axvspan(low, high, color=colour, alpha=0.1, lw=0, zorder=-2)
    for curve, values, role, line in (
        (first, first.observed, "data", 2.2),
        (other, other.calculated, "residual", 1.1),
        (first, first.calculated, "fit", 1.1),
    ):
        inside = (curve.x >= low - beside) & (curve.x <= high + beside)
        if np.count_nonzero(inside) > 1:
            axes.plot(*thin_out(curve.x[inside], values[inside], 300), color=PALETTE[role], lw=line)
    axes.set_xlim(low - beside, high + beside)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_title(plain(_signed(stretch.evidence)), fontsize=10, color=colour, pad=5)


def lines(verdict: Verdict) -> list[str]:
    """What decides, in lines for a terminal.

    Examples
    --------
    >>> lines(Verdict(whorl="0", task="identify", file="x.xy"))
    []
    """
    found, best = verdict.deciding, verdict.best
    if found is None or best is None:
        return []
    unit = label_symbol(best.curve.x_label)[1] if best.curve is not None else ""
    out = []
    for s in found.stretches[:_SAID]:
        names = s.first if s.evidence > 0 else s.other
        whose = "the first" if s.evidence > 0 else "the other"
        there = f" ({listed(names)})" if names else ""
        place = f"{_place(s.range[0])} to {_place(s.range[1])} {unit}".rstrip()
        out.append(f"{place}: {format_fixed(abs(s.evidence), 1)} for {whose}{there}")
    return out


def _place(value: float) -> str:
    """A place on the axis: hundredths, and three digits of what is smaller.

    Examples
    --------
    >>> _place(27.346), _place(0.01234)
    ('27.35', '0.0123')
    """
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}"
