r"""The G(r) model as a least-squares problem.

For each phase, partial by partial (a, b over elements, c atomic fractions, rho_0 number density, 0 for a free cluster),

.. math::
    G_{ab}(r) = \Big[\sum_k g_k(r) - 4 \pi \rho_0 c_a c_b r\Big]\, \gamma(r; D)\, e^{-(Q_{damp} r)^2 / 2},
    \qquad
    G(r) = \mathcal{S}^{-1}\Big[ \sum_{ab} w_{ab}(Q)\, \mathcal{S}[G_{ab}](Q),\ Q_{min} \le Q \le Q_{max} \Big].

The X-ray weights w_ab(Q) keep their dependence on Q. The lower limit Q_min acts on clusters, whose small-angle scattering it
removes; for crystals the term in rho_0 has removed it already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from whorl.core.errors import StructureError
from whorl.fitting.problem import Evaluation, LinearTerm, Parameter
from whorl.physics import envelopes, peaks
from whorl.physics.form_factors import is_tabulated, pair_weights
from whorl.physics.transforms import SineGrid, interpolation
from whorl.techniques.pdf.instrument import PdfInstrument
from whorl.techniques.pdf.phases import PhaseModel
from whorl.techniques.pdf.prepare import PdfSignal

Array = NDArray[np.float64]

STEP = 0.02  # internal grid, angstrom: a third of the narrowest peak
PAD = 4.0  # angstrom computed beyond the data, so that ripples from there come in
_TAPER = 2.0  # of which the last part fades out

SIZE_LIMITS = (6.0, 600.0)
#: envelopes of a finite crystal, with the parameter each has beside its diameter (equatorial, or median of the distribution)
SHAPES = {"sphere": None, "spheroid": "polar_diameter", "lognormal": "size_spread"}
EXTRA = 4  # parameters of a phase beside its geometry: diameter, second of the shape, delta1, delta2


@dataclass(frozen=True)
class PhaseOptions:
    """What else of a phase varies.

    ``size``: start of the particle's diameter (angstrom), ``None`` for a bulk crystal; ``shape``: a key of `SHAPES`;
    ``aspect``: start of polar over equatorial diameter of a spheroid; ``motion``: the parameter of correlated motion that
    is refined, ``"delta2"``, ``"delta1"`` or none.
    """

    size: float | None = None
    size_free: bool = False
    shape: str = "sphere"
    aspect: float = 1.0
    motion: str | None = "delta2"
    motion_start: float = 1.5
    prefix: str = ""


class PdfProblem:
    """Least-squares problem of one G(r) and one or more phases (see `whorl.fitting.Problem`)."""

    def __init__(
        self,
        signal: PdfSignal,
        phases: Sequence[PhaseModel],
        options: Sequence[PhaseOptions] | None = None,
        *,
        free_instrument: Sequence[str] = ("qdamp",),
        fixed: Mapping[str, float] | None = None,
        constant_weights: bool = False,
    ) -> None:
        self.signal = signal
        self.phases = list(phases)
        _check_elements(self.phases, signal.instrument.radiation)
        self.options = list(options) if options is not None else [PhaseOptions() for _ in phases]
        self.x, self.observed, self.weights = signal.r, signal.g, signal.weights
        self.absolute = signal.absolute
        self.independent_points = signal.independent_points
        self._fixed = dict(fixed or {})
        self._free_instrument = tuple(n for n in free_instrument if n not in self._fixed)
        self.linear = tuple(LinearTerm(f"{o.prefix}scale") for o in self.options)
        self._grid = model_grid(float(self.x[-1]))
        self._sample = _sampler(self._grid, self.x)
        self._taper = _taper(self._grid.r, float(self.x[-1]))
        self._filters = [
            band_filter(
                self._grid,
                p.symbols,
                tuple(p.fractions),
                signal.instrument,
                cluster=p.hypothesis.kind == "cluster",
                constant=constant_weights,
            )
            for p in self.phases
        ]
        self._layout()

    def _layout(self) -> None:
        everything: list[tuple[Parameter, int, int]] = []  # parameter, phase (-1: shared), slot
        for number, (phase, option) in enumerate(zip(self.phases, self.options, strict=True)):
            local = [*phase.parameters, *_extra_parameters(option)]
            everything += [(_prefixed(p, option.prefix), number, slot) for slot, p in enumerate(local)]
        everything += [(p, -1, slot) for slot, p in enumerate(_instrument_parameters(self.signal.instrument))]
        self._all = everything
        free = []
        for position, (p, phase_number, _) in enumerate(everything):
            shared_fixed = phase_number < 0 and p.name not in self._free_instrument
            if p.name not in self._fixed and not shared_fixed and not self._held(p.name, phase_number):
                free.append(position)
        self._free = np.array(free, dtype=np.int64)
        self.parameters = tuple(everything[i][0] for i in self._free)
        self._wanted = [self._free_slots(number) for number in range(len(self.phases))]
        self._values = np.array([self._fixed.get(p.name, p.value) for p, _, _ in everything])

    def _free_slots(self, number: int) -> NDArray[np.int64]:
        """Slots of a phase's own and the shared parameters that are free: only their derivatives are computed."""
        free = set(self._free.tolist())
        rows = [i for i, row in enumerate(self._all) if row[1] == number] + [i for i, row in enumerate(self._all) if row[1] < 0]
        return np.array([slot for slot, i in enumerate(rows) if i in free], dtype=np.int64)

    def _held(self, name: str, number: int) -> bool:
        if number < 0:
            return False
        option = self.options[number]
        bare = name.removeprefix(option.prefix)
        if bare in {"delta1", "delta2"}:
            return bare != option.motion
        if bare in {"polar_diameter", "size_spread"}:
            return not option.size_free or bare != SHAPES[option.shape]
        return bare == "diameter" and not option.size_free

    def full_values(self, values: Array) -> Array:
        """All parameters, the fixed ones included."""
        full = self._values.copy()
        full[self._free] = values
        return full

    def named_values(self, values: Array) -> dict[str, float]:
        """All parameters by name, the fixed ones included."""
        return {p.name: float(v) for (p, _, _), v in zip(self._all, self.full_values(values), strict=True)}

    def evaluate(self, values: Array, *, jacobian: bool) -> Evaluation:
        """G(r) of each phase at unit scale, and its derivatives."""
        full = self.full_values(values)
        shared = [i for i, row in enumerate(self._all) if row[1] < 0]
        basis = np.empty((self.x.size, len(self.phases)))
        derivatives = np.zeros((len(self._all), self.x.size, len(self.phases))) if jacobian else None
        for number, phase in enumerate(self.phases):
            own = [i for i, row in enumerate(self._all) if row[1] == number]
            curves = self._phase_curves(number, phase, full[own], full[shared], jacobian=jacobian)
            basis[:, number] = curves[0]
            if derivatives is not None:
                derivatives[[*own, *shared], :, number] = curves[1:]
        return Evaluation(basis, None if derivatives is None else derivatives[self._free])

    def _phase_curves(self, number: int, phase: PhaseModel, own: Array, shared: Array, *, jacobian: bool) -> Array:
        """Rows: G, then derivatives by own parameters and by qdamp, qbroad; on the data's points."""
        option = self.options[number]
        geometry = len(phase.parameters)
        size, second, delta1, delta2 = own[geometry:]
        qdamp, qbroad = shared
        peak_set = phase.peaks(own[:geometry])
        width = peaks.widths(peak_set.distance, peak_set.u_sum, delta1=delta1, delta2=delta2, qbroad=qbroad)
        wanted = self._wanted[number] if jacobian else self._wanted[number][:0]
        total = geometry + EXTRA + 2  # geometry, diameter, second of the shape, delta1, delta2, qdamp, qbroad
        d_distance = np.zeros((peak_set.distance.size, wanted.size))
        d_variance = np.zeros_like(d_distance)
        own_columns = wanted < geometry
        slots = wanted[own_columns]
        d_distance[:, own_columns] = peak_set.d_distance[:, slots]
        d_variance[:, own_columns] = width.by_u[:, None] * peak_set.d_u[:, slots]
        d_variance[:, own_columns] += width.by_distance[:, None] * d_distance[:, own_columns]
        for slot, change in ((2, width.by_delta1), (3, width.by_delta2), (5, width.by_qbroad)):
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
        gamma, by_size, by_second = _envelope(option, r, size, second)
        window = gamma * np.exp(-0.5 * (qdamp * r) ** 2) * self._taper
        plain = raw[:, 0].copy()
        raw *= window
        for column, slot in enumerate(wanted):
            if slot in {geometry, geometry + 1}:
                slope = by_size if slot == geometry else by_second
                ratio = np.divide(slope, gamma, out=np.zeros_like(slope), where=gamma > 1e-12)
                raw[:, 1 + column] = plain * window * ratio
            elif slot == geometry + 4:
                raw[:, 1 + column] = -plain * window * (qdamp * r**2)
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


