"""The network that tells space groups from G(r): two towers of convolutions, one over r and one over Q.

The sine transform of G(r) shows the lattice (where there are Bragg peaks and where there are none), G(r) itself the neighbours.
Both are read by residual convolutions, and two dense layers weigh the groups. What it learns from is in
`whorl.learning.space_groups_corpus`; noise is drawn anew each time a curve is shown. One temperature, fitted on structure types
that were kept from training, makes its probabilities honest for structures that match nothing (Guo et al., ICML 2017).
"""

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.lazy import need
from whorl.learning.onnx_file import Graph
from whorl.learning.space_groups_corpus import (
    GROUPS,
    Corrupter,
    Curves,
    catalogue_state,
    database_entries,
    make_database,
    packings,
    simulate_curves,
    unseen_entries,
)
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Grid, Interval, Metric, Port, Training
from whorl.techniques.pdf.nuisances import NUISANCES
from whorl.techniques.pdf.space_groups import GRID, MODEL, softmax

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

Q: Array = np.arange(5, 161, dtype=np.float64) * 0.1
_CHANNELS = (24, 32, 48, 64)
_HIDDEN = 256
_BATCH = 256
_RATE = 2e-3
_DECAY = 0.02
_TINY = 1e-12
_BINS = 15


def sine_transform() -> Array:
    """Matrix from G on `GRID` to F on `Q`, tapered at the far end, shape (286, 156)."""
    taper = np.cos(0.5 * np.pi * (GRID - GRID[0]) / (GRID[-1] + 0.5 - GRID[0]))
    return np.asarray(np.sin(np.outer(GRID, Q)) * taper[:, None] * 0.1)


