"""Simulate: the measurement that a hypothesis would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Hypothesis
from whorl.core.measurement import Measurement
from whorl.techniques import get_technique


def simulate(
    hypothesis: Hypothesis,
    *,
    technique: str = "pdf",
    settings: Mapping[str, Any] | None = None,
    x: NDArray[np.float64] | None = None,
) -> Measurement:
    """Simulate a measurement with the technique's model, the one that is refined.

    Parameters
    ----------
    hypothesis : Hypothesis
    technique : str
    settings : mapping, optional
        Instrument and sample parameters of the technique.
    x : array, shape (n,), optional
        Axis, in the technique's unit; the technique's default otherwise.

    Raises
    ------
    WhorlError
        If the technique cannot simulate the hypothesis or a setting is unknown.

    Examples
    --------
    >>> from whorl.core.hypothesis import Crystal, Site
    >>> ni = Crystal("Ni", cell=(3.52, 3.52, 3.52, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
    >>> simulate(ni, settings={"qmax": 25.0}).kind
    'gr'
    """
    return get_technique(technique).simulate(hypothesis, settings=dict(settings or {}), x=x)
