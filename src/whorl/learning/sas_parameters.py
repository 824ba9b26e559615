"""Train the network that tells parameters of small-angle curves (`whorl.techniques.sas.parameters`).

Samples of every kind that the classifier knows are simulated (`whorl.learning.sas_corpus`) and measured anew in every pass, as
its are. The network learns medians and intervals by the pinball loss (R. Koenker & G. Bassett, Econometrica 46, 33 (1978)).
Factors on the intervals come from samples that were kept apart, the figures of the card from others again, one part of them in
experiments of a kind that neither training nor calibration had.
"""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.lazy import need
from whorl.learning.sas_classes import kinds_of
from whorl.learning.sas_corpus import GRID, SHAPES, WIDTHS, Corpus, Kind, three
from whorl.learning.sas_parameters_calibration import calibrate, figures, judge, misfits_of, scales_of, usual_of
from whorl.learning.sas_parameters_measured import Layout, held_out, lay_out, measure, samples_of
from whorl.learning.sas_parameters_network import build, to_onnx
from whorl.learning.steps import keep, learning_rate, ready, resume, write_arrays
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Grid, Interval, Metric, Port, Training
from whorl.physics.small_angle.log_nodes import NODES, STEP
from whorl.techniques.sas.features import CHANNELS
from whorl.techniques.sas.nuisances import NUISANCES
from whorl.techniques.sas.parameters import LEVELS, METADATA, OUTPUTS, SHIPPED_MODEL, record_of

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_BATCH, _BLOCK, _TWICE = 128, 4096, 2
_LEFT_OUT = frozenset({"sphere@hayter_msa"})
_RATE, _DECAY = 2e-3, 1e-2
#: streams of random numbers, one for each use
_LEARN, _MEASURE, _MISFIT = range(4, 7)


def kinds_told() -> tuple[Kind, ...]:
    """Give the kinds whose parameters the shipped network tells: those of the classifier but for charged spheres."""
    return tuple(kind for kind in kinds_of() if kind.key not in _LEFT_OUT)


def train(request: Request) -> Trained:
    """Simulate, learn, calibrate, measure, write the card.

    Raises
    ------
    UsageError
        If there are too few samples of each kind.
    MissingExtraError
        If torch is not installed.
    """
    learnt, calibration, test = corpora = three(kinds_told(), request, SHIPPED_MODEL)
    samples = samples_of(learnt)
    layout = lay_out(learnt, samples, request.seed)
    network, spent = fit(learnt, samples, layout, request, int(request.settings["passes"]))
    started = time.process_time()
    request.progress("calibrating", 0, 3)
    seen = held_out(calibration, layout, [request.seed, _MEASURE], NUISANCES)
    factors = calibrate(judge(network, seen), seen, layout)
    request.progress("calibrating", 1, 3)
    metrics = figures(network, factors, test, layout, request.seed)
    request.progress("calibrating", 3, 3)
    misfits = misfits_of(network, calibration, layout, [request.seed, _MISFIT])
    record = record_of(layout.kinds, scales_of(layout), factors, usual_of(learnt, samples), misfits)
    weights = to_onnx(network, {METADATA: json.dumps(record)})
    seconds = spent + sum(c.seconds for c in corpora) + time.process_time() - started
    return Trained(_card(request, layout, metrics, seconds), weights)


def fit(corpus: Corpus, samples: list[dict[str, float]], layout: Layout, request: Request, passes: int) -> tuple[Any, float]:
    """Train the network by AdamW on one thread, and give it with the CPU seconds spent."""
    torch = ready(request.seed)
    network = build(request.seed, len(layout.kinds), layout.total * OUTPUTS)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY, fused=True)
    first, spent = _resumed(network, optimiser, request)
    started = time.process_time() - spent
    size = corpus.label.size
    starts, counts = (torch.tensor(v) for v in (layout.first, layout.counts))
    most = max(layout.counts)
    network.train()
    for number in range(first, passes):
        rng = np.random.default_rng([request.seed, _LEARN, number])
        torch.manual_seed(int(rng.integers(2**31)))
        order = rng.permutation(size)
        for block in range(0, size, _BLOCK):
            seen = measure(corpus, order[block : block + _BLOCK], rng, layout, samples)
            x, a, y = (torch.from_numpy(np.asarray(v, dtype=np.float32)) for v in (seen.features, seen.asked, seen.truth))
            kind = torch.from_numpy(seen.label)
            turns = np.concatenate([rng.permutation(len(x)) for _ in range(_TWICE)])
            for start in range(0, turns.size - 1, _BATCH):
                part = torch.from_numpy(turns[start : start + _BATCH])
                done = (number + (block + start / _TWICE) / size) / passes
                for group in optimiser.param_groups:
                    group["lr"] = _RATE * learning_rate(done, start=1e-2)
                out = network(x[part], a[part]).view(part.numel(), -1, OUTPUTS)
                columns = (starts[kind[part], None] + torch.arange(most)).clamp(max=layout.total - 1)
                own = torch.gather(out, 1, columns[:, :, None].expand(-1, -1, OUTPUTS))
                there = torch.arange(most) < counts[kind[part], None]
                loss = _pinball(torch, own, y[part])[there].mean()
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
            request.progress(f"training ({float(loss.detach()):.4f})", number * size + min(block + _BLOCK, size), passes * size)
        _keep(network, optimiser, request, number + 1, time.process_time() - started)
    network.eval()
    return network, time.process_time() - started


