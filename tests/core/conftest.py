"""Jobs that other processes can import."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.fixture
def jobs(monkeypatch):
    """Module `jobs_of_tests`, under a name that a spawned process finds too (it inherits ``sys.path``)."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("jobs_of_tests")
