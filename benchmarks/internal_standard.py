"""Amorphous shares by an internal standard: simulated mixtures of two phases, glass and 15 % corundum, refined.

Half of the mixtures have grains that do not absorb (their sizes are too small), half have grains of log-normal sizes, drawn for
each phase from the distribution that the uncertainties assume. The glass is a hump or two with an amount of light that has
nothing to do with its weight: only the standard tells. Places of humps are given to the refinement, to a degree, as a user sees
them; without them broad phases may take the glass for theirs.
"""

from __future__ import annotations

import numpy as np

from _harness import Table, arguments
from whorl.catalogues import builtin_catalogues
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement
from whorl.physics.microabsorption import GRAINS, brindley, linear_attenuation
from whorl.tasks.hypotheses import find
from whorl.tasks.refine import refine
from whorl.tasks.weighed_in import by_standard
from whorl.techniques import get_technique
from whorl.techniques.pd.weights import density_of

SEED = 20261122
STANDARD = 0.15
SETTINGS = {"wavelength": "Cu", "w": 0.008, "y": 0.03, "axial": 0.02, "divergence_slit": "fixed", "overflow": 0.0}
#: pairs of phases beside the corundum: alike and unlike in absorption
PAIRS = (
    (("ZnO", 186), ("TiO2", 136)),
    (("NiO", 225), ("MgO", 225)),
    (("CeO2", 225), ("CaF2", 225)),
    (("Fe2O3", 167), ("NaCl", 225)),
)


def crystal(formula: str, group: int | None = None) -> Crystal:
    """The first built-in compound of a formula."""
    for catalogue in builtin_catalogues():
        if catalogue.name == "compounds":
            for entry in catalogue.entries():
                found = find(f"compounds/{entry.key}") if entry.key.startswith(f"{formula}-") else None
                if isinstance(found, Crystal) and (group is None or found.space_group_number == group):
                    return found
    raise LookupError(formula)


def simulated(rng: np.random.Generator, phases: list[Crystal], weights: np.ndarray, *, grains: bool) -> tuple[Measurement, str]:
    """Counts of phases of given weights in the mixture, of which the rest is glass; about where the glass has its humps."""
    x = np.arange(18.0, 90.0, 0.02)
    densities = np.array([density_of(c.contents, c.volume) for c in phases])
    volumes = weights / densities
    tau = np.ones(len(phases))
    if grains:
        attenuation = np.array([linear_attenuation(c.contents, d, 1.5418) for c, d in zip(phases, densities, strict=True)])
        mean = float(volumes @ attenuation / volumes.sum())
        draws = rng.standard_normal(len(phases) + 1)
        sizes = GRAINS.median * np.exp(GRAINS.spread * (draws[0] + draws[1:]) / np.sqrt(2))
        tau = np.array([brindley(0.5e-4 * s * (mu - mean)) for s, mu in zip(sizes, attenuation, strict=True)])
    technique = get_technique("pd")
    y = np.zeros_like(x)
    for c, v, t in zip(phases, volumes, tau, strict=True):
        y += v * t * technique.simulate(c, settings=SETTINGS | {"size": rng.uniform(300, 1500)}, x=x).signal
    y *= rng.uniform(3000, 20000) / y.max()
    y += rng.uniform(30, 150) * (1 + np.exp(-(x - 18) / 15))
    places = []
    for _ in range(rng.integers(1, 3)):
        places.append(float(rng.uniform(22, 40)))
        y += rng.uniform(50, 600) * np.exp(-0.5 * ((x - places[-1]) / rng.uniform(3, 7)) ** 2)
    humps = ";".join(f"{place + rng.uniform(-1, 1):.1f}" for place in places)
    return Measurement("powder", x, rng.poisson(y).astype(float), settings=SETTINGS | {"intensity": "counts"}), humps


def main() -> int:
    """Run it."""
    options = arguments(__doc__ or "")
    table = Table("Amorphous shares by an internal standard")
    cases = 2 if options.quick else 16
    corundum = crystal("Al2O3", 167)
    for grains in (False, True):
        rng = np.random.default_rng(SEED)
        errors, inside, others = [], [], []
        for case in range(cases):
            pair = [crystal(*f) for f in PAIRS[case % len(PAIRS)]]
            glass = float(rng.uniform(0.0, 0.6))
            split = float(rng.uniform(0.2, 0.8))
            rest = 1 - STANDARD - glass
            weights = np.array([rest * split, rest * (1 - split), STANDARD])
            measurement, humps = simulated(rng, [*pair, corundum], weights, grains=grains)
            given = {k: v for k, v in SETTINGS.items() if k in ("wavelength", "divergence_slit", "overflow")} | {"humps": humps}
            best = by_standard(refine(measurement, [*pair, corundum], settings=given), ("3", STANDARD)).best
            assert best is not None
            assert best.amorphous is not None
            off = best.amorphous.value - glass
            errors.append(abs(off))
            inside.append(abs(off) <= 1.645 * (best.amorphous.sigma or 0.0))
            others += [abs(p.weight_fraction.value - w) for p, w in zip(best.phases[:2], weights[:2], strict=True)]
            told = f"{glass:.3f} {best.amorphous.value:.3f}({best.amorphous.sigma:.3f}) Rw {best.rw:.3f}"
            print([c.formula for c in pair], grains, told, flush=True)
        what = "grains of unknown size" if grains else "fine grains"
        note = f"{sum(inside)} of {cases} within 1.645 uncertainties; weight fractions off by {100 * np.mean(others):.1f} wt%"
        table.add(f"{cases} mixtures, {what}: amorphous share", "", f"{100 * np.mean(errors):.1f} wt% off", note=note)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
