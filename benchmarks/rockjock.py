"""Weighed mineral mixtures by measured references: the RockJock library of 168 pure phases, four mixtures with 20 % corundum.

What counts: the mean absolute error of the weight fractions of the groups weighed in, a group that is not found counting as 0;
with the corundum known, and by closure. All 168 references take part. Beside it plain non-negative least squares of all of
them, at the angles as they are and aligned by the best common shift: full-pattern summation without a choice of references.

Simulated mixtures test the intervals: sums of smoothed references with shifts, background and counts; once with the materials
in the library, once with the very feldspars and clays of the mixture taken out of it, so that siblings must stand in.
"""

from __future__ import annotations

import csv
import re
import time
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import nnls
from scipy.signal import savgol_filter

from _harness import Table, arguments, find_data
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.formats import read
from whorl.tasks.quantify_references import quantify_by_references
from whorl.techniques.pd.references import Library, Reference, open_library
from whorl.techniques.pd.references_amounts import amounts_by_references

SEED = 20261121
#: group of the library for each word of the table of truth
GROUPS = {
    "Quartz": "Quartz",
    "K_feldspar": "K-feldspar",
    "Plagioclase": "Plagioclase",
    "Kaolinite": "Kaolinite",
    "Dioctahedral_smectite": "Smectite (Di)",
    "Illite": "Illite",
    "Corundum": "Corundum",
}
STANDARD = ("Corundum", 0.2)
#: the references of the very materials that the mixtures were made of, as the library's documentation names them
MATERIALS = ("ORDERED_MICROCLINE", "LABRADORITE", "KAOLINITE_DRY_BRANCH", "MONTMORILLONITE_WYO", "ILLITE_1M_RM30")
SIBLINGS = ("K-feldspar", "Plagioclase", "Kaolinite", "Smectite (Di)", "Illite")


def truths(data: Path) -> dict[str, dict[str, float]]:
    """Weight fractions of the groups of each mixture, as the manifest of the data states them."""
    found = {}
    with (data / "MANIFEST.tsv").open(encoding="utf-8") as stream:
        for row in csv.reader(stream, delimiter="\t"):
            if re.match(r"pd/rockjock/Mix\d+\.xy", row[0]):
                pairs = re.findall(r"(\w+) (\d+) wt%", row[2])
                found[row[0]] = {GROUPS[word]: int(share) / 100 for word, share in pairs if word in GROUPS}
    return found


def errors_of(amounts: dict[str, float], truth: dict[str, float], *, standard: bool) -> list[float]:
    """Absolute errors over the groups weighed in, without the standard where it is given."""
    return [abs(amounts.get(g, 0.0) - w) for g, w in truth.items() if not (standard and g == STANDARD[0])]


def shares(verdict: Verdict) -> dict[str, float]:
    """Weight fraction of each group."""
    return {name.rpartition(":")[0]: q.value for name, q in verdict.parameters.items()}


def plain(measurement: Measurement, library: Library, *, align: bool) -> dict[str, float]:
    """Amounts of groups by least squares of all references, at the best of common shifts or as the angles are."""
    x = library.references[0].x
    table = np.column_stack([r.y for r in library.references])
    inside = (x > x[0] + 0.6) & (x < x[-1] - 0.6)
    best: tuple[float, np.ndarray] | None = None
    for shift in np.arange(-0.5, 0.501, 0.02) if align else (0.0,):
        y = np.interp(x + shift, measurement.x, measurement.signal)
        root = 1 / np.sqrt(np.maximum(y, 1.0)) * inside
        factors, left = nnls(table * root[:, None], y * root)
        if best is None or left < best[0]:
            best = left, factors
    amounts: Counter[str] = Counter()
    for reference, factor in zip(library.references, best[1], strict=True):  # type: ignore[index]
        if not reference.is_background:
            amounts[reference.group] += factor / reference.rir  # type: ignore[assignment]
    return dict(amounts)


def measured(table: Table, data: Path, *, quick: bool) -> None:
    """The weighed mixtures."""
    place = str(data / "pd/rockjock/library_168_pure_phases.csv")
    library = open_library(place)
    cases = list(truths(data).items())[: 1 if quick else None]
    seconds = []
    for known in (True, False):
        mine: list[float] = []
        raw: list[float] = []
        aligned: list[float] = []
        false: list[float] = []
        inside: list[bool] = []
        for path, truth in cases:
            measurement = read(data / path, kind="powder")
            start = time.process_time()
            verdict = quantify_by_references(measurement, place, standard=STANDARD if known else None)
            seconds.append(time.process_time() - start)
            got = shares(verdict)
            mine += errors_of(got, truth, standard=known)
            false.append(sum(v for g, v in got.items() if g not in truth and g != "unaccounted"))
            for group, q in ((n.rpartition(":")[0], q) for n, q in verdict.parameters.items()):
                if truth.get(group, 0) > 0 and not (known and group == STANDARD[0]) and q.interval is not None:
                    inside.append(q.interval[0] <= truth[group] <= q.interval[1])
            for align in (False, True):
                amounts = plain(measurement, library, align=align)
                scale = STANDARD[1] / max(amounts.get(STANDARD[0], 0.0), 1e-9) if known else 1 / sum(amounts.values())
                (aligned if align else raw).extend(errors_of({g: a * scale for g, a in amounts.items()}, truth, standard=known))
            print(
                path,
                "standard" if known else "closure",
                {g: (round(got.get(g, 0), 3), w) for g, w in truth.items()},
                flush=True,
            )
        error = 100 * float(np.mean(mine))
        beside = f"{100 * np.mean(aligned):.2f} wt% ({100 * np.mean(raw):.0f} not aligned)"
        note = f"peer: plain least squares of all 168; 90 % intervals hold {sum(inside)} of {len(inside)}"
        note += f"; references of other groups {100 * np.mean(false):.1f} wt%"
        what = "with the corundum known" if known else "by closure"
        table.add(f"{len(cases)} mixtures {what}", "<= 4 wt%", f"{error:.2f} wt%", beside, note, met=error <= 4)
    strange(table, place, [(read(data / path, kind="powder"), truth) for path, truth in cases])
    table.add("time of a mixture", "", f"{np.median(seconds):.1f} CPU s", note="168 references, 3001 points")


