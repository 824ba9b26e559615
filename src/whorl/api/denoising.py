"""`denoise` and `denoise_frame`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from whorl.api.given import Source
from whorl.core.measurement import Measurement
from whorl.formats import read
from whorl.tasks import denoise as task
from whorl.tasks.denoise import Denoised, DenoisedImage
from whorl.tasks.inputs import split_frame


def denoise(
    source: Source, *, range: tuple[float, float] | None = None, settings: Mapping[str, Any] | None = None, **more: Any
) -> Denoised:
    """Estimate what a long exposure would have measured, with the uncertainty of every value.

    Parameters
    ----------
    source : path or Measurement
        A small-angle curve, or a series of them, whose frames then borrow from each other.
    range : (low, high), optional
        Part of the axis.
    settings, **more
        Overrides of what the file states of the instrument.

    Returns
    -------
    Denoised
        ``measurement`` with ``signal`` and ``sigma`` of the estimate, ``verdict`` with what was gained and what to mind.

    Raises
    ------
    WhorlError
        If the measurement or a setting cannot be used.

    Examples
    --------
    >>> q = np.geomspace(0.01, 0.3, 120)
    >>> noise = np.random.default_rng(5).normal(0, 1.0, 120)
    >>> short = Measurement("sas", q, 100 * np.exp(-((20 * q) ** 2) / 3) + noise, sigma=np.ones(120))
    >>> found = denoise(short)
    >>> bool(found.verdict.parameters["gain"].value > 2), found.measurement.sigma.shape
    (True, (120,))
    """
    if isinstance(source, Measurement):
        measurement = source
    else:
        path, frame = split_frame(os.fspath(source))
        measurement = read(path) if frame is None else read(path).frame(frame)
    return task.denoise(measurement, range=range, settings={**(settings or {}), **more})


def denoise_frame(
    counts: ArrayLike, *, mask: ArrayLike | None = None, centre: tuple[float, float] | None = None
) -> DenoisedImage:
    """Estimate the expected counts of every pixel of a detector frame, with their uncertainty.

    Parameters
    ----------
    counts : array, shape (rows, columns)
        As recorded, nothing subtracted.
    mask : array of bool, shape (rows, columns), optional
        True where a pixel is to be used.
    centre : (row, column), optional
        Of the beam; found from the pattern's inversion symmetry by default.

    Returns
    -------
    DenoisedImage
        ``found.intensity``, ``found.sigma``, ``verdict``.

    Raises
    ------
    WhorlError
        If the frame cannot be used.

    Examples
    --------
    >>> y, x = np.mgrid[:64, :64]
    >>> rate = 2 * np.exp(-((y - 32) ** 2 + (x - 30) ** 2) / 200) + 0.02
    >>> found = denoise_frame(np.random.default_rng(0).poisson(rate), centre=(32, 30))
    >>> bool(found.found.gain > 3)
    True
    """
    good = None if mask is None else np.asarray(mask, dtype=bool)
    return task.denoise_frame(np.asarray(counts, dtype=np.float64), mask=good, centre=centre)
