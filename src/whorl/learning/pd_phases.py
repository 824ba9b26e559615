"""Train a network that proposes the phases of a powder pattern, for the phases of any catalogue.

Mixtures are simulated as training goes and never shown twice (`whorl.learning.pd_phases_corpus`); the network is that of
`whorl.learning.pd_phases_network`. It learns the presence of each phase by cross-entropy, and weight fractions by the
cross-entropy of the shares. Log odds are then scaled and shifted (Platt scaling with one pair of numbers: J. Platt, Adv. Large
Margin Classifiers, MIT Press, 61 (2000)) on mixtures with random numbers of their own, and judged on others again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues import Catalogue, open_catalogue
from whorl.catalogues.base import Entry
from whorl.core.errors import UsageError, WhorlError
from whorl.core.hypothesis import Crystal, element_counts
from whorl.core.lazy import need
from whorl.learning import pd_phases_corpus as corpus
from whorl.learning.pd_phases_network import PLACE, Shape, build_network, rounded, to_onnx
from whorl.learning.steps import keep, learning_rate, ready, resume
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Grid, Interval, Metric, Port, Training
from whorl.techniques.pd.nuisances import NUISANCES
from whorl.techniques.pd.phase_network import FAINT, METADATA, KnownPhase, shares_of
from whorl.trust.reliability import fit_log_odds, reliability_error

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MODEL = "pd-phases"
_BATCH, _CHUNK = 256, 3584
_RATE, _DECAY = 2e-3, 1e-3
_MOST_PHASES = 1000
#: streams of random numbers, one for each use
_TRAIN, _CALIBRATE, _TEST = 1, 2, 3
_SAVE_EVERY = 10  # chunks


def train(request: Request) -> Trained:
    """Simulate and learn, calibrate, measure, write the card.

    Raises
    ------
    UsageError
        If no catalogue is given, it holds no crystal or too many, or the range is impossible.
    MissingExtraError
        If torch is not installed.
    """
    grid = grid_of(request.settings)
    crystals, known, skipped = phases_of(request.settings)
    simulator = corpus.Simulator(crystals, grid, float(request.settings["cell"]))
    network, before = fit(simulator, request)
    started = time.process_time()
    rounded(network)
    count = int(request.settings["calibration"])
    found = []
    for number, stream in enumerate((_CALIBRATE, _TEST)):
        mixtures = simulator.mixtures(np.random.default_rng([request.seed, stream]), count)
        found.append((mixtures.fractions.astype(np.float64), *predict(network, mixtures.seen)))
        request.progress("calibrating", number + 1, 2)
    fractions, logits, _ = found[0]
    slope, offset = fit_log_odds(logits, fractions > 0)
    text = json.dumps({"phases": [list(vars(p).values()) for p in known], "calibration": [slope, offset]})
    weights = to_onnx(network, metadata={METADATA: text})
    metrics = judge(*found[1], slope, offset)
    card = _card(request, known, grid, metrics, skipped, before + time.process_time() - started)
    return Trained(card, weights)


def grid_of(settings: Mapping[str, Any]) -> Array:
    """Centres of the bins of ln Q that the settings ask for, 1/angstrom.

    Raises
    ------
    UsageError
        If the range or the number of points is impossible.
    """
    low, mark, high = str(settings["q"]).partition(":")
    try:
        limits = float(low), float(high)
    except ValueError:
        mark = ""
    if not mark or not 0.05 <= limits[0] < 0.5 * limits[1] <= 15:
        raise UsageError(f"q = {settings['q']}", where=f"train {MODEL}", remedy="Give 1/angstrom: --set q=0.7:5.9.")
    points = int(settings["points"])
    if points % PLACE or not 256 <= points <= 16384:
        remedy = f"Give a multiple of {PLACE} from 256 to 16384."
        raise UsageError(f"points = {points}", where=f"train {MODEL}", remedy=remedy)
    return np.asarray(np.geomspace(*limits, points))


def phases_of(settings: Mapping[str, Any]) -> tuple[list[Crystal], list[KnownPhase], list[str]]:
    """Crystals of a catalogue, what tells each, and the names of those that cannot be used.

    Entries with formula, space group, atoms in the cell and density of an earlier one are left out, as in a search.

    Raises
    ------
    UsageError
        If no catalogue is given, or it holds no crystal or too many.
    """
    where = f"train {MODEL}"
    if not settings["catalogue"]:
        raise UsageError("no catalogue is given", where=where, remedy="Name one, or a folder of CIF files: --catalogue NAME.")
    catalogue = open_catalogue(str(settings["catalogue"]))
    elements = None
    if settings["elements"]:
        elements = frozenset(el for part in str(settings["elements"]).split(",") if part.strip() for el in element_counts(part))
    crystals: list[Crystal] = []
    known: list[KnownPhase] = []
    skipped = []
    for entry in catalogue.entries(elements=elements):
        if entry.kind != "crystal" or entry.alias_of:
            continue
        found = _usable(catalogue, entry)
        if found is None:
            skipped.append(entry.name)
            continue
        phase = KnownPhase(
            f"{entry.catalogue}/{entry.key}", entry.name, entry.formula, entry.space_group, entry.atoms, found[1]
        )
        if not any(k.is_like(entry, phase.density) for k in known):
            crystals.append(found[0])
            known.append(phase)
    if not 2 <= len(known) <= _MOST_PHASES:
        remedy = f"A network is for 2 to {_MOST_PHASES} phases: give another catalogue, or narrow it with --elements."
        raise UsageError(f"{len(known)} crystals in {catalogue.name}", where=where, remedy=remedy)
    return crystals, known, skipped


def _usable(catalogue: Catalogue, entry: Entry) -> tuple[Crystal, float] | None:
    """A crystal with lines, and its atoms per volume; None where there is none."""
    from whorl.techniques.pd.index import lines

    try:
        crystal = catalogue.load(entry.key)
        if not isinstance(crystal, Crystal):
            return None
        density = lines(crystal).density
    except (WhorlError, ValueError, ArithmeticError):  # one broken entry does not stop the others
        return None
    return (crystal, density) if density > 0 else None


def fit(simulator: corpus.Simulator, request: Request) -> tuple[Any, float]:
    """Train the network by AdamW on one thread, and give it with the CPU seconds spent.

    What was reached is kept in ``request.scratch`` now and then, and a repeated request goes on from there; each chunk has
    random numbers of its own, so the result is the same.
    """
    torch = ready(request.seed)
    phases = len(simulator.crystals)
    network = build_network(request.seed, Shape(simulator.grid.size, phases))
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY, fused=True)
    path = request.scratch / "network.npz"
    first, spent = resume(network, optimiser, path)
    started = time.process_time() - spent
    chunks = max(-(-request.cases * phases // _CHUNK), 1)
    batches = _CHUNK // _BATCH
    network.train()
    for chunk in range(first, chunks):
        made = simulator.mixtures(np.random.default_rng([request.seed, _TRAIN, chunk]), _CHUNK)
        x, share = torch.from_numpy(made.seen), torch.from_numpy(made.fractions)
        for batch in range(batches):
            for group in optimiser.param_groups:
                group["lr"] = _RATE * learning_rate((chunk + batch / batches) / chunks, start=1e-3)
            part = slice(batch * _BATCH, (batch + 1) * _BATCH)
            logits, amplitudes = network(x[part])
            there = torch.nn.functional.binary_cross_entropy_with_logits(logits, (share[part] > 0).float(), reduction="none")
            amount = torch.nn.functional.softplus(amplitudes) ** 2 + FAINT
            found = torch.log(amount / amount.sum(dim=1, keepdim=True))
            loss = there.sum(dim=1).mean() - (share[part] * found).sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if (chunk + 1) % _SAVE_EVERY == 0:
            keep(network, optimiser, path, chunk + 1, time.process_time() - started)
        request.progress("training", (chunk + 1) * _CHUNK, chunks * _CHUNK)
    network.eval()
    return network, time.process_time() - started


def predict(network: Any, seen: NDArray[np.float32]) -> tuple[Array, Array]:
    """Logits and shares of patterns, shape (n, phases) each."""
    torch = need("torch", extra="train")
    logits, amplitudes = [], []
    with torch.no_grad():
        for part in torch.from_numpy(seen).split(_BATCH):
            one, two = network(part)
            logits.append(one.numpy())
            amplitudes.append(two.numpy())
    return np.concatenate(logits).astype(np.float64), shares_of(np.concatenate(amplitudes).astype(np.float64))


def judge(fractions: Array, logits: Array, shares: Array, slope: float, offset: float) -> tuple[Metric, ...]:
    """Figures on mixtures that were neither learnt nor calibrated on."""
    there = fractions > 0
    p = 1 / (1 + np.exp(-(slope * logits + offset)))
    metrics = [
        Metric(name="calibration error", value=_short(reliability_error(p, there)), cases=p.size, note="10 bins, all phases"),
        Metric(name="Brier score", value=_short(float(np.mean((p - there) ** 2))), cases=p.size, note="all phases"),
    ]
    count, note = there.sum(axis=1), "p > 0.5"
    for number in range(1, len(corpus.PHASES)):
        rows = count == number
        if not np.any(rows):
            continue
        said, true = p[rows] > 0.5, there[rows]
        hits = float(np.sum(said & true))
        words = f"{number} phase" + ("s" if number > 1 else "")
        metrics += [
            Metric(name=f"recall, {words}", value=_short(hits / float(true.sum())), cases=int(true.sum()), note=note),
            Metric(name=f"precision, {words}", value=_short(hits / max(int(said.sum()), 1)), cases=int(said.sum()), note=note),
        ]
    rows = count > 1
    if np.any(rows):
        error = np.abs(shares[rows] - fractions[rows])[there[rows]]
        name = "weight fraction, mean error"
        metrics.append(Metric(name=name, value=_short(float(error.mean())), cases=error.size, note="mixtures"))
    return tuple(metrics)


def _short(value: float) -> float:
    return float(f"{value:.3g}")


def _card(
    request: Request, known: list[KnownPhase], grid: Array, metrics: tuple[Metric, ...], skipped: list[str], seconds: float
) -> Card:
    n, m, settings, log = NUISANCES, len(known), request.settings, np.log(grid)
    sources = ", ".join(s if isinstance(s, str) else f"{s:g} angstrom" for s, _ in corpus.SOURCES)
    angles = ", ".join(f"{2 * np.degrees(np.arcsin(q * 1.540593 / 4 / np.pi)):.0f}" for q in (grid[0], grid[-1]))
    span = {
        "cell": Interval(low=-float(settings["cell"]), high=float(settings["cell"]), law="normal, one standard deviation"),
        "size": Interval(low=n.size[0], high=n.size[1], unit="angstrom", law="log-uniform"),
        "strain": Interval(low=n.strain[0], high=n.strain[1], law=f"log-uniform, in {n.strained:.0%} of the sessions"),
        "march": Interval(low=n.march[0], high=n.march[1], law=f"log-uniform, in {n.textured:.0%} of the sessions"),
        "u_change": Interval(low=-n.u_change, high=n.u_change, unit="angstrom^2", law="normal, one standard deviation"),
        "line_intensity": Interval(low=-corpus.LINE_ERROR, high=corpus.LINE_ERROR, law="log-normal, one standard deviation"),
        "zero": Interval(low=-n.zero, high=n.zero, unit="peak widths", law="normal, one standard deviation"),
        "displacement": Interval(low=-n.displacement, high=n.displacement, unit="mm", law="normal, one standard deviation"),
        "width_lab": Interval(low=corpus.WIDTHS["lab"][0], high=corpus.WIDTHS["lab"][1], unit="degree", law="log-uniform"),
        "phases": Interval(low=0, high=len(corpus.PHASES) - 1, law=f"shares {', '.join(f'{p:g}' for p in corpus.PHASES)}"),
        "weight_fraction": Interval(low=corpus.LEAST, high=1.0, law="Dirichlet(1) above the least"),
        "foreign_lines": Interval(
            low=corpus.FOREIGN_PART[0],
            high=corpus.FOREIGN_PART[1],
            law=f"of the intensity, in {corpus.FOREIGN:.0%}",
        ),
        "counts": Interval(low=n.counts[0], high=n.counts[1], unit="counts", law="log-uniform, net, highest point"),
        "background": Interval(low=n.background[0], high=n.background[1], law="log-uniform, part of the highest point"),
    }
    out = f"n x {m}"
    return Card(
        name=MODEL,
        title=f"Which of {m} phases a powder pattern holds, and how much of each",
        task="propose phases",
        technique="pd",
        engine="onnx",
        file=f"{MODEL}.onnx",
        domain=f"X-ray patterns of any wavelength (trained at {sources}) that cover at least 40 % of ln Q, Q from "
        f"{grid[0]:.3g} to {grid[-1]:.3g} 1/angstrom ({angles} degrees for copper), "
        f"of up to five of {m} phases of {settings['catalogue']}",
        grid=Grid(
            start=float(log[0]), stop=float(log[-1]), step=float((log[-1] - log[0]) / (log.size - 1)), unit="ln(Q angstrom)"
        ),
        inputs=(
            Port(name="pattern", shape=f"n x {2 * grid.size}", meaning="softened root of the net intensity; what was measured"),
        ),
        outputs=(
            Port(name="logits", shape=out, meaning="log odds of each phase before calibration"),
            Port(name="amplitudes", shape=out, meaning="softplus squared, over their sum: weight fractions"),
            Port(name="terms", shape=f"n x {m * grid.size // PLACE}", meaning="class activation: log odds by place"),
        ),
        ranges=span,
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1)),
        metrics=metrics,
        known_failures=(
            "A phase outside the list is never named; one that looks like a phase of the list may be taken for it.",
            "Phases whose patterns hardly differ share their probability.",
            "A cell changed by more than twice its training range (large dopant content) may not be recognised.",
            "A minor phase whose lines all lie under those of another is not seen.",
            *([f"Entries that could not be used: {', '.join(skipped)}."] if skipped else []),
        ),
        references=(
            "N. J. Szymanski et al., Chem. Mater. 33, 4204 (2021), doi:10.1021/acs.chemmater.1c01071",
            "J.-W. Lee et al., Nat. Commun. 11, 86 (2020), doi:10.1038/s41467-019-13749-3",
            "B. Zhou et al., CVPR (2016), doi:10.1109/CVPR.2016.319: class activation",
        ),
        classes=tuple(k.name for k in known),
    )


TRAINERS = {
    MODEL: Trainer(
        name=MODEL,
        summary="proposes the phases of a powder pattern, for any catalogue (--catalogue, --elements)",
        seed=7_301,
        cases=6000,
        meaning_of_cases="simulated patterns for each phase",
        train=train,
        settings={"catalogue": "", "elements": "", "q": "0.7:5.9", "points": 2048, "cell": 0.006, "calibration": 3000},
        libraries=("torch", "numpy"),
        resumes=True,
    )
}
