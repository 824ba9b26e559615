r"""Which parameters of a powder pattern refine, the pattern they give and its derivatives, for `whorl.fitting`.

The model is y(2 theta) = sum_j S_j sum_k A_jk phi(2 theta - 2 theta_k - shift) + background, with the scales S (volume shares)
and the amounts of the background's curves linear. The shift is the zero error plus, in reflection geometry, those of a
displaced and of a transparent sample (`whorl.physics.powder_corrections`). Peak shapes: `whorl.physics.powder_profiles`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Crystal
from whorl.fitting.problem import Evaluation, Fit, LinearTerm, Parameter
from whorl.fitting.projected import Projected
from whorl.physics.beam_overflow import on_round_sample
from whorl.physics.powder_corrections import displacement_shift, transparency_shift
from whorl.physics.powder_profiles import axial_divergence, pattern, pattern_slopes
from whorl.techniques.pd.humps import Humps
from whorl.techniques.pd.instrument import PdInstrument
from whorl.techniques.pd.phase import Peaks, PowderPhase
from whorl.techniques.pd.prepare import PdSignal

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: parameters of the measurement, not of a phase
SHARED = frozenset(("zero", "displacement", "transparency", "line_ratio", "u", "v", "w", "x", "y", "axial", "slit", "overflow"))
#: parameters of the instrument that may refine: limits and prior spread
_INSTRUMENT: Mapping[str, tuple[float, float, float | None, str]] = {
    "zero": (-1.0, 1.0, 0.1, "degree"),
    "displacement": (-2.0, 2.0, 0.3, "mm"),
    "transparency": (0.0, 5.0, 0.5, "mm"),
    "line_ratio": (0.0, 0.65, None, "1"),
    "u": (0.0, 2.0, None, "degree^2"),
    "v": (-1.0, 1.0, None, "degree^2"),
    "w": (4e-6, 2.0, None, "degree^2"),
    "x": (0.0, 1.0, None, "degree"),
    "y": (0.0, 2.0, 0.01, "degree"),
    "axial": (0.0, 0.1, 0.015, "1"),
    "slit": (0.0, 1.0, None, "1"),
    "overflow": (0.0, 60.0, 8.0, "degree"),
}
#: least Gaussian width squared, degrees^2: narrower peaks than any instrument's
_LEAST = 1e-6
#: prior spread of the axial divergence, relative
_AXIAL_SPREAD = 0.5
#: name under which the ratio of the lines goes that areas were made with
_NOMINAL = "line_ratio_nominal"
_STEP = 1e-4  # relative, of the axial divergence in its derivative


class PdProblem:
    """A powder pattern, its phases, and what varies (see `whorl.fitting.problem.Problem`).

    Parameters
    ----------
    signal : PdSignal
    phases : sequence of PowderPhase
    free_instrument : sequence of str
        Names of instrument parameters that refine.
    background : int
        Curves of the background that refine; 0: none.
    fixed : mapping, optional
        Parameters held, by name.
    instrument : PdInstrument, optional
        Start values and what is held of the instrument; that of the signal by default.
    humps : sequence of float
        Places of amorphous humps, degrees; with them the background is a polynomial alone, which does not follow them.
    """

    def __init__(
        self,
        signal: PdSignal,
        phases: Sequence[PowderPhase],
        *,
        free_instrument: Sequence[str] = (),
        background: int = 0,
        fixed: Mapping[str, float] | None = None,
        instrument: PdInstrument | None = None,
        humps: Sequence[float] = (),
    ) -> None:
        self.signal, self.phases = signal, list(phases)
        self.instrument = instrument or signal.instrument
        self.x, self.observed, self.weights, self.absolute = signal.x, signal.y, signal.weights, signal.absolute
        self.independent_points = signal.independent_points
        self._shared = self._instrument_parameters(free_instrument)
        every = [*self._shared]
        self._axial_row = next((n for n, p in enumerate(every) if p.name == "axial"), -1)
        self._rows: list[slice] = []
        for phase in self.phases:
            start = len(every)
            every += [p.prefixed(phase.options.prefix) for p in phase.parameters]
            self._rows.append(slice(start, len(every)))
        self.humps = Humps(self.x, humps)
        self._hump_rows = slice(len(every), len(every) + len(self.humps.parameters))
        every += self.humps.parameters
        self._every = every
        held = dict(fixed or {})
        unknown = set(held) - {p.name for p in every}
        if unknown:
            names = ", ".join(p.name for p in every)
            raise UsageError(f"no parameter is named {min(unknown)!r}", remedy=f"Parameters here are {names}.")
        self._values = np.array([held.get(p.name, p.value) for p in every])
        self._free = np.array([i for i, p in enumerate(every) if p.name not in held], dtype=np.int64)
        self.parameters = tuple(every[i] for i in self._free)
        self.curves = signal.background_curves(background) if background else np.zeros((self.x.size, 0))
        if humps and background:
            self.curves = self.curves[:, 1:]
        #: trailing columns of the basis that do not depend on parameters
        self.constant = self.curves.shape[1]
        self.linear = tuple(
            [LinearTerm(f"{p.options.prefix}scale") for p in self.phases]
            + list(self.humps.linear)
            + [LinearTerm(f"background_{k}", non_negative=False, unit="counts") for k in range(self.curves.shape[1])]
        )

    def _instrument_parameters(self, names: Sequence[str]) -> list[Parameter]:
        i = self.instrument
        out = []
        for name in names:
            low, high, spread, unit = _INSTRUMENT[name]
            value = float(np.clip(getattr(i, name), low, high))
            if name == "axial":
                spread = _AXIAL_SPREAD * max(value, 0.001)
            out.append(Parameter(name, value, low, high, unit, None if spread is None else value, spread))
        return out

    def full_values(self, values: Array) -> Array:
        """Values of all parameters, those held included."""
        full = self._values.copy()
        full[self._free] = values
        return full

    def named_values(self, values: Array) -> dict[str, float]:
        """Values of all parameters by name, those held included."""
        return {p.name: float(v) for p, v in zip(self._every, self.full_values(values), strict=True)}

    def own_values(self, values: Array) -> list[Array]:
        """Values of each phase's own parameters."""
        full = self.full_values(values)
        return [full[rows] for rows in self._rows]

    def structures(self, values: Array) -> tuple[Crystal, ...]:
        """The phases with what is refined of them."""
        return tuple(phase.refined(own) for phase, own in zip(self.phases, self.own_values(values), strict=True))

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """Pattern of each phase at unit scale, the curves of the background, and how to get derivatives."""
        full = self.full_values(values)
        instrument = self._instrument_at(full)
        peaks = [phase.peaks(full[rows], slopes=jacobian) for phase, rows in zip(self.phases, self._rows, strict=True)]
        shaped = [Shaped(p, instrument, self.instrument.radius, self._shared, jacobian=jacobian) for p in peaks]
        columns = [s.pattern(self.x) for s in shaped]
        basis = np.column_stack([*columns, self.humps.columns(full[self._hump_rows]), self.curves])
        if not jacobian:
            return Evaluation(basis)

        def slopes(factors: Array) -> Array:
            out = np.zeros((len(self._every) + 1, self.x.size))
            areas = factors[len(self.phases) : len(self.phases) + len(self.humps.linear)]
            out[self._hump_rows] = self.humps.slopes(full[self._hump_rows], areas)
            for s, rows, factor in zip(shaped, self._rows, factors, strict=False):
                if factor > 0:
                    s.add_slopes(self.x, rows.start, float(factor), out)
            if self._axial_row >= 0:
                out[self._axial_row] = out[-1]
            return out[self._free]

        return Evaluation(basis, slopes=slopes)

    def measured_with(self, values: Array) -> dict[str, float | str]:
        """Settings of the instrument with what is refined of them."""
        stated = {k: v for k, v in self.instrument.model_dump().items() if v is not None}
        refined = self._instrument_at(self.full_values(values))
        refined.pop(_NOMINAL, None)
        return stated | refined

    def hump_share(self, fit: Fit) -> float | None:
        """Part of the intensity over the background that the humps hold; ``None`` without humps."""
        if not self.humps.linear:
            return None
        count, every = len(self.phases), len(self.phases) + len(self.humps.linear)
        basis = self.evaluate(fit.values, jacobian=False).basis[:, :every]
        sums = np.asarray(np.trapezoid(basis, self.x, axis=0)) * fit.factors[:every]
        return float(sums[count:].sum() / max(float(sums.sum()), 1e-300))

    def background(self, fit: Fit) -> Array:
        """Background of a fit, humps included, shape (n,)."""
        columns = self.humps.columns(self.full_values(fit.values)[self._hump_rows])
        return np.column_stack([columns, self.curves]) @ fit.factors[len(self.phases) :]

    def reflections(self, values: Array, number: int) -> tuple[Array, Array]:
        """Positions (degrees, shifts included) and areas at unit scale of the peaks of a phase, for marks in a plot."""
        shaped = self.shaped(values, number)
        return shaped.centre0, shaped.strength

    def shaped(self, values: Array, number: int) -> Shaped:
        """Peaks of a phase as the instrument shows them."""
        full = self.full_values(values)
        found = self.phases[number].peaks(full[self._rows[number]], slopes=False)
        return Shaped(found, self._instrument_at(full), self.instrument.radius, self._shared, jacobian=False)

    def widths(self, values: Array, two_theta: Array) -> Array:
        """Full width at half maximum of the instrument's Gaussian part at angles, degrees."""
        i = self._instrument_at(self.full_values(values))
        tan = np.tan(np.radians(np.asarray(two_theta)) / 2)
        return np.sqrt(np.maximum(i["u"] * tan**2 + i["v"] * tan + i["w"], _LEAST))

    def _instrument_at(self, full: Array) -> dict[str, float]:
        i = self.instrument
        out = {name: float(getattr(i, name)) for name in _INSTRUMENT}
        out |= {p.name: float(v) for p, v in zip(self._shared, full, strict=False)}
        return out | ({_NOMINAL: i.line_ratio} if len(i.lines) == 2 else {})


