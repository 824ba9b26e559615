"""Write small-angle curves as canSAS 1-D XML 1.1: every frame an SASdata of one SASentry, whorl's settings in the note."""

from __future__ import annotations

import json
import os
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from whorl.core.errors import UsageError
from whorl.core.measurement import Measurement
from whorl.formats.atomic import write_text

#: what stands before whorl's settings in the note
MARK = "whorl settings:"
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<SASroot version="1.1" xmlns="urn:cansas1d:1.1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="urn:cansas1d:1.1 http://www.cansas.org/formats/1.1/cansas1d.xsd">
<SASentry>
"""


def text_of(measurement: Measurement) -> str:
    """Give the XML of a measurement; masked points are left out, for the format has no mask.

    Raises
    ------
    UsageError
        If it is no small-angle curve.

    Examples
    --------
    >>> m = Measurement("sas", np.array([0.01, 0.02]), np.array([5.0, 4.0]), settings={"intensity": "absolute"})
    >>> print(text_of(m).split("<SASdata>")[1].split("</SASdata>")[0].strip())
    <Idata><Q unit="1/A">0.01</Q><I unit="1/cm">5.0</I></Idata>
    <Idata><Q unit="1/A">0.02</Q><I unit="1/cm">4.0</I></Idata>
    """
    if measurement.kind != "sas":
        raise UsageError(
            "canSAS XML holds small-angle scattering only", where=measurement.path, remedy="Name the file .nxs or .dat."
        )
    settings = dict(measurement.settings)
    rows = [_HEAD.rstrip("\n")]
    header = settings.get("header")
    title = str(header.get("title", "")) if isinstance(header, dict) else ""
    rows += [f"<Title>{escape(title)}</Title>", "<Run></Run>"]
    for frame in range(measurement.frames):
        rows += ["<SASdata>", *_points(measurement.frame(frame) if measurement.signal.ndim == 2 else measurement), "</SASdata>"]
    rows += _sample(settings)
    rows += _instrument(settings)
    rows += ["<SASprocess><name>whorl</name><SASprocessnote/></SASprocess>"]
    note: dict[str, Any] = {"settings": settings}
    if measurement.coordinates:
        note["coordinates"] = {name: np.asarray(values).tolist() for name, values in measurement.coordinates.items()}
    rows += [f"<SASnote>{MARK} {escape(json.dumps(note, default=_plain))}</SASnote>", "</SASentry>", "</SASroot>"]
    return "\n".join(rows) + "\n"


def write(measurement: Measurement, path: str | os.PathLike[str]) -> None:
    """Write canSAS XML, atomically."""
    write_text(path, text_of(measurement))


def _points(curve: Measurement) -> list[str]:
    unit = "1/cm" if curve.settings.get("intensity") == "absolute" else "a.u."
    columns = [("Q", "1/A", curve.x), ("I", unit, curve.signal)]
    if curve.sigma is not None:
        columns.append(("Idev", unit, curve.sigma))
    if curve.resolution is not None:
        columns.append(("Qdev", "1/A", curve.resolution))
    for name, setting in (("dQw", "slit_width"), ("dQl", "slit_length")):
        value = curve.settings.get(setting)
        if isinstance(value, int | float) and value > 0 and curve.resolution is None:
            columns.append((name, "1/A", np.full(curve.x.size, float(value))))
    used = curve.used if curve.sigma is None else curve.used & np.isfinite(curve.sigma)
    cells = [[f'<{name} unit="{unit}">{v!r}</{name}>' for v in values[used].tolist()] for name, unit, values in columns]
    return [f"<Idata>{''.join(row)}</Idata>" for row in zip(*cells, strict=True)]


def _sample(settings: dict[str, Any]) -> list[str]:
    inside = "<ID></ID>"
    if isinstance(settings.get("thickness"), int | float):
        inside += f'<thickness unit="cm">{float(settings["thickness"])!r}</thickness>'
    if isinstance(settings.get("temperature"), int | float):
        inside += f'<temperature unit="K">{float(settings["temperature"])!r}</temperature>'
    return [f"<SASsample>{inside}</SASsample>"]


def _instrument(settings: dict[str, Any]) -> list[str]:
    source = f"<radiation>{escape(str(settings.get('radiation', '')))}</radiation>"
    if isinstance(settings.get("wavelength"), int | float):
        source += f'<wavelength unit="A">{float(settings["wavelength"])!r}</wavelength>'
    inside = f"<name></name><SASsource>{source}</SASsource><SAScollimation/><SASdetector><name></name></SASdetector>"
    return [f"<SASinstrument>{inside}</SASinstrument>"]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return dict(value) if hasattr(value, "items") else str(value)
