r"""Curves of every model for retrieval: which shapes, at which size, come near a measured curve.

Of each model a few hundred curves are kept, of parameters drawn from their typical ranges, on a grid uniform in ln q. A model
whose lengths all change by a factor gives the same curve moved along ln q, so that a match over all displacements is one over
all sizes. The amount and the background follow in closed form:

.. math::
    \min_{a \ge 0, b} \sum_i w_i (I_i - a T(\ln q_i + s) - b)^2

Sums over i are correlations of the template and its square with w and w I.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from whorl.catalogues.base import Catalogue, Entry
from whorl.core.hypothesis import FormFactor
from whorl.physics.small_angle.composite import SPREAD, Composite, compose
from whorl.physics.small_angle.displaced import nearest
from whorl.techniques.kept import Kept
from whorl.techniques.sas.prepare import UPTURN, SasSignal

Array = NDArray[np.float64]
Array32 = NDArray[np.float32]

#: grid in ln q, with the longest length of a model at 1000 angstrom: from q L = 0.02 to 2000
STEP = 0.05
_LONGEST = 1000.0
_START, _COUNT = float(np.log(0.02 / _LONGEST)), 231
#: nodes by which curves are continued at either end, with their last slope
_MORE = 120
#: curves of a model: so many, and so many more for each parameter beside the first length
_DRAWS, _DRAWS_EACH, _MOST_DRAWS = 40, 40, 240
#: spreads of lengths drawn, none so narrow that the grid does not resolve the oscillations left; share of the narrowest
_NARROWEST, _WIDEST, _SHARP = 0.03, 0.4, 0.3
#: nodes over which a slope at an end is taken
_END = 8
#: relative amounts of the terms of a model of several, as the ratio of their intensities at low q
_AMOUNTS = (0.03, 30.0)
#: q times the longest length, at the highest and at the lowest q measured
_SHORTEST, _REACH = 1.5, 60.0
#: q times the longest length at the highest q, beyond which oscillations cost much and tell nothing
_OSCILLATIONS = 1500.0
#: relative difference of values up to which two starts are one
_NEAR = 0.08
#: nodes of resolution from which templates are blurred
_BLUR = 0.2
#: factor by which a rise towards low q has to lower the sum of squares
_WORTH = 2.0
_BY_UNIT = {"angstrom": 1, "angstrom^2": 2, "1/angstrom": -1}
_ABOUT = "6"  # of how templates are made: a new one makes them anew


@dataclass(frozen=True)
class Templates:
    """Curves of one model: shape (k, grid), and the values they were made with, by name, shape (k,)."""

    curves: Array32
    values: Mapping[str, Array]


@dataclass(frozen=True)
class Match:
    """A curve of a model beside the data.

    Attributes
    ----------
    rw : float
        Misfit of the points, with the best amount and background.
    values : dict
        Parameters, lengths brought to size.
    """

    rw: float
    values: dict[str, float]


def grid() -> Array:
    """Momentum transfer at which templates are kept, shape (231,), 1/angstrom."""
    return np.asarray(np.exp(_START + STEP * np.arange(_COUNT)))


def make(key: str) -> Templates:
    """Draw and compute the templates of a model; the same ones every time.

    Parameters
    ----------
    key : str
        As `whorl.physics.small_angle.composite.compose` takes it.
    """
    model = compose(key)
    rng = np.random.default_rng(int.from_bytes(sha256(f"{_ABOUT}:{key}".encode()).digest()[:8], "big"))
    free = [p for p in model.parameters if p.free]
    count = min(_DRAWS + _DRAWS_EACH * (len(free) - 1 + bool(model.spreading)), _MOST_DRAWS)
    count *= 1 + any(term.interaction is not None for term in model.terms)  # peaks of neighbours are told apart by little
    q = grid()
    curves, rows = [], []
    for _ in range(count):
        values = _draw(model, rng)
        found = np.asarray(model.basis(q, values) @ _amounts(model, q, values, rng))
        if np.all(np.isfinite(found)) and float(found.max()) > 0:
            curves.append(found / float(found.max()))
            rows.append(values)
    return Templates(np.array(curves, dtype=np.float32), {n: np.array([row[n] for row in rows]) for n in rows[0]})


def _draw(model: Composite, rng: np.random.Generator) -> dict[str, float]:
    """Typical values; what a fit holds is as it holds it."""
    values = model.draw(rng)
    values |= {p.name: p.default for p in model.parameters if not p.free}
    powers = _powers(model)
    longest = max((values[name] for name, power in powers.items() if power == 1), default=_LONGEST)
    values |= {name: values[name] * (_LONGEST / longest) ** power for name, power in powers.items()}
    for name in model.spreading:
        values[name + SPREAD] = 0.0
    for n in range(len(model.terms)):
        first = next((s for s in model.spreading if s.startswith(model.prefix(n))), None)
        if first is not None:
            values[first + SPREAD] = _NARROWEST if rng.random() < _SHARP else float(rng.uniform(_NARROWEST, _WIDEST))
    return values


def _amounts(model: Composite, q: Array, values: Mapping[str, float], rng: np.random.Generator) -> Array:
    """Amounts of the terms, shape (terms,), for intensities at low q of random ratio."""
    if len(model.terms) == 1:
        return np.ones(1)
    low = model.basis(q[60:61], values)[0]
    ratio = np.exp(rng.uniform(np.log(_AMOUNTS[0]), np.log(_AMOUNTS[1]), size=low.size - 1))
    return np.asarray(np.concatenate([[1.0], ratio]) / np.maximum(low, 1e-300))


def _compute(catalogue: Catalogue, entry: Entry) -> Templates:
    loaded = catalogue.load(entry.key)
    assert isinstance(loaded, FormFactor)
    return make(loaded.model)


def _pack(rows: Mapping[str, Templates]) -> dict[str, NDArray[Any]]:
    out: dict[str, NDArray[Any]] = {"names": np.array(list(rows))}
    for n, t in enumerate(rows.values()):
        out[f"curves{n}"] = t.curves
        out[f"parameters{n}"] = np.array(list(t.values))
        out[f"values{n}"] = np.array(list(t.values.values()))
    return out


def _unpack(stored: Any) -> dict[str, Templates]:
    out = {}
    for n, name in enumerate(stored["names"]):
        names, values = stored[f"parameters{n}"], stored[f"values{n}"]
        out[str(name)] = Templates(stored[f"curves{n}"], {str(p): v for p, v in zip(names, values, strict=True)})
    return out


KEPT: Kept[Templates] = Kept("sas", f"templates {_ABOUT} {STEP} {_START:.6f} {_COUNT}", _compute, _pack, _unpack)


def match(signal: SasSignal, key: str, templates: Templates, most: int = 3) -> list[Match]:
    """The templates of a model that come nearest to a curve, best first, each at its best size.

    Parameters
    ----------
    signal : SasSignal
        Of few points, with cautious weights.
    key : str
    templates : Templates
    most : int
        Number of matches; they are of different templates.
    """
    model = compose(key)
    place = (np.log(signal.x) - _START) / STEP
    first = int(np.floor(place[0]))
    count = int(np.ceil(place[-1])) - first + 2
    # points are shared out among the two nodes of the grid about them
    node = np.clip(np.floor(place).astype(int) - first, 0, count - 2)
    part = place - first - node
    columns = [signal.weights, signal.weights * signal.y, signal.weights * (signal.x / signal.x[0]) ** UPTURN]
    sums = np.zeros((3, count))
    for row, value in enumerate(columns):
        np.add.at(sums[row], node, value * (1 - part))
        np.add.at(sums[row], node + 1, value * part)
    w = sums[0]
    y, upturn = sums[1:] / np.where(w > 0, w, 1.0)
    curves = _continued(np.asarray(templates.curves, dtype=np.float64))
    blur = 0.0 if signal.dq is None else float(np.median(signal.dq / signal.x)) / STEP
    if blur > _BLUR:
        curves = gaussian_filter1d(curves, blur, axis=1, mode="nearest")
    # the longest length may be anything from what the highest q shows to ten times what the lowest does
    longest = min(_REACH / signal.x[0], _OSCILLATIONS / signal.x[-1])
    places = np.log([_SHORTEST / signal.x[-1], longest]) - np.log(_LONGEST)
    low, high = (int(places[0] / STEP), int(places[1] / STEP)) if _powers(model) else (0, 0)
    misfit, shift = nearest(curves, w, y, np.ones((count, 1)), first + _MORE, low, high)
    if signal.instrument.upturn != "off":
        with_upturn = np.column_stack([np.ones(count), upturn])
        less, other = nearest(curves, w, y, with_upturn, first + _MORE, low, high)
        better = _WORTH * less < misfit
        misfit, shift = np.where(better, _WORTH * less, misfit), np.where(better, other, shift)
    found: list[Match] = []
    for i in np.argsort(misfit, kind="stable"):
        values = _values(model, templates, int(i), int(shift[i]))
        if not np.isfinite(misfit[i]) or len(found) == most:
            break
        if not any(_same(values, other.values) for other in found):
            found.append(Match(float(np.sqrt(max(misfit[i], 0.0))), values))
    return found


def _continued(curves: Array) -> Array:
    """Curves with `_MORE` nodes before and after, where ln I goes on with the slope it has, shape (k, grid + 2 more)."""
    logs = np.log(np.maximum(curves, 1e-30))
    steps = np.arange(1, _MORE + 1)
    before = np.minimum((logs[:, _END] - logs[:, 0]) / _END, 0.0)
    half = curves.shape[1] // 2
    after = np.minimum(
        (logs[:, -_END:].mean(axis=1) - logs[:, half - _END : half].mean(axis=1)) / (curves.shape[1] - half), 0.0
    )
    low = logs[:, :1] - before[:, None] * steps[::-1]
    high = logs[:, -_END:].mean(axis=1)[:, None] + after[:, None] * steps
    return np.asarray(np.exp(np.clip(np.hstack([low, logs, high]), -60, 60)))


def _same(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Tell whether two starts would end in one place."""
    return all(abs(v - other[name]) <= _NEAR * max(abs(v), abs(other[name])) for name, v in one.items())


def _values(model: Composite, templates: Templates, index: int, shift: int) -> dict[str, float]:
    """Values of a template moved by ``shift`` steps of ln q: larger particles scatter at smaller q."""
    zoom = float(np.exp(shift * STEP))
    out = {name: float(v[index]) for name, v in templates.values.items()}
    powers = _powers(model)
    for p in model.parameters:
        out[p.name] = float(np.clip(out[p.name] * zoom ** powers.get(p.name, 0), *p.limits))
    return out


def _powers(model: Composite) -> dict[str, int]:
    """How parameters go with the size of everything, by their units; the others do not."""
    return {p.name: _BY_UNIT[p.unit] for p in model.parameters if p.unit in _BY_UNIT}