def strange(table: Table, place: str, cases: list[tuple[Measurement, dict[str, float]]]) -> None:
    """The weighed mixtures with the references of their very materials taken out of the library."""
    library = open_library(place).without(MATERIALS)
    mine: list[float] = []
    aligned: list[float] = []
    inside: list[bool] = []
    for measurement, truth in cases:
        found = amounts_by_references(measurement, library, standard=STANDARD).parameters
        got = {name.rpartition(":")[0]: q for name, q in found.items()}
        mine += errors_of({g: q.value for g, q in got.items()}, truth, standard=True)
        counted = [(q.interval, truth[g]) for g, q in got.items() if truth.get(g) and q.interval and g != STANDARD[0]]
        inside += [ends[0] <= weight <= ends[1] for ends, weight in counted]
        amounts = plain(measurement, library, align=True)
        scale = STANDARD[1] / max(amounts.get(STANDARD[0], 0.0), 1e-9)
        aligned.extend(errors_of({g: a * scale for g, a in amounts.items()}, truth, standard=True))
    note = f"90 % intervals hold {sum(inside)} of {len(inside)}"
    what = f"{len(cases)} mixtures, their materials not in the library"
    table.add(what, "", f"{100 * np.mean(mine):.2f} wt%", f"{100 * np.mean(aligned):.2f} wt%", note)


def simulated(table: Table, data: Path, cases: int) -> None:
    """Mixtures made of the library itself."""
    library = open_library(str(data / "pd/rockjock/library_168_pure_phases.csv"))
    references = [r for r in library.references if not r.is_background]
    sizes = Counter(r.group for r in references)
    corundum = next(r for r in references if r.group == "Corundum")
    single = [r for r in references if sizes[r.group] == 1 and r is not corundum]
    pool = [r for r in references if r.group in SIBLINGS] * 2 + single
    for taken in (False, True):
        rng = np.random.default_rng(SEED)
        errors: list[float] = []
        inside: list[bool] = []
        for _ in range(cases):
            groups: dict[str, Reference] = {}
            for i in rng.permutation(len(pool)):
                groups.setdefault(pool[i].group, pool[i])
            count = int(rng.integers(3, 8))
            pick = list(groups.values())[:count]
            weights = np.maximum(rng.dirichlet(np.full(count, 0.8)), 0.02)
            weights *= 0.8 / weights.sum()
            x, cosine = corundum.x, np.cos(np.radians(corundum.x / 2))
            zero, displacement = rng.normal(0, 0.15), rng.normal(0, 0.1)
            y = np.zeros_like(x)
            for r, w in zip([corundum, *pick], [0.2, *weights], strict=True):
                curve = CubicSpline(r.x, np.maximum(savgol_filter(r.y, 7, 3), 0.0))
                at = np.clip(x - zero - displacement * cosine - rng.normal(0, 0.015), x[0], x[-1])
                y += w * r.rir * np.maximum(curve(at), 0.0)
            y = rng.poisson(y * 10 ** rng.uniform(2.8, 4) / y.max() + rng.uniform(0, 30)).astype(float)
            gone = {r.name for r in pick if r.group in SIBLINGS} if taken else set()
            kept = Library(tuple(r for r in library.references if r.name not in gone), library.source, "")
            measurement = Measurement("powder", x, y, settings={"wavelength": 1.540593, "intensity": "counts"})
            found = amounts_by_references(measurement, kept, standard=STANDARD).parameters
            for r, w in zip(pick, weights, strict=True):
                q = found.get(f"{r.group}:weight_fraction")
                errors.append(abs((q.value if q else 0.0) - w))
                if q is not None and q.interval is not None:
                    inside.append(q.interval[0] <= w <= q.interval[1])
        what = "siblings stand in" if taken else "materials in the library"
        note = f"90 % intervals of what is found hold {sum(inside)} of {len(inside)}; {len(errors)} amounts"
        table.add(f"{cases} simulated mixtures, {what}", "", f"{100 * np.mean(errors):.2f} wt%", note=note)


def main() -> int:
    """Run it."""
    options = arguments(__doc__ or "")
    data = find_data()
    if data is None or not (data / "pd/rockjock").is_dir():
        return 0
    table = Table("Weighed mineral mixtures by measured references")
    measured(table, data, quick=options.quick)
    simulated(table, data, 2 if options.quick else 40)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
