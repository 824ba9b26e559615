"""Calibrate identify for PDF: how much evidence counts, and when no structure explains the data.

    python tools/calibrate_pdf.py --cases 160 --seed 1 --out src/whorl/trust/data/pdf.json

Simulated experiments (the technique's declared nuisances; crystals and clusters in turn, drawn uniformly over the families of
the built-in catalogues) are searched twice: with the whole catalogue, and with the true structure's family taken out. From both
comes the logistic of *none of these*. How much evidence counts is stated, not fitted. About 15 CPU minutes for 160 cases; the
seed and the number of cases are written into the file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from _doubt import fit_doubt

from whorl import __version__
from whorl.catalogues import Catalogue, Entry, Selection, builtin_catalogues
from whorl.core.hypothesis import Crystal
from whorl.core.measurement import Measurement
from whorl.fitting.evidence import Temper
from whorl.fitting.problem import Fit
from whorl.tasks.search import Outcome, search
from whorl.tasks.weighing import misfits
from whorl.techniques.pdf.index import load_index
from whorl.techniques.pdf.metals import bond_length
from whorl.techniques.pdf.nuisances import NUISANCES
from whorl.techniques.pdf.prepare import PdfSignal
from whorl.techniques.pdf.simulate import simulate
from whorl.techniques.pdf.technique import PDF
from whorl.techniques.protocol import Shortlist
from whorl.trust.probability import Calibration

_LARGEST_CLUSTER = 400
_METALS = ("Au", "Pt", "Pd", "Ag", "Cu", "Ni", "Co", "Fe", "Ru", "Rh", "Ir", "W", "Mo")
#: a substitute that fits nearly as well as the truth, or so well that no experiment would tell, is no wrong answer
_AS_GOOD, _TOO_GOOD = 1.25, 0.05
#: what the best model of a real sample leaves over beside noise, which simulations lack (median of R_w, spread of its log), by
#: kind: stacking faults, shapes, anisotropic motion. Measured crystals of known structure leave 0.015 to 0.1; Au144, a Keggin
#: ion and CdSe dots 0.1 to 0.3
_MODEL_ERROR = {"crystal": (0.04, 0.8), "cluster": (0.06, 0.8)}
#: stated, not fitted: simulated experiments, whose model is right, would let every point testify. Fits below 0.03 are not told
#: apart, and with more than a fifth of the points a superstructure takes up what is wrong with the model of measured nickel
_TEMPER = Temper(0.03, 0.2)


@dataclass
class Searched:
    """Outcome of one search: ``kind`` of the first candidate's structure, and for each candidate whether its family is true.

    ``misfit`` of the first candidate beyond noise, ``runner_up`` of the best one that says something else (`misfits`).
    """

    kind: str
    true: list[bool]
    misfit: float
    runner_up: float


def draw_measurement(catalogue: Catalogue, entry: Entry, rng: np.random.Generator) -> Measurement:
    """Simulate one experiment on one entry."""
    drawn = NUISANCES.draw(rng)
    structure = catalogue.load(entry.key)
    settings: dict[str, Any] = {k: drawn[k] for k in ("qmin", "qmax", "qdamp", "qbroad", "u_iso", "delta2", "zoom")}
    elements = structure.elements
    if isinstance(structure, Crystal):
        if rng.random() < 0.5:
            settings["diameter"] = float(np.exp(rng.uniform(np.log(20), np.log(120))))
            if rng.random() < 0.5:  # real particles differ in size; identify fits one sphere
                settings["size_spread"] = float(rng.uniform(0.1, 0.4))
    else:
        element = str(rng.choice(_METALS))
        settings |= {"element": element, "bond": bond_length(element)}
        elements = frozenset({element})
    clean = simulate(structure, settings=settings)
    signal = NUISANCES.corrupt(clean.x, clean.signal, drawn, rng)
    stated = {k: v for k, v in clean.settings.items() if k in {"qmin", "qmax", "radiation"}}
    if rng.random() < 0.5:
        stated["composition"] = " ".join(sorted(elements))
    return Measurement("gr", clean.x, signal, settings=stated, path=f"{entry.catalogue}/{entry.key}")


def run(cases: int, seed: int, workers: int) -> tuple[list[Searched], list[Searched]]:
    """Search ``cases`` simulated experiments with and without the true family."""
    for catalogue in builtin_catalogues():  # fill the caches once, before the workers
        load_index(catalogue, "x-ray")
    pairs = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for number, (line, pair) in enumerate(pool.map(one_case, [(seed, n) for n in range(cases)])):
            print(f"{number + 1:4d}/{cases} {line}", flush=True)
            pairs.append(pair)
    return [a for a, _ in pairs], [b for _, b in pairs]


def one_case(key: tuple[int, int]) -> tuple[str, tuple[Searched, Searched]]:
    """Draw and search one experiment."""
    catalogues = builtin_catalogues()
    families: dict[tuple[str, str], list[tuple[Catalogue, Entry]]] = {}
    for c in catalogues:
        for e in c.entries():
            if e.kind == "crystal" or 13 <= e.atoms <= _LARGEST_CLUSTER:
                families.setdefault((e.kind, e.family), []).append((c, e))
    names = sorted(f for f in families if f[0] == ("cluster" if key[1] % 2 else "crystal"))
    rng = np.random.default_rng(key)
    family = names[int(rng.integers(len(names)))]
    catalogue, entry = families[family][int(rng.integers(len(families[family])))]
    signal = PDF.prepare(draw_measurement(catalogue, entry, rng))
    found = _search(signal, catalogues)
    missing = _search(signal, [Selection(c, lambda e: (e.kind, e.family) != family) for c in catalogues])
    pair = _searched(found, family), _searched(missing, family)
    line = (
        f"{entry.name:45.45s} -> {found.ranked[0].name:40.40s} misfit {pair[0].misfit:.3f} ({pair[0].runner_up:.3f}), "
        f"without {pair[1].misfit:.3f} ({pair[1].runner_up:.3f})"
    )
    return line, pair


def _search(signal: PdfSignal, catalogues: Sequence[Catalogue]) -> Outcome:
    """Search as `identify` does."""
    shortlist = PDF.propose(signal, catalogues)

    def beside(settled: PdfSignal, fit: Fit) -> Shortlist:
        return PDF.propose(settled, catalogues, given=fit)

    return search(PDF, signal, shortlist, Calibration(_TEMPER), beside=beside, hint=signal.elements_hint)


def _searched(found: Outcome, family: tuple[str, str]) -> Searched:
    misfit, other = misfits(PDF, found.signal, found.ranked, _TEMPER.discrepancy)
    return Searched(
        found.ranked[0].suggestions[0].kind,
        [family in t.families for t in found.ranked],
        misfit,
        other,
    )


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=160)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    found, missing = run(options.cases, options.seed, options.workers)
    # a truth that retrieval or the fit missed is not a sample of what the true structure reaches, nor is a substitute that
    # fits as well as the truth (germanium for silicon) one of what a wrong structure reaches
    right = [f for f in found if f.true[0]]
    wrong = [m for f, m in zip(found, missing, strict=True) if f.true[0] and m.misfit > max(_AS_GOOD * f.misfit, _TOO_GOOD)]
    none = {
        kind: fit_doubt([s for s in right if s.kind == kind], [s for s in wrong if s.kind == kind], error, options.seed)
        for kind, error in _MODEL_ERROR.items()
    }
    options.out.write_text(
        json.dumps(
            {
                "technique": "pdf",
                "discrepancy": _TEMPER.discrepancy,
                "fraction": _TEMPER.fraction,
                "none": none,
                "made_by": f"python tools/calibrate_pdf.py --cases {options.cases} --seed {options.seed}",
                "version": __version__,
                "family_first": round(sum(f.true[0] for f in found) / len(found), 3),
            },
            indent=1,
        )
        + "\n",
        encoding="utf-8",
    )
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
