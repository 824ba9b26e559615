"""Boosted trees over a catalogue: one class for each entry, trained on simulated PDFs. The baseline of the field.

Trees and features are those of MetalFinder, POMFinder and MLstructureMining: depth 3, learning rate 0.15, softmax over the
classes (XGBoost: T. Chen, C. Guestrin, KDD 2016, doi:10.1145/2939672.2939785). Every round grows one tree for each class over
all PDFs, so the cost goes with the square of the number of classes: the published metal finder took 22.8 hours on 64 threads.
The recipes here grow fewer trees from fewer PDFs and end within ten minutes on one core; ``--cases`` and ``--set rounds=500``
give the published size.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues import open_catalogue
from whorl.catalogues.base import Catalogue, Entry
from whorl.core.atomic import write_atomic
from whorl.core.errors import CatalogueError, UsageError
from whorl.learning.catalogue_corpus import RANGES, Corpus, Lengths, make_corpus
from whorl.learning.trainer import Request, Setting, Trained, Trainer
from whorl.models.card import Card, Grid, Metric, ModelError, Port, Training
from whorl.models.inference import need_xgboost

Array = NDArray[np.float64]

_KEEP_EVERY = 60.0  # seconds between two checkpoints
_TEST_EACH = 5  # PDFs of each structure that the figures of the card are measured on
_TOPS = (1, 3, 10)


@dataclass(frozen=True)
class Ground:
    """What a card of trees is about.

    Attributes
    ----------
    title, domain : str
    failures : tuple of str
        Known ones, beside those that all such trees have.
    """

    title: str
    domain: str
    failures: tuple[str, ...] = ()


_ALWAYS = (
    "A closed list: a structure that was not in the catalogue at training gets a wrong answer; there is no 'none of these'.",
    "Entries with nearly the same distances, such as isostructural compounds with like cells, are told apart poorly.",
    "No noise, background or ligand peaks in training; scores are not calibrated.",
    "Qmin, Qmax and Qdamp must be known.",
)


def train_trees(request: Request, *, name: str, ground: Ground) -> Trained:
    """Simulate the corpus, grow the trees, measure them on PDFs of another seed.

    Raises
    ------
    UsageError
        If the catalogue is not named, or a setting is not possible.
    CatalogueError
        If it holds fewer than two structures.
    MissingExtraError
        If XGBoost is not installed.
    """
    xgboost = need_xgboost()
    settings = request.settings
    _check(name, settings)
    started = time.process_time()
    catalogue, entries = _entries(name, settings)
    grid = Grid(start=0.0, stop=float(settings["r_max"]), step=0.1, unit="angstrom")
    spent = _Spent(request.scratch)
    corpus = _kept_corpus(request, catalogue, entries, grid)
    if len(corpus.keys) < 2:
        raise CatalogueError(f"{len(corpus.keys)} structures to tell apart", where=name, remedy="Name another catalogue.")
    booster = _grow(xgboost, request, corpus, spent, started)
    metrics = _measure(xgboost, booster, request, catalogue, entries, corpus, grid)
    card = Card(
        name=name,
        title=ground.title,
        task="proposer",
        engine="xgboost",
        file=f"{name}.json",
        domain=ground.domain,
        grid=grid,
        inputs=(
            Port(
                name="features",
                shape=f"n x {grid.count + 3}",
                meaning="G(r) over its maximum, then Qmin, Qmax, Qdamp (1/angstrom)",
            ),
        ),
        outputs=(Port(name="probability", shape=f"n x {len(corpus.keys)}", meaning="score of every entry; they add up to 1"),),
        ranges={**RANGES, **_lengths(settings).ranges(open_bond=any(e.kind == "cluster" and not e.elements for e in entries))},
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=spent.total(started)),
        metrics=metrics,
        known_failures=(*ground.failures, *_ALWAYS, *_left_out(corpus)),
        references=(
            "MetalFinder (A. S. Anker, 2023): depth 3, rate 0.15, 500 rounds, 100 PDFs of each of 3743 classes, top-1 83.9 %",
            "T. Chen, C. Guestrin, XGBoost, KDD 2016, doi:10.1145/2939672.2939785",
        ),
        classes=corpus.keys,
    )
    return Trained(card, bytes(booster.save_raw("json")))


def _check(name: str, settings: Mapping[str, Setting]) -> None:
    for key in ("bond", "r_max", "rounds", "depth", "rate"):
        if not float(settings[key]) > 0:
            raise UsageError(f"{key} = {settings[key]}", where=f"train {name}", remedy="Give a number above 0.")
    for key, low, high in (("spread", 0, 0.2), ("bins", 2, 1024)):
        if not low <= float(settings[key]) <= high:
            raise UsageError(f"{key} = {settings[key]}", where=f"train {name}", remedy=f"Give {low} to {high}.")


def _entries(name: str, settings: Mapping[str, Setting]) -> tuple[Catalogue, list[Entry]]:
    wanted, most = str(settings["catalogue"]), int(settings["atoms"])
    if not wanted:
        remedy = "Give a folder of structures: --set catalogue=FOLDER."
        raise UsageError("the catalogue is not named", where=f"train {name}", remedy=remedy)
    catalogue = open_catalogue(wanted)
    entries = [e for e in catalogue.entries() if not e.alias_of and (e.kind != "cluster" or not most or e.atoms <= most)]
    return catalogue, entries


def _kept_corpus(request: Request, catalogue: Catalogue, entries: Sequence[Entry], grid: Grid) -> Corpus:
    """The corpus, from the scratch folder where it was simulated before from the same catalogue."""
    path = request.scratch / "corpus.npz"
    identity = np.array(f"{catalogue.content_hash} {grid} {[e.key for e in entries]}")
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["identity"]) == str(identity):
                keys, left_out = (tuple(str(k) for k in kept[name]) for name in ("keys", "left_out"))
                return Corpus(kept["features"], kept["labels"], keys, left_out)
        _forget(request.scratch)
    corpus = make_corpus(
        catalogue,
        entries,
        each=request.cases,
        seed=(request.seed, 0),
        grid=grid,
        lengths=_lengths(request.settings),
        progress=lambda done, total: request.progress("simulating structures", done, total),
    )
    _make(request.scratch)
    partial_path = path.with_suffix(".partial.npz")
    np.savez(
        partial_path,
        identity=identity,
        features=corpus.features,
        labels=corpus.labels,
        keys=np.array(corpus.keys, dtype=np.str_),
        left_out=np.array(corpus.left_out, dtype=np.str_),
    )
    partial_path.replace(path)
    return corpus


def _grow(xgboost: Any, request: Request, corpus: Corpus, spent: _Spent, started: float) -> Any:
    """Grow the trees round by round; what is grown is kept every minute and when the work is interrupted."""
    settings = request.settings
    rounds = int(settings["rounds"])
    data = xgboost.QuantileDMatrix(corpus.features, corpus.labels, max_bin=int(settings["bins"]), nthread=1)
    parameters = {
        "objective": "multi:softprob",
        "num_class": len(corpus.keys),
        "max_depth": int(settings["depth"]),
        "eta": float(settings["rate"]),
        "max_bin": int(settings["bins"]),
        "tree_method": "hist",
        "seed": request.seed,
        "nthread": 1,
        "verbosity": 0,
    }
    booster = xgboost.Booster(parameters, [data])
    path = request.scratch / "trees.json"
    if path.is_file():
        booster.load_model(path)
        booster.set_param(parameters)
    written = time.monotonic()
    try:
        for number in range(booster.num_boosted_rounds(), rounds):
            booster.update(data, number)
            request.progress("growing trees, rounds", number + 1, rounds)
            if time.monotonic() - written > _KEEP_EVERY:
                _keep(path, booster, spent, started)
                written = time.monotonic()
    except KeyboardInterrupt:
        _keep(path, booster, spent, started)
        raise
    return booster


def _keep(path: Path, booster: Any, spent: _Spent, started: float) -> None:
    _make(path.parent)
    write_atomic(path, bytes(booster.save_raw("json")), kind=ModelError)
    spent.keep(started)


class _Spent:
    """CPU seconds of a training, interruptions bridged."""

    def __init__(self, scratch: Path) -> None:
        self._path = scratch / "cpu-seconds.txt"
        self._before = float(self._path.read_text(encoding="utf-8")) if self._path.is_file() else 0.0

    def total(self, started: float) -> float:
        return self._before + time.process_time() - started

    def keep(self, started: float) -> None:
        write_atomic(self._path, f"{self.total(started):.3f}\n", kind=ModelError)


def _measure(
    xgboost: Any,
    booster: Any,
    request: Request,
    catalogue: Catalogue,
    entries: Sequence[Entry],
    corpus: Corpus,
    grid: Grid,
) -> tuple[Metric, ...]:
    """Top-k recall on PDFs of the same structures with parameters drawn anew, as the published figures are measured."""
    known = set(corpus.keys)
    test = make_corpus(
        catalogue,
        [e for e in entries if e.key in known],
        each=_TEST_EACH,
        seed=(request.seed, 1),
        grid=grid,
        lengths=_lengths(request.settings),
        progress=lambda done, total: request.progress("simulating the test", done, total),
    )
    found = np.asarray(booster.predict(xgboost.DMatrix(test.features, nthread=1)))
    right = found[np.arange(len(found)), test.labels]
    place = np.sum(found > right[:, None], axis=1)
    note = "same structures, instrument drawn anew, no noise"
    return tuple(_share(f"top-{k}", int(np.sum(place < k)), place.size, note) for k in _TOPS)


def _share(name: str, count: int, total: int, note: str) -> Metric:
    """A share with Wilson's interval at 95 % (E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927))."""
    z, p, n = 1.959964, count / total, float(total)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * float(np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)))
    return Metric(
        name=name,
        value=round(p, 4),
        low=round(max(centre - half, 0.0), 4),
        high=round(min(centre + half, 1.0), 4),
        cases=total,
        note=note,
    )


