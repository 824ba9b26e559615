"""Train the network that tells space groups from G(r), and make its probabilities honest.

What it learns from is in `whorl.learning.space_groups_corpus`, what it is in `whorl.learning.space_groups_network`. Groups are
drawn by the square root of their frequency, and the logarithm of their share is added to the logits in training (Menon et al.,
ICLR 2021, arXiv:2007.07314): what the network gives is a log likelihood up to a constant, and any prior may be added to it.
Each time a curve is shown it is stretched a little, which leaves the group as it is, and half of the times noise, background
and ligand peaks are added. Two temperatures make the probabilities honest (Guo et al., ICML 2017): one for crystals drawn as
the entries of a database are, one for crystals of no known structure type.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.lazy import need
from whorl.learning.space_groups_corpus import (
    GROUPS,
    Corrupter,
    Curves,
    catalogue_state,
    database_entries,
    make_database,
    shares,
    simulate_curves,
    unseen_entries,
)
from whorl.learning.space_groups_network import build_network, to_onnx
from whorl.learning.steps import keep, learning_rate, ready, resume, write_arrays
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Grid, Interval, Metric, Port, Training
from whorl.techniques.pdf.nuisances import NUISANCES
from whorl.techniques.pdf.space_groups import FREQUENCIES, GRID, MODEL, mean_logits, softmax, stretch_matrix

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_BATCH = 512
_PARTS = 4  # of a batch, stretched alike
_RATE = 2e-3
_START = 0.04  # of the learning rate
_DECAY = 0.02
_CLEAN = 0.5
_STRETCHES = np.exp(np.linspace(-0.08, 0.08, 17))
_POWER = 0.5
_UNTYPED = 0.25
_TINY = 1e-12
_BINS = 15


def fit(network: Any, curves: Curves, *, epochs: int, request: Request) -> float:
    """Train by AdamW on one thread, the learning rate rising, then falling as a cosine.

    The end of each epoch is kept in ``request.scratch``, and a repeated request goes on from there; each epoch has random
    numbers of its own, so the result is the same.

    Returns
    -------
    float
        CPU seconds spent, those before an interruption included.
    """
    torch = ready(request.seed)
    started = time.process_time()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY, fused=True)
    kept = request.scratch / "network.npz"
    first, spent = resume(network, optimiser, kept)
    started -= spent
    share = np.bincount(curves.label, minlength=len(GROUPS)) + 1.0
    offset = torch.from_numpy(np.log(share / share.sum()).astype(np.float32))
    stretches = [torch.from_numpy(stretch_matrix(float(s)).astype(np.float32)) for s in _STRETCHES]
    corrupt = Corrupter()
    steps = max(len(curves.label) // _BATCH, 1)
    network.train()
    for epoch in range(first, epochs):
        rng = np.random.default_rng([request.seed, 3, epoch])
        torch.manual_seed(int(rng.integers(2**31)))
        order = rng.permutation(len(curves.label))
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * learning_rate((epoch + step / steps) / epochs, start=_START)
            rows = order[step * _BATCH : (step + 1) * _BATCH]
            g = curves.g[rows].astype(np.float32)
            noisy = rng.random(len(rows)) >= _CLEAN
            g[noisy] = corrupt(g[noisy], curves.qmax[rows][noisy], rng)
            parts = torch.from_numpy(g).chunk(_PARTS)
            x = torch.cat([part @ stretches[int(rng.integers(len(stretches)))] for part in parts])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(x)
            loss = torch.nn.functional.cross_entropy(logits.float() + offset, torch.from_numpy(curves.label[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            request.progress("training", epoch * steps + step + 1, epochs * steps)
        keep(network, optimiser, kept, epoch + 1, time.process_time() - started)
    network.eval()
    return time.process_time() - started


def fit_temperature(logits: Array, labels: Labels, log_prior: Array) -> float:
    """Temperature of least negative log likelihood under a prior.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(size=(4000, 5))
    >>> labels = np.array([rng.choice(5, p=softmax(row, 1.0)) for row in logits])
    >>> bool(abs(fit_temperature(3 * logits, labels, np.zeros(5)) - 3.0) < 0.3)
    True
    """
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        p = softmax(logits, float(np.exp(log_t)), log_prior)
        return float(-np.mean(np.log(p[np.arange(labels.size), labels] + _TINY)))

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(0.2), np.log(10.0)), method="bounded").x))


def ranks(logits: Array, labels: Labels) -> Labels:
    """Place of the true group of each curve, 0 for the first."""
    own = logits[np.arange(labels.size), labels]
    return np.asarray(np.sum(logits > own[:, None], axis=1))


def calibration_error(probabilities: Array, labels: Labels) -> float:
    """Expected calibration error of the first answer, 15 bins of equal width (Guo et al., 2017)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    total = sum(abs(float(np.sum(right[place == b]) - np.sum(confidence[place == b]))) for b in range(_BINS))
    return total / labels.size


