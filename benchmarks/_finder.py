"""What the finders' benchmarks share: many cases asked in two processes, kept as they finish, and counted with their doubt.

A script makes a list of jobs (dictionaries that JSON can hold, each with a ``key``) and names a function that answers one::

    options = finder_arguments(__doc__, cases=1000, quick=8, seed=20261003)
    rows = run_cases("finder_metals", jobs, answer, options)
    table.add("right shape first", ">= 95 %", share(sum(r["right"] for r in rows), len(rows)).text, ...)

``--resume FILE`` appends every finished case to FILE as one line, so that a run that is stopped loses nothing; the next run
with the same FILE asks only what is missing. A line holds a hash of the code that made it: lines of other code are left out
unless ``--mixed`` accepts them. Two jobs are the same when their key and everything else in them are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import re
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from _harness import ROOT, Table, one_thread
from whorl.catalogues import builtin_catalogues
from whorl.core.errors import WhorlError
from whorl.core.measurement import Measurement
from whorl.core.verdict import Candidate, Verdict

Job = dict[str, Any]
Row = dict[str, Any]

#: rooms of the package whose code decides an answer
_SCIENCE = ("catalogues", "core", "fitting", "formats", "models", "physics", "tasks", "techniques", "trust")
_EVERY = 20.0  # seconds between two lines of progress
SECONDS = 5.0  # bar of one identification: CPU seconds, all threads together


def finder_arguments(description: str | None, *, cases: int, quick: int, seed: int) -> argparse.Namespace:
    """Parse the options of a finder: those of every benchmark, and the size, seed and cache of the run."""
    one_thread()
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: a handful of cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the machine to FILE")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep every finished case in FILE and do not ask it again")
    parser.add_argument("--mixed", action="store_true", help="accept lines of FILE that other code has made")
    parser.add_argument("--cases", type=int, help=f"cases of the main run (default {cases})")
    parser.add_argument("--seed", type=int, default=seed, help=f"default {seed}")
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1), help="processes (default 2)")
    parser.add_argument("--failures", type=int, default=0, metavar="N", help="list up to N wrong answers and look into each")
    options = parser.parse_args()
    options.cases = options.cases or (quick if options.quick else cases)
    options.workers = 1 if options.quick else options.workers  # a second process would have to start and warm up too
    return options


@cache
def code_hash() -> str:
    """Hash of the code and data that decide an answer, and of what simulates the clusters."""
    digest = hashlib.sha256()
    for room in _SCIENCE:
        for path in sorted((ROOT / "src" / "whorl" / room).rglob("*")):
            if path.suffix in {".py", ".json", ".toml", ".onnx", ".npz"}:
                digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update((ROOT / "benchmarks" / "_simulated.py").read_bytes())
    return digest.hexdigest()[:12]


def run_cases(script: str, jobs: Sequence[Job], answer: Callable[[Job], Row], options: argparse.Namespace) -> list[Row]:
    """Answer every job that the cache does not hold; rows in the order of the jobs.

    Parameters
    ----------
    script : str
        Name of the benchmark, kept with every row.
    jobs : sequence of dict
    answer : callable
        Module-level function of the script; runs in a worker.
    options : argparse.Namespace
        Of `finder_arguments`.
    """
    names = [_name(script, job) for job in jobs]
    if len(set(names)) != len(names):
        raise SystemExit(f"{script}: two jobs are the same")
    done = _kept(options.resume, mixed=options.mixed) if options.resume else {}
    todo = [(name, job) for name, job in zip(names, jobs, strict=True) if name not in done]
    if len(todo) < len(jobs):
        print(f"{script}: {len(jobs) - len(todo)} of {len(jobs)} cases are in {options.resume}", file=sys.stderr)
    started = said = time.monotonic()
    for number, (name, row) in enumerate(_answers(todo, answer, options.workers), start=1):
        done[name] = row | {"name": name, "script": script, "code": code_hash()}
        if options.resume:
            with options.resume.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(done[name], ensure_ascii=False) + "\n")
        if time.monotonic() - said > _EVERY or number == len(todo):
            said = time.monotonic()
            each = (said - started) / number
            left = each * (len(todo) - number)
            print(f"{script}: {number}/{len(todo)} cases, {each:.2f} s each, {left / 60:.1f} min left", file=sys.stderr)
    rows = [done[name] for name in names]
    other = sum(row["code"] != code_hash() for row in rows)
    if other:
        print(f"{script}: {other} of {len(rows)} rows were made by other code", file=sys.stderr)
    return rows


def _answers(todo: Sequence[tuple[str, Job]], answer: Callable[[Job], Row], workers: int) -> Iterator[tuple[str, Row]]:
    if len(todo) <= 2 or workers == 1:
        warm()
        yield from (_named((name, answer, job)) for name, job in todo)
        return
    with multiprocessing.get_context("spawn").Pool(workers, warm) as pool:
        yield from pool.imap_unordered(_named, [(name, answer, job) for name, job in todo], chunksize=1)


def _named(work: tuple[str, Callable[[Job], Row], Job]) -> tuple[str, Row]:
    name, answer, job = work
    try:
        return name, answer(job)
    except Exception as error:  # noqa: BLE001 - a crash is a wrong answer of one case, and does not stop the others
        text = "".join(traceback.format_exception(error))
        print(f"{name}: {text}", file=sys.stderr)
        return name, _wrong(job, text.strip().splitlines()[-1])


def _wrong(job: Job, text: str) -> Row:
    """Row of a case that ended in an error."""
    fields = dict.fromkeys(("right", "top3", "covered"), False)
    timeless = {"cpu": 0.0, "wall": 0.0, "none": 0.0, "candidates": [], "set": [], "group": "", "truth_in": True}
    return timeless | fields | {k: v for k, v in job.items() if k in {"mode", "radiation"}} | {"error": text}


def _name(script: str, job: Job) -> str:
    digest = hashlib.sha256(json.dumps(job, sort_keys=True).encode()).hexdigest()[:10]
    return f"{script}:{job['key']}:{digest}"


def _kept(path: Path, *, mixed: bool) -> dict[str, Row]:
    """Rows of a cache by name; the last line may be cut short by a kill."""
    found = {}
    for row in read_rows(path) if path.is_file() else ():
        if mixed or row["code"] == code_hash():
            found[row["name"]] = row
    return found


def read_rows(path: Path) -> list[Row]:
    """Rows of a cache file in their order; a line that a kill has cut short is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def warm() -> None:
    """Compile, and read the caches of the built-in catalogues, so that no case pays for it."""
    from whorl.api import identify, simulate

    one = simulate("Ni (fcc)", qmax=20.0, x=np.arange(1, 1501) * 0.01)
    identify(one, workspace=False)


