"""The powder pattern that a crystal would give, through the same model that is refined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal, Hypothesis
from whorl.core.measurement import Measurement
from whorl.techniques.pd.instrument import ANODES, SETTINGS, PdInstrument, make_instrument, with_lines
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.pd.residual import PdProblem

Array = NDArray[np.float64]

#: sample parameters that a simulation takes beside the instrument's, with default and meaning
SAMPLE: Mapping[str, tuple[float | None, str]] = {
    "u_iso": (None, "displacement parameter of all atoms, angstrom^2 (default: the structure's own, or 0.008)"),
    "size": (None, "crystallite size, angstrom (default: infinite)"),
    "strain": (0.0, "relative change of spacings within the crystallites"),
    "zoom": (1.0, "factor on all lengths"),
    "scale": (1.0, "factor on the pattern"),
}
#: Gaussian width of the instrument where none is given, degrees
_WIDTH = 0.06


def simulate(
    hypothesis: Hypothesis, *, settings: Mapping[str, Any] | None = None, two_theta: Array | None = None
) -> Measurement:
    """Simulate a powder pattern.

    Parameters
    ----------
    hypothesis : Crystal
    settings : mapping
        Instrument (`whorl.techniques.pd.instrument.SETTINGS`; copper K-alpha by default) and sample (`SAMPLE`).
    two_theta : array, shape (n,), optional
        degrees; default 10 to 80 in steps of 0.02.

    Returns
    -------
    Measurement
        Kind ``"powder"``: area per degree of each reflection is m L |F|^2 / V^2.

    Raises
    ------
    UsageError
        If a setting is unknown or impossible, or the hypothesis is no crystal.

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> ni = Crystal("Ni", cell=(3.524, 3.524, 3.524, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
    >>> m = simulate(ni)
    >>> round(float(m.x[m.signal.argmax()]), 1)
    44.5
    """
    given = {"wavelength": ANODES["Cu"][0], "w": _WIDTH**2} | dict(settings or {})
    sample = {name: _number(name, given.pop(name, default)) for name, (default, _) in SAMPLE.items()}
    unknown = set(given) - set(SETTINGS)
    if unknown:
        names = ", ".join([*SETTINGS, *SAMPLE])
        raise UsageError(f"unknown setting {min(unknown)!r}", where="simulate", remedy=f"Settings are {names}.")
    if not isinstance(hypothesis, Crystal):
        raise UsageError(f"a {hypothesis.kind} has no powder pattern here", where="simulate", remedy="Give a crystal.")
    instrument = make_instrument(with_lines(given))
    axis: Array = np.arange(10.0, 80.01, 0.02) if two_theta is None else np.asarray(two_theta, dtype=np.float64)
    if axis.size < 2 or np.any(np.diff(axis) <= 0) or axis[0] <= 0 or axis[-1] >= 180:
        raise UsageError("2 theta does not increase within 0 to 180", where="simulate", remedy="Give an increasing grid.")
    y = calculated(
        hypothesis,
        instrument,
        axis,
        u_iso=sample["u_iso"],
        size=sample["size"],
        strain=sample["strain"] or 0.0,
        zoom=sample["zoom"] or 1.0,
    )
    kept = {k: v for k, v in instrument.model_dump().items() if v is not None}
    return Measurement(
        "powder", axis, y * (sample["scale"] or 1.0), settings=kept | {"composition": hypothesis.formula}, format="simulated"
    )


def calculated(
    crystal: Crystal,
    instrument: PdInstrument,
    two_theta: Array,
    *,
    u_iso: float | None = None,
    size: float | None = None,
    strain: float = 0.0,
    zoom: float = 1.0,
) -> Array:
    """The pattern of a crystal at unit scale, shape of ``two_theta``.

    Parameters
    ----------
    crystal : Crystal
    instrument : PdInstrument
    two_theta : array, shape (n,)
        degrees
    u_iso : float, optional
        angstrom^2, of all atoms; their own by default.
    size : float, optional
        angstrom
    strain, zoom : float
    """
    options = PhaseOptions(displacements="none" if u_iso is None else "overall", size=size is not None, strain=strain > 0)
    phase = PowderPhase(crystal, instrument, (float(two_theta[0]), float(two_theta[-1])), options, zoom=zoom)
    wanted = {"U": u_iso, "inverse_size": 1 / size if size else None, "strain": strain}
    values = np.array([p.value if wanted.get(p.name) is None else wanted[p.name] for p in phase.parameters], dtype=np.float64)
    n = two_theta.size
    blank = Measurement("powder", two_theta, np.zeros(n))
    none: tuple[str, ...] = ()
    signal = PdSignal(
        blank, two_theta, np.zeros(n), np.ones(n), False, instrument, frozenset(), 0.1, frozenset(), none, none
    )  # fmt: skip
    return PdProblem(signal, [phase]).evaluate(values, jacobian=False).basis[:, 0]


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = float("nan")
    if not np.isfinite(found) or found < 0 or (found == 0 and name != "strain"):
        raise UsageError(f"{name} = {value}", where="simulate", remedy=f"Give a number above 0: {SAMPLE[name][1]}.")
    return found
