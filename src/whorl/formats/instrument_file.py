"""Files that say how an instrument measures: whorl's own (JSON), and those of GSAS and GSAS-II, as settings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whorl.core.errors import PatternError
from whorl.formats import files
from whorl.formats.gsas_instrument import read_instrument

_FORMAT = "whorl instrument"
#: what GSAS states under the name that it has here
_SAME = ("radiation", "wavelength", "wavelength2", "line_ratio", "zero", "u", "v", "w", "x", "y")


def instrument_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read an instrument file as settings.

    Parameters
    ----------
    path : path
        JSON that `write_instrument` wrote, a GSAS ``.prm``, or a GSAS-II ``.instprm``.

    Returns
    -------
    dict
        Settings of powder diffraction; what they give is not refined. Of GSAS files: wavelengths, zero, widths (u to y), axial
        divergence (half of SH/L, which is S/L + H/L there) and the part of the intensity polarised normal to the plane of
        scattering (POLA with IPOLA 0). The term P / cos^2(theta) of GSAS is left out.

    Raises
    ------
    PatternError
        If it is no such file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "mine.json"
    >>> write_instrument(file, {"wavelength": 0.4127, "w": 1e-5, "axial": 0.001})
    >>> instrument_settings(file)["wavelength"]
    0.4127
    """
    where = os.fspath(path)
    if Path(where).suffix.lower() == ".json":
        return _own(where)
    found = read_instrument(where)
    out = {name: found[name] for name in _SAME if name in found}
    if "sh_l" in found:
        out["axial"] = found["sh_l"] / 2
    if found.get("pola") is not None and found.get("ipola") == 0:
        out["polarisation"] = found["pola"]
    return out


def write_instrument(path: str | os.PathLike[str], settings: Mapping[str, Any], *, source: str = "") -> None:
    """Write settings of an instrument for `instrument_settings`.

    Parameters
    ----------
    path : path
        ``.json``
    settings : mapping
        Plain numbers and texts.
    source : str
        What they come from, for people who read the file.
    """
    record = {"format": _FORMAT, "version": 1, "source": source, "settings": dict(settings)}
    Path(path).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _own(where: str) -> dict[str, Any]:
    text = files.content(where).decode("utf-8", errors="replace")
    try:
        record = json.loads(text)
    except ValueError as error:
        raise PatternError(
            f"no JSON ({error})", where=where, remedy="Write it with `whorl refine --write-instrument`."
        ) from None
    settings = record.get("settings") if isinstance(record, dict) and record.get("format") == _FORMAT else None
    if not isinstance(settings, dict) or not all(isinstance(v, int | float | str | None) for v in settings.values()):
        raise PatternError("no instrument file", where=where, remedy="Write it with `whorl refine --write-instrument`.")
    return {name: value for name, value in settings.items() if value is not None}
