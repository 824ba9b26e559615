"""Train the network that tells kinds of small-angle curves (`whorl.techniques.sas.classifier`).

Samples of every kind that `identify` considers are simulated once (`whorl.learning.sas_corpus`) and measured anew in every
pass, in experiments with a window, a grid, noise, a background and a resolution of their own: no measured curve is shown twice.
Temperature, conformal thresholds and distances come from other samples than those that were learnt, the figures of the card
from others again; coverage is measured in experiments of a kind that neither training nor calibration had.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.lazy import need
from whorl.learning.sas_corpus import APART, GRID, SHAPES, UNIFORM, WIDTHS, Corpus, Kind, plain_kinds, three
from whorl.learning.sas_experiments import Seen, see
from whorl.learning.sas_network import TEXTURE, build_network, to_onnx
from whorl.learning.space_groups import calibration_error, fit_temperature, ranks
from whorl.learning.steps import keep, learning_rate, ready, resume, write_arrays
from whorl.learning.trainer import Progress, Request, Trained, Trainer, silent
from whorl.models.card import Card, Grid, Interval, Metric, Port, Training
from whorl.physics.small_angle.composite import candidates
from whorl.physics.small_angle.log_nodes import NODES, STEP
from whorl.techniques.sas.classifier import SHIPPED_MODEL
from whorl.techniques.sas.features import CHANNELS
from whorl.techniques.sas.nuisances import NUISANCES, Nuisances
from whorl.trust.conformal import coverage, split_quantile

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

#: mixtures and interacting particles that are kinds of their own, beside what `identify` considers
TOGETHER = ("sphere+sphere", "sphere+rod", "sphere@hardsphere", "prolate_ellipsoid@hayter_msa")
#: volume fraction of those that interact; below are the plain ones that keep a little apart
CONCENTRATED = (0.06, 0.5)
#: instruments that neither training nor calibration have seen: other windows, grids, noise and resolutions
UNSEEN = Nuisances(
    qmin=(0.002, 0.008),
    decades=(1.6, 2.2),
    points=(90.0, 140.0),
    grids=(0.0, 0.0, 1.0),
    smeared=1.0,
    resolution=(0.03, 0.06),
    resolution_stated=1.0,
    slits=0.0,
    counting=1.0,
    noise=(0.02, 0.04),
    quiet=0.0,
    sigma_stated=1.0,
    sigma_error=0.0,
)
_BATCH, _BLOCK = 128, 4096
_TWICE = 2  # times that a measured curve is learnt from, one after the other
_RATE, _DECAY = 2e-3, 2e-2
_LEVEL = 0.9
_TIMES = 3  # experiments of each sample that is held out
#: streams of random numbers, one for each use; the corpora have the first three
_LEARN, _MEASURE, _OTHER, _NEAR = range(4, 8)
_SHRINK = 0.02  # of the covariance of the texture towards its mean variance
_QUANTILES = 201


@dataclass(frozen=True)
class Judged:
    """What a network says of measured curves: logits, shape (n, classes), texture, (n, 288), and the true labels, (n,)."""

    logits: Array
    texture: Array
    labels: Labels


def kinds_of() -> tuple[Kind, ...]:
    """Give the kinds of the shipped classifier."""
    plain = plain_kinds(list(dict.fromkeys([*candidates(), *TOGETHER])))
    return tuple(replace(kind, typical={"volfraction": CONCENTRATED}) if "@" in kind.key else kind for kind in plain)


def train(request: Request) -> Trained:
    """Simulate, learn, calibrate, measure, write the card.

    Raises
    ------
    UsageError
        If there are too few samples of each kind.
    MissingExtraError
        If torch is not installed.
    """
    kinds = kinds_of()
    learnt, calibration, test = corpora = three(kinds, request, SHIPPED_MODEL)
    network, spent = fit(learnt, request.seed, int(request.settings["passes"]), request=request)
    started = time.process_time()
    request.progress("calibrating", 0, 3)
    made = finish(network, calibration, request.seed)
    request.progress("calibrating", 2, 3)
    metrics = measured(network, made, test, request.seed)
    seconds = spent + sum(c.seconds for c in corpora) + time.process_time() - started
    card = _card(request, tuple(k.key for k in kinds), made, metrics, seconds)
    return Trained(card, made.weights)


def fit(
    corpus: Corpus,
    seed: int,
    passes: int,
    *,
    nuisances: Nuisances = NUISANCES,
    only: Seen | None = None,
    request: Request | None = None,
    progress: Progress = silent,
) -> tuple[Any, float]:
    """Train the network by AdamW on one thread, and give it with the CPU seconds spent.

    Parameters
    ----------
    corpus : Corpus
    seed, passes : int
        How often each sample is measured and learnt from.
    nuisances : Nuisances
    only : Seen, optional
        Measured curves, one of each sample, that are learnt from instead of fresh ones.
    request : Request, optional
        Of a trainer: what was reached is kept in its scratch, and a repeated request goes on from there.
    progress : callable, optional
        Where there is no request.
    """
    torch = ready(seed)
    network = build_network(seed, len(corpus.kinds))
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY, fused=True)
    tell = progress if request is None else request.progress
    first, spent = (0, 0.0) if request is None else _resumed(network, optimiser, request)
    started = time.process_time() - spent
    size = corpus.label.size
    network.train()
    for number in range(first, passes):
        rng = np.random.default_rng([seed, _LEARN, number])
        torch.manual_seed(int(rng.integers(2**31)))
        order = rng.permutation(size)
        for block in range(0, size, _BLOCK):
            rows = order[block : block + _BLOCK]
            seen = see(corpus, rows, rng, nuisances) if only is None else Seen(only.features[rows], only.rows[rows])
            x, y = torch.from_numpy(seen.features), torch.from_numpy(corpus.label[seen.rows])
            turns = np.concatenate([rng.permutation(y.numel()) for _ in range(_TWICE)])
            for start in range(0, turns.size - 1, _BATCH):
                part = torch.from_numpy(turns[start : start + _BATCH])
                done = (number + (block + start / _TWICE) / size) / passes
                for group in optimiser.param_groups:
                    group["lr"] = _RATE * learning_rate(done, start=1e-2)
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    logits, _ = network(x[part])
                loss = torch.nn.functional.cross_entropy(logits.float(), y[part])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
            tell("training", number * size + min(block + _BLOCK, size), passes * size)
        if request is not None:
            _keep(network, optimiser, request, number + 1, time.process_time() - started)
    network.eval()
    return network, time.process_time() - started


def _keep(network: Any, optimiser: Any, request: Request, done: int, seconds: float) -> None:
    write_arrays(
        request.scratch / f"norms-{done}.npz", {name.replace(".", "/"): b.numpy() for name, b in network.named_buffers()}
    )
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


def judge(network: Any, seen: Seen, corpus: Corpus) -> Judged:
    """What a network in evaluation mode says of measured curves, in 32 bits."""
    torch = need("torch", extra="train")
    logits, inner = [], []
    with torch.no_grad():
        for part in torch.from_numpy(seen.features).split(_BATCH):
            one, two = network(part)
            logits.append(one.numpy())
            inner.append(two.numpy())
    one, two = (np.concatenate(a).astype(np.float64) for a in (logits, inner))
    return Judged(one, two, corpus.label[seen.rows])


@dataclass(frozen=True)
class Finished:
    """Weights as ONNX, temperature, conformal threshold of each class, quantiles of the distance."""

    weights: bytes
    temperature: float
    thresholds: tuple[float, ...]
    distances: tuple[float, ...]

    def probabilities(self, judged: Judged) -> Array:
        """Calibrated probabilities, shape (n, classes)."""
        scaled = judged.logits / self.temperature
        odds = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def finish(network: Any, calibration: Corpus, seed: int, nuisances: Nuisances = NUISANCES, times: int = _TIMES) -> Finished:
    """Calibrate a trained network on samples that it has not seen, and write its weights."""
    centre, whiten = _near(judge(network, held_out(calibration, [seed, _NEAR], nuisances, times), calibration).texture)
    held = judge(network, held_out(calibration, [seed, _MEASURE], nuisances, times), calibration)
    classes = len(calibration.kinds)
    temperature = fit_temperature(held.logits, held.labels, np.zeros(classes))
    plain = Finished(to_onnx(network, centre, whiten), temperature, (), ())
    own = plain.probabilities(held)[np.arange(held.labels.size), held.labels]
    thresholds = tuple(max(-split_quantile(-own[held.labels == c], _LEVEL), 0.0) for c in range(classes))
    distance = np.sum(((held.texture - centre) @ whiten) ** 2, axis=1)
    spread = np.quantile(distance, np.linspace(0, 1, _QUANTILES))
    return Finished(
        plain.weights,
        temperature,
        tuple(float(f"{t:.5g}") for t in thresholds),
        tuple(float(f"{d:.5g}") for d in spread),
    )


def held_out(corpus: Corpus, seed: Sequence[int], nuisances: Nuisances = NUISANCES, times: int = _TIMES) -> Seen:
    """Measure every sample of a corpus several times."""
    rows = np.tile(np.arange(corpus.label.size), times)
    return see(corpus, rows, np.random.default_rng(list(seed)), nuisances)


def _near(texture: Array) -> tuple[Array, Array]:
    """Mean of textures, and the matrix that makes their covariance unity."""
    centre = texture.mean(axis=0)
    left = texture - centre
    covariance = left.T @ left / max(len(left) - 1, 1)
    covariance += _SHRINK * np.trace(covariance) / TEXTURE * np.eye(TEXTURE)
    return centre, np.linalg.cholesky(np.linalg.inv(covariance))


def sets_of(probabilities: Array, thresholds: Sequence[float]) -> NDArray[np.bool_]:
    """Members of the conformal sets, shape (n, classes); the likeliest class always is."""
    chosen = probabilities >= np.asarray(thresholds)
    chosen[np.arange(len(chosen)), probabilities.argmax(axis=1)] = True
    return np.asarray(chosen)


def measured(network: Any, made: Finished, test: Corpus, seed: int) -> tuple[Metric, ...]:
    """Figures on samples that were neither learnt nor calibrated on."""
    out = []
    for words, stream, nuisances in (("", _MEASURE, NUISANCES), (", unseen instruments", _OTHER, UNSEEN)):
        judged = judge(network, held_out(test, [seed, 10 + stream], nuisances), test)
        p = made.probabilities(judged)
        place = ranks(judged.logits, judged.labels)
        chosen = sets_of(p, made.thresholds)
        inside = np.where(chosen[np.arange(len(p)), judged.labels], 0.0, 1.0)
        for top in (1, 3, 5):
            share, low, high = coverage((place >= top).astype(float), np.full(place.size, 0.5))
            out.append(_metric(f"top-{top} accuracy{words}", share, place.size, low, high))
        share, low, high = coverage(inside, np.full(inside.size, 0.5))
        out += [
            _metric(f"calibration error{words}", calibration_error(p, judged.labels), place.size),
            _metric(f"sets at 90 % hold the kind{words}", share, place.size, low, high),
            _metric(f"kinds in a set{words}", float(chosen.sum(axis=1).mean()), place.size),
        ]
        if not words:
            for c, kind in enumerate(test.kinds):
                own = place[judged.labels == c]
                out.append(_metric(f"top-1 accuracy, {kind}", float(np.mean(own == 0)), own.size))
    return tuple(out)


def _metric(name: str, value: float, cases: int, low: float | None = None, high: float | None = None) -> Metric:
    def short(number: float | None) -> float | None:
        return None if number is None else float(f"{number:.3g}")

    return Metric(name=name, value=float(f"{value:.3g}"), low=short(low), high=short(high), cases=cases)


def _card(request: Request, classes: tuple[str, ...], made: Finished, metrics: tuple[Metric, ...], seconds: float) -> Card:
    n = NUISANCES

    def span(limits: tuple[float, float], unit: str = "1", law: str = "uniform") -> Interval:
        return Interval(low=limits[0], high=limits[1], unit=unit, law=law)

    return Card(
        name=SHIPPED_MODEL,
        title=f"Which of {len(classes)} kinds of models a small-angle curve looks like",
        task="propose kinds of models",
        technique="sas",
        engine="onnx",
        file=f"{SHIPPED_MODEL}.onnx",
        domain="One-dimensional curves of SAXS, SANS or USAXS, any unit of q and of intensity, any grid, pinhole or slit, of "
        "at least 8 points; windows of 0.8 to 3 decades that hold a feature of the sample",
        grid=Grid(start=0.0, stop=STEP * (NODES - 1), step=STEP, unit="ln(q / q_first)"),
        inputs=(Port(name="curve", shape=f"n x {len(CHANNELS) * NODES}", meaning="; ".join(CHANNELS)),),
        outputs=(
            Port(name="logits", shape=f"n x {len(classes)}", meaning="log odds before the temperature"),
            Port(name="distance", shape="n x 1", meaning="squared Mahalanobis distance of its texture from simulated curves"),
        ),
        ranges={
            "sample_q": span((float(GRID[0]), float(GRID[-1])), "1/angstrom", "all parameters as the models draw"),
            "spread": span(WIDTHS, law=f"{', '.join(SHAPES)}; none in {UNIFORM:.0%}"),
            "apart": span((0.0, 0.04), law=f"volume fraction of weak interaction, in {APART:.0%} of the plain particles"),
            "qmin": span(n.qmin, "1/angstrom", "log-uniform"),
            "qmax": span(n.qmax, "1/angstrom", "by decades"),
            "decades": span(n.decades),
            "points": span(n.points, law="log-uniform; linear, logarithmic, merged"),
            "noise": span(n.noise, law=f"log-uniform; counts in {n.counting:.0%}; {n.quiet:.0%} nearly none"),
            "background": span(n.background, law="from the lowest (0) to the highest (1) intensity on a logarithmic scale"),
            "resolution": span(n.resolution, law=f"dq/q, in {n.smeared:.0%}"),
            "slit": span(n.slit, "qmin", f"log-uniform, in {n.slits:.0%}"),
            "aggregates": span(n.aggregate_power, law=f"power at low q, in {n.aggregates:.0%}"),
        },
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1)),
        metrics=metrics,
        known_failures=(
            "A sample of a kind that is not in the list is given to the nearest kind; the distance tells only of some.",
            "Windows with Guinier's region alone, or with a power law alone, tell no shape: probabilities are then spread.",
            "Kinds that contain each other (a sphere with a thin shell, a wide distribution of spheres) share theirs.",
            "Mixtures of kinds other than those in the list, oriented samples and multiple scattering were never shown.",
        ),
        references=(
            "C. Guo et al., ICML (2017), arXiv:1706.04599: temperature",
            "K. Lee et al., NeurIPS 31 (2018), arXiv:1807.03888: distance",
            "V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World (2005): sets",
        ),
        classes=classes,
        constants={"temperature": round(made.temperature, 4), "set_90": made.thresholds, "distances": made.distances},
    )


TRAINERS = {
    SHIPPED_MODEL: Trainer(
        name=SHIPPED_MODEL,
        summary="tells which kind of model a small-angle curve looks like",
        seed=1,
        cases=1000,
        meaning_of_cases="simulated samples of each kind",
        train=train,
        settings={"passes": 10, "held_out": 100, "workers": 2},
        libraries=("torch", "numpy", "numba"),
        resumes=True,
    ),
}