def _lengths(settings: Mapping[str, Setting]) -> Lengths:
    return Lengths(float(settings["bond"]), float(settings["spread"]))


def _left_out(corpus: Corpus) -> tuple[str, ...]:
    if not corpus.left_out:
        return ()
    return (f"{len(corpus.left_out)} entries cannot be simulated and are unknown to it: {', '.join(corpus.left_out)}.",)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ModelError(f"the folder cannot be made ({why})", where=str(folder), remedy="Choose another --out.") from error


def _forget(scratch: Path) -> None:
    for name in ("corpus.npz", "trees.json", "cpu-seconds.txt"):
        (scratch / name).unlink(missing_ok=True)


_GROUNDS = {
    "metals-trees": Ground(
        "Shapes of metal particles by boosted trees, in the manner of MetalFinder",
        "G(r) of a metal particle of 4 to 200 atoms, bond length as trained, of a shape in the catalogue 'nanoparticles'",
        ("Another bond length: every metal needs trees of its own (--set bond=2.775), as in the published finder.",),
    ),
    "polyoxometalates-trees": Ground(
        "Polyoxometalate clusters by boosted trees, in the manner of POMFinder",
        "X-ray G(r) of one kind of polyoxometalate cluster, of the folder that it was trained on",
    ),
    "compounds-trees": Ground(
        "Inorganic compounds by boosted trees, in the manner of MLstructureMining",
        "X-ray G(r) of one large crystal of the catalogue 'compounds', cell as in the catalogue",
        ("No finite size and no strain in training.",),
    ),
}


