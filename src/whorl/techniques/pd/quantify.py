"""A fixed set of phases in a fixed instrument: its parameters with their spans, its patterns, and their refinement in batches.

A `PhaseSet` holds the lines of its phases once, for `whorl.physics.powder_sets`, whose model is that of
`whorl.techniques.pd.residual` for small changes of the cells. Weight fractions follow from the scales, which are volume shares,
and the densities, the rule of Hill & Howard (J. Appl. Cryst. 20, 467 (1987), doi:10.1107/S0021889887086199).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.catalogues.records import from_record, to_record
from whorl.core.errors import StructureError, UsageError
from whorl.core.hypothesis import Crystal
from whorl.physics.powder_profiles import axial_divergence
from whorl.physics.powder_set_fits import refine_set
from whorl.physics.powder_sets import OWN, SHARED, Lines, simulate_set
from whorl.techniques.crystal_freedom import Freedom, in_own_symmetry
from whorl.techniques.pd.broadening import SCHERRER
from whorl.techniques.pd.instrument import PdInstrument
from whorl.techniques.pd.phase import PhaseOptions, PowderPhase
from whorl.techniques.pd.residual import axial_nodes
from whorl.techniques.pd.weights import density_of

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_ZOOM = 0.002  # relative change of the cell by which slopes of areas are taken
_FAINT = 1e-4  # of the strongest line of a phase, below which lines are left out
_BEYOND = 1.6  # bounds, in units of the half span from the centre


@dataclass(frozen=True)
class Spans:
    """What the parameters of a set of phases are drawn from and refined within.

    Attributes
    ----------
    cell : float
        Lengths of the cells change by up to this part either way, uniformly; angles by 50 degrees times it.
    size : (low, high)
        angstrom, log-uniform.
    strain : float
        Largest strain, uniform from 0; 0: none.
    u_change : float
        Standard deviation, angstrom^2.
    zero : float
        Standard deviation, degrees.
    displacement : float
        Standard deviation, mm.
    width : float
        Standard deviation of the logarithm of w.
    slit : float
        Standard deviation of the power of sin(theta) beside the instrument's.
    """

    cell: float = 0.006
    size: tuple[float, float] = (30.0, 800.0)
    strain: float = 0.0
    u_change: float = 0.0015
    zero: float = 0.005
    displacement: float = 0.0
    width: float = 0.15
    slit: float = 0.0


@dataclass(frozen=True)
class Refined:
    """Parameters of b patterns of m phases after a few steps.

    Attributes
    ----------
    values, sigma : array, shape (b, p)
    scales : array, shape (b, m)
        Volume shares times a constant of the measurement.
    covariance : array, shape (b, m, m)
        Of the scales.
    chi2, misfit : array, shape (b,)
        As `whorl.physics.powder_sets.refine_set` gives them.
    factors : array, shape (b, m + curves)
    """

    values: Array
    sigma: Array
    scales: Array
    covariance: Array
    chi2: Array
    misfit: Array
    factors: Array


class PhaseSet:
    """Crystals that together make every pattern of a series, in one instrument.

    Parameters
    ----------
    crystals : sequence of Crystal
    instrument : PdInstrument
        With the width ``w`` of its peaks.
    two_theta : (low, high)
        degrees
    spans : Spans
    curves : int
        B-splines of the background.

    Attributes
    ----------
    names : tuple of str
        Parameters, as in `whorl.physics.powder_sets`: ``"zero"`` ..., ``"1:a"``, ``"1:size"`` (the logarithm of 1/size).
    mean, spread, lower, upper : array, shape (p,)
        Normal priors with the first two moments of the spans, and bounds.

    Raises
    ------
    StructureError
        If a phase is no crystal or has no line in the range.

    Examples
    --------
    >>> from whorl.core.hypothesis import Site
    >>> ni = Crystal("Ni", cell=(3.524, 3.524, 3.524, 90, 90, 90), space_group="225", sites=(Site("Ni", (0, 0, 0)),))
    >>> PhaseSet([ni], PdInstrument(wavelength=1.5406, w=0.01), (30.0, 100.0)).names[4:]
    ('1:a', '1:size', '1:strain', '1:u_change')
    """

    def __init__(
        self,
        crystals: Sequence[Crystal],
        instrument: PdInstrument,
        two_theta: tuple[float, float],
        spans: Spans | None = None,
        *,
        curves: int = 14,
    ) -> None:
        self.spans = spans or Spans()
        self.instrument, self.range, self.count = instrument, two_theta, curves
        for crystal in crystals:
            if not isinstance(crystal, Crystal):
                raise StructureError("no crystal, so it has no lines", where=crystal.name, remedy="Give crystals.")
        if not crystals:
            raise UsageError("no phase is given", remedy="Name at least one structure.")
        self.crystals = tuple(in_own_symmetry(c) for c in crystals)
        tables = [_lines_of(c, instrument, two_theta) for c in self.crystals]
        freedoms = [Freedom(c, positions=False) for c in self.crystals]
        self.cell_names = tuple(f.cell_names for f in freedoms)
        joined = [np.concatenate([t[k] for t in tables]) for k in range(6)]
        matrix = np.zeros((len(tables), 6, 6))
        for j, f in enumerate(freedoms):
            matrix[j, :, : len(f.cell_names)] = f.cell_matrix
        own = [len(names) + OWN for names in self.cell_names]
        i = instrument
        q, inverse, area, power, wavelength = (np.ascontiguousarray(a) for a in joined[:5])
        start, shift, weight = _spread_axially(joined[5], wavelength, instrument, float(np.sqrt(np.prod(self.spans.size))))
        self.lines = Lines(
            first=np.cumsum([0, *(len(t[1]) for t in tables)]).astype(np.int64),
            q=q,
            inverse=inverse,
            area=area,
            power=power,
            wavelength=wavelength,
            start=start,
            shift=shift,
            weight=weight,
            cell=np.array([f.cell for f in freedoms]),
            matrix=matrix,
            row=(SHARED + np.cumsum([0, *own])).astype(np.int64),
            instrument=np.array([i.u, i.v, i.x, i.y, i.radius]),
        )
        self._contents = [c.contents for c in self.crystals]
        self._parameters(freedoms)

    def _parameters(self, freedoms: Sequence[Freedom]) -> None:
        s, i = self.spans, self.instrument
        rows: list[tuple[str, float, float, float, float]] = [
            ("zero", i.zero, s.zero, i.zero - 6 * s.zero, i.zero + 6 * s.zero),
            ("displacement", i.displacement, s.displacement, i.displacement - 5, i.displacement + 5),
            ("w", float(np.log(i.w)), s.width, float(np.log(i.w)) - 6 * s.width, float(np.log(i.w)) + 6 * s.width),
            ("slit", i.slit, s.slit, 0.0, 1.0),
        ]
        low, high = -np.log(s.size[1]), -np.log(s.size[0])
        for n, f in enumerate(freedoms, 1):
            for name in f.cell_names:
                value = float(f.cell["abc".index(name) if name in "abc" else 3 + ("alpha", "beta", "gamma").index(name)])
                half = s.cell * value if name in "abc" else 50 * s.cell
                rows.append((f"{n}:{name}", value, half / np.sqrt(3), value - _BEYOND * half, value + _BEYOND * half))
            middle, half = (low + high) / 2, (high - low) / 2
            rows += [
                (f"{n}:size", middle, half / np.sqrt(3), middle - _BEYOND * half, middle + _BEYOND * half),
                (f"{n}:strain", s.strain / 2, s.strain / np.sqrt(12), 0.0, _BEYOND * s.strain),
                (f"{n}:u_change", 0.0, s.u_change, -6 * s.u_change, 6 * s.u_change),
            ]
        self.names = tuple(row[0] for row in rows)
        self.mean, self.spread, self.lower, self.upper = (np.array([row[k] for row in rows]) for k in range(1, 5))
        self.free: Index = np.flatnonzero(self.spread > 0)

    @cached_property
    def narrowest(self) -> float:
        """Full width of the instrument's peaks in the middle of the range, degrees."""
        i = self.instrument
        tan = np.tan(np.radians(sum(self.range) / 4))
        return float(np.sqrt(max(i.u * tan**2 + i.v * tan + i.w, 1e-6)) + i.x + i.y * tan)

    def where(self, kind: str) -> Index:
        """Places of the parameters of a kind among all: ``"cell"``, ``"size"``."""
        cells = {f"{n}:{name}" for n, names in enumerate(self.cell_names, 1) for name in names}
        return np.array([k for k, n in enumerate(self.names) if (n in cells if kind == "cell" else n.endswith(f":{kind}"))])

    def phase_of(self, parameter: int) -> int:
        """Number of the phase, from 0, that a parameter belongs to; -1: shared by all."""
        return int(np.searchsorted(self.lines.row, parameter, side="right")) - 1

    def simulate(self, x: Array, values: Array) -> Array:
        """Patterns of each phase at unit scale, shape (b, m, n), for parameters of shape (b, p)."""
        return np.asarray(simulate_set(x, np.ascontiguousarray(values), self.lines))

    def refine(self, x: Array, y: Array, weights: Array, start: Array, *, steps: int = 3) -> Refined:
        """Refine parameters from a start by Gauss-Newton steps.

        Parameters
        ----------
        x : array, shape (n,)
        y, weights : array, shape (b, n)
            Intensities and 1/sigma^2.
        start : array, shape (b, p)
        steps : int
        """
        curves = background_curves(x.tobytes(), self.range, self.count)
        given = (np.ascontiguousarray(a, dtype=np.float64) for a in (x, y, weights, np.clip(start, self.lower, self.upper)))
        values, sigma, factors, covariance, chi2, misfit = refine_set(
            *given, self.mean, self.spread, self.lower, self.upper, curves, self.lines, steps
        )
        m = len(self.crystals)
        return Refined(values, sigma, factors[:, :m], covariance, chi2, misfit, factors)

    def calculated(self, x: Array, values: Array, factors: Array) -> Array:
        """Patterns with their background, shape (b, n)."""
        m = len(self.crystals)
        curves = background_curves(x.tobytes(), self.range, self.count)
        return np.asarray(np.einsum("bm,bmn->bn", factors[:, :m], self.simulate(x, values)) + factors[:, m:] @ curves)

    def densities(self, values: Array) -> Array:
        """Densities of the phases at parameters (b, p), g/cm^3, shape (b, m)."""
        out = np.empty((len(values), len(self.crystals)))
        for j, names in enumerate(self.cell_names):
            at = self.lines.row[j]
            start = self.mean[at : at + len(names)]
            change = (values[:, at : at + len(names)] - start) @ self.lines.matrix[j, :, : len(names)].T
            cell = self.lines.cell[j] + change
            cosine = np.cos(np.radians(cell[:, 3:]))
            root = np.sqrt(np.maximum(1 + 2 * cosine.prod(axis=1) - (cosine**2).sum(axis=1), 1e-12))
            out[:, j] = density_of(self._contents[j], 1.0) / (cell[:, :3].prod(axis=1) * root)
        return out

    def fractions(self, refined: Refined) -> tuple[Array, Array]:
        """Weight fractions and their standard uncertainties, shape (b, m) each."""
        rho = self.densities(refined.values)
        share = refined.scales * rho
        total = np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
        w = share / total
        eye = np.eye(len(self.crystals))
        slopes = (eye[None] * rho[:, :, None] - w[:, :, None] * rho[:, None, :]) / total[:, :, None]
        variance = np.einsum("bij,bjk,bik->bi", slopes, refined.covariance, slopes)
        return w, np.sqrt(np.maximum(variance, 0.0))

    def to_dict(self) -> dict[str, Any]:
        """Give all that makes the set again, JSON-ready."""
        return {
            "structures": [to_record(c)[0] for c in self.crystals],
            "instrument": self.instrument.model_dump(exclude_none=True),
            "range": list(self.range),
            "spans": asdict(self.spans),
            "curves": self.count,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> PhaseSet:
        """Make the set that `to_dict` described."""
        spans = dict(given["spans"])
        spans["size"] = tuple(spans["size"])
        crystals = [c for c in (from_record(text, b"") for text in given["structures"]) if isinstance(c, Crystal)]
        low, high = given["range"]
        return cls(crystals, PdInstrument(**given["instrument"]), (low, high), Spans(**spans), curves=int(given["curves"]))


def features(y: Array) -> Array:
    """What a network sees of patterns on its grid, shape (b, n): the square root of the intensity, standardised.

    Examples
    --------
    >>> features(np.array([[0.0, 4.0, 16.0]])).round(2).tolist()
    [[-1.22, 0.0, 1.22]]
    """
    root = np.sqrt(np.maximum(y, 0.0))
    root = root - root.mean(axis=-1, keepdims=True)
    return np.asarray(root / np.maximum(root.std(axis=-1, keepdims=True), 1e-12))


def smoothed_weights(variance: Array) -> Array:
    """1/sigma^2 from variances, shape (b, n), averaged over five points.

    The square root of a count is a poor sigma of itself: low counts would weigh too much, and pull the fit down.

    Examples
    --------
    >>> smoothed_weights(np.array([[1.0, 9.0, 2.0, 9.0, 4.0]])).round(2).tolist()
    [[0.25, 0.19, 0.2, 0.17, 0.2]]
    """
    padded = np.concatenate([np.zeros((len(variance), 1)), np.cumsum(variance, axis=1)], axis=1)
    n = variance.shape[1]
    low, high = np.maximum(np.arange(n) - 2, 0), np.minimum(np.arange(n) + 3, n)
    mean = (padded[:, high] - padded[:, low]) / (high - low)
    return np.asarray(np.where(mean > 0, 1 / np.maximum(mean, 1e-300), 0.0))


@lru_cache(maxsize=8)
def background_curves(x: bytes, limits: tuple[float, float], count: int) -> Array:
    """Cubic B-splines over a range at the points ``x`` (bytes of float64), shape (count, n)."""
    from scipy.interpolate import BSpline

    points = np.frombuffer(x)
    low, high = min(limits[0], points[0]), max(limits[1], points[-1])
    inner = np.linspace(low, high, max(count - 2, 2))
    knots = np.concatenate([[low] * 3, inner, [high] * 3])
    table = BSpline.design_matrix(np.clip(points, low, high), knots, 3)
    return np.ascontiguousarray(table.toarray().T)


def _lines_of(crystal: Crystal, instrument: PdInstrument, limits: tuple[float, float]) -> tuple[Array, ...]:
    """q, 1/d^2, area times volume squared, its slope, wavelength and 2 theta of the lines of a crystal, by 2 theta."""
    phase = PowderPhase(crystal, instrument, limits, PhaseOptions(displacements="none", size=False))
    nc = len(phase.parameters)
    start = np.array([p.value for p in phase.parameters])
    lengths = np.array([p.unit == "angstrom" for p in phase.parameters])
    found = []
    for zoom in (-_ZOOM, 0.0, _ZOOM):
        values = np.where(lengths, start * (1 + zoom), start)
        peaks = phase.peaks(values, slopes=False)
        found.append((peaks.two_theta, peaks.area * phase.volume(values) ** 2))
    two_theta, area = found[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        power = (np.log(found[2][1]) - np.log(found[0][1])) / (-2 * np.log((1 + _ZOOM) / (1 - _ZOOM)))
    hkl = phase.reflections.hkl[phase.starts].astype(np.float64)  # one for each set that coincides
    h, k, l = hkl.T  # noqa: E741 - Miller's letters
    q = np.column_stack([h * h, k * k, l * l, 2 * k * l, 2 * h * l, 2 * h * k])
    repeats = len(two_theta) // len(q)
    q = np.tile(q, (repeats, 1))
    wavelength = np.repeat([value for value, _ in instrument.lines], len(two_theta) // repeats)
    inverse = (2 * np.sin(np.radians(two_theta) / 2) / wavelength) ** 2
    keep = (area > _FAINT * float(area.max(initial=0.0))) & np.isfinite(power) & (area > 0)
    if nc == 0 or not np.any(keep):
        raise StructureError("no line lies in the range", where=crystal.name, remedy="Check the range and the wavelength.")
    order = np.flatnonzero(keep)[np.argsort(two_theta[keep], kind="stable")]
    return q[order], inverse[order], area[order], power[order], wavelength[order], two_theta[order]


def _spread_axially(two_theta: Array, wavelength: Array, instrument: PdInstrument, size: float) -> tuple[Index, Array, Array]:
    """Parts of each line by axial divergence: first of each line's, shift (degrees), weight."""
    tan, cos = np.tan(np.radians(two_theta) / 2), np.cos(np.radians(two_theta) / 2)
    gauss = np.sqrt(np.maximum(instrument.u * tan**2 + instrument.v * tan + instrument.w, 1e-6))
    lorentz = instrument.x / cos + instrument.y * tan + np.degrees(SCHERRER * wavelength / size / cos)
    nodes = axial_nodes(two_theta, instrument.axial, np.hypot(gauss, lorentz))
    counts = np.maximum(nodes, 1)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    shift, weight = np.zeros(start[-1]), np.ones(start[-1])
    for n in np.flatnonzero(nodes):
        part = slice(start[n], start[n + 1])
        found = axial_divergence(two_theta[n : n + 1], instrument.axial, instrument.axial, int(counts[n]))
        shift[part], weight[part] = found[0][:, 0], found[1][:, 0]
    return start, shift, weight
