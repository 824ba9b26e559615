"""A verdict as one flat row: what a table of many files, or of the frames of a series, shows."""

from __future__ import annotations

from math import isfinite
from typing import Final

from whorl.core.verdict import Verdict
from whorl.report.words import group_of_best

Cell = str | int | float | None
Row = dict[str, Cell]

#: columns that stand before those of the parameters
FIRST: Final = (
    "file",
    "status",
    "best",
    "formula",
    "family",
    "space_group",
    "probability",
    "none_probability",
    "is_none",
    "rw",
    "group_members",
)
#: columns that stand after them
LAST: Final = ("phases", "weight_fractions", "weight_fraction_sigmas", "warnings", "error", "run", "seconds", "sha256")


def flat_row(verdict: Verdict) -> Row:
    """Give the row of a verdict.

    Returns
    -------
    dict
        `FIRST`, then ``name`` and ``name_sigma`` for each parameter of the best candidate, and with intervals ``name_low`` and
        ``name_high`` for what was quantified, then `LAST`. Lists within a cell are joined by ``"; "``. A parameter whose name
        is that of a fixed column gets ``parameter_`` before it.

    Examples
    --------
    >>> row = flat_row(Verdict(whorl="0", task="identify", file="a.gr"))
    >>> row["file"], row["best"], row["is_none"]
    ('a.gr', '', 1)
    """
    best = verdict.best
    row: Row = dict.fromkeys((*FIRST, *LAST))
    row |= {
        "file": verdict.file,
        "status": verdict.status,
        "best": "",
        "none_probability": verdict.none_probability,
        "warnings": "; ".join(verdict.warnings),
        "run": verdict.run,
        "seconds": round(verdict.seconds, 3),
        "sha256": verdict.sha256,
        "error": "",
    }
    if verdict.error is not None:
        row["error"] = " ".join(t for t in (f"{verdict.error.what}.", verdict.error.remedy) if t)
        return row
    row["is_none"] = int(verdict.is_none)
    if best is None:
        return row
    row |= {
        "best": best.name,
        "formula": best.formula,
        "family": best.family,
        "space_group": best.space_group,
        "probability": best.probability,
        "rw": best.rw,
        "group_members": "; ".join(c.name for c in group_of_best(verdict)),
        "phases": "; ".join(p.name for p in best.phases),
        "weight_fractions": "; ".join(f"{p.weight_fraction.value:.4g}" for p in best.phases),
        "weight_fraction_sigmas": "; ".join(_text(p.weight_fraction.sigma) for p in best.phases),
    }
    taken = {*FIRST, *LAST}
    for name, quantity in best.parameters.items():
        column = f"parameter_{name}" if name in taken else name
        row[column] = quantity.value
        row[f"{column}_sigma"] = quantity.sigma
    for name, estimate in verdict.parameters.items():
        low, high = estimate.interval or (None, None)
        value = estimate.value if isfinite(estimate.value) else None
        row |= {name: value, f"{name}_sigma": estimate.sigma, f"{name}_low": low, f"{name}_high": high}
    return row


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.2g}"


def ordered(known: list[str], row: Row) -> list[str]:
    """Columns for a table that has ``known`` columns already and gets this row.

    Examples
    --------
    >>> ordered(["file", "a", "run"], {"file": "x", "b": 1.0, "run": ""})
    ['file', 'a', 'b', 'run']
    """
    middle = [c for c in known if c not in FIRST and c not in LAST]
    middle += [c for c in row if c not in FIRST and c not in LAST and c not in middle]
    present = {*known, *row}
    return [c for c in FIRST if c in present] + middle + [c for c in LAST if c in present]
