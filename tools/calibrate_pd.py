"""Calibrate identify for powder diffraction: when no set of phases explains the data.

    python tools/calibrate_pd.py --cases 120 --seed 1 --out src/whorl/trust/data/pd.json

Simulated patterns of one to three compounds (drawn over the families of the built-in catalogue, with the declared nuisances of
powder experiments) are searched twice: with the whole catalogue, and with the families of its phases taken out. From both comes
the logistic of *none of these*, after an allowance for what models of real powders are wrong by, which simulations lack. How
much evidence counts is stated, not fitted. The seed and the number of cases are written into the file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _doubt import fit_doubt

from whorl import __version__
from whorl.catalogues import Catalogue, Entry, Selection, builtin_catalogues
from whorl.core.errors import WhorlError
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement
from whorl.fitting.evidence import Temper
from whorl.fitting.problem import Fit
from whorl.tasks.sets import search_sets
from whorl.tasks.trying import Outcome
from whorl.tasks.weighing import misfits
from whorl.techniques.pd.index import load_index
from whorl.techniques.pd.instrument import ANODES, PdInstrument
from whorl.techniques.pd.nuisances import NUISANCES
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.pd.residual import PdProblem
from whorl.techniques.pd.technique import PD
from whorl.techniques.protocol import Shortlist
from whorl.trust.probability import Calibration

#: a substitute that fits nearly as well as the truth, or so well that no experiment would tell, is no wrong answer
_AS_GOOD, _TOO_GOOD = 1.5, 0.1
#: what the best model of a real powder leaves over beside noise and the 6 % that are allowed for anyway: median, spread of its
#: logarithm. Measured single minerals and weighed mixtures of known phases leave 0.05 to 0.45
_MODEL_ERROR = (0.2, 0.5)
#: samples that people look up: well crystallised to nanocrystalline
_NUISANCES = replace(NUISANCES, size=(80.0, 2000.0))
#: order and standard deviation of the harmonics of textured samples
_HARMONICS, _TEXTURE = 4, 0.25
#: stated, not fitted: models of powders are wrong by some per cent, and a fifth of the points testifies, as for the PDF
_TEMPER = Temper(0.06, 0.2)


@dataclass
class Searched:
    """Outcome of one search: whether the first candidate holds a true family, its misfit beyond noise, and the runner-up's."""

    true: bool
    misfit: float
    runner_up: float


def draw_measurement(chosen: Sequence[Crystal], rng: np.random.Generator) -> Measurement:
    """Simulate one pattern of a mixture on a diffractometer with a copper tube."""
    first, second = ANODES["Cu"]
    drawn = _NUISANCES.draw(rng, phases=len(chosen))
    step = float(rng.choice([0.01, 0.02, 0.03]))
    x = np.arange(float(rng.uniform(5, 18)), float(rng.uniform(70, 110)), step)
    width = float(np.exp(rng.uniform(np.log(0.05), np.log(0.2))))
    instrument = PdInstrument(
        wavelength=first,
        wavelength2=second,
        zero=drawn["zero"] * width,
        displacement=drawn["displacement"],
        w=width**2 * drawn["width"],
        y=float(rng.uniform(0.015, 0.035)),
        axial=0.03 * drawn["axial"],
        slit=float(rng.random() < 0.3),
    )
    share = rng.dirichlet(np.full(len(chosen), 2.0))
    total = np.zeros(x.size)
    for n, (crystal, part) in enumerate(zip(chosen, share, strict=True)):
        options = PhaseOptions(strain=True, harmonics=_HARMONICS)
        zoom = float(np.exp(rng.normal(0, 0.004)))
        phase = PowderPhase(crystal, instrument, (float(x[0]), float(x[-1])), options, zoom=zoom)
        own = {
            "U": float(np.exp(rng.uniform(np.log(0.003), np.log(0.02)))),
            "inverse_size": 1 / drawn["size"][n],
            "strain": drawn["strain"][n],
        }
        texture = 0.0 if drawn["march"][n] == 1 else _TEXTURE
        values = [
            own.get(p.name, float(rng.normal(0, texture)) if p.name.startswith("texture") else p.value)
            for p in phase.parameters
        ]
        blank = Measurement("powder", x, np.zeros(x.size))
        signal = PdSignal(blank, x, np.zeros(x.size), np.ones(x.size), False, instrument, frozenset(), 0.1, frozenset(), (), ())
        curve = PdProblem(signal, [phase]).evaluate(np.array(values), jacobian=False).basis[:, 0]
        total += part * curve / max(float(curve.sum()), 1e-300)
    return Measurement(
        "powder", x, _NUISANCES.corrupt(x, total, drawn, rng), settings={"wavelength": first, "intensity": "counts"}
    )


