r"""The G(r) model as a least-squares problem.

For each phase, partial by partial (a, b over elements, c atomic fractions, rho_0 number density, 0 for a free cluster),

.. math::
    G_{ab}(r) = \Big[\sum_k g_k(r) - 4 \pi \rho_0 c_a c_b r\Big]\, \gamma(r; D)\, e^{-(Q_{damp} r)^2 / 2},
    \qquad
    G(r) = \mathcal{S}^{-1}\Big[ \sum_{ab} w_{ab}(Q)\, \mathcal{S}[G_{ab}](Q),\ Q_{min} \le Q \le Q_{max} \Big].

The X-ray weights w_ab(Q) keep their dependence on Q. The lower limit Q_min acts on clusters, whose small-angle scattering it
removes; for crystals the term in rho_0 has removed it already. Single distances that belong to no phase (ligands, solvent) may
be added as peaks, each with a non-negative factor; they are cut to the same band.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from whorl.core.errors import StructureError
from whorl.core.hypothesis import Hypothesis
from whorl.fitting.problem import Evaluation, LinearTerm, Parameter
from whorl.physics import peaks
from whorl.physics.form_factors import is_tabulated
from whorl.techniques.pdf.band import STEP, band_filter, coarse_step, model_grid, peak_curves, sampler, taper
from whorl.techniques.pdf.instrument import PdfInstrument
from whorl.techniques.pdf.particle import (
    DELTA1,
    DELTA2,
    DIAMETER,
    EXTRA,
    SECOND,
    SHAPES,
    SIZE_LIMITS,
    PhaseOptions,
    check_cores,
    envelope,
    held,
    own_parameters,
)
from whorl.techniques.pdf.phases import PeakSet, PhaseModel
from whorl.techniques.pdf.prepare import PdfSignal

__all__ = ["EXTRA", "SHAPES", "SIZE_LIMITS", "LonePeak", "PdfProblem", "PhaseOptions"]

Array = NDArray[np.float64]

_SHARED, _PEAK = -1, -2  # groups of parameters that belong to no phase
QDAMP, QBROAD = EXTRA, EXTRA + 1  # slots after a phase's own
#: where a lone peak may lie and how wide it may be (standard deviation), angstrom
PEAK_RANGE, PEAK_WIDTHS, _PEAK_WIDTH_PRIOR = (1.0, 4.2), (0.03, 0.4), (0.1, 0.06)


@dataclass(frozen=True)
class LonePeak:
    """Start values of the peak of one distance that belongs to no phase: position and standard deviation (angstrom)."""

    position: float
    width: float


class PdfProblem:
    """Least-squares problem of one G(r) and one or more phases (see `whorl.fitting.Problem`).

    Scales are relative amounts of atoms: G(r) is normalised by the mean scattering of the whole sample, of which the phases
    hold the ``shares`` (see `balanced`). With ``apart`` each is normalised as if it were alone, which keeps the displacements
    of a phase that was fitted alone.
    """

    def __init__(
        self,
        signal: PdfSignal,
        phases: Sequence[PhaseModel],
        options: Sequence[PhaseOptions] | None = None,
        *,
        free_instrument: Sequence[str] = ("qdamp",),
        fixed: Mapping[str, float] | None = None,
        constant_weights: bool = False,
        lone_peaks: Sequence[LonePeak] = (),
        shares: Sequence[float] = (),
        coarse: bool = False,
        apart: bool = False,
    ) -> None:
        self.signal = signal
        self.phases = list(phases)
        _check_elements(self.phases, signal.instrument.radiation)
        self.options = list(options) if options is not None else [PhaseOptions() for _ in phases]
        check_cores(self.options)
        self.lone_peaks = tuple(lone_peaks)
        self.x, self.observed, self.weights = signal.r, signal.g, signal.weights
        self.absolute = signal.absolute
        self.independent_points = signal.independent_points
        self._fixed = dict(fixed or {})
        self._constant_weights, self._apart = constant_weights, apart
        self._free_instrument = tuple(n for n in free_instrument if n not in self._fixed)
        self._coarse = coarse
        self._grid = model_grid(float(self.x[-1]), coarse_step(signal.instrument.qmax) if coarse else STEP)
        self._sample = sampler(self._grid, self.x)
        self._taper = taper(self._grid.r, float(self.x[-1]))
        self._shares = tuple(shares) or (1 / len(self.phases),) * len(self.phases)
        parts = tuple((p.symbols, tuple(p.fractions), x) for p, x in zip(self.phases, self._shares, strict=True))
        self._filters = [
            band_filter(
                self._grid,
                p.symbols,
                tuple(p.fractions),
                signal.instrument,
                cluster=p.hypothesis.kind == "cluster",
                constant=constant_weights,
                mixture=() if apart or len(parts) == 1 else parts,
            )
            for p in self.phases
        ]
        self._layout()

    def with_lone_peaks(self, found: Sequence[LonePeak]) -> PdfProblem:
        """The same problem with peaks of single distances beside the phases."""
        return self._changed(found, self._shares)

    def balanced(self, values: Array | None = None) -> PdfProblem:
        """The same problem, normalised by the composition that the amounts at ``values`` (p,) give the sample.

        The mean scattering of a mixture depends on the amounts, and the amounts hardly on it.
        """
        if self._apart or len(self.phases) == 1:
            return self
        values = np.array([p.value for p in self.parameters]) if values is None else values
        root = np.sqrt(self.weights)
        factors, _ = nnls(root[:, None] * self.evaluate(values, jacobian=False).basis, root * self.observed)
        amounts = self.scales(values, factors)
        total = float(amounts.sum())
        return self._changed(self.lone_peaks, tuple(amounts / total)) if total > 0 else self

    def _changed(self, lone_peaks: Sequence[LonePeak], shares: Sequence[float]) -> PdfProblem:
        return PdfProblem(
            self.signal,
            self.phases,
            self.options,
            free_instrument=self._free_instrument,
            fixed=self._fixed,
            constant_weights=self._constant_weights,
            lone_peaks=lone_peaks,
            shares=shares,
            coarse=self._coarse,
            apart=self._apart,
        )

    def _layout(self) -> None:
        everything: list[tuple[Parameter, int, int]] = []  # parameter, phase (or group), slot
        for number, (phase, option) in enumerate(zip(self.phases, self.options, strict=True)):
            geometry = [p.prefixed(option.prefix) for p in phase.parameters]
            everything += [(p, number, slot) for slot, p in enumerate([*geometry, *own_parameters(option)])]
        everything += [(p, _SHARED, slot) for slot, p in enumerate(_instrument_parameters(self.signal.instrument))]
        everything += [(p, _PEAK, slot) for slot, p in enumerate(_peak_parameters(self.lone_peaks))]
        self._all = everything
        self._own = [[i for i, row in enumerate(everything) if row[1] == number] for number in range(len(self.phases))]
        self._instrument_rows = [i for i, row in enumerate(everything) if row[1] == _SHARED]
        self._peak_rows = [i for i, row in enumerate(everything) if row[1] == _PEAK]
        free = [i for i, (p, group, _) in enumerate(everything) if not self._is_held(p.name, group)]
        self._free = np.array(free, dtype=np.int64)
        self.parameters = tuple(everything[i][0] for i in self._free)
        self._ties = self._find_ties()
        self._wanted = [self._wanted_slots(number) for number in range(len(self.phases))]
        self._values = np.array([self._fixed.get(p.name, p.value) for p, _, _ in everything])
        with_scale = [number for number, o in enumerate(self.options) if not o.by_volume]
        terms = [LinearTerm(f"{self.options[number].prefix}scale") for number in with_scale]
        terms += [LinearTerm(f"peak{i + 1}_area") for i in range(len(self.lone_peaks))]
        self.linear = tuple(terms)
        self._column = [
            with_scale.index(number if o.core is None or not o.by_volume else o.core) for number, o in enumerate(self.options)
        ]

    def _is_held(self, name: str, group: int) -> bool:
        if name in self._fixed:
            return True
        if group == _SHARED:
            return name not in self._free_instrument
        return group >= 0 and held(self.options[group], name)

    def _find_ties(self) -> list[tuple[int, tuple[tuple[int, float], ...]]]:
        """Parameters that follow from others: a shell's outer diameter is its core's and twice its thickness."""
        out: list[tuple[int, tuple[tuple[int, float], ...]]] = []
        for number, option in enumerate(self.options):
            if option.core is not None:
                own = self._own[number][-EXTRA:]
                core = self._own[option.core][-EXTRA:]
                out.append((own[DIAMETER], ((core[DIAMETER], 1.0), (own[SECOND], 2.0))))
        return out

    def _wanted_slots(self, number: int) -> NDArray[np.int64]:
        """Slots of a phase's own and the shared parameters whose derivatives are computed: the free ones, and those tied."""
        wanted = set(self._free.tolist())
        wanted |= {i for i, sources in self._ties if any(source in wanted for source, _ in sources)}
        rows = [*self._own[number], *self._instrument_rows]
        return np.array([slot for slot, i in enumerate(rows) if i in wanted], dtype=np.int64)

    def full_values(self, values: Array) -> Array:
        """All parameters, those that are fixed or follow from others included."""
        full = self._values.copy()
        full[self._free] = values
        for i, sources in self._ties:
            full[i] = sum(factor * full[source] for source, factor in sources)
        return full

    def named_values(self, values: Array) -> dict[str, float]:
        """All parameters by name, those that are fixed or follow from others included."""
        return {p.name: float(v) for (p, _, _), v in zip(self._all, self.full_values(values), strict=True)}

    def structures(self, values: Array) -> tuple[Hypothesis, ...]:
        """The phases with what is refined of them."""
        full, first, out = self.full_values(values), 0, []
        for phase in self.phases:
            count = len(phase.parameters)
            out.append(phase.refined(full[first : first + count]))
            first += count + EXTRA
        return tuple(out)

    def tied(self) -> dict[str, dict[str, float]]:
        """Names of the parameters that follow from others, with the factors of those."""
        name = [p.name for p, _, _ in self._all]
        return {name[i]: {name[source]: factor for source, factor in sources} for i, sources in self._ties}

    def scales(self, values: Array, factors: Array) -> Array:
        """Scale of every phase, the ones that follow from volumes included, shape (phases,)."""
        full = self.full_values(values)
        out = factors[self._column]
        for number, option in enumerate(self.options):
            if option.by_volume:
                out[number] *= self._volume_ratio(number, full)[0]
        return np.asarray(out)

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """G(r) of each phase at unit scale, and its derivatives."""
        full = self.full_values(values)
        count = len(self.phases)
        phases = np.empty((self.x.size, count))
        slopes = np.zeros((len(self._all), self.x.size, count)) if jacobian else None
        shared = self._instrument_rows
        for number in range(count):
            own = self._own[number]
            curves = self._phase_curves(number, full[own], full[shared], jacobian=jacobian)
            phases[:, number] = curves[0]
            if slopes is not None:
                slopes[[*own, *shared], :, number] = curves[1:]
        if slopes is not None:
            for i, sources in self._ties:
                for source, factor in sources:
                    slopes[source] += factor * slopes[i]
        if any(o.by_volume for o in self.options):
            phases, slopes = self._joined(full, phases, slopes)
        if not self.lone_peaks:
            return Evaluation(phases, None if slopes is None else slopes[self._free])
        return self._beside_peaks(full, phases, slopes)

    def _joined(self, full: Array, phases: Array, slopes: Array | None) -> tuple[Array, Array | None]:
        """Columns of shells put into those of their cores where the amount follows from the volumes."""
        keep = [number for number, o in enumerate(self.options) if not o.by_volume]
        for number, option in enumerate(self.options):
            if not option.by_volume or option.core is None:
                continue
            ratio, slope = self._volume_ratio(number, full)
            phases[:, option.core] += ratio * phases[:, number]
            if slopes is not None:
                slopes[:, :, option.core] += ratio * slopes[:, :, number] + slope[:, None] * phases[:, number]
        return phases[:, keep], None if slopes is None else slopes[:, :, keep]

    def _volume_ratio(self, number: int, full: Array) -> tuple[float, Array]:
        """Scale of a shell over that of its core, and its derivative by all parameters.

        A scale is a share of the atoms, and they are density times volume.
        """
        core = self.options[number].core
        assert core is not None
        peak_sets = [self._peak_set(n, full[self._own[n]]) for n in (number, core)]
        inside, thickness = self._own[core][-EXTRA:][DIAMETER], self._own[number][-EXTRA:][SECOND]
        d, outer = full[inside], full[inside] + 2 * full[thickness]
        volume = outer**3 - d**3
        ratio = peak_sets[0].density * volume / (peak_sets[1].density * d**3)
        slope = np.zeros(len(self._all))
        slope[inside] = 3 * (outer**2 - d**2) / volume - 3 / d
        slope[thickness] = 6 * outer**2 / volume
        for n, peak_set, sign in ((number, peak_sets[0], 1.0), (core, peak_sets[1], -1.0)):
            slope[self._own[n][:-EXTRA]] += sign * peak_set.d_density / peak_set.density
        return float(ratio), ratio * slope

    def _beside_peaks(self, full: Array, phases: Array, slopes: Array | None) -> Evaluation:
        """The phases' columns and one of each lone peak."""
        position, width = full[self._peak_rows].reshape(-1, 2).T
        instrument = self.signal.instrument
        curves = peak_curves(self._grid, position, width, instrument, jacobian=slopes is not None)
        count, rows, _ = curves.shape
        curves = (self._sample @ curves.reshape(count * rows, -1).T).T.reshape(count, rows, -1)
        basis = np.hstack([phases, curves[:, 0].T])
        if slopes is None:
            return Evaluation(basis, None)
        everything = np.zeros((len(self._all), self.x.size, basis.shape[1]))
        everything[:, :, : phases.shape[1]] = slopes
        for i in range(count):
            everything[self._peak_rows[2 * i : 2 * i + 2], :, phases.shape[1] + i] = curves[i, 1:]
        return Evaluation(basis, everything[self._free])

    def _peak_set(self, number: int, own: Array) -> PeakSet:
        return self.phases[number].peaks(own[:-EXTRA])

    def _phase_curves(self, number: int, own: Array, shared: Array, *, jacobian: bool) -> Array:
        """Rows: G, then derivatives by own parameters and by qdamp, qbroad; on the data's points."""
        phase, option = self.phases[number], self.options[number]
        geometry = len(phase.parameters)
        size, second, delta1, delta2 = own[geometry:]
        qdamp, qbroad = shared
        peak_set = self._peak_set(number, own)
        width = peaks.widths(peak_set.distance, peak_set.u_sum, delta1=delta1, delta2=delta2, qbroad=qbroad)
        wanted = self._wanted[number] if jacobian else self._wanted[number][:0]
        total = geometry + EXTRA + 2  # geometry, the phase's other parameters, qdamp, qbroad
        d_distance = np.zeros((peak_set.distance.size, wanted.size))
        d_variance = np.zeros_like(d_distance)
        own_columns = wanted < geometry
        slots = wanted[own_columns]
        d_distance[:, own_columns] = peak_set.d_distance[:, slots]
        d_variance[:, own_columns] = width.by_u[:, None] * peak_set.d_u[:, slots]
        d_variance[:, own_columns] += width.by_distance[:, None] * d_distance[:, own_columns]
        for slot, change in ((DELTA1, width.by_delta1), (DELTA2, width.by_delta2), (QBROAD, width.by_qbroad)):
            d_variance[:, wanted == geometry + slot] = change[:, None]
        channels = len(phase.symbols) * (len(phase.symbols) + 1) // 2
        raw = peaks.peak_sum(
            peak_set.distance,
            peak_set.weight,
            width.variance,
            peak_set.channel,
            d_distance,
            d_variance,
            self._grid.dr,
            self._grid.n,
            channels,
        )
        r = self._grid.r
        if peak_set.density:
            share = _channel_shares(phase.fractions)
            line = -4 * np.pi * r
            raw[:, 0] += share[:, None] * (peak_set.density * line)
            for column, slot in enumerate(wanted):
                if slot < geometry and peak_set.d_density[slot]:
                    raw[:, 1 + column] += share[:, None] * (peak_set.d_density[slot] * line)
        gamma, by_size, by_second = envelope(option, r, size, second)
        damping = np.exp(-0.5 * (qdamp * r) ** 2) * self._taper
        plain = raw[:, 0].copy()
        raw *= gamma * damping
        for column, slot in enumerate(wanted - geometry):
            if slot in {DIAMETER, SECOND}:
                raw[:, 1 + column] = plain * damping * (by_size if slot == DIAMETER else by_second)
            elif slot == QDAMP:
                raw[:, 1 + column] = -plain * gamma * damping * (qdamp * r**2)
        curves = (self._sample @ self._filters[number].apply(raw).T).T
        out = np.zeros((1 + total, self.x.size)) if jacobian else np.asarray(curves)
        if jacobian:
            out[0] = curves[0]
            out[1 + wanted] = curves[1:]
        return out


