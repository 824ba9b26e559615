"""A list of spacings and intensities as the question: it is drawn as the pattern that a diffractometer would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from whorl.core.errors import PatternError
from whorl.core.measurement import Measurement
from whorl.techniques.pd.instrument import ANODES

#: width of the peaks that are drawn, step, and room beyond the first and the last, degrees
_WIDTH, _STEP, _ROOM = 0.12, 0.02, 3.0
_FEWEST = 3
#: height of the strongest peak over the background, counts: the errors of listed intensities are some per cent
_TOP, _LEVEL = 4000.0, 40.0


def drawn(measurement: Measurement, settings: Mapping[str, Any] | None, where: str) -> tuple[Measurement, dict[str, Any]]:
    """Draw a list of peaks as a powder pattern of one spectral line.

    Parameters
    ----------
    measurement : Measurement
        Kind ``"peaks"``: spacings (angstrom) and intensities.
    settings : mapping, optional
        Of the user; ``wavelength`` is that of the intensities (copper K-alpha 1 by default, and said).
    where : str

    Raises
    ------
    PatternError
        If there are too few peaks, or none that the wavelength can show.

    Examples
    --------
    >>> peaks = Measurement("peaks", np.array([1.489, 2.106, 2.432]), np.array([52.0, 100.0, 10.0]))
    >>> pattern, _ = drawn(peaks, None, "peaks")
    >>> round(float(pattern.x[pattern.signal.argmax()]), 1)
    42.9
    """
    given = dict(settings or {})
    stated = given.get("wavelength", measurement.settings.get("wavelength"))
    copper = ANODES["Cu"][0]
    wavelength = ANODES[str(stated)][0] if str(stated) in ANODES else float(stated or copper)
    sine = wavelength / 2 / measurement.x
    seen = (sine < np.sin(np.radians(80.0))) & (measurement.signal > 0)
    if np.count_nonzero(seen) < _FEWEST:
        raise PatternError(
            f"{np.count_nonzero(seen)} peaks can be used",
            where=where,
            remedy=f"At least {_FEWEST} spacings above half the wavelength.",
        )
    place = 2 * np.degrees(np.arcsin(sine[seen]))
    height = measurement.signal[seen] / measurement.signal[seen].max()
    x = np.arange(max(place.min() - _ROOM, 1.0), min(place.max() + _ROOM, 175.0), _STEP)
    y = np.full(x.size, _LEVEL)
    for p, h in zip(place, height, strict=True):
        y += _TOP * h * np.exp(-4 * np.log(2) * ((x - p) / _WIDTH) ** 2)
    kept = {k: v for k, v in measurement.settings.items() if k not in ("wavelength2", "line_ratio")}
    given |= {"wavelength": wavelength, "line_ratio": 0.0, "geometry": "debye-scherrer", "axial": 0.0}
    notes = (*measurement.notes, f"a list of {place.size} peaks, drawn as a pattern of {wavelength:.5g} angstrom")
    return (
        Measurement("powder", x, np.round(y), settings=kept, path=measurement.path, sha256=measurement.sha256, notes=notes),
        given,
    )
