"""Where catalogues live: ``$WHORL_HOME`` (default ``~/.whorl``), with ``catalogues/NAME`` and ``cache``."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Give the user's whorl folder; it need not exist."""
    return Path(os.environ.get("WHORL_HOME") or Path.home() / ".whorl").expanduser()


def user_catalogues() -> Path:
    """Give the folder that holds one folder per user catalogue."""
    return home() / "catalogues"


def cache() -> Path:
    """Give the folder of content that can be made again at any time."""
    return home() / "cache"
