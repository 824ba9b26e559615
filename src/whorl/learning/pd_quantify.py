"""Train a model that quantifies powder patterns of a fixed set of phases, in minutes.

A small network (`whorl.learning.pd_quantify_network`) learns on patterns that are simulated as it goes and never shown twice.
What it says is only the start of a few Gauss-Newton steps on the pattern itself (`whorl.techniques.pd.estimate`); the errors of
the refined values on patterns simulated apart, with a stream of random numbers of their own, make the intervals
(`whorl.trust.conformal`). Phases, instrument, spans and calibration travel in the file of the weights.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues import builtin_catalogues, open_catalogue
from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import Crystal, Hypothesis
from whorl.core.lazy import need
from whorl.learning.pd_quantify_corpus import Patterns, make_patterns
from whorl.learning.pd_quantify_network import build_network, to_onnx
from whorl.learning.steps import learning_rate, ready
from whorl.learning.trainer import Request, Trained, Trainer
from whorl.models.card import Card, Grid, Interval, Metric, Port, Training
from whorl.techniques.pd.estimate import Estimates, estimate, truth
from whorl.techniques.pd.instrument import ANODES, SETTINGS, PdInstrument, make_instrument, with_lines
from whorl.techniques.pd.nuisances import NUISANCES
from whorl.techniques.pd.prepare import AXIAL, EMISSION
from whorl.techniques.pd.quantifier import METADATA
from whorl.techniques.pd.quantify import PhaseSet, Spans, features
from whorl.trust.conformal import Conformal, coverage

Array = NDArray[np.float64]

MODEL = "pd-quantify"
_BATCH, _CHUNK, _MIXES = 256, 4096, 2
_RATE, _DECAY = 2e-3, 1e-3
_PER_WIDTH = 3.5  # points of the grid in the width of the instrument's peaks
_MOST_POINTS = 6000
_WIDTH = 0.06 / 1.5406  # degrees per angstrom: width of the instrument's peaks where none is given
_LEVEL = 0.9
#: streams of random numbers, one for each use
_TRAIN, _CALIBRATE, _TEST = 1, 2, 3


def train(request: Request) -> Trained:
    """Make the set of phases, train the network, calibrate the intervals and measure both.

    Raises
    ------
    UsageError
        If no phase or no range is given.
    MissingExtraError
        If torch is not installed.
    """
    started = time.process_time()
    phases, grid = make_set(request.settings)
    network = fit(phases, grid, request)
    torch = need("torch", extra="train")

    def predict(given: Array) -> Array:
        with torch.no_grad():
            return np.asarray(network(torch.from_numpy(given.astype(np.float32))).numpy(), dtype=np.float64)

    steps = int(request.settings["steps"])
    absent = float(request.settings["absent"])
    count = int(request.settings["calibration"])
    found = []
    for number, stream in enumerate((_CALIBRATE, _TEST)):
        patterns = make_patterns(phases, grid, np.random.default_rng([request.seed, stream]), count, absent=absent)
        found.append((patterns, estimate(phases, predict, grid, grid, patterns.y, np.maximum(patterns.y, 1.0), steps=steps)))
        request.progress("calibrating", number + 1, 2)
    calibration = calibrate(phases, *found[0])
    text = json.dumps({"set": phases.to_dict(), "steps": steps, "calibration": calibration})
    outputs = phases.free.size + len(phases.crystals)
    weights = to_onnx(network, points=grid.size, outputs=outputs, metadata={METADATA: text})
    metrics = judge(phases, *found[1], calibration)
    return Trained(_card(request, phases, grid, metrics, time.process_time() - started), weights)


def make_set(settings: Mapping[str, Any]) -> tuple[PhaseSet, Array]:
    """Build the set of phases and the grid of the network from the trainer's settings.

    Raises
    ------
    UsageError
        If no phase or no range is given.
    """
    names = [name.strip() for name in str(settings["phases"]).split(";") if name.strip()]
    if not names:
        raise UsageError(
            "no phase is given", where=f"train {MODEL}", remedy="Name them: --phases 'NiO (rock salt)' --phases ..."
        )
    low, mark, high = str(settings["range"]).partition(":")
    try:
        limits = float(low), float(high)
    except ValueError:
        mark = ""
    if not mark or not 0 < limits[0] < limits[1] < 180:
        raise UsageError("no range is given", where=f"train {MODEL}", remedy="Give degrees of 2 theta: --range 15:90.")
    instrument = _instrument(settings)
    width = float(np.sqrt(instrument.w))
    spans = Spans(
        cell=float(settings["cell"]),
        size=(float(settings["smallest"]), float(settings["largest"])),
        strain=float(settings["strain"]),
        u_change=NUISANCES.u_change,
        zero=0.0 if instrument.geometry == "bragg-brentano" else NUISANCES.zero * width,
        displacement=NUISANCES.displacement if instrument.geometry == "bragg-brentano" else 0.0,
        width=float(settings["width"]),
    )
    phases = PhaseSet([resolve(name) for name in names], instrument, limits, spans, curves=int(settings["curves"]))
    step = float(settings["step"]) or phases.narrowest / _PER_WIDTH
    count = int(np.floor((limits[1] - limits[0]) / step + 1e-9)) + 1
    if not 100 <= count <= _MOST_POINTS:
        raise UsageError(f"a grid of {count} points", where=f"train {MODEL}", remedy="Give another --set step=... or --range.")
    return phases, np.asarray(limits[0] + step * np.arange(count), dtype=np.float64)


def _instrument(settings: Mapping[str, Any]) -> PdInstrument:
    """The instrument, with what follows from the wavelength where it is not given."""
    given = with_lines({k: v for k, v in settings.items() if k in SETTINGS and v != ""})
    tube = any(abs(float(given["wavelength"]) / first - 1) < 2e-3 for first, _ in ANODES.values())
    neutron = given.get("radiation") == "neutron"
    given.setdefault("source", "reactor" if neutron else "lab" if tube else "synchrotron")
    given.setdefault("geometry", "bragg-brentano" if given["source"] == "lab" else "debye-scherrer")
    given.setdefault("axial", AXIAL.get(given["source"], 0.0))
    if given["source"] == "lab":
        given.setdefault("y", EMISSION)
    given.setdefault("w", (_WIDTH * float(given["wavelength"])) ** 2)
    return make_instrument(given, where=f"train {MODEL}")


def resolve(text: str) -> Crystal:
    """Give the crystal of a file, or of an entry of a catalogue by its name or key (``"compounds/NiO-rock-salt"``).

    Raises
    ------
    StructureError
        If there is none, or more than one, or it is no crystal.

    Examples
    --------
    >>> resolve("compounds/NiO-rock-salt").formula
    'NiO'
    """
    path = Path(text).expanduser()
    if path.is_file():
        from whorl.formats import read_structure

        return _crystal(read_structure(path), text)
    head, _, key = text.partition("/")
    catalogues = builtin_catalogues()
    if key:
        catalogues = [c for c in catalogues if c.name == head] or [open_catalogue(head)]
    wanted = key or text
    rows = [(c, e) for c in catalogues for e in c.entries() if wanted in (e.key, e.name) and not e.alias_of]
    if len(rows) != 1:
        raise StructureError(
            "no such file or entry" if not rows else f"the name of {len(rows)} entries",
            where=text,
            remedy="Give a CIF, or catalogue/key as `whorl catalogue show` lists it.",
        )
    return _crystal(rows[0][0].load(rows[0][1].key), text)


def _crystal(found: Hypothesis, text: str) -> Crystal:
    if not isinstance(found, Crystal):
        raise StructureError(f"a {found.kind} has no powder pattern here", where=text, remedy="Give a crystal.")
    return found


def fit(phases: PhaseSet, grid: Array, request: Request) -> Any:
    """Train the network by AdamW on one thread, the learning rate rising, then falling as a cosine."""
    torch = ready(request.seed)
    m, free = len(phases.crystals), phases.free
    network = build_network(request.seed, points=grid.size, outputs=free.size + m, width=int(request.settings["neurons"]))
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    chunks = max(-(-request.cases // _CHUNK), 1)
    total, step = chunks * (_CHUNK // _BATCH), 0
    owner = np.array([phases.phase_of(int(k)) for k in free])
    network.train()
    for chunk in range(chunks):
        rng = np.random.default_rng([request.seed, _TRAIN, chunk])
        made = make_patterns(phases, grid, rng, _CHUNK, mixes=_MIXES, absent=float(request.settings["absent"]))
        x = torch.from_numpy(features(made.y).astype(np.float32))
        target = ((made.values - phases.mean)[:, free] / phases.spread[free]).astype(np.float32)
        # what a faint phase is like cannot be seen, and should not be learnt
        weight = np.where(owner >= 0, np.sqrt(made.fractions)[:, np.maximum(owner, 0)], 0.5).astype(np.float32)
        wanted, share = torch.from_numpy(target), torch.from_numpy(made.fractions.astype(np.float32))
        heed = torch.from_numpy(weight)
        order = torch.from_numpy(rng.permutation(_CHUNK))
        for place in order.split(_BATCH):
            done = step / total
            for group in optimiser.param_groups:
                group["lr"] = _RATE * max(learning_rate(done), 1e-3)
            out = network(x[place])
            off = torch.nn.functional.smooth_l1_loss(out[:, : free.size], wanted[place], reduction="none", beta=0.1)
            log_share = torch.log_softmax(out[:, free.size :], dim=1)
            loss = (off * heed[place]).mean() - (share[place] * log_share).sum(dim=1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
        request.progress("training", (chunk + 1) * _CHUNK, chunks * _CHUNK)
    network.eval()
    return network


def calibrate(phases: PhaseSet, patterns: Patterns, found: Estimates) -> dict[str, Any]:
    """Factors of the intervals by quantity, and what misfit to expect, JSON-ready."""
    given = found.reported
    error = np.abs(given.value - truth(phases, patterns.values, patterns.fractions, patterns.scales))
    out: dict[str, Any] = {}
    for q, (name, kind) in enumerate(zip(given.names, given.kinds, strict=True)):
        used = np.isfinite(error[:, q])
        if kind in ("cell", "size"):  # of phases that are seen
            used &= found.seen[:, given.phase[q]]
        scores = error[used, q] / given.sigma[used, q]
        out[name] = Conformal.calibrate(scores, given.difficulty[used, q]).to_dict()
    chi2 = {f"{100 * p:g}": float(np.quantile(found.refined.chi2, p)) for p in (0.5, 0.99, 0.999)}
    return {"quantities": out, "chi2": chi2}


def judge(phases: PhaseSet, patterns: Patterns, found: Estimates, calibration: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Errors of the network and of the refined values, and the coverage of the intervals, by kind."""
    given = found.reported
    true = truth(phases, patterns.values, patterns.fractions, patterns.scales)
    guessed = truth(phases, found.guess, np.maximum(found.guessed_fractions, 1e-12), patterns.scales)
    kinds, metrics = np.array(given.kinds), []
    half = np.column_stack(
        [
            Conformal.from_dict(calibration["quantities"][name]).factor(given.difficulty[:, q], _LEVEL) * given.sigma[:, q]
            for q, name in enumerate(given.names)
        ]
    )
    scale = np.where(kinds == "cell", np.nanmean(np.abs(true), axis=0), 1.0)
    words = {"fraction": "weight fraction", "cell": "cell, relative", "size": "size, relative"}
    for kind, word in words.items():
        here = kinds == kind
        there = np.isfinite(true[:, here])
        if kind != "fraction":
            there &= found.seen[:, np.array(given.phase)[here]]
        for name, values in (("network", guessed), ("refined", given.value)):
            error = np.abs((values - true)[:, here] / scale[here])[there]
            metrics.append(
                Metric(
                    name=f"{word}, {name}", value=float(f"{np.median(error):.3g}"), cases=int(error.size), note="median error"
                )
            )
        share, low, high = coverage((given.value - true)[:, here][there], half[:, here][there])
        limits = {"low": round(low, 4), "high": round(high, 4)}
        metrics.append(
            Metric(name=f"{word}, coverage at {_LEVEL:.0%}", value=round(share, 4), cases=int(there.sum()), **limits)
        )
    return tuple(metrics)


