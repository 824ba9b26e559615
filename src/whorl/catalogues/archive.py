"""Archives read as streams: nothing is ever written to disk, and no entry of an archive can do more than be refused.

Names that would leave the place they are unpacked to (``..``, absolute paths, drive letters), links and devices are refused one
by one. Sizes are counted while bytes come out, whatever the archive declares: of one entry, of the whole archive, and in
relation to the compressed bytes, which stops archives made to swell (overlapping entries too). Archives inside are not opened.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_CHUNK = 64 * 1024
#: bytes of tar headers between two entries; a header that declares more is not read into memory
_HEADER_BYTES = 1 << 20
#: memory an xz stream may ask for
_XZ_MEMORY = 256 << 20
_LONGEST_NAME = 1024
#: an archive may hold this many entries that swell without harm
_MANY = 64
_NESTED = (".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")
_STORED_OR_DEFLATED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


@dataclass(frozen=True)
class Limits:
    """What an archive may hold.

    Parameters
    ----------
    entry_bytes : int
        Of one entry, uncompressed.
    total_bytes : int
        Of all entries together, uncompressed.
    ratio : float
        Uncompressed over compressed bytes; text compresses 3 to 20 times.
    free_bytes : int
        Uncompressed bytes of an entry for which the ratio does not count; of a whole archive, 64 times as many.
    entries : int
    """

    entry_bytes: int = 64 << 20
    total_bytes: int = 64 << 30
    ratio: float = 150.0
    free_bytes: int = 1 << 20
    entries: int = 2_000_000


@dataclass(frozen=True)
class Piece:
    """A file of a source: its content, or why it was refused; neither for a file of another kind, which is left alone."""

    name: str
    data: bytes | None = None
    reason: str = ""


class TooMuchError(Exception):
    """An archive that passes its limits; the text says which."""


def refusal(name: str) -> str:
    r"""Say why a name in an archive is refused; empty when it is fine.

    Examples
    --------
    >>> refusal("1/00/1000041.cif")
    ''
    >>> refusal("../../.ssh/authorized_keys"), refusal("C:\\Windows\\a.cif")
    ('its name leads out of the archive (..)', 'its name is an absolute path')
    """
    if len(name) > _LONGEST_NAME:
        return "its name is too long"
    if any(ord(c) < 32 for c in name):
        return "its name holds control characters"
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return "its name is an absolute path"
    return "its name leads out of the archive (..)" if ".." in re.split(r"[/\\]", name) else ""


def nested(name: str) -> str:
    """Say that an archive inside is not opened; empty for other names."""
    return "an archive inside is not opened; unpack it, or import it by itself" if name.lower().endswith(_NESTED) else ""


class _Meter:
    """Counts what comes out of an archive of ``size`` bytes."""

    def __init__(self, limits: Limits, size: int) -> None:
        self.limits = limits
        self.size = size
        self.total = 0

    def entry(self, number: int) -> None:
        """Note that an entry begins, counted from 0."""
        if number >= self.limits.entries:
            raise TooMuchError(f"it holds more than {self.limits.entries} entries")

    def add(self, count: int, used: int) -> None:
        """Note uncompressed bytes, of ``used`` compressed ones so far."""
        self.total += count
        if self.total > self.limits.total_bytes:
            raise TooMuchError(f"it holds more than {self.limits.total_bytes >> 20} MB")
        if self.total > max(_MANY * self.limits.free_bytes, self.limits.ratio * used):
            raise TooMuchError(f"it swells more than {self.limits.ratio:g} times when it is unpacked")


def _content(stream: IO[bytes], limits: Limits, compressed: Callable[[int], int]) -> tuple[bytes, str]:
    """Read an entry to its end or its limit; give what was read, and why it is refused.

    ``compressed`` takes the bytes that came out since it was asked before, and gives those that went in for the entry so far.
    """
    parts: list[bytes] = []
    count = 0
    while data := stream.read(_CHUNK):
        count += len(data)
        if count > limits.entry_bytes:
            return b"", f"it is larger than {limits.entry_bytes >> 20} MB"
        if count > max(limits.free_bytes, limits.ratio * compressed(len(data))):
            return b"", f"it swells more than {limits.ratio:g} times when it is unpacked"
        parts.append(data)
    return b"".join(parts), ""


def read_zip(path: Path, wanted: Callable[[str], bool], limits: Limits) -> Iterator[Piece]:
    """Give the files of a zip archive one by one.

    Parameters
    ----------
    path : Path
    wanted : callable
        Says of a name whether its content is asked for.
    limits : Limits

    Yields
    ------
    Piece
        The last one names the archive itself where it could not be read to its end.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            meter = _Meter(limits, path.stat().st_size)
            members = archive.infolist()
            for number, member in enumerate(members):
                meter.entry(number)
                if not member.is_dir():
                    yield _from_zip(archive, member, wanted, meter)
    except (TooMuchError, zipfile.BadZipFile, OSError, EOFError, ValueError, NotImplementedError) as error:
        yield Piece(path.name, reason=f"the archive was not read to its end: {error}")


