r"""A geometry of the user's own: a table of genes and of parts that scatterers fill, in a TOML file.

.. code-block:: toml

    name = "dumbbell"
    [genes.radius]
    low = 20
    high = 200
    [genes.gap]
    low = 0
    high = 50
    law = "uniform"
    [[parts]]
    shape = "shell"            # or "tube", "ellipsoid"
    inner = 0
    outer = "radius"
    share = 1                  # of the scatterers, to any factor
    at = [0, 0, "radius + gap / 2"]
    [[parts]]
    shape = "shell"
    inner = 0
    outer = "radius"
    share = 1
    at = [0, 0, "-(radius + gap / 2)"]

Numbers may be formulae of the genes (`whorl.techniques.sas.solve.formula`). Concentric shells are computed in closed form; all
else by scatterers that keep their random numbers from one structure to the next, so that the intensity changes smoothly with
the genes, and by the Debye sum over their distances without the pairs of a scatterer with itself.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from whorl.core.errors import StructureError
from whorl.physics.small_angle.scatterers.debye import debye_histogram
from whorl.physics.small_angle.scatterers.placing import in_ellipsoid, in_shell, in_tube, shell_amplitude
from whorl.techniques.sas.solve.formula import compiled
from whorl.techniques.sas.solve.genes import Gene
from whorl.techniques.sas.solve.geometry import Geometry, Options, Placed, Values

Array = NDArray[np.float64]
Formula = Callable[[Mapping[str, float]], float]

_SHAPES = {"shell": ("inner", "outer"), "tube": ("inner", "outer", "length"), "ellipsoid": ("equatorial", "polar")}
_FILL: dict[str, Callable[..., Array]] = {"shell": in_shell, "tube": in_tube, "ellipsoid": in_ellipsoid}
_SCATTERERS, _SEED = 1500, 11
_GENE = {"low", "high", "unit", "meaning", "law"}


@dataclass(frozen=True)
class _Part:
    shape: str
    sizes: tuple[Formula, ...]
    share: Formula
    at: tuple[Formula, ...]
    kind: str

    def fill(self, rng: np.random.Generator, values: Values, count: int) -> Array:
        points = _FILL[self.shape](rng, count, *(size(values) for size in self.sizes))
        return np.asarray(points + np.array([place(values) for place in self.at]))


def read_geometry(path: str | Path) -> Geometry:
    """Read a geometry from a TOML file.

    Raises
    ------
    StructureError
        If it cannot be read, or is not complete.
    """
    where = str(path)
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StructureError("the geometry cannot be read", where=where, remedy="Check the path.") from error
    except tomllib.TOMLDecodeError as error:
        raise StructureError(f"this is no TOML ({error})", where=where, remedy="Repair the line.") from error
    return geometry_of(table, where=where)


def geometry_of(table: Mapping[str, Any], *, where: str = "geometry") -> Geometry:
    """Make a geometry from a table.

    Raises
    ------
    StructureError
        If it is not complete.

    Examples
    --------
    >>> ball = {
    ...     "name": "ball",
    ...     "genes": {"radius": {"low": 10, "high": 100}},
    ...     "parts": [{"shape": "shell", "inner": 0, "outer": "radius"}],
    ... }
    >>> geometry_of(ball).columns(np.array([1e-3]), {"radius": 50.0}, {}).round(3).tolist()
    [[1.0, 1.0]]
    """
    genes = tuple(_gene(name, given, where) for name, given in _table(table.get("genes"), "genes", where).items())
    names = {gene.name for gene in genes}
    given_parts = table.get("parts")
    if not genes or not isinstance(given_parts, list) or not given_parts:
        raise StructureError(
            "a geometry has at least one gene and one part", where=where, remedy="Add [genes.NAME] and [[parts]]."
        )
    parts = tuple(_part(given, names, f"{where}, part {number}") for number, given in enumerate(given_parts, 1))
    concentric = all(p.shape == "shell" for p in parts) and not any("at" in given for given in given_parts)

    def shares(values: Values) -> Array:
        found = np.array([part.share(values) for part in parts])
        return np.asarray(found / found.sum())

    def closed(q: Array, values: Values, options: Options) -> Array:
        del options
        radii = np.array([[size(values) for size in part.sizes] for part in parts])
        amplitude = shares(values) @ shell_amplitude(q, radii[:, 0], radii[:, 1])
        return np.column_stack([amplitude**2, np.ones_like(q)])

    def summed(q: Array, values: Values, options: Options) -> Array:
        del options
        placed, weight = [], []
        for number, (part, share) in enumerate(zip(parts, shares(values), strict=True)):
            count = _SCATTERERS // len(parts)
            placed.append(part.fill(np.random.default_rng([_SEED, number]), values, count))
            weight.append(np.full(count, share / count))
        amplitudes = np.concatenate(weight)
        itself = float(np.sum(amplitudes**2))
        found = debye_histogram(np.vstack(placed), amplitudes, q) - itself
        return np.column_stack([found / (1 - itself), np.ones_like(q)])

    def place(rng: np.random.Generator, values: Values, options: Options, count: int) -> Placed:
        del options
        numbers = [round(count * abs(share)) for share in shares(values)]
        points = [part.fill(rng, values, number) for part, number in zip(parts, numbers, strict=True)]
        kinds = [part.kind for part, number in zip(parts, numbers, strict=True) for _ in range(number)]
        return Placed(np.vstack(points), tuple(kinds))

    return Geometry(
        key=str(table.get("name", "user-defined")),
        title=str(table.get("title", table.get("name", "user-defined geometry"))),
        genes=genes,
        columns=closed if concentric else summed,
        terms=("scale", "background"),
        place=place,
        source=str(table.get("source", where)),
    )


def _table(given: Any, name: str, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise StructureError(f"there is no table {name}", where=where, remedy=f"Add [{name}].")
    return given


def _gene(name: str, given: Any, where: str) -> Gene:
    where = f"{where}, gene {name}"
    known = _table(given, name, where)
    if unknown := sorted(set(known) - _GENE):
        raise StructureError(f"unknown word {unknown[0]!r}", where=where, remedy=f"Use {', '.join(sorted(_GENE))}.")
    law = known.get("law", "log-uniform")
    low, high = (_number(known.get(end)) for end in ("low", "high"))
    fine = np.isfinite(low) and np.isfinite(high)
    if not fine or law not in ("log-uniform", "uniform") or not low <= high or (law == "log-uniform" and low <= 0):
        raise StructureError(
            "low and high are no span", where=where, remedy="Give two numbers in order, above 0 unless law is uniform."
        )
    unit, meaning = str(known.get("unit", "angstrom")), str(known.get("meaning", name))
    return Gene(name, low, high, unit, meaning, law, (-np.inf, np.inf))


def _number(given: Any) -> float:
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else float("nan")


def _part(given: Any, names: set[str], where: str) -> _Part:
    known = _table(given, "part", where)
    shape = known.get("shape")
    if shape not in _SHAPES:
        raise StructureError(f"shape {shape!r}", where=where, remedy=f"Use one of {', '.join(_SHAPES)}.")
    allowed = {"shape", "share", "at", "kind", *_SHAPES[shape]}
    if unknown := sorted(set(known) - allowed):
        raise StructureError(f"unknown word {unknown[0]!r}", where=where, remedy=f"Use {', '.join(sorted(allowed))}.")
    missing = [name for name in _SHAPES[shape] if name not in known]
    at = known.get("at", [0, 0, 0])
    if missing or not isinstance(at, list) or len(at) != 3:
        what = f"{missing[0]} is missing" if missing else "at is no list of three"
        raise StructureError(what, where=where, remedy=f"A {shape} has {', '.join(_SHAPES[shape])}.")
    sizes = tuple(compiled(known[name], names, where=where) for name in _SHAPES[shape])
    places = tuple(compiled(v, names, where=where) for v in at)
    kind = str(known.get("kind", "A"))[:1].upper()
    return _Part(shape, sizes, compiled(known.get("share", 1.0), names, where=where), places, kind if kind in "AB" else "A")
