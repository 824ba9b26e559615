"""Metal clusters on the published protocol of MetalFinder: is the right shape first, with the instrument unknown.

The 3743 published structures (197 shapes of seven families to 200 atoms, 19 bond lengths), made by ASE and simulated by a
Debye sum apart from whorl; structures drawn uniformly; Qmin 0-2, Qmax 12-25, Qdamp 0.01-0.04 (1/angstrom), B 0.1-1 angstrom^2,
delta2 2 angstrom^2. whorl is given r and G(r) and no header. The peer is given Qmin, Qmax and Qdamp, and was trained on the
very structures. Modes: the published lengths with no element given (as the peer is asked), true bond lengths with a spread of
1 % and the element given, and the same with noise or with ligand peaks that no model holds. An answer is right when its
pair distances are those of the truth up to scale: its G(r) is then the same curve.
"""

from __future__ import annotations

from collections import Counter
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
from _simulated import (
    PUBLISHED_DIAMETERS,
    TRUE_DIAMETERS,
    R,
    band_noise,
    build,
    distance_list,
    draw_instrument,
    ligand_peaks,
    published_shapes,
    same_shape,
    simulate_cluster,
)
from whorl.catalogues import builtin_catalogues
from whorl.core.hypothesis import Cluster
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate

SEED = 20261003
MODES = {
    "published": "published lengths, element not given",
    "given": "true bond lengths, element given",
    "open": "true bond lengths, element not given",
    "noise": "element given, noise of 5 % of the root mean square of G(r)",
    "strong noise": "element given, noise of 5 % of the highest peak",
    "ligands": "element given, unmodelled ligand peaks",
}
#: part of the cases that a mode is run on
PARTS = {"open": 4, "noise": 4, "strong noise": 4, "ligands": 4}
#: modes that the bars are for
JUDGED = ("published", "given")
PEER = {"right": "MetalFinder 83.9 %", "top3": "MetalFinder 95.95 %"}