def ask(measurement: Measurement, **more: Any) -> tuple[Verdict, float, float]:
    """Identify one measurement; the verdict, CPU seconds and wall-clock seconds."""
    from whorl.api import identify

    cpu, wall = time.process_time(), time.perf_counter()
    verdict = identify(measurement, workspace=False, **more)
    return verdict, time.process_time() - cpu, time.perf_counter() - wall


def to_row(
    verdict: Verdict,
    seconds: tuple[float, float],
    *,
    right: Callable[[Candidate], bool],
    answer: Callable[[Candidate], str],
    members: Collection[str],
    group: str,
    truth_in: bool = True,
) -> Row:
    """Put a verdict into a row that can be counted and calibrated.

    Parameters
    ----------
    verdict : Verdict
    seconds : (CPU, wall)
    right : callable
        Whether a candidate is the truth.
    answer : callable
        Name of the answer that a candidate gives: candidates of one name are one answer and share their probability.
    members : collection of str
        Names that count as the truth in the credible set.
    group : str
        What the case belongs to, for figures by group.
    truth_in : bool
        False when the truth was taken out of the catalogues.
    """
    candidates = [
        {
            "name": c.name,
            "answer": answer(c),
            "family": c.family,
            "formula": c.formula,
            "p": round(c.probability, 5),
            "rw": round(c.rw, 5),
            "evidence": round(c.evidence, 3),
            "group": c.group,
            "phases": [[p.name, round(p.weight_fraction.value, 5)] for p in c.phases],
            "right": bool(right(c)) and truth_in,
        }
        for c in verdict.candidates
    ]
    names = verdict.set.members if verdict.set else []
    return {
        "cpu": round(seconds[0], 3),
        "wall": round(seconds[1], 3),
        "none": verdict.none_probability or 0.0,
        "candidates": candidates,
        "right": bool(candidates and candidates[0]["right"]),
        "top3": any(c["right"] for c in candidates[:3]),
        "set": names,
        "covered": bool(truth_in and set(names) & set(members)),
        "group": group,
        "truth_in": truth_in,
    }


