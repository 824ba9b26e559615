"""Calibrate identify for small-angle scattering: how far the classifier is believed, and when no model explains the data.

    python tools/calibrate_sas.py --cases 150 --seed 1 --out src/whorl/trust/data/sas.json

Simulated curves of every kind of model, with the declared nuisances of small-angle experiments, are searched twice: with all
models, and with the family of the truth taken out. From both comes the logistic of *none of these*, after an allowance for what
models of real samples are wrong by, which simulations lack. The report says how often the true model is first and in the set at
several parts of the classifier's log odds; the part that is used is stated in `whorl.techniques.sas.propose`. The seed and the
number of cases are written into the file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from _doubt import fit_doubt

from whorl import __version__
from whorl.catalogues import Catalogue, Selection, open_catalogue
from whorl.core.errors import WhorlError
from whorl.core.measurement import Measurement
from whorl.fitting.evidence import Temper
from whorl.learning.sas_classes import kinds_of
from whorl.learning.sas_corpus import GRID, Kind, draw
from whorl.tasks.proposing import LIKE_NONE
from whorl.tasks.search import search
from whorl.tasks.trying import Outcome
from whorl.tasks.weighing import misfits
from whorl.techniques.sas.classifier import CurveClassifier, RawCurve
from whorl.techniques.sas.nuisances import NUISANCES, Curve
from whorl.techniques.sas.prepare import SasSignal
from whorl.techniques.sas.propose import BELIEVED, simplicity
from whorl.techniques.sas.technique import SAS
from whorl.trust.probability import Calibration, share

#: a substitute that fits nearly as well as the truth is no wrong answer
_AS_GOOD = 1.5
#: what the best model of a real sample leaves over beside noise: median, spread of its logarithm. Measured curves of known
#: samples leave 0.01 (chains) to 0.15 (particles whose contrast and spread are more than one number)
_MODEL_ERROR = (0.05, 0.7)
#: stated, not fitted: models of samples are wrong by a per cent, and a fifth of the points testifies where that decides
_TEMPER = Temper(0.01, 0.2)
#: parts of the classifier's log odds that are compared
_PARTS = (0.0, 0.1, 0.25, 0.5, 1.0)
#: log prior odds against each parameter, beyond what evidence charges, that are compared
_COSTS = (0.0, 0.5, 1.0, 2.0)


@dataclass
class Searched:
    """Outcome of one search: misfit of the first candidate beyond noise, and that of the best which says something else."""

    misfit: float
    runner_up: float


@dataclass
class Case:
    """A search with all models and one without the truth; scores of the candidates without the classifier, and what it says."""

    kind: str
    found: Searched
    missing: Searched
    keys: list[str]
    scores: list[float]
    opinion: list[float]
    conformal: tuple[str, ...]
    parameters: list[int]


def measured(curve: Curve) -> Measurement:
    """A drawn curve as a reader would give it."""
    settings = {"slit_length": curve.slit_length} if curve.slit_length else {}
    return Measurement("sas", curve.q, curve.intensity, curve.sigma, resolution=curve.resolution, settings=settings)


def one_case(key: tuple[int, int]) -> tuple[str, Case | None]:
    """Draw and search one curve."""
    rng = np.random.default_rng(key)
    kinds = kinds_of()
    kind: Kind = kinds[key[1] % len(kinds)]
    particles = open_catalogue("particles")
    try:
        intensity, _ = draw(kind, rng)
        signal = SAS.prepare(measured(NUISANCES.measure(GRID, intensity, NUISANCES.draw(rng), rng)))
        family = next(e.family for e in particles.entries() if e.key == kind.key)
        found = _search(signal, [particles])
        missing = _search(signal, [Selection(particles, lambda e: not set(e.family.split(" + ")) & set(family.split(" + ")))])
    except WhorlError as error:
        return f"{kind.key}: {error}", None
    keys = [t.suggestions[0].key.partition("/")[2] for t in found.ranked]
    parts = [simplicity(k) for k in keys]
    counts = [len(t.fit.problem.parameters) for t in found.ranked]
    told = [t.suggestions[0].prior - p for t, p in zip(found.ranked, parts, strict=True)]
    scores = [t.score - o for t, o in zip(found.ranked, told, strict=True)]
    case = Case(kind.key, _searched(found), _searched(missing), keys, scores, told, _conformal(signal), counts)
    line = (
        f"{kind.key:30.30s} -> {keys[0]:30.30s} misfit {case.found.misfit:.3f} ({case.found.runner_up:.3f}), "
        f"without {case.missing.misfit:.3f} ({case.missing.runner_up:.3f})"
    )
    return line, case


def _search(signal: SasSignal, catalogues: Sequence[Catalogue]) -> Outcome:
    """Search as `identify` does."""
    found = search(SAS, signal, SAS.propose(signal, catalogues), Calibration(_TEMPER, least=_TEMPER.discrepancy))
    if not found.ranked:
        raise WhorlError("nothing could be fitted")
    return found


def _searched(found: Outcome) -> Searched:
    return Searched(*misfits(SAS, found.signal, found.ranked, _TEMPER.discrepancy))


def _conformal(signal: SasSignal) -> tuple[str, ...]:
    """The set of the classifier, which `identify` adds to its own."""
    sigma = signal.sigma if signal.absolute else None
    curve = RawCurve(signal.x, signal.y, sigma, signal.dq, signal.instrument.slit_length)
    told = CurveClassifier.open().opinions([curve])[0]
    return told.members if told.farther >= LIKE_NONE else ()


def first_and_in_set(cases: Sequence[Case], part: float, believed: float, cost: float = 0.0) -> tuple[float, float, float]:
    """How often the truth is first, how often in the set of 90 %, and the mean size of the set.

    ``part`` of the classifier's log odds counts, of which ``believed`` is in the opinions; each parameter costs ``cost`` more.
    """
    first, inside, sizes = 0, 0, 0
    for case in cases:
        rows = zip(case.scores, case.opinion, case.parameters, strict=True)
        scores = [s + o * part / believed - cost * n for s, o, n in rows]
        order = np.argsort(-np.array(scores), kind="stable")
        chances = np.array(share(scores))[order]
        members = {case.keys[i] for i in order[: int(np.searchsorted(np.cumsum(chances), 0.9)) + 1]} | set(case.conformal)
        first += case.keys[order[0]] == case.kind
        inside += case.kind in members
        sizes += len(members)
    return first / len(cases), inside / len(cases), sizes / len(cases)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="write the searches here too, as JSON")
    options = parser.parse_args()
    cases = []
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn")) as pool:
        for n, (line, case) in enumerate(pool.map(one_case, [(options.seed, n) for n in range(options.cases)])):
            print(f"{n + 1:4d}/{options.cases} {line}", flush=True)
            if case is not None:
                cases.append(case)
    if options.keep:
        options.keep.write_text(json.dumps([asdict(case) for case in cases]) + "\n", encoding="utf-8")
    for part in _PARTS:
        first, inside, size = first_and_in_set(cases, part, BELIEVED)
        print(f"classifier's log odds x {part:4.2f}: first {first:.3f}, in the set {inside:.3f}, {size:.1f} in a set")
    for cost in _COSTS:
        first, inside, size = first_and_in_set(cases, BELIEVED, BELIEVED, cost)
        print(f"each parameter costs {cost:3.1f} more: first {first:.3f}, in the set {inside:.3f}, {size:.1f} in a set")
    # a fit that is worse than that of another family is not of the true model at its best
    right = [c.found for c in cases]
    wrong = [c.missing for c in cases if c.missing.misfit > _AS_GOOD * max(c.found.misfit, _MODEL_ERROR[0])]
    record = {
        "technique": "sas",
        "discrepancy": _TEMPER.discrepancy,
        "least_discrepancy": _TEMPER.discrepancy,
        "fraction": _TEMPER.fraction,
        "none": {"crystal": fit_doubt(right, wrong, _MODEL_ERROR, options.seed, most=1.0)},
        "made_by": f"python tools/calibrate_sas.py --cases {options.cases} --seed {options.seed}",
        "version": __version__,
        "kind_first": round(first_and_in_set(cases, BELIEVED, BELIEVED)[0], 3),
        "kind_in_set": round(first_and_in_set(cases, BELIEVED, BELIEVED)[1], 3),
    }
    options.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
