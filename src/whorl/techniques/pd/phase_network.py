r"""Which phases of a catalogue a network sees in a powder pattern, how sure it is, how much of each, and where it looks.

The pattern is put on a grid of Q = 4 pi sin(theta) / lambda, so that one model serves every wavelength: lines stay where they
are, and only angular factors and widths change, which training varies. The network is convolutional with a linear head: the
log odds of phase c are

.. math::
    \ell_c = b_c + \sum_{k} \sum_{m} w_{cmk} \, h_{mk}(y)

with h the last maps at the places k of the axis. Their terms, summed over the maps m, are the class-activation map (Zhou et
al., CVPR (2016), doi:10.1109/CVPR.2016.319) with weights that depend on the place; beside the terms of a pattern without lines
they add up exactly to the log odds that the lines make. Networks of this kind for powder patterns: Szymanski et al., Chem.
Mater. 33, 4204 (2021), doi:10.1021/acs.chemmater.1c01071; for mixtures with fractions Lee et al., Nat. Commun. 11, 86 (2020),
doi:10.1038/s41467-019-13749-3.

What the network says is a proposal: the phases it holds possible take part in the search, whose fits decide.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Entry
from whorl.core.errors import PatternError
from whorl.core.verdict import Opinion, Seen
from whorl.models.card import Card, ModelError
from whorl.models.inference import Model, open_model
from whorl.physics.backgrounds import snip
from whorl.techniques.pd.prepare import PdSignal
from whorl.techniques.pd.propose import Row

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: name of the text in the file of the weights
METADATA = "phases"
#: of the background: step and clipping window, 1/angstrom, and half width of the mean taken first, steps
_STEP, _WINDOW, _SMOOTH = 0.008, 0.25, 1
#: of the highest point, below which the root is nearly linear: noise is not blown up
_SOFT = 0.01
_TINY = 1e-12
#: amount of a phase that is not there, beside amplitudes of about 1
FAINT = 1e-6
#: part of the grid that a pattern must cover
_LEAST_COVER = 0.4
#: relative difference of the atoms per volume of entries that are one
SAME_DENSITY = 0.015
#: parts of the largest term of an activation below which a place is left out
_FAINT = 0.02


@dataclass(frozen=True)
class KnownPhase:
    """A phase that a network knows: its entry (catalogue/key), and what tells it where the entry has another name."""

    key: str
    name: str
    formula: str
    space_group: int | None
    atoms: int
    density: float

    def is_like(self, entry: Entry, density: float) -> bool:
        """Tell whether a row of a search is this phase: formula, space group, atoms in the cell and per volume alike."""
        same = sorted(entry.formula) == sorted(self.formula)
        same = same and (entry.space_group, entry.atoms) == (self.space_group, self.atoms)
        return same and abs(density / self.density - 1) < SAME_DENSITY


@dataclass(frozen=True)
class Answer:
    """What a network says of a pattern.

    Attributes
    ----------
    model : str
    phases : tuple of m KnownPhase
    probability, fraction : array, shape (m,)
        Calibrated probability that the phase is there; weight fraction.
    two_theta : array, shape (l + 1,)
        Edges of the places, degrees.
    activation : array, shape (m, l)
        Log odds that each place gives each phase, beside those of a pattern without lines.
    """

    model: str
    phases: tuple[KnownPhase, ...]
    probability: Array
    fraction: Array
    two_theta: Array
    activation: Array

    def likely(self, least: float, most: int) -> list[int]:
        """Numbers of the phases of at least a probability, the most probable first."""
        order = np.argsort(-self.probability, kind="stable")[:most]
        return [int(i) for i in order if self.probability[i] >= least]

    def stretches(self, number: int) -> list[tuple[float, float, float]]:
        """Where a phase is seen or missed: ends (degrees) and log odds of the places that tell something, in order.

        Neighbouring places that speak for the same are one stretch.
        """
        terms = self.activation[number]
        least = _FAINT * float(np.abs(terms).max(initial=0.0))
        sign = np.where(np.abs(terms) > max(least, 1e-9), np.sign(terms), 0.0)
        out: list[tuple[float, float, float]] = []
        starts = np.flatnonzero(np.diff(sign, prepend=0.0) != 0)
        for start, stop in zip(starts, [*starts[1:], sign.size], strict=True):
            if sign[start]:
                value = float(terms[start:stop].sum())
                out.append((round(float(self.two_theta[start]), 3), round(float(self.two_theta[stop]), 3), round(value, 4)))
        return out


def q_edges(centres: Array) -> Array:
    """Edges of bins of ln Q with given centres (Q, 1/angstrom), one more than bins."""
    half = 0.5 * np.log(centres[1] / centres[0])
    return np.concatenate([centres * np.exp(-half), [centres[-1] * np.exp(half)]])


def binned(q: Array, y: Array, edges: Array) -> tuple[Array, Mask]:
    """Mean intensity in bins of Q, and which bins were measured.

    Parameters
    ----------
    q, y : array, shape (n,)
        Q (increasing) and intensity.
    edges : array, shape (g + 1,)
        Of the bins, 1/angstrom.

    Examples
    --------
    >>> values, seen = binned(np.array([1.0, 1.5, 2.0]), np.array([2.0, 2.0, 2.0]), np.array([0.5, 0.9, 1.2, 1.9]))
    >>> values.round(9).tolist(), seen.tolist()
    ([0.0, 2.0, 2.0], [False, True, True])
    """
    total = np.concatenate([[0.0], np.cumsum(0.5 * (y[1:] + y[:-1]) * np.diff(q))])
    area = np.diff(np.interp(edges, q, total))
    inside = np.clip(edges, q[0], q[-1])
    width = np.diff(inside)
    seen = width > 0.5 * np.diff(edges)
    return np.where(seen, area / np.maximum(width, _TINY), 0.0), seen


def features(q: Array, y: Array, edges: Array) -> Array:
    """What a network sees of a pattern, shape (2, g): softened root of the net intensity, and what was measured.

    The background is clipped off (`whorl.physics.backgrounds.snip`) on even steps of Q, in which peaks are about equally wide.

    Parameters
    ----------
    q, y : array, shape (n,)
        Q (1/angstrom, increasing) and intensity, any unit.
    edges : array, shape (g + 1,)
        Of the bins, 1/angstrom.

    Examples
    --------
    >>> q = 1 + 0.004 * np.arange(500)
    >>> y = 50 + 900 * np.exp(-0.5 * ((q - 2) / 0.01) ** 2)
    >>> edges = np.geomspace(0.9, 2.9, 513)
    >>> one, ten = (features(q, k * y, edges) for k in (1.0, 10.0))
    >>> bool(np.allclose(one, ten)), round(float(edges[one[0].argmax()]), 2), one[1, :3].tolist()
    (True, 2.0, [0.0, 0.0, 0.0])
    """
    values, seen = binned(q, y, edges)
    out = np.zeros((2, seen.size))
    count = int((min(q[-1], edges[-1]) - max(q[0], edges[0])) / _STEP)
    if count < 10 or not np.any(seen):
        return out
    even = max(q[0], edges[0]) + _STEP * np.arange(count + 1)
    coarse = np.sqrt(np.maximum(binned(q, y, even)[0], 0.0))
    ground = snip(coarse, round(_WINDOW / _STEP), smoothing=_SMOOTH, compress=False)
    middle = 0.5 * (edges[1:] + edges[:-1])
    net = np.maximum(values - np.interp(middle, even[:-1] + 0.5 * _STEP, ground) ** 2, 0.0) * seen
    soft = (np.sqrt(net / max(float(net.max()), _TINY) + _SOFT) - np.sqrt(_SOFT)) * seen
    out[0] = soft / max(float(np.sqrt(np.mean(soft[seen] ** 2))), _TINY)
    out[1] = seen
    return out


def without_lines(given: Array) -> Array:
    """The same range with nothing in it."""
    out = given.copy()
    out[..., 0, :] = 0.0
    return out


class PhaseNetwork:
    """A trained network of the phases of a catalogue.

    Parameters
    ----------
    model : Model
        Opened by `whorl.models.inference.open_model`.

    Attributes
    ----------
    card : Card
    phases : tuple of KnownPhase
    grid : array
        Centres of the bins, 1/angstrom, even in ln Q.

    Raises
    ------
    ModelError
        If the model is of another kind.
    """

    def __init__(self, model: Model) -> None:
        self.card: Card = model.card
        text = getattr(model, "metadata", {}).get(METADATA)
        if text is None or self.card.grid is None:
            raise ModelError(
                "this model proposes no phases",
                where=self.card.name,
                remedy="Train one: whorl train pd-phases --catalogue NAME.",
            )
        record = json.loads(text)
        self._model = model
        self.phases = tuple(KnownPhase(*row) for row in record["phases"])
        self._slope, self._offset = (float(v) for v in record["calibration"])
        grid = self.card.grid
        self.grid: Array = np.exp(np.linspace(grid.start, grid.stop, grid.count))
        self.edges = q_edges(self.grid)

    @classmethod
    def open(cls, name: str | Path) -> PhaseNetwork:
        """Open a network by the name of its model or its folder.

        Raises
        ------
        ModelError
            If there is none, or it is of another kind.
        """
        return cls(open_model(name))

    def see(self, x: Array, y: Array, wavelength: float) -> Array:
        """Features of a pattern over 2 theta (degrees), shape (2, g)."""
        return features(4 * np.pi * np.sin(np.radians(x) / 2) / wavelength, y, self.edges)

    def judge(self, given: Array) -> tuple[Array, Array]:
        """Probabilities and weight fractions, shape (n, m) each, of patterns' features, shape (n, 2, g)."""
        logits, amplitudes, _ = self._run(given)
        return self._calibrated(logits), shares_of(amplitudes)

    def _run(self, given: Array) -> list[Array]:
        return self._model.outputs(given.reshape(len(given), -1))

    def _calibrated(self, logits: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-np.clip(self._slope * logits + self._offset, -40, 40))))

    def ask(self, signal: PdSignal) -> Answer:
        """Ask about a pattern.

        Raises
        ------
        PatternError
            If the pattern is of neutrons, or hardly overlaps with the range of the model.
        """
        where = signal.measurement.path or "pattern"
        if signal.instrument.radiation != "x-ray":
            raise PatternError(f"the network {self.card.name} knows X-ray patterns only", where=where)
        given = self.see(signal.x, signal.y, signal.instrument.wavelength)
        cover = float(given[1].mean())
        if cover < _LEAST_COVER:
            low, high = (self._angle(q, signal.instrument.wavelength) for q in (self.grid[0], self.grid[-1]))
            raise PatternError(
                f"the pattern covers {cover:.0%} of the range of the network {self.card.name}, "
                f"{low:.3g} to {high:.3g} degrees at this wavelength",
                where=where,
            )
        logits, amplitudes, terms = self._run(np.array([given, without_lines(given)]))
        places = terms.reshape(2, len(self.phases), -1)
        edges = self.edges[:: self.grid.size // places.shape[2]]
        return Answer(
            self.card.name,
            self.phases,
            self._calibrated(logits)[0],
            shares_of(amplitudes)[0],
            self._angle(edges, signal.instrument.wavelength),
            self._slope * (places[0] - places[1]),
        )

    @staticmethod
    def _angle(q: Array, wavelength: float) -> Array:
        return np.asarray(2 * np.degrees(np.arcsin(np.clip(q * wavelength / (4 * np.pi), 0.0, 1.0))))


def shares_of(amplitudes: Array) -> Array:
    """Weight fractions from amplitudes, shape (n, m): a network of root intensities gives roots of amounts.

    Examples
    --------
    >>> shares_of(np.array([[20.0, 10.0, -30.0]])).round(3).tolist()
    [[0.8, 0.2, 0.0]]
    """
    size = np.logaddexp(amplitudes, 0.0) ** 2 + FAINT
    return np.asarray(size / size.sum(axis=1, keepdims=True))


def opinion_of(answer: Answer, rows: Sequence[Row]) -> Opinion:
    """Put an answer into words, the likeliest phase first, each with its entry among the rows of a search."""
    by_key = {row.key for row in rows}
    alike: dict[tuple[str, int | None], list[Row]] = {}
    for row in rows:
        alike.setdefault(("".join(sorted(row.entry.formula)), row.entry.space_group), []).append(row)

    def entry_of(phase: KnownPhase) -> str:
        if phase.key in by_key:
            return phase.key
        found = alike.get(("".join(sorted(phase.formula)), phase.space_group), [])
        return next((row.key for row in found if phase.is_like(row.entry, row.lines.density)), "")

    seen = [
        Seen(
            name=answer.phases[n].name,
            entry=entry_of(answer.phases[n]),
            probability=float(answer.probability[n]),
            weight_fraction=float(answer.fraction[n]),
            stretches=answer.stretches(n),
        )
        for n in answer.likely(0.0, len(answer.phases))
    ]
    return Opinion(model=answer.model, phases=seen)
