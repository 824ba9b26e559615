"""What a file format must offer: the two reader protocols and what a structure reader gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from whorl.core.hypothesis import Cluster, Crystal
from whorl.core.measurement import Measurement


class MeasurementReader(Protocol):
    """Reads one format of measured data.

    ``sniff`` gives a score from 0 (not mine) to 1 (certainly mine); the highest of all readers reads the file. It sees the
    first bytes only, never raises and never opens the file.
    """

    @property
    def key(self) -> str:
        """Name of the format, as in ``read(path, format=key)``."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Usual ends of file names, with the dot, lower case."""
        ...

    def sniff(self, head: bytes, path: Path) -> float:
        """Say how sure the reader is that the file is its own, 0 to 1."""
        ...

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int) -> Measurement:
        """Read the file.

        Raises
        ------
        PatternError
            If it cannot be read; names file, line and remedy.
        """
        ...


@runtime_checkable
class SteeredReader(MeasurementReader, Protocol):
    """A reader that follows settings of the reading (`whorl.formats.steering`)."""

    @property
    def steered_by(self) -> tuple[str, ...]:
        """Names of the settings that it follows."""
        ...

    def read(
        self,
        path: str,
        *,
        kind: str | None = None,
        sort: bool = False,
        max_bytes: int,
        settings: Mapping[str, Any] | None = None,
    ) -> Measurement:
        """Read the file.

        Raises
        ------
        PatternError
            If it cannot be read; names file, line and remedy.
        UsageError
            If a setting means nothing for the file.
        """
        ...


@dataclass(frozen=True)
class StructureFile:
    """A structure and what the reader had to decide, in words."""

    structure: Crystal | Cluster
    notes: tuple[str, ...] = ()


class StructureReader(Protocol):
    """Reads one format of structures. ``sniff`` as in `MeasurementReader`."""

    @property
    def key(self) -> str:
        """Name of the format."""
        ...

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Usual ends of file names, with the dot, lower case."""
        ...

    def sniff(self, head: bytes, path: Path) -> float:
        """Say how sure the reader is that the file is its own, 0 to 1."""
        ...

    def read(self, path: str, *, max_bytes: int) -> StructureFile:
        """Read the first structure of the file.

        Raises
        ------
        StructureError
            If it cannot be read; names file, line and remedy.
        """
        ...
