"""Phases of measured powder patterns: the XRD-AutoAnalyzer set, weighed mixtures, minerals; large catalogues.

What counts. A phase is a formula in a space group. XRD-AutoAnalyzer: the first candidate has one phase for each formula of the
file name, in a structure of that formula, and no other, with the 56 structures of the set as the only candidates. Weighed
mixtures (file names state weight fractions): F1 of the phases of the first candidate with the elements of the mixture given,
each in the structure that the chemical has at room temperature, and the mean absolute error of the fractions of true phases.
Minerals: the first candidate has the mineral's elements, nothing given; minerals of elements that no built-in compound has are
asked for *none*.
"""

from __future__ import annotations

import csv
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from _collection import make_collection
from _harness import Table, arguments, find_data
from whorl.catalogues import Catalogue, builtin_catalogues, open_catalogue
from whorl.core.hypothesis import element_counts, reduced_formula
from whorl.core.verdict import Verdict
from whorl.formats import read
from whorl.tasks.identify import identify

WEIGHED = re.compile(r"([A-Z][A-Za-z0-9()]*)_0p(\d+)")
SEED = 20261121
#: space groups that the weighed chemicals have at room temperature; titania is sold as anatase and as rutile
AT_ROOM_TEMPERATURE = {
    "Bi2O3": (14,), "In2O3": (206,), "La(OH)3": (176,), "Li2CO3": (15,), "MnCO3": (167,), "NiO": (225,), "TiO2": (136, 141),
    "V2O5": (59,), "ZnO": (186,), "ZrO2": (14,),
}  # fmt: skip


def formula(text: str) -> str:
    """A formula in one form, brackets resolved."""
    while found := re.search(r"\(([^()]*)\)(\d*)", text):
        inner = element_counts(found[1])
        times = float(found[2] or 1)
        text = text.replace(found[0], "".join(f"{e}{n * times:g}" for e, n in inner.items()), 1)
    return reduced_formula(dict(sorted(element_counts(text).items())))


def phases_in(verdict: Verdict) -> list[tuple[str, int, float]]:
    """Formula, space group and weight fraction of each phase of the first candidate; nothing where none is the answer."""
    best = verdict.best
    if best is None or verdict.is_none:
        return []
    pairs = zip(best.phases, best.structures, strict=True)
    return [(formula(p.formula), getattr(s, "space_group_number", 0), p.weight_fraction.value) for p, s in pairs]


def crystals() -> list[Catalogue]:
    """The built-in catalogues that hold crystals."""
    return [c for c in builtin_catalogues() if c.name != "nanoparticles"]


def auto_analyzer(table: Table, data: Path) -> None:
    """The measured patterns of XRD-AutoAnalyzer with its own 56 candidates."""
    folder = data / "pd/xrd_autoanalyzer"
    candidates = open_catalogue(folder / "references")
    files = sorted(folder.glob("*.xy"))
    right, seconds = 0, []
    for n, file in enumerate(files):
        measurement = read(file, kind="powder")
        if n == 0:
            identify(measurement, catalogues=[candidates])  # the index, and compilation
        start = time.process_time()
        got = phases_in(identify(measurement, catalogues=[candidates]))
        seconds.append(time.process_time() - start)
        right += sorted(name for name, _, _ in got) == sorted(formula(part) for part in file.stem.split("+"))
    share = right / len(files)
    table.add(
        "XRD-AutoAnalyzer, all and no other", ">= 90 %", f"{right} of {len(files)}", "hours of training", met=share >= 0.9
    )
    worst = max(seconds)
    table.add("search of 56 candidates", "<= 2 s on 2 cores", f"{worst:.1f} CPU s at most", "dara 353 s", met=worst <= 4.0)