class Shaped:
    """Peaks of a phase with the instrument's shifts, widths and asymmetry.

    Attributes
    ----------
    centre0, strength : array, shape (k,)
        Positions with the shifts and areas with the slit's factor, before asymmetry.
    """

    def __init__(
        self, peaks: Peaks, instrument: Mapping[str, float], radius: float, shared: Sequence[Parameter], *, jacobian: bool
    ) -> None:
        self.peaks = peaks
        t = peaks.two_theta
        theta = np.radians(t) / 2
        tan, cos = np.tan(theta), np.cos(theta)
        by_displacement = displacement_shift(t, 1.0, radius)
        by_transparency = transparency_shift(t, radius)  # of a penetration of 1 mm
        self.centre0 = (
            t + instrument["zero"] + by_displacement * instrument["displacement"] + by_transparency * instrument["transparency"]
        )
        g2 = instrument["u"] * tan**2 + instrument["v"] * tan + instrument["w"] + peaks.gauss2
        alive = g2 > _LEAST
        g = np.sqrt(np.where(alive, g2, _LEAST))
        lorentz = peaks.lorentz + instrument["x"] / cos + instrument["y"] * tan
        self._axial = instrument["axial"]
        self._nodes = axial_nodes(t, self._axial, np.hypot(g, lorentz))
        self._log_sine = np.log(np.sin(theta))
        edge = max(np.radians(instrument["overflow"]) / 2, 1e-6)
        caught, by_length = on_round_sample(np.sin(edge) / np.sin(theta))  # at the edge the beam is as long as the sample
        self._slit = np.exp(instrument["slit"] * self._log_sine) * caught
        ratio, self._by_ratio = _second_lines(t.size, instrument)
        self.strength = peaks.area * self._slit * ratio
        self._share = ratio
        self.g, self.lorentz = g, lorentz
        self.parts = self._asymmetry(self._axial)
        if not jacobian:
            return
        k = t.size
        self._d = {name: np.zeros((len(shared), k)) for name in ("area", "centre", "g", "l")}
        self._by_g2 = by_g = np.where(alive, 0.5 / g, 0.0)
        given = {
            "zero": ("centre", np.ones(k)),
            "displacement": ("centre", by_displacement),
            "transparency": ("centre", by_transparency),
            "u": ("g", by_g * tan**2),
            "v": ("g", by_g * tan),
            "w": ("g", by_g),
            "x": ("l", 1 / cos),
            "y": ("l", tan),
            "line_ratio": ("area", peaks.area * self._slit * self._by_ratio),
            "slit": ("area", self.strength * self._log_sine),
            "overflow": ("area", self.strength * by_length / caught * np.radians(0.5) * np.cos(edge) / np.sin(theta)),
        }
        self._axial_row = -1
        for row, p in enumerate(shared):
            if p.name == "axial":
                self._axial_row = row
                continue
            kind, slope = given[p.name]
            self._d[kind][row] = slope

    def _asymmetry(self, axial: float) -> tuple[Index, Array, Array]:
        """The symmetrical peaks that stand for each: first of each peak's, shift (degrees), weight."""
        t = self.peaks.two_theta
        counts = np.maximum(self._nodes, 1)
        start = np.concatenate([[0], np.cumsum(counts)])
        shift, weight = np.zeros(start[-1]), np.ones(start[-1])
        for count in np.unique(self._nodes):
            if count:
                index = np.flatnonzero(self._nodes == count)
                place = start[index][None, :] + np.arange(count)[:, None]
                shift[place], weight[place] = axial_divergence(t[index], axial, axial, int(count))
        return start, shift, weight

    def pattern(self, x: Array) -> Array:
        """The pattern at unit scale, shape (n,)."""
        return np.asarray(pattern(x, self.centre0, self.strength, self.g, self.lorentz, *self.parts))

    def add_slopes(self, x: Array, first: int, factor: float, out: Array) -> None:
        """Add the derivatives of the pattern times ``factor`` to the rows of ``out``, of which the last is the axial one."""
        p, d = self.peaks, self._d
        rows = np.concatenate([np.arange(len(d["area"])), first + np.arange(len(p.d_area))])
        d_area = np.concatenate([d["area"], p.d_area * (self._slit * self._share)])
        d_centre = np.concatenate([d["centre"], p.d_two_theta])
        d_g = np.concatenate([d["g"], p.d_gauss2 * self._by_g2])
        d_l = np.concatenate([d["l"], p.d_lorentz])
        start, shift, weight = self.parts
        changes = np.zeros((2, 0))
        if self._axial_row >= 0:
            step = max(self._axial, _STEP) * _STEP
            _, shift2, weight2 = self._asymmetry(self._axial + step)
            changes = np.array([shift2 - shift, weight2 - weight]) / step
        pattern_slopes(
            *(x, self.centre0, self.strength * factor, self.g, self.lorentz, start, shift, weight, changes),
            *(rows, d_area * factor, d_centre, d_g, d_l, out),
        )


