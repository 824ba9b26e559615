"""AutomatedSAS's test curves: six kinds, none of whose curves was learnt from.

360 curves of the peer's test set (60 of each kind; G. Roberts et al., AutomatedSAS, Digital Discovery (2025)), without noise,
q from 0.0037 to 0.26 1/angstrom, a width of 0.1 to 0.35. The network is trained here on whorl's own curves of the six
kinds: parameters as the models draw them, shells up to six times the core, any contrast, a width for all lengths or for some,
windows of 1.5 to 2.2 decades, little noise. The shipped network, which knows all kinds and instruments, is asked for the six.
The peer's figure is the one of its repository, on 3232 curves of the set that these are sampled from.
"""

from __future__ import annotations

import csv
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from _finder import share
from _harness import Table, arguments, find_data
from whorl.learning.sas_classes import fit, judge
from whorl.learning.sas_corpus import Corpus, Kind, make
from whorl.learning.sas_experiments import Seen
from whorl.techniques.sas.classifier import CurveClassifier
from whorl.techniques.sas.features import features
from whorl.techniques.sas.nuisances import NUISANCES

SEED = 20_261_122
PEER = "0.85 of 3232"
#: the peer's name -> kind
KINDS = {
    "sphere": Kind("sphere", "sphere", apart=0.0),
    "cylinder": Kind("rod", "rod", apart=0.0),
    "disk": Kind("disk", "disk", apart=0.0),
    "cs_sphere": Kind(
        "core_shell_sphere",
        "core_shell_sphere",
        typical={"thickness": (5, 400), "radius": (8, 1500)},
        within={"thickness": ("radius", 0.15, 6.0)},
        apart=0.0,
    ),
    "cs_cylinder": Kind(
        "core_shell_rod",
        "core_shell_rod",
        typical={"thickness": (5, 300)},
        within={"thickness": ("radius", 0.15, 6.0)},
        apart=0.0,
    ),
    "cs_disk": Kind(
        "core_shell_disk",
        "core_shell_disk",
        typical={"thickness": (5, 300)},
        within={"thickness": ("length", 0.08, 6.0)},
        apart=0.0,
    ),
}
EXPERIMENTS = replace(
    NUISANCES,
    qmin=(0.0015, 0.01),
    decades=(1.5, 2.2),
    points=(100.0, 400.0),
    grids=(0.2, 0.7, 0.1),
    smeared=0.1,
    slits=0.0,
    quiet=0.9,
    sigma_stated=0.2,
    background=(-0.4, 0.2),
    subtracted=0.0,
    aggregates=0.0,
    beam_stop=0.0,
    gap=0.0,
)


def their_curves(folder: Path) -> tuple[np.ndarray, np.ndarray, list[dict[str, str]]]:
    """Features of the test curves, their labels, and the columns of parameters."""
    rows, labels, parameters = [], [], []
    for number, name in enumerate(KINDS):
        with (folder / f"automatedsas_TEST_{name}.csv").open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                points = [(float(k), float(v)) for k, v in line.items() if k[:2] == "0." and v]
                q, intensity = (np.array(column) for column in zip(*points, strict=True))
                rows.append(features(q, intensity))
                labels.append(number)
                parameters.append({k: v for k, v in line.items() if k[:2] != "0."})
    return np.stack(rows), np.array(labels), parameters


def confusions(told: np.ndarray, labels: np.ndarray) -> str:
    names = list(KINDS)
    table = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(table, (labels, told), 1)
    return "; ".join(
        f"{names[i]}: " + ", ".join(f"{names[j]} {table[i, j]}" for j in np.argsort(-table[i], kind="stable") if table[i, j])
        for i in range(len(names))
    )


def main() -> int:
    options = arguments(__doc__ or "")
    table = Table("AutomatedSAS's test curves, six kinds")
    folder = find_data()
    if folder is None:
        return 0
    rows, labels, _ = their_curves(folder / "sas" / "ref")
    each, passes = (20, 2) if options.quick else (800, 16)
    kinds = list(KINDS.values())
    with tempfile.TemporaryDirectory() as scratch:
        corpus = make(kinds, each, SEED, Path(scratch), workers=2)
    started = time.process_time()
    network, _ = fit(corpus, 1, passes, nuisances=EXPERIMENTS)
    seconds = time.process_time() - started + corpus.seconds
    theirs = Corpus(corpus.kinds, np.zeros((0, 0), dtype=np.float32), labels, (), np.zeros((0, 0), dtype=np.float32))
    own = judge(network, Seen(rows, np.arange(labels.size)), theirs).logits.argmax(axis=1)
    right = share(int(np.sum(own == labels)), labels.size)
    note = f"{each} samples of each kind, {seconds:.0f} CPU s"
    table.add("trained on whorl's curves of the six", ">= 92 %", right.text, PEER, note, met=right.value >= 0.92)
    print("trained on the six:", confusions(own, labels))
    shipped = CurveClassifier.open()
    among = [kind.key for kind in kinds]
    columns = [shipped.classes.index(key) for key in among]
    told = shipped.judge(rows, among)[0][:, columns].argmax(axis=1)
    right = share(int(np.sum(told == labels)), labels.size)
    table.add("shipped network, asked for the six", ">= 92 %", right.text, PEER, "all kinds and instruments learnt")
    print("shipped:", confusions(told, labels))
    plain = np.array([0, 1, 2, 0, 1, 2])
    shape = share(int(np.sum(plain[own] == plain[labels])), labels.size)
    table.add("sphere, cylinder or disk, shell or not", "", shape.text, "", "trained on the six")
    coat = share(int(np.sum((own > 2) == (labels > 2))), labels.size)
    table.add("shell or not", "", coat.text, "", "trained on the six")
    return table.finish(options)


if __name__ == "__main__":
    raise SystemExit(main())
