"""A fit of G(r) in the words of the field: parameters, weight fractions, refined structures, remarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from whorl.core.hypothesis import Cluster
from whorl.core.verdict import Curve, Phase, Quantity
from whorl.fitting.problem import Fit
from whorl.techniques.pdf.extra_peaks import with_extra_peaks
from whorl.techniques.pdf.magnetism import magnetic_sign
from whorl.techniques.pdf.misfit import model_of
from whorl.techniques.pdf.phases import ClusterPhase, PhaseModel
from whorl.techniques.pdf.remainder import in_words, remainder
from whorl.techniques.pdf.residual import PdfProblem
from whorl.techniques.protocol import Findings, Remainder

Array = NDArray[np.float64]

_HIGH_U = 0.05
_LIKELY = 0.5
_NAMED = 5  # metals named where the element is a guess


def findings(fit: Fit, *, leftover: bool = True) -> Findings:
    """Parameters, phases and structures of a fitted `PdfProblem`.

    Parameters
    ----------
    fit : Fit
    leftover : bool
        Look into what the fit leaves over (short-range peaks, an amorphous part, magnetic scattering), which takes as long
        as a few evaluations of the model: worth it for the first candidate.
    """
    problem = model_of(fit)
    parameters: dict[str, Quantity] = {}
    for p, value, sigma, limit in zip(problem.parameters, fit.values, fit.sigma, fit.at_bound, strict=True):
        known = float(sigma) if np.isfinite(sigma) else None
        parameters[p.name] = Quantity(value=float(value), sigma=known, unit=p.unit, at_limit=limit)
    parameters |= _tied(problem, fit)
    for term, value, sigma in zip(problem.linear, fit.factors, fit.factor_sigma, strict=True):
        parameters[term.name] = Quantity(value=float(value), sigma=float(sigma), unit=term.unit)
    structures = problem.structures(fit.values)
    curve = Curve(problem.x, problem.observed, fit.calculated, "r (angstrom)", "G(r) (1/angstrom^2)")
    phases = _phases(problem, fit)
    remarks = _remarks(problem, fit) + _doubtful(phases)
    if not leftover:
        return Findings(parameters, phases, structures, curve, remarks)
    left, notes, more = _left_over(fit)
    return Findings(parameters | more, phases, structures, curve, remarks + notes, left)


def _left_over(fit: Fit) -> tuple[Remainder | None, list[str], dict[str, Quantity]]:
    """What is left over, in words, and the short-range peaks as quantities."""
    magnetic = magnetic_sign(fit)
    if magnetic is not None and magnetic.probability > _LIKELY:  # then the wave would pass for peaks and for a glass
        return None, [magnetic.words], {}
    elements = frozenset(s for phase in model_of(fit).phases for s in phase.symbols)
    peaks = with_extra_peaks(fit, elements=elements)
    notes: list[str] = []
    quantities: dict[str, Quantity] = {}
    if peaks is not None:
        notes.append(peaks.words)
        for i, peak in enumerate(peaks.peaks, start=1):
            quantities |= {f"peak{i}_position": peak.position, f"peak{i}_width": peak.width, f"peak{i}_area": peak.area}
    left = remainder(fit, peaks=peaks)
    if left is not None:
        notes.append(in_words(left))
    return left, notes, quantities


def _tied(problem: PdfProblem, fit: Fit) -> dict[str, Quantity]:
    """Parameters that follow from others, with the uncertainty that these give them."""
    names = [p.name for p in problem.parameters]
    units = {p.name: p.unit for p in problem.parameters}
    named = problem.named_values(fit.values)
    out = {}
    for name, sources in problem.tied().items():
        slope = np.zeros(fit.covariance.shape[0])
        for source, factor in sources.items():
            if source in names:
                slope[names.index(source)] = factor
        sigma = float(np.sqrt(max(float(slope @ fit.covariance @ slope), 0.0)))
        unit = next((units[s] for s in sources if s in units), "1")
        out[name] = Quantity(value=named[name], sigma=sigma if np.any(slope) else None, unit=unit)
    return out


def weight_fractions(scales: Array, masses: Array) -> Array:
    """Weight fractions from the scale factors of G(r).

    The model of a mixture weights each phase by its scattering power, so that a scale is a share of the atoms.

    Parameters
    ----------
    scales, masses : array, shape (m,)
        Scale factors; mean atomic masses (u).

    Examples
    --------
    >>> weight_fractions(np.array([1.0, 1.0]), np.array([10.0, 30.0])).tolist()
    [0.25, 0.75]
    """
    share = scales * masses
    total = float(share.sum())
    return share / total if total > 0 else np.full(share.size, 1.0 / share.size)


def _phases(problem: PdfProblem, fit: Fit) -> list[Phase]:
    from ase.data import atomic_masses, atomic_numbers

    masses = [
        float(phase.fractions @ np.array([atomic_masses[atomic_numbers.get(s, 1)] for s in phase.symbols]))
        for phase in problem.phases
    ]
    mass = np.array(masses)
    fractions = weight_fractions(problem.scales(fit.values, fit.factors), mass)
    return [
        Phase(
            name=phase.hypothesis.name,
            formula=_formula(phase),
            weight_fraction=Quantity(value=float(w), sigma=float(s), unit="1"),
        )
        for phase, w, s in zip(problem.phases, fractions, _fraction_sigma(problem, fit, mass), strict=True)
    ]


def _doubtful(phases: list[Phase]) -> list[str]:
    """Phases whose amount is within two standard uncertainties of none."""
    return [
        f"{p.name}: {p.weight_fraction.value:.2g} of the weight does not stand out from its uncertainty"
        for p in phases
        if len(phases) > 1 and p.weight_fraction.value <= 2 * (p.weight_fraction.sigma or 0.0)
    ]


def _fraction_sigma(problem: PdfProblem, fit: Fit, mass: Array) -> Array:
    """Uncertainty of the weight fractions by linear propagation of the covariance of scales and particle sizes."""
    count = len(fit.values)
    slopes = np.zeros((len(problem.phases), fit.covariance.shape[0]))
    sizes = [i for i, p in enumerate(problem.parameters) if p.name.endswith(("diameter", "thickness"))]
    by_volume = any(o.by_volume for o in problem.options)
    both = np.concatenate([fit.values, fit.factors])
    for i in [*(sizes if by_volume else []), *range(count, count + len(fit.factors))]:
        step = 1e-4 * max(abs(both[i]), 1e-8)
        at = [both + sign * step * np.eye(both.size)[i] for sign in (1, -1)]
        high, low = (weight_fractions(problem.scales(v[:count], v[count:]), mass) for v in at)
        slopes[:, i] = (high - low) / (2 * step)
    return np.sqrt(np.clip(np.diag(slopes @ fit.covariance @ slopes.T), 0, None))


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
    for phase in problem.phases:
        if isinstance(phase, ClusterPhase) and phase.guessed:
            first, others = phase.guessed[0], phase.guessed[1:_NAMED]
            like = f" as have {', '.join(others)}" if others else ""
            out.append(f"the element is not known: written as {first}, which has about this bond length{like}")
    return out
