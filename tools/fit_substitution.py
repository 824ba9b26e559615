"""Fit the constants of substitution on prototypes to the catalogue of compounds, and print them.

    .venv/bin/python tools/fit_substitution.py

They go into `EFFECTS` and `NOISE` of ``whorl/catalogues/cell_prediction.py`` (maximum marginal likelihood of the known volumes)
and into `WEIGHTS` of ``whorl/catalogues/plausibility.py`` (conditional logit: each known compound in turn is hidden and should
be the most probable of all substitutions by its elements). Weak priors keep constants finite of which the compounds say little,
and no difference to the known compounds may make a substitution more plausible.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from whorl.catalogues import compounds
from whorl.catalogues.cell_prediction import EFFECTS, NOISE, CellModel
from whorl.catalogues.plausibility import TERMS, WEIGHTS, Judge, when_hidden
from whorl.catalogues.site_species import Template, templates

#: the family's effect is wide on purpose and not fitted
FITTED = [name for name in EFFECTS if name != "family"]
#: spread of the prior of the weights
SPREAD = 1.0


def fit_effects(found: list[Template]) -> dict[str, float]:
    """Standard deviations of the effects and of what is left."""
    model = CellModel(found)

    def loss(x: np.ndarray) -> float:
        effects = dict(EFFECTS) | dict(zip(FITTED, np.exp(x[:-1]), strict=True))
        return -model.marginal_likelihood(effects, float(np.exp(x[-1]))) + 0.02 * float(np.sum((x + 3) ** 2))

    start = np.log([*(EFFECTS[name] for name in FITTED), NOISE])
    best = minimize(loss, start, method="L-BFGS-B", bounds=[(-7, 1)] * len(FITTED) + [(-5, 0)])
    print(f"log marginal likelihood: {-loss(start):.1f} before, {-best.fun:.1f} after")
    return dict(zip([*FITTED, "noise"], np.exp(best.x).tolist(), strict=True))


def fit_weights(found: list[Template]) -> np.ndarray:
    """Weights of the terms of the plausibility."""
    judges = [Judge(template) for template in found]
    sets: list[tuple[np.ndarray, int]] = []
    for judge in judges:
        if len(judge.taken) < 2:
            continue
        for elements in sorted(judge.taken):
            substitutions, place = when_hidden(judges, judge, elements)
            if place is not None and len(substitutions) > 1:
                sets.append((np.array([s.terms for s in substitutions]), place))

    def loss(weights: np.ndarray) -> float:
        total = 0.0
        for terms, place in sets:
            score = terms @ weights
            total += float(np.logaddexp.reduce(score) - score[place])
        return total + 0.5 * float(np.sum((weights / SPREAD) ** 2))

    bounds = [(None, 0.0) if name != "known compounds" else (0.0, None) for name in TERMS]
    best = minimize(loss, WEIGHTS, method="L-BFGS-B", bounds=bounds)
    chance = np.mean([np.log(len(terms)) for terms, _ in sets])
    before, after = loss(WEIGHTS) / len(sets), best.fun / len(sets)
    print(f"{len(sets)} hidden compounds; mean -log probability {before:.2f} before, {after:.2f} after, {chance:.2f} by chance")
    reached = [float(terms[place] @ best.x) for terms, place in sets]
    print(f"half of them reach a plausibility of {np.median(reached):.2f}")
    return np.asarray(best.x)


def main() -> None:
    """Fit both and print them."""
    found = templates(compounds.catalogue().members.values())
    for name, value in fit_effects(found).items():
        print(f"    {name!r}: {value:.3f},")
    for name, value in zip(TERMS, fit_weights(found), strict=True):
        print(f"    {name}: {value:.2f}")


if __name__ == "__main__":
    main()