@contextmanager
def proposals(keep: Callable[[Any], bool] = lambda _: True) -> Iterator[list[list[Any]]]:
    """Keep only some suggestions (whorl.techniques.protocol.Suggestion), as if no catalogue held the others.

    Gives the list of all that was proposed before, one list of suggestions for every call.
    """
    from whorl.techniques.pdf.technique import PairDistribution

    propose = PairDistribution.propose
    seen: list[list[Any]] = []

    def kept(self: Any, *given: Any, **more: Any) -> Any:
        found = propose(self, *given, **more)
        seen.append(list(found.suggestions))
        return replace(found, suggestions=[s for s in found.suggestions if keep(s)])

    PairDistribution.propose = kept  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        PairDistribution.propose = propose  # type: ignore[method-assign]


@dataclass(frozen=True)
class Share:
    """k of n with Wilson's interval at 95 % (E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927))."""

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Give k / n, 0 when there is none."""
        return self.count / self.total if self.total else 0.0

    @property
    def text(self) -> str:
        """As ``963 of 1000, 96.3 % (94.9-97.3)``."""
        return f"{self.count} of {self.total}, {100 * self.value:.1f} % ({100 * self.low:.1f}-{100 * self.high:.1f})"


def share(count: int, total: int) -> Share:
    """Give `count` of `total` with its interval."""
    if total == 0:
        return Share(0, 0, 0.0, 1.0)
    z = 1.959964
    p, n = count / total, float(total)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return Share(count, total, max(centre - half, 0.0), min(centre + half, 1.0))


def add_share(
    table: Table, what: str, rows: Iterable[Row], field: str, bar: float | None, *, peer: str = "", note: str = ""
) -> None:
    """Add the share of rows whose `field` is true; `bar` is the least share."""
    found = [bool(row.get(field)) for row in rows]
    reached = share(sum(found), len(found))
    met = None if bar is None or not found else reached.value >= bar
    table.add(what, "" if bar is None else f">= {100 * bar:g} %", reached.text, peer, note, met=met)


def add_errors(table: Table, rows: Sequence[Row]) -> None:
    """Add how many cases ended in an error; they count as wrong answers above."""
    errors = [row["error"] for row in rows if "error" in row]
    table.add("cases that ended in an error", "0", str(len(errors)), note="; ".join(sorted(set(errors))[:3]), met=not errors)


def add_seconds(table: Table, what: str, rows: Sequence[Row], *, bar: float | None = SECONDS) -> None:
    """Add the CPU seconds of a case: median, 95th percentile, largest; the largest is judged."""
    if not rows:
        return
    cpu = sorted(row["cpu"] for row in rows)
    wall = statistics.median(row["wall"] for row in rows)
    text = f"median {statistics.median(cpu):.2f}, 95 % below {cpu[int(0.95 * (len(cpu) - 1))]:.2f}, largest {cpu[-1]:.2f} CPU s"
    within = sum(c <= SECONDS for c in cpu)
    note = (
        f"one thread each; wall clock, {min(2, len(rows))} side by side: median {wall:.2f} s; {within} of {len(cpu)} within 5 s"
    )
    met = None if bar is None else cpu[-1] <= bar
    table.add(f"time of a case, {what}", "" if bar is None else f"<= {bar:g} s on 2 cores", text, note=note, met=met)


def catalogue_size(more: Iterable[Any] = ()) -> int:
    """Entries of the built-in catalogues and `more`."""
    return sum(len(c.entries()) for c in [*builtin_catalogues(), *more])


def elements_of(formula: str) -> frozenset[str]:
    """Chemical symbols of a formula; of a mixture's, those of all phases."""
    return frozenset(re.findall(r"[A-Z][a-z]?", formula))


