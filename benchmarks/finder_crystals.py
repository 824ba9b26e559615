"""Crystals: every built-in compound simulated as an experiment gives it; is its prototype, and is the compound, found.

Experiments are drawn from the technique's declared nuisances (Q window, resolution, noise, a wrong background, ligand peaks,
strain) for crystallites of 2 to 50 nm, log-uniform, half of them with a spread of sizes; three in four with X-rays, one in
four with neutrons. The header states the radiation and the Q window. Each case is asked with the elements given and without.
A prototype is right when the family of the candidate is that of the truth; a compound when its entry is, or when one of the
same prototype has the same composition.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from _finder import (
    Job,
    Row,
    add_errors,
    add_seconds,
    add_share,
    ask,
    catalogue_size,
    finder_arguments,
    list_failures,
    look_into,
    run_cases,
    share,
    to_row,
)
from _harness import Table
from whorl.catalogues import Catalogue, Entry, builtin_catalogues
from whorl.core.hypothesis import Crystal, element_counts
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate
from whorl.physics.form_factors import is_tabulated
from whorl.techniques.pdf.nuisances import NUISANCES
from whorl.techniques.pdf.simulate import simulate

SEED = 20261017
MODES = {"given": "elements given", "open": "elements not given"}
SIZES = (20.0, 500.0)  # angstrom


@cache
def compounds() -> list[tuple[Catalogue, Entry]]:
    """Entries of the built-in catalogues of crystals, in a fixed order."""
    found = [(c, e) for c in builtin_catalogues() for e in c.entries() if e.kind == "crystal" and not e.alias_of]
    return sorted(found, key=lambda pair: (pair[0].name, pair[1].key))


def entry_of(job: Job) -> tuple[Catalogue, Entry]:
    """Catalogue and row of a case."""
    return next((c, e) for c, e in compounds() if f"{c.name}/{e.key}" == job["entry"])


def jobs_of(cases: int, seed: int) -> list[Job]:
    """Every entry in turn, in a random order, each time another experiment; each asked in every mode."""
    known = [f"{c.name}/{e.key}" for c, e in compounds()]
    order = np.random.default_rng([seed, 0]).permutation(len(known))
    jobs = []
    for mode in MODES:
        for number in range(cases):
            entry = known[int(order[number % len(known)])]
            jobs.append({"key": f"{number} {entry} {mode}", "entry": entry, "case": number, "mode": mode, "seed": seed})
    return jobs


def draw(structure: Crystal, rng: np.random.Generator) -> dict[str, Any]:
    """Draw an experiment on a powder of crystallites: the technique's nuisances, the size, the radiation."""
    drawn = NUISANCES.draw(rng)
    drawn["diameter"] = float(np.exp(rng.uniform(*np.log(SIZES))))
    spread, neutron = float(rng.uniform(0.1, 0.4)), float(rng.random())
    if rng.random() < 0.5:
        drawn["size_spread"] = spread
    seen = all(is_tabulated(symbol, "neutron") for symbol in structure.elements)
    drawn["radiation"] = "neutron" if neutron < 0.25 and seen else "x-ray"
    return drawn


def experiment(structure: Crystal, drawn: dict[str, Any], rng: np.random.Generator) -> Measurement:
    """Simulate a structure under a drawn experiment, with its errors and its header."""
    names = ("qmin", "qmax", "qdamp", "qbroad", "u_iso", "delta2", "zoom", "diameter", "size_spread", "radiation")
    clean = simulate(structure, settings={k: drawn[k] for k in names if k in drawn})
    signal = NUISANCES.corrupt(clean.x, clean.signal, drawn, rng)
    stated = {k: v for k, v in clean.settings.items() if k in {"qmin", "qmax", "radiation"}}
    return Measurement("gr", clean.x, signal, settings=stated)


def measure(job: Job) -> tuple[Measurement, Entry, dict[str, Any]]:
    """Simulate the measurement of a case; also its row and what was drawn."""
    catalogue, entry = entry_of(job)
    structure = catalogue.load(entry.key)
    assert isinstance(structure, Crystal)
    rng = np.random.default_rng([job["seed"], 1, job["case"]])
    drawn = draw(structure, rng)
    return experiment(structure, drawn, rng), entry, drawn


