"""Write a measurement as NXdata in HDF5: signal, axis, errors, mask, coordinates of a series, settings as attributes."""

from __future__ import annotations

import json
import os
from typing import Any

import numpy as np

from whorl.core.measurement import KINDS, Measurement
from whorl.formats.atomic import replacing


def write(measurement: Measurement, path: str | os.PathLike[str]) -> None:
    """Write NXdata, atomically."""
    import h5py

    with replacing(path) as scratch, h5py.File(scratch, "w") as file:
        file.attrs["default"] = "entry"
        entry = group_of(file, "entry", "NXentry", default="data")
        _data(group_of(entry, "data", "NXdata"), measurement)
        keep_settings(entry, measurement)


def keep_settings(entry: Any, measurement: Measurement) -> None:
    """Write the settings and the provenance of a measurement into an entry."""
    settings = group_of(entry, "settings", "NXcollection")
    for key, value in measurement.settings.items():
        settings.attrs[str(key)] = _attribute(value)
    note = group_of(entry, "provenance", "NXnote")
    note.attrs["original_path"] = measurement.path
    note.attrs["original_sha256"] = measurement.sha256
    note.attrs["original_format"] = measurement.format
    note.attrs["notes"] = json.dumps(list(measurement.notes))


def group_of(parent: Any, name: str, kind: str, **attributes: str) -> Any:
    """Create a group of a NeXus class."""
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    for key, value in attributes.items():
        group.attrs[key] = value
    return group


def _data(group: Any, measurement: Measurement) -> None:
    axis, title, unit = KINDS[measurement.kind]
    name = measurement.kind
    group.attrs["signal"] = name
    group.attrs["whorl_kind"] = measurement.kind
    coordinates = {free_name(k, {name, axis.symbol, f"{name}_errors", "mask"}): v for k, v in measurement.coordinates.items()}
    frames = [next(iter(coordinates), ".")] if measurement.signal.ndim == 2 else []
    group.attrs["axes"] = [*frames, axis.symbol]
    group.attrs[f"{axis.symbol}_indices"] = len(frames)
    compression = {"compression": "gzip", "shuffle": True} if measurement.signal.size > 4096 else {}
    signal = group.create_dataset(name, data=measurement.signal, **compression)
    signal.attrs["long_name"] = title
    signal.attrs["units"] = unit
    x = group.create_dataset(axis.symbol, data=measurement.x)
    x.attrs["units"] = axis.unit
    x.attrs["long_name"] = axis.name
    if measurement.sigma is not None:
        group.create_dataset(f"{name}_errors", data=measurement.sigma, **compression)
    if measurement.mask is not None:
        group.create_dataset("mask", data=measurement.mask.astype(np.uint8)).attrs["long_name"] = "1 where the point is used"
    for key, values in coordinates.items():
        group.create_dataset(key, data=np.asarray(values, dtype=np.float64))
        group.attrs[f"{key}_indices"] = 0


def free_name(name: str, taken: set[str]) -> str:
    """Give a name for a dataset that is not taken."""
    name = name.replace("/", "_") or "coordinate"
    return f"{name}_" if name in taken or name == "." else name


def _attribute(value: Any) -> Any:
    """Keep numbers and text as they are; everything else as JSON with a mark."""
    if isinstance(value, bool | float | np.generic) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if isinstance(value, str) and "\x00" not in value and not value.startswith("json:") and len(value) < 8000:
        return value
    return ("json:" + json.dumps(value, default=str))[:60_000]
