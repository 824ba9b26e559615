"""The G(r) that a structure would give, through the same model that is refined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.hypothesis import ANY_ELEMENT, Cluster, Crystal, Hypothesis
from whorl.core.measurement import Measurement
from whorl.techniques.pdf.instrument import make_instrument
from whorl.techniques.pdf.phases import make_phase
from whorl.techniques.pdf.prepare import PdfSignal
from whorl.techniques.pdf.residual import SHAPES, PdfProblem, PhaseOptions

Array = NDArray[np.float64]

#: sample parameters that a simulation takes beside the instrument's, with default and meaning
SAMPLE: Mapping[str, tuple[float | None, str]] = {
    "u_iso": (None, "displacement parameter of all atoms, angstrom^2 (default: the structure's own, or 0.006)"),
    "delta2": (0.0, "correlated motion, angstrom^2"),
    "delta1": (0.0, "correlated motion, angstrom"),
    "diameter": (None, "diameter of a crystallite, angstrom (default: infinite)"),
    "polar_diameter": (None, "diameter of a spheroidal crystallite along its axis, angstrom (default: a sphere)"),
    "thickness": (None, "thickness of a hollow sphere, angstrom; the diameter is then the outer one"),
    "size_spread": (None, "standard deviation of ln(diameter) of spherical crystallites; the diameter is then the median"),
    "zoom": (1.0, "factor on all lengths"),
    "bond": (None, "bond length of an open cluster, angstrom"),
    "element": (None, "element of an open cluster"),
    "scale": (1.0, "factor on G(r)"),
}


def simulate(hypothesis: Hypothesis, *, settings: Mapping[str, Any] | None = None, r: Array | None = None) -> Measurement:
    """Simulate a G(r).

    Parameters
    ----------
    hypothesis : Crystal or Cluster
    settings : mapping
        Instrument (``radiation``, ``qmin``, ``qmax``, ``qdamp``, ``qbroad``) and sample parameters (`SAMPLE`).
    r : array, shape (n,), optional
        angstrom; default 0.01 to 30 in steps of 0.01.

    Returns
    -------
    Measurement
        Kind ``"gr"``, G(r) in 1/angstrom^2.

    Raises
    ------
    UsageError
        If a setting is unknown or impossible.

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> ni = Crystal("Ni", cell=(3.52, 3.52, 3.52, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
    >>> g = simulate(ni, settings={"qmax": 25.0, "u_iso": 0.005})
    >>> near = g.x < 3.0
    >>> round(float(g.x[near][g.signal[near].argmax()]), 2)
    2.49
    """
    given = {"qdamp": 0.0} | dict(settings or {})
    sample = _checked({k: given.pop(k, default) for k, (default, _) in SAMPLE.items()})
    unknown = set(given) - {"radiation", "qmin", "qmax", "qdamp", "qbroad", "composition"}
    if unknown:
        names = ", ".join(["radiation", "qmin", "qmax", "qdamp", "qbroad", *SAMPLE])
        raise UsageError(f"unknown setting {min(unknown)!r}", where="simulate", remedy=f"Settings are {names}.")
    instrument = make_instrument(given)
    axis: Array = np.arange(1, 3001, dtype=np.float64) * 0.01 if r is None else np.asarray(r, dtype=np.float64)
    if axis.size < 2 or np.any(np.diff(axis) <= 0) or axis[0] < 0:
        raise UsageError("r does not increase from 0 or above", where="simulate", remedy="Give an increasing grid.")
    blank = Measurement("gr", axis, np.zeros(axis.size))
    signal = PdfSignal(
        axis, np.zeros(axis.size), np.ones(axis.size), False, instrument, frozenset(), (float(axis[0]), float(axis[-1])),
        frozenset(), blank,
    )  # fmt: skip
    scaled = zoomed(hypothesis, sample["zoom"] or 1.0, bond=sample["bond"], element=sample["element"])
    phase = make_phase(scaled, float(axis[-1]) + 4.0, positions=False)
    second = next((k for k in ("polar_diameter", "size_spread", "thickness") if sample[k] is not None), None)
    shape = next((s for s, name in SHAPES.items() if name == second), "sphere")
    option = PhaseOptions(size=sample["diameter"], size_free=False, shape=shape, motion=None)
    fixed = {p.name: sample["u_iso"] for p in phase.parameters if p.name.startswith("U_") and sample["u_iso"]}
    fixed |= {k: sample[k] or 0.0 for k in ("delta1", "delta2")}
    fixed |= {k: sample[k] for k in ("diameter", "polar_diameter", "size_spread", "thickness") if sample[k] is not None}
    problem = PdfProblem(signal, [phase], [option], free_instrument=(), fixed=fixed)
    values = np.array([p.value for p in problem.parameters])
    g = problem.evaluate(values, jacobian=False).basis[:, 0] * (sample["scale"] or 1.0)
    kept = {k: v for k, v in instrument.model_dump().items() if v is not None}
    return Measurement("gr", axis, g, settings=kept | {"composition": scaled.formula}, format="simulated")


def _checked(sample: Mapping[str, Any]) -> dict[str, Any]:
    """Sample parameters as numbers.

    Raises
    ------
    UsageError
        If one is no number, or not in its range.
    """
    out = dict(sample)
    for name in (
        "u_iso",
        "diameter",
        "polar_diameter",
        "size_spread",
        "thickness",
        "zoom",
        "bond",
        "delta1",
        "delta2",
        "scale",
    ):
        value = sample[name]
        if value is None:
            continue
        zero_too = name.startswith("delta")
        try:
            out[name] = float(value)
        except (TypeError, ValueError):
            out[name] = np.nan
        if not (np.isfinite(out[name]) and (out[name] > 0 or (zero_too and out[name] == 0))):
            least = "0 or above" if zero_too else "above 0"
            raise UsageError(f"{name} = {value}", where="simulate", remedy=f"Give a number {least}: {SAMPLE[name][1]}.")
    return out


def zoomed(hypothesis: Hypothesis, zoom: float, *, bond: float | None = None, element: str | None = None) -> Hypothesis:
    """The structure with all lengths multiplied; an open cluster gets its bond length (angstrom) and element."""
    if isinstance(hypothesis, Crystal):
        a, b, c, *angles = hypothesis.cell
        alpha, beta, gamma = angles
        return replace(hypothesis, cell=(a * zoom, b * zoom, c * zoom, alpha, beta, gamma))
    if isinstance(hypothesis, Cluster):
        factor = zoom * ((bond or 2.75) if hypothesis.bond_free else 1.0)
        symbols = tuple(element or "Au" if s == ANY_ELEMENT else s for s in hypothesis.symbols)
        return replace(hypothesis, positions=hypothesis.positions * factor, symbols=symbols, bond_free=False)
    return hypothesis
