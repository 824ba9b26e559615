"""What a verdict says, in sentences a chemist can act on. Words only; no markup, no numbers that the verdict does not hold."""

from __future__ import annotations

import math
from typing import Final

from whorl.core.verdict import Candidate, Correlations, Estimate, FitQuality, Verdict
from whorl.report.description_words import is_description, is_told, sentence, told
from whorl.report.notation import format_fixed, format_probability, format_su, listed

#: |r| above which two parameters are named as correlated
STRONG_CORRELATION: Final = 0.8

#: start of a parameter's name -> what it means
MEANINGS: Final = {
    "scale": "scale of the phase",
    "a": "lattice parameter",
    "b": "lattice parameter",
    "c": "lattice parameter",
    "alpha": "cell angle",
    "beta": "cell angle",
    "gamma": "cell angle",
    "zoom": "isotropic stretch of the model",
    "bond": "nearest-neighbour distance",
    "u_iso": "isotropic displacement, mean square",
    "u": "isotropic displacement, mean square",
    "b_iso": "isotropic displacement, 8π²U",
    "delta1": "correlated motion, 1/r",
    "delta2": "correlated motion, 1/r²",
    "qdamp": "instrument: damping by Q resolution",
    "qbroad": "instrument: broadening by Q resolution",
    "diameter": "particle diameter",
    "polar_diameter": "particle diameter along the axis of the spheroid",
    "size_spread": "standard deviation of ln(diameter)",
    "thickness": "thickness of the shell",
    "size": "particle diameter",
    "sigma_size": "width of the size distribution",
    "x": "fractional coordinate",
    "y": "fractional coordinate",
    "z": "fractional coordinate",
    "occupancy": "site occupancy",
}


def meaning(name: str) -> str:
    """What a parameter is, by the start of its name; empty when not known.

    Examples
    --------
    >>> meaning("u_iso_Fe1"), meaning("a"), meaning("frobnication")
    ('isotropic displacement, mean square', 'lattice parameter', '')
    """
    key = name.lower().rsplit(".", maxsplit=1)[-1]
    while key:
        if key in MEANINGS:
            return MEANINGS[key]
        key = key.rpartition("_")[0]
    return ""


def group_of_best(verdict: Verdict) -> list[Candidate]:
    """Candidates that the measurement cannot tell from the best one, the best first."""
    best = verdict.best
    return [] if best is None else [c for c in verdict.candidates if c.group == best.group]


