"""A pattern in two dimensions: intensities over qx and qy, how they are read, and their means over cells of q and azimuth."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError

Array = NDArray[np.float64]

_FEWEST = 200
_LARGEST = 400_000_000  # bytes
_NUMBERS = re.compile(rb"^[\s\d.,;eE+\-nNaA]+$")
_REMEDY = "Give qx, qy, I and, if known, its uncertainty: columns of a text, or arrays of these names in .npz or HDF5."
_BANDS, _SECTORS, _LEAST = 40, 24, 3
_DARK, _EDGE = 0.3, 0.9  # of the brightest band: in the shadow of the beam stop, and at its edge


@dataclass(frozen=True)
class Pattern2D:
    """Intensities over qx and qy.

    Parameters
    ----------
    qx, qy : array, shape (n,)
        In 1/angstrom.
    intensity : array, shape (n,)
    sigma : array, shape (n,), optional
    path : str

    Raises
    ------
    PatternError
        If shapes disagree or too few intensities are numbers.
    """

    qx: Array
    qy: Array
    intensity: Array
    sigma: Array | None = None
    path: str = ""

    def __post_init__(self) -> None:
        where = self.path or "pattern"
        for name in ("qx", "qy", "intensity", "sigma"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, np.ascontiguousarray(value, dtype=np.float64).ravel())
        sizes = {v.size for v in (self.qx, self.qy, self.intensity, self.sigma) if v is not None}
        if len(sizes) != 1:
            raise PatternError("qx, qy and the intensities differ in number", where=where, remedy=_REMEDY)
        if int(self._good.sum()) < _FEWEST:
            raise PatternError(f"{int(self._good.sum())} usable pixels", where=where, remedy=f"At least {_FEWEST} are needed.")

    @property
    def _good(self) -> NDArray[np.bool_]:
        fine = np.isfinite(self.qx) & np.isfinite(self.qy) & np.isfinite(self.intensity)
        return fine if self.sigma is None else fine & np.isfinite(self.sigma) & (self.sigma > 0)

    def within(self, low: float, high: float) -> Pattern2D:
        """Pixels with q from low to high."""
        q = np.hypot(self.qx, self.qy)
        keep = (q >= low) & (q <= high)
        sigma = None if self.sigma is None else self.sigma[keep]
        return replace(self, qx=self.qx[keep], qy=self.qy[keep], intensity=self.intensity[keep], sigma=sigma)

    def cells(self, *, bands: int = _BANDS, sectors: int = _SECTORS) -> tuple[Array, Array, Array, Array]:
        """Mean q, azimuth (radian, 0 to pi: opposite pixels are equal), intensity and its standard error, shape (cells,) each.

        Bands in the shadow of a beam stop are left out. The error is what the pixels of a cell scatter by, or what they
        state, if that is more.
        """
        good = self._good
        qx, qy, y = self.qx[good], self.qy[good], self.intensity[good]
        q, angle = np.hypot(qx, qy), np.mod(np.arctan2(qy, qx), np.pi)
        low, high = float(q[q > 0].min()), float(q.max()) * (1 + 1e-9)
        band = np.clip(((q - low) / (high - low) * bands).astype(np.int64), 0, bands - 1)
        sector = np.minimum((angle / np.pi * sectors).astype(np.int64), sectors - 1)
        index = band * sectors + sector
        size = bands * sectors
        count = np.bincount(index, minlength=size)

        def mean(values: Array) -> Array:
            return np.bincount(index, weights=values, minlength=size) / np.maximum(count, 1)

        level = mean(y)
        spread = np.sqrt(np.maximum(mean((y - level[index]) ** 2), 0.0))
        pooled = _pooled(spread, count, bands, sectors)
        error = np.maximum(spread, pooled) / np.sqrt(np.maximum(count, 1))
        if self.sigma is not None:
            stated = np.sqrt(mean(self.sigma[good] ** 2) / np.maximum(count, 1))
            error = np.maximum(stated, 0.5 * error)
        middle = (np.arange(size) % sectors + 0.5) / sectors * np.pi
        keep = (count >= _LEAST) & (error > 0) & ~np.repeat(_shadowed(band, y, bands), sectors)
        return mean(q)[keep], middle[keep], level[keep], error[keep]


def _shadowed(band: NDArray[np.int64], y: Array, bands: int) -> NDArray[np.bool_]:
    """Flags of the first bands that lie far below those after them: the shadow of the beam stop and its edge."""
    count = np.bincount(band, minlength=bands)
    level = np.bincount(band, weights=y, minlength=bands) / np.maximum(count, 1)
    top = int(np.argmax(np.where(count > 0, level, -np.inf)[: bands // 3]))
    seen = np.flatnonzero(count[:top] > 0)
    dark = np.zeros(bands, dtype=np.bool_)
    if seen.size and level[seen[0]] < _DARK * level[top]:
        dark[:top] = level[:top] < _EDGE * level[top]
    return dark


def _pooled(spread: Array, count: NDArray[np.int64], bands: int, sectors: int) -> Array:
    """Scatter of the pixels of a band over all its sectors: a cell of three pixels knows its own badly."""
    weight = np.maximum(count - 1, 0).reshape(bands, sectors)
    total = weight.sum(axis=1)
    square = (weight * spread.reshape(bands, sectors) ** 2).sum(axis=1) / np.maximum(total, 1)
    return np.asarray(np.repeat(np.sqrt(square), sectors))


def read_pattern(path: str | Path) -> Pattern2D:
    """Read a pattern: a text of three or four columns, ``.npz``, or HDF5 with ``qx``, ``qy``, ``I`` (and ``sigma``).

    Raises
    ------
    PatternError
        If it cannot be read or is no pattern in two dimensions.
    """
    where = str(path)
    try:
        if Path(path).stat().st_size > _LARGEST:
            raise PatternError("the file is too large", where=where, remedy="Rebin it first.")
        data = Path(path).read_bytes()
    except OSError as error:
        raise PatternError(f"the file cannot be read ({error.strerror})", where=where, remedy="Check the path.") from error
    if data.startswith(b"PK"):
        return _named(_arrays_npz(data, where), where)
    if data.startswith(b"\x89HDF"):
        return _named(_arrays_hdf5(path, where), where)
    rows = [line.replace(b",", b" ").replace(b";", b" ") for line in data.splitlines() if line.strip() and _NUMBERS.match(line)]
    try:
        table = np.loadtxt(io.BytesIO(b"\n".join(rows)), ndmin=2) if rows else np.empty((0, 0))
    except ValueError as error:
        raise PatternError("the columns are not of one length", where=where, remedy=_REMEDY) from error
    if table.shape[0] < _FEWEST or table.shape[1] not in (3, 4):
        raise PatternError(f"a table of {table.shape[0]} rows and {table.shape[1]} columns", where=where, remedy=_REMEDY)
    if np.unique(table[:, 1]).size < 3 or not (table[:, :2].min(axis=0) < 0).any():
        raise PatternError("the first two columns are no qx and qy around the beam", where=where, remedy=_REMEDY)
    return Pattern2D(table[:, 0], table[:, 1], table[:, 2], table[:, 3] if table.shape[1] == 4 else None, where)


def _arrays_npz(data: bytes, where: str) -> dict[str, Any]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise PatternError("this is no .npz of arrays", where=where, remedy=_REMEDY) from error


def _arrays_hdf5(path: str | Path, where: str) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}

    def take(name: str, item: Any) -> None:
        key = name.rsplit("/", maxsplit=1)[-1]
        if isinstance(item, h5py.Dataset) and key.lower() in _NAMES and key.lower() not in found and item.dtype.kind in "iuf":
            found[key.lower()] = item[()]

    try:
        with h5py.File(path, "r") as file:
            file.visititems(take)
    except (OSError, RuntimeError, KeyError) as error:
        raise PatternError("the HDF5 file cannot be read", where=where, remedy="Write it again.") from error
    return found


_NAMES = {"qx": "qx", "qy": "qy", "i": "i", "intensity": "i", "sigma": "sigma", "idev": "sigma"}


def _named(arrays: dict[str, Any], where: str) -> Pattern2D:
    known = {
        _NAMES[name.lower()]: np.asarray(value, dtype=np.float64) for name, value in arrays.items() if name.lower() in _NAMES
    }
    if missing := [name for name in ("qx", "qy", "i") if name not in known]:
        raise PatternError(f"there is no array {missing[0]}", where=where, remedy=_REMEDY)
    qx, qy = known["qx"], known["qy"]
    if qx.ndim == qy.ndim == 1 and known["i"].shape == (qy.size, qx.size):
        qx, qy = np.meshgrid(qx, qy)
    return Pattern2D(qx, qy, known["i"], known.get("sigma"), where)
