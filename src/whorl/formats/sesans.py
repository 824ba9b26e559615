"""SESANS (``.ses``): depolarisation over spin-echo length is no intensity over q, and is refused by name.

What is measured is a projection of the correlation function, its Hankel transform (Andersson et al., J. Appl. Cryst. 41, 868
(2008), doi:10.1107/S0021889808026770).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files


@dataclass(frozen=True)
class Sesans:
    """Recognises SESANS, to say what it is."""

    key: str = "sesans"
    suffixes: tuple[str, ...] = (".ses", ".sesans")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the name of the axis."""
        del path
        low = head.lower()
        return (
            0.99 if b"spinecholength" in low and b"depolarisation" in low.replace(b"depolarization", b"depolarisation") else 0.0
        )

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Refuse the file.

        Raises
        ------
        PatternError
            Always.
        """
        del kind, sort
        files.content(path, max_bytes=max_bytes)
        raise PatternError(
            "this is SESANS: depolarisation over spin-echo length, not an intensity over q",
            where=path,
            remedy="Fit it with a program that has the Hankel transform, or give the SANS or SAXS curve of the sample.",
        )


READER = Sesans()
