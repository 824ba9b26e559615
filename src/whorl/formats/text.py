"""Bytes to lines of text: byte-order marks, UTF-16 without one, latin-1, all three ends of line, and what is no text."""

from __future__ import annotations

import re

from whorl.core.errors import PatternError, WhorlError
from whorl.formats.files import refuse_binary

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
#: control characters that never stand in text (tab, newlines, form feed and the DOS end of file left out)
_CONTROL = bytes(set(range(32)) - {9, 10, 11, 12, 13, 26})


def lines_of(data: bytes, where: str, kind: type[WhorlError] = PatternError) -> list[str]:
    r"""Decode ``data`` and split it at the ends of lines (``\n``, ``\r\n``, ``\r``).

    Raises
    ------
    WhorlError
        Of the given kind, when the bytes are no text.

    Examples
    --------
    >>> lines_of("\ufeff1 2\r\n3 4".encode("utf-8"), "a.gr")
    ['1 2', '3 4']
    """
    text = decode(data, where, kind)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.rstrip("\x1a").split("\n")


def decode(data: bytes, where: str, kind: type[WhorlError] = PatternError) -> str:
    """Decode text of an unstated encoding; bytes that are no UTF-8 are latin-1, or Windows-1251 where that makes words.

    Raises
    ------
    WhorlError
        Of the given kind, when the bytes are no text.
    """
    refuse_binary(data, where, kind)
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _strict(data[len(mark) :], encoding, where, kind)
    if b"\x00" in data:
        encoding = _utf16_without_mark(data)
        if encoding:
            return _strict(data, encoding, where, kind)
        at = data.index(b"\x00")
        if at and not data[at:].strip(b"\x00"):
            line = data.count(b"\n", 0, at) + 1
            raise kind(
                "the rest of the file is NUL bytes, as after a crash while it was written",
                where=f"{where}, line {line}",
                remedy="Export it again.",
            )
        raise kind("binary data, not text", where=where, remedy="Give the file that holds the numbers as text.")
    sample = data[:65536]
    if len(sample) - len(sample.translate(None, _CONTROL)) > 0.02 * len(sample):
        raise kind("binary data, not text", where=where, remedy="Give the file that holds the numbers as text.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(_single_byte(data))


def _single_byte(data: bytes) -> str:
    """Tell Cyrillic text of Windows (words of letters that latin-1 has as accented ones) from latin-1."""
    words = re.findall(rb"[\xa5\xa8\xaa\xaf\xb2\xb3\xb4\xb8\xba\xbf-\xff]{4,}", data[:65536])
    return "cp1251" if words and b"\x98" not in data else "latin-1"


def _strict(data: bytes, encoding: str, where: str, kind: type[WhorlError]) -> str:
    if encoding.startswith("utf-16") and len(data) % 2:
        data = data[:-1]  # a lone last byte of a truncated or carelessly appended file
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            return data.decode("latin-1")
        raise kind(f"broken {encoding.upper()} text", where=where, remedy="Save it again as UTF-8.") from error


def _utf16_without_mark(data: bytes) -> str:
    """Recognise mostly-ASCII UTF-16 by every second byte being zero."""
    sample = data[:4096]
    half = len(sample) // 2
    if half < 4:
        return ""
    if sample[1::2].count(0) > 0.9 * half and sample[::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if sample[::2].count(0) > 0.9 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return ""
