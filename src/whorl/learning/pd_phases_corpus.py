"""Simulated powder patterns of mixtures of a catalogue's phases, in bins of Q, with which phases they hold and how much.

A chunk of patterns is made from a few *sessions*: an instrument with its errors, in which each phase is simulated once by the
model that is refined (`whorl.techniques.pd.phase`), with a cell, displacements, size, strain and texture of its own, as
`whorl.techniques.pd.nuisances` declares them. Mixtures of a session differ in phases, weight fractions, small changes of the
lengths, foreign lines, background and counts. No pattern is shown twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Crystal
from whorl.techniques.crystal_freedom import in_own_symmetry
from whorl.techniques.pd.instrument import PdInstrument, make_instrument, with_lines
from whorl.techniques.pd.nuisances import NUISANCES
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.phase_network import binned, features, q_edges
from whorl.techniques.pd.prepare import AXIAL, EMISSION
from whorl.techniques.pd.residual import Shaped
from whorl.techniques.pd.weights import density_of

Array = NDArray[np.float64]
Single = NDArray[np.float32]

#: what is measured with, and how often: a tube's anode, or a wavelength of a synchrotron (angstrom)
SOURCES: tuple[tuple[str | float, float], ...] = (
    ("Cu", 0.55),
    ("Co", 0.12),
    ("Mo", 0.12),
    (0.45, 0.07),
    (0.8, 0.07),
    (1.2, 0.07),
)
#: full widths of the instruments' peaks, degrees at 1.54 angstrom: of tubes and of synchrotrons
WIDTHS = {"lab": (0.04, 0.25), "synchrotron": (0.01, 0.06)}
#: number of phases of a mixture, from 0 on, and how often
PHASES = (0.03, 0.27, 0.25, 0.2, 0.15, 0.1)
#: least weight fraction of a phase that is there
LEAST = 0.03
#: standard deviation of the logarithm of a line's intensity: positions of atoms, crystallites that are few
LINE_ERROR = 0.08
#: mixtures of a session; change of lengths from one to another, standard deviation
_OF_A_SESSION, _JITTER = 350, 0.0008
#: how often there are foreign lines; their part of the intensity; how far a phase is stretched to be foreign
FOREIGN, FOREIGN_PART, _FOREIGN_STRETCH = 0.3, (0.02, 0.3), (0.04, 0.14)
#: how often the range is a part of the grid; highest start and lowest end, 1/angstrom
PARTLY, ENDS = 0.7, (1.5, 3.6)
#: step of the simulation; of the measurement, from low to high, log-uniform, 1/angstrom
_FINE, STEPS = 0.002, (0.001, 0.005)
_TEXTURES = ((0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1))


@dataclass(frozen=True)
class Mixtures:
    """Features of n patterns, shape (n, 2, g), and the weight fractions of the m phases in them, shape (n, m)."""

    seen: Single
    fractions: Single


class Simulator:
    """Patterns of the phases of a catalogue on a grid of Q.

    Parameters
    ----------
    crystals : sequence of Crystal
    grid : array, shape (g,)
        Centres of bins of ln Q, 1/angstrom.
    cell : float
        Standard deviation of the change of lengths, relative.
    """

    def __init__(self, crystals: Sequence[Crystal], grid: Array, cell: float = 0.006) -> None:
        self.crystals = [in_own_symmetry(c) for c in crystals]
        self.grid, self.edges, self.cell = grid, q_edges(grid), cell
        self._fine = np.arange(self.edges[0], self.edges[-1] + _FINE, _FINE)
        self.densities = np.array([density_of(c.contents, c.volume) for c in self.crystals])
        self._phase = lru_cache(maxsize=len(SOURCES) * len(_TEXTURES) * len(self.crystals))(self._make_phase)

    def _make_phase(self, number: int, source: str | float, texture: tuple[int, int, int] | None) -> PowderPhase | None:
        """A phase in an instrument; None where no line lies in the grid."""
        instrument = _instrument(source, 0.1)
        options = PhaseOptions(displacements="overall", size=True, strain=True, march=texture)
        try:
            return PowderPhase(self.crystals[number], instrument, self._limits(instrument), options)
        except StructureError:
            return None

    def _angles(self, instrument: PdInstrument) -> Array:
        sine = self._fine * instrument.wavelength / (4 * np.pi)
        return np.asarray(2 * np.degrees(np.arcsin(sine[sine < 0.985])))

    def _limits(self, instrument: PdInstrument) -> tuple[float, float]:
        angles = self._angles(instrument)
        return float(angles[0]), float(angles[-1])

    def session(self, rng: np.random.Generator) -> Array:
        """Every phase in one instrument at unit volume, shape (m, g); nought beyond the reach of its wavelength."""
        source = SOURCES[int(rng.choice(len(SOURCES), p=[share for _, share in SOURCES]))][0]
        drawn = NUISANCES.draw(rng, phases=len(self.crystals))
        low, high = np.log(WIDTHS["lab" if isinstance(source, str) else "synchrotron"])
        instrument = _instrument(source, float(np.exp(rng.uniform(low, high))))
        flat = instrument.geometry == "bragg-brentano"
        width = float(np.sqrt(instrument.w))
        given = {k: float(v) for k, v in instrument.model_dump().items() if isinstance(v, float | int)} | {
            "zero": drawn["zero"] * width,
            "displacement": drawn["displacement"] if flat else 0.0,
            "axial": instrument.axial * drawn["axial"],
            "slit": drawn["slit"] if flat else 0.0,
        }
        angles = self._angles(instrument)
        out = np.zeros((len(self.crystals), self.grid.size))
        texture = rng.integers(len(_TEXTURES), size=len(self.crystals))
        for number in range(len(self.crystals)):
            textured = drawn["march"][number] != 1.0
            phase = self._phase(number, source, _TEXTURES[texture[number]] if textured else None)
            if phase is None:
                continue
            values = self._values(phase, drawn, number, rng)
            peaks = phase.peaks(values, slopes=False)
            error = np.exp(rng.normal(0, LINE_ERROR, len(phase.starts)))
            peaks = replace(peaks, area=peaks.area * np.tile(error, len(instrument.lines)))
            y = Shaped(peaks, given, instrument.radius, (), jacobian=False).pattern(angles)
            values, seen = binned(self._fine[: angles.size], y, self.edges)
            out[number] = values * seen
        return out

    def _values(self, phase: PowderPhase, drawn: dict[str, list[float]], number: int, rng: np.random.Generator) -> Array:
        """Parameters of a phase: lengths change together and by half as much each, angles little."""
        spread = self.cell
        together = rng.normal(0, spread)
        own = {"inverse_size": 1 / drawn["size"][number], "strain": drawn["strain"][number]}
        if "march" in {p.name for p in phase.parameters}:
            own["march"] = drawn["march"][number]
        values = []
        for p in phase.parameters:
            if p.name in ("a", "b", "c"):
                values.append(p.value * (1 + together + rng.normal(0, 0.5 * spread)))
            elif p.unit == "degree":
                values.append(p.value + rng.normal(0, 50 * spread))
            elif p.name == "U":
                values.append(max(p.value + drawn["u_change"][number], p.lower))
            else:
                values.append(own[p.name])
        return np.array([min(max(v, p.lower), p.upper) for v, p in zip(values, phase.parameters, strict=True)])

    def mixtures(self, rng: np.random.Generator, count: int, *, phases: int | None = None) -> Mixtures:
        """Simulate mixtures.

        Parameters
        ----------
        rng : Generator
        count : int
        phases : int, optional
            In each mixture; drawn as in training by default.
        """
        m, g = len(self.crystals), self.grid.size
        seen = np.zeros((count, 2, g), dtype=np.float32)
        fractions = np.zeros((count, m), dtype=np.float32)
        session = np.zeros((m, g))
        for b in range(count):
            if b % _OF_A_SESSION == 0:
                session = self.session(rng)
                there = np.flatnonzero(session.any(axis=1))
            wanted = int(rng.choice(len(PHASES), p=PHASES)) if phases is None else phases
            chosen = rng.permutation(there)[:wanted]
            clean = np.zeros(g)
            if chosen.size:
                weight = LEAST + (1 - LEAST * chosen.size) * rng.dirichlet(np.ones(chosen.size))
                fractions[b, chosen] = weight
                for n, w in zip(chosen, weight, strict=True):
                    clean += self._stretched(session[n], 1 + rng.normal(0, _JITTER)) * (w / self.densities[n])
            clean = self._with_foreign(clean, session[int(rng.choice(there))], rng)
            seen[b] = self._measured(clean, session, rng)
        return Mixtures(seen, fractions)

    def _stretched(self, y: Array, factor: float) -> Array:
        """A pattern whose lines are all at ``factor`` times their Q."""
        return np.asarray(np.interp(self.grid / factor, self.grid, y, left=0.0, right=0.0))

    def _with_foreign(self, clean: Array, other: Array, rng: np.random.Generator) -> Array:
        """Lines of a phase that the catalogue does not hold: another one's, stretched beyond recognition."""
        empty = not np.any(clean)
        if rng.random() >= FOREIGN and not empty:
            return clean
        factor = float(np.exp(rng.uniform(*_FOREIGN_STRETCH) * rng.choice((-1, 1))))
        lines = self._stretched(other, factor)
        part = 1.0 if empty else float(np.exp(rng.uniform(*np.log(FOREIGN_PART))))
        size = float(clean.sum()) or 1.0
        return clean + lines * (part * size / max(float(lines.sum()), 1e-300))

    def _measured(self, clean: Array, session: Array, rng: np.random.Generator) -> Array:
        """Features of a pattern with background and noise, in a part of the range."""
        reach = float(self.grid[np.flatnonzero(session.any(axis=0))[-1]])
        low, high = float(self.edges[0]), reach
        if rng.random() < PARTLY:
            low, high = float(rng.uniform(low, ENDS[0])), min(float(rng.uniform(ENDS[1], self.edges[-1])), reach)
        q = np.arange(low, high, np.exp(rng.uniform(*np.log(STEPS))))
        drawn = NUISANCES.draw(rng)
        y = np.interp(q, self.grid, clean)
        expected = y * (drawn["counts"] / max(float(y.max()), 1e-300)) + NUISANCES.background_of(q, drawn)
        return features(q, np.maximum(expected + np.sqrt(expected) * rng.standard_normal(q.size), 0.0), self.edges)


def _instrument(source: str | float, width: float) -> PdInstrument:
    """An instrument of a source with peaks of a width, degrees at 1.54 angstrom."""
    given = with_lines({"wavelength": source, "source": "lab" if isinstance(source, str) else "synchrotron"})
    kind = given["source"]
    given["geometry"] = "bragg-brentano" if kind == "lab" else "debye-scherrer"
    given["axial"] = AXIAL[kind]
    given["w"] = (width * float(given["wavelength"]) / 1.5406) ** 2
    if kind == "lab":
        given["y"] = EMISSION
    return make_instrument(given)
