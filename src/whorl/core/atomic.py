"""Files that appear whole or not at all.

The bytes go to a temporary file in the same folder, are flushed to the disk (fsync), and take the final name by one rename,
which POSIX makes atomic. A failure, a full disk or Ctrl-C leaves the old file as it was and nothing beside it.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from whorl.core.errors import WhorlError

_SPACE = "Free some space or choose another place"
_PLACE = "Choose a folder you may write to"

#: errno -> (what is wrong, what to do)
_WORDS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", _SPACE),
    errno.EDQUOT: ("the disk quota is used up", _SPACE),
    errno.EFBIG: ("the file is too large for this disk", _SPACE),
    errno.EACCES: ("no permission to write", _PLACE),
    errno.EPERM: ("no permission to write", _PLACE),
    errno.EROFS: ("the file system is read-only", _PLACE),
    errno.ENOENT: ("the folder does not exist", "Make it first or choose another"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "Choose another path"),
    errno.EISDIR: ("this is a folder", "Name a file in it"),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter one"),
    errno.EIO: ("the disk reports an error", "Check the disk and choose another place"),
}


def write_error(
    error: OSError, path: str | Path, *, kind: type[WhorlError] = WhorlError, instead: str = "", fallback: str = ""
) -> WhorlError:
    """Turn an `OSError` met while writing ``path`` into an error with a remedy.

    Parameters
    ----------
    error : OSError
    path : str or Path
        The file or folder that was to be written.
    kind : type of WhorlError
        Class of the error that is made.
    instead : str
        How another place is named, in brackets after the remedy: ``"--workspace FOLDER"``.
    fallback : str
        Remedy where the kind of failure is not a common one.

    Examples
    --------
    >>> print(write_error(OSError(28, "No space left on device"), "out.csv"))
    out.csv: the disk is full. Free some space or choose another place.
    """
    default = (error.strerror or str(error) or type(error).__name__, fallback or _PLACE)
    what, remedy = _WORDS.get(error.errno or 0, default)
    return kind(what, where=str(path), remedy=f"{remedy} ({instead})." if instead else f"{remedy}.")


def write_atomic(path: str | Path, data: bytes | str, *, kind: type[WhorlError] = WhorlError) -> None:
    r"""Write a whole file at once; text is written as UTF-8 with its line ends unchanged.

    Raises
    ------
    WhorlError
        Of class ``kind``, if the file cannot be written; then an older file of that name is unchanged.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "a.csv")
    ...     write_atomic(path, "r,G\n1,0\n")
    ...     path.read_text()
    'r,G\n1,0\n'
    """
    with atomic(path, kind=kind) as stream:
        stream.write(data.encode() if isinstance(data, str) else data)


@contextmanager
def atomic(
    path: str | Path, mode: str = "wb", *, encoding: str | None = None, kind: type[WhorlError] = WhorlError
) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its name when the block ends well.

    Parameters
    ----------
    path : str or Path
        A link is followed; a device or pipe (``/dev/stdout``) is written straight.
    mode : {"wb", "w"}
    encoding : str, optional
        Of text; UTF-8 by default.
    kind : type of WhorlError
        Class of the error raised when writing fails.

    Raises
    ------
    WhorlError
        Of class ``kind``, if the file cannot be written.
    """
    target = Path(os.path.realpath(path))
    text: dict[str, Any] = {"encoding": encoding or "utf-8", "newline": ""} if "b" not in mode else {}
    temporary = target.with_name(f".whorl-{secrets.token_hex(8)}.tmp")
    try:
        old = _mode(Path(path))
        if old is not None and stat.S_ISDIR(old):
            raise IsADirectoryError(errno.EISDIR, "Is a directory", str(target))
        if old is not None and not stat.S_ISREG(old):
            with Path(path).open(mode, **text) as stream:
                yield stream
            return
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o666)
            with os.fdopen(descriptor, mode, **text) as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            if old is not None:
                temporary.chmod(stat.S_IMODE(old))
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
    except OSError as error:
        if error.filename not in (None, str(target), str(temporary)):
            raise  # the block failed on some other file
        raise write_error(error, path, kind=kind) from error


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to the disk, where the system can."""
    with suppress(OSError):  # some network file systems refuse; the names are then as safe as that system makes them
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