def _card(request: Request, phases: PhaseSet, grid: Array, metrics: tuple[Metric, ...], seconds: float) -> Card:
    names = tuple(c.name for c in phases.crystals)
    s, i, n = phases.spans, phases.instrument, NUISANCES
    outputs = phases.free.size + len(names)
    lines = " and ".join(f"{wavelength:g}" for wavelength, _ in i.lines)
    ranges = {
        "cell": Interval(low=-s.cell, high=s.cell, law="uniform, relative change of each length"),
        "size": Interval(low=s.size[0], high=s.size[1], unit="angstrom", law="log-uniform"),
        "strain": Interval(low=0.0, high=s.strain),
        "u_change": Interval(low=-s.u_change, high=s.u_change, unit="angstrom^2", law="normal, one standard deviation"),
        "zero": Interval(low=-s.zero, high=s.zero, unit="degree", law="normal, one standard deviation"),
        "displacement": Interval(low=-s.displacement, high=s.displacement, unit="mm", law="normal, one standard deviation"),
        "ln_w": Interval(low=-s.width, high=s.width, law="normal, one standard deviation, beside the instrument's"),
        "weight_fraction": Interval(low=0.0, high=1.0, law=f"Dirichlet(1); each absent at {request.settings['absent']:g}"),
        "counts": Interval(low=n.counts[0], high=n.counts[1], unit="counts", law="log-uniform, net, highest point"),
        "background": Interval(low=n.background[0], high=n.background[1], law="log-uniform, part of the highest point"),
    }
    return Card(
        name=MODEL,
        title=f"Amounts, cells and sizes of {len(names)} phases from a powder pattern",
        task="quantify",
        technique="pd",
        engine="onnx",
        file=f"{MODEL}.onnx",
        domain=f"{i.radiation} patterns at {lines} angstrom, {i.geometry}, from {grid[0]:g} to {grid[-1]:g} degrees, "
        f"of mixtures of {', '.join(names)} and no other crystalline phase",
        grid=Grid(start=float(grid[0]), stop=float(grid[-1]), step=float(grid[1] - grid[0]), unit="degree"),
        inputs=(Port(name="pattern", shape=f"n x {grid.size}", meaning="square root of the intensity, standardised"),),
        outputs=(
            Port(
                name="parameters",
                shape=f"n x {outputs}",
                meaning="standardised parameters "
                + ", ".join(phases.names[int(k)] for k in phases.free)
                + "; then a logit of each phase's weight fraction",
            ),
        ),
        ranges=ranges,
        training=Training(command="", seed=request.seed, cases=request.cases, cpu_seconds=round(seconds, 1)),
        metrics=metrics,
        known_failures=(
            "A crystalline phase outside the set: its lines are given to the phases of the set; the misfit shows it.",
            "Preferred orientation is not in the model: weight fractions are then wrong, and the misfit shows it.",
            "A cell changed by more than its range, as by a large dopant content, is not found.",
        ),
        references=(
            "H. Dong et al., npj Comput. Mater. 7, 74 (2021), doi:10.1038/s41524-021-00542-4: parameters by a network",
            "R. J. Hill, C. J. Howard, J. Appl. Cryst. 20, 467 (1987), doi:10.1107/S0021889887086199: weight fractions",
            "J. Lei et al., J. Am. Stat. Assoc. 113, 1094 (2018), doi:10.1080/01621459.2017.1307116: intervals",
        ),
        classes=names,
    )


#: settings of the instrument that the model of the steps has
_INSTRUMENT: dict[str, str] = {
    name: "" for name in SETTINGS if name in PdInstrument.model_fields and name not in ("overflow", "grain_size")
}

TRAINERS = {
    MODEL: Trainer(
        name=MODEL,
        summary="amounts, cells and sizes of a fixed set of phases (--phases, --range, --set wavelength=...)",
        seed=40_417,
        cases=200_000,
        meaning_of_cases="simulated patterns",
        train=train,
        settings=_INSTRUMENT
        | {
            "wavelength": "Cu",
            "phases": "",
            "range": "",
            "step": 0.0,
            "cell": 0.006,
            "smallest": 30.0,
            "largest": 800.0,
            "strain": 0.0,
            "width": NUISANCES.width,
            "absent": 0.1,
            "curves": 14,
            "steps": 3,
            "calibration": 4000,
            "neurons": 256,
        },
        libraries=("torch", "numpy"),
    )
}