def one_case(key: tuple[int, int]) -> tuple[str, tuple[Searched, Searched] | None]:
    """Draw and search one pattern."""
    catalogues = [c for c in builtin_catalogues() if c.name != "nanoparticles"]
    families: dict[str, list[tuple[Catalogue, Entry]]] = {}
    for c in catalogues:
        for e in c.entries():
            families.setdefault(e.family or e.key, []).append((c, e))
    rng = np.random.default_rng(key)
    names = sorted(families)
    chosen = [str(n) for n in rng.choice(names, size=int(rng.choice([1, 1, 2, 3])), replace=False)]
    picked = [families[n][int(rng.integers(len(families[n])))] for n in chosen]
    crystals = [c.load(e.key) for c, e in picked]
    try:
        signal = PD.prepare(draw_measurement([c for c in crystals if isinstance(c, Crystal)], rng))
        found = _search(signal, catalogues)
        missing = _search(signal, [Selection(c, lambda e: (e.family or e.key) not in chosen) for c in catalogues])
    except WhorlError as error:
        return f"{chosen}: {error}", None
    pair = _searched(found, chosen), _searched(missing, chosen)
    line = (
        f"{' + '.join(e.name for _, e in picked):70.70s} -> {found.ranked[0].name:70.70s} misfit {pair[0].misfit:.3f} "
        f"({pair[0].runner_up:.3f}), without {pair[1].misfit:.3f} ({pair[1].runner_up:.3f})"
    )
    return line, pair


def _search(signal: PdSignal, catalogues: Sequence[Catalogue]) -> Outcome:
    """Search as `identify` does."""

    def beside(settled: PdSignal, fit: Fit) -> Shortlist:
        return PD.propose(settled, catalogues, given=fit)

    return search_sets(PD, signal, PD.propose(signal, catalogues), Calibration(_TEMPER), beside=beside)


def _searched(found: Outcome, families: Sequence[str]) -> Searched:
    misfit, other = misfits(PD, found.signal, found.ranked, _TEMPER.discrepancy)
    true = {s.family or s.key.partition("/")[2] for s in found.ranked[0].suggestions}
    return Searched(true == set(families), misfit, other)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    for catalogue in builtin_catalogues():  # fill the caches once, before the workers
        load_index(catalogue)
    pairs = []
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for n, (line, pair) in enumerate(pool.map(one_case, [(options.seed, n) for n in range(options.cases)])):
            print(f"{n + 1:4d}/{options.cases} {line}", flush=True)
            if pair is not None:
                pairs.append(pair)
    right = [f for f, _ in pairs if f.true]
    wrong = [m for f, m in pairs if f.true and m.misfit > max(_AS_GOOD * f.misfit, _TOO_GOOD)]
    record = {
        "technique": "pd",
        "discrepancy": _TEMPER.discrepancy,
        "fraction": _TEMPER.fraction,
        "none": {"crystal": fit_doubt(right, wrong, _MODEL_ERROR, options.seed, most=1.0)},
        "made_by": f"python tools/calibrate_pd.py --cases {options.cases} --seed {options.seed}",
        "version": __version__,
        "families_first": round(len(right) / max(len(pairs), 1), 3),
    }
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
