"""Open a user's file for reading, or say why not: missing, a folder, too large, empty, binary, and what it looks like."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from whorl.core.errors import PatternError, WhorlError

#: most bytes of a text file that are read unless the caller allows more
MAX_BYTES = 64 * 1024 * 1024
#: bytes that a reader sees when it is asked whether a file is its own
HEAD_BYTES = 16 * 1024

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"PK\x03\x04", "a zip archive (.xlsx, .docx and .npz are zip archives too)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"(\xb5/\xfd", "a zstandard file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"CDF\x01", "a netCDF file"),
    (b"%PDF-", "a document in Adobe's Portable Document Format"),
    (b"\xd0\xcf\x11\xe0", "an old Microsoft Office document"),
    (b"{\\rtf", "a Rich Text document"),
    (b"\x93NUMPY", "a numpy array"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
)

_REMEDIES = {
    "a zip archive (.xlsx, .docx and .npz are zip archives too)": "Unpack it, or save the table as text (CSV).",
    "a gzip file": "Unpack it first (gunzip).",
    "a bzip2 file": "Unpack it first (bunzip2).",
    "an xz file": "Unpack it first (unxz).",
    "an old Microsoft Office document": "Save the table as text (CSV).",
    "a Rich Text document": "Save it as plain text.",
}


def looks_like(head: bytes) -> str:
    r"""Name the binary format that ``head`` begins, empty when it may be text.

    Examples
    --------
    >>> looks_like(b"\x89PNG\r\n\x1a\n....")
    'a PNG picture'
    >>> looks_like(b"0.1 0.2")
    ''
    """
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return ""


def check(path: str | os.PathLike[str], kind: type[WhorlError] = PatternError, *, max_bytes: int | None = None) -> int:
    """Make sure that ``path`` is an ordinary, non-empty file of a bearable size and give its size in bytes.

    Raises
    ------
    WhorlError
        Of the given kind, when it is not.
    """
    where = os.fspath(path)
    try:
        status = Path(path).stat()
    except FileNotFoundError as error:
        raise kind("no such file", where=where, remedy="Check the name and the folder.") from error
    except PermissionError as error:
        raise kind("permission denied", where=where, remedy="Ask for the right to read it (chmod u+r).") from error
    except (OSError, ValueError) as error:
        raise kind(f"the file cannot be opened ({_reason(error)})", where=where, remedy="Check the name.") from error
    if stat.S_ISDIR(status.st_mode):
        raise kind("this is a folder", where=where, remedy="Name the files in it, for instance with folder/*.gr.")
    if not stat.S_ISREG(status.st_mode):
        raise kind("this is not an ordinary file", where=where, remedy="Copy its content to a file first.")
    if status.st_size == 0:
        raise kind("the file is empty", where=where, remedy="Export it again.")
    if max_bytes is not None and status.st_size > max_bytes:
        raise kind(
            f"the file has {status.st_size / 1e6:.1f} MB, more than the limit of {max_bytes / 1e6:.1f} MB",
            where=where,
            remedy=f"If it is meant, pass max_bytes={status.st_size}.",
        )
    return status.st_size


def head_of(path: str | os.PathLike[str], kind: type[WhorlError] = PatternError) -> bytes:
    """Give the first `HEAD_BYTES` bytes of a file."""
    check(path, kind)
    return _load(path, kind, HEAD_BYTES)


def content(path: str | os.PathLike[str], kind: type[WhorlError] = PatternError, *, max_bytes: int = MAX_BYTES) -> bytes:
    """Give all bytes of a file that is no larger than ``max_bytes``."""
    check(path, kind, max_bytes=max_bytes)
    data = _load(path, kind, max_bytes + 1)
    if len(data) > max_bytes:  # it grew since it was measured
        raise kind("the file grows while it is read", where=os.fspath(path), remedy="Wait until it is written.")
    return data


def sha256_of(path: str | os.PathLike[str], kind: type[WhorlError] = PatternError) -> str:
    """Give the SHA-256 of a file's bytes in hexadecimal, reading it in pieces."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise kind(f"the file cannot be read ({_reason(error)})", where=os.fspath(path), remedy="Check the disk.") from error


def refuse_binary(data: bytes, where: str, kind: type[WhorlError] = PatternError) -> None:
    """Raise an error that says what ``data`` looks like when it begins as a known binary format."""
    name = looks_like(data)
    if name:
        remedy = _REMEDIES.get(name, "Give the file that holds the numbers as text.")
        raise kind(f"this is {name}, not text", where=where, remedy=remedy)


def _load(path: str | os.PathLike[str], kind: type[WhorlError], size: int) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            return stream.read(size)
    except PermissionError as error:
        remedy = "Ask for the right to read it (chmod u+r)."
        raise kind("permission denied", where=os.fspath(path), remedy=remedy) from error
    except OSError as error:
        raise kind(f"the file cannot be read ({_reason(error)})", where=os.fspath(path), remedy="Check the disk.") from error


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
