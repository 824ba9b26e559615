"""Simulate a small-angle curve of a model, smeared as the settings say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import PatternError, StructureError, UsageError
from whorl.core.hypothesis import FormFactor, Hypothesis
from whorl.core.measurement import Measurement
from whorl.physics.small_angle.composite import compose
from whorl.physics.small_angle.smearing import Smearing
from whorl.techniques.sas.instrument import SETTINGS, make_instrument

Array = NDArray[np.float64]

#: points and range where no axis is given, 1/angstrom
_POINTS, _RANGE = 256, (0.002, 0.5)
_OF_INSTRUMENT = frozenset({"upturn"})


def simulate(hypothesis: Hypothesis, *, settings: Mapping[str, Any] | None = None, q: Array | None = None) -> Measurement:
    """Compute the curve of a model.

    Parameters
    ----------
    hypothesis : Hypothesis
        A `FormFactor`; its ``parameters`` are those of the model, defaults where there is none.
    settings : mapping, optional
        Of the instrument (`whorl.techniques.sas.instrument.SETTINGS`); parameters of the model, ``scale`` (volume fraction; 1)
        and ``background`` as a number (1/cm; 0).
    q : array, shape (n,), optional
        1/angstrom; 256 points from 0.002 to 0.5, equally far in ln q, by default.

    Returns
    -------
    Measurement
        Of kind ``"sas"``, 1/cm, without noise.

    Raises
    ------
    StructureError
        If it is no model of small-angle scattering.
    PatternError
        If ``q`` is not positive.
    UsageError
        If a setting is unknown or impossible.

    Examples
    --------
    >>> m = simulate(FormFactor("sphere", model="sphere", parameters={"radius": 30.0}), settings={"scale": 0.01})
    >>> m.kind, m.x.size
    ('sas', 256)
    """
    if not isinstance(hypothesis, FormFactor):
        raise StructureError(
            f"a {hypothesis.kind} has no small-angle curve here",
            where=hypothesis.name,
            remedy="Give a model: sphere, rod, dab.",
        )
    model = compose(hypothesis.model)
    given = dict(settings or {})
    background = given.pop("background", 0.0)
    names = {p.name for p in model.parameters} | {f"{n}_pd" for n in model.spreading}
    own = {k: float(given.pop(k)) for k in list(given) if k in names}
    scales = [float(given.pop(model.prefix(n) + "scale", 1.0)) for n in range(len(model.terms))]
    if unknown := sorted(set(given) - (set(SETTINGS) - _OF_INSTRUMENT)):
        raise UsageError(
            f"unknown setting {unknown[0]!r}",
            where="simulate",
            remedy=f"Settings are {', '.join([*sorted(names), *SETTINGS])}.",
        )
    instrument = make_instrument(given, where="simulate")
    x = np.geomspace(*_RANGE, _POINTS) if q is None else np.asarray(q, dtype=np.float64)
    if x.size < 2 or not np.all(x > 0):
        raise PatternError("q has to be positive", where="simulate", remedy="Leave out q = 0.")
    smearing = Smearing.none(x)
    if instrument.smears:
        smearing = Smearing.of(x, instrument.dq * x if instrument.dq else None, instrument.slit_length, instrument.slit_width)
    given_values = dict(hypothesis.parameters) | own
    curve = smearing.apply(model.basis(smearing.q, given_values, instrument.distribution)) @ np.array(scales)
    curve = curve + (0.0 if isinstance(background, str) else float(background))
    stated: dict[str, Any] = {"intensity": "absolute"} | {k: v for k, v in given.items() if k != "distribution"}
    resolution = instrument.dq * x if instrument.dq else None
    return Measurement("sas", x, curve, settings=stated, resolution=resolution, format="simulated")