def _check_elements(phases: Sequence[PhaseModel], radiation: str) -> None:
    for phase in phases:
        for symbol in phase.symbols:
            if not is_tabulated(symbol, radiation):
                raise StructureError(
                    f"the {radiation} scattering of {symbol} is not tabulated",
                    where=phase.hypothesis.source or phase.hypothesis.name,
                    remedy="Check the radiation and the element.",
                )


def _instrument_parameters(instrument: PdfInstrument) -> list[Parameter]:
    return [
        Parameter("qdamp", min(instrument.qdamp, 0.15), 0.0, 0.15, "1/angstrom", 0.035, 0.025),
        Parameter("qbroad", min(instrument.qbroad, 0.08), 0.0, 0.08, "1/angstrom", 0.01, 0.015),
    ]


def _peak_parameters(found: Sequence[LonePeak]) -> list[Parameter]:
    out = []
    for i, peak in enumerate(found):
        position = float(np.clip(peak.position, *PEAK_RANGE))
        out.append(Parameter(f"peak{i + 1}_position", position, *PEAK_RANGE, "angstrom"))
        width = float(np.clip(peak.width, *PEAK_WIDTHS))
        out.append(Parameter(f"peak{i + 1}_width", width, *PEAK_WIDTHS, "angstrom", *_PEAK_WIDTH_PRIOR))
    return out


def _channel_shares(fractions: Array) -> Array:
    m = len(fractions)
    return np.array([fractions[a] * fractions[b] * (1 if a == b else 2) for a in range(m) for b in range(a, m)])
