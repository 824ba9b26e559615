"""The command line called in this process."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Called:
    """Exit code and what was written."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict]:
        """Objects of ``--json -``."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def whorl(capsys):
    """Function that runs the command line and gives what came of it."""
    from whorl.cli import main

    def call(*words: object) -> Called:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Called(code, captured.out, captured.err)

    return call


@pytest.fixture
def little(four_cifs):
    """Options that search four structures only."""
    return ("--catalogue", four_cifs, "--only")