def composition(formula: str) -> dict[str, float]:
    """Atomic fractions; empty when the text is no formula."""
    try:
        counts = element_counts(formula)
    except ValueError:
        return {}
    total = sum(counts.values())
    return {k: round(v / total, 3) for k, v in counts.items()}


def same_compound(formula: str, family: str, entry: Entry) -> bool:
    """Tell whether a formula and a family are those of a row."""
    return family == entry.family and composition(formula) == composition(entry.formula)


def is_prototype(candidate: Candidate, entry: Entry) -> bool:
    """Tell whether a candidate is one crystal of the row's prototype."""
    return len(candidate.structures) == 1 and candidate.family == entry.family


def is_compound(candidate: Candidate, entry: Entry) -> bool:
    """Tell whether a candidate is the row's compound."""
    return len(candidate.structures) == 1 and same_compound(candidate.formula, candidate.family, entry)


def given_of(job: Job, entry: Entry) -> dict[str, Any]:
    """Give what the user says beside the file."""
    return {"elements": sorted(entry.elements)} if job["mode"] == "given" else {}


def answer(job: Job) -> Row:
    """Simulate and identify one case."""
    measurement, entry, drawn = measure(job)
    verdict, cpu, wall = ask(measurement, **given_of(job, entry))
    row = to_row(
        verdict,
        (cpu, wall),
        right=lambda c: is_prototype(c, entry),
        answer=lambda c: c.family or c.name,
        members=[e.name for _, e in compounds() if e.family == entry.family],
        group=entry.family,
    )
    compound = [is_compound(c, entry) for c in verdict.candidates]
    more = {"compound": compound[:1] == [True], "compound3": any(compound[:3]), "compounds": compound}
    return row | more | {"mode": job["mode"], "radiation": drawn["radiation"], "diameter": round(drawn["diameter"], 1)}


def look(job: Job, _row: Row) -> str:
    """Say why a case went wrong."""
    measurement, entry, drawn = measure(job)
    keys = [f"{c.name}/{e.key}" for c, e in compounds() if e.family == entry.family]
    if job["mode"] == "given":
        keys = [job["entry"]]
    text = ", ".join(f"{k} {v:.3g}" if isinstance(v, float) else f"{k} {v}" for k, v in drawn.items())
    return f"{entry.family}, {entry.formula}: {look_into(measurement, keys, **given_of(job, entry))}; {text}"


def main() -> int:
    """Fill the table."""
    options = finder_arguments(__doc__, cases=len(compounds()), quick=4, seed=SEED)
    jobs = jobs_of(options.cases, options.seed)
    rows = run_cases("finder_crystals", jobs, answer, options)
    families = len({e.family for _, e in compounds()})
    table = Table(f"Crystals: {len(compounds())} compounds of {families} prototypes among {catalogue_size()} structures")
    asked = len({j["entry"] for j in jobs})
    note = f"seed {options.seed}; {asked} compounds; sizes 2-50 nm; X-rays three in four, neutrons one"
    for mode, text in MODES.items():
        chosen = [row for row in rows if row["mode"] == mode]
        for field, what, bar in (
            ("right", "prototype first", 0.95),
            ("top3", "prototype in the first three", 0.99),
            ("compound", "compound first", None),
            ("compound3", "compound in the first three", 0.90 if mode == "given" else None),
        ):
            add_share(table, f"{what}, {text}", chosen, field, bar, note=note)
        add_seconds(table, text, chosen, bar=None)
        doubt = share(sum(row["none"] > 0.5 for row in chosen), len(chosen))
        table.add(f"none of these though the truth is in, {text}", "", doubt.text)
        for radiation in ("x-ray", "neutron"):
            part = [row for row in chosen if row.get("radiation") == radiation]
            add_share(table, f"of them {radiation}: prototype first, {text}", part, "right", None)
        for low, high in ((20, 50), (50, 150), (150, 500)):
            part = [row for row in chosen if low <= row.get("diameter", 0) < high]
            add_share(table, f"of them {low / 10:g}-{high / 10:g} nm: prototype first, {text}", part, "right", None)
    add_errors(table, rows)
    if options.failures:
        list_failures(rows, jobs, look, options.failures)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
