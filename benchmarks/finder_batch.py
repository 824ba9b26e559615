"""A thousand files in one call, a catalogue of ten thousand structures: time on two cores, memory of all processes together.

The collection is invented (`_collection`: substituted prototypes, written as dumps of databases are, one file in twenty
broken) and imported first; importing is timed apart, and so is the first identification, which builds what retrieval keeps of
the catalogue. The files are simulated from built-in compounds, clusters and entries of the collection with the technique's
nuisances; headers state the radiation and the Q window. Memory is read from /proc ten times a second while the command runs:
the resident sets of the command and all its processes together, and the same with shared pages counted once.

The bar is a wall clock on two cores. Other work on the machine lengthens that, so it is judged by the CPU time of all processes
over two; the wall clock is shown beside it.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from _collection import make_collection
from _finder import catalogue_size, finder_arguments
from _harness import Table
from finder_crystals import draw, experiment
from finder_none import families
from finder_none import measure as measure_family
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement
from whorl.formats import write_measurement

SEED = 20261114
MINUTES, GIGABYTES = 20.0, 2.0
NAME = "collection"


@dataclass
class Watch:
    """What a command took: wall-clock and CPU seconds, peak memory (bytes) of all its processes together."""

    wall: float = 0.0
    cpu: float = 0.0
    resident: int = 0
    proportional: int = 0
    processes: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def follow(self, root: int) -> None:
        """Read the memory of a process and its descendants until told to stop."""
        turn = 0
        while not self._stop.wait(0.1):
            tree = descendants(root)
            resident = sum(resident_bytes(pid) for pid in tree)
            self.processes = max(self.processes, len(tree))
            if resident > self.resident or turn % 20 == 0:  # the second figure is slow to read
                self.proportional = max(self.proportional, sum(proportional_bytes(pid) for pid in tree))
            self.resident = max(self.resident, resident)
            turn += 1

    def stop(self) -> None:
        """End `follow`."""
        self._stop.set()


def descendants(root: int) -> list[int]:
    """Process ids of a process and all that it started."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def resident_bytes(pid: int) -> int:
    """Resident set of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def proportional_bytes(pid: int) -> int:
    """Memory of a process, pages that others share counted in part; 0 when it cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def whorl(*words: str, home: Path) -> Watch:
    """Run the command line and watch it."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch, start = Watch(), time.perf_counter()
    command = [sys.executable, "-m", "whorl", *words]
    with subprocess.Popen(command, env=os.environ | {"WHORL_HOME": str(home)}, stderr=subprocess.PIPE, text=True) as run:
        thread = threading.Thread(target=watch.follow, args=(run.pid,))
        thread.start()
        _, errors = run.communicate()
        watch.stop()
        thread.join()
    watch.wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    watch.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if run.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {run.returncode}\n{errors}")
    return watch


def write_files(folder: Path, count: int, seed: int, collection: Path) -> dict[str, str]:
    """Simulate ``count`` measurements; the family of the truth by file name.

    Every fifth comes from the collection, every fifth is a cluster, the others are built-in crystals.
    """
    from whorl.core.errors import WhorlError
    from whorl.formats import read_structure

    sources = sorted(collection.rglob("*.cif"))
    kinds = {kind: sorted(f for f in families() if f[0] == kind) for kind in ("crystal", "cluster")}
    found = {}
    number = 0
    while len(found) < count:
        number += 1
        rng = np.random.default_rng([seed, number])
        if number % 5 == 0:
            try:
                structure = read_structure(sources[int(rng.integers(len(sources)))])
            except (WhorlError, OSError):  # one file in twenty is broken
                continue
            if not isinstance(structure, Crystal):
                continue
            measurement, family = experiment(structure, draw(structure, rng), rng), ""
        else:
            kind, family = kinds["cluster" if number % 5 == 1 else "crystal"][
                int(rng.integers(len(kinds["cluster" if number % 5 == 1 else "crystal"])))
            ]
            catalogue, entry = families()[kind, family][int(rng.integers(len(families()[kind, family])))]
            job = {"kind": kind, "family": family, "entry": f"{catalogue.name}/{entry.key}", "case": number, "seed": seed}
            measurement = measure_family(job)
        name = f"{len(found):04d}.gr"
        write_measurement(Measurement("gr", measurement.x, measurement.signal, settings=measurement.settings), folder / name)
        found[name] = family
    return found


def main() -> int:
    """Fill the table."""
    options = finder_arguments(__doc__, cases=1000, quick=10, seed=SEED)
    size = 200 if options.quick else 10000
    table = Table(f"{options.cases} files in one call, a catalogue of {size} beside {catalogue_size()} built-in structures")
    with tempfile.TemporaryDirectory() as place:
        home, cifs, data = Path(place, "home"), Path(place, "cifs"), Path(place, "data")
        data.mkdir()
        start = time.perf_counter()
        collection = make_collection(cifs, size, options.seed)
        truth = write_files(data, options.cases, options.seed, cifs)
        print(f"finder_batch: made in {time.perf_counter() - start:.0f} s", file=sys.stderr)
        imported = whorl("catalogue", "import", NAME, str(cifs), "--quiet", home=home)
        note = f"{len(collection.family)} sound structures, {len(collection.broken)} broken files; {imported.cpu:.0f} CPU s"
        bar, met = ("", None) if options.quick else ("<= 120 s", imported.wall <= 120)
        table.add(f"importing {size} structures", bar, f"{imported.wall:.0f} s wall", note=note, met=met)
        one = Path(place, "one.gr")
        one.write_bytes((data / "0000.gr").read_bytes())
        first = whorl("identify", str(one), "--catalogue", NAME, "--quiet", "--workspace", f"{place}/other", home=home)
        table.add("first file after that", "", f"{first.wall:.0f} s wall", note=f"the index is built; {first.cpu:.0f} CPU s")
        warm = whorl(
            "identify", str(one), "--catalogue", NAME, "--quiet", "--no-cache", "--workspace", f"{place}/other", home=home
        )
        table.add(
            "one file, the index built", "", f"{warm.wall:.1f} s wall", note=f"start of the program too; {warm.cpu:.1f} CPU s"
        )
        answers = Path(place, "answers.jsonl")
        words = ("--catalogue", NAME, "--json", str(answers), "--quiet", "--workers", "2")
        batch = whorl("identify", str(data), *words, home=home)
        rows = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    done = sum(row["status"] == "ok" for row in rows)
    table.add("files answered", str(options.cases), str(done), met=done == options.cases)
    bar, met = ("", None) if options.quick else ("<= 20 min on 2 cores", batch.cpu / 2 <= 60 * MINUTES)
    note = f"{batch.wall / 60:.1f} min wall at a load of {os.getloadavg()[0]:.1f}; {batch.cpu / options.cases:.2f} CPU s a file"
    reached = f"{batch.cpu:.0f} CPU s, {batch.cpu / 2 / 60:.1f} min on two free cores"
    table.add(f"{options.cases} files in one call", bar, reached, note=note, met=met)
    seconds = sorted(row["seconds"] for row in rows)
    table.add("a file", "", f"median {statistics.median(seconds):.2f} s, largest {seconds[-1]:.2f} s wall")
    memory = f"{batch.resident / 1e9:.2f} GB"
    note = f"{batch.processes} processes; shared pages counted once: {batch.proportional / 1e9:.2f} GB"
    table.add("peak memory, all processes", "<= 2 GB", memory, note=note, met=batch.resident <= GIGABYTES * 1e9)
    known = [row for row in rows if truth.get(Path(row["file"]).name)]
    right = sum(row["candidates"][0]["family"] == truth[Path(row["file"]).name] for row in known if row["candidates"])
    errors = Counter(row["error"]["what"] for row in rows if row["status"] != "ok")
    table.add("right family first, built-in truths", "", f"{right} of {len(known)}", note="; ".join(errors))
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
