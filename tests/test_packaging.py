"""What is shipped: the wheel's content, its metadata, and what must never be in the repository."""

from __future__ import annotations

import ast
import email
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import whorl

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
#: these two pass jobs and results between whorl's own processes through a pipe; nothing is read from a file or a network
PROCESSES = {"process_pool.py", "process_worker.py"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


#: tables of constants that are stored as arrays
TABLES = {"whorl/physics/data/anomalous.npz"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, the build tool, is not installed: pip install -c constraints.txt hatchling")
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


def tracked() -> list[Path]:
    """Files under version control; all text that a clone shows."""
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if run.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in run.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_the_wheel_holds_every_source_and_data_file(wheel):
    shipped = {name for name in wheel.namelist() if name.startswith("whorl/")}
    kinds = {".py", ".pyi", ".json", ".toml", ".css", ".typed", ".onnx"}
    wanted = {p.relative_to(ROOT / "src").as_posix() for p in (ROOT / "src" / "whorl").rglob("*") if p.suffix in kinds}
    wanted |= {"whorl/py.typed"}
    assert wanted <= shipped, wanted - shipped
    assert any(name.startswith("whorl/catalogues/data/") for name in shipped)
    assert "whorl/trust/data/pdf.json" in shipped


def test_the_wheel_holds_nothing_else(wheel):
    suspicious = re.compile(r"(^|/)(tests?|benchmarks|docs)/|\.(gr|cif|xyz|fgr|h5|nxs|npy|npz|pkl|joblib|nbi|nbc|pyc)$")
    assert [name for name in wheel.namelist() if suspicious.search(name) and name not in TABLES] == []
    assert set(wheel.namelist()) >= TABLES
    # 10 MB of it are the trained models that are shipped, and elemental tables
    assert sum(entry.file_size for entry in wheel.infolist()) < 20_000_000


def test_metadata(wheel):
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = email.message_from_string(wheel.read(name).decode())
    assert metadata["Name"] == "whorl"
    assert metadata["Version"] == whorl.__version__
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    base = [r for r in metadata.get_all("Requires-Dist") if "extra ==" not in r]
    assert not [r for r in base if re.match(r"(torch|tensorflow|jax|cupy|nvidia|xgboost|diffpy|pandas|scikit)", r)]
    points = wheel.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert "whorl = whorl.cli:main" in points
    assert any("LICENSE" in n for n in wheel.namelist())


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.relative_to(ROOT / "src").as_posix())
def test_no_source_imports_what_runs_code_from_data(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    allowed = {"pickle"} if path.parent.name == "core" and path.name in PROCESSES else set()
    assert not names & FORBIDDEN_MODULES - allowed
    allowing = [k for node in ast.walk(tree) if isinstance(node, ast.Call) for k in node.keywords if k.arg == "allow_pickle"]
    assert all(isinstance(k.value, ast.Constant) and k.value.value is False for k in allowing)


def test_no_file_names_a_path_of_the_machine_it_was_written_on():
    # assembled, so that this file does not match itself
    private = re.compile(
        r"/(?:home|Users)/(?!\.\.\.)[a-z][\w.-]*/|/" + r"work/(?:main|shared)|/" + r"root/|/opt/" + r"pypi|pyenv/" + "versions"
    )
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in private.finditer(text)]
    assert found == []


def test_no_measured_file_is_committed():
    measured = {".gr", ".fgr", ".cgr", ".dgr", ".sq", ".fq", ".iq", ".chi", ".xye", ".nxs", ".h5"}
    assert [p.name for p in tracked() if p.suffix.lower() in measured] == []


def test_constraints_pin_every_direct_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.!+]+", line) for line in lines)
    pinned = {plain(line.split("==")[0]) for line in lines}
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(line for extra in ("demo", "docs", "dev", "train") for line in extras[extra])]
    wanted += ["hatchling", "editables"]
    names = {plain(re.split(r"[\[<>=!~ ;]", requirement)[0]) for requirement in wanted} - {"whorl"}
    assert names <= pinned, names - pinned


def plain(name: str) -> str:
    """Name of a distribution in its one normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_version_is_stated_once():
    assert re.fullmatch(r"\d+\.\d+\.\d+", whorl.__version__)
    change_log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {whorl.__version__}" in change_log
