"""Writing files so that nothing half-written is ever seen, and names that are safe on every file system."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from pathlib import Path

from whorl.core.errors import WhorlError


def write_whole(path: Path, text: str) -> Path:
    """Write a text file at once or not at all.

    Raises
    ------
    WhorlError
        If the folder cannot be written or the disk is full; nothing is left behind.

    Examples
    --------
    >>> import tempfile
    >>> write_whole(Path(tempfile.mkdtemp()) / "a.txt", "x").read_text()
    'x'
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
                stream.write(text)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as reason:
        raise cannot_write(path, reason) from reason
    return path


def cannot_write(path: Path, reason: OSError) -> WhorlError:
    """Say why a file cannot be written and what helps."""
    return WhorlError(
        f"cannot be written ({reason.strerror or reason})",
        where=str(path),
        remedy="Choose a folder with space that you may write to.",
    )


def safe_stem(name: str) -> str:
    """Make a file name of any text: letters, digits, dot, dash and underscore, at most 80 characters.

    Examples
    --------
    >>> safe_stem("../a b/Pt (fcc)"), safe_stem("<script>"), safe_stem("")
    ('a_b_Pt_fcc', 'script', 'unnamed')
    """
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9.\-]+", "_", ascii_text).strip("._-")[:80] or "unnamed"
