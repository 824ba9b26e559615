"""From the refinement of a standard to the profile of the instrument it was measured on.

A standard's crystallites are taken as large and free of strain: what its refinement says of size and strain is counted among
the instrument's widths, X by K lambda / D and Y by 4 epsilon (degrees), which have the same dependence on the angle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from whorl.core.errors import UsageError
from whorl.core.verdict import Verdict
from whorl.techniques.pd.broadening import SCHERRER

#: settings that belong to the sample, not to the instrument
_OF_THE_SAMPLE = ("displacement", "transparency", "texture", "grain_size", "mu_r", "intensities", "humps", "overflow")


def instrument_of(verdict: Verdict) -> dict[str, Any]:
    """Settings of the instrument from the refinement of a standard.

    Parameters
    ----------
    verdict : Verdict
        Of `whorl.refine` with one structure.

    Returns
    -------
    dict
        For `whorl.formats.write_instrument`, or as ``settings`` of other calls: wavelengths, geometry, zero error, widths u to
        y, axial divergence.

    Raises
    ------
    UsageError
        If the refinement was of several phases, of lognormal sizes or of another technique.
    """
    where = verdict.file or "refinement"
    first = verdict.candidates[0] if verdict.candidates else None
    if first is None or "wavelength" not in first.instrument:
        raise UsageError("this refinement says nothing of a diffractometer", where=where, remedy="Refine a powder pattern.")
    if len(first.phases) != 1 or "size_spread" in first.parameters:
        raise UsageError(
            "a standard is one phase of large crystallites", where=where, remedy="Refine it alone, without --shape lognormal."
        )
    settings: dict[str, Any] = {k: v for k, v in first.instrument.items() if k not in _OF_THE_SAMPLE}
    inverse_size, strain = (_value(first.parameters, name) for name in ("inverse_size", "strain"))
    settings["x"] = float(settings["x"]) + float(np.degrees(SCHERRER * float(settings["wavelength"]))) * inverse_size
    settings["y"] = float(settings["y"]) + float(np.degrees(4.0)) * strain
    return settings


def _value(parameters: Mapping[str, Any], name: str) -> float:
    return float(parameters[name].value) if name in parameters else 0.0
