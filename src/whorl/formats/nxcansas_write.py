"""Write small-angle curves as NXcanSAS in HDF5 that is NXdata too; one curve or a series, with whorl's settings and provenance.

Conventions of NXcanSAS (NeXus application definition, version 1.1): ``I_axes``, ``Q_indices``, uncertainties named by the
attribute ``uncertainties``, resolutions by ``resolutions``.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from whorl.core.measurement import Measurement
from whorl.formats.atomic import replacing
from whorl.formats.nexus_write import free_name, group_of, keep_settings


def write(measurement: Measurement, path: str | os.PathLike[str]) -> None:
    """Write NXcanSAS, atomically."""
    import h5py

    with replacing(path) as scratch, h5py.File(scratch, "w") as file:
        file.attrs["default"] = "sasentry01"
        entry = group_of(file, "sasentry01", "NXentry", default="sasdata01", canSAS_class="SASentry", version="1.1")
        entry["definition"] = "NXcanSAS"
        header = measurement.settings.get("header")
        entry["title"] = str(header.get("title", "")) if isinstance(header, dict) else ""
        entry["run"] = ""
        _data(group_of(entry, "sasdata01", "NXdata", canSAS_class="SASdata"), measurement)
        _surroundings(entry, measurement.settings)
        keep_settings(entry, measurement)


def _data(group: Any, measurement: Measurement) -> None:
    settings = measurement.settings
    unit = "1/cm" if settings.get("intensity") == "absolute" else "arbitrary"
    taken = {"I", "Q", "Idev", "Qdev", "dQl", "dQw", "mask"}
    coordinates = {free_name(name, taken): values for name, values in measurement.coordinates.items()}
    frames = [next(iter(coordinates), ".")] if measurement.signal.ndim == 2 else []
    group.attrs["signal"] = "I"
    group.attrs["whorl_kind"] = "sas"
    group.attrs["I_axes"] = ",".join([*frames, "Q"])
    group.attrs["axes"] = [*frames, "Q"]
    group.attrs["Q_indices"] = len(frames)
    compression = {"compression": "gzip", "shuffle": True} if measurement.signal.size > 4096 else {}
    signal = group.create_dataset("I", data=measurement.signal, **compression)
    signal.attrs["units"] = unit
    q = group.create_dataset("Q", data=measurement.x)
    q.attrs["units"] = "1/angstrom"
    if measurement.sigma is not None:
        group.create_dataset("Idev", data=measurement.sigma, **compression).attrs["units"] = unit
        signal.attrs["uncertainties"] = "Idev"
    resolutions = []
    if measurement.resolution is not None:
        group.create_dataset("Qdev", data=measurement.resolution).attrs["units"] = "1/angstrom"
        resolutions = ["Qdev"]
    else:
        for name, setting in (("dQw", "slit_width"), ("dQl", "slit_length")):
            if isinstance(settings.get(setting), int | float):
                values = np.full(measurement.x.size, float(settings[setting]))
                group.create_dataset(name, data=values).attrs["units"] = "1/angstrom"
                resolutions.append(name)
    if resolutions:
        q.attrs["resolutions"] = ",".join(resolutions)
        q.attrs["resolutions_description"] = "Gaussian" if resolutions == ["Qdev"] else "Slit"
    if measurement.mask is not None:
        mask = group.create_dataset("mask", data=measurement.mask.astype(np.uint8))
        mask.attrs["long_name"] = "1 where the point is used"
    for name, values in coordinates.items():
        group.create_dataset(name, data=np.asarray(values, dtype=np.float64))
        group.attrs[f"{name}_indices"] = 0


def _surroundings(entry: Any, settings: Any) -> None:
    """Write what other programs look for: radiation, wavelength, thickness, temperature."""
    instrument = group_of(entry, "sasinstrument", "NXinstrument", canSAS_class="SASinstrument")
    source = group_of(instrument, "sassource", "NXsource", canSAS_class="SASsource")
    if "radiation" in settings:
        source["radiation"] = str(settings["radiation"])
    sample = group_of(entry, "sassample", "NXsample", canSAS_class="SASsample")
    for group, name, unit, target in (
        (source, "wavelength", "angstrom", "incident_wavelength"),
        (sample, "thickness", "cm", "thickness"),
        (sample, "temperature", "K", "temperature"),
    ):
        if isinstance(settings.get(name), int | float):
            group[target] = float(settings[name])
            group[target].attrs["units"] = unit
