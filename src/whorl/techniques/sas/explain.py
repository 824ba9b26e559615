"""A fit of a small-angle curve in the words of the field: parameters, derived lengths, remarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Curve, Phase, Quantity
from whorl.fitting.problem import Fit
from whorl.physics.small_angle.composite import SPREAD
from whorl.techniques.protocol import Findings
from whorl.techniques.sas.prepare import SasSignal
from whorl.techniques.sas.residual import SasProblem, model_of

Array = NDArray[np.float64]

#: lengths beyond this part of 2 pi / qmin, and below this part of pi / qmax, are not told by a curve
_LONG, _SHORT = 1.0, 0.3
_UNIT = {"absolute": "1/cm", "arbitrary": "arbitrary"}


def findings(fit: Fit) -> Findings:
    """Parameters, the model as it was fitted, and remarks."""
    problem = model_of(fit)
    signal = problem.signal
    unit = _UNIT[signal.instrument.intensity]
    parameters: dict[str, Quantity] = {}
    for p, value, sigma, limit in zip(problem.parameters, fit.values, fit.sigma, fit.at_bound, strict=True):
        known = float(sigma) if np.isfinite(sigma) else None
        parameters[p.name] = Quantity(value=float(value), sigma=known, unit=p.unit, at_limit=limit)
    order = {p.name: float(n) for n, p in enumerate(problem.model.parameters)}
    order |= {n + SPREAD: order[n] + 0.5 for n in problem.model.spreading}
    parameters = dict(sorted(parameters.items(), key=lambda item: order.get(item[0], 99)))
    for term, value, sigma in zip(problem.linear, fit.factors, fit.factor_sigma, strict=True):
        what = unit if term.name in ("background", "upturn") else "1"
        parameters[term.name] = Quantity(value=float(value), sigma=float(sigma), unit=what)
    curve = Curve(problem.x, problem.observed, fit.calculated, "q (1/angstrom)", f"I(q) ({unit})", scale="log")
    phases = [Phase(name=t.model.title, formula="", weight_fraction=Quantity(value=float("nan"))) for t in problem.model.terms]
    return Findings(
        parameters,
        phases if len(phases) > 1 else [],
        problem.structures(fit.values),
        curve,
        _remarks(problem, fit),
        instrument=signal.instrument.model_dump(exclude_none=True),
    )


def _remarks(problem: SasProblem, fit: Fit) -> list[str]:
    """What the reader should know of a fit."""
    out = []
    low, high = problem.signal.range
    named = problem.named(fit.values)
    lengths = {p.name for p in problem.model.parameters if p.role == "length"}
    for p, limit in zip(problem.parameters, fit.at_bound, strict=True):
        value = named[p.name]
        unit = "" if p.unit == "1" else f" {p.unit}"
        if limit and not (p.name.endswith(SPREAD) and value <= 0):
            out.append(f"{p.name} ended at its limit of {value:.4g}{unit}")
        elif p.name in lengths and value > _LONG * 2 * np.pi / low:
            out.append(f"{p.name} = {value:.4g}{unit} is longer than the lowest q shows ({2 * np.pi / low:.4g}): at least that")
        elif p.name in lengths and value < _SHORT * np.pi / high:
            out.append(f"{p.name} = {value:.4g}{unit} is shorter than the highest q shows")
    names = [t.name for t in problem.linear]
    if "upturn" in names and fit.factors[names.index("upturn")] > 3 * fit.factor_sigma[names.index("upturn")]:
        out.append("a rise with q^-4 towards low q stands beside the model: aggregates, or surfaces of something larger")
    if problem.surrogate is not None:
        error = problem.surrogate.error.median
        out.append(f"by a trained surrogate where it is trusted (median error {error:.1%}): set surrogate=off for exact curves")
    contrasts = [p.name for p in problem.model.parameters if p.role == "contrast" and p.name in problem.held]
    if contrasts and problem.signal.instrument.intensity == "absolute":
        told = ", ".join(f"{n} = {problem.held[n]:g}" for n in contrasts)
        out.append(f"scale is the volume fraction if {told} (1e-6/angstrom^2) are right: set them with --fix")
    return out


def without_model(signal: SasSignal) -> tuple[str, ...]:
    """What the slope at high q says, whatever the model."""
    tail = signal.x > signal.x[-1] / 4
    good = tail & (signal.y > 3 * signal.sigma)
    if np.count_nonzero(good) < 8:
        return ()
    slope = float(np.polyfit(np.log(signal.x[good]), np.log(signal.y[good]), 1, w=signal.y[good] / signal.sigma[good])[0])
    return (f"the intensity falls with q to the power {slope:.1f} at high q, background and all",)
