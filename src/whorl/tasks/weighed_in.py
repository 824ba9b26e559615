"""A refinement with an internal standard: weight fractions of the whole mixture, and how much of it no phase accounts for.

Of a phase whose weight fraction f in the mixture is known because it was weighed in, and w_s among the phases that are seen,
the others have the fractions w_j f / w_s, and 1 - f / w_s is amorphous, or phases that the refinement does not have
(A. G. De La Torre, S. Bruque & M. A. G. Aranda, J. Appl. Cryst. 34, 196 (2001), doi:10.1107/S0021889801002485).
"""

from __future__ import annotations

import re

import numpy as np

from whorl.core.errors import UsageError
from whorl.core.verdict import Candidate, Phase, Quantity, Verdict

_SURE = 2.0  # standard uncertainties


def read_standard(text: str) -> tuple[str, float]:
    """Read ``NAME=FRACTION``; the name is a phase's, its formula or its number.

    Raises
    ------
    UsageError
        If it is not that.

    Examples
    --------
    >>> read_standard("corundum=0.20")
    ('corundum', 0.2)
    """
    name, mark, number = text.rpartition("=")
    try:
        share = float(number)
    except ValueError:
        share = 0.0
    if not mark or not name.strip() or not 0 < share < 1:
        raise UsageError(f"--standard {text}", remedy="Write the name and its weight fraction: --standard corundum=0.20.")
    return name.strip(), share


def by_standard(verdict: Verdict, standard: tuple[str, float]) -> Verdict:
    """Put the weight fractions of the first candidate on the scale that a standard gives.

    Parameters
    ----------
    verdict : Verdict
        Of a refinement of two phases or more.
    standard : (str, float)
        Name, formula or number (from 1) of a phase, and its weight fraction in the mixture as measured.

    Returns
    -------
    Verdict
        ``amorphous`` of the candidate is what no phase accounts for.

    Raises
    ------
    UsageError
        If there is no such phase, or only one phase.
    """
    best = verdict.best
    if best is None or len(best.phases) < 2:
        raise UsageError("a standard needs phases beside it", where=verdict.file, remedy="Refine the standard and the sample.")
    number = find_phase(best, standard[0])
    share = standard[1]
    seen = np.array([p.weight_fraction.value for p in best.phases])
    if not seen[number] > 0:
        warning = f"the standard {best.phases[number].name} is not seen: weight fractions add up to 1 instead"
        return verdict.model_copy(update={"warnings": [*verdict.warnings, warning]})
    covariance = np.zeros((len(seen), len(seen))) if best.weight_covariance is None else best.weight_covariance
    slopes = np.eye(len(seen)) * share / seen[number]
    slopes[:, number] -= share * seen / seen[number] ** 2
    sigma = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", slopes, covariance, slopes), 0.0))
    phases = [
        p.model_copy(update={"weight_fraction": Quantity(value=float(share * w / seen[number]), sigma=float(s))})
        for p, w, s in zip(best.phases, seen, sigma, strict=True)
    ]
    rest = 1 - share / float(seen[number])
    doubt = share / float(seen[number]) ** 2 * float(np.sqrt(max(covariance[number, number], 0.0)))
    amorphous = Quantity(value=rest, sigma=doubt)
    found = best.model_copy(
        update={"phases": phases, "amorphous": amorphous, "notes": [*best.notes, _sample(phases, number, rest)]}
    )
    name = best.phases[number].name
    assumption = f"weight fractions: of the mixture as measured, of which {share:g} is {name} (weighed in)"
    warnings = list(verdict.warnings)
    if rest < -_SURE * doubt:
        warnings.append(
            f"the phases add up to {1 - rest:.3f} by the standard: its weighed-in fraction is wrong, it is not wholly "
            "crystalline, or grains absorb differently"
        )
    prefix = f"{number + 1}:"
    if limits := [n.removeprefix(prefix) for n, q in best.parameters.items() if n.startswith(prefix) and q.at_limit]:
        warnings.append(f"{', '.join(limits)} of the standard {name} ended at a limit: the amorphous share may be wrong")
    update = {
        "candidates": [found, *verdict.candidates[1:]],
        "assumptions": [*verdict.assumptions, assumption],
        "warnings": warnings,
    }
    return verdict.model_copy(update=update)


def find_phase(candidate: Candidate, name: str) -> int:
    """Place of a phase by its name, formula or number.

    Raises
    ------
    UsageError
        If it is none of these, or several have it.
    """
    if re.fullmatch(r"\d+", name):
        if 1 <= int(name) <= len(candidate.phases):
            return int(name) - 1
    else:
        key = name.lower()
        exact = [i for i, p in enumerate(candidate.phases) if key in (p.name.lower(), p.formula.lower())]
        within = exact or [i for i, p in enumerate(candidate.phases) if key in p.name.lower()]
        if len(within) == 1:
            return within[0]
    known = ", ".join(f"{i} ({p.name})" for i, p in enumerate(candidate.phases, 1))
    raise UsageError(f"the standard {name!r} is no one phase", remedy=f"Give a number: {known}.")


def _sample(phases: list[Phase], number: int, rest: float) -> str:
    """Say what the sample held before the standard was added."""
    without = 1 - phases[number].weight_fraction.value
    parts = [f"{p.name} {p.weight_fraction.value / without:.3f}" for i, p in enumerate(phases) if i != number]
    return f"of the sample without the standard: {', '.join(parts)}, amorphous or not accounted for {rest / without:.3f}"
