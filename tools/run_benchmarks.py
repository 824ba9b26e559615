"""Run the scripts of ``benchmarks/`` one after the other, show their tables and say which bars were missed.

``python tools/run_benchmarks.py [--quick] [--json FOLDER] [NAME...]``
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def scripts() -> list[Path]:
    """List the benchmarks: every script in ``benchmarks/`` whose name does not begin with an underscore."""
    return sorted(path for path in (ROOT / "benchmarks").glob("*.py") if not path.name.startswith("_"))


def main() -> int:
    """Run them; give the number of scripts that failed or missed a bar, 255 at most."""
    parser = argparse.ArgumentParser(description="Run the benchmarks and print their tables.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scripts to run (all by default)")
    parser.add_argument("--quick", action="store_true", help="a smoke test: fewer repeats, smaller sets")
    parser.add_argument("--json", type=Path, metavar="FOLDER", help="write one JSON file per script into FOLDER")
    options = parser.parse_args()
    known = {path.stem: path for path in scripts()}
    wanted = [Path(name).stem for name in options.names] or list(known)
    if unknown := [name for name in wanted if name not in known]:
        parser.error(f"no such benchmark: {', '.join(unknown)} (there are: {', '.join(known)})")
    if options.json:
        options.json.mkdir(parents=True, exist_ok=True)
    missed = []
    for name in wanted:
        command = [sys.executable, str(known[name])]
        command += ["--quick"] if options.quick else []
        command += ["--json", str(options.json / f"{name}.json")] if options.json else []
        started = time.monotonic()
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        print(f"[{name}: {time.monotonic() - started:.0f} s, exit code {code}]", flush=True)
        missed += [name] if code else []
    print(f"\n{len(wanted)} benchmarks, missed or failed: {', '.join(missed) or 'none'}")
    return min(len(missed), 255)


if __name__ == "__main__":
    raise SystemExit(main())