def _second_lines(count: int, instrument: Mapping[str, float]) -> tuple[Array | float, Array | float]:
    """Shares of the peaks of two spectral lines, relative to those they have nominally, and derivatives by their ratio."""
    nominal = instrument.get(_NOMINAL)
    if not nominal:
        return 1.0, 0.0
    ratio, half = instrument["line_ratio"], count // 2
    first, second = (1 + nominal) / (1 + ratio), (ratio / (1 + ratio)) * (1 + nominal) / nominal
    by_first, by_second = -first / (1 + ratio), (1 + nominal) / nominal / (1 + ratio) ** 2
    return np.repeat([first, second], half), np.repeat([by_first, by_second], half)


def axial_nodes(two_theta: Array, axial: float, width: Array) -> Index:
    """Symmetrical peaks needed for each spread by axial divergence: the more, the wider the spread beside the peak; 0: none."""
    if axial <= 0:
        return np.zeros(two_theta.size, dtype=np.int64)
    spread = np.degrees(2 * axial**2) / np.maximum(np.abs(np.tan(np.radians(two_theta))), 1e-3)
    wanted = 2.0 * spread / width
    choice = np.array([1, 2, 3, 6, 12, 24])
    return np.asarray(choice[np.clip(np.searchsorted(np.array([0.1, 0.5, 1.5, 4.0, 9.0]), wanted), 0, 5)])


def model_of(fit: Fit) -> PdProblem:
    """The problem behind a fit, whether or not curves were taken off it."""
    problem = fit.problem
    inner = problem.inner if isinstance(problem, Projected) else problem
    assert isinstance(inner, PdProblem)
    return inner
