"""Simulated small-angle curves of every kind of model, on one fine grid, with what was drawn: what networks learn from.

A *kind* is what a curve is called. Its curves are drawn with all parameters of the model varied, each spreading length on its
own, contrasts that can be seen, and often particles that keep a little apart without being called so. Curves are kept without
instrument: experiments (`whorl.techniques.sas.nuisances`) are drawn when they are learnt from, so that each serves many times.
Chunks have random numbers of their own: an interrupted corpus goes on where it was, and any number of processes makes the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.executor import choose_executor
from whorl.learning.trainer import Progress, Request, silent
from whorl.physics.small_angle.averages import Averages, Sizes
from whorl.physics.small_angle.composite import SPREAD, Composite, Term, compose
from whorl.physics.small_angle.sizes import distribute

Array = NDArray[np.float64]

#: 1/angstrom, uniform in ln q: what the windows of experiments are cut from
GRID: Array = np.geomspace(8e-4, 1.0, 400)
#: how a length spreads: shapes, share of samples that are uniform, share of the lengths that spread in the others, widths
SHAPES, UNIFORM, SPREADING, WIDTHS = ("lognormal", "gaussian", "schulz"), 0.15, 0.6, (0.01, 0.35)
#: share of plain particles that keep a little apart, and their volume fraction, log-uniform
APART, DILUTE = 0.15, (0.003, 0.04)
#: contrasts differ by at least this, 1e-6/angstrom^2, where something would else be invisible
VISIBLE = 0.5
#: of two kinds of particles together: each makes at least this part of the intensity somewhere in this range of q
SEEN, WHERE = 0.65, (0.002, 0.4)
_CHUNK = 250
_FEWEST = 10  # samples of a kind
_ALONE = 15  # points of a length that spreads alone
_TAIL = 25  # points whose mean goes on as q^-4
_TRIES = 40
_COATS = ("shell", "rim", "face", "coat", "corona", "layer", "tail", "head")


@dataclass(frozen=True)
class Kind:
    """A class of curves.

    Attributes
    ----------
    key : str
        What its curves are called.
    model : str
        As `whorl.physics.small_angle.composite.compose` takes it.
    typical : dict of str to (low, high)
        Ranges of parameters that differ from the model's own.
    within : dict of str to (other, low, high)
        Parameters bound to another's multiples, other than as the model has it.
    widths : (low, high)
        Relative standard deviation of what spreads.
    uniform, spreading, apart : float
        Shares; see the constants of this module.
    """

    key: str
    model: str
    typical: dict[str, tuple[float, float]] = field(default_factory=dict)
    within: dict[str, tuple[str, float, float]] = field(default_factory=dict)
    widths: tuple[float, float] = WIDTHS
    uniform: float = UNIFORM
    spreading: float = SPREADING
    apart: float = APART


@dataclass(frozen=True)
class Corpus:
    """Curves with what was drawn.

    Attributes
    ----------
    kinds : tuple of str
    log_intensity : array, shape (n, 400), float32
        On `GRID`, of any scale.
    label : array, shape (n,)
        Number of the kind.
    columns : tuple of str
        Names of the parameters, of all kinds together; ``NAME_pd`` is a relative width, "2:amount" the intensity of a second
        term over that of the first at the lowest q, "shape" the place of the distribution in `SHAPES`.
    values : array, shape (n, columns), float32
        NaN where a kind has no such parameter.
    seconds : float
        CPU time that it took.
    """

    kinds: tuple[str, ...]
    log_intensity: NDArray[np.float32]
    label: NDArray[np.int64]
    columns: tuple[str, ...]
    values: NDArray[np.float32]
    seconds: float = 0.0

    def parameters(self, number: int) -> dict[str, float]:
        """Parameters of one curve by name."""
        row = self.values[number]
        return {name: float(v) for name, v in zip(self.columns, row, strict=True) if np.isfinite(v)}


def plain_kinds(keys: Sequence[str]) -> tuple[Kind, ...]:
    """Kinds called like their models, as these draw them."""
    return tuple(Kind(key, key) for key in keys)


def draw(kind: Kind, rng: np.random.Generator) -> tuple[Array, dict[str, float]]:
    """Draw one sample of a kind: its intensity on `GRID` and its parameters.

    Examples
    --------
    >>> intensity, values = draw(Kind("sphere", "sphere"), np.random.default_rng(4))
    >>> intensity.shape, "radius" in values
    ((400,), True)
    """
    plain = compose(kind.model)
    apart = len(plain.terms) == 1 and "@" not in kind.model and plain.terms[0].model.particle and rng.random() < kind.apart
    model = compose(f"{kind.model}@hardsphere") if apart else plain
    values: dict[str, float] = {}
    for _ in range(_TRIES):
        values = _parameters(kind, model, rng)
        if apart:
            values["volfraction"] = float(np.exp(rng.uniform(*np.log(DILUTE))))
        if not visible(values):
            continue
        values |= _spreads(kind, model, rng)
        shape = int(rng.integers(len(SHAPES)))
        values["shape"] = float(shape)
        terms = []
        for n, term in enumerate(model.terms):
            before = model.prefix(n)
            own = {name.removeprefix(before): value for name, value in values.items() if name.startswith(before)}
            terms.append(_intensity(term, own, SHAPES[shape]))
        columns = np.maximum(np.column_stack(terms), 1e-300)
        if not np.all(np.isfinite(columns)):
            continue
        if columns.shape[1] == 1:
            return columns[:, 0], values
        mixed = _mixed(columns, rng)
        if mixed is not None:
            return mixed[0], values | {"2:amount": mixed[1]}
    raise ValueError(f"no sample of {kind.key} within {_TRIES} draws")


def visible(values: dict[str, float]) -> bool:
    """Tell whether every coat differs from all other contrasts, and the rest from the solvent, by what can be seen."""
    slds = {name.partition(":")[2] or name: value for name, value in values.items() if "sld" in name}
    if len(slds) < 2:
        return True
    coats = [name for name in slds if any(word in name for word in _COATS)]
    if coats:
        return all(abs(slds[c] - v) >= VISIBLE for c in coats for name, v in slds.items() if name != c)
    listed = list(slds.values())
    return max(listed) - min(listed) >= VISIBLE


def make(kinds: Sequence[Kind], each: int, seed: int, folder: Path, *, workers: int = 1, progress: Progress = silent) -> Corpus:
    """Make a corpus, or go on with one, and give it.

    Parameters
    ----------
    kinds : sequence of Kind
    each : int
        Curves of each kind.
    seed : int
    folder : Path
        Where chunks are kept; what is there of the same request is not made again.
    workers : int
        Processes.
    progress : callable, optional
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(kind, seed, n, min(_CHUNK, each - n * _CHUNK)) for kind in kinds for n in range(-(-each // _CHUNK))]
    paths = [folder / f"{kind.key.replace('@', '-').replace('+', '-')}-{n:04d}.npz" for kind, _, n, _ in jobs]
    missing = [i for i, path in enumerate(paths) if not path.is_file()]
    done = len(jobs) - len(missing)
    executor = choose_executor(workers, max(len(missing), 1))
    for outcome in executor.run(_chunk, [jobs[i] for i in missing]):
        if outcome.error is not None:
            raise outcome.error
        assert outcome.value is not None
        path = paths[missing[outcome.index]]
        unfinished = path.with_suffix(".tmp.npz")
        np.savez(unfinished, **outcome.value)
        unfinished.replace(path)
        done += 1
        progress("simulating", done, len(jobs))
    return _gathered(tuple(kind.key for kind in kinds), [kind.key for kind, *_ in jobs], paths)


def three(kinds: Sequence[Kind], request: Request, where: str) -> tuple[Corpus, Corpus, Corpus]:
    """The corpora of a trainer: to learn from, to calibrate on, to test on, each with random numbers of its own.

    Parameters
    ----------
    kinds : sequence of Kind
    request : Request
        ``cases`` samples of each kind to learn from, the setting ``held_out`` of each in the others; ``workers`` processes.
    where : str
        Name of the card, for errors.

    Raises
    ------
    UsageError
        If there are too few samples of each kind.
    """
    held = int(request.settings["held_out"])
    if min(request.cases, held) < _FEWEST or int(request.settings["passes"]) < 1:
        raise UsageError("too few samples", where=f"train {where}", remedy="Give at least 10 of each kind and one pass.")
    workers, scratch, tell = int(request.settings["workers"]), request.scratch, request.progress
    first = request.seed * 1000 + 1
    return (
        make(kinds, request.cases, first, scratch / "train", workers=workers, progress=tell),
        make(kinds, held, first + 1, scratch / "calibrate", workers=workers, progress=tell),
        make(kinds, held, first + 2, scratch / "test", workers=workers, progress=tell),
    )


def _gathered(keys: tuple[str, ...], labels: Sequence[str], paths: Sequence[Path]) -> Corpus:
    curves, label, rows, names = [], [], [], []
    seconds = 0.0
    columns: dict[str, int] = {}
    for key, path in zip(labels, paths, strict=True):
        with np.load(path, allow_pickle=False) as kept:
            curves.append(kept["log_intensity"])
            label.append(np.full(len(kept["log_intensity"]), keys.index(key)))
            names.append(json.loads(str(kept["columns"])))
            rows.append(kept["values"])
            seconds += float(kept["seconds"])
        for name in names[-1]:
            columns.setdefault(name, len(columns))
    values = np.full((sum(len(r) for r in rows), len(columns)), np.nan, dtype=np.float32)
    start = 0
    for own, part in zip(names, rows, strict=True):
        values[start : start + len(part), [columns[name] for name in own]] = part
        start += len(part)
    return Corpus(keys, np.concatenate(curves), np.concatenate(label), tuple(columns), values, seconds)


def _chunk(job: tuple[Kind, int, int, int]) -> dict[str, Any]:
    """Curves of one kind, with random numbers of their own."""
    kind, seed, number, count = job
    started = time.process_time()
    rng = np.random.default_rng([seed, number, *kind.key.encode()])
    samples = [draw(kind, rng) for _ in range(count)]
    columns = list(dict.fromkeys(name for _, values in samples for name in values))
    rows = [[values.get(name, np.nan) for name in columns] for _, values in samples]
    return {
        "log_intensity": np.log([intensity for intensity, _ in samples]).astype(np.float32),
        "columns": np.array(json.dumps(columns)),
        "values": np.array(rows, dtype=np.float32),
        "seconds": np.array(time.process_time() - started),
    }


def _parameters(kind: Kind, model: Composite, rng: np.random.Generator) -> dict[str, float]:
    out: dict[str, float] = {}
    for parameter in model.parameters:
        one = parameter
        if one.name in kind.typical:
            one = replace(one, typical=kind.typical[one.name])
        if one.name in kind.within:
            one = replace(one, within=kind.within[one.name])
        out[one.name] = one.draw(rng, out)
    return out


def _spreads(kind: Kind, model: Composite, rng: np.random.Generator) -> dict[str, float]:
    """Relative standard deviations of the lengths that spread: one width for all of a term, or another for one of them."""
    out: dict[str, float] = {}
    if rng.random() < kind.uniform:
        return out
    for n, term in enumerate(model.terms):
        names = [model.prefix(n) + name for name in term.spreading]
        if names and rng.random() < kind.spreading:
            out |= dict.fromkeys((name + SPREAD for name in names), float(rng.uniform(*kind.widths)))
        if len(names) > 1 and rng.random() < kind.spreading:
            out[names[int(rng.integers(len(names)))] + SPREAD] = float(rng.uniform(*kind.widths))
    return out


def _intensity(term: Term, values: dict[str, float], shape: str) -> Array:
    """Intensity of a term on `GRID`: a length that spreads alone by quadrature, all that spread together by displacement."""
    given: dict[str, Any] = {p.name: values[p.name] for p in term.model.parameters}
    widths = {name: values[name + SPREAD] for name in term.spreading if name + SPREAD in values}
    together = 0.0
    if len(widths) == len(term.spreading) > 0:
        listed = list(widths.values())
        together = max(listed, key=listed.count)
    alone = [name for name, width in widths.items() if width != together]
    for name in alone:
        given[name] = distribute(given[name], widths[name], shape, points=_ALONE)
    found = term.model.kernel(GRID, **given)
    if not isinstance(found, Averages):
        return np.asarray(found)
    if together:
        found = displaced(found, distribute(1.0, together, shape))
    if term.interaction is None:
        return found.intensity
    own = {p.name: values[p.name] for p in term.interaction.parameters}
    apart = term.interaction.kernel(GRID, found.radius * values["radius_ratio"], **own)
    return np.asarray(found.intensity * (1 + found.beta * (apart - 1)))


def displaced(found: Averages, sizes: Sizes) -> Averages:
    """Averages on `GRID` over particles whose lengths are all s times the given one's: F(q; s L) = s^3 F(s q; L).

    Beyond the grid <F^2> goes on as q^-4, and <F> is nought.
    """
    x, step = np.log(GRID), float(np.log(GRID[1] / GRID[0]))
    more = step * np.arange(1, 1 + round(1.5 / step))
    tail = np.exp(np.mean(np.log(np.maximum(found.f2[-_TAIL:], 1e-300)) + 4 * (x[-_TAIL:] - x[-1])))
    far = np.concatenate([x, x[-1] + more])
    square = np.concatenate([np.log(np.maximum(found.f2, 1e-300)), np.log(tail) - 4 * more])
    amplitude = np.concatenate([found.f, np.zeros(more.size)])
    f, f2 = np.zeros(x.size), np.zeros(x.size)
    for size, weight in zip(sizes.values, sizes.weights, strict=True):
        at = x + np.log(size)
        f += weight * size**3 * np.interp(at, far, amplitude)
        f2 += weight * size**6 * np.exp(np.interp(at, far, square))
    cube = sizes.mean(3)
    return Averages(f, np.maximum(f2, f**2), found.volume * cube, float(found.radius * np.cbrt(cube)))


def _mixed(columns: Array, rng: np.random.Generator) -> tuple[Array, float] | None:
    """Two terms in amounts at which each can be seen; None where the second hides the first everywhere."""
    q = GRID
    inside = (q > WHERE[0]) & (q < WHERE[1])
    ratio = np.log(columns[inside, 1] / columns[inside, 0])
    margin = np.log(SEEN / (1 - SEEN))
    low, high = margin - ratio.max(), -margin - ratio.min()  # of the logarithm of the amount
    if low >= high:
        return None
    amount = float(np.exp(rng.uniform(low, high)))
    total = columns[:, 0] + amount * columns[:, 1]
    return total, amount * float(columns[0, 1] / columns[0, 0])
