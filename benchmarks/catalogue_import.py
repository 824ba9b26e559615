"""Import of 10 000 CIFs, one file in twenty broken: time, memory, whether everything is accounted for, and a search of them."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from _collection import Collection, make_collection
from _harness import Table, arguments, cpu_time
from whorl.catalogues import ImportedRow, ImportReport, import_structures, open_catalogue
from whorl.core.hypothesis import element_counts

SEED = 20261121
WORKERS = 2

#: run in a new process, so that its time and memory are those of the import alone; the home is the caller's
IMPORT = """
import json, resource, sys, time
from whorl.catalogues import import_structures
if __name__ == "__main__":
    wall = time.perf_counter()
    import_structures("collection", [sys.argv[1]], workers=int(sys.argv[2]))
    wall = time.perf_counter() - wall
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps({"wall": wall, "cpu": cpu, "mb": (used[0].ru_maxrss + int(sys.argv[2]) * used[1].ru_maxrss) / 1024}))
"""


def timed_import(source: Path, home: Path) -> dict[str, float]:
    """Import in a process of its own: wall and CPU seconds of all processes, and their peak memory together, MB."""
    script = home.parent / "import_it.py"
    script.write_text(IMPORT, encoding="utf-8")
    command = [sys.executable, str(script), str(source), str(WORKERS)]
    run = subprocess.run(command, env=os.environ | {"WHORL_HOME": str(home)}, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout)
    return found


def add_import(table: Table, source: Path, home: Path, count: int) -> float:
    """Add what the import costs; give its CPU seconds."""
    found = timed_import(source, home)
    table.add(
        f"import of {count} structures",
        "<= 50 CPU s",
        f"{found['cpu']:.1f} CPU s",
        note=f"{WORKERS} processes, {found['wall']:.1f} s wall",
        met=found["cpu"] <= 50,
    )
    table.add("memory of all processes", "<= 1 GB", f"{found['mb'] / 1024:.2f} GB", met=found["mb"] <= 1024)
    return found["cpu"]


def add_index(table: Table, imported: float) -> None:
    """Add what the templates of a search cost.

    The bar is a wall clock on two cores. Other work on the machine lengthens that, so it is judged by the CPU time: that of the
    import shared by the processes, and that of the templates, which one process computes.
    """
    from whorl.techniques.pdf.index import load_index

    start, clock = time.process_time(), time.perf_counter()
    load_index(open_catalogue("collection"), "x-ray")
    seconds, clock = time.process_time() - start, time.perf_counter() - clock
    table.add("templates for a search by PDF", "", f"{seconds:.1f} CPU s", note=f"{clock:.1f} s wall, one process")
    both = imported / WORKERS + seconds
    table.add("import and templates, two cores", "<= 120 s", f"{both:.0f} s", note="by CPU time", met=both <= 120)


def add_search(table: Table) -> None:
    """Add what one search by PDF of the imported structures costs once their templates are computed.

    What is searched for are crystals of the collection itself, simulated with the technique's nuisances.
    """
    from finder_crystals import draw, experiment
    from whorl.techniques.pdf.technique import PDF

    catalogue = open_catalogue("collection")
    entries = catalogue.entries()
    found = []
    for number in range(5):
        rng = np.random.default_rng([SEED, number])
        structure = catalogue.load(entries[int(rng.integers(len(entries)))].key)
        signal = PDF.prepare(experiment(structure, draw(structure, rng), rng))
        found.append(cpu_time(lambda signal=signal: PDF.propose(signal, [catalogue]), repeats=3).median)
    note = f"candidates of {len(found)} simulated files, templates in memory; median of 3 calls each"
    reached = f"median {statistics.median(found):.2f}, largest {max(found):.2f} CPU s"
    table.add(f"search of {len(entries)} entries by PDF", "<= 2 s", reached, note=note, met=max(found) <= 2.0)


def add_account(table: Table, report: ImportReport, truth: Collection, count: int) -> None:
    """Add whether everything is where it belongs."""
    rows = {row.entry.partition("/")[2]: row for row in report.rows}
    kept = sum(key in rows and rows[key].status in ("added", "known") for key in truth.formula)
    table.add("sound structures that went in", "all", f"{kept} of {count}", met=kept == count)
    bad = len(truth.broken)
    left_out = sum(rows[key].status == "failed" and bool(rows[key].remark) for key in truth.broken)
    table.add("broken files left out, with the reason", "all", f"{left_out} of {bad}", met=left_out == bad)
    first = {key: _first(key, truth) for key in truth.formula}
    group = {key: row.same_as.partition("/")[2] or key for key, row in rows.items()}
    found, again = sum(group[key] == group[first[key]] for key in truth.again), len(truth.again)
    repeats = [key for key, row in rows.items() if row.same_as and first[key] != first[group[key]]]
    false = sum(not _equal(rows[key], rows[group[key]]) for key in repeats)
    note = f"{false} false; {len(repeats) - false} more are alike by chance"
    table.add("structures that come again, found", "all", f"{found} of {again}", note=note, met=found == again and not false)
    named = sum(rows[key].family == family for key, family in truth.family.items() if key in rows) / count
    table.add("prototypes recognised", ">= 97 %", f"{named:.1%}", note="of invented compounds", met=named >= 0.97)


def _equal(one: ImportedRow, other: ImportedRow) -> bool:
    """Tell whether two structures are of one prototype and composition."""
    return one.family == other.family and element_counts(one.formula) == element_counts(other.formula)


def _first(key: str, truth: Collection) -> str:
    while key in truth.again:
        key = truth.again[key]
    return key


def add_use(table: Table, source: Path, count: int) -> None:
    """Add what an imported catalogue costs when it is used."""
    start = time.perf_counter()
    report = import_structures("collection", [source], workers=1)
    clock = time.perf_counter() - start
    table.add("importing again, nothing new", "", f"{clock:.1f} s wall", met=set(report.counts) == {"known", "failed"})
    opened = cpu_time(lambda: open_catalogue("collection").content_hash, repeats=5)
    table.add("opening", "<= 0.2 s", f"{opened.minimum * 1e3:.1f} ms", met=opened.minimum <= 0.2)
    fresh = cpu_time(lambda: open_catalogue("collection").entries(), repeats=3)
    table.add("opening, and entries()", "<= 0.15 s", f"{fresh.minimum * 1e3:.0f} ms", met=fresh.minimum <= 0.15)
    catalogue = open_catalogue("collection")
    entries = catalogue.entries()
    again = cpu_time(catalogue.entries, repeats=5)
    table.add("entries() again", "", f"{again.minimum * 1e3:.1f} ms", note=f"{len(entries)} rows")
    chosen = cpu_time(lambda: catalogue.entries(elements={"Li", "Mn", "O"}), repeats=5)
    table.add("entries(elements={Li, Mn, O})", "", f"{chosen.minimum * 1e3:.1f} ms")
    some = entries[:: max(1, count // 500)]
    load = cpu_time(lambda: [catalogue.load(entry.key) for entry in some], repeats=3).minimum / len(some)
    table.add("load() of one structure", "<= 1 ms", f"{load * 1e3:.2f} ms", met=load <= 1e-3)


def main() -> int:
    """Fill the table."""
    options = arguments(__doc__ or "")
    count = 300 if options.quick else 10_000
    table = Table(f"Import of a collection of {count} CIFs")
    with tempfile.TemporaryDirectory() as place:
        home, source = Path(place, "home"), Path(place, "collection")
        os.environ["WHORL_HOME"] = str(home)
        truth = make_collection(source, count, SEED)
        imported = add_import(table, source, home, count)
        add_use(table, source, count)
        add_account(table, import_structures("collection", [source], workers=1), truth, count)
        add_index(table, imported)
        add_search(table)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
        table.add("memory of this process, templates included", "", f"{most:.2f} GB")
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
