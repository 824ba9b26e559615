"""Curves that the tests of model-free analysis share."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shapes():
    """The module of particles whose curves and sizes are known (`shapes.py` beside this file)."""
    spec = importlib.util.spec_from_file_location("shapes", Path(__file__).parent / "shapes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
