"""Simulated PDFs of every entry of a catalogue, in the manner of the field's finders: instrument drawn, structure fixed.

The ranges are those of MetalFinder (A. S. Anker, 2023), drawn anew for every PDF: Qmin 0 to 2, Qmax 12 to 25, Qdamp 0.01 to
0.04, all 1/angstrom, B 0.1 to 1 angstrom^2 with U = B / 8 pi^2, delta2 2 angstrom^2. There is no noise. A shape whose bond
length is open gets that of one metal, since each class of the published finder is a shape at one length too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.base import Catalogue, Entry
from whorl.core.errors import WhorlError
from whorl.core.hypothesis import Cluster, Hypothesis
from whorl.core.measurement import Measurement
from whorl.models.card import Grid, Interval
from whorl.models.trees import features
from whorl.techniques.pdf.instrument import make_instrument
from whorl.techniques.pdf.phases import make_phase
from whorl.techniques.pdf.prepare import PdfSignal
from whorl.techniques.pdf.residual import PdfProblem, PhaseOptions
from whorl.techniques.pdf.simulate import simulate, zoomed

Array = NDArray[np.float64]
Single = NDArray[np.float32]

RANGES: Mapping[str, Interval] = {
    "qmin": Interval(low=0.0, high=2.0, unit="1/angstrom"),
    "qmax": Interval(low=12.0, high=25.0, unit="1/angstrom"),
    "qdamp": Interval(low=0.01, high=0.04, unit="1/angstrom"),
    "b_iso": Interval(low=0.1, high=1.0, unit="angstrom^2"),
    "delta2": Interval(low=2.0, high=2.0, unit="angstrom^2", law="fixed"),
}
#: the element of an open shape does not matter: its form factor cancels
_ELEMENT = "Pt"


@dataclass(frozen=True)
class Corpus:
    """Features (n, k), single precision; label (n,) of each: the place of its entry in ``keys``; entries left out."""

    features: Single
    labels: NDArray[np.int64]
    keys: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class Lengths:
    """Lengths of a corpus: bond length of open shapes (angstrom), standard deviation of a relative change of all lengths."""

    bond: float
    spread: float = 0.0

    def ranges(self, *, open_bond: bool) -> dict[str, Interval]:
        """For a card."""
        out = {"bond": Interval(low=self.bond, high=self.bond, unit="angstrom", law="fixed")} if open_bond else {}
        if self.spread:
            low, high = float(np.exp(-2 * self.spread)), float(np.exp(2 * self.spread))
            out["zoom"] = Interval(low=low, high=high, law="log-normal; two standard deviations")
        return out


def draw(rng: np.random.Generator, lengths: Lengths, *, open_bond: bool = False) -> dict[str, float]:
    """Draw an experiment as `simulate` takes it.

    Parameters
    ----------
    rng : Generator
    lengths : Lengths
    open_bond : bool
        True for a shape whose bond length is open.

    Examples
    --------
    >>> sorted(draw(np.random.default_rng(0), Lengths(2.88), open_bond=True))
    ['bond', 'delta2', 'qdamp', 'qmax', 'qmin', 'u_iso', 'zoom']
    """
    drawn = {name: float(rng.uniform(limits.low, limits.high)) for name, limits in RANGES.items()}
    drawn["u_iso"] = drawn.pop("b_iso") / (8 * np.pi**2)
    drawn["zoom"] = float(np.exp(rng.normal(0.0, lengths.spread)))
    return drawn | ({"bond": lengths.bond} if open_bond else {})


def is_open(hypothesis: Hypothesis) -> bool:
    """Tell whether a structure's bond length is open."""
    return isinstance(hypothesis, Cluster) and hypothesis.bond_free