_DEFAULTS: Mapping[str, Setting] = {
    "catalogue": "",
    "atoms": 0,  # most atoms of a cluster; 0: no limit
    "bond": 2.884,  # angstrom, of shapes whose bond length is open: gold
    "spread": 0.0,  # standard deviation of a relative change of all lengths
    "r_max": 30.0,
    "rounds": 100,
    "depth": 3,
    "rate": 0.15,
    "bins": 64,
}


def _recipe(name: str, summary: str, cases: int, settings: Mapping[str, Setting]) -> Trainer:
    return Trainer(
        name=name,
        summary=summary,
        seed=20260101,
        cases=cases,
        meaning_of_cases="simulated PDFs of each structure",
        train=partial(train_trees, name=name, ground=_GROUNDS[name]),
        settings={**_DEFAULTS, **settings},
        libraries=("numpy", "xgboost"),
        resumes=True,
    )


TRAINERS = {
    recipe.name: recipe
    for recipe in (
        _recipe("metals-trees", "shapes of metal particles to 200 atoms", 40, {"catalogue": "nanoparticles", "atoms": 200}),
        _recipe("polyoxometalates-trees", "clusters of a folder (--set catalogue=FOLDER)", 30, {"r_max": 10.0}),
        _recipe("compounds-trees", "inorganic compounds", 20, {"catalogue": "compounds", "rounds": 60}),
    )
}