def logits_of(weights: bytes, g: Array) -> Array:
    """Logits of many curves by the weights as they are written, shape (n, 45)."""
    session = need("onnxruntime", extra="train").InferenceSession(weights, providers=["CPUExecutionProvider"])
    return mean_logits(lambda x: session.run(None, {"g": x.astype(np.float32)})[0], g)


def make_corpus(request: Request) -> tuple[Curves, float]:
    """Curves to learn from, most with the nuisances of experiments, some as the peer's were made; and their CPU seconds.

    Each part is kept in ``request.scratch`` and read from there when it has been made before.
    """
    alike = int(request.cases * float(request.settings["alike"]))
    parts = [_part(request, name, count) for name, count in (("varied", request.cases - alike), ("alike", alike)) if count]
    arrays = (np.concatenate([part[key] for part in parts]) for key in ("g", "label", "qmax"))
    return Curves(*arrays), sum(float(part["seconds"]) for part in parts)


def _part(request: Request, name: str, count: int) -> dict[str, NDArray[Any]]:
    """Arrays of `Curves`, and ``seconds``."""
    path = request.scratch / f"{name}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            return {key: kept[key] for key in kept.files}
    started = time.process_time()
    database = make_database(request.seed, progress=partial(request.progress, "structure types"))
    alike = name == "alike"
    rng = np.random.default_rng([request.seed, 6 if alike else 2])
    entries = database_entries(database, count, rng, untyped=_UNTYPED, power=_POWER, relatives=3)
    curves = simulate_curves(entries, count, rng, peer=alike, progress=partial(request.progress, f"curves, {name}"))
    seconds = np.array(time.process_time() - started)
    part: dict[str, NDArray[Any]] = {"g": curves.g, "label": curves.label, "qmax": curves.qmax, "seconds": seconds}
    write_arrays(path, part)
    return part


def train(request: Request) -> Trained:
    """Make the corpus, train, calibrate, and write the card."""
    catalogues = catalogue_state()
    curves, corpus_seconds = make_corpus(request)
    settings = request.settings
    network = build_network(request.seed, width=int(settings["width"]), blocks=int(settings["blocks"]))
    fit_seconds = fit(network, curves, epochs=int(settings["epochs"]), request=request)
    started = time.process_time()
    weights = to_onnx(network)
    temperatures, metrics = judge(weights, request)
    seconds = corpus_seconds + fit_seconds + time.process_time() - started
    return Trained(_card(request, temperatures, metrics, catalogues, seconds), weights)


def judge(weights: bytes, request: Request) -> tuple[dict[str, float], tuple[Metric, ...]]:
    """Fit the temperatures and measure the network on crystals of the validation part, with the nuisances of an experiment."""
    count = int(request.settings["validation"])
    rng = np.random.default_rng([request.seed, 4])
    database = make_database(request.seed)
    drawn = {
        "unseen structure types": unseen_entries(count, rng, "validation"),
        "known structure types": database_entries(database, count, rng, untyped=0.0),
        "database": database_entries(database, count, rng, power=1.0),
    }
    corrupt = Corrupter()
    found: dict[str, tuple[Array, Labels]] = {}
    for name, entries in drawn.items():
        curves = simulate_curves(entries, count, rng, progress=partial(request.progress, f"validation, {name}"))
        found[name] = (
            logits_of(weights, corrupt(curves.g.astype(np.float32), curves.qmax, rng).astype(np.float64)),
            curves.label,
        )
    prior = np.log(shares())
    temperatures = {
        "temperature": fit_temperature(*found["database"], prior),
        "temperature_new": fit_temperature(*found["unseen structure types"], 0.0 * prior),
    }
    metrics = []
    for name, (logits, labels) in found.items():
        by_frequency = name == "database"
        p = softmax(logits, temperatures["temperature" if by_frequency else "temperature_new"], prior if by_frequency else 0.0)
        place = ranks(p, labels)
        metrics += [
            Metric(name=f"top-{k}, {name}", value=round(float(np.mean(place < k)), 4), cases=labels.size) for k in (1, 3, 6)
        ]
        error = calibration_error(p, labels)
        metrics.append(Metric(name=f"calibration error, {name}", value=round(error, 4), cases=labels.size))
    return {name: round(value, 4) for name, value in temperatures.items()}, tuple(metrics)