def simulate_drawn(hypothesis: Hypothesis, drawn: Mapping[str, float], r: Array) -> Array:
    """G(r) of a structure, shape (n,), for an experiment from `draw`, at r > 0 (angstrom)."""
    more = {"element": _ELEMENT} if is_open(hypothesis) else {}
    return simulate(hypothesis, settings={**drawn, **more}, r=r).signal


class Simulator:
    """G(r) of one structure in many experiments, as `simulate_drawn` gives it.

    Listing the distances of a crystal is most of a simulation; they are listed once, as long as no lengths change.

    Parameters
    ----------
    hypothesis : Hypothesis
    r : array, shape (n,)
        Increasing, above 0, angstrom.
    bond : float
        Bond length of an open shape, angstrom.
    """

    def __init__(self, hypothesis: Hypothesis, r: Array, *, bond: float) -> None:
        self._hypothesis = hypothesis
        self._r = r
        at_rest = zoomed(hypothesis, 1.0, bond=bond, element=_ELEMENT)
        self._phase = make_phase(at_rest, float(r[-1]) + 4.0, positions=False)

    def __call__(self, drawn: Mapping[str, float]) -> Array:
        """G(r), shape (n,), for an experiment from `draw`."""
        if drawn["zoom"] != 1.0:
            return simulate_drawn(self._hypothesis, drawn, self._r)
        r, nothing = self._r, np.zeros(self._r.size)
        instrument = make_instrument({k: drawn[k] for k in ("qmin", "qmax", "qdamp")})
        blank = Measurement("gr", r, nothing)
        limits = (float(r[0]), float(r[-1]))
        signal = PdfSignal(r, nothing, np.ones(r.size), False, instrument, frozenset(), limits, frozenset(), blank)
        fixed = {p.name: drawn["u_iso"] for p in self._phase.parameters if p.name.startswith("U_")}
        fixed |= {"delta1": 0.0, "delta2": drawn["delta2"]}
        option = PhaseOptions(size=None, size_free=False, motion=None)
        problem = PdfProblem(signal, [self._phase], [option], free_instrument=(), fixed=fixed)
        values = np.array([p.value for p in problem.parameters])
        return problem.evaluate(values, jacobian=False).basis[:, 0]


def make_corpus(
    catalogue: Catalogue,
    entries: Sequence[Entry],
    *,
    each: int,
    seed: Sequence[int],
    grid: Grid,
    lengths: Lengths,
    progress: Callable[[int, int], None] | None = None,
) -> Corpus:
    """Simulate ``each`` PDFs of every entry.

    Parameters
    ----------
    catalogue : Catalogue
    entries : sequence of Entry
    each : int
    seed : sequence of int
        Every entry has a stream of its own below it.
    grid : Grid
        Points of r; the first may be 0.
    lengths : Lengths
    progress : callable, optional
        Called with (done, total) entries.

    Returns
    -------
    Corpus
        Entries that cannot be simulated (a single atom, say) are left out and named.
    """
    points: Array = grid.start + grid.step * np.arange(grid.count, dtype=np.float64)
    r = points[points > 0]
    rows: list[Array] = []
    keys: list[str] = []
    left_out: list[str] = []
    for place, entry in enumerate(entries):
        rng = np.random.default_rng([*seed, place])
        try:
            hypothesis = catalogue.load(entry.key)
            simulated = Simulator(hypothesis, r, bond=lengths.bond)
            part = []
            for _ in range(each):
                drawn = draw(rng, lengths, open_bond=is_open(hypothesis))
                g = simulated(drawn)
                part.append(features(r, g, qmin=drawn["qmin"], qmax=drawn["qmax"], qdamp=drawn["qdamp"], grid=grid))
        except WhorlError:
            left_out.append(entry.key)
            continue
        rows += part
        keys.append(entry.key)
        if progress:
            progress(place + 1, len(entries))
    matrix = np.array(rows, dtype=np.float32).reshape(-1, grid.count + 3)
    return Corpus(matrix, np.repeat(np.arange(len(keys)), each), tuple(keys), tuple(left_out))
