"""A curve described without a model, on a page: its quantities by method, and a picture of each method."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import WhorlError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.report.colours import PALETTE
from whorl.report.description_words import MEANINGS, TITLES
from whorl.report.markup import Child, Markup, table, tag
from whorl.report.notation import MISSING, format_interval, format_su, pretty_unit
from whorl.report.vector import label_decades, new_figure, plain, quiet_axes, styled, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


def quantities(verdict: Verdict) -> Markup:
    """All quantities with their intervals, method by method."""
    level = next((q.level for q in verdict.parameters.values()), 0.9)
    rows: list[list[Child]] = []
    before = ""
    for name, q in verdict.parameters.items():
        method, _, rest = name.partition(":")
        head, _, bare = rest.rpartition(":")
        part = head.replace("mode", "mode ").replace("level", "level ") if head else ""
        part = f"peak {head}" if method == "peaks" and head else part
        meaning = {"invariant:q": "invariant Q"}.get(name) or MEANINGS.get(bare, bare)
        what = f"{part}: {meaning}" if part else meaning
        ends = MISSING if q.interval is None else format_interval(*q.interval)
        shown = TITLES.get(method, method) if method != before else ""
        rows.append([shown, what, format_su(q.value, q.sigma), pretty_unit(q.unit) or MISSING, ends])
        before = method
    head_row = ["Method", "Quantity", "Value", "Unit", f"{level:.0%} interval"]
    return table("What was found, with standard uncertainties", head_row, rows, numeric=frozenset({2}), class_="fit")


def pictures(verdict: Verdict, measurement: Measurement | None) -> list[Markup]:
    """One card for each method that has a picture; nothing without the measurement."""
    if measurement is None:
        return []
    found = _again(verdict, measurement)
    if found is None:
        return []
    cards = []
    drawings: tuple[tuple[str, str, Callable[[Any], Figure | None]], ...] = (
        ("Guinier plot", "Line: Guinier's law over the range found (filled points).", _guinier),
        ("Kratky plot", "Cross: the maximum of a globular particle.", _kratky),
        ("Pair distances p(r)", "Band: one standard uncertainty.", _distances),
        ("Size distribution", "By volume. Band: one standard uncertainty; line: the humps refined against the curve.", _sizes),
        ("Unified fit", "Line: all levels; dashed: each level.", _unified),
        ("Power law at high q", "I q⁴ over q: a plateau where Porod's law holds.", _porod),
        ("Peaks", "Marks: positions of the peaks found.", _peaks),
    )
    for number, (title, caption, draw) in enumerate(drawings):
        with styled():
            figure = draw(found)
        if figure is not None:
            drawing = to_svg(figure, title, caption, f"d{number}")
            cards.append(tag("article", tag("h3", title), tag("figure", drawing, tag("figcaption", caption)), class_="card"))
    return cards


def _again(verdict: Verdict, measurement: Measurement) -> Any:
    """The description behind a verdict, made again from the measurement: pictures are not kept."""
    from whorl.formats.steering import without_steering
    from whorl.techniques import room_of

    record = verdict.provenance.parameters if verdict.provenance is not None else {}
    recipe = record.get("recipe") or {}
    limits = recipe.get("range")
    try:
        return room_of(verdict.technique, "model_free").describe(
            measurement.frame(0),
            recipe.get("method", "all"),
            range=None if limits is None else (limits[0], limits[1]),
            settings=without_steering(recipe.get("settings", {})),
            contrast=recipe.get("contrast"),
            kernel=recipe.get("kernel", "sphere"),
        )
    except WhorlError:
        return None


def _small(x_label: str, y_label: str) -> tuple[Figure, Axes]:
    figure = new_figure(4.6, 3.0)
    axes = figure.add_axes((0.16, 0.17, 0.8, 0.78))
    quiet_axes(axes)
    axes.set_xlabel(plain(x_label))
    axes.set_ylabel(plain(y_label))
    return figure, axes


def _points(axes: Axes, x: Array, y: Array, sigma: Array | None = None, *, faint: bool = False) -> None:
    alpha = 0.35 if faint else 0.95
    if sigma is not None:
        axes.vlines(x, y - sigma, y + sigma, color=PALETTE["data"], lw=0.7, alpha=0.6 * alpha)
    axes.plot(x, y, ".", ms=4, mew=0, color=PALETTE["data"], alpha=alpha)


def _guinier(d: Any) -> Figure | None:
    g = d.guinier
    if g is None or "guinier" not in d.methods:
        return None
    figure, axes = _small("q² (1/Å²)", "ln I")
    shown = (d.q <= 1.8 / g.rg.value) & (d.intensity > d.sigma)
    x, y, s = d.q[shown] ** 2, np.log(d.intensity[shown]), (d.sigma / np.abs(d.intensity))[shown]
    inside = (np.arange(d.q.size)[shown] >= g.first) & (np.arange(d.q.size)[shown] <= g.last)
    _points(axes, x[~inside], y[~inside], faint=True)
    _points(axes, x[inside], y[inside], s[inside])
    line = np.linspace(0, float(d.q[g.last]), 80)
    axes.plot(line**2, np.log(g.law(line)), color=PALETTE["fit"], lw=1.3)
    axes.set_xlim(0, float(x[-1]) * 1.02)
    return figure


def _kratky(d: Any) -> Figure | None:
    k = d.found.get("kratky")
    if k is None or "kratky" not in d.methods:
        return None
    figure, axes = _small("q Rg", "(q Rg)² I / I(0)")
    shown = k.x < 8
    _points(axes, k.x[shown], k.y[shown], k.sigma[shown])
    axes.plot([3**0.5], [3 / np.e], "+", ms=11, mew=1.4, color=PALETTE["fit"])
    clear = shown & (k.sigma < 0.5 * max(k.height.value, 1.0))
    axes.set_ylim(min(0.0, float(np.min(k.y[clear], initial=0.0))), 1.25 * float(np.max(k.y[clear], initial=1.104)))
    axes.set_xlim(0, float(k.x[shown][-1]))
    return figure


def _distances(d: Any) -> Figure | None:
    p = d.found.get("distances")
    if p is None or "distances" not in d.methods:
        return None
    figure, axes = _small("r (Å)", "p(r), scaled")
    top = float(np.max(np.abs(p.density)))
    axes.axhline(0, color=PALETTE["rule"], lw=0.8)
    axes.fill_between(p.r, (p.density - p.sigma) / top, (p.density + p.sigma) / top, color=PALETTE["band"], lw=0)
    axes.plot(p.r, p.density / top, color=PALETTE["fit"], lw=1.4)
    axes.axvspan(p.d_max.value - p.d_max.sigma, p.d_max.value + p.d_max.sigma, color=PALETTE["panel"], lw=0, zorder=-2)
    axes.axvline(p.d_max.value, color=PALETTE["muted"], lw=0.8, ls=":")
    axes.set_xlim(0, min(float(p.r[-1]), p.d_max.value + 3 * p.d_max.sigma))
    return figure


def _sizes(d: Any) -> Figure | None:
    s = d.found.get("sizes")
    if s is None or "sizes" not in d.methods:
        return None
    figure, axes = _small(f"{d.size.split(',')[0]} (Å)", "volume per ln(size), scaled")
    top = float(np.max(s.density))
    axes.fill_between(
        s.size, np.maximum(s.density - s.sigma, 0) / top, (s.density + s.sigma) / top, color=PALETTE["band"], lw=0
    )
    axes.plot(s.size, s.density / top, color=PALETTE["data"], lw=1.4, drawstyle="steps-mid")
    for mode in s.modes:
        if mode.shape == "lognormal":
            width = float(np.sqrt(np.log1p((mode.width.value / mode.mean.value) ** 2)))
            middle = np.log(mode.mean.value) - width**2 / 2
            x = np.exp(middle + width * np.linspace(-3.5, 3.5, 120))
            y = mode.volume.value / (width * np.sqrt(2 * np.pi)) * np.exp(-((np.log(x) - middle) ** 2) / (2 * width**2))
            axes.plot(x, y / top, color=PALETTE["fit"], lw=1.2)
            top_now = max(axes.get_ylim()[1], 1.08 * float(y.max()) / top)
            axes.set_ylim(0, top_now)
    axes.set_xscale("log")
    axes.set_xlim(float(s.size[0]), float(s.size[-1]))
    label_decades(axes)
    return figure


def _unified(d: Any) -> Figure | None:
    u = d.found.get("unified")
    if u is None or "unified" not in d.methods:
        return None
    from whorl.physics.small_angle.curves.unified import intensity_of

    figure, axes = _small("q (1/Å)", "I")
    axes.set_xscale("log")
    axes.set_yscale("log")
    seen = d.intensity > 0
    _points(axes, d.q[seen], d.intensity[seen], faint=True)
    columns = intensity_of(d.q, np.array([x.rg.value for x in u.levels]), np.array([x.exponent.value for x in u.levels]))
    for k, part in enumerate(u.levels):
        y = columns[:, 2 * k] * part.g.value + columns[:, 2 * k + 1] * part.b.value
        if np.any(y > 0):
            axes.plot(d.q, np.maximum(y, 1e-300), ls="--", lw=0.9, color=PALETTE[f"phase-{k + 1}"])
    axes.plot(d.q, u.calculated, color=PALETTE["fit"], lw=1.4)
    low = float(np.min(d.intensity[d.intensity > d.sigma], initial=float(d.intensity.max())))
    axes.set_ylim(0.4 * low, 2.5 * float(d.intensity.max()))
    axes.set_xlim(float(d.q[0]), float(d.q[-1]))
    label_decades(axes)
    return figure


def _porod(d: Any) -> Figure | None:
    p = d.porod
    if p is None or "porod" not in d.methods:
        return None
    figure, axes = _small("q (1/Å)", "(I − b) q⁴")
    part = slice(max(p.first - 10, 0), None)
    x = d.q[part]
    y = (d.intensity[part] - p.background.value) * x**4
    _points(axes, x, y, d.sigma[part] * x**4)
    q = d.q[p.first :]
    axes.plot(q, p.constant.value * q ** (4 - p.exponent.value), color=PALETTE["fit"], lw=1.4)
    axes.set_ylim(*_spread(p.constant.value * q ** (4 - p.exponent.value), y))
    axes.set_xscale("log")
    axes.set_xlim(float(x[0]), float(x[-1]))
    label_decades(axes)
    return figure


def _spread(law: Array, y: Array) -> tuple[float, float]:
    top = max(float(law.max()), float(np.percentile(y, 90)))
    return min(0.0, float(np.percentile(y, 10))), 1.3 * top


def _peaks(d: Any) -> Figure | None:
    found = d.found.get("peaks")
    if found is None or "peaks" not in d.methods:
        return None
    figure, axes = _small("q (1/Å)", "I")
    seen = d.intensity > 0
    axes.plot(d.q[seen], d.intensity[seen], color=PALETTE["data"], lw=1.2)
    axes.set_yscale("log")
    for peak in found:
        axes.axvline(peak.q.value, color=PALETTE["fit"], lw=0.9, ls=":")
    axes.set_xlim(float(d.q[0]), min(float(d.q[-1]), 1.3 * found[-1].q.value))
    label_decades(axes)
    return figure
