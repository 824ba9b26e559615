"""Refinements of measured crystals against PDFfit2 on the same files, ranges and free parameters: values, Rw, CPU seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _harness import Table, arguments, cpu_time, find_data, peer
from _recipes import recipes, with_data
from whorl.core.hypothesis import Crystal, Site
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate
from whorl.formats import read
from whorl.tasks.refine import refine


def cubic(element: str, a: float, group: str) -> Crystal:
    """Give a cubic element."""
    corner = (0.125,) * 3 if group == "227" else (0.0,) * 3
    return Crystal(element, cell=(a, a, a, 90, 90, 90), space_group=group, sites=(Site(element, corner),))


@dataclass(frozen=True)
class Case:
    """One row: the recipe of the peer, the same problem for whorl, and what must be reached (value, tolerance)."""

    recipe: str
    structure: Crystal
    values: dict[str, tuple[float, float]]
    rw: float
    seconds: float | None = None
    fixed: dict[str, float] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    size: bool = False


NICKEL = cubic("Ni", 3.52, "225")
CASES = (
    Case("Ni 1.5-20", NICKEL, {"a": (3.5251, 0.0005)}, 0.024, 0.5),
    Case("Ni 1.5-50", NICKEL, {"a": (3.5248, 0.0005), "U_Ni": (0.0059, 0.0003)}, 0.033, 1.5),
    Case("Si", cubic("Si", 5.43, "227"), {"a": (5.4295, 0.0010)}, 0.085, settings={"qdamp": 0.05, "qbroad": 0.0}),
    Case(
        "Pt S1 sphere",
        cubic("Pt", 3.92, "225"),
        {"diameter": (32.0, 2.0)},
        0.127,
        settings={"qdamp": 0.03, "qbroad": 0.0},
        size=True,
    ),
)


def fit(case: Case, measurement: Measurement, fit_range: tuple[float, float]) -> Candidate:
    """Refine once, from the start values of the structure."""
    verdict = refine(measurement, [case.structure], range=fit_range, settings=case.settings, fixed=case.fixed, size=case.size)
    return verdict.candidates[0]


def add(table: Table, case: Case, data: Path, *, quick: bool) -> None:
    """Fit with both programs and add the rows of a case."""
    recipe = recipes()[case.recipe]
    measurement = read(data / recipe["file"])
    start = time.process_time()
    best = fit(case, measurement, recipe["fit_range"])
    cold = time.process_time() - start
    warm = cpu_time(lambda: fit(case, measurement, recipe["fit_range"]), repeats=1 if quick else 5, warmup=0).minimum
    other = peer("pdffit2_fit.py", with_data(recipe, data))
    theirs = other["values"] if other else {}
    count = best.quality.free_parameters if best.quality else 0
    low, high = recipe["fit_range"]
    for name, (value, tolerance) in case.values.items():
        found = best.parameters[name]
        table.add(
            f"{case.recipe}: {name}",
            f"{value:g} +- {tolerance:g}",
            f"{found.value:.5g} +- {found.sigma or 0:.2g}",
            f"{theirs[name if name in theirs else 'u_iso']:.5g}" if theirs else "",
            f"{low:g}-{high:g} angstrom",
            met=abs(found.value - value) <= tolerance,
        )
    table.add(
        f"{case.recipe}: Rw",
        f"<= {case.rw}",
        f"{best.rw:.4f}",
        f"{other['rw']:.4f}" if other else "",
        f"free parameters {count}, PDFfit2 {len(recipe['parameters'])}",
        met=best.rw <= case.rw,
    )
    table.add(
        f"{case.recipe}: CPU time",
        "" if case.seconds is None else f"<= {case.seconds:g} s",
        f"{warm:.3f} s",
        f"{other['cpu_seconds']:.3f} s" if other else "",
        f"warm; the first call in this process {cold:.2f} s",
        met=None if case.seconds is None else warm <= case.seconds,
    )


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    table = Table("Refinement of measured crystals")
    data = find_data()
    if data is None:
        return 0
    for case in CASES[:1] if options.quick else CASES:
        add(table, case, data, quick=options.quick)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
