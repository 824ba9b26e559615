"""None of these: the same simulated experiments, with the truth in the catalogues and with its whole family taken out.

Families (prototypes of crystals, shapes of clusters) are drawn uniformly, then an entry of the family, then an experiment
from the technique's nuisances; half of the crystals are particles of 2 to 50 nm. Each is searched twice: with every
catalogue, and without the true family (leave-one-family-out for clusters, leave-one-prototype-out for crystals). "None" is
said when its probability exceeds one half. Where the best substitute fits as well as the truth does (Rw at most 1.25 times as
large), it is physically the same answer and there is nothing in the data to say none from (germanium for silicon, one cut of
a lattice for another): the bar is judged on the other cases, and the figure with all cases stands beside it. A third figure
takes the cases whose substitute is wrong by more than the right model of a measured file commonly is: below that, nobody can
say none without saying it of true answers too.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

from _finder import (
    Job,
    Row,
    add_errors,
    add_seconds,
    ask,
    catalogue_size,
    finder_arguments,
    proposals,
    run_cases,
    share,
    to_row,
)
from _harness import Table
from _simulated import TRUE_DIAMETERS, band_noise, draw_instrument, ligand_peaks, simulate_cluster
from finder_crystals import draw, experiment
from whorl.catalogues import Catalogue, Entry, builtin_catalogues
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement

SEED = 20261024
AS_GOOD = 1.25
DISCREPANCY = 0.05
SMALLEST, LARGEST = 13, 400  # atoms of a cluster


@cache
def families() -> dict[tuple[str, str], list[tuple[Catalogue, Entry]]]:
    """Entries by kind and family."""
    found: dict[tuple[str, str], list[tuple[Catalogue, Entry]]] = {}
    for catalogue in builtin_catalogues():
        for entry in catalogue.entries():
            if not entry.alias_of and (entry.kind == "crystal" or SMALLEST <= entry.atoms <= LARGEST):
                found.setdefault((entry.kind, entry.family), []).append((catalogue, entry))
    return found


def jobs_of(cases: int, seed: int) -> list[Job]:
    """Every second case a cluster; families drawn uniformly within each kind."""
    kinds = {kind: sorted(f for f in families() if f[0] == kind) for kind in ("crystal", "cluster")}
    jobs = []
    for number in range(cases):
        rng = np.random.default_rng([seed, 0, number])
        names = kinds["cluster" if number % 2 else "crystal"]
        kind, family = names[int(rng.integers(len(names)))]
        catalogue, entry = families()[kind, family][int(rng.integers(len(families()[kind, family])))]
        for mode in ("in", "out"):
            job = {"kind": kind, "family": family, "entry": f"{catalogue.name}/{entry.key}", "case": number, "seed": seed}
            jobs.append({"key": f"{number} {job['entry']} {mode}", "mode": mode, **job})
    return jobs


def entry_of(job: Job) -> tuple[Catalogue, Entry]:
    """Catalogue and row of a case."""
    return next((c, e) for c, e in families()[job["kind"], job["family"]] if f"{c.name}/{e.key}" == job["entry"])


def measure(job: Job) -> Measurement:
    """Simulate the measurement of a case."""
    catalogue, entry = entry_of(job)
    structure = catalogue.load(entry.key)
    rng = np.random.default_rng([job["seed"], 1, job["case"]])
    if isinstance(structure, Crystal):
        drawn = draw(structure, rng)
        if rng.random() < 0.5:
            drawn.pop("diameter")
            drawn.pop("size_spread", None)
        return experiment(structure, drawn, rng)
    metal = str(rng.choice(sorted(TRUE_DIAMETERS)))
    bond = TRUE_DIAMETERS[metal] * float(np.exp(rng.normal(0, 0.01)))
    positions = structure.positions * (bond if structure.bond_free else 1.0)
    symbols = [metal if s == "X" else s for s in structure.symbols]
    drawn = draw_instrument(rng)
    r, g = simulate_cluster(positions, symbols, drawn)
    level = float(np.exp(rng.uniform(np.log(0.01), np.log(0.2)))) * float(np.sqrt(np.mean(g[(r > 1.5) & (r < 20)] ** 2)))
    g = g + band_noise(g, drawn["qmax"], level, rng)
    if rng.random() < 0.5:
        g = g + ligand_peaks(g, rng, (0.02, 0.15))
    return Measurement("gr", r[1:], g[1:] / g.max(), settings={"radiation": "x-ray", "qmax": drawn["qmax"]})


def answer(job: Job) -> Row:
    """Simulate and identify one case, with or without its family."""
    measurement = measure(job)
    true = (job["kind"], job["family"])

    def keep(suggestion: Any) -> bool:
        return job["mode"] == "in" or (suggestion.kind, suggestion.family) != true

    with proposals(keep):
        verdict, cpu, wall = ask(measurement)
    row = to_row(
        verdict,
        (cpu, wall),
        right=lambda c: c.family == job["family"] and len(c.structures) == 1,
        answer=lambda c: c.family or c.name,
        members=[e.name for _, e in families()[true]],
        group=job["kind"],
        truth_in=job["mode"] == "in",
    )
    return row | {"mode": job["mode"], "family": job["family"], "case": job["case"]}


def main() -> int:
    """Fill the table."""
    options = finder_arguments(__doc__, cases=400, quick=2, seed=SEED)
    jobs = jobs_of(options.cases, options.seed)
    rows = run_cases("finder_none", jobs, answer, options)
    table = Table(f"None of these: families left out of {catalogue_size()} structures")
    sound = [row for row in rows if "error" not in row and row["candidates"]]
    kept = {row["case"]: row for row in sound if row["mode"] == "in"}
    out = [row for row in sound if row["mode"] == "out"]
    drawn = len({(job["kind"], job["family"]) for job in jobs})
    note = f"seed {options.seed}; {drawn} families of {len(families())}"
    for kind in ("", "crystal", "cluster"):
        inside = [row for row in kept.values() if kind in {"", row["group"]}]
        outside = [row for row in out if kind in {"", row["group"]}]
        of = f" ({kind}s)" if kind else ""
        judged = not kind
        false = share(sum(row["none"] > 0.5 for row in inside), len(inside))
        met = false.value <= 0.05 if judged else None
        table.add(f"none falsely said, truth in{of}", "<= 5 %" if judged else "", false.text, note=note, met=met)
        worse = [row for row in outside if not _as_good(row, kept.get(row["case"]))]
        said = share(sum(row["none"] > 0.5 for row in worse), len(worse))
        met = said.value >= 0.9 if judged and worse else None
        what = f"none said, family out, no substitute as good as the truth{of}"
        table.add(what, ">= 90 %" if judged else "", said.text, note=note, met=met)
        apart = [row for row in worse if _apart(row, kept.get(row["case"])) > DISCREPANCY]
        seen = share(sum(row["none"] > 0.5 for row in apart), len(apart))
        where = f"sqrt(Rw^2 - Rw(truth)^2) above {DISCREPANCY}, what the right structure leaves on half of the measured files"
        table.add(f"none said, family out, substitute wrong by more than models are{of}", "", seen.text, note=where)
        every = share(sum(row["none"] > 0.5 for row in outside), len(outside))
        where = f"{len(outside) - len(worse)} of {len(outside)} substitutes fit as well (Rw up to {AS_GOOD} times the truth's)"
        table.add(f"none said, family out, all cases{of}", "", every.text, note=where)
    inside = list(kept.values())
    table.add("right family first, truth in", "", share(sum(row["right"] for row in inside), len(inside)).text)
    add_seconds(table, "with and without", rows, bar=None)
    add_errors(table, rows)
    if options.failures:
        _list(kept, out, options.failures)
    return table.finish(options)


def _as_good(row: Row, truth: Row | None) -> bool:
    """Tell whether the best substitute fits as well as the best with the truth in the catalogue."""
    return truth is not None and row["candidates"][0]["rw"] <= AS_GOOD * truth["candidates"][0]["rw"]


def _apart(row: Row, truth: Row | None) -> float:
    """How much worse the best substitute is than the truth, as an Rw."""
    better = truth["candidates"][0]["rw"] if truth is not None else 0.0
    return float(np.sqrt(max(row["candidates"][0]["rw"] ** 2 - better**2, 0.0)))


def _list(kept: dict[int, Row], out: list[Row], limit: int) -> None:
    """Print what went wrong: none falsely said, and none not said."""
    wrong = [row for row in kept.values() if row["none"] > 0.5] + [row for row in out if row["none"] <= 0.5]
    for row in wrong[:limit]:
        best, truth = row["candidates"][0], kept.get(row["case"])
        beside = f", with the truth in Rw {truth['candidates'][0]['rw']:.3f}" if truth and row["mode"] == "out" else ""
        mark = "; as good as the truth" if row["mode"] == "out" and _as_good(row, truth) else ""
        print(
            f"- case {row['case']} {row['mode']}, {row['family']}: none {row['none']:.2f}, best {best['name']} "
            f"[{best['family']}] p {best['p']:.2f} Rw {best['rw']:.3f}{beside}{mark}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    raise SystemExit(main())
