"""A fit of G(r) in the words of the field: parameters, weight fractions, refined structures, remarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Cluster
from whorl.core.verdict import Curve, Phase, Quantity
from whorl.fitting.problem import Fit
from whorl.physics.form_factors import scattering_factor
from whorl.techniques.pdf.phases import PhaseModel
from whorl.techniques.pdf.residual import EXTRA, PdfProblem
from whorl.techniques.protocol import Findings

Array = NDArray[np.float64]

_HIGH_U = 0.05


def findings(fit: Fit) -> Findings:
    """Parameters, phases and structures of a fitted `PdfProblem`."""
    problem = fit.problem
    assert isinstance(problem, PdfProblem)
    parameters: dict[str, Quantity] = {}
    for p, value, sigma, limit in zip(problem.parameters, fit.values, fit.sigma, fit.at_bound, strict=True):
        known = float(sigma) if np.isfinite(sigma) else None
        parameters[p.name] = Quantity(value=float(value), sigma=known, unit=p.unit, at_limit=limit)
    for term, value, sigma in zip(problem.linear, fit.factors, fit.factor_sigma, strict=True):
        parameters[term.name] = Quantity(value=float(value), sigma=float(sigma), unit=term.unit)
    values = problem.full_values(fit.values)
    structures = []
    first = 0
    for phase in problem.phases:
        count = len(phase.parameters)
        structures.append(phase.refined(values[first : first + count]))
        first += count + EXTRA
    curve = Curve(problem.x, problem.observed, fit.calculated, "r (angstrom)", "G(r) (1/angstrom^2)")
    return Findings(parameters, _phases(problem, fit), tuple(structures), curve, _remarks(problem, fit))


def weight_fractions(scales: Array, masses: Array, strengths: Array) -> Array:
    """Weight fractions from the scale factors of G(r).

    G(r) of a mixture weights each phase by its share of atoms times <f>^2, so x_i is proportional to s_i / <f>_i^2 atoms,
    and the weight to x_i times the mean atomic mass.

    Parameters
    ----------
    scales, masses, strengths : array, shape (m,)
        Scale factors; mean atomic masses (u); <f(0)> of each phase.

    Examples
    --------
    >>> weight_fractions(np.array([1.0, 1.0]), np.array([10.0, 30.0]), np.array([2.0, 2.0])).tolist()
    [0.25, 0.75]
    """
    share = scales * masses / strengths**2
    total = float(share.sum())
    return share / total if total > 0 else np.full(share.size, 1.0 / share.size)


def _phases(problem: PdfProblem, fit: Fit) -> list[Phase]:
    from ase.data import atomic_masses, atomic_numbers

    radiation = problem.signal.instrument.radiation
    masses, strengths = [], []
    for phase in problem.phases:
        f0 = np.array([float(scattering_factor(s, np.array(0.0), radiation)) for s in phase.symbols])
        strengths.append(abs(float(phase.fractions @ f0)) or 1.0)
        masses.append(float(phase.fractions @ np.array([atomic_masses[atomic_numbers.get(s, 1)] for s in phase.symbols])))
    mass, strength = np.array(masses), np.array(strengths)
    fractions = weight_fractions(fit.factors, mass, strength)
    sigma = _fraction_sigma(fit, mass, strength, len(fit.values))
    return [
        Phase(
            name=phase.hypothesis.name,
            formula=_formula(phase),
            weight_fraction=Quantity(value=float(w), sigma=float(s), unit="1"),
        )
        for phase, w, s in zip(problem.phases, fractions, sigma, strict=True)
    ]


def _fraction_sigma(fit: Fit, mass: Array, strength: Array, first: int) -> Array:
    """Uncertainty of the weight fractions by linear propagation of the covariance of the scales."""
    k = mass / strength**2
    total = float(fit.factors @ k)
    if total <= 0:
        return np.zeros(mass.size)
    fractions = fit.factors * k / total
    jacobian = (np.diag(k) - np.outer(fractions, k)) / total
    covariance = fit.covariance[first:, first:]
    return np.sqrt(np.clip(np.diag(jacobian @ covariance @ jacobian.T), 0, None))


def _formula(phase: PhaseModel) -> str:
    h = phase.hypothesis
    if isinstance(h, Cluster):
        return h.formula.replace("X", phase.symbols[0]) if "X" in h.symbols else h.formula
    return h.formula


def _remarks(problem: PdfProblem, fit: Fit) -> list[str]:
    out = []
    for p, value, limit in zip(problem.parameters, fit.values, fit.at_bound, strict=True):
        if limit:
            out.append(f"{p.name} ended at its limit of {value:.4g} {p.unit if p.unit != '1' else ''}".rstrip())
        elif "U_" in p.name and value > _HIGH_U:
            out.append(f"{p.name} = {value:.3f} angstrom^2 is high for a thermal motion: static disorder, or a wrong structure")
    return out