def build_network(seed: int) -> Any:
    """Make the untrained network: a torch module from G, shape (n, 286), to logits, shape (n, 45).

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    torch = need("torch", extra="train")
    nn: Any = torch.nn
    torch.manual_seed(seed)

    class Block(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self, inside: int, out: int) -> None:
            super().__init__()
            self.first = nn.Sequential(nn.Conv1d(inside, out, 7, 2, 3), nn.BatchNorm1d(out))
            self.second = nn.Sequential(nn.Conv1d(out, out, 7, 1, 3), nn.BatchNorm1d(out))
            self.short = nn.Conv1d(inside, out, 1, 2)

        def forward(self, x: Any) -> Any:
            return torch.relu(self.second(torch.relu(self.first(x))) + self.short(x))

    def tower() -> Any:
        blocks = [Block(a, b) for a, b in pairwise(_CHANNELS)]
        return nn.Sequential(
            nn.Conv1d(1, _CHANNELS[0], 9, 2, 4), nn.BatchNorm1d(_CHANNELS[0]), nn.ReLU(), *blocks, nn.Flatten()
        )

    class Network(nn.Module):  # type: ignore[misc,name-defined,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("transform", torch.from_numpy(sine_transform().astype(np.float32)))
            self.over_r, self.over_q = tower(), tower()
            width = _flat(GRID.size) + _flat(Q.size)
            self.head = nn.Sequential(
                nn.Dropout(0.2), nn.Linear(width, _HIDDEN), nn.ReLU(), nn.Dropout(0.2), nn.Linear(_HIDDEN, len(GROUPS))
            )

        def forward(self, g: Any) -> Any:
            f = g @ self.transform
            f = f / torch.sqrt((f * f).mean(dim=1, keepdim=True) + _TINY)
            return self.head(torch.cat([self.over_r(g[:, None]), self.over_q(f[:, None])], dim=1))

    return Network()


def _flat(points: int) -> int:
    for _ in _CHANNELS:
        points = (points - 1) // 2 + 1
    return points * _CHANNELS[-1]


def to_onnx(network: Any) -> bytes:
    """Weights of a trained network as ONNX, batch normalisations folded into the convolutions."""
    graph = Graph(MODEL)

    def convolve(x: str, layer: Any, norm: Any = None) -> str:
        weight, bias = (p.detach().numpy().astype(np.float64) for p in (layer.weight, layer.bias))
        if norm is not None:
            gain, shift, mean, variance = (
                p.detach().numpy().astype(np.float64) for p in (norm.weight, norm.bias, norm.running_mean, norm.running_var)
            )
            gain = gain / np.sqrt(variance + norm.eps)
            weight, bias = weight * gain[:, None, None], (bias - mean) * gain + shift
        pad = int(layer.padding[0])
        return graph.node(
            "Conv", x, graph.constant(weight), graph.constant(bias), kernel_shape=[int(layer.kernel_size[0])], pads=[pad, pad],
            strides=[int(layer.stride[0])],
        )  # fmt: skip

    def tower(x: str, layers: Any) -> str:
        x = graph.node("Reshape", x, graph.constant(np.array([0, 1, -1])))
        x = graph.node("Relu", convolve(x, layers[0], layers[1]))
        for block in layers[3:-1]:
            inner = graph.node("Relu", convolve(x, *block.first))
            x = graph.node("Relu", graph.node("Add", convolve(inner, *block.second), convolve(x, block.short)))
        return graph.node("Flatten", x, axis=1)

    def dense(x: str, layer: Any, output: str = "") -> str:
        weight, bias = (graph.constant(p.detach().numpy()) for p in (layer.weight, layer.bias))
        return graph.node("Gemm", x, weight, bias, output=output, transB=1)

    f = graph.node("MatMul", "g", graph.constant(network.transform.numpy()))
    power = graph.node("ReduceMean", graph.node("Mul", f, f), axes=[1], keepdims=1)
    f = graph.node("Div", f, graph.node("Sqrt", graph.node("Add", power, graph.constant(_TINY))))
    both = graph.node("Concat", tower("g", network.over_r), tower(f, network.over_q), axis=1)
    dense(graph.node("Relu", dense(both, network.head[1])), network.head[4], output="logits")
    return graph.to_bytes(inputs={"g": GRID.size}, outputs={"logits": len(GROUPS)})


def fit(network: Any, curves: Curves, *, epochs: int, rng: np.random.Generator, request: Request) -> None:
    """Train by AdamW with one cycle of the learning rate, on one thread; noise is drawn anew for each batch."""
    torch = need("torch", extra="train")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    corrupt = Corrupter()
    steps = len(curves.label) // _BATCH
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _RATE, total_steps=epochs * steps, pct_start=0.15)
    network.train()
    for epoch in range(epochs):
        order = rng.permutation(len(curves.label))
        for step in range(steps):
            rows = np.sort(order[step * _BATCH : (step + 1) * _BATCH])
            g = corrupt(curves.g[rows].astype(np.float32), curves.qmax[rows], rng)
            loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(g)), torch.from_numpy(curves.label[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            request.progress("training", epoch * steps + step + 1, epochs * steps)
    network.eval()


def fit_temperature(logits: Array, labels: Labels) -> float:
    """Temperature of least negative log likelihood.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> logits = rng.normal(size=(4000, 5))
    >>> labels = np.array([rng.choice(5, p=softmax(row, 1.0)) for row in logits])
    >>> bool(abs(fit_temperature(3 * logits, labels) - 3.0) < 0.3)
    True
    """
    from scipy.optimize import minimize_scalar

    def loss(log_t: float) -> float:
        p = softmax(logits, float(np.exp(log_t)))
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


def logits_of(network: Any, g: NDArray[np.float32]) -> Array:
    """Logits of many curves, shape (n, 45)."""
    torch = need("torch", extra="train")
    with torch.no_grad():
        parts = [network(torch.from_numpy(g[i : i + 512])).numpy() for i in range(0, len(g), 512)]
    return np.concatenate(parts).astype(np.float64)


def train(request: Request) -> Trained:
    """Make the corpus, train, calibrate, and write the card."""
    started = time.process_time()
    catalogues = catalogue_state()
    seed, count = request.seed, request.cases
    epochs, validation = int(request.settings["epochs"]), int(request.settings["validation"])
    database = make_database(seed, progress=lambda done, total: request.progress("structure types", done, total))
    rng = np.random.default_rng([seed, 2])
    beside = int(count * float(request.settings["packings"]))
    sources = {"entries": (database_entries(database, count - beside, rng), count - beside)}
    if beside:
        sources["packings"] = (packings(beside, rng), beside)
    parts = [
        simulate_curves(crystals, n, rng, progress=partial(request.progress, stage)) for stage, (crystals, n) in sources.items()
    ]
    curves = Curves(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("g", "label", "qmax")))
    network = build_network(seed)
    fit(network, curves, epochs=epochs, rng=np.random.default_rng([seed, 3]), request=request)
    rng = np.random.default_rng([seed, 4])
    corrupt = Corrupter()
    sets = {
        "unseen structure types": simulate_curves(unseen_entries(validation, rng, "validation"), validation, rng),
        "known structure types": simulate_curves(database_entries(database, validation, rng, untyped=0.0), validation, rng),
    }
    found = {k: (logits_of(network, corrupt(c.g.astype(np.float32), c.qmax, rng)), c.label) for k, c in sets.items()}
    temperature = fit_temperature(*found["unseen structure types"])
    metrics = []
    for name, (logits, labels) in found.items():
        place = ranks(logits, labels)
        metrics += [
            Metric(name=f"top-{k}, {name}", value=round(float(np.mean(place < k)), 4), cases=labels.size) for k in (1, 3, 6)
        ]
        error = calibration_error(softmax(logits, temperature), labels)
        metrics.append(Metric(name=f"calibration error, {name}", value=round(error, 4), cases=labels.size))
    seconds = time.process_time() - started
    return Trained(_card(request, round(temperature, 4), tuple(metrics), catalogues, seconds), to_onnx(network))


def _card(request: Request, temperature: float, metrics: tuple[Metric, ...], catalogues: str, seconds: float) -> Card:
    n = NUISANCES
    span = {
        "qmin": Interval(low=n.qmin[0], high=n.qmin[1], unit="1/angstrom"),
        "qmax": Interval(low=n.qmax[0], high=n.qmax[1], unit="1/angstrom"),
        "qdamp": Interval(low=n.qdamp[0], high=n.qdamp[1], unit="1/angstrom"),
        "qbroad": Interval(low=n.qbroad[0], high=n.qbroad[1], unit="1/angstrom"),
        "u_iso": Interval(low=n.u_iso[0], high=n.u_iso[1], unit="angstrom^2", law="log-uniform, elements differ by 30 %"),
        "delta2": Interval(low=n.delta2[0], high=n.delta2[1], unit="angstrom^2"),
        "diameter": Interval(low=20.0, high=500.0, unit="angstrom", law="log-uniform, half of the samples; others infinite"),
        "noise": Interval(low=n.noise[0], high=n.noise[1], law="log-uniform"),
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
        outputs=(Port(name="logits", shape=f"n x {len(GROUPS)}", meaning="divide by the temperature, then softmax"),),
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
            "C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, ICML (2017), arXiv:1706.04599",
        ),
        classes=tuple(str(number) for number in GROUPS),
        constants={"temperature": temperature},
    )


_CASES = "entries of a modelled database (and packings beside it), one curve each"

TRAINERS = {
    MODEL: Trainer(
        name=MODEL,
        summary="space groups from G(r), a network of convolutions",
        seed=20191,
        cases=100_000,
        meaning_of_cases=_CASES,
        train=train,
        settings={"epochs": 14, "packings": 0.0, "validation": 1350},
        libraries=("torch", "spglib"),
    )
}
