"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_workspace(tmp_path_factory, monkeypatch):
    """Keep every test away from the user's own workspace."""
    monkeypatch.setenv("WHORL_HOME", str(tmp_path_factory.mktemp("whorl-home")))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with measured data and known truth, or skip."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("WHORL_DATA", default))
    if not (folder / "MANIFEST.tsv").is_file():
        pytest.skip(f"measured data not found at {folder}: set WHORL_DATA to the folder that holds MANIFEST.tsv")
    return folder
