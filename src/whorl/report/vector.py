"""matplotlib figures without pyplot, and as SVG that lives inside a page: text as text, colours that follow the theme.

matplotlib keeps its style in a process-wide table. `styled` sets ours for the moment of making or drawing a figure, one thread
at a time, and puts the caller's back.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from whorl.report.colours import PALETTE
from whorl.report.markup import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LOCK = threading.RLock()
_STYLE: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "whorl",
    "svg.image_inline": True,
    "text.usetex": False,
    "text.parse_math": False,
    "font.family": ["DejaVu Sans"],
    "font.size": 9.5,
    "axes.edgecolor": PALETTE["muted"],
    "axes.labelcolor": PALETTE["ink"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.color": PALETTE["muted"],
    "ytick.color": PALETTE["muted"],
    "xtick.labelcolor": PALETTE["ink"],
    "ytick.labelcolor": PALETTE["ink"],
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "text.color": PALETTE["ink"],
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.solid_joinstyle": "round",
    "path.simplify": True,
    "path.simplify_threshold": 0.15,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """Hold whorl's drawing style while the block runs."""
    import matplotlib as mpl

    with _LOCK, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of the given size (inches) that belongs to no window; call inside `styled`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def quiet_axes(axes: Axes) -> None:
    """Give axes short ticks and no needless ink."""
    axes.tick_params(length=3.5, width=0.8)
    axes.margins(x=0)


def label_decades(*axes: Axes) -> None:
    """Write the ticks of logarithmic axes as text that a page can show: 10⁻³, or 0.02 within a decade or two."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for one in axes:
        for axis in (one.xaxis, one.yaxis):
            if axis.get_scale() != "log":
                continue
            low, high = sorted(axis.get_view_interval())
            narrow = low > 0 and high < 60 * low
            if narrow:
                axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_major_formatter(FuncFormatter(_short if narrow else _decade))
            axis.set_minor_formatter(NullFormatter())


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _decade(value: float, _: int | None = None) -> str:
    from math import log10

    if value <= 0:
        return ""
    power = round(log10(value))
    return f"{value:g}" if -3 < power < 4 else "10" + str(power).translate(_RAISED)


def _short(value: float, _: int | None = None) -> str:
    return f"{value:.3g}" if 1e-3 <= value < 1e4 else f"{value:.0e}"


def plain(text: str) -> str:
    """Replace characters that the plot font does not carry, so that drawing never warns.

    Examples
    --------
    >>> plain("Fe₃O₄ 鉄")
    'Fe₃O₄ ?'
    """
    return "".join(c if c.isprintable() and ord(c) < 0x2C00 else "?" for c in text)


def save_figure(figure: Figure, path: str, **options: Any) -> None:
    """Write a figure to a file (png, svg, pdf by suffix) in whorl's style, on white."""
    with styled():
        figure.savefig(path, facecolor="white", **options)


def to_svg(figure: Figure, title: str, description: str, prefix: str) -> Markup:
    """Turn a figure into an ``<svg>`` element for a page.

    Parameters
    ----------
    figure : matplotlib Figure
    title, description : str
        What a screen reader says instead of the picture.
    prefix : str
        Put before every identifier; unique within the page.

    Returns
    -------
    Markup
    """
    stream = io.StringIO()
    with styled():
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return adapt_svg(stream.getvalue(), title, description, prefix)


def adapt_svg(text: str, title: str, description: str, prefix: str) -> Markup:
    """Make matplotlib's SVG document an element of a page.

    Header, metadata and the style that would leak into the page go; unused identifiers go, the others get ``prefix``; palette
    colours become variables of the page's style sheet; fonts become the page's.
    """
    start = text.index("<svg")
    box = re.search(r'viewBox="([^"]+)"', text[start:])
    inner = text[text.index(">", start) + 1 : text.rindex("</svg>")]
    inner = re.sub(r"<metadata>.*?</metadata>", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<style type=\"text/css\">.*?</style>", "", inner, flags=re.DOTALL)
    inner = re.sub(r"<!--.*?-->", "", inner, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', inner))
    inner = re.sub(r' id="([^"]*)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", inner)
    inner = re.sub(r'(url\(#|href="#)', rf"\g<1>{prefix}-", inner)
    inner = re.sub(r"font:\s*(?:[a-z]+\s+)?([\d.]+)px[^;\"]*", r"font-size:\1px", inner)
    inner = re.sub(r"font-family:[^;\"]*;?\s*", "", inner)
    for name, colour in PALETTE.items():
        inner = inner.replace(f": {colour}", f":var(--{name},{colour})")
    inner = re.sub(r"\n\s*", "\n", inner)
    return Markup(
        f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'viewBox="{box[1] if box else "0 0 100 100"}" aria-labelledby="{prefix}-t {prefix}-d">'
        f'<title id="{prefix}-t">{escape(title)}</title><desc id="{prefix}-d">{escape(description)}</desc>{inner.strip()}</svg>'
    )
