"""Members of a zip archive of a stranger, read in memory and within bounds: nothing is unpacked, nothing may explode."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass

from whorl.core.errors import PatternError

_MOST_MEMBERS = 20_000
_REMEDY = "Export it again, or unpack it and give the scan as .xy."


@dataclass
class Box:
    """An archive whose members may hold ``max_bytes`` bytes together.

    Examples
    --------
    >>> stream = io.BytesIO()
    >>> with zipfile.ZipFile(stream, "w") as archive:
    ...     archive.writestr("Data0/Profile0.txt", "10 5")
    >>> box = Box.of(stream.getvalue(), "a.rasx", 1000)
    >>> box.names, box.read("Data0/Profile0.txt")
    (['Data0/Profile0.txt'], b'10 5')
    """

    archive: zipfile.ZipFile
    where: str
    left: int

    @classmethod
    def of(cls, data: bytes, where: str, max_bytes: int) -> Box:
        """Open an archive.

        Raises
        ------
        PatternError
            If it is none, or is cut off.
        """
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
            raise PatternError(
                f"no readable zip archive ({error})", where=where, remedy="The file may be cut off: copy or export it again."
            ) from error
        if len(archive.namelist()) > _MOST_MEMBERS:
            raise PatternError(f"an archive of {len(archive.namelist())} members", where=where, remedy=_REMEDY)
        return cls(archive, where, max_bytes)

    @property
    def names(self) -> list[str]:
        """Names of the members."""
        return self.archive.namelist()

    def read(self, name: str) -> bytes:
        """Give the bytes of a member.

        Raises
        ------
        PatternError
            If it is larger than what is left to read, damaged or encrypted.
        """
        place = f"{self.where}, {name}"
        declared = self.archive.getinfo(name).file_size
        if declared > self.left:
            raise PatternError(
                f"the archive unpacks to more than {(self.left) / 1e6:.1f} MB",
                where=place,
                remedy="If it is meant, pass a larger max_bytes.",
            )
        try:
            with self.archive.open(name) as stream:
                data = stream.read(self.left + 1)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError) as error:
            raise PatternError(f"the member cannot be unpacked ({error})", where=place, remedy=_REMEDY) from error
        if len(data) > self.left:
            raise PatternError(f"the archive unpacks to more than {self.left / 1e6:.1f} MB", where=place, remedy=_REMEDY)
        self.left -= len(data)
        return data
