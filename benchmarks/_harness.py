"""What every benchmark shares: CPU timing, the printed table, the peers, the measured data, the machine.

A benchmark is a script that fills a `Table` and ends with ``raise SystemExit(table.finish(options))``::

    options = arguments("G(r) of a cluster against DebyeCalculator")
    table = Table("Total scattering of clusters")
    mine = cpu_time(lambda: pair_distribution(...), repeats=20)
    other = peer("debyecalculator_gr.py", {"elements": [...], "positions": [...]})
    table.add("147 atoms", ">= 25x", f"{mine.minimum * 1e3:.2f} ms", f"{other['cpu_seconds'] * 1e3:.1f} ms" if other else "")
    raise SystemExit(table.finish(options))
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Timing:
    """CPU seconds of one call: the least and the median of `repeats` calls."""

    minimum: float
    median: float
    repeats: int


def cpu_time(function: Callable[[], object], *, repeats: int = 5, warmup: int = 1) -> Timing:
    """Time a call in CPU seconds of this process, all its threads together.

    CPU time and not wall time, because other work on the machine lengthens the second. Compilation and caches belong to the
    `warmup` calls, which are not counted.
    """
    for _ in range(warmup):
        function()
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return Timing(min(seconds), statistics.median(seconds), repeats)


def one_thread() -> None:
    """Run the script on one thread: start it anew with the variables that libraries read when they are loaded."""
    wanted = dict.fromkeys(ONE_THREAD, "1")
    if any(os.environ.get(name) != "1" for name in wanted):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | wanted)


def arguments(description: str) -> argparse.Namespace:
    """Parse the options that every benchmark has: ``--quick`` (fewer repeats, smaller sets) and ``--json FILE``."""
    one_thread()
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="a smoke test: fewer repeats, smaller sets")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the machine to FILE")
    return parser.parse_args()


@dataclass(frozen=True)
class Row:
    """One claim: what was measured, the bar, what whorl and the peer reached, whether the bar is met."""

    what: str
    bar: str
    reached: str
    peer: str = ""
    note: str = ""
    met: bool | None = None


@dataclass
class Table:
    """The table of one benchmark."""

    title: str
    rows: list[Row] = field(default_factory=list)

    def add(self, what: str, bar: str, reached: str, peer: str = "", note: str = "", *, met: bool | None = None) -> None:
        """Add a row; `met` says whether the bar is reached and is shown after the figure."""
        self.rows.append(Row(what, bar, reached, peer, note, met))

    def markdown(self) -> str:
        """Give the table as Markdown, columns padded so that it reads well in a terminal too."""
        head = ("what", "bar", "reached", "peer", "note")
        mark = {True: " (met)", False: " (**missed**)", None: ""}
        cells = [head, *((r.what, r.bar, r.reached + mark[r.met], r.peer, r.note) for r in self.rows)]
        widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join(lines)

    def finish(self, options: argparse.Namespace) -> int:
        """Print the table and the machine, write them to ``--json`` if asked; give 1 when a bar is missed, else 0."""
        kind = " (quick: not to be quoted)" if options.quick else ""
        print(f"\n### {self.title}{kind}\n\n{self.markdown()}\n\n{machine_line()}")
        if options.json:
            rows = [asdict(row) for row in self.rows]
            record = {"title": self.title, "quick": options.quick, "machine": machine(), "rows": rows}
            options.json.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return int(any(row.met is False for row in self.rows))


def machine() -> dict[str, str]:
    """Describe the machine as far as it explains a timing; no host name, no user name."""
    import numpy as np

    model = ""
    if (cpuinfo := Path("/proc/cpuinfo")).is_file():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": model or platform.machine(),
        "cores": str(cores),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "",
    }


def machine_line() -> str:
    """Give `machine` as one line."""
    m = machine()
    return (
        f"{m['cpu']}, {m['cores']} cores, Python {m['python']}, numpy {m['numpy']}, {m['date']}, load {m['load'] or 'unknown'}"
    )


@cache
def _say_once(text: str) -> None:
    print(text, file=sys.stderr)


def find_data() -> Path | None:
    """Find the measured data (``WHORL_DATA``, else ``../shared/data`` beside the checkout); None, and says why, without it."""
    folder = Path(os.environ.get("WHORL_DATA", ROOT.parent / "shared" / "data"))
    if (folder / "MANIFEST.tsv").is_file():
        return folder
    _say_once(f"measured data not found at {folder}: set WHORL_DATA to the folder that holds MANIFEST.tsv")
    return None


def peer(script: str | Path, payload: Mapping[str, Any], *, timeout: float = 900.0) -> dict[str, Any] | None:
    """Run a script of ``benchmarks/peers`` with the peers' interpreter on one thread.

    Parameters
    ----------
    script : str or Path
        File name in ``benchmarks/peers``; its docstring says what it takes and gives.
    payload : mapping
        Sent as JSON; numpy arrays become lists.
    timeout : float
        Wall-clock limit, s.

    Returns
    -------
    dict or None
        The answer; None, with the reason on standard error, when the peer is not installed or the run fails.
    """
    python = Path(os.environ.get("WHORL_PEER_PYTHON", ROOT / ".venv-peers" / "bin" / "python"))
    if not python.is_file():
        _say_once("peers are not installed: run `make peers`, or name an interpreter that has them in WHORL_PEER_PYTHON")
        return None
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder, "question.json"), Path(folder, "answer.json")
        question.write_text(json.dumps(payload, default=lambda value: value.tolist()), encoding="utf-8")
        command = [str(python), str(PEERS / script), str(question), str(answer)]
        try:
            run = subprocess.run(
                command,
                env=os.environ | dict.fromkeys(ONE_THREAD, "1"),
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            _say_once(f"{script}: no answer within {timeout:.0f} s")
            return None
        if run.returncode != 0 or not answer.is_file():
            _say_once(f"{script}: {(run.stderr.strip().splitlines() or ['no message'])[-1]}")
            return None
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return result
