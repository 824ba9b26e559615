"""Powder patterns that hold nothing: pure noise, and amorphous humps on a background. No phase may be claimed of any.

Half of the patterns are a background that falls with the angle, half have one to three humps beside it, at 10 to 10 000 counts;
the whole built-in catalogue is searched, nothing is given.
"""

from __future__ import annotations

import numpy as np

from _finder import finder_arguments
from _harness import Table
from whorl.catalogues import builtin_catalogues
from whorl.core.measurement import Measurement
from whorl.tasks.identify import identify

SEED = 20261122


def nothing(number: int, seed: int) -> Measurement:
    """A pattern of counts without any line; those of odd numbers have humps."""
    rng = np.random.default_rng([seed, number])
    x = np.arange(10.0, 80.0, 0.02)
    level = float(10 ** rng.uniform(1, 4))
    y = np.full(x.size, level) * (1 + rng.uniform(0, 2) * np.exp(-(x - 10) / rng.uniform(5, 30)))
    if number % 2:
        for _ in range(rng.integers(1, 4)):
            y += level * rng.uniform(0.3, 5) * np.exp(-0.5 * ((x - rng.uniform(15, 50)) / rng.uniform(2.5, 8)) ** 2)
    return Measurement("powder", x, rng.poisson(y).astype(float), settings={"wavelength": 1.540593, "intensity": "counts"})


def main() -> int:
    """Fill the table."""
    options = finder_arguments(__doc__, cases=200, quick=2, seed=SEED)
    crystals = [c for c in builtin_catalogues() if c.name != "nanoparticles"]
    false = [0, 0]
    for number in range(options.cases):
        verdict = identify(nothing(number, options.seed), catalogues=crystals)
        if not verdict.is_none:
            false[number % 2] += 1
            print(number, verdict.best and verdict.best.name, round(verdict.none_probability or 0.0, 3), flush=True)
    table = Table("Phases claimed of powder patterns that hold none")
    half = options.cases // 2
    for what, claimed, cases in (("noise", false[0], options.cases - half), ("noise and humps", false[1], half)):
        table.add(what, "none in 200", f"{claimed} of {cases}", note=f"seed {options.seed}", met=claimed == 0)
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
