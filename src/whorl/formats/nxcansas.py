"""NXcanSAS in HDF5: every SASdata of every SASentry; curves with resolution and slit, images averaged to curves.

The definition is NeXus's (https://manual.nexusformat.org/classes/applications/NXcanSAS.html). Files of early Mantid versions,
which name classes by ``NX_class`` alone and spell attributes ``unit``, ``uncertainty`` and ``I_uncertainty``, are read too. The
``default`` attributes choose the data set, else the first curve; data sets on one grid are a series; ``entry`` names another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats import image2d, sas, sasmeta, sasunits
from whorl.formats.powder import Source
from whorl.formats.sascurve import SasCurve

Array = NDArray[np.float64]
Numbers = Callable[[Any], Array]
_MOST_IN_SERIES = 2000


def data_sets(file: Any) -> list[Any]:
    """List the SASdata groups of a file that whorl did not write, in the order of the file; empty when it is no NXcanSAS."""
    found: list[Any] = []

    def look(_: str, item: Any) -> None:
        if _class(item, "SASdata") and "whorl_kind" not in item.attrs and _is_group(item):
            found.append(item)

    file.visititems(look)
    return found


def measurement(
    groups: list[Any],
    numbers: Numbers,
    source: Source,
    asked: Mapping[str, Any],
    default: str,
    *,
    sort: bool,
) -> Measurement:
    """Read one of the data sets, or all of them when they are a series.

    Parameters
    ----------
    groups : list of h5py.Group
        From `data_sets`.
    numbers : callable
        Gives the numbers of a dataset, after the checks on a stranger's file.
    source : Source
    asked : mapping
        Settings of the reading.
    default : str
        Name of the group that the file's ``default`` attributes lead to; empty when there is none.
    sort : bool
    """
    notes: list[str] = []
    flat = [group for group in groups if not _is_image(group)]
    if len(flat) > 1 and len(flat) == len(groups) and "entry" not in asked and len(flat) <= _MOST_IN_SERIES:
        said: list[str] = []
        sizes = {_shape(group) for group in flat}
        if len(sizes) == 1:
            curves = [curve for group in flat for curve in _curves(group, numbers, source.path, asked, said)]
            notes += dict.fromkeys(said)
            found = sas.series_of(curves, source, notes)
            if found is not None:
                return found
            notes = [note for note in notes if note not in said]
    ordered = flat + [group for group in groups if _is_image(group)]
    titles = [_title(group) for group in ordered]
    first = next((i for i, group in enumerate(ordered) if group.name == default), 0)
    group = ordered[sas.chosen(titles, asked.get("entry"), source.path, notes, default=first)]
    if _is_image(group):
        return _image(group, numbers, source, asked, notes)
    if asked.get("sector") is not None or asked.get("bins") is not None:
        raise PatternError(
            "sector and bins are for images, and this data set is a curve",
            where=f"{source.path}, {group.name}",
            remedy="Leave them out.",
        )
    curves = _curves(group, numbers, source.path, asked, notes)
    if len(curves) > 1:
        found = sas.series_of(curves, source, notes, _coordinates(group, numbers, len(curves)))
        if found is None:
            raise PatternError(
                "the frames hold NaN, or q is not increasing", where=f"{source.path}, {group.name}", remedy="Export them again."
            )
        return found
    return sas.measurement_of(curves[0], source, notes, sort=sort)


def _curves(group: Any, numbers: Numbers, path: str, asked: Mapping[str, Any], notes: list[str]) -> list[SasCurve]:
    """Read a data set: one curve, or several frames over one q."""
    where = f"{path}, {group.name}"
    signal, axis = _signal(group), _dataset(group, "Q")
    if signal is None or axis is None:
        raise PatternError("no datasets I and Q", where=where, remedy="Export the file again, or choose another with entry=.")
    q, intensity = np.ravel(numbers(axis)), numbers(signal)
    if intensity.size % q.size or intensity.shape[-1] not in (q.size, 1):
        raise PatternError(f"{intensity.size} intensities at {q.size} values of q", where=where, remedy="Export it again.")
    intensity = intensity.reshape(-1, q.size)
    factor = sasmeta.factor_of_q(_unit(axis), asked.get("q_unit"), where, notes)
    settings, scale = _intensity(signal, notes)
    sigma = _of_size(_uncertainties(group, signal), numbers, intensity.size, "uncertainties", notes)
    sigmas = None if sigma is None else scale * sigma.reshape(-1, q.size)
    resolution, slit = _resolution(group, axis, numbers, factor, "q_unit" in asked, notes)
    settings |= slit | _around(group)
    if {x for x in (settings.get("slit_length"), 0.0) if x} and resolution is not None and not np.any(resolution):
        resolution = None
    return [
        SasCurve(
            q * factor, one * scale, None if sigmas is None else sigmas[k], resolution, settings=settings, title=_title(group)
        )
        for k, one in enumerate(intensity)
    ]


def _coordinates(group: Any, numbers: Numbers, frames: int) -> dict[str, Array] | None:
    """Give what changes from frame to frame of a data set: the first of its axes, where that is a list of numbers."""
    name = _text(group.attrs.get("I_axes", group.attrs.get("axes", ""))).split(",")[0].strip()
    item = _dataset(group, name)
    if item is None or item.size != frames or item.dtype.kind not in "fiu":
        return None
    return {name: np.ravel(numbers(item))}


def _resolution(
    group: Any, axis: Any, numbers: Numbers, factor: float, forced: bool, notes: list[str]
) -> tuple[Array | None, dict[str, float]]:
    """Give the standard deviation of q and the slit, from what ``resolutions`` names or the usual names."""
    named = [name.strip() for name in _text(axis.attrs.get("resolutions", axis.attrs.get("resolution", ""))).split(",")]
    found: dict[str, Array] = {}
    for name in dict.fromkeys((*named, "Qdev", "dQw", "dQl")):
        item = _dataset(group, name) if name else None
        values = _of_size(item, numbers, int(axis.size), name, notes)
        if values is not None:
            own = None if forced else sasunits.q_factor(_unit(item))
            role = name if name in ("dQw", "dQl") else "Qdev"
            found.setdefault(role, values * (factor if own is None else own))
    slit = sasmeta.slit_of("slit_width", found.get("dQw"), notes) | sasmeta.slit_of("slit_length", found.get("dQl"), notes)
    return found.get("Qdev"), slit


def _image(group: Any, numbers: Numbers, source: Source, asked: Mapping[str, Any], notes: list[str]) -> Measurement:
    where = f"{source.path}, {group.name}"
    signal = _signal(group)
    values = np.squeeze(numbers(signal))
    if values.ndim != 2:
        raise PatternError(
            f"data of {values.ndim} dimensions", where=where, remedy="Give curves, or images of one frame; choose with entry=."
        )
    qx, qy, unit = _plane(group, numbers, values.shape, where)
    factor = sasmeta.factor_of_q(unit, asked.get("q_unit"), where, notes)
    settings, scale = _intensity(signal, notes)
    errors = _uncertainties(group, signal)
    sigma = None if errors is None else np.squeeze(numbers(errors))
    sigma = None if sigma is None or sigma.shape != values.shape or not np.any(sigma) else sigma
    pitch = float(np.median(np.hypot(np.diff(qx, axis=1), np.diff(qy, axis=1))))
    image = image2d.Image(
        qx.ravel(), qy.ravel(), values.ravel() * scale, None if sigma is None else sigma.ravel() * scale, None, pitch
    )
    masked = _mask(group, numbers, values.shape)
    if masked is not None:
        notes.append(f"{int(masked.sum())} masked pixels were left out")
        image = image.take(~masked.ravel())
    curve = image2d.averaged(image.scaled(factor), dict(asked), notes)
    return sas.measurement_of(sas.with_settings(curve, settings | _around(group)), source, notes)


def _plane(group: Any, numbers: Numbers, shape: tuple[int, ...], where: str) -> tuple[Array, Array, str]:
    """Give Qx and Qy of every pixel and their unit."""
    x, y, both = _dataset(group, "Qx"), _dataset(group, "Qy"), _dataset(group, "Q")
    if x is not None and y is not None:
        qx, qy = np.squeeze(numbers(x)), np.squeeze(numbers(y))
        if qx.ndim == qy.ndim == 1:
            if (qy.size, qx.size) == shape:
                qx, qy = np.meshgrid(qx, qy)
            elif (qx.size, qy.size) == shape:
                qx, qy = np.meshgrid(qx, qy, indexing="ij")
        if qx.shape == qy.shape == shape:
            return qx, qy, _unit(x)
    elif both is not None:
        planes = numbers(both)
        if planes.ndim == 3 and planes.shape[1:] == shape and planes.shape[0] in (2, 3):
            return planes[0], planes[1], _unit(both)
    raise PatternError(
        f"no Qx and Qy for an image of shape {shape}",
        where=where,
        remedy="Average the image in the program that reduced it, and give the curve.",
    )


def _mask(group: Any, numbers: Numbers, shape: tuple[int, ...]) -> NDArray[np.bool_] | None:
    name = _text(group.attrs.get("mask", ""))
    item = _dataset(group, name) if name else None
    if item is None:
        return None
    values = np.squeeze(numbers(item))
    if values.shape != shape or not np.any(values) or np.all(values):
        return None
    return values != 0  # type: ignore[no-any-return]


def _intensity(signal: Any, notes: list[str]) -> tuple[dict[str, Any], float]:
    unit = _unit(signal)
    said = sasunits.intensity_unit(unit)
    if said is None:
        return {}, 1.0
    if said[1] != 1:
        notes.append(f"the intensity in {unit} was turned into 1/cm")
    return {"intensity": said[0]}, said[1]


def _uncertainties(group: Any, signal: Any) -> Any:
    names = [_text(signal.attrs.get(key, "")) for key in ("uncertainties", "uncertainty")]
    names += [_text(group.attrs.get(key, "")) for key in ("I_uncertainties", "I_uncertainty")]
    return next((item for name in (*names, "Idev", "I_errors") if name and (item := _dataset(group, name)) is not None), None)


def _of_size(item: Any, numbers: Numbers, size: int, what: str, notes: list[str]) -> Array | None:
    if item is None or not item.size:
        return None
    values: Array = np.ravel(numbers(item))
    if values.size != size:
        notes.append(f"the {what} are {values.size} numbers for {size} points and were left out")
        return None
    return values


def _around(group: Any) -> dict[str, Any]:
    """Settings from what stands beside the data set in its entry."""
    entry = group.parent
    texts: dict[str, str] = {}
    found: dict[str, tuple[float, str]] = {}

    def look(name: str, item: Any) -> None:
        last = name.rsplit("/", 1)[-1]
        if _is_group(item) or item.size != 1 or _of_spectrum(name):
            return
        if last in ("radiation", "title", "run", "probe") and item.dtype.kind in "SO":
            texts.setdefault(last, _text(item[()])[:500])
        elif last in ("incident_wavelength", "wavelength", "thickness", "temperature"):
            try:
                found.setdefault(last, (float(_text(item[()])), _unit(item)))
            except ValueError:
                return

    entry.visititems(look)
    settings = sasmeta.quantities(
        texts.get("radiation") or texts.get("probe", ""),
        found.get("incident_wavelength", found.get("wavelength")),
        found.get("thickness"),
        found.get("temperature"),
    )
    header = {name: texts[name] for name in ("title", "run") if texts.get(name)}
    return settings | ({"header": header} if header else {})


def _of_spectrum(name: str) -> bool:
    return "transmission" in name.lower() or "process" in name.lower()


def _title(group: Any) -> str:
    """Name of the entry, and of the data set where that adds something."""
    entry, _, own = str(group.name).strip("/").rpartition("/")
    return (
        entry or own if own in ("", "sasdata", "data", "sasdata01", entry.rpartition("/")[2]) else f"{entry}/{own}".strip("/")
    )


def _is_image(group: Any) -> bool:
    """Say whether a data set has two axes of q; frames over one list of q are a series."""
    shape = [n for n in _shape(group) if n > 1]
    axis = _dataset(group, "Q")
    frames = axis is not None and axis.ndim == 1 and shape[-1:] == [axis.size] and _dataset(group, "Qx") is None
    return len(shape) > 1 and not frames


def _shape(group: Any) -> tuple[int, ...]:
    signal = _signal(group)
    return () if signal is None else tuple(signal.shape)


def _signal(group: Any) -> Any:
    name = _text(group.attrs.get("signal", "I"))
    return _dataset(group, name) if _dataset(group, name) is not None else _dataset(group, "I")


def _dataset(group: Any, name: str) -> Any:
    item = group[name] if name and name in group else None
    return None if item is None or _is_group(item) else item


def _is_group(item: Any) -> bool:
    import h5py

    return isinstance(item, h5py.Group)


def _class(item: Any, name: str) -> bool:
    return name in (_text(item.attrs.get("canSAS_class", "")), _text(item.attrs.get("NX_class", "")))


def _unit(item: Any) -> str:
    return _text(item.attrs.get("units", item.attrs.get("unit", "")))


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = ",".join(_text(v) for v in value.ravel()[:20])
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