def answer(verdict: Verdict) -> str:
    """Say the answer in one sentence.

    Parameters
    ----------
    verdict : Verdict
        ``provenance.parameters["searched"]``, where present, is the number of hypotheses that were considered.

    Examples
    --------
    >>> answer(Verdict(whorl="0", task="identify", file="x.gr", none_probability=0.99))
    'None of the candidates explains this measurement.'
    """
    if verdict.error is not None:
        return f"No answer: {verdict.error.what}."
    best = verdict.best
    if best is None or verdict.is_none:
        searched = verdict.provenance.parameters.get("searched") if verdict.provenance else None
        many = f"None of the {searched} candidates" if isinstance(searched, int) and searched > 1 else "None of the candidates"
        return f"{many} explains this measurement."
    none = "" if verdict.none_probability is None else f"; none of these {format_probability(verdict.none_probability)}"
    group = group_of_best(verdict)
    if is_description(verdict):
        return sentence(verdict)
    if is_told(verdict):
        return f"{best.name}: {told(verdict)}."
    if verdict.task == "quantify":
        shares = [f"{n} {format_su(q.value, q.sigma)}" for n, q in amounts(verdict)]
        return f"Weight fractions: {listed(shares)}." if shares else "No phase is seen in this measurement."
    if verdict.task == "refine":
        return f"{best.name} refined to Rw {format_fixed(best.rw, 3)}{none}."
    if len(group) > 1:
        names = [c.name for c in group]
        shown = listed(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
        low, high = (format_fixed(f(c.rw for c in group), 3) for f in (min, max))
        rw = low if low == high else f"{low} to {high}"
        together = format_probability(min(sum(c.probability for c in group), 1.0))
        return f"Cannot be told apart by this measurement: {shown} (Rw {rw}, probability together {together}{none})."
    if best.probability < 0.5:
        rivals = [c for c in verdict.candidates if c.rank > 1][:1]
        then = "".join(f", then {c.name} ({format_probability(c.probability)})" for c in rivals)
        chance = format_probability(best.probability)
        return f"No clear answer: most probable {best.name}, Rw {format_fixed(best.rw, 3)}, probability {chance}{then}{none}."
    return f"Best match: {best.name}, Rw {format_fixed(best.rw, 3)}, probability {format_probability(best.probability)}{none}."


def remark(verdict: Verdict) -> str:
    """Say what to read the answer with; empty when there is nothing to add."""
    best = verdict.best
    if verdict.error is not None:
        return ""
    if best is None:
        return "Nothing was left to compare: widen the elements or the catalogues that are searched."
    if verdict.is_none:
        none = format_probability(verdict.none_probability)
        return (
            f"The closest is {best.name} with Rw {format_fixed(best.rw, 3)}; the probability that the true structure is not "
            f"among the candidates is {none}. Add a catalogue that holds it, or check the header and the range."
        )
    if is_description(verdict):
        return "Described without a model: each quantity as its method has it, within the limits named below."
    if is_told(verdict):
        return f"Told by a network straight from the curve, not fitted; Rw {format_fixed(best.rw, 3)}."
    if verdict.task == "quantify":
        return f"Rw {format_fixed(best.rw, 3)}."
    if len(best.phases) > 1:
        parts = [f"{p.name} {format_su(p.weight_fraction.value, p.weight_fraction.sigma)}" for p in best.phases]
        if best.amorphous is not None:
            parts.append(f"amorphous or not accounted for {format_su(best.amorphous.value, best.amorphous.sigma)}")
        return f"A mixture, weight fractions: {listed(parts)}."
    return ""


def amounts(verdict: Verdict) -> list[tuple[str, Estimate]]:
    """Weight fractions that were quantified, each with the name of what it is of: a phase, a group of references."""
    phases = [] if verdict.best is None else verdict.best.phases
    found = []
    for name, estimate in verdict.parameters.items():
        start, _, bare = name.rpartition(":")
        if bare == "weight_fraction" and math.isfinite(estimate.value):
            known = start.isdecimal() and 0 < int(start) <= len(phases)
            found.append((phases[int(start) - 1].name if known else start, estimate))
    return found


def residual_words(quality: FitQuality, symbol: str, unit: str) -> str:
    """Say whether the residual looks like noise.

    The autocorrelation at the lag of one independent point scatters around zero with a standard deviation of 1/sqrt(N) for
    N independent points (Bartlett 1946, doi:10.2307/2983611); beyond twice that the residual has structure.
    """
    limit = 2 / math.sqrt(max(quality.independent_points, 1.0))
    r = quality.residual_autocorrelation
    where = f"{symbol} = {quality.largest_residual_at:.3g} {unit}".rstrip()
    if abs(r) <= limit:
        return (
            f"The residual looks like noise: its autocorrelation is {format_fixed(r, 2)}, within ±{limit:.2f}. "
            f"Its largest value stands at {where}."
        )
    return (
        f"The residual has structure: its autocorrelation is {format_fixed(r, 2)}, outside ±{limit:.2f}. The model "
        f"misses something "
        f"or the data carry a systematic error; the largest misfit stands at {where}. Uncertainties are then too small."
    )


def chi_squared_words(quality: FitQuality) -> str:
    """Say what reduced chi-squared means here."""
    value = quality.reduced_chi_squared
    if value is None:
        return "No reduced chi-squared: the file gives no uncertainties, and none are invented."
    if value < 0.5:
        return f"Reduced chi-squared {value:.3g}: below one, the stated uncertainties of the data are too large."
    if value <= 2:
        return f"Reduced chi-squared {value:.3g}: the fit reaches the stated uncertainties of the data."
    return f"Reduced chi-squared {value:.3g}: the misfit exceeds the stated uncertainties of the data."


def correlation_words(correlations: Correlations) -> list[str]:
    """Name the pairs of parameters that cannot be read one without the other, strongest first.

    Examples
    --------
    >>> correlation_words(Correlations(names=["a", "b"], matrix=[[1, -0.93], [-0.93, 1]]))
    ['a and b: −0.93. When one goes up the other goes down with almost the same fit.']
    """
    names, matrix = correlations.names, correlations.matrix
    pairs = [(matrix[i][j], names[i], names[j]) for i in range(len(names)) for j in range(i)]
    strong = [p for p in sorted(pairs, key=lambda p: -abs(p[0])) if abs(p[0]) > STRONG_CORRELATION]
    way = {True: "When one goes up the other goes up", False: "When one goes up the other goes down"}
    return [f"{b} and {a}: {format_fixed(r, 2)}. {way[r > 0]} with almost the same fit." for r, a, b in strong]


def evidence_words(difference: float) -> str:
    """Say how strongly a difference of log evidence speaks for the better one.

    The steps are those of Kass and Raftery (1995), doi:10.1080/01621459.1995.10476572, on the natural logarithm: 1, 3, 5.

    Examples
    --------
    >>> evidence_words(0.4), evidence_words(12.0)
    ('does not decide', 'very strong')
    """
    if difference < 1:
        return "does not decide"
    return "weak" if difference < 3 else "strong" if difference < 5 else "very strong"


def comparisons(verdict: Verdict) -> list[str]:
    """Say, for each rival, why it stands behind the best candidate."""
    best = verdict.best
    if best is None:
        return []
    lines = []
    for rival in verdict.candidates[1:6]:
        if rival.group == best.group:
            lines.append(
                f"{rival.name} belongs to the same group: its best simulation differs from that of {best.name} by less "
                f"than model "
                f"and data can be trusted (Rw {format_fixed(rival.rw, 3)} against {format_fixed(best.rw, 3)})."
            )
            continue
        delta = best.evidence - rival.evidence
        against = f"Rw {format_fixed(rival.rw, 3)} against {format_fixed(best.rw, 3)}"
        if rival.quality and best.quality and rival.quality.free_parameters != best.quality.free_parameters:
            against += f" with {rival.quality.free_parameters} parameters against {best.quality.free_parameters}"
        lines.append(
            f"{rival.name}: {against}; log evidence lower by {format_fixed(delta, 1)}, which is {evidence_words(delta)} "
            f"evidence for "
            f"{best.name}."
            if delta >= 1
            else f"{rival.name}: {against}; the evidence differs by {format_fixed(delta, 1)} only, which does not decide."
        )
    return lines


def what_would_change_it(verdict: Verdict) -> list[str]:
    """Say what would rule the best candidate out."""
    best = verdict.best
    if best is None or verdict.is_none:
        return []
    lines = []
    limits = [name for name, q in best.parameters.items() if q.at_limit]
    if limits:
        lines.append(f"{listed(limits)} ended at a limit: if a wider limit is physical, the answer may change.")
    if verdict.assumptions:
        lines.append("One of the assumptions above being wrong; each can be overridden and the run repeated.")
    if best.quality is not None and abs(best.quality.residual_autocorrelation) > 2 / math.sqrt(
        max(best.quality.independent_points, 1.0)
    ):
        lines.append("A second phase, disorder or a size effect that explains what is left in the residual.")
    others = [c for c in group_of_best(verdict) if c is not best]
    if others:
        lines.append(
            f"Something this measurement does not see: chemistry, or another technique, must choose among the group of "
            f"{len(others) + 1}."
        )
    lines.append("A structure in no catalogue searched that fits as well with fewer parameters.")
    return lines