def _from_zip(archive: zipfile.ZipFile, member: zipfile.ZipInfo, wanted: Callable[[str], bool], meter: _Meter) -> Piece:
    name = _printable(member.orig_filename)
    mode = member.external_attr >> 16
    reason = refusal(member.orig_filename)
    if not reason and mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        reason = "it is a link, not a file" if stat.S_ISLNK(mode) else "it is no plain file"
    reason = reason or nested(name)
    if reason or not wanted(name):
        return Piece(name, reason=reason)
    if member.flag_bits & 1:
        return Piece(name, reason="it is encrypted")
    if member.compress_type not in _STORED_OR_DEFLATED:
        return Piece(name, reason="its kind of compression is not read; pack it again with deflate")

    def compressed(count: int) -> int:
        meter.add(count, meter.size)
        return member.compress_size

    try:
        with archive.open(member) as stream:
            data, reason = _content(stream, meter.limits, compressed)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        return Piece(name, reason=f"damaged in the archive ({error})")
    return Piece(name, reason=reason) if reason else Piece(name, data)


def read_tar(path: Path, wanted: Callable[[str], bool], limits: Limits) -> Iterator[Piece]:
    """Give the files of a tar archive one by one, compressed by gzip, bzip2, xz or not at all (see `read_zip`)."""
    try:
        with path.open("rb") as raw, closing(unpacked(raw)) as stream:
            guarded = _Guarded(stream, raw, _Meter(limits, path.stat().st_size))
            with tarfile.open(fileobj=guarded, mode="r|", errors="surrogateescape") as archive:
                yield from _from_tar(archive, guarded, wanted)
    except (TooMuchError, tarfile.TarError, OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
        yield Piece(path.name, reason=f"the archive was not read to its end: {error}")


def _from_tar(archive: tarfile.TarFile, guarded: _Guarded, wanted: Callable[[str], bool]) -> Iterator[Piece]:
    count = 0
    while True:
        guarded.header = _HEADER_BYTES
        member = archive.next()
        guarded.header = None
        if member is None:
            return
        archive.members = []  # type: ignore[attr-defined]  # the library would keep every header
        guarded.meter.entry(count)
        count += 1
        if member.isdir():
            continue
        name = _printable(member.name)
        reason = refusal(member.name)
        if not reason and not (member.isreg() and not member.issparse()):
            reason = "it is a link, not a file" if member.issym() or member.islnk() else "it is no plain file"
        if member.isreg() and not member.issparse():
            stream = archive.extractfile(member)
            assert stream is not None
            reason = reason or nested(name)
            if reason or not wanted(name):
                _skip(stream)
                yield Piece(name, reason=reason)
                continue
            start = guarded.raw.tell()
            data, reason = _content(stream, guarded.meter.limits, lambda _: guarded.raw.tell() - start + _CHUNK)  # noqa: B023
            _skip(stream)
            yield Piece(name, reason=reason) if reason else Piece(name, data)
        else:
            yield Piece(name, reason=reason)


def _skip(stream: IO[bytes]) -> None:
    while stream.read(_CHUNK):
        pass


class _Guarded(io.RawIOBase):
    """The uncompressed bytes of a tar archive, counted; ``header`` limits those of headers, which stay in memory."""

    def __init__(self, stream: IO[bytes], raw: IO[bytes], meter: _Meter) -> None:
        self.stream = stream
        self.raw = raw
        self.meter = meter
        self.header: int | None = _HEADER_BYTES  # the library reads the first header when it opens the archive

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(_CHUNK if size < 0 else min(size, _CHUNK))
        self.meter.add(len(data), self.raw.tell())
        if self.header is not None:
            self.header -= len(data)
            if self.header < 0:
                raise TooMuchError("a header in it is too large")
        return data


def unpacked(raw: IO[bytes]) -> IO[bytes]:
    """Give the content of a file that may be compressed by gzip, bzip2 or xz, as a stream that never holds much of it."""
    head = raw.read(6)
    raw.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
    if head.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if head.startswith(b"\xfd7zXZ\x00"):
        return io.BufferedReader(_Xz(raw))  # type: ignore[type-var]
    return raw


class _Xz(io.RawIOBase):
    """An xz stream with a limit on the memory that it may ask for (the library's own file has none)."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw = raw
        self.engine = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        data = b""
        while not data:
            if self.engine.eof:
                rest = self.engine.unused_data.lstrip(b"\0") or self.raw.read(_CHUNK).lstrip(b"\0")
                if not rest:
                    return 0
                self.engine = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
                data = self.engine.decompress(rest, len(buffer))
            else:
                fresh = self.raw.read(_CHUNK) if self.engine.needs_input else b""
                if not fresh and self.engine.needs_input:
                    raise EOFError("the xz stream ends early")
                data = self.engine.decompress(fresh, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _printable(name: str) -> str:
    """Give a name as text that can be stored and shown."""
    text = name.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)[:_LONGEST_NAME]