def _envelope(option: PhaseOptions, r: Array, size: float, second: float) -> tuple[Array, Array, Array]:
    """gamma(r) of a phase and its derivatives by diameter and by the shape's second parameter, each of the shape of ``r``."""
    if option.size is None:
        return np.ones_like(r), np.zeros_like(r), np.zeros_like(r)
    if option.shape == "spheroid":
        return envelopes.spheroid(r, size, second)
    if option.shape == "lognormal":
        return envelopes.lognormal_spheres(r, size, second)
    gamma, slope = envelopes.sphere(r, size)
    return gamma, slope, np.zeros_like(r)


def _extra_parameters(option: PhaseOptions) -> list[Parameter]:
    start = float(np.clip(option.size or 50.0, *SIZE_LIMITS))
    out = [Parameter("diameter", start, *SIZE_LIMITS, "angstrom")]
    if option.shape == "lognormal":
        out.append(Parameter("size_spread", 0.2, 0.02, 0.8, "1", 0.2, 0.15))
    else:
        polar = float(np.clip(start * option.aspect, *SIZE_LIMITS))
        out.append(Parameter("polar_diameter", polar, *SIZE_LIMITS, "angstrom"))
    for name, unit, high, spread in (("delta1", "angstrom", 2.0, 0.8), ("delta2", "angstrom^2", 8.0, 2.0)):
        value = option.motion_start if option.motion == name else 0.0
        out.append(Parameter(name, min(value, high), 0.0, high, unit, 1.5 if name == "delta2" else 0.5, spread))
    return out


