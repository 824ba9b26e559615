"""Train the surrogate of boxes of scatterers: partial structure factors of packed binary spheres, in minutes.

Boxes are packed and summed as `whorl.physics.small_angle.scatterers.packing` does it, once for each case; a small network
learns S_AA, S_AB, S_BB on a grid of q from what made the box. The noise of a single box is what the network averages away: it
is judged on boxes of its own stream of random numbers, each the mean of several, by the intensity they give.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.lazy import need
from whorl.learning.onnx_file import Graph
from whorl.learning.onnx_layers import dense
from whorl.learning.steps import learning_rate, ready, write_arrays
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Grid, Interval, Metric, Port, Training
from whorl.physics.small_angle.scatterers.mixture import mixture_intensity
from whorl.physics.small_angle.scatterers.packing import pack, partial_structure

Array = NDArray[np.float64]

MODEL = "sas-scatterers"
#: what makes a box, and the ranges of training
RANGES: dict[str, tuple[float, float]] = {
    "volume_fraction": (0.03, 0.47),
    "fraction_a": (0.08, 0.92),
    "size_ratio": (0.5, 1.0),
    "segregation": (0.0, 0.95),
}
#: q times the diameter of A, log grid
LOWEST, HIGHEST, POINTS = 1.0, 30.0, 72
_TRAIN, _TEST = 1, 2
_BLOCK, _STEPS, _RATE, _BATCH = 100, 6000, 3e-3, 128
_TEST_BOXES, _WIDTH = 8, 0.05


def grid() -> Array:
    """Points of q times the diameter of A, shape (POINTS,)."""
    return np.geomspace(LOWEST, HIGHEST, POINTS)


def train(request: Request) -> Trained:
    """Pack the boxes, train the network, measure it on boxes that are kept apart.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    started = time.process_time()
    count = int(request.settings["spheres"])
    genes, curves = _corpus(request, count)
    network = _fit(request, genes, curves)
    metrics = _judge(request, network, count)
    return Trained(_card(request, metrics, time.process_time() - started), _to_onnx(network))


def unit(genes: Array) -> Array:
    """Values in the order of `RANGES`, shape (n, 4), on the scale from -1 to 1 that the network takes."""
    low, high = np.array(list(RANGES.values())).T
    return np.asarray(2 * (genes - low) / (high - low) - 1)


def _draw(rng: np.random.Generator) -> Array:
    return np.array([rng.uniform(low, high) for low, high in RANGES.values()])


def _box(rng: np.random.Generator, genes: Array, count: int) -> Array:
    """S of one box, shape (3 POINTS,)."""
    made = dict(zip(RANGES, map(float, genes), strict=True))
    return partial_structure(pack(rng, count=count, **made), grid()).ravel()


