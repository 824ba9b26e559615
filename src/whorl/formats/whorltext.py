"""whorl's own column text: readable by everything that reads ``.gr``, and by whorl without loss.

Above the columns stand ``key = value`` lines for other programs and one line ``# whorl settings: {...}`` in JSON, which wins.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import KINDS, Measurement
from whorl.formats.atomic import write_text
from whorl.formats.columntext import ColumnText
from whorl.formats.header import Header
from whorl.formats.kinds import ANGLES, SUFFIXES
from whorl.formats.powder import POWDER_KINDS

_MARK = "whorl settings:"
_UNITS = {
    "gr": ("r(A)", "G(r)(A^-2)", "dG(r)"),
    "fq": ("Q(A^-1)", "F(Q)(A^-1)", "dF(Q)"),
    "powder": ("2theta(degree)", "I(2theta)", "dI(2theta)"),
    "tof": ("tof(us)", "I(t)", "dI(t)"),
    "peaks": ("d(A)", "I(d)", "dI(d)"),
    "sas": ("Q(A^-1)", "I(Q)", "dI(Q)"),
}
_PLAIN = ("qmin", "qmax", "qdamp", "qbroad", "wavelength", "wavelength2", "line_ratio", "composition", "temperature")


def _interpret(head: Header, settings: dict[str, Any]) -> None:
    line = next((line for line in head.lines if line.startswith(_MARK)), "")
    try:
        found = json.loads(line[len(_MARK) :])
    except ValueError:
        return
    if isinstance(found, dict):
        settings.clear()
        settings.update(found)


READER = ColumnText(
    key="whorl",
    suffixes=(".gr", ".fq", ".sq", ".iq", *ANGLES, ".dat"),
    clues=((b"# whorl settings: {", 0.99),),
    interpret=_interpret,
    lossless=True,
)


def text_of(measurement: Measurement) -> str:
    """Write one curve as columns: axis, signal, sigma and resolution (dQ) when there are any.

    Masked points are written with sigma 0, which masks them again on reading; without sigma they are left out.

    Raises
    ------
    PatternError
        If the measurement is a series.

    Examples
    --------
    >>> m = Measurement("gr", np.array([0.5, 1.0]), np.array([0.0, 1.5]), settings={"qmax": 25.0})
    >>> print(text_of(m))
    # outputtype = gr
    # qmax = 25.0
    # whorl settings: {"qmax": 25.0}
    #### start data
    #L r(A)  G(r)(A^-2)
    0.5 0.0
    1.0 1.5
    <BLANKLINE>
    """
    if measurement.signal.ndim != 1:
        raise PatternError(
            f"a series of {measurement.frames} frames does not fit into columns",
            where=measurement.path or "measurement",
            remedy="Write it as .nxs, or write measurement.frame(i).",
        )
    kind = measurement.kind
    axis, signal, error = _UNITS.get(kind, ("Q(A^-1)", KINDS[kind][1], "d" + KINDS[kind][1]))
    settings = dict(measurement.settings)
    rows = [f"# outputtype = {kind}"]
    if settings.get("radiation") in ("x-ray", "neutron", "electron"):
        rows.append(f"# mode = {str(settings['radiation']).replace('-', '')}")
    rows += [f"# {key} = {_line(settings[key])}" for key in _PLAIN if key in settings]
    rows.append(f"# {_MARK} {json.dumps(settings, default=_plain)}")
    columns = [measurement.x, measurement.signal]
    if measurement.sigma is not None:
        good = measurement.used & np.isfinite(measurement.sigma)
        columns.append(np.where(good, measurement.sigma, 0.0))
    if measurement.resolution is not None:
        columns.append(measurement.resolution)
    if measurement.sigma is None and measurement.mask is not None:
        columns = [c[measurement.mask] for c in columns]
    rows += ["#### start data"] if kind not in POWDER_KINDS else []
    width = "" if measurement.resolution is None else "  dQ(A^-1)"
    rows += [f"#L {axis}  {signal}" + (f"  {error}" if measurement.sigma is not None else "") + width]
    table = np.column_stack(columns).tolist()
    rows += [" ".join(map(repr, row)) for row in table]
    return "\n".join(rows) + "\n"


def write(measurement: Measurement, path: str | os.PathLike[str]) -> None:
    """Write columns, atomically; the suffix must fit the kind of signal."""
    suffix = SUFFIXES.get(Path(path).suffix.lower())
    if suffix is not None and suffix != measurement.kind:
        raise UsageError(
            f"a measurement of {KINDS[measurement.kind][1]} in a file named for {KINDS[suffix][1]}",
            where=os.fspath(path),
            remedy=f"Name it .{measurement.kind}.",
        )
    if Path(path).suffix.lower() in ANGLES:
        _write_angles(measurement, path)
    else:
        write_text(path, text_of(measurement))


def _write_angles(measurement: Measurement, path: str | os.PathLike[str]) -> None:
    """Write ``.xy`` or ``.xye``: the header stands in a block comment, which GSAS-II and TOPAS skip."""
    if measurement.kind not in ("powder", "tof"):
        raise UsageError(
            f"a measurement of {KINDS[measurement.kind][1]} in a file named for a powder pattern",
            where=os.fspath(path),
            remedy=f"Name it .{measurement.kind}." if measurement.kind in SUFFIXES.values() else "Name it .dat.",
        )
    if Path(path).suffix.lower() == ".xye" and measurement.sigma is None:
        raise UsageError(
            "the measurement has no uncertainties for the third column", where=os.fspath(path), remedy="Name it .xy."
        )
    rows = text_of(measurement).split("\n")
    head = [row for row in rows if row.startswith("#")]
    write_text(path, "\n".join(["/*", *head, "*/", *rows[len(head) :]]))


def _line(value: Any) -> str:
    return " ".join(str(value).split())


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return dict(value) if hasattr(value, "items") else str(value)
