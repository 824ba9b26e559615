"""What a batch works on: one item per file, or per frame of a file that holds a series (``file#3``)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from whorl.core.errors import PatternError, WhorlError
from whorl.core.measurement import Measurement
from whorl.core.provenance import sha256_file
from whorl.formats import read
from whorl.formats.steering import steering

_HDF5 = b"\x89HDF\r\n\x1a\n"
_CANSAS = b"SASroot"


@dataclass(frozen=True)
class Item:
    """One curve to work on.

    Parameters
    ----------
    path : str
    frame : int, optional
        Of a series; ``None`` for a file of one curve.
    sha256 : str
        Of the file; empty when it cannot be read, which the task then reports.
    frames : int
        Number of frames of the file.
    """

    path: str
    frame: int | None = None
    sha256: str = ""
    frames: int = 1

    @property
    def name(self) -> str:
        """Path, with the frame behind it where there is one."""
        return self.path if self.frame is None else f"{self.path}#{self.frame}"


def list_items(files: Sequence[str | os.PathLike[str]]) -> list[Item]:
    """List what the files hold: one item for a curve, one per frame for a series. A file named twice counts once.

    Parameters
    ----------
    files : sequence of path
        ``"series.nxs#3"`` names one frame.

    Returns
    -------
    list of Item
        In the order given. A file that cannot be opened is an item too: its task says why.
    """
    found: dict[str, Item] = {}
    for file in files:
        for item in _items_of(os.fspath(file)):
            found.setdefault(item.name, item)
    return list(found.values())


def _items_of(file: str) -> list[Item]:
    path, frame = split_frame(file)
    try:
        digest = sha256_file(path)
        frames = count_frames(path)
    except WhorlError:
        return [Item(path, frame)]
    if frame is not None:
        return [Item(path, frame, digest, frames)]
    if frames == 1:
        return [Item(path, None, digest)]
    return [Item(path, number, digest, frames) for number in range(frames)]


def split_frame(file: str) -> tuple[str, int | None]:
    """Part a name into path and frame; a file whose own name ends so is a file.

    Examples
    --------
    >>> split_frame("series.nxs#12"), split_frame("a.gr")
    (('series.nxs', 12), ('a.gr', None))
    """
    base, mark, number = file.rpartition("#")
    if mark and base and number.isdecimal() and not Path(file).exists():
        return base, int(number)
    return file, None


def count_frames(path: str) -> int:
    """Count the frames of a file; only HDF5 and canSAS files are looked into, for reading others twice costs too much."""
    try:
        with Path(path).open("rb") as stream:
            head = stream.read(1024)
    except OSError as error:
        raise PatternError(f"the file cannot be read ({error.strerror})", where=path, remedy="Check the path.") from error
    return _read(path, _stamp(path)).frames if head.startswith(_HDF5) or _CANSAS in head else 1


def load(
    item: Item,
    *,
    kind: str | None = None,
    source: str | Path | None = None,
    format: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Measurement:
    """Read the measurement of an item, one frame.

    Parameters
    ----------
    item : Item
    kind, format : str, optional
        As for `whorl.formats.read`.
    source : path, optional
        Where its bytes are now, when not under its own name.
    settings : mapping, optional
        Those that steer the reading are followed (`whorl.formats.steering`); others are for the instrument.

    Raises
    ------
    PatternError
        If it cannot be read, or is not the file that was listed any more.
    """
    at = str(item.path if source is None else source)
    measurement = _read(at, _stamp(at), kind, format, tuple(sorted(steering(settings).items())))
    if item.sha256 and measurement.sha256 and measurement.sha256 != item.sha256:
        raise PatternError(
            "the file changed while it was worked on", where=item.path, remedy="Wait until it is written, then run again."
        )
    return replace(measurement.frame(item.frame or 0), path=item.name)


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=2)  # the frames of a series follow each other
def _read(
    path: str,
    stamp: tuple[int, int],
    kind: str | None = None,
    format: str | None = None,
    settings: tuple[tuple[str, Any], ...] = (),
) -> Measurement:
    del stamp
    return read(path, kind=kind, format=format, settings=dict(settings))
