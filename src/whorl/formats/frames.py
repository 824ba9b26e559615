"""Raw detector frames: counts by row and column, from ``.npy``, TIFF and HDF5; estimates of them with uncertainty to ``.npz``.

Values that detectors use for dead pixels and gaps (negative numbers, the highest number of the type) are masked.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.atomic import write_atomic
from whorl.core.errors import PatternError, UsageError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: suffixes that hold nothing but images
IMAGES = (".npy", ".tif", ".tiff")
_HDF5 = (".h5", ".hdf5", ".nxs", ".nx5")
_MOST = 200_000_000


def is_frame(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is an image by its suffix.

    Examples
    --------
    >>> is_frame("run_001.tif"), is_frame("curve.dat"), is_frame("master.h5#0")
    (True, False, False)
    """
    return Path(path).suffix.lower() in IMAGES


def read_frame(path: str | os.PathLike[str], frame: int | None = None) -> tuple[Array, Mask]:
    """Read the counts of one frame and which pixels hold some.

    Parameters
    ----------
    path : path
        ``.npy``, ``.tif``, ``.h5``; of HDF5 the largest array of two or three dimensions.
    frame : int, optional
        Of a stack; needed where there are several.

    Returns
    -------
    counts : array, shape (rows, columns)
        0 where masked.
    mask : array of bool, shape (rows, columns)

    Raises
    ------
    PatternError
        If it cannot be read or holds no frame.
    """
    name, suffix = os.fspath(path), Path(path).suffix.lower()
    if suffix not in (*IMAGES, *_HDF5):
        remedy = f"Use {', '.join((*IMAGES, *_HDF5))}."
        raise PatternError(f"{suffix or 'a file without suffix'} holds no frame that is known", where=name, remedy=remedy)
    try:
        values = _numpy(name) if suffix == ".npy" else _tiff(name, frame) if suffix in IMAGES else _hdf5(name)
    except FileNotFoundError as error:
        raise PatternError("there is no such file", where=name, remedy="Check the path.") from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        text = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PatternError(
            f"the frame cannot be read ({text})", where=name, remedy="Check that it is what its name says."
        ) from error
    return _one(values, frame, name)


def write_estimate(path: str | os.PathLike[str], intensity: Array, sigma: Array) -> None:
    """Write an estimate as ``.npz`` with the arrays ``intensity`` and ``sigma``, whole or not at all.

    Raises
    ------
    UsageError
        If the name does not end in ``.npz``.
    """
    if Path(path).suffix.lower() != ".npz":
        raise UsageError("a denoised frame is written as .npz", where=os.fspath(path), remedy="Name it so.")
    stream = io.BytesIO()
    np.savez_compressed(stream, intensity=intensity, sigma=sigma)
    write_atomic(Path(path), stream.getvalue(), kind=PatternError)


def _numpy(name: str) -> NDArray[Any]:
    found = np.load(name, allow_pickle=False, mmap_mode="r")
    if not isinstance(found, np.ndarray):
        raise ValueError("it holds several arrays")  # noqa: TRY004 - told as what is wrong with the file
    return found


def _tiff(name: str, frame: int | None) -> NDArray[Any]:
    from PIL import Image, ImageSequence

    with Image.open(name) as image:
        pages = getattr(image, "n_frames", 1)
        if pages == 1:
            return np.asarray(image)
        if frame is None or not 0 <= frame < pages:
            return np.stack([np.asarray(page) for page in ImageSequence.Iterator(image)])
        image.seek(frame)
        return np.stack([np.asarray(image)] * (frame + 1)) if frame else np.asarray(image)[None]


def _hdf5(name: str) -> NDArray[Any]:
    import h5py

    best: list[tuple[int, str]] = []

    def visit(path: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.ndim in (2, 3) and node.dtype.kind in "uif" and min(node.shape[-2:]) >= 8:
            best.append((node.size, path))

    with h5py.File(name, "r") as root:
        root.visititems(visit)
        if not best:
            raise ValueError("it holds no array of two dimensions")
        size, path = max(best)
        if size > _MOST:
            raise ValueError(f"{path} has {size} values")
        return np.asarray(root[path])


def _one(values: NDArray[Any], frame: int | None, name: str) -> tuple[Array, Mask]:
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and frame is None:
        remedy = f"Name one as {name}#0."
        raise PatternError(f"this is a stack of {values.shape[0]} frames", where=name, remedy=remedy)
    if values.ndim == 3 and frame is not None:
        if not 0 <= frame < values.shape[0]:
            raise PatternError(f"frame {frame} of {values.shape[0]}", where=name, remedy="They are counted from 0.")
        values = values[frame]
    if values.ndim != 2 or values.dtype.kind not in "uif":
        raise PatternError(
            f"an array of shape {values.shape} is no frame", where=name, remedy="Give rows and columns of counts."
        )
    counts = values.astype(np.float64)
    mask = np.isfinite(counts) & (counts >= 0)
    if values.dtype.kind == "u" or (values.dtype.kind == "i" and values.dtype.itemsize > 1):
        mask &= values != np.iinfo(values.dtype).max
    return np.where(mask, counts, 0.0), mask
