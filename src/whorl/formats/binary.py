"""Fields of a binary file by their offsets; what lies beyond its end is a clear error."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError

#: no scan of a diffractometer has more points
MOST_POINTS = 10_000_000


@dataclass(frozen=True)
class Fields:
    """The bytes of a file (little endian) and its name for errors."""

    data: bytes
    path: str

    def _need(self, at: int, size: int) -> None:
        if at < 0 or at + size > len(self.data):
            raise PatternError(
                f"the file ends at byte {len(self.data)} where {size} bytes at {at} are needed",
                where=self.path,
                remedy="The file is cut off or damaged: copy it again from the instrument.",
            )

    def _one(self, form: str, at: int) -> Any:
        self._need(at, struct.calcsize(form))
        return struct.unpack_from(form, self.data, at)[0]

    def u16(self, at: int) -> int:
        """Unsigned integer of two bytes."""
        return int(self._one("<H", at))

    def u32(self, at: int) -> int:
        """Unsigned integer of four bytes."""
        return int(self._one("<I", at))

    def f32(self, at: int) -> float:
        """Number of four bytes with the digits that these hold, 0 when it is not finite."""
        value = np.float32(self._one("<f", at))
        return float(str(value)) if np.isfinite(value) else 0.0

    def f64(self, at: int) -> float:
        """Number of eight bytes, 0 when it is not finite."""
        value = float(self._one("<d", at))
        return value if np.isfinite(value) else 0.0

    def text(self, at: int, size: int) -> str:
        """Text up to the first NUL, without white space around it."""
        self._need(at, size)
        raw = self.data[at : at + size].split(b"\x00")[0]
        try:
            return raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            return raw.decode("latin-1").strip()

    def array(self, at: int, count: int, kind: str = "<f4", stride: int = 4) -> NDArray[np.float64]:
        """``count`` numbers, one every ``stride`` bytes.

        Raises
        ------
        PatternError
            If the file ends before.
        """
        if count > MOST_POINTS:
            raise PatternError(f"a scan of {count} points", where=self.path, remedy="The file is damaged: copy it again.")
        self._need(at, count * stride)
        form = np.dtype({"names": ["v"], "formats": [kind], "offsets": [0], "itemsize": stride})
        return np.frombuffer(self.data, form, count, at)["v"].astype(np.float64)


def tube(first: float, second: float, ratio: float, anode: str, mean: float = 0.0) -> dict[str, Any]:
    """Settings of an X-ray tube from what a binary header states of it; zeros are nothing stated.

    Examples
    --------
    >>> tube(1.5406, 1.54439, 0.5, "Cu")
    {'radiation': 'x-ray', 'wavelength': 1.5406, 'wavelength2': 1.54439, 'line_ratio': 0.5, 'anode': 'Cu', 'source': 'lab'}
    >>> tube(0.0, 0.0, 0.0, "")
    {}
    """
    found: dict[str, Any] = {}
    wavelength = next((round(value, 7) for value in (first, mean) if 0.05 < value < 20), None)
    if wavelength is not None:
        found = {"radiation": "x-ray", "wavelength": wavelength}
        if 0 < abs(second / wavelength - 1) < 0.02:
            found["wavelength2"] = round(second, 7)
            if 0.05 < ratio <= 1:
                found["line_ratio"] = round(ratio, 6)
    if anode[:2].isalpha() and anode[:1].isupper() and len(anode) <= 2:
        found |= {"radiation": "x-ray", "anode": anode, "source": "lab"}
    return found
