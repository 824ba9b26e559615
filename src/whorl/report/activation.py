"""What a trained network saw: the pattern with its class activation for each phase, and how probable it held them."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from whorl.core.verdict import Curve, Opinion, Seen, Verdict
from whorl.report.colours import PALETTE
from whorl.report.markup import Child, Markup, table, tag
from whorl.report.notation import MISSING, format_fixed, format_probability, label_symbol, listed, pretty_label
from whorl.report.plots import thin_out
from whorl.report.sections import section, wide
from whorl.report.vector import new_figure, plain, quiet_axes, styled, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: phases drawn; phases in the table; stretches named for each
_DRAWN, _LISTED, _NAMED = 5, 8, 4


def what_the_network_saw(verdict: Verdict) -> Markup | None:
    """Section on the opinion of a trained network beside the search."""
    found, best = verdict.opinion, verdict.best
    if found is None or not found.phases:
        return None
    held = set() if best is None else set(best.entries)
    shown = drawn(found, verdict)
    lead = (
        f"The network {found.model} was asked beside the search: what it holds possible took part in the fits, "
        "which decided. Its probabilities are those of the network alone."
    )
    parts: list[Child] = [tag("p", lead)]
    if best is not None and best.curve is not None and any(s.stretches for s in shown):
        names = listed([s.name for s in shown])
        title = f"Where the network sees {names}"
        drawing = to_svg(activation_figure(best.curve, shown), title, "The data, shaded where they tell something.", "seen")
        caption = (
            "Grey: data. Orange: speaks for the phase; blue: against it, a line that is missing or foreign; the darker, the "
            "more log odds of the network come from there (class activation)."
        )
        parts.append(tag("figure", wide(drawing, title), tag("figcaption", caption)))
    unit = label_symbol(best.curve.x_label)[1] if best is not None and best.curve is not None else ""
    phases = found.phases[:_LISTED]
    columns: dict[str, list[Child]] = {
        "Phase" if any(isfinite(s.weight_fraction) for s in phases) else "Model": [s.name for s in phases],
        "Probability": [format_probability(s.probability) for s in phases],
    }
    if any(isfinite(s.weight_fraction) for s in phases):
        columns["Weight fraction"] = [format_fixed(s.weight_fraction, 2) for s in phases]
    columns["In the first candidate"] = [
        "yes" if s.entry and s.entry in held else "no" if s.entry else "not searched" for s in phases
    ]
    if any(s.stretches for s in phases):
        columns[f"Seen most at ({unit})" if unit else "Seen most at"] = [
            listed([f"{low:.2f}–{high:.2f}" for low, high, _ in strongest(s)]) or MISSING for s in phases
        ]
    numeric = frozenset(n for n, name in enumerate(columns) if name in ("Probability", "Weight fraction"))
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    parts.append(table("By the network alone", list(columns), rows, numeric=numeric, class_="fit"))
    if found.set is not None:
        parts.append(
            tag(
                "p",
                f"Its {found.set.level:.0%} set: {listed(found.set.members)}. The truth is in it that often, for each kind "
                "of truth, where measurements are like those it was trained on.",
            )
        )
    return section("network", "What the network saw", *parts)


def drawn(opinion: Opinion, verdict: Verdict) -> list[Seen]:
    """Phases whose activation is shown: those of the first candidate, and others that the network holds likely."""
    held = set() if verdict.best is None else set(verdict.best.entries)
    first = [s for s in opinion.phases if s.entry and s.entry in held]
    return [*first, *(s for s in opinion.phases if s not in first and s.probability > 0.5)][:_DRAWN]


def strongest(seen: Seen) -> list[tuple[float, float, float]]:
    """The stretches that speak most for a phase, in order of the axis."""
    best = sorted((s for s in seen.stretches if s[2] > 0), key=lambda s: -s[2])[:_NAMED]
    return sorted(best)


def activation_figure(curve: Curve, shown: list[Seen], *, width: float = 10.0, height: float = 1.5) -> Figure:
    """Draw the data once for each phase, shaded by what the network reads there (inches; height of one phase)."""
    with styled():
        total = height * len(shown) + 0.5
        figure = new_figure(width, total)
        low, high = float(curve.x[0]), float(curve.x[-1])
        for number, seen in enumerate(shown):
            foot = (0.46 + (len(shown) - 1 - number) * height) / total
            axes = figure.add_axes((0.02, foot, 0.96, (height - 0.3) / total))
            quiet_axes(axes)
            most = max((abs(value) for _, _, value in seen.stretches), default=1.0)
            for start, stop, value in seen.stretches:
                if stop > low and start < high:
                    colour = PALETTE["fit" if value > 0 else "residual"]
                    axes.axvspan(max(start, low), min(stop, high), color=colour, alpha=0.05 + 0.5 * abs(value) / most, lw=0)
            axes.plot(*thin_out(curve.x, np.sqrt(np.maximum(curve.observed, 0.0)), 700), color=PALETTE["data"], lw=1.0)
            axes.set_xlim(low, high)
            axes.spines["left"].set_visible(False)
            axes.set_yticks([])
            axes.set_title(plain(f"{seen.name}: {format_probability(seen.probability)}"), loc="left", fontsize=10, pad=3)
            if number < len(shown) - 1:
                axes.set_xticklabels([])
        axes.set_xlabel(plain(f"{pretty_label(curve.x_label)}; height: root of the intensity"), labelpad=2)
        return figure
