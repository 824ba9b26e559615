"""A refined series on a page: which phases were there when, and parameters against the coordinate by what they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from whorl.core.verdict import Candidate, Verdict
from whorl.report.frames import SeriesTable, parameter_figure, varying
from whorl.report.markup import Child, Markup, table, tag
from whorl.report.notation import MISSING, format_fixed, format_su, listed, pretty_label
from whorl.report.sections import section, wide
from whorl.report.vector import to_svg

_CELL = ("a", "b", "c", "alpha", "beta", "gamma")
_GROUPS = ("Weight fractions", "Cells", "Sizes and strains", "Atoms", "Amounts and texture", "Misfit and instrument")
_MOST_SPANS = 6


def is_refined(verdicts: Sequence[Verdict]) -> bool:
    """Tell whether a series was refined, not searched."""
    return bool(verdicts) and all(v.task == "refine" for v in verdicts)


def there(candidate: Candidate, number: int) -> bool:
    """Tell whether a phase, counted from 1, was refined: one that does not stand out is held, without uncertainties."""
    own = [q for name, q in candidate.parameters.items() if name.startswith(f"{number}:") and not name.endswith(":scale")]
    return not own or any(q.sigma is not None or q.at_limit for q in own)


def story(verdicts: Sequence[Verdict], columns: SeriesTable) -> str:
    """Say in a sentence which phases come and go."""
    first = next((v.best for v in verdicts if v.best is not None), None)
    if first is None:
        return "No frame could be refined."
    names = [p.name for p in first.phases]
    parts = []
    for number, name in enumerate(names, 1):
        spans = _spans(verdicts, number)
        if not spans:
            parts.append(f"{name} is not seen")
        elif spans[0][0] > 0 or len(spans) > 1 or spans[-1][1] < len(verdicts) - 1:
            parts.append(f"{name} is seen {_when(spans, columns)}")
    always = [n for k, n in enumerate(names, 1) if _spans(verdicts, k) == [(0, len(verdicts) - 1)]]
    if always:
        parts.insert(0, f"{listed(always)} throughout")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def phases(verdicts: Sequence[Verdict], columns: SeriesTable) -> Markup | None:
    """The section on the phases: where each stands out, and its weight fraction at the ends."""
    first = next((v.best for v in verdicts if v.best is not None), None)
    if first is None or len(first.phases) < 2:
        return None
    rows: list[list[Child]] = []
    for number, phase in enumerate(first.phases, 1):
        spans = _spans(verdicts, number)
        column = columns.columns.get(f"fraction of {phase.name}")
        shown = [MISSING, MISSING]
        if column is not None:
            good = np.flatnonzero(np.isfinite(column.values))
            if good.size:
                shown = [
                    format_su(float(column.values[i]), float(s) if np.isfinite(s := column.sigmas[i]) else None)
                    for i in (good[0], good[-1])
                ]
        seen = sum(b - a + 1 for a, b in spans)
        rows.append([phase.name, str(seen), _when(spans, columns) if spans else MISSING, *shown])
    anew = [i for i, v in enumerate(verdicts) if v.best and any("started anew" in n for n in v.best.notes)]
    text = "A phase that does not stand out is held at the cell, size and atoms it had last; its amount is refined."
    if anew:
        several = "s" if len(anew) > 1 else ""
        text += (
            f" Frame{several} {listed([str(i) for i in anew[:12]])} started from the structures, where the misfit was lower."
        )
    head_row = ["Phase", "Frames", "Seen", "First weight fraction", "Last"]
    return section(
        "phases",
        "Phases",
        table("Phases of the series", head_row, rows, numeric=frozenset({1, 3, 4}), class_="fit", hide_caption=True),
        tag("p", text, class_="sub"),
    )


def parameters(columns: SeriesTable) -> Markup | None:
    """The section of the curves: one drawing for each group of parameters."""
    columns = _refined_only(columns)
    groups = _grouped(columns)
    figures: list[Child] = []
    upward = pretty_label(columns.label)
    for number, (title, names) in enumerate(groups.items()):
        shown = names[:16]
        if not shown:
            continue
        text = f"Panels of {', '.join(shown)} against {upward}; bars are one standard uncertainty."
        drawing = to_svg(parameter_figure(columns, shown), f"{title} of the series", text, f"p{number}")
        rest = f" {len(names) - len(shown)} more are in the table." if len(names) > len(shown) else ""
        caption = f"Bars: one standard uncertainty. What is held, or at a limit, is not drawn.{rest}"
        figures += [tag("h3", title), tag("figure", wide(drawing, title), tag("figcaption", caption))]
    return section("parameters", "Parameters", *figures) if figures else None


def _refined_only(columns: SeriesTable) -> SeriesTable:
    """The columns without what is held or at a limit: values of a phase without a sigma, where others have one."""
    found = {}
    for name, column in columns.columns.items():
        known = np.isfinite(column.sigmas)
        keep = known if ":" in name and known.any() else np.ones(known.size, dtype=np.bool_)
        found[name] = replace(column, values=np.where(keep, column.values, np.nan))
    return replace(columns, columns=found)


def telling(columns: SeriesTable, most: int) -> list[str]:
    """Columns for a table of few: weight fractions, then cells, then sizes."""
    return [name for names in _grouped(columns).values() for name in names if name not in ("Rw", "none of these")][:most]


def _grouped(columns: SeriesTable) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {name: [] for name in _GROUPS}
    for name in varying(columns):
        groups[_group(name)].append(name)
    return groups


def _group(name: str) -> str:
    bare = name.rsplit(":", maxsplit=1)[-1]
    if name.startswith("fraction of "):
        return _GROUPS[0]
    if bare in _CELL:
        return _GROUPS[1]
    if bare in ("size", "inverse_size", "strain", "spread", "diameter"):
        return _GROUPS[2]
    if bare[:2] in ("x_", "y_", "z_", "U_") or bare == "U" or bare.startswith("occ_"):
        return _GROUPS[3]
    if bare in ("scale", "march") or bare.startswith("texture"):
        return _GROUPS[4]
    return _GROUPS[5]


def _spans(verdicts: Sequence[Verdict], number: int) -> list[tuple[int, int]]:
    """Stretches of frames in which a phase is there."""
    found: list[tuple[int, int]] = []
    for i, verdict in enumerate(verdicts):
        if verdict.best is None or not there(verdict.best, number):
            continue
        if found and found[-1][1] == i - 1:
            found[-1] = (found[-1][0], i)
        else:
            found.append((i, i))
    return found


def _when(spans: Sequence[tuple[int, int]], columns: SeriesTable) -> str:
    """Say where on the coordinate a phase is there."""
    at = columns.coordinate
    parts = [
        f"at {format_fixed(float(at[a]), 0)}" if a == b else f"from {at[a]:.4g} to {at[b]:.4g}" for a, b in spans[:_MOST_SPANS]
    ]
    more = f" and {len(spans) - _MOST_SPANS} times more" if len(spans) > _MOST_SPANS else ""
    return f"{', '.join(parts)}{more} ({pretty_label(columns.label)})"
