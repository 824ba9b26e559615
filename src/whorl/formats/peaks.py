"""A list of peaks as the measurement: lattice spacings with intensities, or angles that Bragg's law turns into spacings.

lambda = 2 d sin(theta) (Bragg, Proc. Camb. Phil. Soc. 17, 43 (1913)). A list has no order, so it is sorted; lines of one
spacing are added.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.formats.axis import Points
from whorl.formats.plausible import is_peak_list
from whorl.formats.powder import Source, curve

Array = NDArray[np.float64]


def spacing(two_theta: Array, wavelength: float) -> Array:
    """Lattice spacings (angstrom) of angles (degree) by Bragg's law.

    Examples
    --------
    >>> spacing(np.array([60.0]), 1.5).round(6).tolist()
    [1.5]
    """
    return np.asarray(wavelength / (2 * np.sin(np.radians(two_theta) / 2)), dtype=np.float64)


def of_columns(points: Points, axis: str, settings: dict[str, Any], source: Source, notes: list[str]) -> Measurement:
    """Give the list of peaks in two columns; ``axis`` is ``"angle"`` or that of a spacing.

    Raises
    ------
    PatternError
        If it is a profile, a position is not positive, or angles come without a wavelength.

    Examples
    --------
    >>> points = Points(np.array([28.443, 47.304]), np.array([100.0, 55.0]), None, np.array([1, 2]))
    >>> m = of_columns(points, "angle", {"wavelength": 1.5406}, Source("a.txt", "", "columns"), [])
    >>> m.kind, m.x.round(3).tolist(), m.signal.tolist()
    ('peaks', [1.92, 3.135], [55.0, 100.0])
    """
    x, y = points.x, points.y
    if np.any(x <= 0):
        line = int(points.lines[int(np.argmax(x <= 0))])
        raise PatternError("a peak at or below zero", where=f"{source.path}, line {line}", remedy="Remove the line.")
    if not is_peak_list(x):
        raise PatternError(
            "this is a profile over the lattice spacing, not a list of peaks",
            where=source.path,
            remedy="Give the profile over 2theta (or t), or the positions of its peaks only.",
        )
    if axis == "angle":
        x = spacing(x, _wavelength(x, settings, source.path))
        notes.append(f"a list of {x.size} peaks; their 2theta became d with the stated wavelength {settings['wavelength']:g}")
    else:
        notes.append(f"a list of {x.size} peaks")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    first = np.concatenate([[True], np.diff(x) > 0])
    if not first.all():
        notes.append(f"{int((~first).sum())} peaks were added to others of the same spacing")
        y = np.add.reduceat(y, np.flatnonzero(first))
        x = x[first]
    return curve(x, y, None, "peaks", settings, source, notes)


def _wavelength(two_theta: Array, settings: dict[str, Any], path: str) -> float:
    if two_theta.max() >= 180:
        raise PatternError(f"a peak at 2theta = {two_theta.max():g} degrees", where=path, remedy="Give 2theta in degrees.")
    wavelength = settings.get("wavelength")
    if wavelength is None:
        raise PatternError(
            "a list of peaks over 2theta without a wavelength",
            where=path,
            remedy="Add a line '# wavelength = 1.5406' to the file, or give the lattice spacings d.",
        )
    return float(wavelength)