def _card(
    request: Request, temperatures: dict[str, float], metrics: tuple[Metric, ...], catalogues: str, seconds: float
) -> Card:
    n = NUISANCES
    span = {
        "qmin": Interval(low=n.qmin[0], high=n.qmin[1], unit="1/angstrom"),
        "qmax": Interval(low=n.qmax[0], high=n.qmax[1], unit="1/angstrom"),
        "qdamp": Interval(low=n.qdamp[0], high=n.qdamp[1], unit="1/angstrom"),
        "qbroad": Interval(low=n.qbroad[0], high=n.qbroad[1], unit="1/angstrom"),
        "u_iso": Interval(low=n.u_iso[0], high=n.u_iso[1], unit="angstrom^2", law="log-uniform, elements differ by 30 %"),
        "delta2": Interval(low=n.delta2[0], high=n.delta2[1], unit="angstrom^2"),
        "diameter": Interval(low=20.0, high=500.0, unit="angstrom", law="log-uniform, half of the samples; others infinite"),
        "noise": Interval(low=n.noise[0], high=n.noise[1], law="log-uniform, half of the times a curve is shown; else none"),
        "background": Interval(low=n.background[0], high=n.background[1]),
        "ligand": Interval(low=n.ligand[0], high=n.ligand[1]),
        "r_max": Interval(low=10.0, high=30.0, unit="angstrom", law="uniform, 15 % of the samples; others 30"),
    }
    return Card(
        name=MODEL,
        title="Space group of a crystal from its G(r)",
        task="space group",
        technique="pdf",
        engine="onnx",
        file=f"{MODEL}.onnx",
        domain="G(r) of one crystalline phase, X-ray or neutron, to 10 angstrom at least, of any composition; 45 space groups",
        grid=Grid(start=float(GRID[0]), stop=float(GRID[-1]), step=0.1, unit="angstrom"),
        inputs=(Port(name="g", shape=f"n x {GRID.size}", meaning="G(r) at unit root mean square, 0 where there are no data"),),
        outputs=(
            Port(
                name="logits",
                shape=f"n x {len(GROUPS)}",
                meaning="over a temperature, plus a log prior, softmax",
            ),
        ),
        ranges=span,
        training=Training(
            command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1), meaning_of_cases=_CASES
        ),
        metrics=metrics,
        known_failures=(
            "A space group outside the 45 is never named, and nothing says that it is missing.",
            "Structures of low symmetry and of no known type: the true group is often not among the first six.",
            "A distortion smaller than the peaks are wide (SrFe2As2 below its transition) is read as the undistorted group.",
            "Mixtures, amorphous samples and particles of a few nanometres: the answer means nothing.",
        ),
        references=(
            "C.-H. Liu, Y. Tao, D. Hsu, Q. Du, S. J. L. Billinge, Acta Cryst. A 75, 633 (2019), doi:10.1107/S2053273319005606",
            "V. S. Urusov, T. N. Nadezhina, J. Struct. Chem. 50 (suppl.), 22 (2009), doi:10.1007/s10947-009-0186-9",
            "R. Allmann, R. Hinek, Acta Cryst. A 63, 412 (2007), doi:10.1107/S0108767307038081",
            f"built-in catalogues as trained on: {catalogues}",
            "A. K. Menon, S. Jayasumana, A. S. Rawat, H. Jain, A. Veit, S. Kumar, ICLR (2021), arXiv:2007.07314",
            "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, ICML (2017), arXiv:1706.04599",
        ),
        classes=tuple(str(number) for number in GROUPS),
        constants={**temperatures, "frequencies": tuple(FREQUENCIES.values())},
    )


_CASES = "entries of a modelled database of crystals, one curve each"

TRAINERS = {
    MODEL: Trainer(
        name=MODEL,
        summary="space groups from G(r), a network of dense layers",
        seed=20191,
        cases=200_000,
        meaning_of_cases=_CASES,
        train=train,
        settings={"alike": 0.25, "epochs": 50, "width": 752, "blocks": 2, "validation": 1350},
        libraries=("torch", "spglib"),
        resumes=True,
    )
}
