"""Identification of measured files against the whole catalogue: is the right prototype first, how probable, how long."""

from __future__ import annotations

import multiprocessing
import os
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from _harness import Table, arguments, find_data
from whorl.api import identify
from whorl.catalogues import builtin_catalogues, open_catalogue
from whorl.core.verdict import Candidate, Verdict
from whorl.formats import read
from whorl.tasks.refine import refine

MODES = {"header": "header as it is", "no composition": "composition removed", "elements": "elements given"}


@dataclass(frozen=True)
class Truth:
    """What a file is known to be: families that count as its prototype, its elements, and how it is known."""

    file: str
    families: tuple[str, ...]
    elements: str
    reason: str


#: share that must be first, and in the first three
BARS = {"header": (0.75, 0.90), "no composition": (0.75, 0.90), "elements": (0.90, 0.97)}
PEROVSKITES = ("orthorhombic perovskite", "rhombohedral perovskite")
ARSENIDE = ("ThCr2Si2", "orthorhombic ThCr2Si2")
DOTS = ("wurtzite", "zincblende")
STACKED = "quantum dots, wurtzite and zincblende mixed by stacking faults: either"
TRUTHS = (
    Truth("Ni_bulk", ("fcc",), "Ni", "calibrant, bulk nickel"),
    Truth("mix_Ni", ("fcc",), "Ni", "end member of a mixture study; the file has no header"),
    Truth("Ni_q27_neutron", ("fcc",), "Ni", "nickel, neutrons (NPDF)"),
    Truth("Ni_neutron_pdfgui", ("fcc",), "Ni", "nickel, neutrons (GPPD), example of PDFgui"),
    Truth("mix_Si", ("diamond",), "Si", "end member of a mixture study; the file has no header"),
    Truth("CdSe_bulk", ("wurtzite",), "Cd,Se", "bulk, wurtzite with stacking faults"),
    Truth("CdSe_bulk_pdfgui", ("wurtzite",), "Cd,Se", "bulk CdSe, example of PDFgui"),
    Truth("CdSe_3", DOTS, "Cd,Se", STACKED),
    Truth("CdSe_1", DOTS, "Cd,Se", STACKED),
    Truth("Pt_np_S1", ("fcc",), "Pt", "platinum nanoparticles; a sphere of fcc fits to Rw 0.125 (PDFfit2)"),
    *(
        Truth(f"SrFe2As2_Tseries/SrFe2As2_{kelvin}K", ARSENIDE, "Sr,Fe,As", "orthorhombic below about 200 K, tetragonal above")
        for kelvin in range(150, 247, 12)
    ),
    *(
        Truth(f"LaMnO3_Tseries/{kelvin}K", PEROVSKITES[:1], "La,Mn,O", "Jahn-Teller transition at about 735 K, still Pbnm")
        for kelvin in (300, 650, 720, 740, 800, 980)
    ),
    Truth("LaMnO3_Tseries/1100K", PEROVSKITES, "La,Mn,O", "near or above its change to R-3c: either"),
    *(
        Truth(f"LCMO_doping/{name}", PEROVSKITES[:1], elements, "neutrons, 10 K: Pbnm at every doping of the series")
        for name, elements in (("x000t010", "La,Mn,O"), *((f"x0{x}t010", "La,Ca,Mn,O") for x in (12, 20, 28)))
    ),
    *(
        Truth(f"Fe2O3_insitu/Fe2O3_{frame}", ("spinel",), "Fe,O", "late frame: spinel-type iron oxide nanoparticles")
        for frame in (110, 120, 130, 140, 150)
    ),
)
#: seconds of a whole identify; judged by CPU time, all threads together, as other work on the machine lengthens the wall clock
BAR_SECONDS = 5.0
QUICK = ("Ni_bulk", "CdSe_bulk")
GOLD = "Au144pMBA"
TIMED = (
    *("Ni_bulk", "mix_Si", "CdSe_bulk", "Pt_np_S1", "SrFe2As2_Tseries/SrFe2As2_150K"),
    *("LaMnO3_Tseries/300K", "LaMnO3_Tseries/1100K", "Fe2O3_insitu/Fe2O3_150"),
)


#: a structure file without a family, cut from zincblende: its Cd-Se distances are 1 and 1.915 bonds (5/3 in wurtzite)
PIECES = {"CdSe_cluster": "zincblende"}


@dataclass(frozen=True)
class Answer:
    """What one identification gave."""

    truth: Truth
    mode: str
    verdict: Verdict
    cpu: float
    wall: float

    @property
    def right(self) -> bool:
        """True when the first candidate is of the right prototype."""
        return self.among(1)

    def among(self, first: int) -> bool:
        """Whether one of the first candidates is of the right prototype."""
        return any((c.family or PIECES.get(c.name)) in self.truth.families for c in self.verdict.candidates[:first])


def ask(job: tuple[Truth, str, Path, bool]) -> Answer:
    """Identify one file in one mode (in a worker, one thread)."""
    truth, mode, data, whole = job
    measurement = read(data / "pdf" / "exp" / f"{truth.file}.gr")
    if mode != "header":
        measurement = replace(measurement, settings={k: v for k, v in measurement.settings.items() if k != "composition"})
    more: dict[str, Any] = {"catalogues": data / "pdf" / "structures"} if whole else {}
    if mode == "elements":
        more["elements"] = truth.elements
    cpu, wall = time.process_time(), time.perf_counter()
    verdict = identify(measurement, workspace=False, **more)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    slim = [c.model_copy(update={"structures": (), "curve": None}) for c in verdict.candidates]
    return Answer(truth, mode, verdict.model_copy(update={"candidates": slim}), cpu, wall)