def list_failures(rows: Sequence[Row], jobs: Sequence[Job], look: Callable[[Job, Row], str], limit: int) -> None:
    """Print wrong answers with what `look` finds out about each, to standard error."""
    wrong = [(job, row) for job, row in zip(jobs, rows, strict=True) if not row["right"]]
    for job, row in wrong[:limit]:
        if "error" in row:
            print(f"- {job['key']}: {row['error']}", file=sys.stderr, flush=True)
            continue
        best = row["candidates"][0] if row["candidates"] else None
        shown = f"{best['name']} [{best['family']}] p {best['p']:.3f} Rw {best['rw']:.4f}" if best else "nothing"
        print(f"- {job['key']}: {shown}; none {row['none']:.2f}\n    {look(job, row)}", file=sys.stderr, flush=True)


def look_into(measurement: Measurement, true_keys: Collection[str], **more: Any) -> str:
    """Say where the truth was lost: retrieval, first fits, refinement or ranking.

    Parameters
    ----------
    measurement : Measurement
    true_keys : collection of str
        ``catalogue/key`` of the entries that count as the truth.
    more
        As `ask` takes them: ``elements``, ``catalogues``.
    """
    if not true_keys:
        return "the truth is in no catalogue"
    with proposals() as seen:
        whole = ask(measurement, top=12, **more)[0]
    places = [n for n, s in enumerate(seen[0], start=1) if s.key in true_keys]
    if not places:
        return f"RETRIEVAL: not among the {len(seen[0])} proposals"
    true = seen[0][places[0] - 1]
    place = f"proposal {places[0]}, merit {true.merit - seen[0][0].merit:+.1f} to the first"
    first = whole.candidates[0]
    best = f"first {first.name} Rw {first.rw:.4f} evidence {first.evidence:.1f}"
    names = {s.name for s in seen[0] if s.key in true_keys}
    try:
        with proposals(lambda s: s.key == true.key):
            alone = ask(measurement, **more)[0].candidates[0]
    except WhorlError as error:
        return f"REFINEMENT: the truth cannot be fitted alone ({error.what}; {place}; {best})"
    lone = f"alone ({alone.name}) Rw {alone.rw:.4f} evidence {alone.evidence:.1f}"
    mine = next((c for c in whole.candidates if c.name in names), None)
    if mine is None:
        kind = "LOST IN THE FIRST FITS, would win" if alone.evidence > first.evidence else "LOST IN THE FIRST FITS"
        return f"{kind}: {place}; {lone}; {best}"
    seen_as = f"truth listed {mine.rank}, Rw {mine.rw:.4f} evidence {mine.evidence:.1f}, {lone}"
    worse = mine.rw > 1.1 * alone.rw + 0.002
    kind = "REFINEMENT (better alone)" if worse else "RANKING" if mine.rw <= first.rw else "WRONG ONE FITS BETTER"
    return f"{kind}: {seen_as}; {best}; {place}"
