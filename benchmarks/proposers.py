"""Retrieval alone: whorl's correlation over ln r against boosted trees in the field's manner, on the same simulated curves.

No refinement: which of the catalogue's entries does each put first, among the first three, among the first ten? The trees are
those of `whorl train` (`whorl.learning.catalogue_trees`: MetalFinder, POMFinder, MLstructureMining), one class for each entry;
``--trees FOLDER`` names a folder with trained ones, in folders named by their cards; without it small ones are trained here.
Curves are drawn as those of training, with another seed: Qmin 0-2, Qmax 12-25, Qdamp 0.01-0.04 (1/angstrom), B 0.1-1
angstrom^2, delta2 2 angstrom^2, r to 30 angstrom; both are told Qmin, Qmax and Qdamp. whorl ranks the entries that the trees
know. Entries whose curves differ by less than 1 % of their root mean square are one answer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from _harness import Table, find_data, one_thread
from whorl.catalogues import open_catalogue
from whorl.catalogues.base import Catalogue, Selection
from whorl.core.measurement import Measurement
from whorl.learning.catalogue_corpus import Lengths, draw, is_open, simulate_drawn
from whorl.learning.registry import train
from whorl.models.card import Card
from whorl.models.trees import TreeProposer
from whorl.techniques.pdf.technique import PDF

Array = NDArray[np.float64]

R = np.arange(1, 3001) * 0.01
SEED = 20261121
TOPS = (1, 3, 10)
CLUSTERS = Path("pdf", "structures", "polyoxometalates")
_SAME = 0.01


@dataclass(frozen=True)
class Mode:
    """How the curves of a test differ from those of training: lengths (relative), noise (of the root mean square), elements."""

    text: str
    spread: float = 0.0
    noise: float = 0.0
    elements: bool = False


HOME = Mode("as trained")
MODES = {
    "metals-trees": (HOME, Mode("lengths off by 1 %", spread=0.01), Mode("noise of 5 %", noise=0.05)),
    "polyoxometalates-trees": (HOME, Mode("noise of 5 %", noise=0.05), Mode("elements given", elements=True)),
    "compounds-trees": (HOME, Mode("lengths off by 1 %", spread=0.01), Mode("elements given", elements=True)),
}
#: settings of trees trained here: full, quick
SMALL = {False: (15, 40), True: (3, 3)}


@dataclass(frozen=True)
class Ground:
    """The part of a catalogue that trees know, and the trees."""

    catalogue: Catalogue
    trees: TreeProposer
    lengths: Lengths
    same: dict[str, frozenset[str]]

    @property
    def card(self) -> Card:
        """Card of the trees."""
        return self.trees.card


def ground_of(name: str, options: argparse.Namespace, scratch: Path) -> Ground | None:
    """Open or train the trees of a card; None where the structures are not at hand."""
    where = None
    if name.startswith("polyoxometalates"):
        data = find_data()
        if data is None or not (data / CLUSTERS).is_dir():
            return None
        where = str(data / CLUSTERS)
    folder = options.trees / name if options.trees else None
    if folder is None or not folder.is_dir():
        folder = scratch / name
        cases, rounds = SMALL[options.quick]
        more = {"catalogue": where} if where else {}
        print(f"{name}: training small trees, {cases} PDFs of each structure, {rounds} rounds", file=sys.stderr)
        train(name, cases=cases, settings={"rounds": rounds, **more}, out=folder)
    trees = TreeProposer.open(folder)
    settings = trees.card.training.settings
    catalogue = open_catalogue(where or str(settings["catalogue"]))
    classes = frozenset(trees.card.classes)
    part = Selection(catalogue, lambda entry: entry.key in classes)
    lengths = Lengths(float(settings["bond"]))
    return Ground(part, trees, lengths, same_curves(part, [e.key for e in part.entries()], lengths))


def same_curves(catalogue: Catalogue, keys: Sequence[str], lengths: Lengths) -> dict[str, frozenset[str]]:
    """Keys of the entries whose G(r), scaled to fit, is that of each within `_SAME`."""
    drawn = {"qmin": 0.5, "qmax": 25.0, "qdamp": 0.02, "u_iso": 0.005, "delta2": 2.0}
    rows = []
    for key in keys:
        structure = catalogue.load(key)
        bond = {"bond": lengths.bond} if is_open(structure) else {}
        g = simulate_drawn(structure, drawn | bond, R[4::5])
        rows.append(g / np.linalg.norm(g))
    curves = np.array(rows)
    alike = curves @ curves.T > np.sqrt(1 - _SAME**2)
    return {key: frozenset(keys[int(j)] for j in np.flatnonzero(alike[i])) for i, key in enumerate(keys)}


def noise(drawn: Mapping[str, float], level: float, rng: np.random.Generator) -> Array:
    """Noise (n,) white between Q = 0 and Qmax, of that root mean square."""
    q = np.arange(1, int(drawn["qmax"] / 0.08)) * 0.08
    made = np.sin(np.outer(R, q)) @ rng.normal(size=q.size)
    return np.asarray(made * level / np.sqrt(np.mean(made**2)))


@dataclass(frozen=True)
class Places:
    """Place of the truth (1 is the first; 0 where it is not proposed), and CPU seconds, of each case."""

    place: list[int]
    seconds: list[float]

    @property
    def text(self) -> str:
        """Recall among the first."""
        found = np.array(self.place)
        return ", ".join(f"top-{k} {100 * np.mean((found > 0) & (found <= k)):.1f} %" for k in TOPS)


def place_of(ranked: Sequence[str], right: frozenset[str]) -> int:
    """Place of the first right key."""
    return next((n for n, key in enumerate(ranked, start=1) if key in right), 0)


def compare(ground: Ground, mode: Mode, cases: int) -> tuple[Places, Places]:
    """Ask both about the same curves: whorl, trees."""
    keys = list(ground.same)
    elements = {e.key: e.elements for e in ground.catalogue.entries()}
    mine, theirs = Places([], []), Places([], [])
    for case in range(cases):
        rng = np.random.default_rng([SEED, case])
        key = keys[int(rng.integers(len(keys)))]
        structure = ground.catalogue.load(key)
        drawn = draw(rng, Lengths(ground.lengths.bond, mode.spread), open_bond=is_open(structure))
        g = simulate_drawn(structure, drawn, R)
        if mode.noise:
            g = g + noise(drawn, mode.noise * float(np.sqrt(np.mean(g[R > 1.5] ** 2))), rng)
        known = {k: drawn[k] for k in ("qmin", "qmax", "qdamp")}
        given = elements[key] if mode.elements else None

        started = time.process_time()
        signal = PDF.prepare(Measurement("gr", R, g, settings={"radiation": "x-ray", **known}))
        found = PDF.propose(signal, [ground.catalogue], elements=given)
        mine.seconds.append(time.process_time() - started)
        ranked = [s.key.split("/", 1)[1] for s in found.suggestions]
        mine.place.append(place_of(ranked, ground.same[key]))

        started = time.process_time()
        admitted = None if given is None else {k for k in keys if elements[k] <= given}
        scored = ground.trees.propose(R, g, **known, among=admitted)
        theirs.seconds.append(time.process_time() - started)
        theirs.place.append(place_of([k for k, _ in scored], ground.same[key]))
    return mine, theirs


def note_of(ground: Ground, cases: int) -> str:
    """Say what the trees are, and how many are asked."""
    t = ground.card.training
    answers = len(set(ground.same.values()))
    trees = f"{t.cases} PDFs each, {t.settings['rounds']} rounds, {t.cpu_seconds / 60:.1f} CPU min"
    return f"{cases} cases, {len(ground.same)} entries ({answers} different); trees: {trees}"


def main() -> int:
    """Fill the table."""
    one_thread()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke test: metals only, small trees, few cases")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table and the machine to FILE")
    parser.add_argument("--trees", type=Path, metavar="FOLDER", help="trained models, in folders named by their cards")
    parser.add_argument("--cases", type=int, help="curves of each test (default 400)")
    parser.add_argument("--only", action="append", choices=sorted(MODES), help="cards to compare; all by default")
    options = parser.parse_args()
    cases = options.cases or (4 if options.quick else 400)
    only = options.only or (["metals-trees"] if options.quick else list(MODES))
    table = Table("Retrieval alone: correlation over ln r (reached) against boosted trees (peer)")
    with tempfile.TemporaryDirectory() as scratch:
        for name, modes in MODES.items():
            if name not in only:
                continue
            ground = ground_of(name, options, Path(scratch))
            if ground is None:
                continue
            compare(ground, modes[0], 1)  # compiles, and reads the index
            for mode in modes:
                mine, theirs = compare(ground, mode, cases)
                table.add(f"{name.removesuffix('-trees')}, {mode.text}", "", mine.text, theirs.text, note_of(ground, cases))
                if mode is HOME:
                    speed = [f"{1e3 * statistics.median(x.seconds):.1f} ms" for x in (mine, theirs)]
                    table.add(f"{name.removesuffix('-trees')}, CPU time of a query", "", *speed, "median; data to ranked list")
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
