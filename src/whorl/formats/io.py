"""The four functions of the package: read and write measurements and structures, whatever the format."""

from __future__ import annotations

import os

from whorl.core.measurement import Measurement
from whorl.formats.files import MAX_BYTES
from whorl.formats.registry import measurement_reader


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002 - the word users know; the builtin is not needed here
    kind: str | None = None,
    sort: bool = False,
    max_bytes: int = MAX_BYTES,
) -> Measurement:
    """Read a measured pattern.

    Parameters
    ----------
    path : path
    format : str, optional
        Key of a reader (``"pdfgetx3"``, ``"pdfgetx2"``, ``"pdfgetn"``, ``"pdfgui"``, ``"columns"``, ``"nexus"``); recognised from
        the content when not given.
    kind : str, optional
        ``"gr"``, ``"fq"``, ``"sq"`` or ``"iq"``; else the column label, the header's ``outputtype`` and the suffix decide.
    sort : bool
        Sort points that are out of order and average those of one position.
    max_bytes : int
        Refuse larger files.

    Returns
    -------
    Measurement
        Axis in angstrom or 1/angstrom; ``settings`` holds what the file states, ``notes`` what had to be decided.

    Raises
    ------
    PatternError
        If the file cannot be read; names file, line and remedy.
    UsageError
        If ``format`` or ``kind`` is unknown.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "Ni.gr"
    >>> _ = file.write_text("mode = xray\\nqmax = 25.0\\n#L r(A) G(r)\\n0 0\\n0.01 -0.02\\n0.02 -0.05\\n")
    >>> ni = read(file)
    >>> ni.kind, ni.settings["qmax"], ni.settings["radiation"], ni.x[-1]
    ('gr', 25.0, 'x-ray', 0.02)
    """
    name = os.fspath(path)
    return measurement_reader(name, format).read(name, kind=kind, sort=sort, max_bytes=max_bytes)