def _corpus(request: Request, count: int) -> tuple[Array, Array]:
    """Genes (n, 4) and curves (n, 3 POINTS) of the boxes, kept block by block in the scratch folder."""
    genes, curves = [], []
    blocks = -(-request.cases // _BLOCK)
    for block in range(blocks):
        path = request.scratch / f"boxes-{block:04d}.npz"
        if not path.is_file():
            size = min(_BLOCK, request.cases - block * _BLOCK)
            rng = np.random.default_rng([request.seed, _TRAIN, block])
            drawn = np.array([_draw(rng) for _ in range(size)])
            write_arrays(path, {"genes": drawn, "curves": np.array([_box(rng, g, count) for g in drawn])})
        with np.load(path, allow_pickle=False) as kept:
            genes.append(kept["genes"])
            curves.append(kept["curves"])
        request.progress("packing boxes", block + 1, blocks)
    return np.concatenate(genes), np.concatenate(curves)


def _fit(request: Request, genes: Array, curves: Array) -> Any:
    torch = ready(request.seed)
    nn, width = torch.nn, int(request.settings["neurons"])
    network = nn.Sequential(
        nn.Linear(len(RANGES), width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, curves.shape[1])
    )
    with torch.no_grad():
        network[-1].bias.copy_(torch.from_numpy(curves.mean(axis=0).astype(np.float32)))
    x = torch.from_numpy(unit(genes).astype(np.float32))
    y = torch.from_numpy(curves.astype(np.float32))
    # modes in a shell grow as q^3 on a log grid, and with them the weight of a point
    noise = 1.0 / np.sqrt(1 + (np.tile(grid(), 3) / 4) ** 2)
    spread = torch.from_numpy((0.05 + noise).astype(np.float32))
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-4)
    steps = int(request.settings["steps"])
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = _RATE * learning_rate(step / steps)
        chosen = torch.randint(len(x), (_BATCH,))
        scale = spread * (0.3 + y[chosen].abs())
        loss = (((network(x[chosen]) - y[chosen]) / scale) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 500 == 0:
            request.progress("training", step, steps)
    return network


def _judge(request: Request, network: Any, count: int) -> tuple[Metric, ...]:
    """Relative error of the intensity on boxes kept apart, and what the boxes themselves scatter about their mean."""
    torch = need("torch", extra="train")
    tests = int(request.settings["tests"])
    q, errors, noise = grid(), [], []
    for case in range(tests):
        rng = np.random.default_rng([request.seed, _TEST, case])
        genes, ratio = _draw(rng), rng.uniform(0.0, 2.0)
        boxes = np.array([_box(rng, genes, count) for _ in range(_TEST_BOXES)])
        with torch.no_grad():
            said = network(torch.from_numpy(unit(genes[None]).astype(np.float32))).numpy()[0].astype(np.float64)
        phi, share, size, _ = map(float, genes)
        given: dict[str, Any] = {
            "diameters": (1.0, size),
            "volume_fractions": (phi * share, phi * (1 - share)),
            "contrasts": (1.0, ratio),
            "width": _WIDTH,
        }
        true = np.array([mixture_intensity(q, box.reshape(3, -1), **given) for box in boxes])
        mean = true.mean(axis=0)
        errors.append(np.abs(mixture_intensity(q, said.reshape(3, -1), **given) / mean - 1))
        noise.append(true.std(axis=0, ddof=1) / np.sqrt(_TEST_BOXES) / mean)
        request.progress("measuring", case + 1, tests)
    found = np.array(errors)
    return (
        Metric(
            name="relative error of I, median",
            value=float(f"{np.median(found):.3g}"),
            cases=tests,
            note=f"mean of {_TEST_BOXES} boxes, contrast of B 0 to 2 times that of A, diameters spread by {_WIDTH:.0%}",
        ),
        Metric(name="relative error of I, 90 % of points below", value=float(f"{np.quantile(found, 0.9):.3g}"), cases=tests),
        Metric(
            name="standard error of that mean, median",
            value=float(f"{np.median(np.array(noise)):.3g}"),
            cases=tests,
            note="a part of the errors above",
        ),
    )


def _to_onnx(network: Any) -> bytes:
    graph = Graph(MODEL)
    x = "genes"
    *inner, last = [layer for layer in network if hasattr(layer, "in_features")]
    for layer in inner:
        x = graph.node("Tanh", dense(graph, x, layer))
    dense(graph, x, last, output="structure")
    return graph.to_bytes(inputs={"genes": len(RANGES)}, outputs={"structure": 3 * POINTS}, metadata={})


def _card(request: Request, metrics: tuple[Metric, ...], seconds: float) -> Card:
    step = float(np.log(HIGHEST / LOWEST) / (POINTS - 1))
    return Card(
        name=MODEL,
        title="Partial structure factors of packed boxes of two kinds of spheres",
        task="emulate",
        technique="sas",
        engine="onnx",
        file=f"{MODEL}.onnx",
        domain="hard spheres of two diameters, packed at random, mixed or segregated; q from 1 to 30 over the diameter of A",
        grid=Grid(start=float(np.log(LOWEST)), stop=float(np.log(HIGHEST)), step=step, unit="ln(q D_A)"),
        inputs=(Port(name="genes", shape=f"n x {len(RANGES)}", meaning=", ".join(RANGES) + ", each from -1 to 1"),),
        outputs=(
            Port(name="structure", shape=f"n x {3 * POINTS}", meaning="S_AA, S_AB, S_BB on the grid, one after the other"),
        ),
        ranges={name: Interval(low=low, high=high) for name, (low, high) in RANGES.items()},
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1)),
        metrics=metrics,
        known_failures=(
            "Below q D_A = 1 there is no box: the value there is kept.",
            "Attractive or charged spheres, crystals: their structure is not that of a random packing.",
            "Sizes are decoupled from positions: beyond a width of some 15 % the intensity near the first peak is too sharp.",
        ),
        references=(
            "C. M. Heil, A. Jayaraman, ACS Mater. Au 1, 140 (2021), doi:10.1021/acsmaterialsau.1c00015: boxes of two kinds",
            "N. W. Ashcroft, D. C. Langreth, Phys. Rev. 156, 685 (1967), doi:10.1103/PhysRev.156.685: partial S(q)",
        ),
    )


TRAINERS = {
    MODEL: Trainer(
        name=MODEL,
        summary="surrogate of boxes of scatterers: partial structure factors of two kinds of spheres",
        seed=71_903,
        cases=1500,
        meaning_of_cases="boxes of spheres",
        train=train,
        settings={"spheres": 1000, "neurons": 96, "steps": _STEPS, "tests": 40},
        libraries=("torch", "numpy"),
        resumes=True,
    )
}
