"""The 443 polyoxometalate clusters of POMFinder: whorl and POMFinder's own model on the same simulated curves.

Each cluster is simulated by a Debye sum apart from whorl (`_simulated`), X-rays, in the ranges on which the peer's model was
trained: Qmin 0-2 and Qdamp 0.01-0.04 as published for its family, Qmax 14-28 as the thresholds of its trees show
(1/angstrom), B 0.1-1 angstrom^2, delta2 2 angstrom^2 (with 0 the peer does worse). whorl is given r and G(r) to 30 angstrom
without a header and searches its own catalogues and the folder of clusters; the peer is given Qmin, Qmax and Qdamp and takes
the first 10 angstrom, as it is made. Clusters with the same distances between the same elements count as one. The measured
alpha-Keggin ion is asked too.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
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
from _harness import Table, find_data, peer
from _simulated import draw_instrument, simulate_cluster
from whorl.catalogues import open_catalogue
from whorl.core.hypothesis import Cluster
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate
from whorl.formats import read

SEED = 20261010
Q_MAX = (14.0, 28.0)
FOLDER = Path("pdf", "structures", "polyoxometalates")
MEASURED = Path("pdf", "exp", "alphaKeggin_DanMAX.gr")
MODES = {"open": "elements not given", "given": "elements given"}
_LABEL = 20  # characters of a file's name that the peer's labels keep


@cache
def folder() -> Path:
    """Folder of the clusters."""
    data = find_data()
    if data is None or not (data / FOLDER).is_dir():
        raise SystemExit(0)
    return data / FOLDER


@cache
def load(name: str) -> Cluster:
    """Read a cluster by its file name."""
    from whorl.formats import read_structure

    found = read_structure(folder() / name)
    assert isinstance(found, Cluster)
    return found


@cache
def fingerprint(name: str) -> tuple[np.ndarray, ...]:
    """Sorted distances by pair of elements, angstrom; with the symbols in front as numbers."""
    from scipy.spatial.distance import cdist

    cluster = load(name)
    symbols = np.array(cluster.symbols)
    kinds = sorted(set(cluster.symbols))
    parts: list[np.ndarray] = [np.array([ord(c) for c in "".join(sorted(cluster.symbols))], dtype=float)]
    for i, a in enumerate(kinds):
        parts += [np.sort(cdist(cluster.positions[symbols == a], cluster.positions[symbols == b]).ravel()) for b in kinds[i:]]
    return tuple(parts)


@cache
def equals() -> dict[str, list[str]]:
    """Names of the clusters that are the same as each: same elements, same distances within 0.01 angstrom."""
    names = sorted(path.name for path in folder().glob("*.xyz"))
    by_size: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        by_size.setdefault(tuple(sorted(load(name).symbols)), []).append(name)
    found = {}
    for name in names:
        mine = fingerprint(name)
        alike = by_size[tuple(sorted(load(name).symbols))]
        found[name] = [
            other for other in alike if all(np.max(np.abs(a - b)) < 0.01 for a, b in zip(mine, fingerprint(other), strict=True))
        ]
    return found


def jobs_of(cases: int, seed: int) -> list[Job]:
    """Every cluster in turn, each time with another instrument; a quarter of the cases with the elements given too."""
    names = sorted(path.name for path in folder().glob("*.xyz"))
    order = np.random.default_rng([seed, 0]).permutation(len(names))
    jobs = []
    for mode in MODES:
        for number in range(cases if mode == "open" else cases // 4):
            name = names[int(order[number % len(names)])]
            jobs.append({"key": f"{number} {name[:-4]} {mode}", "file": name, "case": number, "mode": mode, "seed": seed})
    return jobs


def measure(job: Job) -> tuple[Measurement, dict[str, float]]:
    """Simulate the measurement of a case; also the instrument."""
    drawn = draw_instrument(np.random.default_rng([job["seed"], 1, job["case"]]), Q_MAX)
    cluster = load(job["file"])
    r, g = simulate_cluster(cluster.positions, cluster.symbols, drawn)
    return Measurement("gr", r[1:], g[1:] / g.max()), drawn


def given_of(job: Job) -> dict[str, Any]:
    """Give what the user says beside the file."""
    more: dict[str, Any] = {"catalogues": [str(folder())]}
    return more | ({"elements": sorted(load(job["file"]).elements)} if job["mode"] == "given" else {})


def file_of(candidate: Candidate) -> str:
    """File name of a candidate from the folder."""
    return Path(candidate.source).name


def answer(job: Job) -> Row:
    """Simulate and identify one case."""
    measurement, _ = measure(job)
    verdict, cpu, wall = ask(measurement, **given_of(job))
    alike = equals()[job["file"]]
    names = {e.name for e in open_catalogue(folder()).entries() if e.key in alike}
    atoms = len(load(job["file"]).symbols)
    return to_row(
        verdict,
        (cpu, wall),
        right=lambda c: file_of(c) in alike,
        answer=lambda c: file_of(c) if file_of(c) not in alike else "the truth",
        members=names,
        group=f"{atoms // 25 * 25} to {atoms // 25 * 25 + 24} atoms",
    ) | {"mode": job["mode"], "atoms": atoms, "alike": len(alike)}


def look(job: Job, _row: Row) -> str:
    """Say why a case went wrong."""
    measurement, drawn = measure(job)
    catalogue = open_catalogue(folder())
    keys = [f"{catalogue.name}/{name}" for name in equals()[job["file"]]]
    text = ", ".join(f"{k} {v:.3g}" for k, v in drawn.items())
    return f"{look_into(measurement, keys, **given_of(job))}; {load(job['file']).formula}; {text}"


def ask_peer(jobs: list[Job]) -> tuple[list[bool], list[bool], float] | None:
    """Ask POMFinder's model: right first, right in the first three, CPU seconds of a curve; None without it."""
    curves = []
    for job in jobs:
        measurement, drawn = measure(job)
        g = np.concatenate([[0.0], measurement.signal])[::10][:101]
        curves.append({"g": g, "qmin": drawn["qmin"], "qmax": drawn["qmax"], "qdamp": drawn["qdamp"]})
    found = peer("pomfinder_predict.py", {"curves": curves, "top": 3})
    if found is None:
        return None
    labels = [{name[:_LABEL] for name in equals()[job["file"]]} for job in jobs]
    first = [names[0] in label for names, label in zip(found["names"], labels, strict=True)]
    three = [bool(set(names) & label) for names, label in zip(found["names"], labels, strict=True)]
    return first, three, found["cpu_seconds"]


