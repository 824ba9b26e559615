"""The report on a series: waterfall, what was found when, parameters against the coordinate, one row per frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from whorl.core.measurement import Measurement
from whorl.core.verdict import Curve, Verdict
from whorl.report import course
from whorl.report.citations import citations_for
from whorl.report.frames import FAILED, SeriesTable, parameter_figure, series_table, varying
from whorl.report.markup import Child, Markup, page, table, tag
from whorl.report.notation import MISSING, align, format_fixed, format_probability, format_su, pretty_label, pretty_unit
from whorl.report.sections import section, wide
from whorl.report.sequence_table import write_sequence
from whorl.report.single import stylesheet
from whorl.report.storage import safe_stem, write_whole
from whorl.report.tables import TableWriter
from whorl.report.vector import to_svg
from whorl.report.waterfall import waterfall_figure

Array = NDArray[np.float64]

_MOST_ROWS = 1000
_FIXED_COLUMNS = ("Rw", "none of these")


def write_series_report(
    verdicts: Sequence[Verdict],
    folder: str | Path,
    *,
    measurements: Sequence[Measurement] | None = None,
    coordinate: Array | None = None,
    coordinate_label: str = "frame",
    title: str = "Series",
    stem: str = "series",
    links: Mapping[int, str | Path] | None = None,
    command: str = "",
) -> Path:
    """Write the report of a series: one HTML page, with all rows as CSV beside it.

    Parameters
    ----------
    verdicts : sequence of Verdict
        One per frame, in the order of the series.
    folder : str or Path
        Made when it does not exist.
    measurements : sequence of Measurement, optional
        The frames as measured: one measurement per frame, or one measurement of many frames. Without them the waterfall shows
        the fitted data that the verdicts carry.
    coordinate : array, shape (frames,), optional
        What changed from frame to frame; the frame number when not given.
    coordinate_label : str
        Such as ``"temperature (kelvin)"``.
    title : str
        Heading of the page.
    stem : str
        Name of the page without ``.html``.
    links : mapping of int to path, optional
        Page of single frames by frame index; linked where the file exists.
    command : str
        The command that repeats the run.

    Returns
    -------
    Path

    Raises
    ------
    UsageError
        If there are no verdicts, or not one coordinate per verdict.
    WhorlError
        If the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> frames = [Verdict(whorl="0.1.0", task="identify", file=f"{k}.gr") for k in range(3)]
    >>> write_series_report(frames, tempfile.mkdtemp()).name
    'series.html'
    """
    folder, stem = Path(folder), safe_stem(stem)
    columns = series_table(verdicts, coordinate, coordinate_label)
    refined = course.is_refined(verdicts)
    if refined:
        write_sequence(verdicts, folder / f"{stem}.csv", coordinate=coordinate, label=coordinate_label)
    else:
        with TableWriter(folder / f"{stem}.csv") as rows:
            for verdict in verdicts:
                rows.append(verdict)
    body: list[Child] = [
        _head(verdicts, columns, title),
        _waterfall(verdicts, columns, measurements),
        course.phases(verdicts, columns) if refined else _stretches(columns),
        course.parameters(columns) if refined else _parameters(columns),
        _rows(verdicts, columns, _addresses(links or {}, folder), stem),
        _origin(verdicts, command),
    ]
    main = tag("main", *body, id="main")
    foot = tag("footer", f"Written by whorl {verdicts[0].whorl if verdicts else ''}. This page loads nothing from anywhere.")
    skip = tag("a", "Skip to the series", href="#main", class_="skip")
    return write_whole(
        folder / f"{stem}.html", page(f"{title} – whorl", stylesheet(), skip, tag("div", main, foot, class_="wrap"))
    )


def _addresses(links: Mapping[int, str | Path], folder: Path) -> dict[int, str]:
    """Relative addresses of the pages that exist below the folder of the report."""
    found = {}
    for index, link in links.items():
        path = Path(link) if Path(link).is_absolute() else folder / link
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            found[index] = quote(path.resolve().relative_to(folder.resolve()).as_posix())
    return found


def _head(verdicts: Sequence[Verdict], columns: SeriesTable, title: str) -> Markup:
    failed = sum(p == FAILED for p in columns.phases)
    changes = max(len([r for r in columns.runs() if r[2] != FAILED]) - 1, 0)
    rw = columns.columns["Rw"].values
    facts = [("Frames", f"{len(verdicts)}"), ("Best phases", f"{len(columns.ranking)}"), ("Without answer", f"{failed}")]
    if course.is_refined(verdicts):
        facts[1] = ("Phases", f"{max((len(v.best.phases) for v in verdicts if v.best), default=0)}")
    if np.isfinite(rw).any():
        facts.append(("Median Rw", format_fixed(float(np.nanmedian(rw)), 3)))
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts]
    if course.is_refined(verdicts):
        answer = course.story(verdicts, columns)
    elif not columns.ranking:
        answer = "No frame is explained by a candidate."
    elif len(columns.ranking) == 1 and not changes:
        answer = f"{columns.ranking[0]} explains every frame best."
    else:
        answer = _story(columns)
    task = verdicts[0].task if verdicts else "identify"
    return tag(
        "header",
        tag("p", f"whorl {task} · series", class_="over"),
        tag("h1", title),
        tag("p", answer, class_="answer"),
        tag("dl", *rows, class_="facts"),
    )


def _story(columns: SeriesTable) -> str:
    runs = [r for r in columns.runs() if r[2] != FAILED]
    merged: list[str] = []
    for _, _, phase in runs:
        if not merged or merged[-1] != phase:
            merged.append(phase)
    if len(merged) <= 4:
        return (
            f"The best phase goes from {' to '.join(merged)}." if len(merged) > 1 else f"{merged[0]} explains every frame best."
        )
    shares = [f"{n} ({columns.phases.count(n)} frames)" for n in columns.ranking[:3]]
    return f"{len(columns.ranking)} best phases over the series, most often {', '.join(shares)}."


def _waterfall(verdicts: Sequence[Verdict], columns: SeriesTable, measurements: Sequence[Measurement] | None) -> Markup | None:
    found = _signals(verdicts, measurements)
    if found is None:
        return None
    x, signals, x_label, y_label = found
    figure = waterfall_figure(x, signals, columns.coordinate, x_label=x_label, y_label=y_label, coordinate_label=columns.label)
    upward = pretty_label(columns.label)
    text = f"All {len(signals)} curves: left as a heat map with {upward} upward, right as lines set off from each other."
    return section(
        "waterfall",
        "Data",
        tag("figure", wide(to_svg(figure, "Waterfall of the series", text, "w"), "Waterfall"), tag("figcaption", text)),
    )


def _signals(verdicts: Sequence[Verdict], measurements: Sequence[Measurement] | None) -> tuple[Array, Array, str, str] | None:
    """Put all frames on the axis of the first, NaN where a frame has no data: (x, signals, labels)."""
    if measurements:
        frames = [(m.x, s) for m in measurements for s in np.atleast_2d(m.signal)]
        axis, name, unit = measurements[0].axis, *_signal_name(measurements[0])
        labels = axis.label, f"{name} ({unit})"
    else:
        curves = [v.best.curve if v.best is not None else None for v in verdicts]
        first = next((c for c in curves if c is not None), None)
        if first is None:
            return None
        frames = [_observed(c, first) for c in curves]
        labels = first.x_label, first.y_label
    if len(frames) != len(verdicts):
        return None
    x = frames[0][0] if measurements else first.x  # type: ignore[union-attr]
    signals = [
        s if len(a) == len(x) and np.array_equal(a, x) else np.interp(x, a, s, left=np.nan, right=np.nan) for a, s in frames
    ]
    return x, np.array(signals), *labels


def _signal_name(measurement: Measurement) -> tuple[str, str]:
    from whorl.core.measurement import KINDS

    _, name, unit = KINDS[measurement.kind]
    return name, unit


def _observed(curve: Curve | None, first: Curve) -> tuple[Array, Array]:
    return (first.x, np.full(first.x.size, np.nan)) if curve is None else (curve.x, curve.observed)


def _swatch(columns: SeriesTable, phase: str) -> Markup:
    style = f"fill:var(--{columns.role(phase)})"
    dot = tag("rect", x=1, y=1, width=10, height=10, rx=2, style=style)
    return tag("svg", dot, viewBox="0 0 12 12", width=12, height=12, aria_hidden="true", class_="swatch")


def _stretches(columns: SeriesTable) -> Markup:
    rows: list[list[Child]] = []
    for first, last, phase in columns.runs()[:60]:
        rw = columns.columns["Rw"].values[first : last + 1]
        mean = format_fixed(float(np.nanmedian(rw)), 3) if np.isfinite(rw).any() else MISSING
        frames = f"{first}" if first == last else f"{first}–{last}"
        start, end = columns.coordinate[first], columns.coordinate[last]
        where = f"{start:g}" if first == last else f"{start:g} to {end:g}"
        rows.append([frames, where, tag("span", _swatch(columns, phase), phase), str(last - first + 1), mean])
    head_row = ["Frames", _heading(columns.label), "Best phase", "Count", "Median Rw"]
    return section(
        "stretches",
        "What was found when",
        table(
            "Stretches of frames with one best phase",
            head_row,
            rows,
            numeric=frozenset({1, 3, 4}),
            class_="fit",
            hide_caption=True,
        ),
    )


def _parameters(columns: SeriesTable) -> Markup | None:
    names = varying(columns)
    if not names:
        return None
    keys = [tag("li", _swatch(columns, p), p) for p in columns.ranking[:7]]
    text = f"Panels of {', '.join(names[:16])} against {pretty_label(columns.label)}; bars are one standard uncertainty."
    drawing = to_svg(parameter_figure(columns, names), "Parameters of the series", text, "p")
    return section(
        "parameters",
        "Parameters",
        tag("ul", *keys, class_="key"),
        tag("figure", wide(drawing, "Parameters by frame"), tag("figcaption", "Bars: one standard uncertainty.")),
    )


def _rows(verdicts: Sequence[Verdict], columns: SeriesTable, addresses: dict[int, str], stem: str) -> Markup:
    refined = course.is_refined(verdicts)
    extra = course.telling(columns, 7) if refined else [n for n in varying(columns) if n not in _FIXED_COLUMNS][:5]
    shown = range(min(len(verdicts), _MOST_ROWS))
    values = {
        n: align([format_su(float(columns.columns[n].values[i]), _sigma(columns.columns[n].sigmas[i])) for i in shown])
        for n in extra
    }
    failures = any(v.error is not None for v in verdicts)
    body: list[list[Child]] = []
    for i in shown:
        verdict, best = verdicts[i], verdicts[i].best
        name = Path(verdict.file).name or str(i)
        first = tag("a", name, href=addresses[i]) if i in addresses else name
        what: Child = tag("span", _swatch(columns, columns.phases[i]), columns.phases[i])
        if verdict.error is not None:
            what = tag("span", f"{FAILED}: {verdict.error.what}", class_="limit")
        row: list[Child] = [first, f"{columns.coordinate[i]:g}"]
        row += [what] if failures or not refined else []
        row += [format_fixed(best.rw if best else None, 3)]
        row += [] if refined else [format_probability(best.probability if best else None)]
        body.append(row + [values[n][i] for n in extra])
    heads = [f"{n} ({u})" if (u := pretty_unit(columns.columns[n].unit)) else n for n in extra]
    fixed = ["Rw"] if refined else ["Best phase", "Rw", "Probability"]
    fixed = ["Phases", *fixed] if refined and failures else fixed
    head_row = ["File", _heading(columns.label), *fixed, *heads]
    rest = f" The first {_MOST_ROWS} of {len(verdicts)} frames are shown." if len(verdicts) > _MOST_ROWS else ""
    text = {0, 2} if "Rw" not in head_row[2:3] else {0}
    numeric = frozenset(set(range(len(head_row))) - text)
    return section(
        "frames",
        "Frames",
        tag("p", "All columns: ", tag("a", f"{stem}.csv", href=quote(f"{stem}.csv")), f".{rest}", class_="sub"),
        table("Frames of the series", head_row, body, numeric=numeric, hide_caption=True),
    )


def _heading(label: str) -> str:
    """Label with a capital letter in front, the unit untouched."""
    text = pretty_label(label)
    return text[:1].upper() + text[1:]


def _sigma(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _origin(verdicts: Sequence[Verdict], command: str) -> Markup:
    answered = next((v for v in verdicts if v.candidates), verdicts[0] if verdicts else None)
    recorded = answered.provenance.command if answered is not None and answered.provenance else ""
    parts: list[Child] = []
    if command or recorded:
        parts += [tag("p", "The command that repeats this:"), tag("pre", tag("code", command or recorded))]
    if answered is not None:
        items = [
            tag("li", c.text, *([", ", tag("a", f"doi:{c.doi}", href=c.url, rel="noreferrer")] if c.doi else []))
            for c in citations_for(answered)
        ]
        parts += [tag("h3", "How to cite"), tag("ol", *items, class_="cite")]
    return section("origin", "Repeat and cite", *parts)
