"""Identify and refine measured PDFs that the diffpy.cmi wheel ships, through the command line that everyone uses.

The files are X-ray measurements that come with *Atomic Pair Distribution Function Analysis: A Primer* (Billinge & Jensen,
Oxford University Press, 2023; files BSD-3-Clause). Answers, tables and pages go to ``demo/``; ``make demo`` installs what is
needed.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

#: name of the copy in demo/data -> file in the examples of diffpy.cmi
MEASURED = {
    "Ni.gr": "ch03NiModelling/data/Ni.gr",
    "Pt-nanoparticles.gr": "ch03NiModelling/data/Pt-nanoparticles.gr",
    "CdSe-bulk.gr": "ch08NPRefinement/data/CdSe-bulk.gr",
    "SrFe2As2_150K.gr": "ch07StructuralPhaseTransitions/data/SrFe2As2_150K.gr",
    "SrFe2As2_246K.gr": "ch07StructuralPhaseTransitions/data/SrFe2As2_246K.gr",
    "SiNi-mixture.gr": "ch05Fit2Phase/data/sini.gr",
}
STRUCTURES = {
    "Ni.cif": "ch03NiModelling/data/Ni.cif",
    "Pt.cif": "ch03NiModelling/data/Pt.cif",
    "Si.cif": "ch05Fit2Phase/data/Si_Fd-3m.cif",
    "CdSe-wurtzite.cif": "ch08NPRefinement/data/CdSe-Wurtzite.cif",
    "CdSe-zincblende.cif": "ch08NPRefinement/data/CdSe-Zincblende.cif",
    "SrFe2As2-tetragonal.cif": "ch07StructuralPhaseTransitions/data/SrFe2As2_tetragonal.cif",
    "SrFe2As2-orthorhombic.cif": "ch07StructuralPhaseTransitions/data/SrFe2As2_orthorhombic.cif",
}

#: what is said before a command, and the command
STEPS = (
    (
        "Which structure? Five measured files against everything whorl knows; it is told only what the files say.",
        "whorl identify {files} --report identify --json identify.jsonl",
    ),
    (
        "The same for one file with a folder of your own CIFs beside the built-in catalogues.",
        "whorl identify data/SrFe2As2_246K.gr --catalogue structures --report own-structures",
    ),
    (
        "How well does nickel fit? Cell, displacements, resolution and scale refined, with uncertainties.",
        "whorl refine data/Ni.gr structures/Ni.cif --range 1.5:20 --report nickel",
    ),
    (
        "A powder mixture of silicon and nickel: two phases at once, and their weight fractions.",
        "whorl refine data/SiNi-mixture.gr structures/Si.cif structures/Ni.cif --range 1.5:30 --report mixture",
    ),
)


def examples() -> Path:
    """Find the example files without importing diffpy."""
    try:
        found = Path(str(distribution("diffpy.cmi").locate_file("diffpy/cmi/docs/examples/pdf")))
    except PackageNotFoundError:
        raise SystemExit("demo: the example data are not installed. Run: make demo, or: pip install 'whorl[demo]'") from None
    if not found.is_dir():
        raise SystemExit(f"demo: no examples in {found}. Install the version of diffpy.cmi that constraints.txt names.")
    return found


def lay_out(folder: Path) -> None:
    """Copy the files of the demo to ``folder/data`` and ``folder/structures``."""
    source = examples()
    for name, files in (("data", MEASURED), ("structures", STRUCTURES)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for copy, original in files.items():
            shutil.copyfile(source / original, folder / name / copy)


def main() -> int:
    """Run the steps; give the exit code of the first that fails, else 0."""
    parser = argparse.ArgumentParser(description="Identify and refine measured example files.")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for data, answers and reports")
    folder = parser.parse_args().out.resolve()
    lay_out(folder)
    environment = os.environ | {"WHORL_HOME": os.environ.get("WHORL_HOME", str(folder / "workspace"))}
    started = time.monotonic()
    for number, (words, pattern) in enumerate(STEPS, start=1):
        command = pattern.format(files=" ".join(f"data/{name}" for name in list(MEASURED)[:5]))
        print(f"\n{number}. {words}\n\n$ {command}\n", flush=True)
        run = [sys.executable, "-m", *shlex.split(command)]
        code = subprocess.run(run, cwd=folder, env=environment, check=False).returncode
        if code:
            print(f"demo: that ended with exit code {code}", file=sys.stderr)
            return code
    pages = sorted(folder.glob("*/*.html"))
    print(f"\nDone in {time.monotonic() - started:.0f} s. Open a report in your browser (they work offline):")
    for page in pages:
        print(f"  {page}")
    print("\nNext, your own data: whorl identify my.gr --elements Pt   (README.md, docs/tutorial.md)")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
