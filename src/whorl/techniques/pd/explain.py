"""A fit of a powder pattern in the words of the field: parameters, weight fractions, sizes, refined structures, remarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.verdict import Curve, Phase, Quantity
from whorl.fitting.problem import Fit
from whorl.physics.microabsorption import linear_attenuation, volume_factors
from whorl.techniques.pd.deciding import marks
from whorl.techniques.pd.leftover import left_over
from whorl.techniques.pd.residual import SHARED, PdProblem, model_of
from whorl.techniques.pd.scale_error import of_fit
from whorl.techniques.protocol import Findings

Array = NDArray[np.float64]

_LARGEST = 3000.0  # angstrom: larger crystallites broaden less than a laboratory sees
_HIGH_U = 0.06
#: grains of a powder as it comes, micrometres, and the change of a weight fraction by them that is worth a word
_GRAINS, _MATTERS = 2.0, 0.01
_TEXTURED = 0.3


def findings(fit: Fit, *, leftover: bool = True) -> Findings:
    """Parameters, phases and structures of a fitted `PdProblem`.

    Parameters
    ----------
    fit : Fit
    leftover : bool
        Look for peaks that the fit does not explain.
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
    phases = _phases(problem, fit, own)
    notes = _remarks(problem, fit, phases) + _microabsorption(problem, fit, own)
    left = left_over(fit) if leftover else None
    if left is not None and left.features:
        shown = ", ".join(f"{q.value:.2f}" for q in left.features[:8])
        more = len(left.features) - 8
        shown += f" and {more} more" if more > 0 else ""
        notes.append(f"unexplained peaks at 2theta = {shown} degrees: an unknown phase is present")
    doubt = of_fit(fit)
    measured = problem.measured_with(fit.values)
    return Findings(parameters, phases, structures, curve, notes, left, measured, (doubt,) if doubt else ())


def _importance(item: tuple[str, Quantity]) -> int:
    """Place of a parameter in a table: cells, sizes, atoms, then texture and the instrument."""
    bare = item[0].split(":")[-1]
    order = (("a", "b", "c", "alpha", "beta", "gamma"), ("size",), ("inverse_size", "strain"))
    found = next((n for n, names in enumerate(order) if bare in names), None)
    if found is not None:
        return found
    if bare.startswith("I_"):
        return 7
    return 6 if bare in SHARED else 5 if bare.startswith("texture") else 4 if bare == "scale" else 3


def weight_fractions(scales: Array, densities: Array) -> Array:
    """Weight fractions from scales that are volume shares, and densities (any unit), shape (m,).

    Examples
    --------
    >>> weight_fractions(np.array([1.0, 1.0]), np.array([2.0, 6.0])).tolist()
    [0.25, 0.75]
    """
    share = scales * densities
    total = float(share.sum())
    return share / total if total > 0 else np.full(share.size, 1.0 / share.size)


def density_of(contents: dict[str, float], volume: float) -> float:
    """Density of a crystal, g/cm^3, from the atoms of its cell and the cell's volume (angstrom^3).

    Examples
    --------
    >>> round(density_of({"Ni": 4.0}, 43.76), 2)
    8.91
    """
    from ase.data import atomic_masses, atomic_numbers

    mass = sum(n * float(atomic_masses[atomic_numbers["H" if e == "D" else e]]) for e, n in contents.items())
    return mass / volume * 1.66053907


def _phases(problem: PdProblem, fit: Fit, own: list[Array]) -> list[Phase]:
    count = len(problem.phases)
    if count == 1:
        crystal = problem.phases[0].crystal
        return [Phase(name=crystal.name, formula=crystal.formula, weight_fraction=Quantity(value=1.0, sigma=0.0, unit="1"))]
    scales = fit.factors[:count]
    densities = np.array(
        [density_of(p.crystal.contents, p.volume(v)) for p, v in zip(problem.phases, own, strict=True)], dtype=np.float64
    )
    grains = problem.instrument.grain_size
    if grains and problem.instrument.radiation == "x-ray":
        densities = densities / volume_factors(scales, _attenuation(problem, densities), grains)
    fractions = weight_fractions(scales, densities)
    start = len(fit.values)
    total = float(scales @ densities) or 1.0
    slopes = (np.diag(densities) - np.outer(fractions, densities)) / total
    covariance = fit.covariance[start : start + count, start : start + count]
    sigma = np.sqrt(np.clip(np.diag(slopes @ covariance @ slopes.T), 0, None))
    return [
        Phase(
            name=phase.crystal.name,
            formula=phase.crystal.formula,
            weight_fraction=Quantity(value=float(w), sigma=float(s), unit="1"),
        )
        for phase, w, s in zip(problem.phases, fractions, sigma, strict=True)
    ]


def _attenuation(problem: PdProblem, densities: Array) -> Array:
    """Linear attenuation coefficients of the phases, 1/cm."""
    wavelength = problem.instrument.wavelength
    return np.array(
        [linear_attenuation(p.crystal.contents, d, wavelength) for p, d in zip(problem.phases, densities, strict=True)]
    )


def _microabsorption(problem: PdProblem, fit: Fit, own: list[Array]) -> list[str]:
    """Say what usual grains would change of the weight fractions, where that matters and no size is given."""
    count = len(problem.phases)
    if count < 2 or problem.instrument.radiation != "x-ray" or problem.instrument.grain_size:
        return []
    densities = np.array([density_of(p.crystal.contents, p.volume(v)) for p, v in zip(problem.phases, own, strict=True)])
    scales = fit.factors[:count]
    plain = weight_fractions(scales, densities)
    changed = weight_fractions(scales, densities / volume_factors(scales, _attenuation(problem, densities), _GRAINS))
    if float(np.max(np.abs(changed - plain))) < _MATTERS:
        return []
    shown = ", ".join(f"{p.crystal.formula} {w:.3f}" for p, w in zip(problem.phases, changed, strict=True))
    grains = f"with grains of {_GRAINS:g} micrometres the weight fractions would be {shown}"
    return [f"the phases absorb differently: {grains} (--set grain_size=...)"]


def _sizes(parameters: dict[str, Quantity]) -> dict[str, Quantity]:
    """Crystallite sizes from the inverse ones that are refined."""
    out = {}
    for name, q in parameters.items():
        if name.endswith("inverse_size") and q.value > 1 / _LARGEST:
            sigma = None if q.sigma is None else q.sigma / q.value**2
            out[name.replace("inverse_size", "size")] = Quantity(value=1 / q.value, sigma=sigma, unit="angstrom")
    return out


def _remarks(problem: PdProblem, fit: Fit, phases: list[Phase]) -> list[str]:
    out = []
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
    out += [
        f"{p.name}: {p.weight_fraction.value:.2g} of the weight does not stand out from its uncertainty"
        for p in phases
        if len(phases) > 1 and p.weight_fraction.value <= 2 * (p.weight_fraction.sigma or 0.0)
    ]
    return out
