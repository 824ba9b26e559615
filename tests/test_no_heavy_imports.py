"""Start-up stays light: `import whorl` and `whorl --help` import nothing that computes or draws."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "numpy",
    "scipy",
    "numba",
    "gemmi",
    "ase",
    "spglib",
    "h5py",
    "matplotlib",
    "pydantic",
    "onnxruntime",
    "xlsxwriter",
    "rich",
)


def _loaded(code: str) -> list[str]:
    script = f"import sys\n{code}\nprint('loaded:', *sorted(set(m.partition('.')[0] for m in sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    last = found.stdout.splitlines()[-1]
    return [name for name in HEAVY if name in last.split()]


@pytest.mark.parametrize(
    "code",
    [
        "import whorl; whorl.__version__; dir(whorl)",
        "import whorl.cli.app",
        "from whorl.cli import main; main(['--help'])",
        "from whorl.cli import main; main(['--version'])",
    ],
)
def test_nothing_heavy_is_imported(code):
    assert _loaded(code) == []


@pytest.mark.parametrize("words", [["identify", "--help"], ["identify", "x.gr", "--range", "3:1"], ["simulate", "--help"]])
def test_commands_import_nothing_heavy_before_they_work(words):
    found = _loaded(f"from whorl.cli import main; main({words})")
    assert set(found) <= {"pydantic"}  # Typer checks numbers with it


def test_errors_and_structures_can_be_named_without_drawing():
    assert _loaded("import whorl; whorl.WhorlError") == []
    assert not {"matplotlib", "numba", "gemmi", "ase"} & set(_loaded("import whorl; whorl.Crystal; whorl.Measurement"))