def jobs_of(cases: int, seed: int) -> list[Job]:
    """Draw the cases, and ask each in every mode (some modes a part of the cases)."""
    shapes = published_shapes()
    lengths: dict[float, str] = {}
    for metal, diameter in PUBLISHED_DIAMETERS.items():
        lengths.setdefault(diameter, metal)
    metals = sorted(lengths.values())
    assert len(shapes) * len(metals) == 3743, "not the published set"
    jobs = []
    for mode in MODES:
        for number in range(cases // PARTS.get(mode, 1)):
            rng = np.random.default_rng([seed, number])
            shape = shapes[int(rng.integers(len(shapes)))]
            metal = str(rng.choice(metals))
            job = {"family": shape.family, "numbers": list(shape.numbers), "metal": metal, "mode": mode, "case": number}
            jobs.append({"key": f"{number} {shape.name} {metal} {mode}", "seed": seed, **job})
    return jobs


def positions_of(job: Job, rng: np.random.Generator) -> np.ndarray:
    """Positions of the atoms, angstrom."""
    if job["mode"] == "published":
        return build(job["family"], job["numbers"], PUBLISHED_DIAMETERS[job["metal"]])
    from scipy.spatial.distance import pdist

    positions = build(job["family"], job["numbers"])
    bond = TRUE_DIAMETERS[job["metal"]] * float(np.exp(rng.normal(0, 0.01)))
    return positions * bond / float(pdist(positions).min())


def measure(job: Job) -> tuple[Measurement, np.ndarray]:
    """Simulate the measurement of a case; also the positions."""
    drawn = draw_instrument(np.random.default_rng([job["seed"], job["case"], 1]))
    rng = np.random.default_rng([job["seed"], job["case"], 2])
    positions = positions_of(job, rng)
    r, g = simulate_cluster(positions, [job["metal"]] * len(positions), drawn)
    level = {"noise": float(np.sqrt(np.mean(g[r > 1.5] ** 2))), "strong noise": float(g.max())}.get(job["mode"])
    if level:
        g = g + band_noise(g, drawn["qmax"], 0.05 * level, rng)
    if job["mode"] == "ligands":
        g = g + ligand_peaks(g, rng)
    return Measurement("gr", r[1:], g[1:] / g.max()), positions


@cache
def clusters_of_size(atoms: int) -> list[tuple[str, str, np.ndarray]]:
    """Name, key and distance list of the built-in clusters of so many atoms."""
    found = []
    for catalogue in builtin_catalogues():
        for entry in catalogue.entries():
            if entry.kind == "cluster" and entry.atoms == atoms:
                structure = catalogue.load(entry.key)
                found.append((entry.name, f"{catalogue.name}/{entry.key}", distance_list(structure.positions)))
    return found


def equal_entries(positions: np.ndarray) -> list[tuple[str, str]]:
    """Name and key of the catalogue's entries that have the distances of these atoms."""
    lengths = distance_list(positions)
    return [(n, k) for n, k, other in clusters_of_size(len(positions)) if np.max(np.abs(other - lengths)) < 2e-3]


def is_right(candidate: Candidate, positions: np.ndarray) -> bool:
    """Tell whether a candidate is the cluster itself."""
    found = candidate.structures[0] if len(candidate.structures) == 1 else None
    return isinstance(found, Cluster) and same_shape(found.positions, positions)


def given_of(job: Job) -> dict[str, Any]:
    """Give what the user says beside the file."""
    return {} if job["mode"] in {"published", "open"} else {"elements": [job["metal"]]}


def answer(job: Job) -> Row:
    """Simulate and identify one case."""
    measurement, positions = measure(job)
    verdict, cpu, wall = ask(measurement, **given_of(job))
    equal = equal_entries(positions)
    row = to_row(
        verdict,
        (cpu, wall),
        right=lambda c: is_right(c, positions),
        answer=lambda c: c.name if not is_right(c, positions) else "the truth",
        members=[name for name, _ in equal],
        group=job["family"],
    )
    best = verdict.best
    return row | {"mode": job["mode"], "in_catalogue": bool(equal), "best_family": best.family if best else ""}


def look(job: Job, _row: Row) -> str:
    """Say why a case went wrong."""
    measurement, positions = measure(job)
    drawn = draw_instrument(np.random.default_rng([job["seed"], job["case"], 1]))
    text = ", ".join(f"{k} {v:.3g}" for k, v in drawn.items())
    return f"{look_into(measurement, [k for _, k in equal_entries(positions)], **given_of(job))}; {text}"


def main() -> int:
    """Fill the table."""
    options = finder_arguments(__doc__, cases=1000, quick=4, seed=SEED)
    jobs = jobs_of(options.cases, options.seed)
    rows = run_cases("finder_metals", jobs, answer, options)
    held = len({(j["family"], tuple(j["numbers"])) for j in jobs})
    table = Table(f"Metal clusters against {catalogue_size()} structures, the protocol of MetalFinder")
    note = f"seed {options.seed}; {held} of the 197 shapes drawn; r 0-{R[-1]:.0f} angstrom, step 0.01; no header"
    for mode, text in MODES.items():
        chosen = [row for row in rows if row["mode"] == mode]
        if not chosen:
            continue
        judged = mode in JUDGED
        for field, what, bar in (("right", "first", 0.95), ("top3", "in the first three", 0.99)):
            peer = PEER[field] if mode == "published" else ""
            add_share(table, f"right shape {what}, {text}", chosen, field, bar if judged else None, peer=peer, note=note)
        add_seconds(table, text, chosen, bar=5.0 if judged else None)
        doubt = share(sum(row["none"] > 0.5 for row in chosen), len(chosen))
        table.add(f"none of these though the truth is in, {text}", "", doubt.text)
    for family, total in sorted(Counter(r["group"] for r in rows if r["mode"] == "published").items()):
        part = [r for r in rows if r["mode"] == "published" and r["group"] == family]
        table.add(f"of them {family}", "", share(sum(r["right"] for r in part), total).text)
    absent = [row for row in rows if not row.get("in_catalogue", True)]
    table.add("cases whose shape the catalogue does not hold", "0", str(len(absent)), met=not absent)
    add_errors(table, rows)
    if options.failures:
        list_failures(rows, jobs, look, options.failures)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
