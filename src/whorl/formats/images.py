"""Detector images averaged to small-angle curves by pyFAI, with its geometry file (``poni``); the extra ``images`` brings it.

pyFAI's conventions (Ashiotis et al., J. Appl. Cryst. 48, 510 (2015), doi:10.1107/S1600576715004306): every pixel is corrected
for its solid angle; uncertainties are Poisson's for whole counts, else the scatter within the rings.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, UsageError
from whorl.core.lazy import need
from whorl.core.measurement import Measurement
from whorl.formats import files, sas
from whorl.formats.powder import Source
from whorl.formats.sascurve import SasCurve
from whorl.formats.steering import Sector, bins_of, checked, sector_of

Array = NDArray[np.float64]
_SUFFIXES = (".tif", ".tiff", ".edf", ".cbf", ".mccd", ".img", ".marccd", ".mar3450")
_HEADS = (b"###CBF", b"II*\x00", b"MM\x00*")
_EXTRA = "images"


@dataclass(frozen=True)
class DetectorImage:
    """The reader of detector images."""

    key: str = "image"
    suffixes: tuple[str, ...] = _SUFFIXES
    steered_by: tuple[str, ...] = ("poni", "sector", "bins", "image_mask")

    def sniff(self, head: bytes, path: Path) -> float:
        """Score the heads of TIFF, CBF and EDF."""
        edf = head.lstrip()[:1] == b"{" and b"Dim_1" in head and b"EDF" in head[:4096].upper() + path.suffix.upper().encode()
        return 0.9 if head.startswith(_HEADS) or edf else 0.0

    def read(
        self,
        path: str,
        *,
        kind: str | None = None,
        sort: bool = False,
        max_bytes: int = files.MAX_BYTES,
        settings: Mapping[str, Any] | None = None,
    ) -> Measurement:
        """Average the image (see `whorl.formats.read`).

        Raises
        ------
        PatternError
            If no geometry is given, or image or geometry cannot be read.
        MissingExtraError
            If pyFAI is not installed.
        """
        del sort
        sas.refuse_other_kind(kind, path)
        asked = checked(settings, self.steered_by, path)
        data = files.content(path, max_bytes=max_bytes)
        if not data.strip():
            raise PatternError("the file holds nothing but white space", where=path, remedy="Export it again.")
        if "poni" not in asked:
            what = files.looks_like(data[:64]) or "a detector image"
            raise PatternError(
                f"this is {what}; to average it to a curve the geometry of the detector is needed",
                where=path,
                remedy="Pass poni=FILE (pyFAI's geometry), or give the averaged curve.",
            )
        sector, bins = sector_of(asked.get("sector")), bins_of(asked.get("bins"))
        notes: list[str] = []
        integrator = _geometry(str(asked["poni"]))
        image = _image(path)
        masked = _masked(asked.get("image_mask"), image.shape, notes)
        curve = _averaged(integrator, image, masked, sector, bins, notes, path)
        return sas.measurement_of(curve, Source.of(path, data, self.key), notes)


READER = DetectorImage()


def _geometry(path: str) -> Any:
    files.check(path, max_bytes=1_000_000)
    pyfai = need("pyFAI", extra=_EXTRA)
    remedy = "Calibrate with pyFAI and give its .poni."
    try:
        geometry = pyfai.load(path)
    except Exception as error:
        raise PatternError(f"no geometry that pyFAI understands ({_short(error)})", where=path, remedy=remedy) from error
    if not (geometry.detector.pixel1 and geometry.detector.pixel2 and geometry.wavelength):
        raise PatternError("a geometry without wavelength or size of the pixels", where=path, remedy=remedy)
    return geometry


def _image(path: str) -> Array:
    fabio = need("fabio", extra=_EXTRA)
    try:
        with fabio.open(path) as opened:
            image = np.asarray(opened.data, dtype=np.float64)
    except Exception as error:
        raise PatternError(f"no image that fabio can read ({_short(error)})", where=path, remedy="Copy it again.") from error
    if image.ndim != 2:
        raise PatternError(f"an image of {image.ndim} dimensions", where=path, remedy="Give one frame, grey values only.")
    return image


def _masked(path: Any, shape: tuple[int, ...], notes: list[str]) -> NDArray[np.bool_]:
    if path is None:
        return np.zeros(shape, dtype=np.bool_)
    mask: NDArray[np.bool_] = _image(os.fspath(path)) != 0
    if mask.shape != shape:
        raise UsageError(
            f"a mask of shape {mask.shape} for an image of shape {shape}", where=str(path), remedy="Give its mask."
        )
    notes.append(f"{int(mask.sum())} masked pixels were left out")
    return mask


def _averaged(
    integrator: Any,
    image: Array,
    masked: NDArray[np.bool_],
    sector: Sector | None,
    bins: int | None,
    notes: list[str],
    path: str,
) -> SasCurve:
    shape = getattr(integrator.detector, "shape", None)
    if shape is not None and tuple(shape) != image.shape:
        raise PatternError(
            f"an image of shape {image.shape} for a detector of shape {tuple(shape)}",
            where=path,
            remedy="Give the geometry of the detector that took the image.",
        )
    bad = masked | ~np.isfinite(image) | (image < 0)
    if integrator.detector.mask is not None:
        bad |= np.asarray(integrator.detector.mask) != 0
    if sector is not None:
        angle = np.degrees(np.asarray(integrator.center_array(image.shape, unit="chi_rad")))
        bad |= np.abs((angle - sector.centre + 90) % 180 - 90) > sector.half
    if bad.all():
        raise PatternError(
            "no usable pixel in the image or the sector", where=path, remedy="Widen the sector, or check the mask."
        )
    counts = bool(np.all(image[~bad] == np.round(image[~bad])))
    points = bins or int(np.clip(max(image.shape) // 2, 50, 2000))
    result = integrator.integrate1d(
        image,
        points,
        unit="q_A^-1",
        mask=bad,
        error_model="poisson" if counts else "azimuthal",
        method=("no", "histogram", "cython"),
    )
    filled = np.asarray(result.count) > 0
    sigma = None if result.sigma is None else np.asarray(result.sigma, dtype=np.float64)[filled]
    kind = f"the sector {sector.label}" if sector is not None else "all directions"
    origin = "the counts" if counts else "the scatter within the rings"
    notes.append(f"an image of {int((~bad).sum())} pixels was averaged over {kind} by pyFAI; uncertainties from {origin}")
    settings: dict[str, Any] = {"radiation": "x-ray", "intensity": "arbitrary"}
    if integrator.wavelength:
        settings["wavelength"] = round(float(integrator.wavelength) * 1e10, 9)
    if sector is not None:
        settings["sector"] = f"{sector.centre:g}:{sector.half:g}"
    radial, values = (np.asarray(a, dtype=np.float64)[filled] for a in (result.radial, result.intensity))
    return SasCurve(radial, values, sigma, settings=settings)


def _short(error: Exception) -> str:
    return (str(error).split("\n")[0] or type(error).__name__)[:100]
