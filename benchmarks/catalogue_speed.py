"""Catalogues: reading the rows, loading structures, adding a folder of 1000 CIFs, and the first start without any cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from _harness import Table, arguments, cpu_time
from whorl.catalogues import FolderCatalogue, builtin_catalogues
from whorl.core.hypothesis import Crystal, Site
from whorl.formats import write_structure

#: elements of the invented crystals; what they are does not matter to the time
METALS = ("Mg", "Al", "Ti", "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Zr", "Nb", "Mo", "Ru", "Pd", "Ag", "Sn", "W", "Pt", "Au")
SEED = 20260000

#: run in a new process with a new home: build the built-in catalogues and what identify keeps of them
COLD = """
import json, time
import numpy as np
start, wall = time.process_time(), time.perf_counter()
from whorl.catalogues import builtin_catalogues
count = sum(len(c.entries()) for c in builtin_catalogues())
rows = time.process_time() - start, time.perf_counter() - wall
from whorl.techniques.pdf.index import load_index
for catalogue in builtin_catalogues():
    load_index(catalogue, "x-ray")
both = time.process_time() - start, time.perf_counter() - wall
print(json.dumps({"entries": count, "rows": rows, "index": both}))
"""


def write_cifs(folder: Path, count: int) -> None:
    """Write invented crystals of one to four sites in common space groups, all different."""
    rng = np.random.default_rng(SEED)
    groups = (("225", 4.2, 90.0), ("227", 8.4, 90.0), ("194", 3.2, 120.0), ("62", 5.6, 90.0), ("166", 3.0, 120.0))
    for number in range(count):
        group, edge, gamma = groups[number % len(groups)]
        a = edge * float(rng.uniform(0.95, 1.05))
        c = a * (float(rng.uniform(1.5, 4.0)) if gamma == 120.0 else 1.0)
        sites = [Site(str(rng.choice(METALS)), (0.0, 0.0, 0.0))]
        sites += [Site("O", tuple(float(x) for x in rng.uniform(0.15, 0.45, 3))) for _ in range(int(rng.integers(0, 4)))]
        crystal = Crystal(f"crystal {number}", cell=(a, a, c, 90.0, 90.0, gamma), space_group=group, sites=tuple(sites))
        write_structure(crystal, folder / f"{number:04d}.cif")


def cold_start() -> dict[str, list[float]]:
    """Time a first start in a home of its own: CPU and wall seconds."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, "-c", COLD]
        run = subprocess.run(command, env=os.environ | {"WHORL_HOME": home}, capture_output=True, text=True, check=True)
    found: dict[str, list[float]] = json.loads(run.stdout)
    return found


def add_builtin(table: Table, *, quick: bool) -> None:
    """Add what reading the built-in catalogues costs."""
    catalogues = builtin_catalogues()
    entries = [(c, e) for c in catalogues for e in c.entries()]
    count = len(entries)
    repeats = 3 if quick else 20
    every = cpu_time(lambda: [c.entries() for c in catalogues], repeats=repeats).minimum
    table.add(f"entries() of the built-in catalogues, {count} rows", "", f"{every * 1e3:.1f} ms", note="warm")
    chosen = cpu_time(lambda: [c.entries(elements={"Fe", "O"}) for c in catalogues], repeats=repeats).minimum
    table.add("the same, elements Fe and O", "", f"{chosen * 1e3:.1f} ms", note="warm")
    some = entries[:: 10 if quick else 1]
    load = cpu_time(lambda: [c.load(e.key) for c, e in some], repeats=1 if quick else 5).minimum / len(some)
    table.add("load() of one structure", "", f"{load * 1e6:.0f} us", note=f"mean of {len(some)}")


def add_folder(table: Table, *, quick: bool) -> None:
    """Add what a folder of CIFs costs: the first time, unchanged, and after one file changed."""
    count = 100 if quick else 1000
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "cifs")
        folder.mkdir()
        write_cifs(folder, count)
        index = Path(place, "index.sqlite")
        start, wall = time.process_time(), time.perf_counter()
        catalogue = FolderCatalogue("cifs", folder, index)
        seconds, clock = time.process_time() - start, time.perf_counter() - wall
        report = catalogue.report
        table.add(
            f"adding a folder of {count} CIFs",
            "",
            f"{seconds:.2f} CPU s",
            note=f"{seconds / count * 1e3:.1f} ms a file; {clock:.1f} s wall; {len(report.skipped)} skipped",
            met=report.entries == count,
        )
        again = cpu_time(lambda: FolderCatalogue("cifs", folder, index).entries(), repeats=3, warmup=0).minimum
        table.add("opening it again, nothing changed", "", f"{again * 1e3:.0f} ms")
        write_cifs(folder, 1)  # the same bytes, a new time of change
        once = time.process_time()
        changed = FolderCatalogue("cifs", folder, index).report.changed
        table.add(
            "opening it after one file changed", "", f"{(time.process_time() - once) * 1e3:.0f} ms", note=f"{changed} read anew"
        )


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    table = Table("Catalogues, CPU time of one process")
    add_builtin(table, quick=options.quick)
    add_folder(table, quick=options.quick)
    if not options.quick:
        cold = cold_start()
        (rows, rows_wall), (both, both_wall) = cold["rows"], cold["index"]
        note = "a new process with an empty home"
        table.add(
            f"first start: build {cold['entries']} entries", "", f"{rows:.1f} CPU s", note=f"{note}; {rows_wall:.1f} s wall"
        )
        table.add("the same, and the distances for retrieval", "", f"{both:.1f} CPU s", note=f"{note}; {both_wall:.1f} s wall")
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
