"""NXdata in HDF5: the ``signal`` and ``axes`` attributes say what is what; one curve or a series.

Conventions of the NeXus group NXdata (Konnecke et al., J. Appl. Cryst. 48, 301 (2015), doi:10.1107/S1600576714027575):
the default group is found through ``default`` attributes, else the first NXdata with a signal is taken; uncertainties stand in
``SIGNAL_errors`` (or the dataset named by ``uncertainties``). canSAS files (``I_axes``) are understood the same way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.measurement import KINDS, Measurement
from whorl.core.units import LENGTH, MOMENTUM, convert
from whorl.formats import files, labels, nxcansas, powder
from whorl.formats.axis import Points, increasing, trimmed
from whorl.formats.hdf5_guard import inspect, numbers
from whorl.formats.powder import POWDER_KINDS, Source
from whorl.formats.steering import checked

Array = NDArray[np.float64]
_ANGLE = {"degree": 1.0, "degrees": 1.0, "deg": 1.0, "°": 1.0, "rad": 180 / pi, "radian": 180 / pi, "radians": 180 / pi}
_TIME = {"microsecond": 1.0, "microseconds": 1.0, "us": 1.0, "µs": 1.0, "μs": 1.0, "ms": 1e3, "s": 1e6, "ns": 1e-3}
_UNITS = {"r": LENGTH, "d": LENGTH, "Q": MOMENTUM, "2theta": _ANGLE, "t": _TIME}
_CLASSES = ("NXdata", "SASdata")
_TEMPORARY = (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, OverflowError, MemoryError)


@dataclass(frozen=True)
class Nexus:
    """The reader of NXdata."""

    key: str = "nexus"
    suffixes: tuple[str, ...] = (".nxs", ".nx5", ".h5", ".hdf5", ".hdf")
    steered_by: tuple[str, ...] = ("q_unit", "entry", "sector", "bins")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the signature of HDF5."""
        del path
        return 1.0 if head.startswith(b"\x89HDF\r\n\x1a\n") else 0.0

    def read(
        self,
        path: str,
        *,
        kind: str | None = None,
        sort: bool = False,
        max_bytes: int = files.MAX_BYTES,
        settings: Mapping[str, Any] | None = None,
    ) -> Measurement:
        """Read the default NXdata of the file, or its small-angle data sets (see `whorl.formats.read`)."""
        import h5py

        size = files.check(path)
        if kind is not None and kind not in KINDS:
            raise UsageError(f"unknown kind of signal {kind!r}", remedy=f"Use one of {', '.join(KINDS)}.")
        digest = files.sha256_of(path)
        try:
            with h5py.File(path, "r", locking=False) as file:
                inspect(file, path)
                sets = nxcansas.data_sets(file) if kind in (None, "sas") else []
                if sets:
                    asked = checked(settings, self.steered_by, path)
                    group = _default(file)
                    return nxcansas.measurement(
                        sets,
                        lambda item: numbers(item, path, size, max_bytes),
                        Source(path, digest, self.key),
                        asked,
                        "" if group is None else str(group.name),
                        sort=sort,
                    )
                checked(settings, (), path)
                found = _Found(file, path, size, max_bytes)
                return found.measurement(kind, digest, sort=sort)
        except PermissionError as error:
            raise PatternError("permission denied", where=path, remedy="Ask for the right to read it.") from error
        except _TEMPORARY as error:
            reason = str(error).split("\n")[0][:120]
            raise PatternError(
                f"not a readable HDF5 file ({reason})", where=path, remedy="It may be cut off: copy or export it again."
            ) from error


READER = Nexus()


