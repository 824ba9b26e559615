"""Size, packages and time of the base install in a fresh environment, and what ``whorl --help`` costs.

``--quick`` installs nothing: it resolves the base requirements to a list of packages and looks at their names, and times the
``whorl`` of the environment it runs in.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from _harness import ROOT, Table, arguments

MOST_MEGABYTES = 700
MOST_HELP_SECONDS = 0.5
_GPU = ("nvidia", "cuda", "cupy", "triton", "rocm", "torch", "tensorflow", "jax")


def main() -> int:
    options = arguments(__doc__)
    table = Table("Base install (`pip install .` with the versions of constraints.txt) and start-up")
    if options.quick:
        names = resolved()
        if names is not None:
            table.add("packages (resolved, not installed)", "", str(len(names)))
            add_gpu(table, names)
        add_help(table, Path(sys.executable).with_name("whorl"))
        return table.finish(options)
    with tempfile.TemporaryDirectory(prefix="whorl-install-") as folder:
        venv = Path(folder, "venv")
        python = venv / "bin" / "python"
        call([sys.executable, "-m", "venv", str(venv)])
        empty = megabytes(venv)
        started, cpu = time.monotonic(), children_seconds()
        installed = call([str(python), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(ROOT)])
        if installed.returncode != 0:
            print(f"pip install failed: {installed.stderr.strip().splitlines()[-1]}", file=sys.stderr)
            return 1
        seconds, cpu = time.monotonic() - started, children_seconds() - cpu
        size = megabytes(venv)
        listed = call([str(python), "-m", "pip", "list", "--format", "json"])
        names = [package["name"].lower() for package in json.loads(listed.stdout)]
        checked = call([str(python), "-m", "pip", "check"])
        table.add(
            "size of the environment", f"<= {MOST_MEGABYTES} MB", f"{size:.0f} MB",
            note=f"of which an empty environment {empty:.0f} MB; largest: {largest(venv)}", met=size <= MOST_MEGABYTES,
        )  # fmt: skip
        table.add("packages", "", str(len(names)))
        add_gpu(table, names)
        table.add("pip check", "clean", checked.stdout.strip() or checked.stderr.strip(), met=checked.returncode == 0)
        table.add("time of pip install", "", f"{seconds:.0f} s", note=f"{cpu:.0f} CPU s; downloads as fast as the network")
        add_help(table, venv / "bin" / "whorl")
    return table.finish(options)


def resolved() -> list[str] | None:
    """Names of what pip would install, ``None``, and says why, when it cannot resolve them (no network, say)."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--ignore-installed", "--report", "-"]
    run = call([*command, "-c", str(ROOT / "constraints.txt"), *base_requirements()])
    if run.returncode != 0:
        print(f"pip cannot resolve the requirements: {(run.stderr.strip().splitlines() or ['?'])[-1]}", file=sys.stderr)
        return None
    return [item["metadata"]["name"].lower() for item in json.loads(run.stdout)["install"]]


def base_requirements() -> list[str]:
    """Requirements of the package without extras."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return list(project["dependencies"])


def add_gpu(table: Table, names: Sequence[str]) -> None:
    found = [name for name in names if any(word in name for word in _GPU)]
    table.add("packages for GPUs", "none", ", ".join(found) or "none", met=not found)


def add_help(table: Table, whorl: Path) -> None:
    """CPU seconds of ``whorl --help``: the least of some runs, after one that fills the caches."""
    if not whorl.is_file():
        print(f"{whorl} is not there: install whorl into this environment", file=sys.stderr)
        return
    seconds = []
    for _ in range(6):
        before = children_seconds()
        run = call([str(whorl), "--help"])
        seconds.append(children_seconds() - before)
        if run.returncode != 0:
            table.add("`whorl --help`", "", f"exit code {run.returncode}", met=False)
            return
    least = min(seconds[1:])
    table.add("`whorl --help`", f"<= {MOST_HELP_SECONDS} CPU s", f"{least:.2f} CPU s", met=least <= MOST_HELP_SECONDS)


def call(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "TERM": "dumb"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def children_seconds() -> float:
    """CPU seconds of all ended child processes."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def megabytes(folder: Path) -> float:
    """Size of all files, links not followed and hard links counted once, in units of 10^6 bytes."""
    seen: dict[tuple[int, int], int] = {}
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        stat = path.stat()
        seen[stat.st_dev, stat.st_ino] = stat.st_size
    return sum(seen.values()) / 1e6


def largest(venv: Path) -> str:
    """The four largest folders of site-packages."""
    (site,) = venv.glob("lib/python*/site-packages")
    sizes = sorted(((megabytes(path), path.name) for path in site.iterdir() if path.is_dir()), reverse=True)
    return ", ".join(f"{name} {size:.0f}" for size, name in sizes[:4])


if __name__ == "__main__":
    raise SystemExit(main())
