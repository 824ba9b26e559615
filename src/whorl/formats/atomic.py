"""Write a file whole or not at all: into a temporary file beside it, then renamed over the old one."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from whorl.core.errors import PatternError, WhorlError


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], kind: type[WhorlError] = PatternError) -> Iterator[Path]:
    """Give a temporary path in the folder of ``path``; on success it takes its place, on failure it vanishes.

    Raises
    ------
    WhorlError
        Of the given kind, when the folder or the disk does not allow it.

    Examples
    --------
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as scratch:
    ...     _ = scratch.write_text("done")
    >>> [p.name for p in folder.iterdir()]
    ['a.txt']
    """
    target = Path(path)
    if target.is_dir():
        raise kind("this is a folder", where=os.fspath(path), remedy="Give the name of a file in it.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise _failed(path, error, kind) from error
    os.close(handle)
    scratch = Path(name)
    try:
        yield scratch
        with scratch.open("rb") as stream:
            os.fsync(stream.fileno())
        scratch.chmod(_mode(target))
        scratch.replace(target)
    except OSError as error:
        raise _failed(path, error, kind) from error
    finally:
        scratch.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str, kind: type[WhorlError] = PatternError) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path, kind) as scratch:
        scratch.write_text(text, encoding="utf-8", newline="\n")


def _mode(target: Path) -> int:
    """Permissions of the file that is replaced, else what the user's umask gives a new one."""
    try:
        return target.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask


def _failed(path: str | os.PathLike[str], error: OSError, kind: type[WhorlError]) -> WhorlError:
    reason = (error.strerror or str(error)).lower()
    remedy = "Check that the folder exists, that you may write there, and that the disk has room."
    return kind(f"the file cannot be written ({reason})", where=os.fspath(path), remedy=remedy)