def is_keggin(cluster: Cluster) -> bool:
    """Tell whether a cluster holds the twelve metals of a whole alpha-Keggin ion, by their distances alone.

    The metals are the corners of a cuboctahedron: each shares edges with two others (3.4 angstrom apart), corners with two
    more (3.7), and has one opposite itself (7.0 to 7.1). In the beta isomer one triad is turned by 60 degrees: its metals
    and three more have none opposite (6.8 at most).
    """
    from scipy.spatial.distance import cdist

    metals = cluster.positions[[s in {"W", "Mo", "V", "Nb", "Ta"} for s in cluster.symbols]]
    if len(metals) != 12:
        return False
    d = cdist(metals, metals)
    edges = ((d > 3.1) & (d < 3.55)).sum(axis=1)
    corners = ((d >= 3.55) & (d < 3.95)).sum(axis=1)
    return bool(np.all(edges == 2) and np.all(corners == 2) and d.max(axis=1).min() > 6.88 and d.max() < 7.4)


def add_measured(table: Table) -> None:
    """Add the measured alpha-Keggin ion: whorl's first answers, the peer's first."""
    data = find_data()
    if data is None or not (data / MEASURED).is_file():
        return
    measurement = read(data / MEASURED)
    verdict, cpu, _ = ask(measurement, catalogues=[str(folder())])
    keggin = [name for name in sorted(equals()) if is_keggin(load(name))]
    step = 0.1
    g = np.interp(np.arange(101) * step, measurement.x, measurement.signal)
    found = peer("pomfinder_predict.py", {"curves": [{"g": g, "qmin": 0.7, "qmax": 20.0, "qdamp": 0.02}], "top": 3})
    marks = [any(isinstance(s, Cluster) and is_keggin(s) for s in c.structures) for c in verdict.candidates]
    shown = "; ".join(
        f"{c.name} p {c.probability:.2f}, Rw {c.rw:.3f}{' (a Keggin)' if mark else ''}"
        for c, mark in zip(verdict.candidates[:3], marks, strict=False)
    )
    table.add(
        "measured alpha-Keggin ion",
        "an alpha-Keggin first",
        shown,
        f"{found['names'][0][0]} p {found['probabilities'][0][0]:.2f}" if found else "",
        f"{len(keggin)} of the clusters are alpha-Keggin ions by their metal-metal distances; p(none) "
        f"{verdict.none_probability or 0:.2f}; {cpu:.1f} CPU s",
        met=marks[:1] == [True],
    )


def main() -> int:
    """Fill the table."""
    options = finder_arguments(__doc__, cases=886, quick=4, seed=SEED)
    jobs = jobs_of(options.cases, options.seed)
    size = catalogue_size([open_catalogue(folder())])
    rows = run_cases("finder_polyoxometalates", jobs, answer, options)
    table = Table(f"Polyoxometalates, {len(equals())} clusters among {size} structures")
    open_jobs = [job for job in jobs if job["mode"] == "open"]
    theirs = ask_peer(open_jobs)
    distinct = len({tuple(alike) for alike in equals().values()})
    note = f"seed {options.seed}; {distinct} distinct of {len(equals())}; no header"
    for mode, text in MODES.items():
        chosen = [row for row in rows if row["mode"] == mode]
        judged = mode == "open"
        for n, (field, what, bar) in enumerate((("right", "first", 0.96), ("top3", "in the first three", 0.99))):
            other = share(sum(theirs[n]), len(theirs[n])).text if theirs and judged else ""
            shown = f"POMFinder {other}" if other else ""
            add_share(table, f"right cluster {what}, {text}", chosen, field, bar if judged else None, peer=shown, note=note)
        add_seconds(table, text, chosen, bar=5.0 if judged else None)
        doubt = share(sum(row["none"] > 0.5 for row in chosen), len(chosen))
        table.add(f"none of these though the truth is in, {text}", "", doubt.text)
    if theirs:
        table.add("time of a curve", "", "", f"{theirs[2]:.3f} CPU s", "POMFinder, its model loaded")
    add_measured(table)
    add_errors(table, rows)
    if options.failures:
        list_failures(rows, jobs, look, options.failures)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