def weighed(table: Table, data: Path, *, quick: bool) -> None:
    """Weighed mixtures with chemistry given."""
    files = sorted((data / "pd/dara/precursor_mixture").glob("*.xrdml"))[: 2 if quick else None]
    hits = claims = truths = 0
    errors: list[float] = []
    for file in files:
        truth = {formula(name): float(f"0.{digits}") for name, digits in WEIGHED.findall(file.stem)}
        elements = {e for name in truth for e in element_counts(name)}
        known = {formula(name): groups for name, groups in AT_ROOM_TEMPERATURE.items()}
        found = phases_in(identify(read(file), catalogues=crystals(), elements=elements))
        true = [(name, share) for name, group, share in found if name in truth and group in known.get(name, (group,))]
        got: dict[str, float] = {}
        for name, share in true:
            got[name] = got.get(name, 0.0) + share
        hits += len(got)
        claims += len(found)
        truths += len(truth)
        total = sum(truth.values())
        errors += [abs(got.get(name, 0.0) - share / total) for name, share in truth.items()]
        others = [(name, group) for name, group, share in found if (name, share) not in true]
        print(file.stem, {k: (round(got.get(k, 0.0), 3), v) for k, v in truth.items()}, others, flush=True)
    f1 = 2 * hits / max(claims + truths, 1)
    size = sum(len(c.entries()) for c in crystals())
    table.add("weighed mixtures: F1", ">= 0.95", f"{f1:.3f}", note=f"{len(files)} scans, {size} entries", met=f1 >= 0.95)
    error = float(np.mean(errors))
    table.add("weighed mixtures: fractions", "<= 3 wt%", f"{error:.1%}", note="mean absolute error", met=error <= 0.03)


def minerals(table: Table, data: Path, *, quick: bool) -> None:
    """RRUFF minerals, nothing given."""
    with (data / "pd/rruff90/labels.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    rows = [r for r in rows if (data / f"pd/rruff90/{r['ID']}.xy").is_file()][: 3 if quick else None]
    have = {frozenset(e.elements) for c in crystals() for e in c.entries()}
    right = known = none = unknown = 0
    for row in rows:
        elements = frozenset(row["SYMBOL"].split())
        verdict = identify(read(data / f"pd/rruff90/{row['ID']}.xy", kind="powder"), catalogues=crystals())
        got = [frozenset(element_counts(p.formula)) for p in verdict.best.phases] if verdict.best else []
        if elements in have:
            known += 1
            right += bool(got) and elements in got
        else:
            unknown += 1
            none += verdict.is_none
    table.add("RRUFF minerals, elements of the first", "", f"{right} of {known}", note="nothing given; open catalogue")
    if unknown:
        table.add("RRUFF minerals of no known elements: none", "", f"{none} of {unknown}")


def large(table: Table, data: Path, sizes: Sequence[int]) -> None:
    """CPU time of searches of large catalogues of invented compounds, an XRD-AutoAnalyzer pattern as the question."""
    measurement = read(data / "pd/xrd_autoanalyzer/Mn2O3+LiF.xy", kind="powder")
    own = open_catalogue(data / "pd/xrd_autoanalyzer/references")
    for size, bar in zip(sizes, (20.0, 90.0), strict=False):
        with tempfile.TemporaryDirectory() as folder:
            make_collection(Path(folder), size, SEED)
            others = open_catalogue(Path(folder))
            start = time.process_time()
            identify(measurement, catalogues=[own, others])
            cold = time.process_time() - start
            start = time.process_time()
            verdict = identify(measurement, catalogues=[own, others])
            warm = time.process_time() - start
        right = sorted(p[:2] for p in phases_in(verdict)) == sorted([(formula("Mn2O3"), 206), (formula("LiF"), 225)])
        note = f"{'right' if right else 'wrong'} answer; with the index {cold:.0f} CPU s, {cold / size * 1e4:.0f} s for 10 000"
        table.add(
            f"search of {size} candidates", f"<= {bar:g} s on 2 cores", f"{warm:.1f} CPU s", note=note, met=warm <= 2 * bar
        )


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    table = Table("Identification of phases in powder patterns")
    data = find_data()
    if data is not None:
        auto_analyzer(table, data)
        weighed(table, data, quick=options.quick)
        minerals(table, data, quick=options.quick)
        large(table, data, () if options.quick else (2000, 20000))
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
