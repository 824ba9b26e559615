"""Oriented particles from a pattern in two dimensions: size, aspect ratio, order parameter, direction (CREASE-2D's question).

After S. V. R. Akepati, N. Gupta, A. Jayaraman, JACS Au 4, 1570 (2024), doi:10.1021/jacsau.4c00068; here the forward model is
exact (`whorl.physics.small_angle.scatterers.patterns`), and a size may spread. Directions are counted from qx towards qy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import UsageError
from whorl.core.hypothesis import Cluster
from whorl.core.verdict import Curve
from whorl.physics.small_angle.scatterers import patterns
from whorl.physics.small_angle.scatterers.placing import in_ellipsoid, in_tube
from whorl.techniques.sas.solve.genes import Gene, with_spans
from whorl.techniques.sas.solve.geometry import Geometry, Options, Placed, Values
from whorl.techniques.sas.solve.pattern import Pattern2D
from whorl.techniques.sas.solve.problem import SolveProblem

Array = NDArray[np.float64]

_HERMITE, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_KNOTS = 240  # of q between which the coefficients are interpolated
_PARTICLES, _EDGE = 27, 3


def _columns(squared: Callable[..., Array], first: str, second: Callable[[Values], float]) -> Callable[..., Array]:
    def columns(points: Array, values: Values, options: Options) -> Array:
        del options
        q, azimuth = points[:, 0], points[:, 1]
        sizes = np.maximum(1 + values["width"] * _HERMITE, 0.05) if values["width"] > 1e-4 else np.ones(1)
        weights = (_WEIGHTS if sizes.size > 1 else np.ones(1)) * sizes**6
        knots = np.linspace(q.min() * sizes.min(), q.max() * sizes.max() * (1 + 1e-9), _KNOTS)
        moments = patterns.coefficients(squared(knots, patterns.nodes(), values[first], second(values)))
        at = np.zeros((q.size, moments.shape[1]))
        for s, w in zip(sizes, weights / weights.sum(), strict=True):  # |F|^2 of a size s times as large, at q, is that at s q
            place = (s * q - knots[0]) / (knots[1] - knots[0])
            k = np.minimum(place.astype(np.int64), _KNOTS - 2)
            u = (place - k)[:, None]
            at += w * ((1 - u) * moments[k] + u * moments[k + 1])
        found = patterns.oriented_intensity(at, values["order"], azimuth - np.radians(values["director"]))
        return np.column_stack([np.maximum(found, 0.0), np.ones_like(q)])

    return columns


def _long(values: Values) -> float:
    return values["radius"] * values["aspect"]


def _length(values: Values) -> float:
    return 2 * values["radius"] * values["aspect"]


def _placed(
    fill: Callable[[np.random.Generator, int, Values], Array], longest: Callable[[Values], float]
) -> Callable[..., Placed]:
    def place(rng: np.random.Generator, values: Values, options: Options, count: int) -> Placed:
        """Some particles side by side, turned as the order parameter says, the director in the xy plane."""
        del options
        axes = patterns.draw_axes(rng, values["order"], _PARTICLES)
        turn = np.radians(values["director"])
        x, y = np.array([np.cos(turn), np.sin(turn), 0.0]), np.array([-np.sin(turn), np.cos(turn), 0.0])
        axes = axes[:, 2:] * x + axes[:, :1] * y + axes[:, 1:2] * np.array([0.0, 0.0, 1.0])
        step = 1.1 * max(longest(values), 2 * values["radius"])
        corner = np.array(list(np.ndindex(_EDGE, _EDGE, _EDGE))) - (_EDGE - 1) / 2
        parts = []
        for axis, at in zip(axes, corner, strict=True):
            points = fill(rng, max(count // _PARTICLES, 4), values)
            side = np.cross(axis, [0.3, 0.5, 0.8])
            side /= np.linalg.norm(side)
            frame = np.array([side, np.cross(axis, side), axis])
            parts.append(points @ frame + at * step)
        found = np.vstack(parts)
        return Placed(found, ("A",) * len(found))

    return place


def _ellipsoid(rng: np.random.Generator, count: int, values: Values) -> Array:
    return in_ellipsoid(rng, count, values["radius"], _long(values))


def _cylinder(rng: np.random.Generator, count: int, values: Values) -> Array:
    return in_tube(rng, count, 0.0, values["radius"], _length(values))


def _genes(radius: str, aspect: str, least: float) -> tuple[Gene, ...]:
    return (
        Gene("radius", 8.0, 1000.0, "angstrom", radius, limits=(1.0, 1e6)),
        Gene("aspect", least, 20.0, "1", aspect, limits=(0.02, 1000.0)),
        Gene("order", 0.0, 0.95, "1", "order parameter <P2> of the axes", "uniform", (-0.45, 0.97)),
        Gene("director", 0.0, 180.0, "degree", "direction that the axes prefer, from qx to qy", "uniform", (-180.0, 360.0)),
        Gene("width", 0.0, 0.3, "1", "relative standard deviation of the size", "uniform", (0.0, 0.4)),
    )


_SOURCE = "S. V. R. Akepati, N. Gupta, A. Jayaraman, JACS Au 4, 1570 (2024), doi:10.1021/jacsau.4c00068"

GEOMETRIES: Mapping[str, Geometry] = {
    "oriented-ellipsoids": Geometry(
        key="oriented-ellipsoids",
        title="oriented ellipsoids of revolution",
        genes=_genes("equatorial radius, mean", "polar over equatorial radius", 1.0),
        columns=_columns(patterns.ellipsoid_squared, "radius", _long),
        terms=("scale", "background"),
        place=_placed(_ellipsoid, lambda v: 2 * _long(v)),
        source=_SOURCE,
        derived=lambda v: {"polar_radius": (_long(v), "angstrom")},
    ),
    "oriented-cylinders": Geometry(
        key="oriented-cylinders",
        title="oriented cylinders",
        genes=_genes("radius, mean", "length over diameter", 1.0),
        columns=_columns(patterns.cylinder_squared, "radius", _length),
        terms=("scale", "background"),
        place=_placed(_cylinder, _length),
        source=_SOURCE,
        derived=lambda v: {"length": (_length(v), "angstrom")},
    ),
}
#: names of the geometries in two dimensions
KEYS = tuple(GEOMETRIES)


@dataclass(frozen=True)
class _Cells:
    """Cells of a pattern as a signal: q, intensity, azimuth."""

    x: Array
    y: Array
    azimuth: Array
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class PatternProblem(SolveProblem):
    """A pattern and a geometry (see `SolveProblem`); ``signal`` are its cells."""

    def columns(self, places: Array) -> Array:
        """Curves of the linear terms over the cells."""
        cells = self.signal
        points = np.column_stack([cells.x, cells.azimuth])  # type: ignore[attr-defined]
        return self.geometry.columns(points, self.values(places), self.options)

    def curve(self, places: Array) -> Curve:
        """Data and model averaged over the azimuth."""
        columns = self.columns(places)
        model = columns @ self.amounts(columns)
        x, y = self.signal.x, self.signal.y
        edges = np.linspace(x.min(), x.max() * (1 + 1e-9), 41)
        place = np.digitize(x, edges)
        kept = np.unique(place)

        def mean(values: Array) -> Array:
            return np.array([values[place == k].mean() for k in kept])

        return Curve(mean(x), mean(y), mean(model), "q (1/angstrom)", "I(q), mean over azimuth")

    def structure(self, places: Array, *, seed: int, count: int, name: str) -> Cluster:
        """Scatterers of some particles side by side."""
        return super().structure(places, seed=seed, count=count, name=name)


def pattern_problem(
    pattern: Pattern2D, geometry: str, spans: Mapping[str, tuple[float, float]], *, bands: int = 40, sectors: int = 24
) -> PatternProblem:
    """Pose the problem of a pattern and a geometry.

    Raises
    ------
    WhorlError
        If the geometry or a span cannot be used.
    """
    if geometry not in GEOMETRIES:
        raise UsageError(f"no geometry {geometry!r} in two dimensions", where="--geometry", remedy=f"Use {', '.join(KEYS)}.")
    found = GEOMETRIES[geometry]
    q, azimuth, y, error = pattern.cells(bands=bands, sectors=sectors)
    if "director" not in spans:  # long particles scatter most across their axes
        strong = 0.5 * np.degrees(np.angle(np.sum(y / error**2 * np.abs(y) * np.exp(2j * azimuth))))
        middle = float(np.mod(round(strong) + 90, 180))
        spans = {**spans, "director": (middle - 90, middle + 90)}
    said = (
        f"pattern: {q.size} cells of q and azimuth, q from {q.min():.3g} to {q.max():.3g} 1/angstrom",
        "smearing: none",
        "the beam is at qx = qy = 0",
    )
    floor = 0.005 * np.abs(y)  # of a model; a bright pixel does not decide alone
    cells = _Cells(q, y, azimuth, said)
    return PatternProblem(cells, found, with_spans(found.genes, spans), {}, np.hypot(error, floor), True)  # type: ignore[arg-type]
