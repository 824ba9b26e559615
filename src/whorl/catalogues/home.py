"""Where catalogues live: ``$WHORL_HOME`` (default ``~/.whorl``), with ``catalogues/NAME`` and ``cache``."""

from __future__ import annotations

import os
from pathlib import Path

_INDEX = "-index-"


def home() -> Path:
    """Give the user's whorl folder; it need not exist."""
    return Path(os.environ.get("WHORL_HOME") or Path.home() / ".whorl").expanduser()


def user_catalogues() -> Path:
    """Give the folder that holds one folder per user catalogue."""
    return home() / "catalogues"


def cache() -> Path:
    """Give the folder of content that can be made again at any time."""
    return home() / "cache"


def index_file(technique: str, catalogue: str) -> Path:
    """Give the file that holds what a technique keeps of a catalogue for retrieval.

    Examples
    --------
    >>> index_file("pdf", "my oxides").name
    'pdf-index-my_oxides.npz'
    """
    return cache() / f"{technique}{_INDEX}{_plain(catalogue)}.npz"


def index_files(catalogue: str) -> list[Path]:
    """Give the files that exist of `index_file`, for whichever technique."""
    if not cache().is_dir():
        return []
    return [p for p in cache().iterdir() if p.name.partition(_INDEX)[2] == f"{_plain(catalogue)}.npz"]


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
