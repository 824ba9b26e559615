"""The tutorial runs: every command and every piece of code, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(bash|python)\n(.*?)^```\n((?:<!-- expect: .*? -->\n)*)", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, list[str]]]:
    """Language, text, and what the output must hold, of each fenced block."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(language, text, re.findall(r"<!-- expect: (.*?) -->", expected)) for language, text, expected in found]


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path):
    steps = blocks(ROOT / "docs" / "tutorial.md")
    assert len(steps) >= 10
    beside = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": beside + os.pathsep + os.environ.get("PATH", ""),
        "WHORL_HOME": str(tmp_path / "home"),
        "PYTHONIOENCODING": "utf-8",
        "OMP_NUM_THREADS": "1",
    }
    for language, text, expected in steps:
        program = (
            ["bash", "-euo", "pipefail", "-c", text] if language == "bash" else [sys.executable, "-W", "error", "-c", text]
        )
        run = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert run.returncode == 0, f"{text}\n{run.stdout}\n{run.stderr}"
        assert "Traceback" not in run.stderr
        for words in expected:
            assert words in run.stdout, f"{text}\nshould print {words!r}:\n{run.stdout}\n{run.stderr}"
    assert (tmp_path / "out" / "dots.html").stat().st_size > 50_000
