"""JSON of the opXRD database: ``two_theta_values`` and ``intensities`` with a label of wavelengths and temperature.

Hollarek et al., opXRD: Open Experimental Powder X-ray Diffraction Database (2025), arXiv:2503.05577.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import files
from whorl.formats.binary import tube
from whorl.formats.powder import Scan, Source, measurement_of, refuse_kind
from whorl.formats.text import decode
from whorl.formats.xmltree import number


@dataclass(frozen=True)
class OpXrd:
    """The reader of opXRD's patterns."""

    key: str = "opxrd"
    suffixes: tuple[str, ...] = (".json",)

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the name of the angles in a JSON object."""
        del path
        return 0.95 if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and b'"two_theta_values"' in head else 0.0

    def read(self, path: str, *, kind: str | None = None, sort: bool = False, max_bytes: int = files.MAX_BYTES) -> Measurement:
        """Read the pattern (see `whorl.formats.read`)."""
        refuse_kind(kind, path)
        data = files.content(path, max_bytes=max_bytes)
        found = _object(decode(data, path))
        x, y = (_numbers(found.get(name), name, path) for name in ("two_theta_values", "intensities"))
        if x.size != y.size:
            raise PatternError(f"{y.size} intensities at {x.size} angles", where=path, remedy="Export the file again.")
        notes: list[str] = []
        label = _object(found.get("label"))
        if label.get("is_simulated") is True:
            notes.append("the label says that the pattern is simulated")
        rays = _object(label.get("xray_info"))
        first, second = (number(str(rays.get(f"{name}_wavelength", ""))) or 0.0 for name in ("primary", "secondary"))
        settings = tube(first, second, 0.0, "")
        kelvin = label.get("temp_K")
        if isinstance(kelvin, int | float) and kelvin > 0:
            settings["temperature"] = float(kelvin)
        return measurement_of([Scan(x, y)], "powder", settings, Source.of(path, data, self.key), notes, sort=sort)


READER = OpXrd()


def _object(text: Any) -> dict[str, Any]:
    """Give a JSON object, be it one already or the text of one; empty when it is none."""
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except (ValueError, RecursionError):
            return {}
    return text if isinstance(text, dict) else {}


def _numbers(values: Any, name: str, path: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    good = isinstance(values, list) and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not good:
        raise PatternError(
            f"no list of numbers {name!r} in the JSON", where=path, remedy="The file may be cut off: copy or export it again."
        )
    return np.array(values, dtype=np.float64)
