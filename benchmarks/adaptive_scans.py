"""Adaptive powder scans: recorded scans replayed as if measured step by step, until the planner says that all is settled.

Each replay starts with a fast pass over the whole range; identification and planning then take turns (`whorl.lab`). Counts are
shares of those recorded, drawn without putting back. Counted: whether the last answer is that of the full scan, phase by phase
(formula and space group of each phase of the first candidate, or of one that the data cannot tell from it; or *none*), and
which part of its counting time was used. The control stops by the same rule, but counts the whole range each time, for twice
as long in all as before. Scans as recorded, and with a tenth of their counts, as of a weaker source or a shorter scan; the
elements of the sample are given, as on the label of the jar. XRD-AutoAnalyzer's patterns are searched among the 56 structures
of their set. Simulated scans are mixtures of built-in compounds with background and counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from _harness import Table, arguments, find_data
from whorl.catalogues import Catalogue, builtin_catalogues, open_catalogue
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement
from whorl.core.verdict import Verdict
from whorl.formats import read
from whorl.lab import Range, Record, ScanReplay, adapt, suggest_measurement
from whorl.lab.passes import merged
from whorl.tasks.identify import identify
from whorl.tasks.simulate import simulate

SEED = 20261122
WEIGHED = re.compile(r"([A-Z][A-Za-z0-9()]*)_0p\d+")
ELEMENT = re.compile(r"[A-Z][a-z]?")
#: seconds of a point of the full scans, by which only fractions are measured; part of it in the first pass
SECONDS, FIRST = 100.0, 0.04
#: pairs of built-in compounds, the second the minor one, and the height of the strongest line in counts
MIXTURES = (
    (("TiO2 (anatase)", "TiO2 (rutile)"), 0.85, 400),
    (("Fe2O3 (hematite)", "Fe3O4 (magnetite)"), 0.8, 300),
    (("CaCO3 (calcite)", "CaCO3 (aragonite)"), 0.8, 500),
    (("NiO (rock salt)", "ZnO (wurtzite)"), 0.9, 300),
    (("Al2O3 (corundum)",), 1.0, 200),
    (("CeO2 (fluorite)", "ZrO2 (baddeleyite)"), 0.8, 400),
)


@dataclass(frozen=True)
class Case:
    """A full scan, and how it is identified."""

    name: str
    scan: Measurement
    catalogues: Sequence[Catalogue]
    elements: Collection[str] | None

    def identify(self, measurement: Measurement, also: Sequence[str] = ()) -> Verdict:
        """The verdict on a measurement of the sample."""
        return identify(measurement, catalogues=self.catalogues, elements=self.elements, also=also)


Answer = frozenset[tuple[str, int]]


def answers(verdict: Verdict) -> list[Answer]:
    """Phases of the first candidate and of those that the data cannot tell from it; an empty set where none is the answer."""
    if verdict.best is None or verdict.is_none:
        return [frozenset()]
    same = [c for c in verdict.candidates if c.group == verdict.best.group]
    return [frozenset((s.formula, s.space_group_number or 0) for s in c.structures if isinstance(s, Crystal)) for c in same]


def agree(found: Verdict, truth: Verdict) -> bool:
    """Whether the first answer of one is among those of the other that cannot be told apart."""
    mine, theirs = answers(found), answers(truth)
    return mine[0] in theirs or theirs[0] in mine


def measured(data: Path, *, quick: bool) -> Iterator[Case]:
    """The weighed mixtures, the shorter scan of each, and XRD-AutoAnalyzer's patterns."""
    crystals = [c for c in builtin_catalogues() if c.name != "nanoparticles"]
    for file in sorted((data / "pd/dara/precursor_mixture").glob("*--2min.xrdml"))[: 2 if quick else None]:
        elements = {e for name in WEIGHED.findall(file.stem) for e in ELEMENT.findall(name)}
        yield Case(file.stem, read(file), crystals, elements)
    folder = data / "pd/xrd_autoanalyzer"
    own = open_catalogue(folder / "references")
    for file in sorted(folder.glob("*.xy"))[: 1 if quick else None]:
        yield Case(file.stem, read(file, kind="powder"), [own], None)


def simulated(rng: np.random.Generator, *, quick: bool) -> Iterator[Case]:
    """Mixtures of built-in compounds: patterns, a falling background, counts."""
    crystals = [c for c in builtin_catalogues() if c.name != "nanoparticles"]
    by_name = {e.name: (c, e) for c in crystals for e in c.entries()}
    x = np.arange(15.0, 90.0, 0.02)
    for names, share, height in MIXTURES[: 1 if quick else None]:
        chosen = [by_name[n] for n in names if n in by_name]
        if len(chosen) < len(names):
            print(f"{' + '.join(names)}: not among the built-in compounds", flush=True)
            continue
        settings = {"wavelength": "Cu", "size": float(rng.uniform(250, 900))}
        parts = [simulate(c.load(e.key), technique="pd", settings=settings, x=x).signal for c, e in chosen]
        shares = [share, 1 - share] if len(parts) > 1 else [1.0]
        pattern = sum(w * p / p.max() for w, p in zip(shares, parts, strict=True))
        rates = height * (pattern / pattern.max() + 0.08 + 0.1 * np.exp(-(x - 15) / 20))
        scan = Measurement("powder", x, rng.poisson(rates).astype(float), settings={"wavelength": 1.540593, "source": "lab"})
        yield Case(" + ".join(names), scan, crystals, {el for _, e in chosen for el in e.elements})