class _Found:
    """The NXdata group of a file and its parts."""

    def __init__(self, file: Any, path: str, size: int, max_bytes: int) -> None:
        self.path, self.size, self.max_bytes = path, size, max_bytes
        self.notes: list[str] = []
        self.group = _default(file) or _first(file)
        if self.group is None:
            raise PatternError(
                "an HDF5 file without NXdata", where=path, remedy="Give a NeXus file, or export the curve as columns of text."
            )
        self.signal_name = _text(self.group.attrs.get("signal", ""))
        self.signal = self._dataset(self.signal_name)
        if self.signal is None:
            raise PatternError(
                f"no dataset {self.signal_name!r} for the signal", where=f"{path}, {self.group.name}", remedy="Export it again."
            )
        axes = self.group.attrs.get("axes", self.group.attrs.get("I_axes", self.signal.attrs.get("axes", "")))
        self.axes = [_text(a) for a in np.atleast_1d(np.asarray(axes, dtype=object))]
        if len(self.axes) == 1:
            self.axes = self.axes[0].replace(":", ",").split(",")

    def _dataset(self, name: str) -> Any:
        import h5py

        if not name or name not in self.group:  # soft links stay inside: the guard has refused external ones
            return None
        item = self.group[name]
        return item if isinstance(item, h5py.Dataset) else None

    def _numbers(self, item: Any) -> Array:
        return np.squeeze(numbers(item, self.path, self.size, self.max_bytes))  # type: ignore[no-any-return]

    def measurement(self, kind: str | None, digest: str, *, sort: bool) -> Measurement:
        y = self._numbers(self.signal)
        axis = self._dataset(self.axes[-1].strip())
        if axis is None:
            raise PatternError(
                "no dataset for the axis", where=f"{self.path}, {self.group.name}", remedy="Set the attribute 'axes' of NXdata."
            )
        x = self._numbers(axis)
        if x.ndim != 1 or y.ndim not in (1, 2) or y.shape[-1] != x.size:
            raise PatternError(
                f"signal of shape {y.shape} on an axis of shape {x.shape}",
                where=f"{self.path}, {self.group.name}",
                remedy="Give one curve, or a series with the axis last.",
            )
        errors = self._errors()
        sigma = None if errors is None else self._numbers(errors)
        if sigma is not None and (sigma.shape != y.shape or not np.any(sigma)):
            self.notes.append("the uncertainties are zero or of another shape and were left out")
            sigma = None
        mask = self._dataset("mask")
        used = None if mask is None else self._numbers(mask).astype(bool)
        kind = kind or self._kind(axis)
        settings = self._settings()
        widths = self._dataset("Qdev") if kind == "sas" else None
        resolution = None if widths is None else self._numbers(widths)
        if kind in POWDER_KINDS and "wavelength" not in settings:
            settings |= self._wavelength()
        x, y, sigma = self._units(kind, axis, x, y, sigma)
        if y.ndim == 1 and used is None:
            points = Points(x, y, sigma, np.arange(1, x.size + 1))
            where = f"{self.path}, {self.group.name}"
            points = increasing(trimmed(points, where, self.notes, place="point"), where, self.notes, sort=sort, place="point")
            x, y, sigma = points.x, points.y, points.sigma
            resolution = None if resolution is None or x.size != resolution.size else resolution
        if kind in POWDER_KINDS:
            powder.check(kind, x, y, settings, self.path, self.notes)
        return Measurement(
            kind,
            x,
            y,
            sigma=sigma,
            mask=used,
            resolution=resolution,
            settings=settings,
            coordinates=self._coordinates(y),
            path=self.path,
            sha256=digest,
            format="nexus",
            notes=tuple(self.notes),
        )

    def _errors(self) -> Any:
        for name in (
            f"{self.signal_name}_errors",
            _text(self.signal.attrs.get("uncertainties", self.signal.attrs.get("uncertainty", ""))),
            "errors",
        ):
            item = self._dataset(name)
            if item is not None:
                return item
        return None

    def _kind(self, axis: Any) -> str:
        stated = _text(self.group.attrs.get("whorl_kind", ""))
        if stated in KINDS:
            return stated
        unit = _text(axis.attrs.get("units", axis.attrs.get("unit", "")))
        name = labels.axis_of(self.axes[-1].strip(), unit)
        if name in labels.OF_POWDER:
            return labels.OF_POWDER[name]
        for name in (self.signal_name, _text(self.signal.attrs.get("long_name", ""))):
            key = name.split(" ")[0].lower()
            if key in labels.SIGNALS:
                return labels.SIGNALS[key]
        raise PatternError(
            f"it is not stated what the signal {self.signal_name!r} on the axis {self.axes[-1]!r} ({unit}) is",
            where=f"{self.path}, {self.group.name}",
            remedy=f"Pass kind= one of {', '.join(KINDS)}.",
        )

    def _units(self, kind: str, axis: Any, x: Array, y: Array, sigma: Array | None) -> tuple[Array, Array, Array | None]:
        unit = _text(axis.attrs.get("units", axis.attrs.get("unit", ""))).strip()
        symbol = KINDS[kind][0].symbol
        if not unit:
            self.notes.append(f"the unit of {symbol} is not stated; {KINDS[kind][0].unit} was taken")
            return x, y, sigma
        try:
            factor = convert(1.0, unit.removeprefix("2th_"), _UNITS[symbol])
        except UsageError as error:
            raise PatternError(f"{symbol} in {unit!r}", where=f"{self.path}, {axis.name}", remedy=error.remedy) from error
        if factor == 1.0:
            return x, y, sigma
        power = {"gr": -2, "fq": 1}.get(kind, 0)
        self.notes.append(
            f"{symbol} in {unit} was turned into {KINDS[kind][0].unit}" + (", the signal with it" if power else "")
        )
        scale = factor**power
        return x * factor, y * scale, None if sigma is None else sigma * scale

    def _settings(self) -> dict[str, Any]:
        import h5py

        parent = self.group.parent
        group = parent["settings"] if isinstance(parent.get("settings", getlink=True), h5py.HardLink) else None
        if not isinstance(group, h5py.Group):
            return {}
        found: dict[str, Any] = {}
        for key, value in list(group.attrs.items())[:500]:
            if key != "NX_class":
                found[key] = _setting(value)
        return found

    def _wavelength(self) -> dict[str, float]:
        """Find the one wavelength that the entry states, as NXmonochromator or NXbeam do."""
        import h5py

        entry = self.group.parent if self.group.parent is not None else self.group
        found: list[float] = []

        def look(name: str, item: Any) -> None:
            if name.rsplit("/", 1)[-1] not in ("wavelength", "incident_wavelength") or not isinstance(item, h5py.Dataset):
                return
            if item.size == 1 and item.dtype.kind in "fi":
                unit = _text(item.attrs.get("units", "angstrom")).strip().lower()
                factor = (LENGTH | {"m": 1e10, "angstroms": 1.0}).get(unit)
                if factor is not None:
                    found.append(float(np.ravel(item[()])[0]) * factor)

        entry.visititems(look)
        found = [value for value in found if 0.05 < value < 20]
        return {"wavelength": found[0]} if found and max(found) - min(found) < 1e-6 * max(found) else {}

    def _coordinates(self, y: Array) -> dict[str, Array]:
        if y.ndim == 1:
            return {}
        found: dict[str, Array] = {}
        for name in self.group:
            item = self._dataset(name)
            if name in ("mask", "Qdev") or item is None or item.shape != (y.shape[0],) or item.dtype.kind not in "fiu":
                continue
            if name != self.axes[-1]:
                found[name] = self._numbers(item).reshape(-1)
        return found


def _default(file: Any) -> Any:
    """Follow the ``default`` attributes from the root."""
    import h5py

    group = file["/"]
    for _ in range(8):
        if _text(group.attrs.get("NX_class", "")) in _CLASSES and "signal" in group.attrs:
            return group
        name = _text(group.attrs.get("default", ""))
        if not name or name not in group:
            return None
        group = group[name]
        if not isinstance(group, h5py.Group):
            return None
    return None


def _first(file: Any) -> Any:
    import h5py

    def look(_: str, item: Any) -> Any:
        if isinstance(item, h5py.Group) and _text(item.attrs.get("NX_class", "")) in _CLASSES and "signal" in item.attrs:
            return item
        return None

    return file.visititems(look)


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _setting(value: Any) -> Any:
    """Turn an attribute back into what was written: numbers, text, and JSON where it was marked so."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    text = _text(value)
    if text.startswith("json:"):
        try:
            return json.loads(text[5:])
        except ValueError:
            return text
    return text
