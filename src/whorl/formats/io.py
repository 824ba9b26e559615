"""The functions of the package: read and write measurements and structures, whatever the format."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Cluster, Crystal
from whorl.core.measurement import Measurement
from whorl.formats import cansas_write, cif_write, nexus_write, nxcansas_write, whorltext, xyz_write
from whorl.formats.base import SteeredReader
from whorl.formats.files import MAX_BYTES
from whorl.formats.kinds import ANGLES, SUFFIXES
from whorl.formats.registry import measurement_reader, structure_reader
from whorl.formats.steering import checked


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    kind: str | None = None,
    sort: bool = False,
    max_bytes: int = MAX_BYTES,
    settings: Mapping[str, Any] | None = None,
) -> Measurement:
    r"""Read a measured pattern.

    Parameters
    ----------
    path : path
    format : str, optional
        Key of a reader (``"pdfgetx3"``, ``"columns"``, ``"xrdml"``, ``"gsas"`` ...; see `whorl.formats.registry`);
        recognised from the content when not given.
    kind : str, optional
        ``"gr"``, ``"fq"``, ``"sq"``, ``"iq"``, ``"sas"``, ``"powder"``, ``"tof"`` or ``"peaks"``; else the column label, the
        header's ``outputtype``, the suffix and the numbers decide.
    sort : bool
        Sort points that are out of order and average those of one position.
    max_bytes : int
        Refuse larger files.
    settings : mapping, optional
        What steers the reading of small-angle data (`whorl.formats.steering.STEERING`): ``q_unit``, ``entry``, ``sector``,
        ``bins``, ``poni``, ``image_mask``.

    Returns
    -------
    Measurement
        Axis in angstrom or 1/angstrom; ``settings`` holds what the file states, ``notes`` what had to be decided.

    Raises
    ------
    PatternError
        If the file cannot be read; names file, line and remedy.
    UsageError
        If ``format`` or ``kind`` is unknown, or a setting means nothing for the file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "Ni.gr"
    >>> _ = file.write_text("mode = xray\nqmax = 25.0\n#L r(A) G(r)\n0 0\n0.01 -0.02\n0.02 -0.05\n")
    >>> ni = read(file)
    >>> ni.kind, ni.settings["qmax"], ni.settings["radiation"], ni.x.size
    ('gr', 25.0, 'x-ray', 3)
    """
    name = os.fspath(path)
    reader = measurement_reader(name, "image" if format is None and settings and "poni" in settings else format)
    if isinstance(reader, SteeredReader):
        return reader.read(name, kind=kind, sort=sort, max_bytes=max_bytes, settings=settings)
    checked(settings, (), name)
    return reader.read(name, kind=kind, sort=sort, max_bytes=max_bytes)


def read_structure(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> Crystal | Cluster:
    r"""Read the first structure of a CIF, XYZ or PDFgui file.

    Raises
    ------
    StructureError
        If the file cannot be read; names file, line and remedy.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "Au2.xyz"
    >>> _ = file.write_text("2\nAu dimer\nAu 0 0 0\nAu 0 0 2.88\n")
    >>> read_structure(file).formula
    'Au2'
    """
    return read_structure_with_notes(path, format=format, max_bytes=max_bytes)[0]


def read_structure_with_notes(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> tuple[Crystal | Cluster, tuple[str, ...]]:
    """Read a structure and what had to be decided on the way, in words ("occupancy 0: O3 left out").

    Raises
    ------
    StructureError
        If the file cannot be read; names file, line and remedy.
    """
    name = os.fspath(path)
    found = structure_reader(name, format).read(name, max_bytes=max_bytes)
    return found.structure, found.notes


def write_measurement(measurement: Measurement, path: str | os.PathLike[str]) -> None:
    """Write a measurement; the suffix chooses columns (``.gr .fq .sq .iq .xy .xye .dat .txt``) or NXdata (``.nxs .h5``).

    Small-angle data become NXcanSAS in HDF5, and canSAS 1-D XML (``.xml``). Nothing half-written is left behind. `read` gives
    back the same numbers, sigma, resolution, mask and settings (XML has no mask: masked points are left out).

    Raises
    ------
    UsageError
        If the suffix is unknown or of another kind of signal.
    PatternError
        If a series is to be written as columns, or the disk refuses.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.gr"
    >>> write_measurement(Measurement("gr", np.array([0.5, 1.0]), np.array([0.0, 1.5]), settings={"qmax": 25.0}), file)
    >>> read(file).settings["qmax"]
    25.0
    """
    suffix = Path(path).suffix.lower()
    if suffix in (".nxs", ".h5", ".hdf5", ".nx5"):
        (nxcansas_write if measurement.kind == "sas" else nexus_write).write(measurement, path)
    elif suffix == ".xml" and measurement.kind == "sas":
        cansas_write.write(measurement, path)
    elif suffix in SUFFIXES or suffix in (*ANGLES, ".dat", ".txt"):
        whorltext.write(measurement, path)
    else:
        ending = f".{measurement.kind}" if f".{measurement.kind}" in SUFFIXES else ".dat"
        raise UsageError(
            f"unknown kind of file {suffix or 'without suffix'!r}",
            where=os.fspath(path),
            remedy=f"Name it {ending} for columns or .nxs for NeXus.",
        )


def write_structure(structure: Crystal | Cluster, path: str | os.PathLike[str]) -> None:
    """Write a structure; the suffix chooses CIF (crystals) or XYZ (clusters, and crystals with their cell).

    Raises
    ------
    UsageError
        If the suffix is unknown, or a cluster is to be written as CIF.
    StructureError
        If the format cannot hold the structure, or the disk refuses.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".cif" and isinstance(structure, Crystal):
        cif_write.write(structure, path)
    elif suffix in (".xyz", ".extxyz"):
        xyz_write.write(structure, path)
    else:
        what = "a cluster has no unit cell" if suffix == ".cif" else f"unknown kind of file {suffix or 'without suffix'!r}"
        raise UsageError(what, where=os.fspath(path), remedy="Name it .xyz, or .cif for a crystal.")
