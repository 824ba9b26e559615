"""What the tests of the physics share: reference curves, and property tests that draw the same cases every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# no deadline: the first call of a kernel compiles it
settings.register_profile("seeded", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("seeded")


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict[str, Any]]:
    """Give a file of `data`: settings and structure as they are, lists of numbers as arrays."""

    def load(name: str) -> dict[str, Any]:
        text = (Path(__file__).parent / "data" / f"{name}.json").read_text(encoding="utf-8")
        raw: dict[str, Any] = json.loads(text)
        curves = {k: np.array(raw[k]) for k in ("r", "g", "g_no_termination", "q", "i", "s", "f", "positions") if k in raw}
        return raw | curves

    return load