def _pinball(torch: Any, raw: Any, truth: Any) -> Any:
    """Mean pinball loss of the median and of both ends at all levels, of numbers (..., outputs) and the truth (...)."""
    count = len(LEVELS)
    middle = raw[..., :1]
    steps = torch.nn.functional.softplus(raw[..., 1:])
    ends = torch.cat([middle, middle - steps[..., :count].cumsum(-1), middle + steps[..., count:].cumsum(-1)], dim=-1)
    share = torch.tensor([0.5, *((1 - v) / 2 for v in LEVELS), *((1 + v) / 2 for v in LEVELS)])
    error = truth[..., None] - ends
    return torch.maximum(share * error, (share - 1) * error).mean(dim=-1)


def _keep(network: Any, optimiser: Any, request: Request, done: int, seconds: float) -> None:
    names = {name.replace(".", "/"): b.numpy() for name, b in network.named_buffers()}
    write_arrays(request.scratch / f"norms-{done}.npz", names)
    keep(network, optimiser, request.scratch / "network.npz", done, seconds)
    (request.scratch / f"norms-{done - 1}.npz").unlink(missing_ok=True)


def _resumed(network: Any, optimiser: Any, request: Request) -> tuple[int, float]:
    torch = need("torch", extra="train")
    done, seconds = resume(network, optimiser, request.scratch / "network.npz")
    if done:
        with np.load(request.scratch / f"norms-{done}.npz", allow_pickle=False) as kept, torch.no_grad():
            for name, buffer in network.named_buffers():
                buffer.copy_(torch.from_numpy(kept[name.replace(".", "/")]))
    return done, seconds


def _card(request: Request, layout: Layout, metrics: tuple[Metric, ...], seconds: float) -> Card:
    n = NUISANCES

    def span(limits: tuple[float, float], unit: str = "1", law: str = "uniform") -> Interval:
        return Interval(low=limits[0], high=limits[1], unit=unit, law=law)

    return Card(
        name=SHIPPED_MODEL,
        title=f"Parameters of {len(layout.kinds)} models straight from a small-angle curve, with intervals",
        task="tell parameters",
        technique="sas",
        engine="onnx",
        file=f"{SHIPPED_MODEL}.onnx",
        domain="One-dimensional curves of SAXS, SANS or USAXS whose model is known, q in 1/angstrom, any unit of intensity, "
        "any grid, pinhole or slit, of at least 8 points; windows of 0.8 to 3 decades that hold a feature of the sample",
        grid=Grid(start=0.0, stop=STEP * (NODES - 1), step=STEP, unit="ln(q / q_first)"),
        inputs=(
            Port(name="curve", shape=f"n x {len(CHANNELS) * NODES}", meaning="; ".join(CHANNELS)),
            Port(name="asked", shape=f"n x {len(layout.kinds) + 1}", meaning="1 at the kind; ln of the first q"),
        ),
        outputs=(
            Port(
                name="numbers",
                shape=f"n x {layout.total * OUTPUTS}",
                meaning="of each parameter of each kind: median, then steps down and up for each level before softplus",
            ),
        ),
        ranges={
            "sample_q": span((float(GRID[0]), float(GRID[-1])), "1/angstrom", "all parameters as the models draw"),
            "spread": span(WIDTHS, law=", ".join(SHAPES)),
            "qmin": span(n.qmin, "1/angstrom", "log-uniform"),
            "decades": span(n.decades),
            "points": span(n.points, law="log-uniform; linear, logarithmic, merged"),
            "noise": span(n.noise, law=f"log-uniform; counts in {n.counting:.0%}; {n.quiet:.0%} nearly none"),
            "background": span(n.background, law="from the lowest (0) to the highest (1) intensity on a logarithmic scale"),
            "resolution": span(n.resolution, law=f"dq/q, in {n.smeared:.0%}"),
            "slit": span(n.slit, "qmin", f"log-uniform, in {n.slits:.0%}"),
        },
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1)),
        metrics=metrics,
        known_failures=(
            "The kind is taken as given: of a curve of another kind the intervals say nothing.",
            "Sizes, contrasts and spreads other than those drawn are pulled towards what was drawn.",
            "Intervals hold on average over the samples of a kind; of one sort of sample they may hold more or less often.",
            "Medians are starts for a fit: they do not use all that a precise curve tells.",
        ),
        references=(
            "R. Koenker, G. Bassett, Econometrica 46, 33 (1978), doi:10.2307/1913643: quantile regression",
            "Y. Romano, E. Patterson, E. Candes, NeurIPS 32 (2019), arXiv:1905.03222: conformalised quantile regression",
        ),
        classes=layout.kinds,
    )


TRAINERS = {
    SHIPPED_MODEL: Trainer(
        name=SHIPPED_MODEL,
        summary="tells the parameters of a model straight from a small-angle curve",
        seed=1,
        cases=1000,
        meaning_of_cases="simulated samples of each kind",
        train=train,
        settings={"passes": 14, "held_out": 100, "workers": 2},
        libraries=("torch", "numpy", "numba"),
        resumes=True,
    ),
}
