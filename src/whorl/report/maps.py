"""Maps on a page: a picture of pixels for each quantity, beside it its spread, and the table of all pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Verdict
from whorl.report.description_words import MEANINGS, TITLES
from whorl.report.markup import Child, Markup, page, table, tag
from whorl.report.notation import pretty_unit
from whorl.report.sections import section
from whorl.report.single import stylesheet
from whorl.report.storage import safe_stem, write_whole
from whorl.report.vector import new_figure, plain, styled, to_svg
from whorl.tasks.maps import Map, map_table, maps_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = NDArray[np.float64]


def write_map_report(
    verdicts: Sequence[Verdict], coordinates: Mapping[str, Array], folder: str | Path, *, title: str = "Map", command: str = ""
) -> Path:
    """Write the page of a map, with ``maps.csv`` beside it.

    Parameters
    ----------
    verdicts : sequence of Verdict
        One a frame.
    coordinates : mapping of arrays, shape (frames,)
        With ``x`` and ``y``.
    folder : str or Path
        Made when it does not exist.
    title, command : str

    Returns
    -------
    Path
        Of the page, ``index.html``.

    Raises
    ------
    WhorlError
        If the frames have no positions, or the folder cannot be written.
    """
    folder = Path(folder)
    maps = maps_of(verdicts, coordinates)
    write_whole(folder / "maps.csv", map_table(verdicts, coordinates))
    cards = [_card(found, number) for number, found in enumerate(maps) if np.isfinite(found.values).any()]
    failed = sum(v.error is not None for v in verdicts)
    warned: dict[str, int] = {}
    for verdict in verdicts:
        for text in verdict.warnings:
            key = re.sub(r"\d[\d.]*", "…", text)
            warned[key] = warned.get(key, 0) + 1
    size = f"{maps[0].x.size} by {maps[0].y.size} pixels" if maps else "no pixel has a quantity"
    lead = f"{len(verdicts)} frames, {size}" + (f"; {failed} could not be used" if failed else "") + "."
    body = [
        tag(
            "header",
            tag("p", "whorl quantify · map", class_="over"),
            tag("h1", title),
            tag("p", lead, class_="answer"),
        ),
        _warnings(warned, len(verdicts)),
        section("maps", "Quantities over positions", tag("div", *cards, class_="cards")) if cards else None,
        _summary(maps),
        section(
            "files", "Files", tag("ul", tag("li", tag("a", "maps.csv", href="maps.csv"), ": one row per pixel and quantity"))
        ),
        section("provenance", "Provenance", tag("p", tag("code", command))) if command else None,
    ]
    main = tag("main", *body, id="main")
    foot = tag("footer", f"Written by whorl {verdicts[0].whorl if verdicts else ''}. This page loads nothing from anywhere.")
    return write_whole(folder / "index.html", page(f"{title} – whorl", stylesheet(), tag("div", main, foot, class_="wrap")))


def _warnings(warned: Mapping[str, int], frames: int) -> Markup | None:
    if not warned:
        return None
    ranked = sorted(warned.items(), key=lambda kv: -kv[1])[:8]
    items = [tag("li", f"{text}: {count} of {frames} frames") for text, count in ranked]
    return tag(
        "section", tag("h2", "Warnings", id="warnings"), tag("ul", *items), class_="note warn", aria_labelledby="warnings"
    )


def _title(found: Map) -> str:
    method, _, rest = found.name.partition(":")
    bare = rest.rpartition(":")[2]
    words = {"invariant:q": "invariant Q"}.get(found.name) or MEANINGS.get(bare, bare)
    unit = pretty_unit(found.unit)
    return f"{words} ({TITLES.get(method, method)})" + (f", {unit}" if unit else "")


def _card(found: Map, number: int) -> Markup:
    with styled():
        figure = map_figure(found)
    text = f"{_title(found)} at {found.x.size} by {found.y.size} positions; open pixels have no value."
    drawing = to_svg(figure, _title(found), text, f"map{number}-{safe_stem(found.name)}")
    return tag("article", tag("h3", _title(found)), tag("figure", drawing), class_="card")


def map_figure(found: Map, *, width: float = 4.6) -> Figure:
    """Draw a map; the colours run from the 2nd to the 98th percentile, so that a few bad pixels do not hide the rest.

    Call inside `whorl.report.vector.styled`.
    """
    tall = float(np.clip(found.y.size / max(found.x.size, 1), 0.4, 1.4))
    figure = new_figure(width, 0.8 + 3.1 * tall)
    axes = figure.add_axes((0.13, 0.14, 0.66, 0.8))
    low, high = (float(v) for v in np.nanpercentile(found.values, [2, 98]))
    if not high > low:
        low, high = low - 0.5 * abs(low) - 1e-12, high + 0.5 * abs(high) + 1e-12
    mesh = axes.pcolormesh(
        _edges(found.x),
        _edges(found.y),
        np.ma.masked_invalid(found.values),
        cmap="viridis",
        vmin=low,
        vmax=high,
        rasterized=True,
    )
    axes.set_xlabel("x")
    axes.set_ylabel("y")
    bar = figure.add_axes((0.82, 0.14, 0.035, 0.8))
    figure.colorbar(mesh, cax=bar).set_label(plain(pretty_unit(found.unit)))
    return figure


def _edges(centres: Array) -> Array:
    if centres.size < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5]) if centres.size else np.array([0.0, 1.0])
    middles = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])


def _summary(maps: Sequence[Map]) -> Markup | None:
    if not maps:
        return None
    rows: list[list[Child]] = []
    for found in maps:
        good = np.isfinite(found.values)
        if not good.any():
            continue
        middle, low, high = (f"{v:.4g}" for v in np.nanpercentile(found.values, [50, 5, 95]))
        own = float(np.nanmedian(found.sigmas)) if np.isfinite(found.sigmas).any() else float("nan")
        rows.append([_title(found), f"{int(good.sum())} of {good.size}", middle, low, high, f"{own:.2g}"])
    head = ["Quantity", "Pixels", "Median", "5 %", "95 %", "Median uncertainty"]
    return section("summary", "Summary", table("Over all pixels", head, rows, numeric=frozenset({2, 3, 4, 5}), class_="fit"))
