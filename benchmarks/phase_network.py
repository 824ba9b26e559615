"""A trained proposer for the 56 candidates of XRD-AutoAnalyzer: training, calibration, recall, fractions, measured patterns.

``--model FOLDER`` takes a network that `whorl train pd-phases --catalogue REFERENCES` has written; without it one is trained
here. Simulated mixtures are drawn as those of training with other seeds: foreign lines in 30 %, weight fractions from 3 %,
parts of the range. A phase counts as found above a probability of 0.5. Measured patterns are for testing only: no figure of the
recipe was chosen by them. What is right in them is a formula in a space group: the file's name says the formulas; LiMnO2 is
taken to be the orthorhombic one, and of TiO2, sold as a mixture, anatase is asked for and rutile may be there. Without the
measured data the candidates are the built-in compounds of the same elements.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from _harness import Table, find_data, one_thread
from whorl.catalogues import Catalogue, open_catalogue
from whorl.core.hypothesis import Crystal
from whorl.formats import read
from whorl.learning.pd_phases_corpus import Mixtures, Simulator
from whorl.learning.registry import train
from whorl.tasks.identify import identify
from whorl.techniques.pd.phase_network import PhaseNetwork
from whorl.techniques.pd.prepare import prepare
from whorl.trust.reliability import reliability_error

SEED = 20_991_231
MINUTES, PHASES = 30, 60
#: what a measured pattern holds, and what else may be there
MEASURED = {
    "LiMnO2": ({"LiMnO2_59"}, set()),
    "Mn2O3+LiF": ({"Mn2O3_206", "LiF_225"}, set()),
    "MnO": ({"MnO_225"}, set()),
    "TiO2": ({"TiO2_141"}, {"TiO2_136"}),
}
_PART = 64


def judged(network: PhaseNetwork, mixtures: Mixtures) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities and fractions of many patterns, some at a time."""
    parts = [network.judge(mixtures.seen[at : at + _PART].astype(float)) for at in range(0, len(mixtures.seen), _PART)]
    return np.concatenate([p for p, _ in parts]), np.concatenate([f for _, f in parts])


def simulated(table: Table, network: PhaseNetwork, crystals: list[Crystal], cell: float, cases: int) -> None:
    """Calibration, recall, precision and fractions on fresh mixtures."""
    simulator = Simulator(crystals, network.grid, cell)
    mixtures = simulator.mixtures(np.random.default_rng([SEED, 0]), 3 * cases)
    start = time.process_time()
    p, _ = judged(network, mixtures)
    took = (time.process_time() - start) / len(p)
    there = mixtures.fractions > 0
    told = p > 0.05
    note = f"{len(p)} mixtures of 0 to 5 phases"
    table.add("calibration error, all phases", "", f"{reliability_error(p, there):.4f}", note=note)
    error = reliability_error(p[told], there[told])
    table.add(
        "calibration error where p > 0.05", "<= 0.05", f"{error:.3f}", note=f"{told.sum()} of {p.size}", met=error <= 0.05
    )
    base = there.mean() * (1 - there.mean())
    table.add("Brier score", "", f"{np.mean((p - there) ** 2):.4f}", note=f"always the base rate: {base:.4f}")
    table.add("network and activation, a pattern", "", f"{took * 1e3:.1f} ms CPU", note="in parts of 64")
    for number in (1, 2, 3):
        mixtures = simulator.mixtures(np.random.default_rng([SEED, number]), cases, phases=number)
        p, fractions = judged(network, mixtures)
        there, said = mixtures.fractions > 0, p > 0.5
        hits = int(np.sum(there & said))
        large = mixtures.fractions >= 0.1
        exact = float(np.mean(np.all(there == said, axis=1)))
        off = float(np.abs(fractions - mixtures.fractions)[there].mean())
        shortlist = np.argsort(-p, axis=1)[:, :8]
        listed = float(np.mean(np.take_along_axis(there, shortlist, axis=1).sum(axis=1) / number))
        table.add(
            f"{number} phase{'s' if number > 1 else ''}: precision, recall",
            "",
            f"{hits / max(int(said.sum()), 1):.3f}, {hits / int(there.sum()):.3f}",
            note=f"recall from 10 wt% {np.mean(said[large]):.3f}; all and no other {exact:.0%}; in the first 8: {listed:.3f}",
        )
        if number > 1:
            table.add(f"{number} phases: error of fractions", "", f"{off:.3f}", note="mean absolute, of true phases")


def measured(table: Table, network: PhaseNetwork, folder: Path, catalogue: Catalogue, proposer: str) -> None:
    """The measured patterns: the network alone, the search alone, both."""
    right = {"network alone": 0, "search alone": 0, "search with the network": 0}
    for name, (wanted, allowed) in MEASURED.items():
        measurement = read(folder / f"{name}.xy", kind="powder")
        answer = network.ask(prepare(measurement))
        found = {answer.phases[n].name: float(answer.probability[n]) for n in answer.likely(0.5, 8)}
        sets = {"network alone": set(found)}
        for mode, given in (("search alone", ""), ("search with the network", proposer)):
            verdict = identify(measurement, catalogues=[catalogue], proposer=given)
            best = verdict.best
            sets[mode] = {Path(e).stem for e in best.entries} if best is not None and not verdict.is_none else set()
        for mode, got in sets.items():
            right[mode] += wanted <= got <= wanted | allowed
        print(name, {k: round(v, 3) for k, v in found.items()}, {k: sorted(v) for k, v in sets.items()}, flush=True)
    for mode, count in right.items():
        table.add(f"measured, all and no other: {mode}", "", f"{count} of {len(MEASURED)}", note="formula and space group")


def main() -> int:
    """Run."""
    one_thread()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: a network of hardly any training, few cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the machine to FILE")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a trained network; without it one is trained")
    options = parser.parse_args()
    data = find_data()
    folder = None if data is None else data / "pd/xrd_autoanalyzer"
    settings = (
        {"catalogue": "compounds", "elements": "Li,Mn,Ti,O,F"} if folder is None else {"catalogue": str(folder / "references")}
    )
    table = Table("A network that proposes phases")
    with tempfile.TemporaryDirectory() as place:
        model = options.model or Path(place)
        if options.model is None:
            cases = 64 if options.quick else None
            print("training", file=sys.stderr)
            train("pd-phases", cases=cases, settings=settings | ({"calibration": 300} if options.quick else {}), out=model)
        network = PhaseNetwork.open(model)
        training = network.card.training
        minutes = training.cpu_seconds / 60 * PHASES / len(network.phases)
        table.add(
            f"training, for {PHASES} phases",
            f"<= {MINUTES} CPU min",
            f"{minutes:.1f} CPU min",
            "hours (published)",
            note=f"{len(network.phases)} phases, {training.cases} patterns each: {training.cpu_seconds:.0f} CPU s",
            met=minutes <= MINUTES,
        )
        size = (model / network.card.file).stat().st_size
        table.add("weights", "", f"{size / 1e6:.2f} MB", note="heads of 8-bit integers, about one byte a parameter")
        catalogue = open_catalogue(settings["catalogue"])
        crystals = [catalogue.load(phase.key.partition("/")[2]) for phase in network.phases]
        found = [c for c in crystals if isinstance(c, Crystal)]
        simulated(table, network, found, float(training.settings["cell"]), 60 if options.quick else 1000)
        if folder is not None:
            measured(table, network, folder, catalogue, str(model))
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
