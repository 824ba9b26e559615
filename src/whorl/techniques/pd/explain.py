"""A fit of a powder pattern in the words of the field: parameters, weight fractions, sizes, refined structures, remarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Curve, Phase, Quantity
from whorl.fitting.problem import Fit
from whorl.physics.size_broadening import mean_diameter
from whorl.techniques.pd.deciding import marks
from whorl.techniques.pd.leftover import left_over
from whorl.techniques.pd.residual import SHARED, PdProblem, model_of
from whorl.techniques.pd.scale_error import of_fit
from whorl.techniques.pd.weights import weights
from whorl.techniques.pd.wrong_symmetry import contradicted
from whorl.techniques.protocol import Findings

Array = NDArray[np.float64]

_LARGEST = 3000.0  # angstrom: larger crystallites broaden less than a laboratory sees
_HIGH_U = 0.06
_TEXTURED = 0.3


def findings(fit: Fit, *, leftover: bool = True) -> Findings:
    """Parameters, phases and structures of a fitted `PdProblem`.

    Parameters
    ----------
    fit : Fit
    leftover : bool
        Look for peaks that the fit does not explain, and for a wavelength that would set it right.
    """
    problem = model_of(fit)
    parameters: dict[str, Quantity] = {}
    for p, value, sigma, limit in zip(problem.parameters, fit.values, fit.sigma, fit.at_bound, strict=True):
        known = float(sigma) if np.isfinite(sigma) else None
        parameters[p.name] = Quantity(value=float(value), sigma=known, unit=p.unit, at_limit=limit)
    parameters |= _sizes(parameters)
    amounts = zip(problem.linear, fit.factors, fit.factor_sigma, strict=True)
    for term, value, sigma in list(amounts)[: len(problem.linear) - problem.constant]:  # those of the background say nothing
        parameters[term.name] = Quantity(value=float(value), sigma=float(sigma), unit=term.unit)
    parameters = dict(sorted(parameters.items(), key=_importance))
    own = problem.own_values(fit.values)
    structures = problem.structures(fit.values)
    labels = "2theta (degree)", f"intensity ({problem.signal.unit})"
    curve = Curve(problem.x, problem.observed, fit.calculated, *labels, marks=marks(fit))
    found = weights(problem, fit, own)
    notes = _remarks(problem, fit, found.phases) + found.notes
    left = left_over(fit) if leftover else None
    if left is not None and left.features:
        shown = ", ".join(f"{q.value:.2f}" for q in left.features[:8])
        more = len(left.features) - 8
        shown += f" and {more} more" if more > 0 else ""
        notes.append(f"unexplained peaks at 2theta = {shown} degrees: an unknown phase is present")
    doubt = of_fit(fit) if leftover else ""
    doubts = (*((doubt,) if doubt else ()), *contradicted(phase.crystal for phase in problem.phases))
    measured = problem.measured_with(fit.values)
    return Findings(parameters, found.phases, structures, curve, notes, left, measured, doubts, found.covariance)


def _importance(item: tuple[str, Quantity]) -> int:
    """Place of a parameter in a table: cells, sizes, atoms, then texture and the instrument."""
    bare = item[0].split(":")[-1]
    order = (("a", "b", "c", "alpha", "beta", "gamma"), ("size", "size_spread", "mean_diameter"), ("inverse_size", "strain"))
    found = next((n for n, names in enumerate(order) if bare in names), None)
    if found is not None:
        return found
    if bare.startswith("I_"):
        return 7
    return 6 if bare in SHARED else 5 if bare.startswith("texture") else 4 if bare == "scale" else 3


def _sizes(parameters: dict[str, Quantity]) -> dict[str, Quantity]:
    """Crystallite sizes from the inverse ones that are refined."""
    out = {}
    for name, q in parameters.items():
        if name.endswith("inverse_size") and q.value > 1 / _LARGEST:
            sigma = None if q.sigma is None else q.sigma / q.value**2
            out[name.replace("inverse_size", "size")] = Quantity(value=1 / q.value, sigma=sigma, unit="angstrom")
            spread = parameters.get(name.replace("inverse_size", "size_spread"))
            if spread is not None:
                diameter = mean_diameter(1 / q.value, spread.value)
                out[name.replace("inverse_size", "mean_diameter")] = Quantity(value=diameter, unit="angstrom")
    return out


def _remarks(problem: PdProblem, fit: Fit, phases: list[Phase]) -> list[str]:
    share = problem.hump_share(fit)
    out = [] if share is None else [f"the humps hold {share:.1%} of the intensity over the background, in the range fitted"]
    named = problem.named_values(fit.values)
    for p, limit in zip(problem.parameters, fit.at_bound, strict=True):
        bare = p.name.split(":")[-1]
        if limit and bare not in ("inverse_size", "strain", "u", "v", "w", "x", "y", "axial"):
            unit = "" if p.unit == "1" else f" {p.unit}"
            out.append(f"{p.name} ended at its limit of {named[p.name]:.4g}{unit}")
        elif bare.startswith("U") and named[p.name] > _HIGH_U:
            out.append(f"{p.name} = {named[p.name]:.3f} angstrom^2 is high for a thermal motion: a wrong structure, perhaps")
    for phase in problem.phases:
        prefix = phase.options.prefix
        strength = np.sqrt(sum(v**2 for n, v in named.items() if n.startswith(f"{prefix}texture_")))
        if strength > _TEXTURED:
            out.append(f"{phase.crystal.name}: texture of strength {strength:.2f}; its weight fraction depends on it")
    amounts, sigma = fit.factors[: len(phases)], fit.factor_sigma[: len(phases)]
    out += [
        f"{p.name}: {p.weight_fraction.value:.2g} of the weight does not stand out from its uncertainty"
        for p, amount, doubt in zip(phases, amounts, sigma, strict=True)
        if len(phases) > 1 and amount <= 2 * doubt
    ]
    return out