def dimmed(case: Case, factor: float, rng: np.random.Generator) -> Case:
    """The scan as of a source that is weaker by a factor."""
    counts = np.round(case.scan.signal).astype(np.int64)
    if factor > 1:
        counts = rng.binomial(counts, 1 / factor)
    settings = {**case.scan.settings, "intensity": "counts", "counting_time": SECONDS}
    return replace(case, scan=replace(case.scan, signal=counts.astype(float), sigma=None, settings=settings))


@dataclass(frozen=True)
class Replayed:
    """How a replay went, and how the control went: the same answer, and the part of the time used."""

    same: bool
    part: float
    turns: int
    control: bool
    control_part: float


def evenly(case: Case, instrument: ScanReplay) -> tuple[Verdict, float]:
    """The control: the whole range again and again, the time in all doubled each time, until the same rule says stop."""
    record = Record(instrument.step, instrument.settings)
    known: tuple[str, ...] = ()
    total = FIRST
    added = FIRST
    while True:
        record.add(instrument.measure([Range(*instrument.limits, instrument.step, added * SECONDS)]))
        measurement = record.measurement()
        verdict = case.identify(measurement, known)
        known = tuple(dict.fromkeys([*known, *(key for c in verdict.candidates[:2] for key in c.entries)]))
        left = instrument.full_seconds - record.total_seconds
        if left <= 0.0 or suggest_measurement(measurement, verdict, seconds=record.arrays()[2], budget=left).stop:
            return verdict, record.total_seconds / instrument.full_seconds
        added = min(total, 1.0 - total)
        total += added


def replayed(case: Case, seed: int) -> Replayed:
    """Replay a scan, adaptively and evenly."""
    full = ScanReplay(case.scan, seed=seed)
    whole = Range(*full.limits, full.step, SECONDS)
    truth = case.identify(merged([full.measure([whole])], full.step, full.settings))
    instrument = ScanReplay(case.scan, seed=seed)
    trail = adapt(instrument, case.identify, seconds=FIRST * SECONDS, budget=instrument.full_seconds)
    part = trail.counting / instrument.full_seconds
    plain, time = evenly(case, ScanReplay(case.scan, seed=seed + 1))
    out = Replayed(agree(trail.verdict, truth), part, len(trail.steps), agree(plain, truth), time)
    print(
        f"{case.name}: {part:.3f} of the time in {out.turns} turns, {'same' if out.same else 'other'}"
        f" {sorted(answers(trail.verdict)[0])} for {sorted(answers(truth)[0])}; evenly {time:.3f},"
        f" {'same' if out.control else f'other {sorted(answers(plain)[0])}'} | {trail.steps[-1].plan.reason}",
        flush=True,
    )
    return out


def report(table: Table, what: str, found: Sequence[Replayed], *, barred: bool) -> None:
    """Add the rows of a group of replays."""
    if not found:
        return
    good = float(np.mean([r.same and r.part <= 0.4 for r in found]))
    control = float(np.mean([r.control and r.control_part <= 0.4 for r in found]))
    parts, others = [r.part for r in found], [r.control_part for r in found]
    note = (
        f"{len(found)} replays; same answer {np.mean([r.same for r in found]):.0%}, time used: median {np.median(parts):.0%}, "
        f"mean {np.mean(parts):.0%}, at most {max(parts):.0%}; {np.mean([r.turns for r in found]):.1f} turns; whole range each "
        f"time with the same rule to stop: {control:.0%}, same answer {np.mean([r.control for r in found]):.0%}, median "
        f"{np.median(others):.0%}, mean {np.mean(others):.0%}, at most {max(others):.0%}"
    )
    met = good >= 0.9 if barred else None
    table.add(f"{what}: same answer in <= 40 % of the time", ">= 90 % of replays", f"{good:.0%}", note=note, met=met)


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    table = Table("Adaptive powder scans, replayed")
    rng = np.random.default_rng(SEED)
    data = find_data()
    every: list[Replayed] = []
    if data is not None:
        cases = list(measured(data, quick=options.quick))
        for factor, name in ((1.0, "as recorded"), (10.0, "a tenth of the counts")):
            if options.quick and factor > 1:
                break
            found = [replayed(dimmed(case, factor, rng), SEED + n) for n, case in enumerate(cases)]
            report(table, f"measured scans, {name}", found, barred=True)
            every += found
    found = [replayed(dimmed(case, 1.0, rng), SEED + n) for n, case in enumerate(simulated(rng, quick=options.quick))]
    report(table, "simulated mixtures", found, barred=False)
    report(table, "all", [*every, *found], barred=True)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