def warm(data: Path) -> None:
    """Compile and read the caches in a worker, so that no identification pays for it."""
    ask((TRUTHS[0], "header", data, True))


def describe(best: Candidate) -> str:
    """Name, family, probability and Rw of a candidate."""
    return f"{best.name} [{best.family or 'no family'}] p {best.probability:.3f}, Rw {best.rw:.3f}"


def add_answer(table: Table, answer: Answer) -> None:
    """Add the row of one file in one mode."""
    best, none = answer.verdict.best, answer.verdict.none_probability or 0.0
    elements = set(answer.truth.elements.split(","))
    chemistry = "" if best is None or _elements(best) == elements else f"; chemistry {best.formula}"
    table.add(
        f"{answer.truth.file}, {MODES[answer.mode]}",
        " or ".join(answer.truth.families),
        (describe(best) if best else "nothing") + (" right" if answer.right else " WRONG"),
        note=f"p(none) {none:.3f}; {answer.cpu:.1f} CPU s{chemistry}; {answer.truth.reason}",
    )


def _elements(candidate: Candidate) -> set[str]:
    return set(re.findall(r"[A-Z][a-z]?", candidate.formula))


def add_gold(table: Table, data: Path) -> None:
    """Add Au144(p-MBA): the motif with the composition removed, so that the bond length is not known."""
    measurement = read(data / "pdf" / "exp" / f"{GOLD}.gr")
    measurement = replace(measurement, settings={k: v for k, v in measurement.settings.items() if k != "composition"})
    verdict = identify(measurement, top=12, workspace=False)
    best = verdict.best
    if best is None:
        table.add("Au144(p-MBA), bond length unknown", "decahedron", "nothing", met=False)
        return
    icosahedra = [c for c in verdict.candidates if c.family == "icosahedron"]
    how = "among the candidates"
    if not icosahedra:
        how = "refined for this row; none was among the candidates"
        catalogue = next(c for c in builtin_catalogues() if c.name == "nanoparticles")
        keys = [e.key for e in catalogue.entries(family="icosahedron") if 40 <= e.atoms <= 400]
        icosahedra = [refine(measurement, [catalogue.load(key)]).candidates[0] for key in keys]
    other = min(icosahedra, key=lambda c: c.rw)
    families: dict[str, float] = {}
    for c in verdict.candidates:
        families[c.family] = families.get(c.family, 0.0) + c.probability
    shares = ", ".join(f"{name} {p:.3f}" for name, p in sorted(families.items(), key=lambda pair: -pair[1])[:4])
    met = best.family == "decahedron" and best.rw < other.rw - 0.05
    table.add(
        "Au144(p-MBA), bond length unknown",
        "decahedron, clearly ahead of icosahedron",
        f"{describe(best)}, evidence {best.evidence:.1f}",
        note=f"best icosahedron {other.name}: Rw {other.rw:.3f} ({how}); by family: {shares}; "
        f"p(none) {verdict.none_probability or 0:.3f}",
        met=met,
    )


def add_times(table: Table, data: Path) -> None:
    """Add what a whole identify costs in this process alone, caches warm, two threads."""
    chosen = [(truth, "header", data, True) for truth in TRUTHS if truth.file in TIMED]
    answers = [ask(job) for job in chosen]
    for answer in answers:
        table.add(
            f"time of identify, {answer.truth.file}",
            "<= 5 s on 2 cores",
            f"{answer.cpu:.1f} CPU s, {answer.wall:.1f} s wall",
            met=answer.cpu <= BAR_SECONDS,
        )


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    data = find_data()
    if data is None:
        return 0
    sizes = [len(c.entries()) for c in builtin_catalogues()]
    if not options.quick:
        sizes.append(len(open_catalogue(data / "pdf" / "structures").entries()))
    table = Table(f"Identification of measured PDFs against {sum(sizes)} structures")
    truths = [t for t in TRUTHS if t.file in QUICK] if options.quick else list(TRUTHS)
    modes = ["header"] if options.quick else list(MODES)
    jobs = [(truth, mode, data, not options.quick) for truth in truths for mode in modes]
    if options.quick:
        answers = [ask(job) for job in jobs]
    else:
        warm(data)
        with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count() or 1), warm, (data,)) as pool:
            answers = pool.map(ask, jobs, chunksize=1)
    for answer in answers:
        add_answer(table, answer)
    for mode in modes:
        chosen = [a for a in answers if a.mode == mode]
        right = sum(a.right for a in chosen)
        doubtful = sum((a.verdict.none_probability or 0) > 0.5 for a in chosen)
        first, three = BARS[mode]
        table.add(
            f"right prototype first, {MODES[mode]}",
            f">= {100 * first:.0f} %",
            f"{right} of {len(chosen)}",
            note=f"none of these at p > 0.5: {doubtful}; CPU s per file: median {median(a.cpu for a in chosen):.1f}, "
            f"largest {max(a.cpu for a in chosen):.1f}",
            met=right >= first * len(chosen),
        )
        near = sum(a.among(3) for a in chosen)
        table.add(
            f"right prototype in the first three, {MODES[mode]}",
            f">= {100 * three:.0f} %",
            f"{near} of {len(chosen)}",
            met=near >= three * len(chosen),
        )
    if not options.quick:
        add_gold(table, data)
        add_times(table, data)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