def _instrument_parameters(instrument: PdfInstrument) -> list[Parameter]:
    return [
        Parameter("qdamp", min(instrument.qdamp, 0.15), 0.0, 0.15, "1/angstrom", 0.035, 0.025),
        Parameter("qbroad", min(instrument.qbroad, 0.08), 0.0, 0.08, "1/angstrom", 0.01, 0.015),
    ]


def _prefixed(p: Parameter, prefix: str) -> Parameter:
    if not prefix:
        return p
    from dataclasses import replace

    return replace(p, name=prefix + p.name)


def _channel_shares(fractions: Array) -> Array:
    m = len(fractions)
    return np.array([fractions[a] * fractions[b] * (1 if a == b else 2) for a in range(m) for b in range(a, m)])


def _taper(r: Array, last: float) -> Array:
    """1 up to PAD - _TAPER beyond the data, falling to 0 at PAD: no step where the computed range ends."""
    t = np.clip((r - (last + PAD - _TAPER)) / _TAPER, 0.0, 1.0)
    return np.asarray(0.5 * (1 + np.cos(np.pi * t)))


@lru_cache(maxsize=16)
def model_grid(r_last: float) -> SineGrid:
    """Internal grid for data that end at ``r_last``."""
    return SineGrid.covering(r_last + PAD, STEP, margin=1.0)


class BandFilter:
    """Weights partials in Q, cuts the band and joins them: (channels, columns, n) to (columns, n)."""

    def __init__(self, grid: SineGrid, weights: Array | None, band: Array | None) -> None:
        self._grid = grid
        self._weights = weights
        self._band = band
        self._last = int(np.flatnonzero(band)[-1]) + 1 if band is not None else grid.n - 1

    def apply(self, raw: Array) -> Array:
        """Filter all columns."""
        if self._band is None and self._weights is None:
            return np.asarray(raw.sum(axis=0))
        last = self._last
        f = self._grid.to_q(raw)[..., :last]
        joined = f.sum(axis=0) if self._weights is None else np.einsum("cpq,cq->pq", f, self._weights[:, :last])
        padded = np.zeros((joined.shape[0], self._grid.n - 1))
        padded[:, :last] = joined if self._band is None else joined * self._band[:last]
        return self._grid.to_r(padded)


@lru_cache(maxsize=256)
def band_filter(
    grid: SineGrid,
    symbols: tuple[str, ...],
    fractions: tuple[float, ...],
    instrument: PdfInstrument,
    *,
    cluster: bool,
    constant: bool = False,
) -> BandFilter:
    """Filter of a phase; ``constant`` takes the weights at Q = 0, as codes do that work in r alone."""
    q = np.zeros(1) if constant else grid.q
    weights: Array | None = None
    if len(symbols) > 1:
        full = pair_weights(symbols, np.array(fractions), q, instrument.radiation)
        m = len(symbols)
        weights = np.array([np.broadcast_to(full[a, b], grid.q.shape) for a in range(m) for b in range(a, m)])
    low = instrument.qmin if cluster else 0.0
    band = grid.band(low, instrument.qmax) if instrument.qmax or low else None
    return BandFilter(grid, weights, band)


def _sampler(grid: SineGrid, x: Array) -> sparse.csr_matrix:
    """Sparse interpolation matrix from the grid's points (0 left out, where G = 0) to ``x``."""
    first, weights = interpolation(x, 0.0, grid.dr, grid.n)
    columns = first[:, None] + np.arange(6) - 1
    rows = np.repeat(np.arange(x.size), 6)
    keep = (columns >= 0).ravel() & (np.abs(weights).ravel() > 1e-14)
    return sparse.csr_matrix((weights.ravel()[keep], (rows[keep], columns.ravel()[keep])), shape=(x.size, grid.n - 1))
